package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// ReasonOtherAccount is the reason of what came from another account than the one
// that options: {account_id: …} of the source names.
const ReasonOtherAccount = "other_account"

// amocrmKind is the source kind "amocrm": amoCRM and Kommo (webhooks.md §7). One
// request holds several entities, each with an action. A deal is a lead, its
// price the lead's value; options: {deals: orders} makes orders of deals too, by
// the source's orders map of status ids. A contact is a profile that names the
// deals it belongs to, so that the phone of the one and the campaign of the other
// meet in one client.
//
// amoCRM signs nothing: the secret stands in the URL.
type amocrmKind struct{ foreign }

// deliveryID is the event's own where a request holds one event.
func (k amocrmKind) deliveryID(in *intake) string {
	if r := k.read(in); len(r.events) == 1 {
		return r.events[0].ID
	}
	return ""
}

func (amocrmKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	a := &amocrmRequest{in: in, account: idAt(v, "account.id", "account_id"), linked: map[string]bool{}}
	if a.account == "" {
		a.account = idAt(v, "fetched.lead.account_id", "account.subdomain", "subdomain")
	}
	if want := in.d.Source.Options["account_id"]; want != "" && want != a.account {
		return reading{failure: &Failure{Reason: ReasonOtherAccount, Detail: "the account's id is not the one in the source's options"}}
	}
	switch {
	case at(v, "fetched.lead").Type == event.Object:
		a.fetched(at(v, "fetched.lead"), at(v, "fetched.contact"))
	case textAt(v, "event.type_code") != "":
		a.moved(at(v, "event"))
	case idAt(v, "id") != "" && opened(v.Get("leads")).Type == event.Null:
		a.plain(v)
	default:
		a.hooks(v)
	}
	if len(a.events) == 0 {
		return reading{ping: true}
	}
	return reading{events: a.events, roots: a.roots}
}

// amocrmRequest collects the events of one request.
type amocrmRequest struct {
	in      *intake
	account string
	linked  map[string]bool // leads that a contact of the same request belongs to
	events  []event.Event
	roots   []event.Value
}

func (a *amocrmRequest) add(ev event.Event, root event.Value) {
	a.events, a.roots = append(a.events, ev), append(a.roots, root)
}

// hooks reads {entity}[{action}][n]. Entities and actions that are no events of
// ours (tasks, notes, deleted contacts …) are passed over. The digital pipeline
// writes lead for leads.
func (a *amocrmRequest) hooks(v event.Value) {
	type change struct {
		entity, action string
		v              event.Value
	}
	var changes []change
	for _, m := range v.Members {
		for _, action := range opened(m.Value).Members {
			list := elements(action.Value)
			if one := opened(action.Value); idAt(one, "id") != "" {
				list = []event.Value{one}
			}
			for _, item := range list {
				if item = opened(item); item.Type != event.Object || idAt(item, "id") == "" {
					continue
				}
				changes = append(changes, change{m.Key, action.Key, item})
				if m.Key == "contacts" {
					for _, id := range amocrmLinked(item) {
						a.linked[id] = true
					}
				}
			}
		}
	}
	for _, c := range changes {
		switch c.entity {
		case "leads", "lead":
			a.lead(c.action, c.v)
		case "contacts", "companies":
			if c.action == "add" || c.action == "update" {
				a.contact(c.entity, c.action, c.v)
			}
		}
	}
}

// lead reads one change of a deal.
func (a *amocrmRequest) lead(action string, v event.Value) {
	id := idAt(v, "id")
	ev := event.Event{Entity: joined("amocrm", a.accountOf(v), "lead", id), ID: a.id("leads", action, v), At: a.in.time(textAt(v, "last_modified", "updated_at"))}
	switch action {
	case "add":
		ev.Kind = event.Lead
		if at := a.in.time(textAt(v, "created_at", "date_create")); !at.IsZero() {
			ev.At = at
		}
		if !a.linked[id] && wholeNumber(id) {
			ev.Fetch = "GET /api/v4/leads/" + id + "?with=contacts"
		}
	case "status", "event":
		ev.Kind = event.Stage
	case "update", "responsible", "restore":
		ev.Kind = event.Profile
	case "call_in", "chat", "mail_in", "site_visit":
		channel := map[string]string{"call_in": "call", "chat": "chat", "mail_in": "email", "site_visit": "visit"}[action]
		ev.Kind, ev.Contact = event.ContactMade, &event.Contact{Channel: channel, Direction: "in"}
	case "delete":
		if !a.deals() {
			return
		}
	default:
		return
	}
	a.describe(&ev, v)
	if ev.Kind == "" || a.deals() && (ev.Kind == event.Stage || ev.Kind == event.Profile) {
		a.order(&ev, v, action)
	}
	a.add(ev, v)
	if ev.Kind == event.Lead && a.deals() {
		sold := ev
		sold.Entity, sold.Fetch = "", ""
		sold.Attributes = maps.Clone(ev.Attributes)
		sold.Attribution.ClickIDs, sold.Attribution.ClientIDs = maps.Clone(ev.Attribution.ClickIDs), maps.Clone(ev.Attribution.ClientIDs)
		if sold.ID != "" {
			sold.ID += ":order"
		}
		a.order(&sold, v, action)
		a.add(sold, v)
	}
}

