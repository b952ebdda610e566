package card

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// QualityOptions says by what the base is judged.
type QualityOptions struct {
	End          time.Time      // the first instant after the as-of day
	Location     *time.Location // nil: UTC
	LeadWaitDays int
	Funnel       []string
	Country      string // of phones in national form
	Phones       identity.PhoneParser
	Required     map[string][]string // by source: names out of LeadFields
}

// Quality counts how good the base is, by source and as a whole (metrics, "Data
// quality"); what each measure means stands in DescribeMeasure. Of a source it
// counts what that source itself stated. Clients are named by their number in the
// order of client ids, -1 for nobody's. Memory is proportional to clients and to
// the leads that several events describe. The result does not depend on the order
// of the calls. Not safe for concurrent use.
type Quality struct {
	options   QualityOptions
	cutoff    int64 // leads up to here have waited long enough
	recent    time.Time
	sources   map[string]uint16
	names     []string
	required  []fields
	values    []valueCounts // by source
	leads     []leadCounts
	clients   []clientState
	shares    []share
	asked     map[askKey]ask
	contacted map[managerKey]managers
	scratch   []string
}

// valueCounts counts contact values as often as they were stated.
type valueCounts struct{ phones, emails, births judged }

type judged struct{ stated, unreadable, junk int64 }

type leadCounts struct {
	leads, nobody int64
	missing       [32]int64 // by field
}

// clientState is what is known of a client beside his sources.
type clientState struct {
	share  int32 // his latest share + 1
	facts  facts
	record uint64 // the first set of identifiers that was seen
	touch  int64  // the latest instant at which somebody dealt with him
}

// share is what one source stated of one client.
type share struct {
	next   int32
	source uint16
	facts  facts
	record uint64
	lead   int64 // the latest lead that has waited long enough; 0: none
}

// facts is a set of what is true of a client.
type facts uint16

const (
	hasName facts = 1 << iota
	hasPhone
	hasEmail
	hasBirth
	hasTypo
	hasLookAlike
	hasRecords // more than one
)

type askKey struct {
	source uint16
	entity string
}

// ask is a lead that several events may describe: a thin hook, then the object.
type ask struct {
	stated fields
	known  bool // has a client
}

type managerKey struct {
	client int32
	source int32 // -1: all
}

type managers struct {
	name    string
	several bool
}

// recentDays is how far back contacts of several managers are looked for.
const recentDays = 30

// NewQuality makes an accumulator for so many clients.
func NewQuality(clients int, options QualityOptions) *Quality {
	if options.Location == nil {
		options.Location = time.UTC
	}
	q := &Quality{
		options: options, recent: daysBefore(options.End, recentDays, options.Location), sources: map[string]uint16{},
		clients: make([]clientState, clients), asked: map[askKey]ask{}, contacted: map[managerKey]managers{},
		cutoff: daysBefore(options.End, options.LeadWaitDays, options.Location).UnixMicro(),
	}
	for source := range options.Required {
		q.source(source)
	}
	return q
}

func (q *Quality) source(name string) uint16 {
	i, known := q.sources[name]
	if !known {
		i = uint16(len(q.names)) //nolint:gosec // G115: nobody configures 65 536 sources
		q.sources[name] = i
		q.names = append(q.names, name)
		q.values, q.leads = append(q.values, valueCounts{}), append(q.leads, leadCounts{})
		var set fields
		for bit, field := range LeadFields() {
			if slices.Contains(q.options.Required[name], field) {
				set |= 1 << bit
			}
		}
		q.required = append(q.required, set)
	}
	return i
}

// of is the share of a source in a client.
func (q *Quality) of(client int, source uint16) *share {
	state := &q.clients[client]
	for i := state.share; i > 0; i = q.shares[i-1].next {
		if q.shares[i-1].source == source {
			return &q.shares[i-1]
		}
	}
	q.shares = append(q.shares, share{next: state.share, source: source})
	state.share = int32(len(q.shares)) //nolint:gosec // G115: two billion do not fit one night
	return &q.shares[len(q.shares)-1]
}

// Needs reports whether Event must be given the contact row of an event.
func (q *Quality) Needs(ev *schema.CardEventRow) bool {
	return ev.Kind == string(event.Lead) && len(q.options.Required[ev.Source]) > 0
}

