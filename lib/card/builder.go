package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// Options say what cards are made for. The zero Options count in UTC, know no
// funnel and no last day.
type Options struct {
	Funnel   []string       // stages, the first one first
	Location *time.Location // of the business's days and hours; nil: UTC
	End      time.Time      // the first instant after the as-of day
	// ParseName takes a name apart for who stated no parts of it. Empty parts are
	// unknown. Nil: names are not taken apart.
	ParseName func(full string) (first, last string)
}

// Builder folds events and contact rows into cards. Memory is proportional to
// clients and to what differs in what was said of them. Not safe for concurrent
// use.
type Builder struct {
	clients *Clients
	options Options
	number  func(tokens []string) int
	drafts  []draft // by the number of the client
	orders  map[[2]string][]string
	scratch []string
	ways    ways
}

// NewBuilder makes a builder for resolved clients.
func NewBuilder(clients *Clients, options Options) *Builder {
	if options.Location == nil {
		options.Location = time.UTC
	}
	return &Builder{
		clients: clients, options: options, number: clients.Number, drafts: make([]draft, clients.Len()),
		orders: map[[2]string][]string{}, ways: ways{counts: map[way]*wayCount{}},
	}
}

// draft is a card in the making. Times are microseconds of Unix time.
type draft struct {
	seen              bool // an event became his
	firstAt, lastAt   int64
	lastLead          int64 // where there were leads
	asked             int64 // the first lead or order
	handled           int64 // the latest statement of a stage behind the first; 0: none
	leads             int   // without those of an entity
	hasLead, hasAsked bool

	externals, interests, tags []string
	said                       []said
	origin                     said
	review                     *review
	entities, records          []digest // of leads; of sets of identifiers
	contacts                   []contact
	moments                    []moment
	touches                    []touched
	reached                    []reached
	facts                      []fact
	consents                   consent.Ledger
}

// Event takes one event into account; an event without a client changes no card.
func (b *Builder) Event(ev schema.CardEventRow) {
	b.orderInterests(&ev)
	n := b.number(ev.Tokens)
	if n < 0 {
		return
	}
	d, at := &b.drafts[n], ev.At.UnixMicro()
	if !d.seen || at < d.firstAt {
		d.firstAt = at
	}
	if !d.seen || at > d.lastAt {
		d.lastAt = at
	}
	d.origin = firstOf(d.origin, said{text: ev.Source, at: at, id: ev.EventID}, d.seen)
	d.seen = true
	b.record(d, ev.Tokens)
	d.externals = insert(d.externals, ev.ExternalID)
	for _, id := range ev.MoreExternalIDs {
		d.externals = insert(d.externals, id)
	}
	for _, interest := range ev.Interests {
		d.interests = insert(d.interests, interest)
	}
	for _, tag := range ev.Tags {
		d.tags = insert(d.tags, tag)
	}
	switch event.Kind(ev.Kind) {
	case event.Lead:
		d.lead(&ev, at)
	case event.ContactMade:
		d.contact(&ev, at)
	}
	if ev.IsOrder && ev.OrderID != "" {
		d.ask(at)
		d.moments = put(d.moments, moment{of: digestOf("order", ev.Shop, ev.OrderID), at: at})
	}
	d.say(saidStage, ev.Stage, at, ev.EventID)
	d.say(saidManager, ev.Manager, at, ev.EventID)
	d.say(saidLevel, ev.LoyaltyLevel, at, ev.EventID)
	d.say(saidChannel, ev.PreferredChannel, at, ev.EventID)
	b.reach(d, &ev, at)
	d.touch(&ev, at)
	for _, s := range ev.Consents {
		if s.Given && !b.options.End.IsZero() && !s.At.Before(b.options.End) {
			continue // not yet; a withdrawal is heeded at once, whatever its date
		}
		d.consents.Add(consent.Statement{
			Purpose: consent.Purpose(s.Purpose), Given: s.Given, At: s.At, TextVersion: s.TextVersion,
			Channel: ev.Source, Evidence: s.Evidence, EventID: ev.EventID,
		})
	}
}