// deals reports whether deals are orders too.
func (a *amocrmRequest) deals() bool {
	return a.in.d.Source.Options["deals"] == "orders" && !a.in.d.Source.Orders.None
}

// order turns what is said of a deal into a statement about an order. Which
// status means what only the owner's map knows.
func (a *amocrmRequest) order(ev *event.Event, v event.Value, action string) {
	ev.Kind = event.OrderChange
	o := event.Order{ID: idAt(v, "id")}
	if ev.Order != nil {
		o = *ev.Order
	}
	ev.Order = &o
	if action == "delete" {
		o.Status = event.StatusCancelled
		return
	}
	word := a.status(v, func(word string) bool { _, ok := a.in.d.Source.Orders.Map[word]; return ok })
	if word == "" {
		return // not told: changes nothing
	}
	a.in.setStatus(ev, word, nil)
}

// describe reads what hooks and fetched deals have in common.
func (a *amocrmRequest) describe(ev *event.Event, v event.Value) {
	id := idAt(v, "id")
	ev.Client.References = named("amocrm_lead", id)
	if price := idAt(v, "price"); price != "" {
		ev.Order = &event.Order{ID: id}
		a.in.setAmount(ev, &ev.Order.Total, "price", price, "")
	} else if ev.Kind == event.Lead {
		ev.Order = &event.Order{ID: id}
	}
	ev.Manager = idAt(v, "responsible_user_id")
	ev.Stage = a.status(v, func(word string) bool { _, ok := a.in.d.Source.Stages[word]; return ok })
	for _, tag := range append(elements(v.Get("tags")), elements(at(v, "_embedded.tags"))...) {
		if name := first(append(textsAt(tag, "name"), texts(tag)...)); name != "" {
			ev.Tags = append(ev.Tags, name)
		}
	}
	title := textAt(v, "name")
	attribute(ev, "title", title)
	attribute(ev, "phone_hint", phoneInText(title))
	attribute(ev, "pipeline", idAt(v, "pipeline_id"))
	attribute(ev, "old_stage", idAt(v, "old_status_id")) // two hooks without a time differ in it
	a.custom(ev, v)
}

// status is the word for a stage: pipeline:status where the configuration knows
// that, else the status alone. A status that every pipeline has, won or lost, can
// so be written once.
func (a *amocrmRequest) status(v event.Value, known func(word string) bool) string {
	status := idAt(v, "status_id")
	if word := joined(idAt(v, "pipeline_id"), status); word != "" && known(word) {
		return word
	}
	return status
}

// contact reads a contact or a company. Companies come as contacts of their own
// type too. A company is nobody whose deals are his.
func (a *amocrmRequest) contact(entity, action string, v event.Value) {
	id := idAt(v, "id")
	ev := event.Event{Kind: event.Profile, ID: a.id(entity, action, v), At: a.in.time(textAt(v, "last_modified", "updated_at", "created_at", "date_create"))}
	a.person(&ev, v)
	if entity == "companies" || textAt(v, "type") == "company" {
		ev.Entity = joined("amocrm", a.accountOf(v), "company", id)
		ev.Client.ExternalIDs, ev.Client.References = nil, named("amocrm_company", id)
		ev.Client.Company, ev.Client.Name = ev.Client.Name, ""
	} else {
		ev.Entity = joined("amocrm", a.accountOf(v), "contact", id)
		for _, lead := range amocrmLinked(v) {
			ev.Client.References = append(ev.Client.References, named("amocrm_lead", lead)...)
		}
	}
	ev.Manager = idAt(v, "responsible_user_id")
	a.add(ev, v)
}

func (a *amocrmRequest) person(ev *event.Event, v event.Value) {
	c := &ev.Client
	c.ExternalIDs = append(c.ExternalIDs, named("amocrm_contact", idAt(v, "id"))...)
	c.Name, c.FirstName, c.LastName = textAt(v, "name"), textAt(v, "first_name"), textAt(v, "last_name")
	if c.Name == "" {
		c.Name = fullName(c.FirstName, c.LastName)
	}
	c.Company = textAt(v, "company_name")
	a.custom(ev, v)
}

