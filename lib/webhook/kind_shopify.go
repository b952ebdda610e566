package webhook

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
)

// shopifyKind is the source kind "shopify" (webhooks.md §10): one JSON object to a
// request, what it is stands in the topic header. It never resends a newer state
// under an older attempt, so an order is dated by its own updated_at.
type shopifyKind struct{ foreign }

func (shopifyKind) headers() []string {
	return []string{
		"x-shopify-topic", "x-shopify-shop-domain", "x-shopify-api-version", "x-shopify-webhook-id", "x-shopify-event-id",
		"x-shopify-triggered-at", "x-shopify-hmac-sha256",
	}
}

// prove checks the signature over the raw body. While a client secret is
// rotated the old one may sign for an hour, so both belong into the source.
func (shopifyKind) prove(d *Delivery, secret string) bool {
	return shopSignature(d.Body, d.Header["x-shopify-hmac-sha256"], secret)
}

// deliveryID is the shop and the id that stays the same over all attempts of one
// subscription. The id of the event is not taken: the vendor's texts disagree on which
// of the two is to be used. A second subscription to the same topic makes a second
// delivery of the same order, the same refund and the same lead.
func (shopifyKind) deliveryID(in *intake) string {
	return joined("shopify", in.d.Header["x-shopify-shop-domain"], in.d.Header["x-shopify-webhook-id"])
}

func (k shopifyKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	topic := shopifyTopic(in, v)
	if at(v, "test").Text == "true" {
		return reading{ping: true} // an order of the payment gateway's test mode, or "send test notification"
	}
	switch area, act, _ := strings.Cut(topic, "/"); {
	case topic == "orders/delete":
		return k.gone(in, v)
	case area == "orders" && slices.Contains([]string{"create", "paid", "updated", "cancelled", "fulfilled", "partially_fulfilled"}, act):
		return k.order(in, v)
	case topic == "refunds/create":
		return k.refund(in, v)
	case topic == "customers/redact":
		return k.redact(in, v)
	case area == "customers" && (act == "create" || act == "update" || act == "enable" || act == "disable"):
		return k.customer(in, v)
	case area == "customers_email_marketing_consent", area == "customers_marketing_consent":
		return k.consent(in, v)
	case topic == "":
		return incomplete("id") // neither a topic nor anything that is known
	default: // customers/data_request, app/uninstalled, products/update…
		return reading{ping: true}
	}
}

// shopifyTopic is what the header says or, where a person looks at a stored body
// without it, what the body looks like.
func shopifyTopic(in *intake, v event.Value) string {
	if topic := strings.ToLower(in.d.Header["x-shopify-topic"]); topic != "" {
		return topic
	}
	has := func(key string) bool { return v.Get(key).Type != event.Null }
	switch {
	case has("orders_to_redact"):
		return "customers/redact"
	case has("line_items") && has("total_price"):
		return "orders/updated"
	case has("refund_line_items"), has("transactions") && has("order_id"):
		return "refunds/create"
	case has("email_address"), has("sms_marketing_consent") && !has("first_name"):
		return "customers_marketing_consent/update"
	case has("first_name"), has("default_address"):
		return "customers/update"
	default:
		return ""
	}
}

// key names something of this shop.
func (shopifyKind) key(in *intake, what, id string) string {
	return joined("shopify", cmp.Or(in.d.Header["x-shopify-shop-domain"], in.d.Source.ShopOf()), what, id)
}

