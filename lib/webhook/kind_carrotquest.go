package webhook

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

// carrotQuestKind is the source kind "carrotquest" (webhooks.md §9): forms whose
// fields hold JSON, with a token that proves them. What an event of the site
// means is the owner's to say, by its name: stages makes it a step of the funnel,
// orders an order, options {"event:<name>": …} a lead, order, contact, profile or
// ignore. Without a word of his it is a profile: who the person is is kept, and
// nothing is counted.
type carrotQuestKind struct{ foreign }

func (carrotQuestKind) fields() []string { return []string{"token"} }

// prove looks for the token, also in a body that is base64 as a whole.
func (carrotQuestKind) prove(d *Delivery, secret string) bool {
	plain := *d
	if text, ok := unwrapBase64(d.Body); ok {
		plain.Body = text
	}
	return proveShared(&plain, secret)
}

// note blanks the token inside of a body that is base64 as a whole: no rule for
// fields finds it there. The length stays.
func (carrotQuestKind) note(d *Delivery) {
	text, ok := unwrapBase64(d.Body)
	if !ok {
		return
	}
	if clean := blankFields(text, []string{"token", "key", "secret", "api_key", "apikey"}); !bytes.Equal(clean, text) {
		body := bytes.TrimSpace(d.Body)
		encoded := []byte(base64.StdEncoding.EncodeToString(clean))
		d.Body = bytes.Replace(d.Body, body, encoded[:min(len(body), len(encoded))], 1)
	}
}

// unwrapBase64 opens a body that is base64 as a whole and holds a form or JSON.
func unwrapBase64(body []byte) ([]byte, bool) {
	body = bytes.TrimSpace(body)
	if len(body) < 8 || bytes.ContainsAny(body, "{&% \r\n") {
		return nil, false
	}
	text, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil || !utf8.Valid(text) || !bytes.HasPrefix(text, []byte("{")) && !bytes.Contains(text, []byte("type=")) {
		return nil, false
	}
	return text, true
}

// carrotBody is the fields of the form, base64 undone where it is.
func carrotBody(in *intake) (event.Value, *reading) {
	if in.parsed == nil {
		if text, ok := unwrapBase64(in.d.Body); ok {
			d := *in.d
			d.Body = text
			in.parsed = readContent(&d)
		}
	}
	return in.body()
}

// carrotPart is the message of a conversation: an object, JSON in a text, or
// that in base64.
func carrotPart(v event.Value) event.Value {
	part := opened(v.Get("conversation"))
	if part.Type == event.String {
		if text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part.Text)); err == nil {
			part = opened(event.Value{Type: event.String, Text: string(text)})
		}
	}
	return part
}

func (carrotQuestKind) deliveryID(in *intake) string {
	v, stop := carrotBody(in)
	if stop != nil {
		return ""
	}
	switch textAt(v, "type") {
	case "conversation":
		return joined("carrotquest", "message", idAt(carrotPart(v), "id"))
	case "message_webhook":
		return joined("carrotquest", "sending", idAt(v, "sending_id"))
	default:
		return joined("carrotquest", idAt(v, "event_id", "event.id"))
	}
}

