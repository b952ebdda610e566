package webhook

import (
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/money"
)

// event reads one call; false for those that tell nothing about a client: pages,
// screens, and events that neither the e-commerce names nor the source's
// configuration know.
func (c call) event(in *intake) (event.Event, bool, *Failure) {
	c.merge()
	ev := event.Event{Kind: event.Profile}
	ev.At, ev.EstimatedAt = c.at(in)
	ev.ID, ev.DerivedID = c.id()
	c.person(in, &ev)
	c.attribution(&ev)
	traits := opened(c.item.Get("traits"))
	var m meaning
	switch c.kind {
	case "identify":
		c.traits(in, &ev, traits, true)
		c.link(in, &ev)
		if len(ev.Client.ExternalIDs) > 0 && ev.Client.ExternalID == "" && ev.Client.Phone == "" && ev.Client.Email == "" {
			ev.Client.ExternalIDs = nil // a visitor whom nobody knows is no client
		}
	case "alias":
		previous := idAt(c.item, "previousId", "previous_id")
		ev.Client.ExternalIDs = append(ev.Client.ExternalIDs, previous)
		if linked(in) {
			ev.Client.ExternalIDs = append(ev.Client.ExternalIDs, named("segment_anonymous", previous)...)
		}
		if previous == "" || ev.Client.ExternalID == "" {
			return ev, false, nil
		}
	case "group":
		ev.Client.Company = textAt(traits, "name", "company")
		attribute(&ev, "group_id", idAt(c.item, "groupId"))
	case "delete":
		ev.Kind = event.Erase
		if c.unsigned {
			ev.Kind = event.Profile // anybody may have added it to a batch that is signed over its first element
			attribute(&ev, "erasure_not_signed", "true")
		}
	case "track":
		name := textAt(c.item, "event", "name")
		m = in.meaning(name)
		if m.ignore || !c.track(in, &ev, name, m) {
			return ev, false, nil
		}
		m.kind = ev.Kind
		overlay(in, c.root(), &ev)
		return ev, true, m.apply(in, &ev, name)
	default:
		return ev, false, nil
	}
	overlay(in, c.root(), &ev)
	return ev, ev.Client.Identified(), nil
}

// root is the call with the context of its batch, for the source's map.
func (c call) root() event.Value {
	root := event.Value{Type: event.Object, Members: []event.Member{{Key: "context", Value: c.context}}}
	for _, m := range c.item.Members {
		if m.Key != "context" {
			root.Members = append(root.Members, m)
		}
	}
	return root
}

// person is who the call is about. The traits of a track call stand in its
// context; people also put a contact into its properties.
func (c call) person(in *intake, ev *event.Event) {
	ev.Client.ExternalID = idAt(c.item, "userId", "user_id")
	if anonymous := idAt(c.item, "anonymousId", "anonymous_id"); anonymous != "" {
		put(&ev.Attribution.ClientIDs, "segment_anonymous", anonymous)
	}
	c.traits(in, ev, opened(at(c.context, "traits")), false)
	if c.kind == "track" {
		properties := opened(c.item.Get("properties"))
		person := event.Value{Type: event.Object}
		for _, name := range []string{"email", "phone"} {
			person.Members = append(person.Members, event.Member{Key: name, Value: properties.Get(name)})
		}
		c.traits(in, ev, person, false)
	}
}

// linked reports whether anonymous ids join people, which the owner may refuse
// where many people share one browser.
func linked(in *intake) bool { return in.d.Source.Options["link_anonymous"] != "false" }

// link makes an identity of the anonymous id. Only identify, alias and what
// somebody did before he was known carry it: a known user's later calls from the
// same browser prove nothing new.
func (c call) link(in *intake, ev *event.Event) {
	if linked(in) {
		ev.Client.ExternalIDs = append(ev.Client.ExternalIDs, named("segment_anonymous", ev.Attribution.ClientIDs["segment_anonymous"])...)
	}
}

// traits reads what is said about a person, in either spelling of the names. What
// is known already stays; with keep the rest becomes attributes.
func (c call) traits(in *intake, ev *event.Event, traits event.Value, keep bool) {
	client := &ev.Client
	set := func(into *string, value string) {
		if *into == "" {
			*into = value
		}
	}
	if emails := textsAt(traits, "email"); client.Email == "" {
		setEmails(client, emails)
	}
	if phones := textsAt(traits, "phone"); client.Phone == "" {
		setPhones(client, phones)
	}
	set(&client.FirstName, textAt(traits, "firstName", "first_name"))
	set(&client.LastName, textAt(traits, "lastName", "last_name"))
	set(&client.Name, textAt(traits, "name"))
	set(&client.Name, fullName(client.FirstName, client.LastName))
	set(&client.Gender, event.Gender(textAt(traits, "gender")))
	address := opened(traits.Get("address"))
	set(&client.City, textAt(address, "city"))
	set(&client.Country, textAt(address, "country"))
	if address.Type == event.String {
		set(&client.Address, textAt(traits, "address"))
	} else {
		set(&client.Address, joinedBy(", ", textAt(address, "postalCode", "postal_code"), textAt(address, "state"), textAt(address, "street")))
	}
	set(&client.Company, textAt(traits, "company", "company.name"))
	if text := textAt(traits, "birthday"); text != "" {
		// An instant that only the business's time zone makes a day of.
		if _, err := identity.ParseBirthDate(text, time.Time{}); err != nil {
			if t := in.time(text); !t.IsZero() {
				text = t.In(in.cfg.Location()).Format(time.DateOnly)
			}
		}
		set(&client.BirthDate, text)
	}
	if !keep {
		return
	}
	for _, m := range traits.Members {
		switch m.Key {
		case "email", "phone", "firstName", "first_name", "lastName", "last_name", "name", "gender", "address", "company", "birthday":
		default:
			attribute(ev, m.Key, strings.Join(texts(m.Value), "; "))
		}
	}
}

