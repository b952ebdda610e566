package webhook

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// wooKind is the source kind "woocommerce" (webhooks.md §10), the webhooks of the
// WordPress plugin. It never sends again, and more than five answers in a row that
// it dislikes switch it off.
type wooKind struct{ foreign }

func (wooKind) headers() []string {
	return []string{
		"x-wc-webhook-source", "x-wc-webhook-topic", "x-wc-webhook-resource", "x-wc-webhook-event", "x-wc-webhook-signature",
		"x-wc-webhook-id", "x-wc-webhook-delivery-id",
	}
}

// prove checks the signature over the raw body. The shop decodes the entities of
// its secret before it signs, so a secret copied from a page or from its database
// may differ from the key; both are tried.
func (wooKind) prove(d *Delivery, secret string) bool {
	signature := d.Header["x-wc-webhook-signature"]
	given := shopSignature(d.Body, signature, secret)
	decoded := shopSignature(d.Body, signature, wooEntities(secret))
	return given || decoded
}

// wooEntities does what WordPress does to a secret, once: &amp;lt; becomes &lt;.
func wooEntities(secret string) string {
	return strings.NewReplacer(
		"&amp;", "&", "&#038;", "&", "&#38;", "&", "&#x26;", "&", "&lt;", "<", "&#060;", "<", "&#60;", "<", "&gt;", ">", "&#062;", ">", "&#62;", ">",
		"&quot;", `"`, "&#034;", `"`, "&#34;", `"`, "&#x22;", `"`, "&#039;", "'", "&#39;", "'", "&#x27;", "'",
	).Replace(secret)
}

// unsigned lets the ping in that the shop sends when a webhook is saved: without
// a good answer to it the webhook cannot be saved.
func (wooKind) unsigned(d *Delivery) bool { return wooPing(d) }

func wooPing(d *Delivery) bool {
	number, ok := strings.CutPrefix(strings.TrimSpace(string(d.Body)), "webhook_id=")
	return ok && d.Method == http.MethodPost && number != "" && len(number) < 20 && strings.Trim(number, "0123456789") == ""
}

// deliveryID is the hash of the shop, the topic and the body. The shop's own
// delivery id is the same for two orders of one second and another one for the
// same order sent again.
func (wooKind) deliveryID(in *intake) string {
	if len(in.d.Body) == 0 {
		return ""
	}
	return "woo:" + contentID(in.d.Header["x-wc-webhook-source"], in.d.Header["x-wc-webhook-topic"], string(in.d.Body))
}

func (k wooKind) read(in *intake) reading {
	if wooPing(in.d) {
		return reading{ping: true}
	}
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if len(v.Members) == 1 && v.Members[0].Key == "webhook_id" {
		return reading{ping: true} // the same written otherwise; it had to be signed
	}
	resource, act, _ := strings.Cut(k.topic(in, v), ".")
	id := idAt(v, "id")
	switch {
	case resource == "":
		return incomplete("id") // neither a topic nor anything that is known
	case resource != "order" && resource != "customer":
		return reading{ping: true} // products, coupons, action.*
	case id == "":
		return incomplete("id")
	case act == "deleted" && resource == "order":
		return in.deleted(k.key(in, "order", id), id)
	case act == "deleted":
		return reading{ping: true} // an account, not the person
	case resource == "order":
		return k.order(in, v, id)
	default:
		return k.customer(in, v, id)
	}
}

// topic is the header's, which is empty at times, or that of its two halves or,
// for bodies without them, what the body looks like.
func (wooKind) topic(in *intake, v event.Value) string {
	if topic := strings.ToLower(in.d.Header["x-wc-webhook-topic"]); topic != "" {
		return topic
	}
	if resource, act := in.d.Header["x-wc-webhook-resource"], in.d.Header["x-wc-webhook-event"]; resource != "" && act != "" {
		return strings.ToLower(resource + "." + act)
	}
	has := func(key string) bool { return v.Get(key).Type != event.Null }
	switch {
	case has("line_items"), has("order_key"):
		return "order.updated"
	case has("username"), has("is_paying_customer"):
		return "customer.updated"
	case has("action") && has("arg"):
		return "action." + textAt(v, "action")
	default:
		return ""
	}
}

func (wooKind) key(in *intake, what, id string) string {
	return joined("woo", cmp.Or(in.d.Header["x-wc-webhook-source"], in.d.Source.ShopOf()), what, id)
}

