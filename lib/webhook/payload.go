package webhook

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// meaning is what the source's configuration makes of a sender's name for an
// event: an order if orders has the name, a step of the funnel if stages has it,
// else what options says, "lead", "profile", "contact:call", "ignore".
type meaning struct {
	kind    event.Kind // empty: nothing is said
	channel string     // of a contact
	ignore  bool
}

func (in *intake) meaning(word string) meaning {
	if word == "" {
		return meaning{}
	}
	if text := in.chosenKind(word); text != "" {
		kind, channel, _ := strings.Cut(text, ":")
		if kind == "ignore" {
			return meaning{ignore: true}
		}
		return meaning{kind: event.Kind(kind), channel: channel}
	}
	if in.orderWord(word) {
		return meaning{kind: event.OrderChange}
	}
	if _, ok := in.d.Source.Stages[word]; ok {
		return meaning{kind: event.Stage}
	}
	return meaning{}
}

// orderWord reports whether the source's orders has a word.
func (in *intake) orderWord(word string) bool {
	for name := range in.d.Source.Orders.Map {
		if strings.EqualFold(name, word) {
			return true
		}
	}
	return false
}

// apply gives an event its kind with what the kind needs; a failure says what is
// missing. word is the sender's name for what happened.
func (m meaning) apply(in *intake, ev *event.Event, word string) *Failure {
	if m.kind != "" {
		ev.Kind = m.kind
	}
	lacks := func(what string) *Failure {
		return &Failure{Reason: ReasonInvalidEvent, Detail: "kind " + string(ev.Kind) + " needs " + what}
	}
	switch ev.Kind {
	case event.Lead:
	case event.OrderChange:
		switch {
		case in.d.Source.Orders.None:
			ev.Kind = event.Lead
		case ev.Order == nil || ev.Order.ID == "":
			return lacks("an order id; name it in the source's map as order_id")
		}
	case event.Stage:
		if _, ok := in.d.Source.Stages[ev.Stage]; !ok && !slices.Contains(in.cfg.Funnel, ev.Stage) {
			ev.Stage = word
		}
		if _, ok := in.d.Source.Stages[ev.Stage]; !ok && !slices.Contains(in.cfg.Funnel, ev.Stage) {
			return lacks("a stage that the funnel or the source's stages know")
		}
	case event.ContactMade:
		if ev.Contact == nil {
			ev.Contact = &event.Contact{Direction: "in"}
		}
		if m.channel != "" {
			ev.Contact.Channel = m.channel
		}
		if ev.Contact.Channel == "" {
			return lacks("a channel, such as contact:call in the source's options")
		}
	case event.Unsubscribe:
		ev.Unsubscribe = &event.Unsubscription{Channel: m.channel}
	case event.ConsentSaid:
		if len(ev.Consents) == 0 {
			return lacks("a consent; name its field in the source's consents")
		}
	case event.Profile, event.Erase:
	default:
		return &Failure{Reason: ReasonInvalidEvent, Detail: "the source's options name a kind that an envelope cannot make"}
	}
	if !ev.Client.Identified() && ev.Kind != event.OrderChange {
		return &Failure{Reason: ReasonNoContact, Detail: "no phone or e-mail under a usual name; name the fields in the source's map"}
	}
	return nil
}

// payload reads what an envelope of a standard carries: native events, or flat
// fields by their usual names, an order where an order's id is among them. word
// is the envelope's name for what happened, root the whole of it, where the
// source's map looks too.
func (in *intake) payload(root, v event.Value, word string) reading {
	m := in.meaning(word)
	if m.ignore {
		return reading{ping: true}
	}
	v = opened(v)
	if v.Type != event.Array || len(v.Items) == 1 {
		if v.Type == event.Array {
			v = v.Items[0]
		}
		return in.carried(root, opened(v), word, m)
	}
	var r reading
	for i, item := range v.Items {
		item = opened(item)
		r.part(i, in.carried(item, item, word, m)) // the root holds the others too
	}
	return r.whole()
}

