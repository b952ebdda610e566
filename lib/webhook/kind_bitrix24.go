package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// memberHeader keeps the portal's id, which stands among the credentials that are
// blanked. It is no secret.
const memberHeader = "leadlake-bitrix24-member"

// bitrix24Kind is the source kind "bitrix24" (webhooks.md §7). A hook says only
// that something happened to object N; the object is asked for, and read by this
// same adapter. A deal is a lead, unless it was made of one; options: {deals:
// orders} makes an order of it instead. Bitrix24 proves itself by its
// application_token and never sends anything twice.
type bitrix24Kind struct{ foreign }

// fields are all of auth: an application is sent live credentials.
func (bitrix24Kind) fields() []string {
	return []string{"auth[", "auth", "AUTH_ID", "REFRESH_ID", "access_token", "refresh_token", "application_token", "member_id", "client_endpoint", "server_endpoint"}
}

func (bitrix24Kind) note(d *Delivery) {
	if id := textAt(readContent(d).object(), "auth.member_id"); id != "" && !blanked(id) && len(id) <= 100 {
		if d.Header == nil {
			d.Header = make(map[string]string, 1)
		}
		d.Header[memberHeader] = id
	}
}

// prove compares application_token; a hook that has one has no other proof.
func (bitrix24Kind) prove(d *Delivery, secret string) bool {
	token := textAt(readContent(d).object(), "auth.application_token")
	if token == "" {
		return proveShared(d, secret)
	}
	return equalSecret(token, secret)
}

func (bitrix24Kind) deliveryID(in *intake) string {
	v := in.content().object()
	return joined("bitrix24", bitrix24Member(in, v), bitrix24Event(v), idAt(v, "data.FIELDS.ID"), textAt(v, "ts"))
}

func bitrix24Event(v event.Value) string { return strings.ToUpper(textAt(v, "event")) }

func bitrix24Member(in *intake, v event.Value) string {
	if id := in.d.Header[memberHeader]; id != "" {
		return id
	}
	if id := textAt(v, "auth.member_id"); !blanked(id) {
		return id
	}
	return ""
}

func (k bitrix24Kind) read(in *intake) reading {
	v, stop := in.body()
	switch {
	case stop != nil:
		return *stop
	case bitrix24Event(v) != "":
		return k.hook(in, v)
	}
	objects := []event.Value{v}
	switch result := opened(v.Get("result")); result.Type {
	case event.Object:
		objects[0] = result
	case event.Array:
		objects = result.Items
	}
	var r reading
	for _, object := range objects {
		if object = opened(object); idAt(object, "ID") != "" {
			b := &bitrix24Object{in: in, v: object, contact: at(v, "contact")}
			b.read(&r)
		}
	}
	if len(r.events) == 0 {
		return reading{failure: invalidEvent([]*event.FieldError{{Path: "event", Reason: "want an event of Bitrix24, or a lead, deal or contact as crm.lead.get tells it"}})}
	}
	return r
}

// hook reads the name and the id that a hook consists of. Events of other objects
// are answered and counted.
func (bitrix24Kind) hook(in *intake, v event.Value) reading {
	object, action, ok := bitrix24Named(bitrix24Event(v))
	id := idAt(v, "data.FIELDS.ID", "data.fields.id")
	order := object == "deal" && bitrix24Deals(in)
	if !ok || !wholeNumber(id) || action == "DELETE" && !order {
		return reading{ping: true}
	}
	ev := event.Event{Kind: event.Profile, Entity: bitrix24Entity(in, v, object, id), At: in.time(textAt(v, "ts")), Fetch: "crm." + object + ".get id=" + id}
	switch {
	case action == "DELETE":
		ev.Kind, ev.Fetch, ev.Order = event.OrderChange, "", &event.Order{ID: id, Status: event.StatusCancelled}
	case object != "contact" && action == "ADD" && !order:
		ev.Kind = event.Lead
	}
	return reading{events: []event.Event{ev}}
}

// bitrix24Deals reports whether deals are orders.
func bitrix24Deals(in *intake) bool {
	return in.d.Source.Options["deals"] == "orders" && !in.d.Source.Orders.None
}

