package analytics

import (
	"cmp"
	"fmt"
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

// Costs folds the statements of what advertising cost. Statements of one entity
// replace each other: the latest stands. All others add up, each event once.
// Memory is proportional to the statements that stand. It is for one goroutine.
type Costs struct {
	asOf     Day
	currency string
	convert  func(minor int64, currency string) (int64, bool)
	standing map[statementKey]schema.CostEventRow
}

// statementKey is the entity, else the event: ids are a source's own.
type statementKey struct{ entity, source, event string }

// NewCosts folds costs of days up to asOf into currency. convert is as in Options.
func NewCosts(asOf Day, currency string, convert func(minor int64, currency string) (int64, bool)) *Costs {
	if convert == nil {
		convert = func(int64, string) (int64, bool) { return 0, false }
	}
	return &Costs{asOf: asOf, currency: currency, convert: convert, standing: map[statementKey]schema.CostEventRow{}}
}

// Add takes an event in any order; one that states no cost changes nothing.
func (c *Costs) Add(ev schema.CostEventRow) {
	if ev.CostMinor == nil {
		return
	}
	key := statementKey{entity: ev.Entity}
	if key.entity == "" {
		key.source, key.event = ev.Source, ev.EventID
	}
	if old, known := c.standing[key]; !known || stands(ev, old) > 0 {
		c.standing[key] = ev
	}
}

// stands compares which of two statements stands: the later one in time, then by
// receipt. What follows only makes the choice the same on every machine.
func stands(a, b schema.CostEventRow) int {
	return cmp.Or(a.At.Compare(b.At), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.EventID, b.EventID),
		strings.Compare(a.Source, b.Source), cmp.Compare(*a.CostMinor, *b.CostMinor))
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
	for _, ev := range c.standing {
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