// carried reads one of the things that an envelope carries.
func (in *intake) carried(root, v event.Value, word string, m meaning) reading {
	if native(v) {
		ev, faults := event.FromJSON(translated(in, v), "data", in.cfg.Defaults(in.d.Source))
		if len(faults) > 0 {
			return reading{failure: invalidEvent(faults)}
		}
		return reading{events: []event.Event{ev}}
	}
	ev, failure := in.flat(root, v, word, m)
	if failure != nil {
		return reading{failure: failure}
	}
	return reading{events: []event.Event{ev}}
}

func (in *intake) flat(root, v event.Value, word string, m meaning) (event.Event, *Failure) {
	if v.Type != event.Object {
		v = event.Value{Type: event.Object}
	}
	fields := newFieldSet(in, v)
	for _, m := range opened(v.Get("order")).Members { // the buyer may stand in the order
		if _, ok := container(m.Key); (ok || nameKey(m.Key) == "client") && m.Value.Type == event.Object {
			fields.open(m.Value, joinPath("order", m.Key), "", 1)
		} else if usual := usualField(m.Key); usual == "phone" || usual == "email" {
			fields.add(m.Key, joinPath("order", m.Key), m.Value)
		}
	}
	ev := fields.lead()
	if !in.d.Source.Orders.None && ev.Order == nil {
		if o := fields.plainOrder(&ev, v, word); o != nil {
			ev.Kind, ev.Order = event.OrderChange, o
		}
	}
	fields.keepRest(&ev)
	attribute(&ev, "event_type", word)
	ev.Consents = nil // overlay finds them in the whole
	overlay(in, root, &ev)
	return ev, m.apply(in, &ev, word)
}

// plainOrder reads an order from fields with plain names, beside the others or in
// an object order; nil where there is no order id.
func (s *fieldSet) plainOrder(ev *event.Event, v event.Value, word string) *event.Order {
	inner := opened(v.Get("order"))
	pick := func(names ...string) string {
		for _, name := range names {
			text := textAt(v, name)
			if text == "" {
				text = textAt(inner, name)
			}
			if text != "" {
				s.texts(name)
				return text
			}
		}
		return ""
	}
	id := pick("order_id", "orderId", "orderid")
	if id == "" {
		id = textAt(inner, "id")
	}
	if id == "" || id == "0" {
		return nil
	}
	for i := range s.fields {
		if s.fields[i].name == "order" && inner.Type == event.Object {
			s.fields[i].used = true
		}
	}
	ev.Order = &event.Order{ID: id, Currency: code(pick("currency", "currency_code"))}
	s.in.setStatus(ev, s.in.plainStatus(pick("status", "order_status"), word), nil)
	o := ev.Order
	s.in.setAmount(ev, &o.Total, "total", pick("amount", "total", "total_price", "total_amount", "sum"), o.Currency)
	s.in.setAmount(ev, &o.Shipping, "shipping", pick("delivery_amount", "shipping", "delivery_price", "shipping_price"), o.Currency)
	for _, from := range []event.Value{v, inner} {
		for _, name := range []string{"items", "products", "line_items"} {
			if list := elements(from.Get(name)); len(o.Items) == 0 && len(list) > 0 {
				o.Items = s.in.items(list, o.Currency, event.Item{
					SKU: "sku|product_id|id", Name: "name|title", Category: "category", Quantity: "quantity|qty|count", Price: "price", Sum: "sum|total|amount",
				})
				for i := range s.fields {
					s.fields[i].used = s.fields[i].used || s.fields[i].name == name && len(o.Items) > 0
				}
			}
		}
	}
	return o
}

// plainStatus is the word for an order's status: the order's own, else the name
// of the event where the source's orders has it, else the last part of that name
// (shop.order.paid) where it is a status of ours.
func (in *intake) plainStatus(said, word string) string {
	if said != "" {
		return said
	}
	if in.orderWord(word) {
		return word
	}
	last := strings.ToLower(word[strings.LastIndexAny(word, "./:_-")+1:])
	if event.StatusRank(last) >= 0 {
		return last
	}
	return ""
}
