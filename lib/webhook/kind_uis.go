package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// uisKind is the source kind "uis": UIS, CoMagic, CallGear (webhooks.md §8). The
// owner types the template of each notification himself, JSON or the parameters
// of a GET, from documented placeholders. One call is told in many notifications.
type uisKind struct{ foreign }

// uisBody is the notification. Where a placeholder was empty and the template
// put no quotes around it, the text is no JSON: such a gap is read as null. The
// stored bytes stay as they came.
func uisBody(in *intake) (event.Value, *reading) {
	if c := in.content(); c.failure != nil && c.failure.Reason == ReasonMalformedJSON {
		if text, ok := fillGaps(in.d.Body); ok {
			d := *in.d
			d.Body = text
			if filled := readContent(&d); filled.failure == nil {
				in.parsed = filled
			}
		}
	}
	return in.body()
}

// fillGaps puts null where a colon outside of a string is followed by a comma or
// a closing brace.
func fillGaps(text []byte) (filled []byte, changed bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := stringEnd(text, i)
			if end < 0 {
				return nil, false
			}
			filled = append(filled, text[i:end+1]...)
			i = end
			continue
		case ':':
			next := i + 1
			for next < len(text) && strings.IndexByte(" \t\r\n", text[next]) >= 0 {
				next++
			}
			if next < len(text) && (text[next] == ',' || text[next] == '}') {
				filled, changed = append(filled, ": null"...), true
				continue
			}
		}
		filled = append(filled, text[i])
	}
	return filled, changed
}

func (uisKind) deliveryID(in *intake) string {
	v, stop := uisBody(in)
	if stop != nil {
		return ""
	}
	what := textAt(v, "notification_mnemonic")
	if what == "" {
		what = topic(in)
	}
	if id := idAt(v, "call_session_id"); id != "" {
		if id = joined("uis", id, what); id != "" && idAt(v, "leg_id") != "" { // told once for each leg
			return joined(id, idAt(v, "leg_id"))
		}
		return id
	}
	return joined("uis", uisCommunication(v), what)
}

// uisCommunication is the id of a communication that is no call.
func uisCommunication(v event.Value) string {
	return idAt(v, "communication_id", "chat_id")
}

func (uisKind) read(in *intake) reading {
	v, stop := uisBody(in)
	if stop != nil {
		return *stop
	}
	if len(v.Members) == 0 {
		return in.without("call_session_id")
	}
	call := idAt(v, "call_session_id")
	ev := event.Event{Contact: &event.Contact{Channel: "call"}}
	setPhones(&ev.Client, textsAt(v, "contact_phone_number"))
	setEmails(&ev.Client, textsAt(v, "contact_email", "visitor_email"))
	ev.Client.Name = textAt(v, "contact_full_name", "visitor_name")
	ev.Client.ExternalIDs = append(named("uis_visitor", idAt(v, "visitor_id")), named("uis_contact", idAt(v, "contact_id"))...)
	if ev.At = in.time(textAt(v, "start_time")); ev.At.IsZero() {
		ev.At = in.time(textAt(v, "notification_time"))
	}
	ev.Manager, ev.Tags = textAt(v, "employee_full_name"), textsAt(v, "tag_names")
	attributed(&ev.Attribution, v)
	copyAttributes(&ev, v, "notification_mnemonic", "virtual_phone_number", "scenario_name", "call_source", "advertising_campaign", "search_query",
		"search_engine", "wait_time_duration", "total_time_duration")
	kind := in.chosenKind(textAt(v, "notification_mnemonic"))
	if kind == "" {
		if kind = "call"; call == "" {
			kind = "lead"
		}
	}
	switch kind {
	case "call", "chat", "lead":
	default:
		return reading{ping: true} // the owner says that it is nothing to us
	}
	if ev.Entity = joined("uis", call); call == "" {
		ev.Entity = joined("uis", kind, uisCommunication(v))
		if !ev.Client.Identified() && len(in.d.Source.Map) == 0 {
			return noContact()
		}
	}
	uisContact(in, &ev, v, kind)
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// uisContact fills in what only calls, chats and requests have.
func uisContact(in *intake, ev *event.Event, v event.Value, kind string) {
	c := ev.Contact
	switch kind {
	case "lead":
		ev.Kind, ev.Contact = event.Lead, nil
		if text := textAt(v, "message", "text"); text != "" {
			ev.Contact = &event.Contact{Channel: "form", Direction: "in", Text: text}
		}
	case "chat":
		ev.Kind, c.Channel, c.Direction, c.Text = event.ContactMade, "chat", "in", textAt(v, "message", "text")
	default:
		ev.Kind, c.Direction, c.Seconds = event.ContactMade, textAt(v, "direction"), textAt(v, "talk_time_duration")
		if lost, told := yes(textAt(v, "is_lost")); told {
			c.Result = "answered"
			if lost {
				c.Result = "missed"
			}
		}
		in.settleCall(ev)
	}
}
