// Package card makes client cards: it resolves tokens to clients, folds orders
// from their statements, and folds everything else that events and contact rows
// say about a client. It is pure: rows go in, cards come out, and the order in
// which rows arrive never matters.
package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/schema"
)

// Card is what is known of one client but for the orders. Strings are empty
// where nothing was told.
type Card struct {
	ClientID string
	Tokens   []string // sorted, ClientID among them

	ExternalIDs      []string // sorted
	FirstAt, LastAt  time.Time
	Leads            int
	LastLeadAt       time.Time
	Contacted        bool // a contact came after the first lead
	LastContactAt    time.Time
	Stage            string
	Interests        []string // sorted
	Tags             []string // sorted
	Manager          string
	LoyaltyLevel     string
	PreferredChannel string
	Source           string // first touch: utm_source, else the name of the source
	Campaign         string
	Medium           string
	Last             Touch // the last one that was not direct; zero: none
	Reached          []Reach
	Consents         consent.Ledger
	Records          int // different sets of identifiers that were stated

	Person schema.PersonRow
}

// Touch is where a client came from once.
type Touch struct{ Source, Medium, Campaign string }

// Reach says when a client first reached a stage by what events state; purchases
// are not in it. Interest is empty for the client as a whole.
type Reach struct {
	Interest, Stage string
	At              time.Time
}

// stated is the latest text of a field, by time, then event id, then the text
// itself: two sources may use one id, and the order of arrival must not decide.
type stated struct {
	text string
	at   time.Time
	id   string
}

func (s *stated) set(text string, at time.Time, id string) {
	if text != "" && (s.text == "" || cmp.Or(at.Compare(s.at), strings.Compare(id, s.id), strings.Compare(text, s.text)) > 0) {
		*s = stated{text: text, at: at, id: id}
	}
}

// first keeps the earliest instead.
func (s *stated) first(text string, at time.Time, id string) {
	if text != "" && (s.text == "" || cmp.Or(at.Compare(s.at), strings.Compare(id, s.id), strings.Compare(text, s.text)) < 0) {
		*s = stated{text: text, at: at, id: id}
	}
}

type draft struct {
	card                               Card
	firstLead                          time.Time
	contacts                           []time.Time
	asked                              []string // entities of the leads counted, sorted
	stage, manager, level, channel     stated
	touch                              stated // source and campaign with a zero byte between
	origin                             stated
	name, firstName, lastName, birth   stated
	gender, city, country, address, co stated
	records                            map[string]struct{}
	phones, emails                     map[string]*schema.ValueRow
	reached                            reached
}

// Builder folds events and contact rows into cards. Memory is proportional to
// clients and their values. Not safe for concurrent use.
type Builder struct {
	clients *Clients
	drafts  map[string]*draft
	funnel  []string
	orders  map[[2]string][]string // interests by order
}

// NewBuilder makes a builder for resolved clients and the stages of the funnel.
func NewBuilder(clients *Clients, funnel ...string) *Builder {
	return &Builder{clients: clients, drafts: make(map[string]*draft, clients.Len()), funnel: funnel, orders: map[[2]string][]string{}}
}

func (b *Builder) draft(tokens []string) *draft {
	id := b.clients.OfEvent(tokens)
	if id == "" {
		return nil
	}
	d := b.drafts[id]
	if d == nil {
		d = &draft{card: Card{ClientID: id}, records: map[string]struct{}{}}
		b.drafts[id] = d
	}
	return d
}

// Event takes one event into account; an event without a client changes nothing.
func (b *Builder) Event(ev schema.CardEventRow) {
	b.orderInterests(ev)
	d := b.draft(ev.Tokens)
	if d == nil {
		return
	}
	d.reached.event(ev, b.funnel)
	c := &d.card
	if c.FirstAt.IsZero() || ev.At.Before(c.FirstAt) {
		c.FirstAt = ev.At
	}
	if ev.At.After(c.LastAt) {
		c.LastAt = ev.At
	}
	tokens := slices.Sorted(slices.Values(ev.Tokens))
	d.records[strings.Join(tokens, " ")] = struct{}{}
	for _, id := range append([]string{ev.ExternalID}, ev.MoreExternalIDs...) {
		c.ExternalIDs = insert(c.ExternalIDs, id)
	}
	for _, interest := range ev.Interests {
		c.Interests = insert(c.Interests, interest)
	}
	for _, tag := range ev.Tags {
		c.Tags = insert(c.Tags, tag)
	}
	switch event.Kind(ev.Kind) {
	case event.Lead:
		if ev.Entity == "" || !slices.Contains(d.asked, ev.Entity) { // what a thin hook named and the object fetched are one
			c.Leads++
		}
		d.asked = insert(d.asked, ev.Entity)
		if d.firstLead.IsZero() || ev.At.Before(d.firstLead) {
			d.firstLead = ev.At
		}
		if ev.At.After(c.LastLeadAt) {
			c.LastLeadAt = ev.At
		}
	case event.ContactMade:
		d.contacts = append(d.contacts, ev.At)
	}
	d.stage.set(ev.Stage, ev.At, ev.EventID)
	d.manager.set(ev.Manager, ev.At, ev.EventID)
	d.level.set(ev.LoyaltyLevel, ev.At, ev.EventID)
	d.channel.set(ev.PreferredChannel, ev.At, ev.EventID)
	if ev.UTMSource != "" {
		d.touch.first(ev.UTMSource+"\x00"+ev.UTMCampaign, ev.At, ev.EventID)
	}
	d.origin.first(ev.Source, ev.At, ev.EventID)
	for _, s := range ev.Consents {
		c.Consents.Add(consent.Statement{
			Purpose: consent.Purpose(s.Purpose), Given: s.Given, At: s.At, TextVersion: s.TextVersion,
			Channel: ev.Source, Evidence: s.Evidence, EventID: ev.EventID,
		})
	}
}

