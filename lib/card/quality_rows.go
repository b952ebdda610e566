package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// tally is the measures of one source, or of the whole base.
type tally map[string]*schema.QualityRow

// add counts one of the things that a measure is a share of.
func (t tally) add(measure string, has bool) {
	if has {
		t.sum(measure, 1, 1)
	} else {
		t.sum(measure, 0, 1)
	}
}

func (t tally) sum(measure string, count, of int64) {
	row := t[measure]
	if row == nil {
		row = &schema.QualityRow{Measure: measure}
		t[measure] = row
	}
	row.Count += count
	row.Of += of
}

// Rows returns the measures, ordered as the table is; what a source stated
// nothing of has no row. Cards and rows are those of all clients, in the order of
// client ids.
func (q *Quality) Rows(cards []Card, rows []schema.ClientRow) []schema.QualityRow {
	leads := slices.Clone(q.leads)
	for key, a := range q.asked {
		leads[key.source].count(a, q.required[key.source])
	}
	base, bySource := tally{}, make([]tally, len(q.names))
	for _, measure := range []string{
		MeasureClients, MeasureReachable, MeasureName, MeasurePhone, MeasureEmail, MeasureBirth, MeasureAdsConsent, MeasureRecords, MeasureRecordsMinor,
		MeasureLeads, MeasureNobody, MeasureWaiting, MeasureManagers,
	} {
		base.sum(measure, 0, 0) // an empty base has them too
	}
	for i := range q.names {
		bySource[i] = tally{}
		bySource[i].source(q.values[i], leads[i])
		base.source(q.values[i], leads[i])
		for field, name := range LeadFields() {
			if q.required[i]&(1<<field) != 0 {
				bySource[i].sum(MeasureMissing+name, leads[i].missing[field], leads[i].leads)
			}
		}
	}
	purposes := purposesOf(cards)
	for i := range q.clients {
		if cards[i].Empty() {
			continue
		}
		number, state := int32(i), &q.clients[i]
		known := &person{card: &cards[i], row: &rows[i], purposes: purposes, location: q.options.Location}
		base.client(state.facts, known)
		base.managers(q.contacted[managerKey{number, -1}])
		asked, waits := false, false
		for at := state.share; at > 0; at = q.shares[at-1].next {
			part := &q.shares[at-1]
			t := bySource[part.source]
			t.client(part.facts, known)
			t.managers(q.contacted[managerKey{number, int32(part.source)}])
			if part.lead == 0 {
				continue
			}
			waiting := known.waits(part.lead, state.touch)
			t.add(MeasureWaiting, waiting)
			asked, waits = true, waits || waiting
		}
		if asked {
			base.add(MeasureWaiting, waits)
		}
	}
	var out []schema.QualityRow
	for _, row := range base {
		out = append(out, *row)
	}
	for i, t := range bySource {
		for _, row := range t {
			if row.Measure == MeasureClients {
				row.Of = int64(len(q.clients)) // the source's share of the base
			}
			if row.Source = q.names[i]; row.Of != 0 {
				out = append(out, *row)
			}
		}
	}
	slices.SortFunc(out, func(a, b schema.QualityRow) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Measure, b.Measure))
	})
	return out
}

// source counts what needs no client.
func (t tally) source(v valueCounts, l leadCounts) {
	t.sum(MeasureLeads, l.leads, l.leads)
	t.sum(MeasureNobody, l.nobody, l.leads)
	for _, values := range []struct {
		name string
		judged
	}{{"phones", v.phones}, {"emails", v.emails}, {"birth_dates", v.births}} {
		t.sum(values.name+measureUnreadable, values.unreadable, values.stated)
		t.sum(values.name+measureJunk, values.junk, values.stated)
	}
}

// person is what the rest of the night knows of a client.
type person struct {
	card     *Card
	row      *schema.ClientRow
	purposes []consent.Purpose
	location *time.Location
}

// client counts a client by what is stated of him.
func (t tally) client(known facts, p *person) {
	t.add(MeasureClients, true)
	t.add(MeasureReachable, known&(hasPhone|hasEmail) != 0)
	t.add(MeasureName, known&hasName != 0)
	t.add(MeasurePhone, known&hasPhone != 0)
	t.add(MeasureEmail, known&hasEmail != 0)
	t.add(MeasureBirth, known&hasBirth != 0)
	if known&hasEmail != 0 {
		t.add(MeasureTypos, known&hasTypo != 0)
	}
	if known&hasName != 0 {
		t.add(MeasureLookAlikes, known&hasLookAlike != 0)
	}
	for _, purpose := range p.purposes {
		state := p.card.Consents.State(purpose)
		measure := MeasureOfConsent(purpose)
		t.add(measure, state == consent.Given)
		t.add(measure+measureWithdrawn, state == consent.Withdrawn)
		t.add(measure+measureUnknown, state == "")
	}
	t.add(MeasureRecords, known&hasRecords != 0)
	split := int64(0)
	if known&hasRecords != 0 {
		split = p.row.RevenueMinor
	}
	t.sum(MeasureRecordsMinor, split, p.row.RevenueMinor)
}

func (t tally) managers(m managers) {
	if m.name != "" {
		t.add(MeasureManagers, m.several)
	}
}

// waits reports whether nobody has dealt with the client since a lead. A purchase
// on the day of the lead or later is an answer too.
func (p *person) waits(lead, touch int64) bool {
	if touch >= lead && touch != 0 {
		return false
	}
	day := time.UnixMicro(lead).In(p.location).Format(time.DateOnly)
	return p.row.LastOrderDay == nil || *p.row.LastOrderDay < day
}

// purposesOf is advertising and whatever else was ever stated.
func purposesOf(cards []Card) []consent.Purpose {
	stated := map[consent.Purpose]bool{consent.Ads: true}
	for i := range cards {
		for purpose := range cards[i].Consents.States() {
			stated[purpose] = true
		}
	}
	return slices.DeleteFunc(consent.Purposes(), func(p consent.Purpose) bool { return !stated[p] })
}
