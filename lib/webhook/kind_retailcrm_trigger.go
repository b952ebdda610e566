package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// retailcrmTrigger is what a trigger says about an order, under the names of our
// template or those of the source's map.
type retailcrmTrigger struct {
	fields                              *fieldSet
	id, external, number                string
	status, total, shipping, currency   string
	changed, created, customer, visitor string
}

func newRetailcrmTrigger(in *intake, v event.Value) *retailcrmTrigger {
	s := newFieldSet(in, v)
	t := &retailcrmTrigger{fields: s}
	// pick takes one field: by the map where it names one, else by our template.
	pick := func(ours string, names ...string) string {
		if text := s.takeMapped(ours); text != "" {
			return text
		}
		for _, name := range names {
			if text := first(s.texts(name)); text != "" {
				return text
			}
		}
		return ""
	}
	none := func(id string) string {
		if id == "0" {
			return ""
		}
		return id
	}
	// What the map calls order_id is the id that other systems of the shop know.
	mapped := none(s.takeMapped("order_id"))
	t.id = none(pick("", "order_id", "orderId"))
	t.external = none(pick("", "external_id", "externalId", "order_external_id"))
	if mapped != "" {
		t.external = mapped
	}
	t.number = pick("", "number", "order_number")
	t.status = pick("order_status", "status", "order_status")
	t.total = pick("total", "total", "totalSumm", "total_summ")
	t.shipping = pick("shipping", "shipping", "delivery_cost")
	t.currency = pick("currency", "currency")
	if t.id == "" && (t.status != "" || t.total != "") { // else it may be a customer's
		t.id = none(pick("", "id"))
	}
	t.changed = pick("at", "changed_at", "status_updated_at", "statusUpdatedAt")
	t.created = pick("", "created_at", "createdAt")
	t.customer = none(pick("external_id", "customer_external_id", "site_user"))
	t.visitor = none(pick("", "customer_id", "customerId"))
	for i := range s.fields { // a secret, and the owner's margin, however deep it stands
		f := &s.fields[i]
		name := nameKey(f.name)
		if f.name == "key" || f.name == "apiKey" || strings.HasPrefix(name, "purchase") || strings.Contains(f.value.JSON(), "purchase") {
			f.used = true
		}
	}
	return t
}

// anyID is what a delivery's id is made of.
func (t *retailcrmTrigger) anyID() string {
	for _, id := range []string{t.id, t.external, t.number} {
		if id != "" {
			return id
		}
	}
	return ""
}

// trigger reads the fields that a trigger's owner typed. A fieldSet applies the
// source's map and consent rules by itself.
func (retailcrmKind) trigger(in *intake, v event.Value) reading {
	t := newRetailcrmTrigger(in, v)
	s := t.fields
	ev := s.lead()
	ev.Order = nil
	ev.At = in.time(t.changed)
	if ev.At.IsZero() {
		attribute(&ev, "at_unread", t.changed)
	}
	if t.customer != "" {
		ev.Client.ExternalID = t.customer
	}
	ev.Client.ExternalIDs = named("retailcrm_customer", t.visitor)
	attribute(&ev, "order_number", t.number)
	if ev.Client.Name == "" {
		ev.Client.Name = fullName(ev.Client.FirstName, ev.Client.LastName)
	}
	switch {
	case t.anyID() != "":
		ev.Kind = event.OrderChange
		o := &event.Order{ID: retailcrmOrderID(in, t.external, t.id, t.number), Currency: code(t.currency)}
		ev.Order = o
		in.setAmount(&ev, &o.Total, "total", t.total, o.Currency)
		in.setAmount(&ev, &o.Shipping, "shipping", t.shipping, o.Currency)
		paid := first(s.texts("full_paid_at")) != ""
		retailcrmStatus(in, &ev, t.status, paid)
		if ev.At.IsZero() && t.status == "" {
			ev.At = in.time(t.created)
		}
	case !ev.Client.Identified():
		return reading{failure: &Failure{Reason: ReasonNoContact, Detail: "neither an order nor a client under the names of the template; name the fields in the source's map"}}
	case t.visitor != "" || t.customer != "":
		ev.Kind = event.Profile
	}
	s.keepRest(&ev)
	if ev.Order != nil {
		retailcrmNoOrder(in, &ev, joined("retailcrm", t.anyID()))
	}
	ev.Files = in.content().files
	return reading{events: []event.Event{ev}}
}
