package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// intercomKind is the source kind "intercom" (webhooks.md §9): an envelope with a
// topic around a contact or a conversation.
type intercomKind struct{ foreign }

func (intercomKind) headers() []string { return []string{"x-hub-signature"} }

// prove checks X-Hub-Signature, the hex HMAC-SHA1 of the body with the client
// secret. Without one the secret itself must be shown.
func (intercomKind) prove(d *Delivery, secret string) bool {
	if signature, ok := d.Header["x-hub-signature"]; ok {
		return proveSHA1(d, signature, secret)
	}
	return proveShared(d, secret)
}

func (intercomKind) deliveryID(in *intake) string {
	return joined("intercom", idAt(in.content().object(), "id"))
}

func (intercomKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	word, item := textAt(v, "topic"), at(v, "data.item")
	if word == "" {
		return in.without("topic")
	}
	ev := event.Event{At: in.time(textAt(v, "created_at", "first_sent_at"))}
	attribute(&ev, "topic", word)
	switch kind := intercomKindOf(in, word); kind {
	case "chat":
		intercomConversation(&ev, v, item, word)
	case "lead", "profile", "unsubscribe":
		if inner := at(item, "contact"); inner.Type == event.Object { // a contact with what was done to it
			if tag := textAt(item, "tag.name"); strings.HasSuffix(word, "tag.created") && tag != "" {
				ev.Tags = []string{tag}
			}
			item = inner
		}
		ev.Client = intercomPerson(item)
		attributed(&ev.Attribution, item)
		ev.Attribution.Referrer = textAt(item, "referrer")
		for _, m := range at(item, "custom_attributes").Members {
			attribute(&ev, m.Key, strings.Join(texts(m.Value), "; "))
			attributed(&ev.Attribution, event.Value{Type: event.Object, Members: []event.Member{m}})
		}
		if !ev.Client.Identified() {
			return reading{ping: true} // nobody whom this could be about
		}
		ev.Kind, ev.Entity = event.Kind(kind), joined("intercom", textAt(v, "app_id"), "contact", idAt(item, "id"))
		if ev.Kind == event.Unsubscribe {
			ev.Unsubscribe = &event.Unsubscription{Channel: "email"}
		}
	default:
		return reading{ping: true} // ping, and topics that are no touch with a client
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{item}}
}

// intercomKindOf is what a topic means; options {"event:<topic>": …} wins.
func intercomKindOf(in *intake, word string) string {
	if kind := in.chosenKind(word); kind != "" {
		return kind
	}
	switch word {
	case "contact.lead.created", "contact.created":
		return "lead"
	case "contact.user.created", "contact.lead.signed_up", "contact.user.updated", "contact.lead.updated", "contact.email.updated", "contact.lead.added_email",
		"contact.user.tag.created", "contact.lead.tag.created", "contact.tag.created", "user.created", "user.email.updated":
		return "profile"
	case "contact.unsubscribed", "user.unsubscribed":
		return "unsubscribe"
	case "conversation.user.created", "conversation.user.replied", "conversation.admin.replied", "conversation.admin.single.created", "conversation.rating.added":
		return "chat"
	default:
		return ""
	}
}

// intercomPerson reads a contact; external_id (user_id before) is the site's own
// id.
func intercomPerson(v event.Value) event.Client {
	c := event.Client{Name: textAt(v, "name"), ExternalID: idAt(v, "external_id", "user_id"), ExternalIDs: named("intercom", idAt(v, "id"))}
	setPhones(&c, textsAt(v, "phone"))
	setEmails(&c, textsAt(v, "email"))
	return c
}

// intercomConversation reads one message of a chat.
func intercomConversation(ev *event.Event, v, item event.Value, word string) {
	ev.Kind, ev.Entity = event.ContactMade, joined("intercom", textAt(v, "app_id"), "conversation", idAt(item, "id"))
	c := &event.Contact{Channel: "chat", Direction: "in", Rating: textAt(item, "conversation_rating.rating")}
	ev.Contact = c
	if strings.Contains(word, ".admin.") {
		c.Direction = "out"
	}
	parts := elements(at(item, "conversation_parts.conversation_parts"))
	message := firstOf(at(item, "source"), at(item, "conversation_message"))
	if len(parts) > 0 && !strings.HasSuffix(word, ".created") {
		message = parts[len(parts)-1]
	}
	if !strings.HasSuffix(word, "rating.added") {
		c.Text = textAt(message, "body")
	}
	for _, person := range []event.Value{at(item, "contacts.contacts.0"), at(item, "contacts.0"), at(item, "user"), at(item, "source.author"), at(message, "author")} {
		if who := textAt(person, "type"); who == "admin" || who == "bot" || who == "team" {
			if ev.Manager == "" && who == "admin" {
				ev.Manager = textAt(person, "name")
			}
			continue
		}
		mergePerson(&ev.Client, intercomPerson(person))
	}
	attributedURL(&ev.Attribution, textAt(item, "source.url", "conversation_message.url"))
}

// mergePerson adds what another place in the same delivery says of the person:
// nothing that is told is overwritten, and another person adds nothing.
func mergePerson(into *event.Client, c event.Client) {
	known, other := first(into.ExternalIDs), first(c.ExternalIDs)
	if known != "" && other != "" && known != other {
		return
	}
	for _, f := range []struct {
		into *string
		text string
	}{{&into.Name, c.Name}, {&into.Phone, c.Phone}, {&into.Email, c.Email}, {&into.ExternalID, c.ExternalID}} {
		if *f.into == "" {
			*f.into = f.text
		}
	}
	if len(into.ExternalIDs) == 0 {
		into.ExternalIDs = c.ExternalIDs
	}
}

// firstOf is the first value that is there.
func firstOf(values ...event.Value) event.Value {
	for _, v := range values {
		if v.Type != event.Null {
			return v
		}
	}
	return event.Value{}
}
