package analytics

import (
	"cmp"
	"iter"
	"math"
	"math/bits"
	"slices"

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

	highest int64    // revenue of any
	below   []uint64 // how far the revenue of each is below it, rising
	order   []uint32 // indices of the entities, likewise
	classes []uint8  // by index
	total   int64    // of positive revenue
}

// revenue is that of the entity at a place of the ranking.
func (r *Ranking) revenue(place int) int64 { return r.highest - int64(r.below[place]) } //nolint:gosec // G115: the way back of byRevenue

// RankingOf ranks contributions, which are ordered by id.
func RankingOf(entity string, contributions []Contribution, c config.ABC) Ranking {
	return rankingOf(entity, len(contributions), c, func(i int) int64 { return contributions[i].RevenueMinor })
}

// rankingOf ranks n entities, which are in the order of their ids.
func rankingOf(entity string, n int, c config.ABC, revenue func(int) int64) Ranking {
	r := Ranking{Entity: entity, classes: make([]uint8, n)}
	r.order, r.below, r.highest = byRevenue(n, revenue)
	for place := range n {
		r.total += max(0, r.revenue(place))
	}
	// ⌈0.20 n⌉ and ⌈0.35 n⌉ in whole numbers; in floating point 0.35 · 20 is above 7.
	top, next := (n+4)/5, (7*n+19)/20
	before := int64(0)
	for place, i := range r.order {
		minor := r.revenue(place)
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

// byRevenue is the indices of n entities by revenue descending, ties by index, and how
// far each is below the highest. A key is that distance with the index behind it, and
// they are sorted in rounds of 11 bits, without comparing; distances that leave no room
// for an index are compared.
func byRevenue(n int, revenue func(int) int64) (order []uint32, below []uint64, highest int64) {
	highest = math.MinInt64
	lowest := int64(math.MaxInt64)
	for i := range n {
		minor := revenue(i)
		highest, lowest = max(highest, minor), min(lowest, minor)
	}
	order, below = make([]uint32, n), make([]uint64, n)
	if n == 0 {
		return order, below, 0
	}
	behind := bits.Len(uint(n - 1))
	widest := bits.Len64(uint64(highest - lowest))
	if widest+behind > 64 {
		for i := range order {
			order[i] = uint32(i)
		}
		slices.SortStableFunc(order, func(i, j uint32) int { return cmp.Compare(revenue(int(j)), revenue(int(i))) })
		for place, i := range order {
			below[place] = uint64(highest - revenue(int(i))) //nolint:gosec // G115: as above
		}
		return order, below, highest
	}
	for i := range n {
		below[i] = uint64(highest-revenue(i))<<behind | uint64(i) //nolint:gosec // G115: as above
	}
	below = sortedKeys(below, behind, behind+widest)
	for place, key := range below {
		order[place] = uint32(key & (1<<behind - 1)) //nolint:gosec // G115: an index
		below[place] = key >> behind
	}
	return order, below, highest
}

// sortedKeys sorts keys by their bits from one up to another; equal ones stay in their
// order. The result may be in other memory than the keys.
func sortedKeys(keys []uint64, from, to int) []uint64 {
	moved := make([]uint64, len(keys))
	counts := make([]uint32, 1<<radix)
	for shift := from; shift < to; shift += radix {
		mask := uint64(1)<<min(radix, to-shift) - 1
		clear(counts)
		for _, key := range keys {
			counts[key>>shift&mask]++
		}
		sum := uint32(0)
		for i, c := range counts {
			counts[i] = sum
			sum += c
		}
		for _, key := range keys {
			at := &counts[key>>shift&mask]
			moved[*at] = key
			*at++
		}
		keys, moved = moved, keys
	}
	return keys
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

// Parts yields the rows of the abc table in order, at most so many at once, each part
// lent for one turn; nothing for no entities.
func (r *Ranking) Parts(most int) iter.Seq[RankingPart] {
	return func(yield func(RankingPart) bool) {
		with := int64(0)
		room := min(most, r.Len())
		all := RankingPart{
			Revenue: make([]int64, room), Share: make([]float64, room), Cumulative: make([]float64, room), Class: make([]byte, room),
		}
		for from := 0; from < r.Len(); from += most {
			n := min(most, r.Len()-from)
			p := RankingPart{
				Order: r.order[from : from+n], Revenue: all.Revenue[:n], Share: all.Share[:n], Cumulative: all.Cumulative[:n], Class: all.Class[:n],
			}
			for i, index := range p.Order {
				minor := r.revenue(from + i)
				with += max(0, minor)
				p.Revenue[i], p.Share[i], p.Cumulative[i] = minor, ratio(max(0, minor), r.total), ratio(with, r.total)
				p.Class[i] = r.classes[index]
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
