package webhook

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
)

// ecwidKind is the source kind "ecwid" (webhooks.md §10). Its hooks are thin, and
// their signature covers the id and the time of the event but not the body, so
// nothing in it is believed but which object to ask for. The order or customer
// that was fetched comes through the same adapter.
type ecwidKind struct{ foreign }

func (ecwidKind) headers() []string { return []string{"x-ecwid-webhook-signature"} }

// prove checks the signature over "{eventCreated}.{eventId}".
func (ecwidKind) prove(d *Delivery, secret string) bool {
	v := readContent(d).object()
	created, id := textAt(v, "eventCreated"), textAt(v, "eventId")
	return created != "" && id != "" && shopSignature([]byte(created+"."+id), d.Header["x-ecwid-webhook-signature"], secret)
}

func (ecwidKind) deliveryID(in *intake) string {
	v := in.content().object()
	return joined("ecwid", idAt(v, "storeId"), textAt(v, "eventId"))
}

func (k ecwidKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	has := func(key string) bool { return v.Get(key).Type != event.Null }
	switch {
	case has("eventId"), has("eventType"), has("entityId"):
		return k.hook(in, v)
	case has("paymentStatus"), has("fulfillmentStatus"), has("orderNumber"):
		return k.order(in, v)
	case has("email"), has("billingPerson"), has("totalOrderCount"):
		return k.customer(in, v)
	default:
		return incomplete("eventId")
	}
}

// hook says that something happened to an order or to a customer.
func (k ecwidKind) hook(in *intake, v event.Value) reading {
	kind := textAt(v, "eventType")
	if kind == "" {
		for _, p := range splitPairs([]byte(in.d.Query), maxPairs) {
			if strings.EqualFold(string(p.key), "eventtype") {
				kind = string(p.value)
			}
		}
	}
	created := in.time(textAt(v, "eventCreated"))
	switch what, act, _ := strings.Cut(strings.ToLower(kind), "."); {
	case what == "order":
		id := idAt(v, "data.orderId")
		if id == "" {
			id = idAt(v, "entityId") // an older form names the number, which the API takes too
		}
		if id == "" {
			return incomplete("data.orderId")
		}
		if act == "deleted" {
			r := in.deleted(k.key(in, "order", id), id)
			for i := range r.events {
				r.events[i].At = created
			}
			return r
		}
		ev := event.Event{
			Kind: event.OrderChange, Entity: k.key(in, "order", id), At: created, Fetch: "GET order " + id,
			Order: &event.Order{ID: id}, // no status: what the body says of it is not signed
		}
		in.sold(&ev)
		return reading{events: []event.Event{ev}}
	case what == "customer" && act != "deleted":
		id := idAt(v, "entityId")
		if id == "" {
			return incomplete("entityId")
		}
		return reading{events: []event.Event{{Kind: event.Profile, Entity: k.key(in, "customer", id), At: created, Fetch: "GET customer " + id}}}
	default: // products, unfinished orders, profile of the store
		return reading{ping: true}
	}
}

func (ecwidKind) key(in *intake, what, id string) string {
	return joined("ecwid", in.d.Source.ShopOf(), what, id)
}

// fetch asks the REST API for an order or a customer. The base of the source's
// fetch holds the number of the store: https://app.ecwid.com/api/v3/1003.
func (ecwidKind) fetch(ctx context.Context, c *caller, object string) ([]byte, error) {
	for _, what := range []string{"order", "customer"} {
		if id, ok := strings.CutPrefix(object, "GET "+what+" "); ok && id != "" {
			return c.get(ctx, "/"+what+"s/"+url.PathEscape(id), nil)
		}
	}
	return nil, &FetchError{Code: "refused", Final: true}
}

// ecwidStatuses are the documented words of paymentStatus and fulfillmentStatus
// (docs.ecwid.com, order statuses, read 2026-11). The custom ones have no meaning
// but the source's own.
func ecwidStatuses() map[string]string {
	return map[string]string{
		"awaiting_payment": event.StatusNew, "incomplete": event.StatusNew, "paid": event.StatusPaid, "partially_refunded": event.StatusPaid,
		"cancelled": event.StatusCancelled, "refunded": event.StatusReturned,
		"awaiting_processing": event.StatusNew, "processing": event.StatusNew, "ready_for_pickup": event.StatusNew,
		"shipped": event.StatusShipped, "out_for_delivery": event.StatusShipped, "delivered": event.StatusCompleted,
		"will_not_deliver": event.StatusCancelled, "returned": event.StatusReturned,
	}
}