// at is when what the body says became so: attempts are repeated with the
// original body, so its own time decides, else when the first attempt was due.
func (shopifyKind) at(in *intake, v event.Value) time.Time {
	for _, text := range []string{textAt(v, "updated_at"), in.d.Header["x-shopify-triggered-at"], textAt(v, "created_at")} {
		if t := in.time(text); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// shopifyStatuses are the words of financial_status and fulfillment_status that
// move an order. A refund in part is told by refunds, it leaves the order paid.
func shopifyStatuses() map[string]string {
	return map[string]string{
		"pending": event.StatusNew, "authorized": event.StatusNew, "partially_paid": event.StatusNew, "expired": event.StatusNew,
		"paid": event.StatusPaid, "partially_refunded": event.StatusPaid, "refunded": event.StatusReturned, "voided": event.StatusCancelled,
		"partial": event.StatusShipped, "fulfilled": event.StatusShipped,
	}
}

func (k shopifyKind) order(in *intake, v event.Value) reading {
	id := idAt(v, "id")
	if id == "" {
		return incomplete("id")
	}
	currency := code(textAt(v, "currency"))
	ev := event.Event{
		Kind: event.OrderChange, Entity: k.key(in, "order", id), At: k.at(in, v),
		Client: k.client(at(v, "customer")),
		Order:  &event.Order{ID: id, Currency: currency, Items: k.items(in, v, currency)},
	}
	c := &ev.Client
	setPhones(c, textsAt(v, "phone", "customer.phone"))
	if c.Phone == "" { // addresses may be somebody else's: only where nothing better is known
		c.Phone = textAt(v, "shipping_address.phone", "billing_address.phone", "customer.default_address.phone")
	}
	setEmails(c, textsAt(v, "email", "contact_email", "customer.email"))
	if c.Name == "" {
		c.Name = textAt(v, "billing_address.name", "shipping_address.name")
		if c.Name == "" {
			c.Name = fullName(textAt(v, "billing_address.first_name"), textAt(v, "billing_address.last_name"))
		}
	}
	for _, side := range []string{"shipping_address", "billing_address"} {
		k.address(c, at(v, side))
	}
	in.setAmount(&ev, &ev.Order.Total, "total", textAt(v, "total_price"), currency)
	ev.Order.Shipping = in.amount(textAt(v, "total_shipping_price_set.shop_money.amount"), currency)
	if ev.Order.Shipping == "" {
		ev.Order.Shipping = in.total(elements(at(v, "shipping_lines")), currency, "discounted_price", "price")
	}
	cancelled := ""
	if textAt(v, "cancelled_at") != "" {
		cancelled = event.StatusCancelled
	}
	words := []string{cancelled, textAt(v, "fulfillment_status"), textAt(v, "financial_status")}
	in.setStatuses(&ev, shopifyStatuses(), told(words...), words...)
	for _, note := range elements(at(v, "note_attributes")) {
		if name, text := textAt(note, "name"), textAt(note, "value"); name != "" && !mark(&ev.Attribution, name, text) {
			attribute(&ev, name, text)
		}
	}
	attributedURL(&ev.Attribution, textAt(v, "landing_site"))
	ev.Attribution.Referrer = textAt(v, "referring_site")
	attribute(&ev, "order_number", textAt(v, "name", "order_number"))
	attribute(&ev, "note", textAt(v, "note"))
	attribute(&ev, "source_name", textAt(v, "source_name"))
	for _, discount := range elements(at(v, "discount_codes")) {
		attribute(&ev, "discount_code", textAt(discount, "code"))
	}
	ev.Consents = k.consents(at(v, "customer"))
	if len(ev.Consents) == 0 && textAt(v, "buyer_accepts_marketing") == "true" { // an empty box says nothing
		ev.Consents = []event.Consent{{Purpose: string(consent.Email), Given: true, At: in.time(textAt(v, "created_at")), Evidence: "Shopify order, buyer_accepts_marketing"}}
	}
	in.sold(&ev)
	r := reading{events: []event.Event{ev}, roots: []event.Value{v}}
	if ev.Order == nil {
		return r
	}
	for _, item := range elements(at(v, "refunds")) { // each is stated again with every change; it has one id
		if refund, ok := k.refunded(in, item, id); ok {
			r.events, r.roots = append(r.events, refund), append(r.roots, event.Value{})
		}
	}
	if r.events[0].ID = k.deliveryID(in); r.events[0].ID == "" && len(r.events) > 1 {
		r.events[0].DeriveID(in.d.Source.Name, in.d.ReceivedAt)
	}
	return r
}

func (shopifyKind) items(in *intake, v event.Value, currency string) []event.Item {
	var items []event.Item
	for _, line := range elements(at(v, "line_items")) {
		for _, item := range in.items([]event.Value{line}, currency, event.Item{SKU: "sku", Name: "title|name", Category: "product_type", Quantity: "quantity", Price: "price"}) {
			discount := in.total(elements(at(line, "discount_allocations")), currency, "amount")
			item.Sum = in.reduced(item, discount, currency)
			items = append(items, item)
		}
	}
	return items
}

// client reads a customer object.
func (k shopifyKind) client(v event.Value) event.Client {
	c := event.Client{
		ExternalIDs: named("shopify_customer", idAt(v, "id")), FirstName: textAt(v, "first_name"), LastName: textAt(v, "last_name"),
	}
	c.Name = fullName(c.FirstName, c.LastName)
	setPhones(&c, textsAt(v, "phone"))
	setEmails(&c, textsAt(v, "email"))
	return c
}

func (shopifyKind) address(c *event.Client, v event.Value) {
	c.City = cmp.Or(c.City, textAt(v, "city"))
	c.Country = cmp.Or(c.Country, textAt(v, "country_code"))
	c.Company = cmp.Or(c.Company, textAt(v, "company"))
	if c.Address == "" {
		c.Address = strings.Join(textsAt(v, "address1", "address2"), ", ")
	}
}

// consents reads the two marketing consents of a customer. Only subscribed and
// unsubscribed are statements: not_subscribed means never asked, pending not yet
// confirmed.
func (shopifyKind) consents(v event.Value) []event.Consent {
	var list []event.Consent
	for _, c := range []struct {
		field   string
		purpose consent.Purpose
	}{{"email_marketing_consent", consent.Email}, {"sms_marketing_consent", consent.SMS}} {
		state := strings.ToLower(textAt(v, c.field+".state"))
		if state != "subscribed" && state != "unsubscribed" {
			continue
		}
		stated := event.Consent{Purpose: string(c.purpose), Given: state == "subscribed", Evidence: "Shopify " + c.field}
		if t, ok := event.ParseTime(textAt(v, c.field+".consent_updated_at"), nil); ok {
			stated.At = t
		}
		list = append(list, stated)
	}
	return list
}

func (k shopifyKind) customer(in *intake, v event.Value) reading {
	id := idAt(v, "id")
	if id == "" {
		return incomplete("id")
	}
	ev := event.Event{Kind: event.Profile, Entity: k.key(in, "customer", id), At: k.at(in, v), Client: k.client(v), Consents: k.consents(v)}
	if ev.Client.Phone == "" {
		ev.Client.Phone = textAt(v, "default_address.phone")
	}
	k.address(&ev.Client, at(v, "default_address"))
	for tag := range strings.SplitSeq(textAt(v, "tags"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			ev.Tags = append(ev.Tags, tag)
		}
	}
	attribute(&ev, "note", textAt(v, "note"))
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// consent reads the topics that tell one consent alone.
func (k shopifyKind) consent(in *intake, v event.Value) reading {
	id := idAt(v, "customer_id", "id")
	ev := event.Event{Kind: event.ConsentSaid, Entity: k.key(in, "customer", id), Consents: k.consents(v)}
	ev.Client = event.Client{ExternalIDs: named("shopify_customer", id), Email: textAt(v, "email_address"), Phone: textAt(v, "phone")}
	switch {
	case !ev.Client.Identified():
		return incomplete("customer_id")
	case len(ev.Consents) == 0:
		return reading{ping: true} // not_subscribed, pending: nothing was said
	}
	if ev.At = ev.Consents[0].At; ev.At.IsZero() {
		ev.At = k.at(in, v)
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// redact is a person's wish to be forgotten. What becomes of it depends on
// whether the delivery is trusted, see lake.
func (k shopifyKind) redact(in *intake, v event.Value) reading {
	person := at(v, "customer")
	ev := event.Event{Kind: event.Erase, At: k.at(in, v), Client: k.client(person)}
	if !ev.Client.Identified() {
		return incomplete("customer")
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

func (k shopifyKind) gone(in *intake, v event.Value) reading {
	id := idAt(v, "id")
	if id == "" {
		return incomplete("id")
	}
	r := in.deleted(k.key(in, "order", id), id)
	for i := range r.events {
		r.events[i].At = in.time(in.d.Header["x-shopify-triggered-at"])
	}
	return r
}

func (k shopifyKind) refund(in *intake, v event.Value) reading {
	if in.d.Source.Orders.None {
		return reading{ping: true}
	}
	order := idAt(v, "order_id")
	if order == "" {
		return incomplete("order_id")
	}
	ev, ok := k.refunded(in, v, order)
	if !ok {
		return reading{ping: true} // goods came back, no money went out
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{{}}}
}

// refunded is one refund as the statement of a return; false where no money went
// back. It is the same statement whether it came by itself or in its order.
func (k shopifyKind) refunded(in *intake, v event.Value, order string) (event.Event, bool) {
	id, currency := idAt(v, "id"), ""
	var paid []event.Value
	for _, t := range elements(at(v, "transactions")) {
		if strings.EqualFold(textAt(t, "kind"), "refund") && !strings.EqualFold(textAt(t, "status"), "failure") && !strings.EqualFold(textAt(t, "status"), "error") {
			currency = cmp.Or(currency, code(textAt(t, "currency")))
			paid = append(paid, t)
		}
	}
	returned := in.total(paid, currency, "amount")
	lines := elements(at(v, "refund_line_items"))
	if shop := code(textAt(v, "refund_line_items.0.subtotal_set.shop_money.currency_code")); shop != "" && currency != "" && shop != currency && len(paid) > 0 {
		// Paid back in the buyer's currency, while the order stands in the shop's.
		currency = shop
		goods, _ := in.minor(in.total(lines, shop, "subtotal_set.shop_money.amount"), shop)
		tax, _ := in.minor(in.total(lines, shop, "total_tax_set.shop_money.amount"), shop)
		returned = in.decimal(goods+tax, shop)
	}
	if minor, ok := in.minor(returned, currency); id == "" || !ok || minor == 0 {
		return event.Event{}, false
	}
	ev := event.Event{
		Kind: event.OrderChange, ID: k.key(in, "refund", id), Entity: k.key(in, "order", order),
		Order: &event.Order{ID: order, Status: event.StatusReturned, Currency: currency, Returned: returned},
	}
	for _, field := range []string{"processed_at", "created_at"} {
		if t := in.time(textAt(v, field)); ev.At.IsZero() {
			ev.At = t
		}
	}
	return ev, true
}
