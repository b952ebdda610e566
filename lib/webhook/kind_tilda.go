package webhook

import (
	"net/http"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// tildaKind is the source kind "tilda": forms and carts of the site builder
// (webhooks.md §6), as form fields or, from its newer integration, as JSON. An
// answer other than 200 only makes it send the same again twice, so whatever was
// stored is answered with ok.
type tildaKind struct{ common }

// deliveryID is tilda: and the transaction. Deliveries of 2018 have none; form
// and order together do as well.
func (tildaKind) deliveryID(in *intake) string {
	fields := newFieldSet(in, in.content().object())
	if id := first(fields.texts("tranid")); id != "" {
		return "tilda:" + id
	}
	form, order := first(fields.texts("formid")), first(texts(payment(fields).Get("orderid")))
	if form != "" && order != "" {
		return "tilda:" + form + ":" + order
	}
	return ""
}

func (tildaKind) read(in *intake) reading {
	c := in.content()
	switch {
	case c.failure != nil && c.failure.Reason == ReasonEmptyBody && in.d.Method != http.MethodPost:
		return reading{ping: true}
	case c.failure != nil:
		return reading{failure: c.failure}
	}
	fields := newFieldSet(in, c.object())
	paid := payment(fields)
	if paid.Type != event.Object && first(fields.texts("test")) == "test" && first(fields.texts("tranid")) == "" && !hasContact(in, c) {
		return reading{ping: true}
	}
	ev := fields.lead()
	fields.texts("tranid") // the event's id, not an attribute
	if paid.Type == event.Object && !in.d.Source.Orders.None {
		ev.Kind = event.OrderChange
		ev.Order = tildaOrder(in, fields, paid)
	}
	if !ev.Client.Identified() && ev.Order == nil {
		return reading{failure: &Failure{Reason: ReasonNoContact, Detail: "no phone or e-mail under a usual name; name the fields in the source's map"}}
	}
	fields.keepRest(&ev)
	ev.Files = c.files
	if ev.Order != nil && ev.Order.ID == "" {
		// Neither order nor transaction: the statement itself is the order.
		if ev.Order.ID = (tildaKind{}).deliveryID(in); ev.Order.ID == "" {
			ev.DeriveID(in.d.Source.Name, in.d.ReceivedAt)
			ev.Order.ID = ev.ID
		}
	}
	return reading{events: []event.Event{ev}}
}

func (tildaKind) reply(*intake, *Decoded) Reply {
	return Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("ok")}
}

func hasContact(in *intake, c *content) bool {
	client := newFieldSet(in, c.object()).lead().Client
	return client.Identified()
}

// texts takes the field with exactly this name.
func (s *fieldSet) texts(name string) []string {
	for i := range s.fields {
		if f := &s.fields[i]; f.name == name {
			return s.use([]*field{f})
		}
	}
	return nil
}

// payment is the cart: bracketed fields, a JSON object, or JSON in a text. Null
// where there is none.
func payment(s *fieldSet) event.Value {
	for i := range s.fields {
		if f := &s.fields[i]; f.name == "payment" {
			if v := unwrapped(f.value); v.Type == event.Object && len(v.Members) > 0 {
				f.used = !s.in.d.Source.Orders.None // where amounts are no orders they stay as an attribute
				return v
			}
		}
	}
	return event.Value{}
}

// unwrapped reads JSON that was put into a text; anything else is returned as it
// is.
func unwrapped(v event.Value) event.Value {
	if v.Type != event.String {
		return v
	}
	if text := strings.TrimSpace(v.Text); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if values, err := event.ParseJSON([]byte(text)); err == nil && len(values) == 1 {
			return values[0]
		}
	}
	return v
}

// tildaOrder reads the cart. It has no currency and no paid flag: the first
// stays unknown, the status is the source's default. Delivery is part of the
// amount and, as a rule, stands only in the text of its kind ("… 300 руб. = 300").
func tildaOrder(in *intake, fields *fieldSet, paid event.Value) *event.Order {
	text := func(names ...string) string {
		for _, name := range names {
			if s := first(texts(paid.Get(name))); s != "" {
				return s
			}
		}
		return ""
	}
	o := &event.Order{ID: text("orderid", "order_id"), Status: orderStatus(in, text("status"))}
	if o.ID == "0" {
		o.ID = ""
	}
	if code, ok := money.Code(text("currency")); ok {
		o.Currency = code
	}
	o.Total = in.amount(text("amount"), o.Currency)
	o.Shipping = in.amount(text("delivery_price"), o.Currency)
	for _, kind := range []string{first(fields.texts("deliveryType")), text("delivery")} {
		if i := strings.LastIndexByte(kind, '='); i >= 0 && o.Shipping == "" {
			o.Shipping = in.amount(kind[i+1:], o.Currency)
		}
	}
	products := unwrapped(paid.Get("products"))
	list := elements(products) // also one with gaps in its numbers
	if products.Get("name").Type != event.Null {
		list = []event.Value{products} // a single product that stands without a list
	}
	for _, product := range list {
		if item := tildaItem(in, unwrapped(product), o.Currency); item != (event.Item{}) {
			o.Items = append(o.Items, item)
		}
	}
	return o
}

// tildaItem reads one line. SKU is what stands in sku, often with more of the
// card's text behind it; externalid is another thing.
func tildaItem(in *intake, v event.Value, currency string) event.Item {
	if v.Type == event.String {
		return tildaLine(in, v.Text, currency)
	}
	text := func(name string) string { return first(texts(v.Get(name))) }
	item := event.Item{
		SKU: text("sku"), Name: text("name"), Category: text("category"),
		Price: in.amount(text("price"), currency), Sum: in.amount(text("amount"), currency),
	}
	if quantity, ok := event.Quantity(text("quantity")); ok {
		item.Quantity = quantity
	}
	return item
}

// tildaLine reads a product that is a sentence, as older carts have it:
// "Name - 2x990 = 1980".
func tildaLine(in *intake, line, currency string) event.Item {
	item := event.Item{Name: strings.TrimSpace(line)}
	dash, equals := strings.LastIndex(line, " - "), strings.LastIndex(line, " = ")
	if dash < 0 || equals < dash+3 {
		return item
	}
	count, price, ok := strings.Cut(line[dash+3:equals], "x")
	quantity, isCount := event.Quantity(strings.TrimSpace(count))
	if !ok || !isCount {
		return item
	}
	return event.Item{
		Name: strings.TrimSpace(line[:dash]), Quantity: quantity,
		Price: in.amount(price, currency), Sum: in.amount(line[equals+3:], currency),
	}
}