// record counts the sets of identifiers that the client was stated with. A
// reference is none of a person's: who has part in three deals is one record.
func (b *Builder) record(d *draft, tokens []string) {
	b.scratch = b.scratch[:0]
	for _, token := range tokens {
		if identity.Token(token).Kind() != identity.KindReference {
			b.scratch = append(b.scratch, token)
		}
	}
	if len(b.scratch) > 0 {
		slices.Sort(b.scratch)
		d.records = put(d.records, digestOf(b.scratch...))
	}
}

// lead counts a request. What a thin hook named and the object fetched for it are
// one, and so are all deliveries about one entity.
func (d *draft) lead(ev *schema.CardEventRow, at int64) {
	if ev.Entity == "" {
		d.leads++
	} else {
		d.entities = put(d.entities, digestOf(ev.Entity))
	}
	if !d.hasLead || at > d.lastLead {
		d.lastLead, d.hasLead = at, true
	}
	d.ask(at)
	d.moments = put(d.moments, moment{of: occasion(ev), at: at})
}

// ask notes when the client first asked for something: by a lead or by an order.
func (d *draft) ask(at int64) {
	if !d.hasAsked || at < d.asked {
		d.asked, d.hasAsked = at, true
	}
}

// occasion is the call, chat, form or deal that several events describe, or the
// event alone.
func occasion(ev *schema.CardEventRow) digest {
	if ev.Entity != "" {
		return digestOf("entity", ev.Entity)
	}
	return digestOf("event", ev.Source, ev.EventID)
}

// The fields of which the latest word counts.
const (
	saidStage = iota
	saidManager
	saidLevel
	saidChannel
)

// said is a text of a field with its place in time: by time, then event id, then
// the text itself, since two sources may use one id and the order of arrival must
// not decide.
type said struct {
	field int
	text  string
	at    int64
	id    string
}

func (s said) compareTime(other said) int {
	return cmp.Or(cmp.Compare(s.at, other.at), strings.Compare(s.id, other.id), strings.Compare(s.text, other.text))
}

// compare is by field: a client has one word for each.
func (s said) compare(other said) int { return cmp.Compare(s.field, other.field) }

func (s said) join(other said) said {
	if s.compareTime(other) < 0 {
		return other
	}
	return s
}

func firstOf(known, other said, has bool) said {
	if has && known.compareTime(other) <= 0 {
		return known
	}
	return other
}

func (d *draft) say(field int, text string, at int64, id string) {
	if text != "" {
		d.said = put(d.said, said{field: field, text: text, at: at, id: id})
	}
}

func (d *draft) latest(field int) string {
	for _, s := range d.said {
		if s.field == field {
			return s.text
		}
	}
	return ""
}

// Cards returns every client's card in the order of client ids. A client that is
// known by a token alone (no event became his) has an otherwise empty card. It
// ends the builder, which gives its memory up as the cards are made.
func (b *Builder) Cards() []Card {
	cards := make([]Card, 0, len(b.drafts))
	for i, id := range b.clients.IDs() {
		cards = append(cards, b.finish(id, &b.drafts[i]))
		b.drafts[i] = draft{}
	}
	b.drafts = nil
	return cards
}

func (b *Builder) finish(id string, d *draft) Card {
	c := Card{
		ClientID: id, Tokens: b.clients.Tokens(id), ExternalIDs: d.externals, Interests: d.interests, Tags: d.tags,
		Leads: d.leads + len(tidy(d.entities)), Records: len(tidy(d.records)), Consents: d.consents,
		Manager: d.latest(saidManager), LoyaltyLevel: d.latest(saidLevel), PreferredChannel: d.latest(saidChannel),
	}
	if d.seen {
		c.FirstAt, c.LastAt = timeOf(d.firstAt), timeOf(d.lastAt)
	}
	if d.hasLead {
		c.LastLeadAt = timeOf(d.lastLead)
	}
	if d.review != nil {
		c.Rating = &d.review.rating
	}
	b.meet(&c, d)
	c.PreferredHours = d.hours(b.options.Location)
	b.comeFrom(&c, d)
	b.stages(&c, d)
	b.person(&c, d)
	return c
}

// timeOf is the inverse of UnixMicro, in UTC as all times of the lake.
func timeOf(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

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
