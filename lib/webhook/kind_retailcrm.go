package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// retailcrmKind is the source kind "retailcrm" (webhooks.md §7). RetailCRM has no
// payload of its own: a trigger sends what its owner typed. Read are the names of
// our template (sources/retailcrm.md), the whole order or customer as the API
// tells it, and, by the source's map, anything else.
//
// The shop's own id of an order (externalId) is its id here, so that the site and
// RetailCRM speak of one order; one that was made in RetailCRM is
// retailcrm:<id>, because both systems count from one. options: {order_id: id}
// or number takes that field for every order instead.
type retailcrmKind struct{ foreign }

func (retailcrmKind) fields() []string { return []string{"key", "apiKey"} }

// deliveryID is retailcrm:<order>:<status> of a trigger, with the time of the
// change where the template sends one. A whole order has none: it may come again
// with another content in the same status.
func (retailcrmKind) deliveryID(in *intake) string {
	v := in.content().object()
	if whole, _ := retailcrmWhole(v); len(whole) > 0 {
		return ""
	}
	t := newRetailcrmTrigger(in, v)
	id := joined("retailcrm", t.anyID(), t.status)
	if id != "" && t.changed != "" {
		id += ":" + t.changed
	}
	return id
}

func (k retailcrmKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	whole, isOrder := retailcrmWhole(v)
	if len(whole) == 0 {
		return k.trigger(in, v)
	}
	r := reading{roots: whole}
	for _, object := range whole {
		if isOrder {
			r.events = append(r.events, retailcrmOrder(in, object))
		} else {
			r.events = append(r.events, retailcrmCustomer(object))
		}
	}
	return r
}

// retailcrmWhole finds the orders, else the customers, that a body holds as the
// API tells them; nil for what is none of both.
func retailcrmWhole(v event.Value) (objects []event.Value, isOrder bool) {
	only := func(list ...event.Value) (found []event.Value) {
		for _, item := range list {
			if item = opened(item); item.Type == event.Object && textAt(item, "id", "externalId", "number") != "" {
				found = append(found, item)
			}
		}
		return found
	}
	if found := append(only(v.Get("order")), only(elements(v.Get("orders"))...)...); len(found) > 0 {
		return found, true
	}
	whole := idAt(v, "id") != "" && textAt(v, "order_id", "orderId") == "" && textAt(v, "orderMethod", "orderType", "statusUpdatedAt") != ""
	if items := opened(v.Get("items")); whole || items.Type == event.Array || len(elements(items)) > 0 ||
		opened(v.Get("customer")).Type == event.Object && textAt(v, "status", "number") != "" {
		if found := only(v); len(found) > 0 {
			return found, true
		}
	}
	return append(only(v.Get("customer")), only(elements(v.Get("customers"))...)...), false
}

// retailcrmOrder reads an order of the API. The price of purchase
// (purchaseSumm, purchasePrice) is the owner's secret and goes nowhere.
func retailcrmOrder(in *intake, v event.Value) event.Event {
	ev := event.Event{Kind: event.OrderChange, Client: retailcrmPerson(v), Manager: idAt(v, "managerId")}
	id := retailcrmOrderID(in, idAt(v, "externalId"), idAt(v, "id"), textAt(v, "number"))
	o := &event.Order{ID: id, Currency: code(textAt(v, "currency"))}
	ev.Order = o
	for _, sum := range []struct {
		into *string
		path string
	}{{&o.Total, "totalSumm"}, {&o.Shipping, "delivery.cost"}} {
		in.setAmount(&ev, sum.into, sum.path, textAt(v, sum.path), o.Currency)
	}
	o.Items = retailcrmItems(in, v, o.Currency)
	paid := retailcrmPaid(in, v, o)
	dates := []string{"createdAt", "statusUpdatedAt"}
	if paid {
		dates = append(dates, "fullPaidAt")
	}
	for _, path := range dates {
		if at := in.time(textAt(v, path)); at.After(ev.At) {
			ev.At = at
		}
	}
	retailcrmStatus(in, &ev, textAt(v, "status"), paid)
	for _, m := range [][2]string{{"source", "utm_source"}, {"medium", "utm_medium"}, {"campaign", "utm_campaign"}, {"keyword", "utm_term"}, {"content", "utm_content"}} {
		if text := textAt(v, "source."+m[0]); text != "" {
			mark(&ev.Attribution, m[1], text)
		}
	}
	for _, path := range []string{"source.client_id", "clientId"} {
		retailcrmCounter(&ev.Attribution, textAt(v, path))
	}
	for _, tag := range elements(at(v, "tags")) {
		if name := first(append(textsAt(tag, "name"), texts(tag)...)); name != "" {
			ev.Tags = append(ev.Tags, name)
		}
	}
	for _, a := range [][2]string{{"order_number", "number"}, {"site", "site"}, {"order_method", "orderMethod"}, {"order_type", "orderType"}, {"customer_comment", "customerComment"}} {
		attribute(&ev, a[0], textAt(v, a[1]))
	}
	for _, m := range opened(v.Get("customFields")).Members {
		attribute(&ev, m.Key, strings.Join(texts(m.Value), "; "))
	}
	retailcrmNoOrder(in, &ev, joined("retailcrm", idAt(v, "id", "externalId", "number")))
	return ev
}