// bitrix24Named cuts ONCRMLEADADD into lead and ADD.
func bitrix24Named(name string) (object, action string, ok bool) {
	for _, object := range []string{"lead", "deal", "contact"} {
		switch action, ok := strings.CutPrefix(name, "ONCRM"+strings.ToUpper(object)); {
		case !ok:
		case action == "ADD", action == "UPDATE", action == "DELETE":
			return object, action, true
		}
	}
	return "", "", false
}

// bitrix24Entity names an object. The portal is known to hooks; a person who tries
// out a fetched object has only the source.
func bitrix24Entity(in *intake, v event.Value, object, id string) string {
	portal := bitrix24Member(in, v)
	if portal == "" {
		portal = in.d.Source.Name
	}
	return joined("bitrix24", portal, object, id)
}

// bitrix24Object is a lead, deal or contact as the API tells it.
type bitrix24Object struct {
	in      *intake
	v       event.Value
	contact event.Value // of a lead or deal that has one, as it was asked for along with it
}

func (b *bitrix24Object) read(r *reading) {
	v := b.v
	created, modified := b.in.time(textAt(v, "DATE_CREATE")), b.in.time(textAt(v, "DATE_MODIFY"))
	lead, deal := textAt(v, "STATUS_ID"), textAt(v, "STAGE_ID")
	object := "contact"
	switch {
	case deal != "":
		object = "deal"
	case lead != "" || textAt(v, "OPPORTUNITY", "STATUS_SEMANTIC_ID") != "":
		object = "lead"
	}
	ev := event.Event{Kind: event.Lead, At: created, Entity: b.entity(object)}
	b.person(&ev, object)
	b.facts(&ev)
	if object == "contact" {
		ev.Kind = event.Profile
		if !modified.IsZero() {
			ev.At = modified
		}
		b.add(r, ev)
		return
	}
	later := event.Event{Kind: event.Profile, At: modified, Entity: ev.Entity, Client: ev.Client, Stage: textAt(v, "STATUS_ID", "STAGE_ID"), Manager: idAt(v, "ASSIGNED_BY_ID")}
	later.Order = b.value(&ev)
	switch {
	case object == "deal" && bitrix24Deals(b.in):
		ev.Kind, ev.Order, ev.Stage, ev.Manager = event.OrderChange, later.Order, later.Stage, later.Manager
		if !modified.IsZero() {
			ev.At = modified
		}
		b.in.setStatus(&ev, deal, b.semantic(deal))
		b.add(r, ev)
	case object == "deal" && idAt(v, "LEAD_ID") != "": // the lead was counted when it came
		ev.Kind, ev.Order, ev.Stage, ev.Manager = event.Profile, later.Order, later.Stage, later.Manager
		if !modified.IsZero() {
			ev.At = modified
		}
		b.add(r, ev)
	case !modified.After(created):
		ev.Order, ev.Stage, ev.Manager = later.Order, later.Stage, later.Manager
		b.add(r, ev)
	default:
		// The lead is as old as it is, whatever happened to it since; the stage it
		// stands in now was not reached then.
		ev.Order = &event.Order{ID: later.Order.ID}
		b.add(r, ev)
		b.add(r, later)
	}
}

func (b *bitrix24Object) add(r *reading, ev event.Event) {
	r.events, r.roots = append(r.events, ev), append(r.roots, b.v)
}

func (b *bitrix24Object) entity(object string) string {
	if _, entity, ok := fetched(b.in.d); ok && entity != "" {
		return entity
	}
	return bitrix24Entity(b.in, event.Value{}, object, idAt(b.v, "ID"))
}

// value is what a lead or deal is worth; 0.00 is how Bitrix24 writes nothing.
func (b *bitrix24Object) value(ev *event.Event) *event.Order {
	o := &event.Order{ID: idAt(b.v, "ID"), Currency: code(textAt(b.v, "CURRENCY_ID"))}
	if text := textAt(b.v, "OPPORTUNITY"); strings.Trim(text, "0.") != "" {
		b.in.setAmount(ev, &o.Total, "opportunity", text, o.Currency)
	}
	if word := strings.ToLower(textAt(b.v, "STATUS_ID")); event.StatusRank(word) >= 0 {
		o.Status = word // NEW; the other stages of a lead are no statuses of an order
	}
	return o
}

