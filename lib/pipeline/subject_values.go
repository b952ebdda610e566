package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// SubjectContacts is every value that was ever stated of a person, latest seen
// first.
type SubjectContacts struct {
	Phones               []SubjectValue     `json:"phones,omitempty"`
	Emails               []SubjectValue     `json:"emails,omitempty"`
	UnreadablePhones     []SubjectValue     `json:"unreadable_phones,omitempty"` // as typed
	UnreadableEmails     []SubjectValue     `json:"unreadable_emails,omitempty"`
	Cards                []SubjectValue     `json:"cards,omitempty"`
	ExternalIDs          []SubjectValue     `json:"external_ids,omitempty"`
	Names                []SubjectValue     `json:"names,omitempty"`
	FirstNames           []SubjectValue     `json:"first_names,omitempty"`
	LastNames            []SubjectValue     `json:"last_names,omitempty"`
	BirthDates           []SubjectValue     `json:"birth_dates,omitempty"`
	UnreadableBirthDates []SubjectValue     `json:"unreadable_birth_dates,omitempty"`
	Genders              []SubjectValue     `json:"genders,omitempty"`
	Cities               []SubjectValue     `json:"cities,omitempty"`
	Countries            []SubjectValue     `json:"countries,omitempty"`
	Addresses            []SubjectValue     `json:"addresses,omitempty"`
	Companies            []SubjectValue     `json:"companies,omitempty"`
	Attributes           []SubjectAttribute `json:"attributes,omitempty"` // by key
}

// SubjectValue is a value, and who stated it when.
type SubjectValue struct {
	Value    string    `json:"value"`
	Since    time.Time `json:"since"`
	LastSeen time.Time `json:"last_seen"`
	Sources  []string  `json:"sources"`
}

// SubjectAttribute is a further fact: children, pets, answers to a form.
type SubjectAttribute struct {
	Key string `json:"key"`
	SubjectValue
}

// SubjectStated is what one event stated of the person himself.
type SubjectStated struct {
	Phones              []string          `json:"phones,omitempty"`
	Emails              []string          `json:"emails,omitempty"`
	UnreadablePhones    []string          `json:"unreadable_phones,omitempty"`
	UnreadableEmails    []string          `json:"unreadable_emails,omitempty"`
	CardNo              string            `json:"card_no,omitempty"`
	ExternalIDs         []string          `json:"external_ids,omitempty"`
	Name                string            `json:"name,omitempty"`
	FirstName           string            `json:"first_name,omitempty"`
	LastName            string            `json:"last_name,omitempty"`
	BirthDate           string            `json:"birth_date,omitempty"`
	UnreadableBirthDate string            `json:"unreadable_birth_date,omitempty"`
	Gender              string            `json:"gender,omitempty"`
	City                string            `json:"city,omitempty"`
	Country             string            `json:"country,omitempty"`
	Address             string            `json:"address,omitempty"`
	Company             string            `json:"company,omitempty"`
	Text                string            `json:"text,omitempty"`
	Attributes          map[string]string `json:"attributes,omitempty"`
	// ValuesOfOthers counts identifiers left out since they are another person's.
	ValuesOfOthers int `json:"values_of_others,omitempty"`
}

// SubjectOrder is one order with everything that was said of it.
type SubjectOrder struct {
	ClientOrder

	Statements []OrderStatement `json:"statements"`
}

// OrderStatement is what one event said of an order.
type OrderStatement struct {
	EventID       string    `json:"event_id"`
	At            time.Time `json:"at"`
	Source        string    `json:"source"`
	Status        string    `json:"status,omitempty"`
	Currency      string    `json:"currency,omitempty"`
	TotalMinor    *int64    `json:"total_minor,omitempty"`
	ShippingMinor *int64    `json:"shipping_minor,omitempty"`
	ReturnedMinor *int64    `json:"returned_minor,omitempty"`
}