func (carrotQuestKind) read(in *intake) reading {
	v, stop := carrotBody(in)
	if stop != nil {
		return *stop
	}
	if textAt(v, "type") == "conversation" {
		return carrotConversation(in, v)
	}
	ev := event.Event{At: in.time(textAt(v, "event.created"))}
	carrotUser(&ev, v)
	name := textAt(v, "event_name", "event.type.name")
	if textAt(v, "type") == "message_webhook" {
		name = "message_webhook"
		copyAttributes(&ev, v, "message_id")
	}
	if name == "" {
		return in.without("event_name")
	}
	attribute(&ev, "event", name)
	props := at(v, "event.props")
	for _, m := range opened(props).Members {
		attribute(&ev, m.Key, strings.Join(texts(m.Value), "; "))
	}
	attributed(&ev.Attribution, props)
	if !carrotMeaning(in, &ev, v, name) {
		return reading{ping: true}
	}
	if ev.Kind == event.Profile && !ev.Client.Identified() {
		return reading{ping: true}
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// carrotMeaning gives an event its kind; false for one to ignore.
func carrotMeaning(in *intake, ev *event.Event, v event.Value, name string) bool {
	ev.Kind = event.Profile
	source := in.d.Source
	order := in.orderWord(name)
	if _, ok := source.Stages[name]; ok {
		ev.Kind, ev.Stage = event.Stage, name
	}
	kind, channel, _ := strings.Cut(in.chosenKind(name), ":")
	if channel == "" {
		channel = "visit"
	}
	switch {
	case kind == "ignore":
		return false
	case order || kind == "order":
		carrotOrder(in, ev, v, name)
	case kind == "lead":
		ev.Kind = event.Lead
	case kind == "contact":
		ev.Kind, ev.Contact = event.ContactMade, &event.Contact{Channel: channel, Direction: "in"}
	case kind == "profile":
		ev.Kind = event.Profile
	}
	return true
}

// carrotOrder reads an order. One without a number is known by its event. Where
// the source's amounts are no orders, it is a lead with its value.
func carrotOrder(in *intake, ev *event.Event, v event.Value, name string) {
	o := &event.Order{ID: idAt(v, "event.props.$order_id", "event.props.order_id"), Currency: code(textAt(v, "event.props.$currency", "event.props.currency"))}
	if o.ID == "" {
		o.ID = joined("carrotquest", idAt(v, "event_id", "event.id"))
	}
	if o.ID == "" {
		o.ID = "carrotquest:" + digest(in.d.Content())
	}
	ev.Order = o
	in.setAmount(ev, &o.Total, "order_amount", textAt(v, "event.props.$order_amount", "event.props.order_amount"), o.Currency)
	if in.d.Source.Orders.None {
		ev.Kind = event.Lead
		return
	}
	ev.Kind = event.OrderChange
	in.setStatus(ev, name, nil)
}

// carrotUser reads the person: id is Carrot quest's own, user_id inside of user
// is the site's; user_id beside it is Carrot quest's again.
func carrotUser(ev *event.Event, v event.Value) {
	props := at(v, "user.props")
	c := &ev.Client
	c.ExternalIDs = named("carrotquest", idAt(v, "user.id", "user_id", "event.user"))
	c.ExternalID, c.Name, c.City = idAt(v, "user.user_id"), textAt(props, "$name"), textAt(props, "$city")
	setPhones(c, textsAt(props, "$phone"))
	setEmails(c, textsAt(props, "$email"))
	attributed(&ev.Attribution, props)
	ev.Attribution.Referrer = textAt(props, "$initial_referrer")
}

// carrotConversation reads one message of a chat, from the user (u2a) or to him.
func carrotConversation(in *intake, v event.Value) reading {
	part := carrotPart(v)
	if part.Type != event.Object {
		return reading{failure: &Failure{Reason: ReasonMalformedJSON, Detail: "the field conversation holds no JSON object"}}
	}
	ev := event.Event{Kind: event.ContactMade, At: in.time(textAt(part, "created"))}
	ev.Entity = joined("carrotquest", "conversation", idAt(part, "conversation"))
	carrotUser(&ev, v)
	c := &event.Contact{Channel: "chat", Direction: "out", Text: readable(textAt(part, "body"))}
	if textAt(part, "direction") != "a2u" {
		c.Direction = "in"
		if len(ev.Client.ExternalIDs) == 0 {
			ev.Client.ExternalIDs = named("carrotquest", idAt(part, "from", "from.id"))
		}
	}
	ev.Contact, ev.Manager, ev.Tags = c, textAt(part, "assignee.name"), textsAt(part, "conversation_tags")
	return reading{events: []event.Event{ev}, roots: []event.Value{part}}
}

// readable undoes base64 of a message where the result is beyond doubt a text in
// another alphabet than base64's; a word that merely looks so is left alone.
func readable(text string) string {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(text) < 8 || !utf8.Valid(plain) {
		return text
	}
	letters, broken := countRunes(plain)
	if letters == 0 || broken > 0 || bytes.ContainsFunc(plain, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
		return text
	}
	return string(plain)
}
