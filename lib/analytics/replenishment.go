package analytics

import (
	"cmp"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// MetricReplenishment in the thresholds has the rule median for the level that was
// asked for: bound_1 is the least number of purchase days, bound_2 the days ahead.
const MetricReplenishment = "replenishment"

// Replenishment lists who is due to buy what again (metrics.md, "Replenishment"),
// ordered by (client_id, item). A client's purchases of a thing on one day are one.
// From replenishment.min_purchases of them on, the thing is due one median interval
// after the last; between two middle intervals the median is their mean, half a day
// rounded down, so that the reminder rather comes early. Listed is what is due up to
// replenishment.days_ahead days after the as-of day, the day itself included, and
// what is overdue by less than one interval: later than that the habit is over.
//
// Memory is a number for each purchase.
func Replenishment(b *Base) ([]schema.ReplenishmentRow, schema.ThresholdRow) {
	c := b.Metrics.Replenishment
	level, goods := itemLevel, b.Items
	if c.Level == EntityCategory {
		level, goods = categoryLevel, b.Categories
	}
	threshold := schema.ThresholdRow{Metric: MetricReplenishment, Entity: c.Level, Rule: "median"}
	setBounds(&threshold, []float64{float64(c.MinPurchases), float64(c.DaysAhead)})
	threshold.Note = "purchase days from bound_1 on; due the median interval, half a day rounded down, after the last; listed when due within bound_2 days or overdue by less than one interval"

	type bought struct {
		good uint32 // place on the shelf
		day  Day
	}
	var rows []schema.ReplenishmentRow
	var one ticket
	var all []bought
	var days []Day
	text := dayTexts{}
	latest := b.AsOf + Day(min(c.DaysAhead, longestWindow)) //nolint:gosec // G115: bounded
	starts, places := b.ticketsByClient(level, c.MinPurchases)
	for client := range b.Len() {
		mine := places[starts[client]:starts[client+1]]
		if len(mine) < c.MinPurchases {
			continue
		}
		all = all[:0]
		for _, place := range mine {
			b.tickets.at(place, &one)
			for _, number := range one.goods[level] {
				all = append(all, bought{b.shelf[level][number], one.day})
			}
		}
		slices.SortFunc(all, func(x, y bought) int { return cmp.Or(cmp.Compare(x.good, y.good), cmp.Compare(x.day, y.day)) })
		for from := 0; from < len(all); {
			good := all[from].good
			days = days[:0]
			for ; from < len(all) && all[from].good == good; from++ {
				days = append(days, all[from].day)
			}
			days = slices.Compact(days)
			median, ok := medianInterval(days, c.MinPurchases)
			if !ok {
				continue
			}
			last := days[0] // medianInterval has put the intervals behind it
			due := last + median
			if due > latest || b.AsOf-due >= median {
				continue
			}
			rows = append(rows, schema.ReplenishmentRow{
				ClientID: b.ID(client), Item: goods[good].ID,
				LastDay: text.of(last), MedianDays: int64(median), DueDay: text.of(due),
			})
		}
	}
	return rows, threshold
}

// ExpectedNextDays is for every client, by place, the day of the next purchase by the
// client's own rhythm: the last purchase day and the median interval between his
// purchase days, half a day rounded down; from replenishment.min_purchases purchase
// days on, empty before. A day that has passed says since when he is awaited.
func ExpectedNextDays(b *Base) []string {
	expected := make([]string, b.Len())
	text := dayTexts{}
	var days []Day
	for i := range expected {
		c := b.Client(i)
		if c.OrderDays < int64(b.Metrics.Replenishment.MinPurchases) {
			continue
		}
		days = b.daysOf(i, days)
		if median, ok := medianInterval(days, b.Metrics.Replenishment.MinPurchases); ok {
			expected[i] = text.of(c.LastDay + median)
		}
	}
	return expected
}

// medianInterval is the median distance between days, which rise and differ. It
// reuses their memory and leaves the last day in the first place. False for fewer
// days than least.
func medianInterval(days []Day, least int) (Day, bool) {
	n := len(days)
	if n < max(least, 2) {
		return 0, false
	}
	last := days[n-1]
	for i := n - 1; i > 0; i-- {
		days[i] -= days[i-1]
	}
	days[0] = last
	intervals := days[1:]
	slices.Sort(intervals)
	upper := intervals[len(intervals)/2]
	lower := intervals[(len(intervals)-1)/2]
	return (lower + upper) / 2, true
}

// ticketsByClient is the places of the purchases of every client who has at least
// so many that name a good of the level; those of client i are
// places[starts[i]:starts[i+1]], in any order.
func (b *Base) ticketsByClient(level, least int) (starts []int, places []uint64) {
	counts := make([]uint32, len(b.states))
	b.tickets.walk(func(_ uint64, one *ticket) {
		if one.client != nobody && len(one.goods[level]) > 0 {
			counts[one.client]++
		}
	})
	starts = make([]int, b.Len()+1)
	for at, number := range b.numbers {
		starts[at+1] = starts[at]
		if int(counts[number]) >= least {
			starts[at+1] += int(counts[number])
		}
	}
	places = make([]uint64, starts[b.Len()])
	next := slices.Clone(starts)
	b.tickets.walk(func(place uint64, one *ticket) {
		if one.client == nobody || len(one.goods[level]) == 0 || int(counts[one.client]) < least {
			return
		}
		at, _ := b.place(one.client) // who has a ticket has a purchase
		places[next[at]] = place
		next[at]++
	})
	return starts, places
}

// dayTexts keeps a text for each day, not for each row.
type dayTexts map[Day]string

func (t dayTexts) of(d Day) string {
	text, ok := t[d]
	if !ok {
		text = d.String()
		t[d] = text
	}
	return text
}