// tellEvents adds what events and contact rows say. lake/people is a fold of the
// same rows by the last night, so it knows nothing more and may join whom the
// owner has parted since.
func (s *subject) tellEvents(ctx context.Context) error {
	events, err := eventsOf(ctx, s.p.store, s.mine)
	if err != nil {
		return err
	}
	s.events = events
	contacts, err := contactsOf(ctx, s.p.store, s.mine)
	if err != nil {
		return err
	}
	s.doc.Links, s.doc.Apart = linksOf(s.clients, s.doc.ClientID, events, s.cfg.Metrics.EmailLinks)
	shops := make(map[[2]string]string, len(events))
	for i := range events {
		shops[[2]string{events[i].Source, events[i].EventID}] = events[i].Shop
	}
	values := valueFold{}
	stated := make(map[[2]string]*SubjectStated, len(contacts))
	for i := range contacts {
		row := &contacts[i]
		key := [2]string{row.Source, row.EventID}
		one := s.stated(row, shops[key])
		stated[key] = &one
		values.add(row, one)
		s.learn(one)
	}
	s.doc.Contacts = values.contacts()
	s.search.blind = s.numbersMissing()
	s.doc.Chronology = trailOf(events)
	for i := range s.doc.Chronology {
		ev := &s.doc.Chronology[i]
		ev.Stated = stated[[2]string{ev.Source, ev.EventID}]
	}
	statements := statementsOf(events)
	s.doc.Consents = SubjectConsents{States: consentStates(statements), Statements: statements}
	s.doc.Orders, err = s.orders(ctx, events)
	return err
}

// stated shows a contact row without identifiers that are another person's own:
// a record may name two people whom the owner has parted.
func (s *subject) stated(row *schema.ContactRow, shop string) SubjectStated {
	out := SubjectStated{
		UnreadablePhones: row.BadPhones, UnreadableEmails: row.BadEmails, CardNo: row.CardNo,
		Name: row.Name, FirstName: row.FirstName, LastName: row.LastName, BirthDate: row.BirthDate, UnreadableBirthDate: row.BadBirth,
		Gender: row.Gender, City: row.City, Country: row.Country, Address: row.Address, Company: row.Company, Text: row.Text,
	}
	keep := func(list *[]string, value string, token identity.Token) {
		if value == "" {
			return
		}
		if s.others(token) {
			out.ValuesOfOthers++
			return
		}
		*list = append(*list, value)
	}
	for _, value := range row.Phones {
		keep(&out.Phones, value, s.p.key.Phone(identity.Phone(value)))
	}
	for _, value := range row.Emails {
		keep(&out.Emails, value, s.p.key.Email(identity.Email(value)))
	}
	for _, id := range append([]string{row.ExternalID}, row.MoreExternalIDs...) {
		keep(&out.ExternalIDs, id, s.p.key.External(shop, id))
	}
	if s.others(s.p.key.Card(row.CardNo)) {
		out.CardNo = ""
		out.ValuesOfOthers++
	}
	if len(row.Attributes.Pairs) > 0 {
		out.Attributes = map[string]string{}
		for _, pair := range row.Attributes.Pairs {
			out.Attributes[pair.Key] = pair.Value
		}
	}
	return out
}

// learn sets the search on the person's own phones and e-mails. Values that many
// share are in the answer, and find nothing.
func (s *subject) learn(one SubjectStated) {
	for _, value := range one.Phones {
		s.search.learn("phone", value, s.search.owner[string(s.p.key.Phone(identity.Phone(value)))])
	}
	for _, value := range one.Emails {
		s.search.learn("email", value, s.search.owner[string(s.p.key.Email(identity.Email(value)))])
	}
}

// numbersMissing reports whether a phone of the person is known by its token
// alone.
func (s *subject) numbersMissing() bool {
	known := map[string]bool{}
	for word := range s.search.words {
		if strings.HasPrefix(word, "+") {
			known[string(s.p.key.Phone(identity.Phone(word)))] = true
		}
	}
	for token := range s.search.owner {
		if identity.Token(token).Kind() == identity.KindPhone && !known[token] {
			return true
		}
	}
	return false
}

// valueFold collects values by field, and attributes by "attributes" and key.
type valueFold map[[2]string]map[string]*SubjectValue

func (f valueFold) see(field, key, value string, row *schema.ContactRow) {
	if value == "" {
		return
	}
	at := [2]string{field, key}
	if f[at] == nil {
		f[at] = map[string]*SubjectValue{}
	}
	v := f[at][value]
	if v == nil {
		v = &SubjectValue{Value: value, Since: row.At, LastSeen: row.At}
		f[at][value] = v
	}
	if row.At.Before(v.Since) {
		v.Since = row.At
	}
	if row.At.After(v.LastSeen) {
		v.LastSeen = row.At
	}
	if i, found := slices.BinarySearch(v.Sources, row.Source); !found {
		v.Sources = slices.Insert(v.Sources, i, row.Source)
	}
}