// order reads an order as the API tells it. It has no currency of its own: the
// store has one, which the source's currency names.
func (k ecwidKind) order(in *intake, v event.Value) reading {
	id := idAt(v, "id", "vendorOrderNumber", "orderNumber")
	if id == "" {
		return incomplete("id")
	}
	currency := cmp.Or(in.d.Source.Currency, in.currency())
	ev := event.Event{Kind: event.OrderChange, Entity: k.key(in, "order", id), Order: &event.Order{ID: id}, Client: k.client(v, idAt(v, "customerId"))}
	for _, field := range []string{"updateTimestamp", "updateDate", "createTimestamp", "createDate"} {
		if ev.At.IsZero() {
			ev.At = ecwidTime(in, textAt(v, field))
		}
	}
	ev.Order.Items = in.items(elements(at(v, "items")), currency, event.Item{SKU: "sku", Name: "name", Quantity: "quantity", Price: "price"})
	in.setAmount(&ev, &ev.Order.Total, "total", textAt(v, "total"), currency)
	ev.Order.Shipping = in.amount(textAt(v, "shippingOption.shippingRate"), currency)
	words := []string{textAt(v, "paymentStatus"), textAt(v, "fulfillmentStatus")}
	in.setStatuses(&ev, ecwidStatuses(), told(words...), words...)
	refunded, ok := in.minor(textAt(v, "refundedAmount"), currency)
	total, known := in.minor(ev.Order.Total, currency)
	if ok && known && refunded > 0 && ev.Order.Status != event.StatusReturned {
		// The API tells what came back in all, while returns of an order add up: told
		// again with every fetch they would count twice. So the order is worth less.
		ev.Order.Total = in.decimal(max(total-refunded, 0), currency)
		attribute(&ev, "refunded_amount", in.decimal(refunded, currency))
	}
	for _, set := range append([]event.Value{at(v, "utmData")}, elements(at(v, "utmDataSets"))...) {
		k.campaign(&ev.Attribution, set)
	}
	ev.Attribution.Referrer = textAt(v, "globalReferer")
	attributedURL(&ev.Attribution, textAt(v, "refererUrl"))
	for _, field := range elements(at(v, "orderExtraFields")) {
		if name, text := textAt(field, "title", "name", "id"), textAt(field, "value"); name != "" && !mark(&ev.Attribution, name, text) {
			attribute(&ev, name, text)
		}
	}
	attribute(&ev, "order_number", textAt(v, "orderNumber"))
	attribute(&ev, "note", textAt(v, "orderComments"))
	attribute(&ev, "payment_method", textAt(v, "paymentMethod"))
	attribute(&ev, "discount_code", textAt(v, "discountCoupon.code"))
	ev.Consents = k.consents(in, v, "createTimestamp", "createDate")
	in.sold(&ev)
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// ecwidTime reads seconds since 1970 and the API's "2026-05-01 09:30:00 +0000".
func ecwidTime(in *intake, text string) time.Time {
	if i := strings.LastIndexByte(text, ' '); i > 0 && strings.IndexAny(text[i+1:], "+-") == 0 {
		text = text[:i] + text[i+1:]
	}
	return in.time(text)
}

// campaign reads one set of campaign marks, whether its keys are utm_source,
// utmSource or source.
func (ecwidKind) campaign(a *event.Attribution, set event.Value) {
	attributed(a, set)
	for _, name := range []string{"source", "medium", "campaign", "content", "term"} {
		if text := textAt(set, name); text != "" {
			mark(a, "utm_"+name, text)
		}
	}
}

// client reads the person of an order or a customer.
func (ecwidKind) client(v event.Value, id string) event.Client {
	c := event.Client{
		ExternalIDs: named("ecwid_customer", id),
		Name:        textAt(v, "billingPerson.name", "shippingPerson.name", "name"),
		FirstName:   textAt(v, "billingPerson.firstName", "shippingPerson.firstName"), LastName: textAt(v, "billingPerson.lastName", "shippingPerson.lastName"),
		Phone: textAt(v, "billingPerson.phone", "shippingPerson.phone", "phone"), Company: textAt(v, "billingPerson.companyName", "shippingPerson.companyName"),
		City: textAt(v, "shippingPerson.city", "billingPerson.city"), Country: textAt(v, "shippingPerson.countryCode", "billingPerson.countryCode"),
		Address: textAt(v, "shippingPerson.street", "billingPerson.street"),
	}
	setEmails(&c, textsAt(v, "email"))
	return c
}

// consents reads acceptMarketing: true is a consent to e-mail, dated by the first
// of the times that is there. It is stated again with every later change, which
// must not undo a withdrawal in between. False may be a box that nobody ticked,
// so it says nothing.
func (ecwidKind) consents(in *intake, v event.Value, times ...string) []event.Consent {
	if textAt(v, "acceptMarketing") != "true" {
		return nil
	}
	return []event.Consent{{Purpose: string(consent.Email), Given: true, At: ecwidTime(in, textAt(v, times...)), Evidence: "Ecwid acceptMarketing"}}
}

func (k ecwidKind) customer(in *intake, v event.Value) reading {
	id := idAt(v, "id")
	ev := event.Event{Kind: event.Profile, Entity: k.key(in, "customer", id), Client: k.client(v, id), Consents: k.consents(in, v, "registered")}
	if !ev.Client.Identified() {
		return incomplete("id")
	}
	for _, field := range []string{"updated", "registered"} {
		if ev.At.IsZero() {
			ev.At = ecwidTime(in, textAt(v, field))
		}
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}