// retailcrmOrderID chooses among the three names of an order.
func retailcrmOrderID(in *intake, external, id, number string) string {
	switch in.d.Source.Options["order_id"] {
	case "id":
		if id != "" {
			return id
		}
	case "number":
		if number != "" {
			return number
		}
	}
	switch {
	case external != "":
		return external
	case id != "":
		return "retailcrm:" + id
	default:
		return number
	}
}

// retailcrmStatuses are codes of the dictionary that an account begins with
// [public code]. The dictionary is the owner's, so his own orders map wins.
func retailcrmStatuses() map[string]string {
	return map[string]string{
		"new": event.StatusNew, "complete": event.StatusCompleted, "return": event.StatusReturned,
		"no-call": event.StatusCancelled, "no-product": event.StatusCancelled, "already-buyed": event.StatusCancelled,
		"delyvery-did-not-suit": event.StatusCancelled, "prices-did-not-suit": event.StatusCancelled, "cancel-other": event.StatusCancelled,
	}
}

// retailcrmStatus sets the status. An order that is paid in full is paid where
// its code means nothing more to us (prepayed, assembling …).
func retailcrmStatus(in *intake, ev *event.Event, word string, paid bool) {
	known := retailcrmStatuses()
	small := strings.ToLower(word)
	if status, ok := known[small]; paid && (!ok && event.StatusRank(small) < 0 || status == event.StatusNew) {
		known[small] = event.StatusPaid
	}
	in.setStatus(ev, word, known)
}

// retailcrmPaid reports whether an order is paid in full: it says since when, or
// its payments (a map by id, or a list) that were made come to its total.
func retailcrmPaid(in *intake, v event.Value, o *event.Order) bool {
	if textAt(v, "fullPaidAt") != "" {
		return true
	}
	currency := o.Currency
	if currency == "" {
		currency = in.currency()
	}
	total, err := money.Parse(o.Total, currency)
	if err != nil || total.Minor <= 0 {
		return false
	}
	var sum int64
	for _, payment := range elements(v.Get("payments")) {
		if strings.EqualFold(textAt(payment, "status"), "paid") {
			if amount, err := money.Parse(in.amount(textAt(payment, "amount"), currency), currency); err == nil && amount.Minor > 0 && amount.Minor <= total.Minor {
				sum += amount.Minor // at most maxPairs times the total: no overflow below 10^14
			}
		}
	}
	return sum >= total.Minor
}

