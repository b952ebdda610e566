package analytics

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNoVolume says that no extra volume makes up for a discount: it takes the
// whole margin or more.
var ErrNoVolume = errors.New("analytics: discount takes the whole margin")

// ExtraVolume is the share by which sales must grow for a discount to bring the
// same money (metrics.md, "Basket"): m/(m−d) − 1 for a margin m and a discount
// d, both shares of the price. At 0.30 a discount of 0.10 needs 0.5, half as much
// again. It refuses with ErrNoVolume where d ≥ m, and what are no shares.
func ExtraVolume(margin, discount float64) (float64, error) {
	switch {
	case !(margin > 0 && margin <= 1) || !(discount >= 0 && discount <= 1): // this way round NaN is refused too
		return 0, fmt.Errorf("analytics: margin %v and discount %v are no shares of a price", margin, discount)
	case discount >= margin:
		return 0, fmt.Errorf("%w: %v of %v", ErrNoVolume, discount, margin)
	}
	return Round9(discount / (margin - discount)), nil // m/(m−d) − 1 without the cancellation
}

// MetricBasket in the thresholds has the rule min_tickets for each level: bound_1
// is the least number of purchases of a pair, bound_2 the purchases that support is
// a share of, bound_3 those left out as too large, bound_4 the pairs left out as
// too many.
const MetricBasket = "basket"

// Basket lists the pairs of items and of categories that are bought together
// (metrics.md, "Basket"): ordered by level (category, item), lift descending,
// tickets descending, a, b. Purchases of nobody count. Of a level count the purchases
// with at least one line that names a good of it; one of more than
// basket.max_items different goods says little of what goes together and would
// make a pair of each two of them: it counts nowhere in its level. Of the pairs
// with at least basket.min_tickets purchases those in most of them are kept, at
// most basket.max_pairs, ties by a, b. The thresholds say how much was left out.
//
// Frequency is counted exactly, without a table of pairs: goods in fewer than
// min_tickets purchases make no pair and are dropped (Agrawal and Srikant 1994,
// "Fast algorithms for mining association rules"), then each good counts the others
// of its own purchases. Memory is two numbers for each good of a purchase.
func Basket(b *Base) ([]schema.BasketRow, []schema.ThresholdRow) {
	var rows []schema.BasketRow
	var thresholds []schema.ThresholdRow
	for _, of := range []struct {
		entity string
		level  int
		goods  []Contribution
	}{{EntityCategory, categoryLevel, b.Categories}, {EntityItem, itemLevel, b.Items}} {
		c := b.Metrics.Basket
		pairs, over := b.pairs(of.level)
		level := &b.tickets.levels[of.level]
		row := schema.ThresholdRow{Metric: MetricBasket, Entity: of.entity, Rule: "min_tickets"}
		setBounds(&row, []float64{float64(c.MinTickets), float64(level.purchases), float64(level.large), float64(over)})
		row.Note = fmt.Sprintf("pairs from bound_1 purchases on; support is a share of bound_2 purchases; left out: bound_3 purchases of more than %d, bound_4 pairs beyond the %d in most purchases",
			c.MaxItems, c.MaxPairs)
		thresholds = append(thresholds, row)
		with := make([]int64, len(of.goods))
		for number, count := range level.with {
			with[b.shelf[of.level][number]] = int64(count)
		}
		from := len(rows)
		for _, p := range pairs {
			rows = append(rows, schema.BasketRow{
				Level: of.entity, A: of.goods[p.a].ID, B: of.goods[p.b].ID, Tickets: p.tickets,
				Support:      ratio(p.tickets, level.purchases),
				ConfidenceAB: ratio(p.tickets, with[p.a]), ConfidenceBA: ratio(p.tickets, with[p.b]),
				Lift: Round9(float64(p.tickets) * float64(level.purchases) / (float64(with[p.a]) * float64(with[p.b]))),
			})
		}
		slices.SortFunc(rows[from:], func(x, y schema.BasketRow) int {
			return cmp.Or(cmp.Compare(y.Lift, x.Lift), cmp.Compare(y.Tickets, x.Tickets), cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B))
		})
	}
	return rows, thresholds
}

// pair is two places on a shelf, a before b.
type pair struct {
	a, b    uint32
	tickets int64
}

// compareTickets puts first what is in most purchases.
func (p pair) compareTickets(q pair) int {
	return cmp.Or(cmp.Compare(q.tickets, p.tickets), cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b))
}

