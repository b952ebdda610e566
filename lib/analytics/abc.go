package analytics

import (
	"cmp"
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

// Concentration says how much the best fifth of the entities brings: the top 20 %,
// rounded up, has Share of all positive revenue.
type Concentration struct {
	Entity string
	Top    int
	Of     int
	Share  float64
}

// ABC classes the entities of one kind by their revenue (metrics.md, "ABC"). The
// result is ordered by revenue descending, ties by id. Shares are of the sum of
// positive contributions, so entities that brought nothing or less have share 0
// and leave the cumulative share where it was; with money_share they are C.
//
// Contributions must be ordered by id, no id twice.
func ABC(entity string, contributions []Contribution, c config.ABC) ([]schema.ABCRow, Concentration) {
	rows, concentration, _ := rank(entity, contributions, c)
	return rows, concentration
}

// rank is ABC with the index of each row's entity in contributions.
func rank(entity string, contributions []Contribution, c config.ABC) ([]schema.ABCRow, Concentration, []int) {
	ranked := make([]int, len(contributions))
	total := int64(0)
	for i, of := range contributions {
		ranked[i] = i
		total += max(0, of.RevenueMinor)
	}
	slices.SortFunc(ranked, func(i, j int) int {
		return cmp.Or(cmp.Compare(contributions[j].RevenueMinor, contributions[i].RevenueMinor), cmp.Compare(i, j))
	})
	n := len(ranked)
	// ⌈0.20 n⌉ and ⌈0.35 n⌉ in whole numbers; in floating point 0.35 · 20 is above 7.
	top, next := (n+4)/5, (7*n+19)/20
	rows := make([]schema.ABCRow, n)
	concentration := Concentration{Entity: entity, Top: top, Of: n}
	before := int64(0)
	for place, i := range ranked {
		revenue := contributions[i].RevenueMinor
		with := before + max(0, revenue)
		class := "C"
		if c.Method == shareOfRank {
			switch {
			case place < top:
				class = "A"
			case place < top+next:
				class = "B"
			}
		} else if revenue > 0 {
			switch share := float64(before) / float64(total); {
			case share < c.A:
				class = "A"
			case share < c.B:
				class = "B"
			}
		}
		rows[place] = schema.ABCRow{
			Entity: entity, ID: contributions[i].ID, RevenueMinor: revenue,
			Share: ratio(max(0, revenue), total), CumulativeShare: ratio(with, total), Class: class,
		}
		if place < top {
			concentration.Share = rows[place].CumulativeShare
		}
		before = with
	}
	return rows, concentration, ranked
}