// custom reads custom fields: {code, name, values: [{value}]} of a hook, bare
// values among them, {field_code, field_name, values} of the API.
func (a *amocrmRequest) custom(ev *event.Event, v event.Value) {
	var phones, emails []string
	for _, f := range append(elements(v.Get("custom_fields")), elements(v.Get("custom_fields_values"))...) {
		fieldCode, name := strings.ToUpper(textAt(f, "code", "field_code")), textAt(f, "name", "field_name", "id", "field_id")
		var values []string
		for _, value := range elements(at(f, "values")) {
			values = append(values, textsAt(value, "value")...)
			values = append(values, texts(value)...)
		}
		if len(values) == 0 {
			values = append(texts(at(f, "values")), textsAt(f, "value")...)
		}
		text := strings.Join(values, "; ")
		switch {
		case text == "":
		case fieldCode == "PHONE":
			phones = append(phones, values...)
		case fieldCode == "EMAIL":
			emails = append(emails, values...)
		case fieldCode == "_YM_UID" && (!wholeNumber(values[0]) || len(values[0]) < 16):
			attribute(ev, name, text) // shops keep order numbers in it
		case fieldCode == "GCLIENTID":
			put(&ev.Attribution.ClientIDs, "ga", values[0])
		case (fieldCode == "REFERRER" || fieldCode == "UTM_REFERRER") && ev.Attribution.Referrer == "":
			ev.Attribution.Referrer = values[0]
		case fieldCode != "" && mark(&ev.Attribution, fieldCode, values[0]), mark(&ev.Attribution, name, values[0]):
		default:
			attribute(ev, name, text)
		}
	}
	if len(phones) > 0 {
		setPhones(&ev.Client, event.Client{Phones: phones}.AllPhones())
	}
	if len(emails) > 0 {
		setEmails(&ev.Client, event.Client{Emails: emails}.AllEmails())
	}
}

// moved reads what a widget of the digital pipeline is told: a lead came to a
// stage.
func (a *amocrmRequest) moved(v event.Value) {
	data := at(v, "data")
	if textAt(v, "type_code") != "lead_appeared_in_status" || idAt(data, "id") == "" || textAt(data, "element_type") != "2" {
		return
	}
	before := len(a.events)
	a.lead("status", data)
	for i := range a.events[before:] {
		a.events[before+i].At = a.in.time(textAt(v, "time"))
	}
}

// plain reads a deal or a contact as the API tells it.
func (a *amocrmRequest) plain(v event.Value) {
	if textAt(v, "status_id", "pipeline_id") != "" {
		a.fetched(v, event.Value{})
		return
	}
	if textAt(v, "name", "first_name", "last_name") != "" || opened(v.Get("custom_fields_values")).Type == event.Array {
		a.contact("contacts", "fetched", v)
	}
}

// fetched reads a deal that was asked for, with its main contact.
func (a *amocrmRequest) fetched(lead, contact event.Value) {
	id := idAt(lead, "id")
	if id == "" || textAt(lead, "is_deleted") == "true" {
		return
	}
	ev := event.Event{Kind: event.Lead, Entity: joined("amocrm", a.accountOf(lead), "lead", id), At: a.in.time(textAt(lead, "created_at"))}
	a.describe(&ev, lead)
	if idAt(contact, "id") == "" {
		contact = amocrmMain(lead)
	}
	root := opened(lead)
	if contact.Type == event.Object {
		a.person(&ev, contact)
		root.Members = append(slices.Clone(root.Members), event.Member{Key: "contact", Value: contact})
	}
	a.add(ev, root)
}

// amocrmMain is the contact that a fetched deal names as its main one.
func amocrmMain(lead event.Value) event.Value {
	contacts := elements(at(lead, "_embedded.contacts"))
	for _, c := range contacts {
		if textAt(c, "is_main") == "true" {
			return c
		}
	}
	if len(contacts) > 0 {
		return contacts[0]
	}
	return event.Value{}
}

// amocrmLinked are the ids of the deals a contact belongs to: objects that hold
// one, or the bare ids.
func amocrmLinked(v event.Value) []string {
	var ids []string
	for _, link := range append(elements(v.Get("linked_leads_id")), elements(at(v, "_embedded.leads"))...) {
		id := idAt(link, "ID", "id")
		if id == "" {
			if list := texts(link); len(list) == 1 && list[0] != "0" {
				id = list[0]
			}
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *amocrmRequest) accountOf(v event.Value) string {
	if a.account != "" {
		return a.account
	}
	return idAt(v, "account_id")
}

// id is amocrm:<account>:<entity>:<action>:<id>:<last modified>. Two changes of
// one second differ in their content, so all but the first statement about a deal
// get its fingerprint too. A hook without a time has no id: an equal body within
// the source's resubmit_minutes is the same.
func (a *amocrmRequest) id(entity, action string, v event.Value) string {
	if entity == "lead" {
		entity = "leads"
	}
	stamp := textAt(v, "last_modified", "updated_at")
	id := joined("amocrm", a.accountOf(v), entity, action, idAt(v, "id"), stamp)
	if id == "" || action == "add" {
		return id
	}
	hash := sha256.Sum256([]byte(v.JSON()))
	return id + ":" + hex.EncodeToString(hash[:4])
}
