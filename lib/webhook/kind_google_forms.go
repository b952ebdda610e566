package webhook

import "github.com/leadlake/leadlake/lib/event"

// googleFormsKind is the source kind "google-forms". Google Forms has no webhook:
// a script of the form's owner posts (webhooks.md §12), ours, which stands in
// sources/google-forms.md, or one of the many others, whose shapes are sniffed.
type googleFormsKind struct{ foreign }

func (googleFormsKind) fields() []string { return []string{"secret"} }

// deliveryID is response and time: a response that its author edits comes again
// under the same id and is another statement.
func (googleFormsKind) deliveryID(in *intake) string {
	v := in.content().object()
	if id := joined("googleforms", idAt(v, "delivery_id", "deliveryId")); id != "" {
		return boundedID(id)
	}
	id, when := googleFormsResponse(v), textAt(v, "response.timestamp", "timestamp", "submittedAt")
	if id == "" || when == "" {
		return boundedID(joined("googleforms", id))
	}
	return boundedID(joined("googleforms", id, when))
}

func googleFormsResponse(v event.Value) string {
	return idAt(v, "response.id", "responseId", "response_id")
}

func (googleFormsKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if c := in.content(); c.json && len(c.values) == 1 && c.values[0].Type == event.Array { // nothing but the list of questions
		v = event.Value{Type: event.Object, Members: []event.Member{{Key: "answers", Value: c.values[0]}}}
	}
	ev := googleFormsLead(in, v)
	ev.At = in.time(textAt(v, "response.timestamp", "timestamp", "submittedAt"))
	if ev.Client.Email == "" {
		setEmails(&ev.Client, textsAt(v, "response.email", "respondentEmail"))
	}
	ev.Entity = boundedID(joined("googleforms", googleFormsResponse(v)))
	attribute(&ev, "form_id", idAt(v, "form.id", "formId", "form_id"))
	attribute(&ev, "form_name", textAt(v, "form.title", "formTitle", "form_title"))
	return in.reachable(v, ev)
}

// googleFormsLead finds the answers: a map of titles, as a spreadsheet's event
// has it in namedValues, a list of questions, or the body itself. The first place
// that names somebody is it.
func googleFormsLead(in *intake, v event.Value) event.Event {
	for _, path := range []string{
		"response.payload", "response.answers", "payload", "namedValues", "answers", "responses", "itemResponses", "items", "data", "response", "values",
	} {
		part := opened(at(v, path))
		answers := questions(part)
		if part.Type == event.Object {
			answers = answersOf(part)
		}
		if len(answers) == 0 {
			continue
		}
		if ev := in.answered(answers); ev.Client.Identified() {
			return ev
		}
	}
	return in.answered(answersOf(v))
}

// answersOf takes the members of an object as answers; an answer may be an object
// with the value in it.
func answersOf(object event.Value) []answer {
	var answers []answer
	for _, m := range object.Members {
		value := m.Value
		if value.Type == event.Object {
			if inner := questionValue(value); inner.Type != event.Null {
				value = inner
			}
		}
		if !blanked(value.Text) {
			answers = append(answers, answer{m.Key, value})
		}
	}
	return answers
}

// questions reads [{"title": …, "answer": …}, …] under the names that scripts
// give the two.
func questions(list event.Value) []answer {
	var answers []answer
	for _, item := range list.Items {
		item = opened(item)
		name := textAt(item, "title", "question", "name", "label", "key", "item.title")
		if name != "" {
			answers = append(answers, answer{name, questionValue(item)})
		}
	}
	return answers
}

func questionValue(item event.Value) event.Value {
	for _, name := range []string{"answer", "response", "value", "values", "answers"} {
		if value := item.Get(name); value.Type != event.Null {
			return value
		}
	}
	return event.Value{}
}
