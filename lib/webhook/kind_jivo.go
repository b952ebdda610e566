package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// jivoKind is the source kind "jivo" (webhooks.md §9): chats, calls from its
// widget and messages left while nobody was there. It signs nothing; the secret
// is a part of the address.
type jivoKind struct{ foreign }

func (jivoKind) reply(*intake, *Decoded) Reply { return replyRaw(`{"result":"ok"}`) }

// jivoBody is the event's object; its documentation shows some events in an
// array.
func jivoBody(in *intake) (event.Value, *reading) {
	v, stop := in.body()
	if c := in.content(); stop == nil && c.json && len(c.values) == 1 && len(c.values[0].Items) == 1 {
		v = c.values[0].Items[0]
	}
	return v, stop
}

// deliveryID is widget, event and chat, with the message left or the status of
// the call. Data of a visitor may be updated many times in one chat, so their
// content is a part.
func (jivoKind) deliveryID(in *intake) string {
	v, stop := jivoBody(in)
	if stop != nil {
		return ""
	}
	name, chat := textAt(v, "event_name"), idAt(v, "chat_id")
	id := joined("jivo", idAt(v, "widget_id"), name)
	switch name {
	case "offline_message":
		if message := idAt(v, "offline_message_id"); message != "" {
			return joined(id, message)
		}
		return joined(id, chat)
	case "call_event":
		return joined(id, chat, textAt(v, "call.status"))
	case "chat_accepted", "chat_finished":
		return joined(id, chat)
	case "chat_updated":
		return joined(id, chat, digest(in.d.Content()))
	default:
		return joined(id, digest(in.d.Content()))
	}
}

func (jivoKind) read(in *intake) reading {
	v, stop := jivoBody(in)
	if stop != nil {
		return *stop
	}
	name := textAt(v, "event_name")
	if name == "" {
		return in.without("event_name")
	}
	kind := in.chosenKind(name)
	if kind == "" {
		switch name {
		case "chat_accepted", "chat_updated", "chat_finished":
			kind = "chat"
		case "call_event":
			kind = "call"
		case "offline_message":
			kind = "lead"
		case "client_updated", "client_attribute_updated":
			kind = "profile"
		}
	}
	ev := event.Event{Client: jivoVisitor(v), Attribution: jivoAttribution(v)}
	if chat := idAt(v, "chat_id"); chat != "" {
		ev.Entity = joined("jivo", idAt(v, "widget_id"), "chat", chat)
	}
	ev.Manager, ev.Tags = textAt(v, "agent.name", "agents.0.name", "assigned_agent.name"), jivoTags(v)
	attribute(&ev, "event_name", name)
	attribute(&ev, "department", textAt(v, "department.name"))
	attribute(&ev, "visitor_description", textAt(v, "visitor.description"))
	attribute(&ev, "visitor_number", idAt(v, "visitor.number"))
	attribute(&ev, "geoip_city", textAt(v, "session.geoip.city"))
	switch kind {
	case "lead":
		ev.Kind = event.Lead
		if message := textAt(v, "message"); message != "" {
			ev.Contact = &event.Contact{Channel: "chat", Direction: "in", Text: message}
		}
		if message := idAt(v, "offline_message_id"); message != "" {
			ev.Entity = joined("jivo", idAt(v, "widget_id"), "offline", message)
		}
	case "chat":
		jivoChat(in, &ev, v)
	case "call":
		jivoCall(in, &ev, v)
	case "profile":
		if ev.Kind = event.Profile; !ev.Client.Identified() {
			return reading{ping: true} // nobody whose data these are
		}
	default:
		return reading{ping: true} // deals and tasks of its CRM, unless the options say more
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// jivoVisitor is the person; user_token is the site's own id of him.
func jivoVisitor(v event.Value) event.Client {
	c := event.Client{Name: textAt(v, "visitor.name"), ExternalID: idAt(v, "user_token")}
	setPhones(&c, textsAt(v, "visitor.phone", "call.phone"))
	setEmails(&c, textsAt(v, "visitor.email"))
	return c
}

// jivoAttribution prefers utm_json, which tells more than the text utm; both
// leave the prefix out.
func jivoAttribution(v event.Value) event.Attribution {
	var a event.Attribution
	utm := func(name, text string) {
		if name = strings.TrimSpace(name); !strings.HasPrefix(name, "utm_") && !event.ClickID(name) {
			name = "utm_" + name
		}
		if text = strings.TrimSpace(text); text != "" {
			mark(&a, name, text)
		}
	}
	for _, m := range at(v, "session.utm_json").Members {
		utm(m.Key, first(texts(m.Value)))
	}
	for pair := range strings.SplitSeq(textAt(v, "session.utm"), "|") {
		name, text, _ := strings.Cut(pair, "=")
		utm(name, text)
	}
	attributed(&a, v.Get("analytics"))
	attributedURL(&a, textAt(v, "page.url"))
	return a
}

// jivoTags are texts or objects with a title.
func jivoTags(v event.Value) []string {
	tags := textsAt(v, "tags")
	for _, tag := range elements(v.Get("tags")) {
		if title := textAt(tag, "title", "name"); title != "" {
			tags = append(tags, title)
		}
	}
	return tags
}

func jivoChat(in *intake, ev *event.Event, v event.Value) {
	c := &event.Contact{Channel: "chat", Direction: "in", Text: textAt(v, "plain_messages")}
	ev.Kind, ev.Contact = event.ContactMade, c
	var lines []string
	for _, message := range elements(at(v, "chat.messages")) {
		if t := in.time(textAt(message, "timestamp")); t.After(ev.At) {
			ev.At = t
		}
		if text := textAt(message, "message"); text != "" {
			lines = append(lines, fullName(textAt(message, "type")+":", text))
		}
	}
	if c.Text == "" {
		c.Text = strings.Join(lines, "\n")
	}
	if rate := textAt(v, "chat.rate"); strings.Trim(rate, "0123456789.") == "" {
		c.Rating = rate
	} else {
		attribute(ev, "rate", rate)
	}
}

// jivoCall reads one status of a call. That both sides were connected is all it
// tells about the answer: end follows a call that was missed, too.
func jivoCall(in *intake, ev *event.Event, v event.Value) {
	ev.Kind, ev.Contact = event.ContactMade, &event.Contact{Channel: "call", Direction: textAt(v, "call.type")}
	status := textAt(v, "call.status")
	switch status {
	case "client_connected":
		ev.Contact.Result = "answered"
	case "error":
		ev.Contact.Result = "failed"
	}
	in.settleCall(ev)
	attribute(ev, "call_type", textAt(v, "call.type"))
	attribute(ev, "call_status", status)
}