// semantic is what the stage of a deal means by the group it belongs to: S won,
// F lost, P in work.
func (b *bitrix24Object) semantic(stage string) map[string]string {
	status := map[string]string{"S": event.StatusCompleted, "F": event.StatusCancelled, "P": event.StatusNew}[strings.ToUpper(textAt(b.v, "STAGE_SEMANTIC_ID"))]
	if status == "" {
		return nil
	}
	return map[string]string{strings.ToLower(stage): status}
}

// person reads who a lead, deal or contact is about; what a lead does not say
// itself its contact does.
func (b *bitrix24Object) person(ev *event.Event, object string) {
	v, c := b.v, &ev.Client
	c.References = named("bitrix24_lead", idAt(v, "LEAD_ID"))
	switch object {
	case "lead":
		c.References = named("bitrix24_lead", idAt(v, "ID"))
		c.ExternalIDs = append(c.ExternalIDs, named("bitrix24_contact", idAt(v, "CONTACT_ID"))...)
	case "deal":
		c.References = append(c.References, named("bitrix24_deal", idAt(v, "ID"))...)
		c.ExternalIDs = append(c.ExternalIDs, named("bitrix24_contact", idAt(v, "CONTACT_ID"))...)
	default:
		c.ExternalIDs = append(c.ExternalIDs, named("bitrix24_contact", idAt(v, "ID"))...)
	}
	phones, emails := bitrix24Values(v.Get("PHONE")), bitrix24Values(v.Get("EMAIL"))
	setPhones(c, event.Client{Phones: append(phones, bitrix24Values(b.contact.Get("PHONE"))...)}.AllPhones())
	setEmails(c, event.Client{Emails: append(emails, bitrix24Values(b.contact.Get("EMAIL"))...)}.AllEmails())
	for _, from := range []event.Value{v, b.contact} {
		if name := fullName(textAt(from, "NAME"), textAt(from, "SECOND_NAME"), textAt(from, "LAST_NAME")); name != "" && c.Name == "" {
			c.Name, c.FirstName, c.LastName = name, textAt(from, "NAME"), textAt(from, "LAST_NAME")
		}
		for _, field := range []struct {
			into *string
			path string
		}{{&c.City, "ADDRESS_CITY"}, {&c.Address, "ADDRESS"}, {&c.Country, "ADDRESS_COUNTRY_CODE"}, {&c.Company, "COMPANY_TITLE"}} {
			if *field.into == "" {
				*field.into = textAt(from, field.path)
			}
		}
		if text := textAt(from, "BIRTHDATE"); text != "" && c.BirthDate == "" {
			c.BirthDate, _, _ = strings.Cut(text, "T") // the rest is midnight in some zone
		}
	}
}

// facts reads where a lead came from and what its title and its own fields say.
func (b *bitrix24Object) facts(ev *event.Event) {
	attributed(&ev.Attribution, b.v)
	title := textAt(b.v, "TITLE")
	attribute(ev, "title", title)
	attribute(ev, "phone_hint", phoneInText(title))
	for _, a := range [][2]string{{"source", "SOURCE_ID"}, {"source_description", "SOURCE_DESCRIPTION"}, {"comments", "COMMENTS"}, {"pipeline", "CATEGORY_ID"}, {"origin", "ORIGIN_ID"}} {
		attribute(ev, a[0], textAt(b.v, a[1]))
	}
	for _, m := range b.v.Members {
		if strings.HasPrefix(m.Key, "UF_") {
			attribute(ev, m.Key, strings.Join(texts(opened(m.Value)), "; "))
		}
	}
}

// bitrix24Values are the values of a field with several: {VALUE, VALUE_TYPE}.
func bitrix24Values(list event.Value) []string {
	var values []string
	for _, item := range elements(list) {
		values = append(values, textsAt(item, "VALUE")...)
		values = append(values, texts(item)...)
	}
	return append(values, texts(list)...)
}