// at prefers times in UTC; those without _gmt stand in the shop's own zone, for
// which the business's is taken.
func (wooKind) at(in *intake, v event.Value) time.Time {
	for _, field := range []string{"date_modified", "date_created"} {
		if t, ok := event.ParseTime(textAt(v, field+"_gmt"), nil); ok {
			return t
		}
		if t := in.time(textAt(v, field)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func wooStatuses() map[string]string {
	return map[string]string{
		"pending": event.StatusNew, "on-hold": event.StatusNew, "auto-draft": event.StatusNew, "checkout-draft": event.StatusNew,
		"processing": event.StatusPaid, "completed": event.StatusCompleted,
		"cancelled": event.StatusCancelled, "failed": event.StatusCancelled, "trash": event.StatusCancelled, "refunded": event.StatusReturned,
	}
}

func (k wooKind) order(in *intake, v event.Value, id string) reading {
	currency := code(textAt(v, "currency"))
	ev := event.Event{
		Kind: event.OrderChange, Entity: k.key(in, "order", id), At: k.at(in, v), Client: k.client(v, idAt(v, "customer_id")),
		Order: &event.Order{ID: id, Currency: currency, Items: k.items(in, v, currency)},
	}
	in.setAmount(&ev, &ev.Order.Total, "total", textAt(v, "total"), currency)
	in.setAmount(&ev, &ev.Order.Shipping, "shipping", textAt(v, "shipping_total"), currency)
	status := strings.TrimPrefix(textAt(v, "status"), "wc-")
	in.setStatuses(&ev, wooStatuses(), status)
	for _, meta := range elements(at(v, "meta_data")) {
		k.meta(&ev, textAt(meta, "key"), textAt(meta, "value"))
	}
	attribute(&ev, "order_number", textAt(v, "number"))
	attribute(&ev, "payment_method", textAt(v, "payment_method"))
	attribute(&ev, "note", textAt(v, "customer_note"))
	for _, coupon := range elements(at(v, "coupon_lines")) {
		attribute(&ev, "discount_code", textAt(coupon, "code"))
	}
	in.sold(&ev)
	r := reading{events: []event.Event{ev}, roots: []event.Value{v}}
	if ev.Order == nil {
		return r
	}
	for _, item := range elements(at(v, "refunds")) {
		refund := k.refunded(in, item, id, currency)
		if refund.Order != nil {
			r.events, r.roots = append(r.events, refund), append(r.roots, event.Value{})
		}
	}
	r.events[0].ID = k.deliveryID(in)
	return r
}

// refunded is one refund of an order, which states all of them with every change.
// It has no time of its own, so the one when it was first heard of counts.
func (k wooKind) refunded(in *intake, v event.Value, order, currency string) event.Event {
	id := idAt(v, "id")
	minor, ok := in.minor(textAt(v, "total", "amount"), currency)
	if id == "" || !ok || minor == 0 {
		return event.Event{}
	}
	return event.Event{
		Kind: event.OrderChange, ID: k.key(in, "refund", id), Entity: k.key(in, "order", order),
		Order: &event.Order{ID: order, Status: event.StatusReturned, Currency: currency, Returned: in.decimal(max(minor, -minor), currency)},
	}
}

func (wooKind) items(in *intake, v event.Value, currency string) []event.Item {
	var items []event.Item
	for _, line := range elements(at(v, "line_items")) {
		for _, item := range in.items([]event.Value{line}, currency, event.Item{SKU: "sku", Name: "name", Quantity: "quantity", Price: "price", Sum: "total"}) {
			// A line's total stands without its tax, the order's with it.
			sum, summed := in.minor(item.Sum, currency)
			tax, taxed := in.minor(textAt(line, "total_tax"), currency)
			if summed && taxed {
				item.Sum = in.decimal(sum+tax, currency)
			}
			items = append(items, item)
		}
	}
	return items
}

// client reads the billing and shipping sides of an order or an account. user is
// the site's own id of the person; guests have 0.
func (wooKind) client(v event.Value, user string) event.Client {
	c := event.Client{
		ExternalID: user,
		FirstName:  textAt(v, "billing.first_name", "first_name", "shipping.first_name"), LastName: textAt(v, "billing.last_name", "last_name", "shipping.last_name"),
		Phone: textAt(v, "billing.phone", "shipping.phone"), City: textAt(v, "billing.city", "shipping.city"),
		Country: textAt(v, "billing.country", "shipping.country"), Company: textAt(v, "billing.company"),
		Address: strings.Join(textsAt(v, "billing.address_1", "billing.address_2"), ", "),
	}
	c.Name = fullName(c.FirstName, c.LastName)
	setEmails(&c, textsAt(v, "billing.email", "email"))
	return c
}

// meta reads one custom value of an order. The keys of the shop's own attribution
// are known from what people publish only, so all that look alike are tried; keys
// that begin with an underscore are a plugin's own business.
func (wooKind) meta(ev *event.Event, key, text string) {
	if text == "" || text == "(none)" || text == "(direct)" || text == "(not set)" {
		return
	}
	short, attribution := strings.CutPrefix(strings.TrimPrefix(key, "_"), "wc_order_attribution_")
	switch {
	case attribution && short == "session_entry":
		attributedURL(&ev.Attribution, text)
	case attribution && short == "referrer":
		ev.Attribution.Referrer = text
	case mark(&ev.Attribution, short, text), attribution, mark(&ev.Attribution, key, text):
	case key != "" && !strings.HasPrefix(key, "_"):
		attribute(ev, key, text)
	}
}

func (k wooKind) customer(in *intake, v event.Value, id string) reading {
	ev := event.Event{Kind: event.Profile, Entity: k.key(in, "customer", id), At: k.at(in, v), Client: k.client(v, id)}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}
