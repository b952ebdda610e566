package analytics

import (
	"iter"
	"math"
	"math/bits"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Entities that bring revenue.
const (
	EntityClient   = "client"
	EntityItem     = "item"
	EntityCategory = "category"
)

const (
	shareOfMoney = "money_share"
	shareOfRank  = "rank_share"
)

// Shares of entities that rank_share puts into A and, next, B.
const (
	rankA = 0.20
	rankB = 0.35
)

// ABC classes the entities of one kind by their revenue (metrics.md, "ABC"). The
// result is ordered by revenue descending, ties by id. Shares are of the sum of
// positive contributions, so entities that brought nothing or less have share 0
// and leave the cumulative share where it was; with money_share they are C.
//
// Contributions must be ordered by id, no id twice.
func ABC(entity string, contributions []Contribution, c config.ABC) []schema.ABCRow {
	r := RankingOf(entity, contributions, c)
	rows := make([]schema.ABCRow, 0, len(contributions))
	for row := range r.Rows(func(i int) string { return contributions[i].ID }) {
		rows = append(rows, row)
	}
	return rows
}

// Ranking is the entities of one kind in the order of their revenue. It is read-only.
type Ranking struct {
	Entity string

	revenue []int64  // falling
	order   []uint32 // indices of the entities, likewise
	classes []uint8  // by index
	total   int64    // of positive revenue
}

// RankingOf ranks contributions, which are ordered by id.
func RankingOf(entity string, contributions []Contribution, c config.ABC) Ranking {
	return rankingOf(entity, len(contributions), c, func(i int) int64 { return contributions[i].RevenueMinor })
}

// rankingOf ranks n entities, which are in the order of their ids.
func rankingOf(entity string, n int, c config.ABC, revenue func(int) int64) Ranking {
	r := Ranking{Entity: entity, classes: make([]uint8, n)}
	r.order, r.revenue = byRevenue(n, revenue)
	for _, minor := range r.revenue {
		r.total += max(0, minor)
	}
	// ⌈0.20 n⌉ and ⌈0.35 n⌉ in whole numbers; in floating point 0.35 · 20 is above 7.
	top, next := (n+4)/5, (7*n+19)/20
	before := int64(0)
	for place, i := range r.order {
		minor := r.revenue[place]
		class := uint8('C')
		if c.Method == shareOfRank {
			switch {
			case place < top:
				class = 'A'
			case place < top+next:
				class = 'B'
			}
		} else if minor > 0 {
			switch share := float64(before) / float64(r.total); {
			case share < c.A:
				class = 'A'
			case share < c.B:
				class = 'B'
			}
		}
		r.classes[i] = class
		before += max(0, minor)
	}
	return r
}

// byRevenue is the indices of n entities by revenue descending, ties by index, and the
// revenue in that order. It sorts in rounds of 11 bits, without comparing.
func byRevenue(n int, revenue func(int) int64) (order []uint32, falling []int64) {
	highest := int64(math.MinInt64)
	for i := range n {
		highest = max(highest, revenue(i))
	}
	keys := make([]uint64, n)
	order = make([]uint32, n)
	widest := uint64(0)
	for i := range n {
		keys[i], order[i] = uint64(highest-revenue(i)), uint32(i) //nolint:gosec // G115: two's complement, right for any distance
		widest |= keys[i]
	}
	moved, places := make([]uint64, n), make([]uint32, n)
	counts := make([]uint32, 1<<radix)
	for shift := 0; shift < bits.Len64(widest); shift += radix {
		clear(counts)
		for _, key := range keys {
			counts[key>>shift&(1<<radix-1)]++
		}
		sum := uint32(0)
		for i, c := range counts {
			counts[i] = sum
			sum += c
		}
		for i, key := range keys {
			at := &counts[key>>shift&(1<<radix-1)]
			moved[*at], places[*at] = key, order[i]
			*at++
		}
		keys, moved, order, places = moved, keys, places, order
	}
	falling = make([]int64, n)
	for i, key := range keys {
		falling[i] = highest - int64(key) //nolint:gosec // G115: as above, back again
	}
	return order, falling
}

// Len is the number of entities.
func (r *Ranking) Len() int { return len(r.order) }

// Class is the class of the entity of an index: A, B or C.
func (r *Ranking) Class(index int) byte { return r.classes[index] }

// RankingPart is some rows of the abc table, column by column.
type RankingPart struct {
	Order             []uint32 // indices of the entities
	Revenue           []int64  // minor units
	Share, Cumulative []float64
	Class             []byte
}

// Parts yields the rows of the abc table in order, at most so many at once; nothing for
// no entities.
func (r *Ranking) Parts(most int) iter.Seq[RankingPart] {
	return func(yield func(RankingPart) bool) {
		with := int64(0)
		for from := 0; from < r.Len(); from += most {
			to := min(from+most, r.Len())
			p := RankingPart{
				Order: r.order[from:to], Revenue: r.revenue[from:to],
				Share: make([]float64, to-from), Cumulative: make([]float64, to-from), Class: make([]byte, to-from),
			}
			for i, minor := range p.Revenue {
				with += max(0, minor)
				p.Share[i], p.Cumulative[i] = ratio(max(0, minor), r.total), ratio(with, r.total)
				p.Class[i] = r.classes[p.Order[i]]
			}
			if !yield(p) {
				return
			}
		}
	}
}

// Rows yields the rows of the abc table, in order; id is the id of an index.
func (r *Ranking) Rows(id func(int) string) iter.Seq[schema.ABCRow] {
	return func(yield func(schema.ABCRow) bool) {
		for part := range r.Parts(max(1, r.Len())) {
			for i, index := range part.Order {
				if !yield(schema.ABCRow{
					Entity: r.Entity, ID: id(int(index)), RevenueMinor: part.Revenue[i],
					Share: part.Share[i], CumulativeShare: part.Cumulative[i], Class: classTexts[part.Class[i]-'A'],
				}) {
					return
				}
			}
		}
	}
}

var classTexts = [3]string{"A", "B", "C"} //nolint:gochecknoglobals // a constant table