// retailcrmItems reads the lines. The discount of a line is that of one piece.
func retailcrmItems(in *intake, v event.Value, currency string) []event.Item {
	lines := elements(v.Get("items"))
	items := make([]event.Item, 0, len(lines))
	for _, line := range lines {
		list := in.items([]event.Value{line}, currency, event.Item{
			SKU: "offer.article|offer.externalId|offer.xmlId", Name: "productName|offer.name|offer.displayName", Quantity: "quantity", Price: "initialPrice",
		})
		for _, item := range list {
			item.Price = amountMinus(item.Price, in.amount(textAt(line, "discountTotal"), currency), currency, in.currency())
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		return nil
	}
	return items
}

// amountMinus subtracts decimal amounts; what cannot be subtracted leaves a as it is.
func amountMinus(a, b, currency, otherwise string) string {
	if currency == "" {
		currency = otherwise
	}
	x, errX := money.Parse(a, currency)
	y, errY := money.Parse(b, currency)
	if errX != nil || errY != nil || y.Minor <= 0 || y.Minor > x.Minor {
		return a
	}
	return money.Decimal(x.Minor-y.Minor, currency)
}

// retailcrmPerson reads who ordered. Of a company's order the person is the
// contact, not the company.
func retailcrmPerson(v event.Value) event.Client {
	customer := at(v, "customer")
	if textAt(customer, "type") == "customer_corporate" {
		customer = at(v, "contact")
	}
	c := retailcrmCustomer(customer).Client
	all := event.Client{
		Phones: append(textsAt(v, "phone", "additionalPhone"), c.AllPhones()...),
		Emails: append(textsAt(v, "email"), c.AllEmails()...),
	}
	setPhones(&c, all.AllPhones())
	setEmails(&c, all.AllEmails())
	if name := fullName(textAt(v, "firstName"), textAt(v, "patronymic"), textAt(v, "lastName")); name != "" {
		c.Name, c.FirstName, c.LastName = name, textAt(v, "firstName"), textAt(v, "lastName")
	}
	for _, place := range []struct {
		into *string
		path string
	}{{&c.City, "delivery.address.city"}, {&c.Address, "delivery.address.text"}, {&c.Country, "countryIso"}, {&c.Company, "company.name"}} {
		if text := textAt(v, place.path); text != "" {
			*place.into = text
		}
	}
	return c
}

// retailcrmCustomer reads a customer of the API as a change of his data.
func retailcrmCustomer(v event.Value) event.Event {
	ev := event.Event{Kind: event.Profile, Manager: idAt(v, "managerId")}
	c := &ev.Client
	phones := textsAt(v, "phone")
	for _, phone := range elements(v.Get("phones")) {
		phones = append(phones, textsAt(phone, "number")...)
		phones = append(phones, texts(phone)...)
	}
	setPhones(c, event.Client{Phones: phones}.AllPhones())
	setEmails(c, textsAt(v, "email"))
	c.ExternalID, c.ExternalIDs = idAt(v, "externalId"), named("retailcrm_customer", idAt(v, "id"))
	c.FirstName, c.LastName = textAt(v, "firstName"), textAt(v, "lastName")
	c.Name = fullName(c.FirstName, textAt(v, "patronymic"), c.LastName)
	c.City, c.Address, c.Country = textAt(v, "address.city"), textAt(v, "address.text"), textAt(v, "address.countryIso")
	c.Gender = event.Gender(textAt(v, "sex"))
	c.BirthDate = textAt(v, "birthday")
	for _, m := range opened(v.Get("customFields")).Members {
		if text := strings.Join(texts(m.Value), "; "); text != "" {
			put(&c.Attributes, m.Key, text)
		}
	}
	return ev
}

// retailcrmCounter keeps the client id of a counter. Two fields hold one, and
// which counter it is of shows in its form alone: Google Analytics writes two
// numbers with a point between them, Metrica one of sixteen digits and more.
func retailcrmCounter(a *event.Attribution, text string) {
	left, right, two := strings.Cut(text, ".")
	switch {
	case text == "":
	case two && wholeNumber(left) && wholeNumber(right):
		put(&a.ClientIDs, "ga", text)
	case wholeNumber(text) && len(text) >= 16:
		put(&a.ClientIDs, "ym_uid", text)
	default:
		put(&a.ClientIDs, "retailcrm_client_id", text)
	}
}

// wholeNumber reports whether a text is a number without a sign.
func wholeNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// retailcrmNoOrder turns an order into a lead where the source's amounts are no
// orders; what it said of the order stays as attributes.
func retailcrmNoOrder(in *intake, ev *event.Event, entity string) {
	ev.Entity = entity
	if !in.d.Source.Orders.None || ev.Order == nil {
		return
	}
	o := ev.Order
	ev.Kind, ev.Order = event.Lead, nil
	attribute(ev, "order_id", o.ID)
	attribute(ev, "total", o.Total)
	if _, ok := ev.Attributes["order_status"]; !ok {
		attribute(ev, "order_status", o.Status)
	}
}
