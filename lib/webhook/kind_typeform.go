package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

const typeformSignature = "typeform-signature"

// typeformKind is the source kind "typeform" (webhooks.md §12). A response that
// was broken off (form_response_partial) is a lead too, once it holds a contact;
// it shares its entity with the whole one, so that both are one lead.
type typeformKind struct{ foreign }

func (typeformKind) headers() []string { return []string{typeformSignature} }

func (typeformKind) prove(d *Delivery, secret string) bool {
	digits, ok := strings.CutPrefix(d.Header[typeformSignature], "sha256=")
	given, err := base64.StdEncoding.DecodeString(digits)
	return ok && err == nil && hmac.Equal(given, keyedHash(sha256.New, []byte(secret), d.Body))
}

// deliveryID is the event's; without one the token of the response.
func (typeformKind) deliveryID(in *intake) string {
	v := in.content().object()
	if id := joined("typeform", idAt(v, "event_id")); id != "" {
		return boundedID(id)
	}
	return boundedID(joined("typeform", idAt(v, "form_response.form_id"), idAt(v, "form_response.token"), textAt(v, "event_type")))
}

func (typeformKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	response := opened(v.Get("form_response"))
	if response.Type != event.Object {
		if textAt(v, "event_type") != "" {
			return reading{ping: true} // an event that is no response
		}
		return strange("no form_response")
	}
	partial := textAt(v, "event_type") == "form_response_partial"
	answers, root := typeformAnswers(response)
	ev := in.answered(answers)
	ev.At = in.time(textAt(response, "submitted_at"))
	ev.Entity = boundedID(joined("typeform", idAt(response, "form_id"), idAt(response, "token")))
	attribute(&ev, "form_id", idAt(response, "form_id"))
	attribute(&ev, "form_name", textAt(response, "definition.title"))
	attribute(&ev, "score", textAt(response, "calculated.score"))
	if partial {
		attribute(&ev, "partial", "true")
	}
	r := in.reachable(root, ev)
	if partial && r.failure != nil {
		return reading{ping: true} // nobody yet; the whole response follows or never comes
	}
	return r
}

// typeformAnswers are the answers and hidden fields of a response, and the value
// in which the source's map looks them up: by reference, title or id of the
// question, or by path.
func typeformAnswers(response event.Value) ([]answer, event.Value) {
	titles := map[string]string{}
	for _, field := range elements(at(response, "definition.fields")) {
		titles[textAt(field, "id")] = textAt(field, "title")
	}
	root := event.Value{Type: event.Object}
	taken := map[string]bool{}
	for _, m := range response.Members {
		if m.Key != "answers" { // their values come under their names
			root.Members, taken[m.Key] = append(root.Members, m), true
		}
	}
	var answers []answer
	for _, item := range elements(response.Get("answers")) {
		kind, value := textAt(item, "type"), typeformValue(item)
		ref, id := textAt(item, "field.ref"), textAt(item, "field.id")
		title := titles[id]
		name := title
		switch {
		case kind == "email":
			name = "email"
		case kind == "phone_number":
			name = "phone"
		case usualField(ref) != "" || name == "":
			name = ref
		}
		if name == "" {
			name = id
		}
		if name != "" {
			answers = append(answers, answer{name, value})
		}
		for _, name := range []string{ref, title, id} {
			if name != "" && !taken[name] {
				root.Members, taken[name] = append(root.Members, event.Member{Key: name, Value: value}), true
			}
		}
	}
	for _, m := range opened(response.Get("hidden")).Members {
		name := m.Key
		if key := nameKey(name); key == "userid" || key == "siteuserid" {
			name = "external_id"
		}
		answers = append(answers, answer{name, m.Value})
	}
	return answers, root
}

// typeformValue is what was answered, under the name of the answer's type.
func typeformValue(item event.Value) event.Value {
	value := at(item, textAt(item, "type"))
	if value.Type != event.Object {
		return value
	}
	list := event.Value{Type: event.Array}
	for _, text := range textsAt(value, "label", "labels", "other", "amount") {
		list.Items = append(list.Items, event.Value{Type: event.String, Text: text})
	}
	return list
}