// Contact takes the personal values of one event into account.
func (b *Builder) Contact(row schema.ContactRow) {
	d := b.draft(row.Tokens)
	if d == nil {
		return
	}
	for _, value := range row.Phones {
		d.phones = see(d.phones, value, row.At)
	}
	for _, value := range row.Emails {
		d.emails = see(d.emails, value, row.At)
	}
	d.name.set(row.Name, row.At, row.EventID)
	d.firstName.set(row.FirstName, row.At, row.EventID)
	d.lastName.set(row.LastName, row.At, row.EventID)
	d.birth.set(row.BirthDate, row.At, row.EventID)
	d.gender.set(row.Gender, row.At, row.EventID)
	d.city.set(row.City, row.At, row.EventID)
	d.country.set(row.Country, row.At, row.EventID)
	d.address.set(row.Address, row.At, row.EventID)
	d.co.set(row.Company, row.At, row.EventID)
}

func see(values map[string]*schema.ValueRow, value string, at time.Time) map[string]*schema.ValueRow {
	if values == nil {
		values = make(map[string]*schema.ValueRow, 1)
	}
	v := values[value]
	if v == nil {
		values[value] = &schema.ValueRow{Value: value, Since: at, Last: at}
		return values
	}
	if at.Before(v.Since) {
		v.Since = at
	}
	if at.After(v.Last) {
		v.Last = at
	}
	return values
}

// Cards returns every client's card in the order of client ids. A client that is
// known by a token alone (no event became his) has an otherwise empty card.
func (b *Builder) Cards() []Card {
	cards := make([]Card, 0, b.clients.Len())
	for _, id := range b.clients.IDs() {
		d := b.drafts[id]
		if d == nil {
			d = &draft{card: Card{ClientID: id}}
		}
		cards = append(cards, d.finish(b.clients.Tokens(id)))
	}
	return cards
}

func (d *draft) finish(tokens []string) Card {
	c := d.card
	c.Tokens = tokens
	for _, at := range d.contacts {
		if at.After(c.LastContactAt) {
			c.LastContactAt = at
		}
		c.Contacted = c.Contacted || !d.firstLead.IsZero() && !at.Before(d.firstLead)
	}
	c.Stage, c.Manager, c.LoyaltyLevel, c.PreferredChannel = d.stage.text, d.manager.text, d.level.text, d.channel.text
	c.Source, c.Campaign = d.origin.text, ""
	if d.touch.text != "" {
		c.Source, c.Campaign, _ = strings.Cut(d.touch.text, "\x00")
	}
	c.Records = len(d.records)
	c.Reached = d.reached.list(c.Interests)
	c.Person = schema.PersonRow{
		ClientID: c.ClientID, Tokens: tokens, Phones: latestFirst(d.phones), Emails: latestFirst(d.emails),
		Name: d.name.text, FirstName: d.firstName.text, LastName: d.lastName.text, BirthDate: d.birth.text, Gender: d.gender.text,
		City: d.city.text, Country: d.country.text, Address: d.address.text, Company: d.co.text,
	}
	return c
}

func latestFirst(values map[string]*schema.ValueRow) []schema.ValueRow {
	list := make([]schema.ValueRow, 0, len(values))
	for _, v := range values {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b schema.ValueRow) int {
		return cmp.Or(b.Last.Compare(a.Last), strings.Compare(a.Value, b.Value))
	})
	return list
}

// insert keeps a sorted list of different texts.
func insert(list []string, text string) []string {
	if text == "" {
		return list
	}
	i, found := slices.BinarySearch(list, text)
	if found {
		return list
	}
	return slices.Insert(list, i, text)
}

// Lifecycle is where a client stands on the way to a regular customer (metrics,
// "Base types"): lead, potential, working, developing or regular.
func Lifecycle(c Card, purchases int64) string {
	switch {
	case purchases > 3:
		return "regular"
	case purchases > 1:
		return "developing"
	case purchases == 1:
		return "working"
	case c.Contacted:
		return "potential"
	default:
		return "lead"
	}
}

// Activity is how awake a client is at the end of day asOf (metrics, "Base
// types"). recencyDays is the number of whole days since the last purchase, -1
// for a client who never bought; idleDays and ageDays count from the last and
// the first event of any kind.
func Activity(recencyDays, idleDays, ageDays int64, activeDays, deadDays int) string {
	dead := idleDays >= int64(deadDays)
	switch {
	case recencyDays < 0 && dead:
		return "dead"
	case recencyDays < 0 && ageDays <= 30:
		return "new"
	case recencyDays < 0:
		return "waiting"
	case recencyDays <= int64(activeDays):
		return "active"
	case dead:
		return "dead"
	case recencyDays > 365:
		return "sleeping"
	default:
		return "cooling"
	}
}