func joinedBy(separator string, parts ...string) string {
	var full []string
	for _, part := range parts {
		if part != "" {
			full = append(full, part)
		}
	}
	return strings.Join(full, separator)
}

// attribution is the campaign and the page of the context.
func (c call) attribution(ev *event.Event) {
	a := &ev.Attribution
	for _, m := range opened(at(c.context, "campaign")).Members {
		name := "utm_" + strings.TrimPrefix(m.Key, "utm_")
		if m.Key == "name" {
			name = "utm_campaign"
		}
		if text := first(texts(m.Value)); text != "" {
			mark(a, name, text)
		}
	}
	attributedURL(a, textAt(c.context, "page.url"))
	for _, p := range campaignQuery(textAt(c.context, "page.search")) {
		if text := strings.TrimSpace(string(p.value)); text != "" {
			mark(a, string(p.key), text)
		}
	}
	a.Referrer = textAt(c.context, "page.referrer")
}

// track reads an event by its name: the e-commerce names, or what the source's
// configuration says of it. false for one that nobody wants.
func (c call) track(in *intake, ev *event.Event, name string, m meaning) bool {
	known := map[string]string{"order completed": event.StatusCompleted, "order cancelled": event.StatusCancelled, "order refunded": event.StatusReturned}
	status, standard := known[strings.ToLower(name)]
	properties := opened(c.item.Get("properties"))
	switch {
	case m.kind == event.OrderChange, m.kind == "" && standard:
		id := idAt(properties, "order_id", "orderId")
		_, declared := in.d.Source.Options[name]
		placed := declared || status == event.StatusCompleted
		if in.d.Source.Orders.None {
			if !placed {
				return false // of what is no order nothing is cancelled
			}
			ev.Kind = event.Lead
			break
		}
		if id == "" && !placed {
			return false // cancelled is an order that the call does not name
		}
		ev.Kind = event.OrderChange
		c.order(in, ev, properties, name, known)
		if id == "" { // the statement itself is the order
			ev.DeriveID(in.d.Source.Name, in.d.ReceivedAt)
			id = ev.ID
		}
		ev.Order.ID = id
	case m.kind == "":
		return false
	default:
		ev.Kind = m.kind
	}
	if ev.Client.ExternalID == "" {
		c.link(in, ev)
	}
	if ev.Kind != event.OrderChange {
		attribute(ev, "event_type", name)
		for _, p := range properties.Members {
			attribute(ev, p.Key, strings.Join(texts(p.Value), "; "))
		}
	}
	return true
}

// order reads the properties of an order. The total of a refund is what was given
// back, and its products are the lines of the refund; neither replaces those of
// the order.
func (c call) order(in *intake, ev *event.Event, p event.Value, name string, known map[string]string) {
	o := &event.Order{Currency: code(textAt(p, "currency"))}
	ev.Order = o
	word := textAt(p, "status", "order_status")
	if _, standard := known[strings.ToLower(name)]; standard || word == "" || in.orderWord(name) {
		word = name
	}
	in.setStatus(ev, word, known)
	attribute(ev, "coupon", textAt(p, "coupon"))
	attribute(ev, "checkout_id", idAt(p, "checkout_id", "checkoutId"))
	attribute(ev, "affiliation", textAt(p, "affiliation"))
	if o.Status == event.StatusReturned {
		in.setAmount(ev, &o.Returned, "returned", textAt(p, "total"), o.Currency)
		return
	}
	in.setAmount(ev, &o.Shipping, "shipping", textAt(p, "shipping"), o.Currency)
	if total := textAt(p, "total"); total != "" {
		in.setAmount(ev, &o.Total, "total", total, o.Currency)
	} else {
		o.Total = in.segmentTotal(p, o.Currency)
	}
	o.Items = in.items(elements(p.Get("products")), o.Currency, event.Item{
		SKU: "sku|product_id|productId", Name: "name", Category: "category", Quantity: "quantity", Price: "price",
	})
}

// segmentTotal is revenue, which is without shipping and tax, with both.
func (in *intake) segmentTotal(p event.Value, currency string) string {
	if currency == "" {
		currency = in.currency()
	}
	var sum int64
	for _, name := range []string{"revenue", "shipping", "tax"} {
		a, err := money.Parse(in.amount(textAt(p, name), currency), currency)
		if err != nil {
			if name == "revenue" {
				return ""
			}
			continue
		}
		sum += a.Minor
	}
	return money.Decimal(sum, currency)
}