// Event takes an event of a client into account, with its contact row where Needs
// asks for it and there is one.
func (q *Quality) Event(client int, ev *schema.CardEventRow, contact *schema.ContactRow) {
	source := q.source(ev.Source)
	at := ev.At.UnixMicro()
	if event.Kind(ev.Kind) == event.Lead {
		q.lead(client, source, ev, contact)
	}
	if client < 0 {
		return
	}
	state, part := &q.clients[client], q.of(client, source)
	var set uint64
	if q.scratch, set = setOf(q.scratch, ev.Tokens); set != 0 {
		state.record, state.facts = recordOf(state.record, set, state.facts)
		part.record, part.facts = recordOf(part.record, set, part.facts)
	}
	switch event.Kind(ev.Kind) {
	case event.Lead:
		if at <= q.cutoff {
			part.lead = max(part.lead, at)
		}
	case event.ContactMade:
		if ev.Channel == "email_open" || ev.Channel == "review" || unanswered(ev.Result) {
			break // the client's own doing: nobody has answered him by it
		}
		state.touch = max(state.touch, at)
		if ev.Manager != "" && !ev.At.Before(q.recent) {
			for _, key := range []managerKey{{int32(client), -1}, {int32(client), int32(source)}} { //nolint:gosec // G115: as in of
				known := q.contacted[key]
				known.several = known.several || known.name != "" && known.name != ev.Manager
				known.name = ev.Manager
				q.contacted[key] = known
			}
		}
	case event.BookingMade:
		state.touch = max(state.touch, at)
	case event.Stage:
		if slices.Index(q.options.Funnel, ev.Stage) > 0 {
			state.touch = max(state.touch, at)
		}
	}
}

// recordOf compares a set of identifiers with the first one that was seen.
func recordOf(first, set uint64, known facts) (uint64, facts) {
	if first != 0 && first != set {
		known |= hasRecords
	}
	if first == 0 {
		first = set
	}
	return first, known
}

func (q *Quality) lead(client int, source uint16, ev *schema.CardEventRow, contact *schema.ContactRow) {
	a := ask{known: client >= 0}
	if q.required[source] != 0 {
		a.stated = statedFields(ev, contact)
	}
	if ev.Entity != "" {
		key := askKey{source, ev.Entity}
		old := q.asked[key]
		q.asked[key] = ask{stated: a.stated | old.stated, known: a.known || old.known}
		return
	}
	q.leads[source].count(a, q.required[source])
}

func (c *leadCounts) count(a ask, required fields) {
	c.leads++
	if !a.known {
		c.nobody++
	}
	for bit := range c.missing {
		if required&^a.stated&(1<<bit) != 0 {
			c.missing[bit]++
		}
	}
}

// Contact takes the personal values of one event into account.
func (q *Quality) Contact(client int, row *schema.ContactRow) {
	source := q.source(row.Source)
	var known facts
	v := &q.values[source]
	v.phones.count(len(row.Phones), row.BadPhones, q.junkPhone)
	v.emails.count(len(row.Emails), row.BadEmails, junkEmail)
	if row.BirthDate != "" {
		v.births.count(1, nil, nil)
		known |= hasBirth
	}
	if row.BadBirth != "" {
		v.births.count(0, []string{row.BadBirth}, q.junkBirth)
	}
	if len(row.Phones) > 0 {
		known |= hasPhone
	}
	if len(row.Emails) > 0 {
		known |= hasEmail
	}
	for _, address := range row.Emails {
		if _, typo := identity.Email(address).Typo(); typo {
			known |= hasTypo
		}
	}
	for _, name := range []string{row.Name, row.FirstName, row.LastName} {
		if name == "" {
			continue
		}
		known |= hasName
		if identity.LookAlike(name) {
			known |= hasLookAlike
		}
	}
	if client >= 0 {
		q.clients[client].facts |= known
		q.of(client, source).facts |= known
	}
}

func (j *judged) count(good int, bad []string, junk func(string) bool) {
	j.stated += int64(good + len(bad))
	for _, raw := range bad {
		if junk(raw) {
			j.junk++
		} else {
			j.unreadable++
		}
	}
}

// junkPhone tells a filler from a number that cannot be read: what does parse was
// refused for being on a list of junk.
func (q *Quality) junkPhone(raw string) bool {
	if _, ok := q.options.Phones.Parse(raw, q.options.Country); ok {
		return true
	}
	digits := digitsOf(raw)
	return digits != "" && identity.Phone("+"+digits).Junk()
}

func junkEmail(raw string) bool {
	_, ok := identity.ParseEmail(raw)
	return ok || identity.Email(strings.ToLower(strings.TrimSpace(raw))).Junk()
}

// junkBirth knows the days that systems write for "none".
func (q *Quality) junkBirth(raw string) bool {
	_, err := identity.ParseBirthDate(raw, q.options.End)
	return errors.Is(err, identity.ErrBirthFiller)
}

func digitsOf(raw string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, raw)
}
