package webhook

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// overlay applies the source's map and consent rules to an event that the
// adapter of a foreign system read. A name of the map is looked up in the part of
// the body the event was made of: by its exact path (order.customer.phone,
// items.0.name), by the name of a field at any depth, or by the title of a custom
// field ({"name": …, "value": …}). What is found wins over what the adapter
// found; names that are not ours become attributes.
func overlay(in *intake, root event.Value, ev *event.Event) {
	source := in.d.Source
	if len(source.Map) == 0 && len(source.Consents) == 0 || root.Type == event.Null {
		return
	}
	s := &fieldSet{in: in, root: root}
	s.openAll(root, "", 0)
	for _, ours := range slices.Sorted(maps.Keys(source.Map)) {
		if ours == "secret" {
			continue
		}
		if values := s.use(s.named(source.Map[ours])); len(values) > 0 {
			in.override(ev, ours, values)
		}
	}
	ev.Consents = append(ev.Consents, s.consents()...)
}

// openAll lists the scalars of a value under their paths, and the values of
// custom fields under their titles too.
func (s *fieldSet) openAll(v event.Value, path string, depth int) {
	v = opened(v)
	if depth > event.MaxDepth || len(s.fields) >= maxPairs {
		return
	}
	switch v.Type {
	case event.Object:
		for _, m := range v.Members {
			s.openAll(m.Value, joinPath(path, m.Key), depth+1)
		}
		s.titled(v)
	case event.Array:
		if len(texts(v)) > 0 {
			s.scalar(v, path)
		}
		for i, item := range v.Items {
			s.openAll(item, joinPath(path, strconv.Itoa(i)), depth+1)
		}
	case event.Null:
	default:
		s.scalar(v, path)
	}
}

func (s *fieldSet) scalar(v event.Value, path string) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	s.fields = append(s.fields, field{name: name, path: path, value: v})
}

// titled adds a custom field under each of its titles.
func (s *fieldSet) titled(v event.Value) {
	var value event.Value
	for _, key := range []string{"value", "values", "answer"} {
		if value = v.Get(key); value.Type != event.Null {
			break
		}
	}
	if inner := elements(value); len(inner) > 0 && inner[0].Type == event.Object { // values: [{value: …}]
		var plain event.Value
		plain.Type = event.Array
		for _, item := range inner {
			plain.Items = append(plain.Items, item.Get("value"))
		}
		value = plain
	}
	if len(texts(value)) == 0 {
		return
	}
	for _, key := range []string{"name", "title", "code", "key", "label", "question", "id", "field_name", "field_code", "field_id"} {
		if title := first(texts(v.Get(key))); title != "" {
			s.fields = append(s.fields, field{name: title, path: title, value: value})
		}
	}
}

// override puts mapped values into an event.
func (in *intake) override(ev *event.Event, ours string, values []string) {
	one := values[0]
	c := &ev.Client
	switch ours {
	case "id":
		ev.ID = one
	case "entity":
		ev.Entity = one
	case "at":
		if t := in.time(one); !t.IsZero() {
			ev.At = t
		} else {
			attribute(ev, "at_unread", one)
		}
	case "phone":
		setPhones(c, values)
	case "email":
		setEmails(c, values)
	case "external_id":
		c.ExternalID = one
	case "card_no":
		c.CardNo = one
	case "name":
		c.Name = strings.Join(values, " ")
	case "first_name":
		c.FirstName = one
	case "last_name":
		c.LastName = one
	case "city":
		c.City = one
	case "country":
		c.Country = one
	case "address":
		c.Address = strings.Join(values, ", ")
	case "company":
		c.Company = one
	case "gender":
		c.Gender = event.Gender(one)
	case "birth_date":
		c.BirthDate = one
	case "loyalty_level":
		c.LoyaltyLevel = one
	case "preferred_channel":
		c.PreferredChannel = one
	case "interests":
		ev.Interests = values
	case "tags":
		ev.Tags = values
	case "manager":
		ev.Manager = one
	case "stage":
		ev.Stage = one
	case "landing":
		ev.Attribution.Landing = ""
		attributedURL(&ev.Attribution, one)
	case "referrer":
		ev.Attribution.Referrer = one
	case "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term":
		in.overrideUTM(ev, ours, one)
	default:
		delete(ev.Attribution.ClickIDs, ours)
		if !in.overrideOrder(ev, ours, one) && !in.overrideContact(ev, ours, one) && !mark(&ev.Attribution, ours, one) {
			attribute(ev, ours, strings.Join(values, "; "))
		}
	}
}

func (in *intake) overrideUTM(ev *event.Event, ours, text string) {
	a := &ev.Attribution
	*map[string]*string{
		"utm_source": &a.UTMSource, "utm_medium": &a.UTMMedium, "utm_campaign": &a.UTMCampaign, "utm_content": &a.UTMContent, "utm_term": &a.UTMTerm,
	}[ours] = text
}

// overrideOrder makes an order of a mapped order_id where the adapter knew of
// none.
func (in *intake) overrideOrder(ev *event.Event, ours, text string) bool {
	switch ours {
	case "order_id", "order_status", "total", "shipping", "returned", "currency":
	default:
		return false
	}
	if ev.Order == nil {
		ev.Order = &event.Order{}
	}
	o := ev.Order
	switch ours {
	case "order_id":
		if o.ID = text; ev.Kind == event.Lead && !in.d.Source.Orders.None {
			ev.Kind = event.OrderChange
		}
		if ev.Kind == event.OrderChange && o.Status == "" {
			o.Status = orderStatus(in, "")
		}
	case "order_status":
		in.setStatus(ev, text, nil)
	case "total":
		in.setAmount(ev, &o.Total, ours, text, o.Currency)
	case "shipping":
		in.setAmount(ev, &o.Shipping, ours, text, o.Currency)
	case "returned":
		in.setAmount(ev, &o.Returned, ours, text, o.Currency)
	case "currency":
		o.Currency = code(text)
	}
	return true
}

func (in *intake) overrideContact(ev *event.Event, ours, text string) bool {
	switch ours {
	case "channel", "direction", "result", "seconds", "rating", "message":
	default:
		return false
	}
	if ev.Contact == nil {
		ev.Contact = &event.Contact{Channel: "form", Direction: "in"}
	}
	c := ev.Contact
	*map[string]*string{
		"channel": &c.Channel, "direction": &c.Direction, "result": &c.Result, "seconds": &c.Seconds, "rating": &c.Rating, "message": &c.Text,
	}[ours] = text
	return true
}