// pairs counts the pairs of a level; over is how many of them were too many.
func (b *Base) pairs(level int) (kept []pair, over int64) {
	least, most := b.Metrics.Basket.MinTickets, b.Metrics.Basket.MaxPairs
	members, frequent := b.frequent(level, uint32(least)) //nolint:gosec // G115: checked to be above zero and a million at most
	// The places where each good stands before another one of its purchase.
	starts := make([]int, len(frequent)+1)
	for at, m := range members {
		if m&lastOfPurchase == 0 {
			starts[members[at]+1]++
		}
	}
	for i := range frequent {
		starts[i+1] += starts[i]
	}
	places := make([]uint32, starts[len(frequent)])
	next := slices.Clone(starts[:len(frequent)])
	for at, m := range members {
		if m&lastOfPurchase == 0 {
			places[next[m]] = uint32(at)
			next[m]++
		}
	}
	counts := make([]uint32, len(frequent))
	var touched []uint32
	for a := range frequent {
		touched = touched[:0]
		for _, place := range places[starts[a]:starts[a+1]] {
			for at := int(place) + 1; ; at++ {
				other := members[at] &^ lastOfPurchase
				if counts[other] == 0 {
					touched = append(touched, other)
				}
				counts[other]++
				if members[at]&lastOfPurchase != 0 {
					break
				}
			}
		}
		slices.Sort(touched)
		for _, other := range touched {
			if n := int64(counts[other]); n >= int64(least) {
				kept = append(kept, pair{frequent[a], frequent[other], n})
			}
			counts[other] = 0
		}
		if len(kept) >= 2*most+len(frequent) { // seldom enough to cost nothing
			over += int64(len(kept) - most)
			slices.SortFunc(kept, pair.compareTickets)
			kept = kept[:most]
		}
	}
	if len(kept) > most {
		over += int64(len(kept) - most)
		slices.SortFunc(kept, pair.compareTickets)
		kept = kept[:most]
	}
	return kept, over
}

// lastOfPurchase marks the last good of a purchase.
const lastOfPurchase = 1 << 31

// frequent lists the goods in at least so many purchases by their place on the
// shelf, rising, and purchase by purchase those of them that stand with another
// one, by their place in that list, rising.
func (b *Base) frequent(level int, least uint32) (members, frequent []uint32) {
	shelf, with := b.shelf[level], b.tickets.levels[level].with
	known := make([]bool, len(shelf))
	for number, count := range with {
		known[shelf[number]] = count >= least
	}
	among := make([]uint32, len(shelf)) // place on the shelf → place among the frequent, + 1
	most := 0                           // goods of purchases; a slice that grows would cost several times as much
	for number, count := range with {
		if known[shelf[number]] {
			most += int(count)
		}
	}
	members = make([]uint32, 0, most)
	for at, is := range known {
		if is {
			frequent = append(frequent, uint32(at))
			among[at] = uint32(len(frequent)) //nolint:gosec // G115: likewise
		}
	}
	if len(frequent) < 2 {
		return nil, nil
	}
	b.tickets.walk(func(_ uint64, one *ticket) {
		if !one.pairs[level] {
			return
		}
		from := len(members)
		for _, number := range one.goods[level] {
			if at := among[shelf[number]]; at > 0 {
				members = append(members, at-1)
			}
		}
		if len(members) < from+2 {
			members = members[:from]
			return
		}
		slices.Sort(members[from:])
		members[len(members)-1] |= lastOfPurchase
	})
	return members, frequent
}

// checkHabits refuses what config.Parse would not have let through.
func checkHabits(m config.Metrics) error {
	switch {
	case m.Basket.MinTickets < 1 || m.Basket.MaxItems < 2 || m.Basket.MaxItems > goodsOfRecord || m.Basket.MaxPairs < 1:
		return fmt.Errorf("%w: basket is %+v", ErrConfig, m.Basket)
	case m.Replenishment.Level != EntityItem && m.Replenishment.Level != EntityCategory:
		return fmt.Errorf("%w: replenishment.level is %q, want item or category", ErrConfig, m.Replenishment.Level)
	case m.Replenishment.DaysAhead < 0 || m.Replenishment.MinPurchases < 3:
		return fmt.Errorf("%w: replenishment is %+v", ErrConfig, m.Replenishment)
	}
	for _, s := range m.Seasons {
		if _, _, ok := s.Date(); !ok || s.DaysBefore < 0 || s.DaysAfter < 0 || s.DaysBefore+s.DaysAfter > 180 {
			return fmt.Errorf("%w: season %+v", ErrConfig, s)
		}
	}
	return nil
}
