package analytics

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// Cost is what was spent in a calendar month on a source's campaign, in minor units
// of the business's currency. Source and Campaign are trimmed and in lower case; an
// empty Campaign is what was spent on the source without naming one. Corrections
// may lower it below zero.
type Cost struct {
	Month            Month
	Source, Campaign string
	Minor            int64
}

type costKey struct {
	month            Month
	source, campaign string
}

func (c Cost) costKey() costKey { return costKey{c.Month, c.Source, c.Campaign} }

// Costs folds the statements of what advertising cost. A statement replaces the
// earlier ones of its entity; without one, those of its source about the same day,
// advertiser and campaign. What one delivery states about them, as a cabinet's
// groups of advertisements, adds up. Memory is proportional to the statements that
// stand. It is for one goroutine.
type Costs struct {
	asOf     Day
	currency string
	convert  func(minor int64, currency string) (int64, bool)
	standing map[statementKey][]schema.CostEventRow // of one delivery
}

// statementKey is what a statement is about: the entity, or all the rest.
type statementKey struct{ entity, source, day, of, campaign string }

// NewCosts folds costs of days up to asOf into currency. convert is as in Options.
func NewCosts(asOf Day, currency string, convert func(minor int64, currency string) (int64, bool)) *Costs {
	if convert == nil {
		convert = func(int64, string) (int64, bool) { return 0, false }
	}
	return &Costs{asOf: asOf, currency: currency, convert: convert, standing: map[statementKey][]schema.CostEventRow{}}
}

// Add takes an event in any order; one that states no cost changes nothing.
func (c *Costs) Add(ev schema.CostEventRow) {
	if ev.CostMinor == nil {
		return
	}
	key := statementKey{entity: ev.Entity}
	if key.entity == "" {
		key = statementKey{source: ev.Source, day: ev.CostDay, of: folded(ev.CostSource), campaign: folded(ev.CostCampaign)}
	}
	old := c.standing[key]
	if len(old) == 0 {
		c.standing[key] = []schema.CostEventRow{ev}
		return
	}
	switch later := cmp.Or(ev.At.Compare(old[0].At), ev.ReceivedAt.Compare(old[0].ReceivedAt)); {
	case later > 0:
		c.standing[key] = []schema.CostEventRow{ev}
	case later < 0:
	case key.entity != "" || slices.ContainsFunc(old, func(row schema.CostEventRow) bool { return row.EventID == ev.EventID }):
		// Which of two such stands has to be the same on every machine, no more.
		i := max(0, slices.IndexFunc(old, func(row schema.CostEventRow) bool { return row.EventID == ev.EventID }))
		if cmp.Or(strings.Compare(ev.EventID, old[i].EventID), strings.Compare(ev.Source, old[i].Source), cmp.Compare(*ev.CostMinor, *old[i].CostMinor)) > 0 {
			old[i] = ev
		}
	default:
		c.standing[key] = append(old, ev)
	}
}

// stands yields the statements that stand.
func (c *Costs) stands() iter.Seq[schema.CostEventRow] {
	return func(yield func(schema.CostEventRow) bool) {
		for _, rows := range c.standing {
			for _, ev := range rows {
				if !yield(ev) {
					return
				}
			}
		}
	}
}

// CostTotals is the result of a fold.
type CostTotals struct {
	Costs      []Cost // ordered by (month, source, campaign)
	Statements int64  // that stand, of days up to the as-of day
	Other      int64  // of them in a currency without a rate, which are in no cost
}

// Result adds up what stands. Errors match ErrDay or ErrOverflow.
func (c *Costs) Result() (CostTotals, error) {
	var totals CostTotals
	sums := map[costKey]int64{}
	magnitude := uint64(0) // while it fits int64, so does every sum of a part
	for ev := range c.stands() {
		day, err := ParseDay(ev.CostDay)
		if err != nil {
			return CostTotals{}, fmt.Errorf("cost of event %q: %w", ev.EventID, err)
		}
		if day > c.asOf {
			continue
		}
		totals.Statements++
		minor := *ev.CostMinor
		if currency := cmp.Or(ev.Currency, c.currency); currency != c.currency {
			converted, ok := c.convert(minor, currency)
			if !ok {
				totals.Other++
				continue
			}
			minor = converted
		}
		if magnitude += distance(minor); magnitude > math.MaxInt64 {
			return CostTotals{}, ErrOverflow
		}
		sums[costKey{day.Month(), folded(ev.CostSource), folded(ev.CostCampaign)}] += minor
	}
	for key, minor := range sums {
		totals.Costs = append(totals.Costs, Cost{Month: key.month, Source: key.source, Campaign: key.campaign, Minor: minor})
	}
	slices.SortFunc(totals.Costs, func(a, b Cost) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), strings.Compare(a.Source, b.Source), strings.Compare(a.Campaign, b.Campaign))
	})
	return totals, nil
}
