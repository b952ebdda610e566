package webhook

import (
	"cmp"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// insalesKind is the source kind "insales" (webhooks.md §10): orders and clients
// as JSON or as XML. That the body is the bare object is not documented, so one
// that stands in order or client is taken too. No signature is known; the secret
// stands in the address.
type insalesKind struct{ foreign }

// deliveryID is the account, the object, when it changed and a hash of the body:
// an order is changed several times within the second that updated_at counts.
func (k insalesKind) deliveryID(in *intake) string {
	what, v, stop := k.object(in)
	if stop != nil || what == "" {
		return ""
	}
	prefix := "insales"
	if what == "client" {
		prefix = "insales:client"
	}
	return joined(prefix, k.account(in, v), idAt(v, "id"), textAt(v, "updated_at"), contentID(string(in.d.Body))[:16])
}

func (insalesKind) account(in *intake, v event.Value) string {
	return cmp.Or(idAt(v, "account_id"), in.d.Source.ShopOf())
}

func (k insalesKind) read(in *intake) reading {
	what, v, stop := k.object(in)
	if stop != nil {
		return *stop
	}
	id := idAt(v, "id")
	switch {
	case what == "" || id == "":
		return incomplete("id")
	case what == "order":
		return k.order(in, v, id)
	default:
		return k.client(in, v, id)
	}
}

// object finds the order or the client in the body and says which of the two it
// is; empty for neither.
func (insalesKind) object(in *intake) (string, event.Value, *reading) {
	var v event.Value
	root := ""
	if sendsXML(in.d.Body) {
		name, tree, failure := in.xml()
		if failure != nil {
			return "", v, &reading{failure: failure}
		}
		root, v = name, underscored(tree)
	} else {
		body, stop := in.body()
		if stop != nil {
			return "", v, stop
		}
		v = body
	}
	for _, name := range []string{"order", "client"} {
		if inner := opened(v.Get(name)); inner.Type == event.Object && idAt(v, "id") == "" {
			return name, inner, nil
		}
	}
	has := func(key string) bool { return v.Get(key).Type != event.Null }
	switch {
	case root == "order", has("order_lines"), has("total_price"), has("fulfillment_status"):
		return "order", v, nil
	case root == "client", has("email"), has("phone"), has("name"), has("surname"):
		return "client", v, nil
	default:
		return "", v, nil
	}
}

func (insalesKind) at(in *intake, v event.Value) time.Time {
	for _, field := range []string{"updated_at", "created_at"} {
		if t := in.time(textAt(v, field)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// order reads an order. Of its words for statuses only pending, paid and new were
// seen; what the others mean to the business says the source's orders. A time of
// payment says that it is paid.
func (k insalesKind) order(in *intake, v event.Value, id string) reading {
	currency := code(textAt(v, "currency_code"))
	ev := event.Event{
		Kind: event.OrderChange, Entity: joined("insales", k.account(in, v), "order", id), At: k.at(in, v), Client: k.person(at(v, "client")),
		Order: &event.Order{ID: id, Currency: currency},
	}
	k.recipient(&ev.Client, at(v, "shipping_address"))
	ev.Order.Items = in.items(elements(at(v, "order_lines")), currency, event.Item{
		SKU: "sku", Name: "title|full_title|name", Quantity: "quantity", Price: "sale_price|full_sale_price", Sum: "full_total_price|total_price",
	})
	in.setAmount(&ev, &ev.Order.Total, "total", textAt(v, "total_price"), currency)
	in.setAmount(&ev, &ev.Order.Shipping, "shipping", textAt(v, "full_delivery_price", "delivery_price"), currency)
	money, goods := textAt(v, "financial_status"), textAt(v, "fulfillment_status")
	words := []string{textAt(v, "custom_status.permalink"), textAt(v, "custom_status.title"), goods, money}
	if textAt(v, "paid_at") != "" {
		words = append(words, event.StatusPaid)
	}
	in.setStatuses(&ev, map[string]string{"pending": event.StatusNew}, told(money, goods), words...)
	attribute(&ev, "custom_status", textAt(v, "custom_status.title", "custom_status.permalink"))

	a := &ev.Attribution
	cookies := opened(at(v, "cookies")) // a map, and [] when it is empty
	attributed(a, cookies)
	for _, field := range []string{"first_current_location", "current_location"} {
		attributedURL(a, textAt(v, field))
	}
	a.Referrer = textAt(v, "first_referer", "referer")
	for _, field := range elements(at(v, "fields_values")) {
		if name, text := textAt(field, "name", "handle"), textAt(field, "value"); name != "" && !mark(a, name, text) {
			attribute(&ev, name, text)
		}
	}
	attribute(&ev, "order_number", textAt(v, "number"))
	attribute(&ev, "note", textAt(v, "comment"))
	attribute(&ev, "delivery", textAt(v, "delivery_title"))
	attribute(&ev, "payment_method", textAt(v, "payment_title"))
	attribute(&ev, "traffic_source", textAt(v, "first_source"))
	attribute(&ev, "search_query", textAt(v, "first_query"))
	in.sold(&ev)
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}

// person reads a client object.
func (insalesKind) person(v event.Value) event.Client {
	c := event.Client{
		ExternalIDs: named("insales_client", idAt(v, "id")), FirstName: textAt(v, "name"), LastName: textAt(v, "surname"),
	}
	c.Name = fullName(c.FirstName, textAt(v, "middlename"), c.LastName)
	setPhones(&c, textsAt(v, "phone"))
	setEmails(&c, textsAt(v, "email"))
	return c
}

// recipient completes a client from the address of delivery, which may be
// somebody else's: only what is not known.
func (insalesKind) recipient(c *event.Client, v event.Value) {
	c.Phone = cmp.Or(c.Phone, textAt(v, "phone"))
	c.Name = cmp.Or(c.Name, fullName(textAt(v, "name"), textAt(v, "surname")))
	c.City = textAt(v, "city")
	c.Address = textAt(v, "address", "full_delivery_address")
	if country := textAt(v, "country"); len(country) == 2 && strings.ToUpper(country) == country {
		c.Country = country
	}
}

func (k insalesKind) client(in *intake, v event.Value, id string) reading {
	ev := event.Event{Kind: event.Profile, Entity: joined("insales", k.account(in, v), "client", id), At: k.at(in, v), Client: k.person(v)}
	for _, field := range elements(at(v, "fields_values")) {
		if name := textAt(field, "name", "handle"); name != "" {
			attribute(&ev, name, textAt(field, "value"))
		}
	}
	return reading{events: []event.Event{ev}, roots: []event.Value{v}}
}