func (f valueFold) add(row *schema.ContactRow, one SubjectStated) {
	for field, values := range map[string][]string{
		"phones": one.Phones, "emails": one.Emails, "bad_phones": one.UnreadablePhones, "bad_emails": one.UnreadableEmails,
		"external_ids": one.ExternalIDs, "cards": {one.CardNo}, "names": {one.Name}, "first_names": {one.FirstName}, "last_names": {one.LastName},
		"birth_dates": {one.BirthDate}, "bad_birth_dates": {one.UnreadableBirthDate}, "genders": {one.Gender}, "cities": {one.City},
		"countries": {one.Country}, "addresses": {one.Address}, "companies": {one.Company},
	} {
		for _, value := range values {
			f.see(field, "", value, row)
		}
	}
	for key, value := range one.Attributes {
		f.see("attributes", key, value, row)
	}
}

func (f valueFold) list(field, key string) []SubjectValue {
	var list []SubjectValue
	for _, v := range f[[2]string{field, key}] {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b SubjectValue) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), strings.Compare(a.Value, b.Value))
	})
	return list
}

func (f valueFold) contacts() SubjectContacts {
	c := SubjectContacts{
		Phones: f.list("phones", ""), Emails: f.list("emails", ""), UnreadablePhones: f.list("bad_phones", ""), UnreadableEmails: f.list("bad_emails", ""),
		Cards: f.list("cards", ""), ExternalIDs: f.list("external_ids", ""), Names: f.list("names", ""), FirstNames: f.list("first_names", ""),
		LastNames: f.list("last_names", ""), BirthDates: f.list("birth_dates", ""), UnreadableBirthDates: f.list("bad_birth_dates", ""),
		Genders: f.list("genders", ""), Cities: f.list("cities", ""), Countries: f.list("countries", ""), Addresses: f.list("addresses", ""),
		Companies: f.list("companies", ""),
	}
	var keys []string
	for at := range f {
		if at[0] == "attributes" {
			keys = append(keys, at[1])
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, value := range f.list("attributes", key) {
			c.Attributes = append(c.Attributes, SubjectAttribute{Key: key, SubjectValue: value})
		}
	}
	return c
}

// orderName is the part of an event that says which order it is about.
type orderName struct {
	Shop    string `parquet:"shop,dict"`
	OrderID string `parquet:"order_id"`
	IsOrder bool   `parquet:"is_order"`
}

// Table implements schema.Row.
func (orderName) Table() string { return "events" }

// Personal implements schema.Row.
func (orderName) Personal() []string { return nil }

// orders folds the orders that the person's events name from all their
// statements, also those that name nobody, and keeps those that are his.
func (s *subject) orders(ctx context.Context, events []schema.EventRow) ([]SubjectOrder, error) {
	named := map[[2]string][]schema.OrderEventRow{}
	for i := range events {
		if events[i].IsOrder && events[i].OrderID != "" {
			named[[2]string{events[i].Shop, events[i].OrderID}] = nil
		}
	}
	if len(named) == 0 {
		return nil, nil
	}
	wanted := func(shop, order string, is bool) bool {
		_, ok := named[[2]string{shop, order}]
		return is && ok
	}
	rows, err := rowsOf(ctx, s.p.store, lake.EventsPrefix,
		func(row orderName) bool { return wanted(row.Shop, row.OrderID, row.IsOrder) },
		func(row schema.OrderEventRow) bool { return wanted(row.Shop, row.OrderID, row.IsOrder) })
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		key := [2]string{row.Shop, row.OrderID}
		named[key] = append(named[key], row)
	}
	var orders []SubjectOrder
	for _, statements := range named {
		row := card.FoldOrder(schema.OrderRow{}, statements, s.cfg.Location())
		row.Currency = cmp.Or(row.Currency, s.cfg.Business.Currency)
		if !ofClient(row.Token, row.MoreTokens, s.mine) {
			continue // said to be another person's since
		}
		order := SubjectOrder{ClientOrder: clientOrder(&row)}
		for _, st := range row.Statements {
			order.Statements = append(order.Statements, OrderStatement{
				EventID: st.EventID, At: st.At, Source: st.Source, Status: st.Status, Currency: st.Currency,
				TotalMinor: st.TotalMinor, ShippingMinor: st.ShippingMinor, ReturnedMinor: st.ReturnedMinor,
			})
		}
		orders = append(orders, order)
	}
	slices.SortFunc(orders, func(a, b SubjectOrder) int { return compareOrders(a.ClientOrder, b.ClientOrder) })
	return orders, nil
}
