package portal

import (
	"iter"
	"slices"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// Summarise counts the rows of gold/clients in one pass. OtherRevenue and
// AnonymousOrders are not in that table: the caller adds them.
func Summarise(clients iter.Seq[schema.ClientRow]) Summary {
	var s Summary
	for c := range clients {
		s.Clients++
		if c.Consents.Get(string(consent.Ads)) == given {
			s.AdsConsent++
		}
		switch c.Activity {
		case "sleeping":
			if c.Orders > 0 {
				s.Sleeping++
				s.SleepingMinor += c.RevenueMinor
			}
		case "dead":
			if c.Orders > 0 {
				s.Dead++
				s.DeadMinor += c.RevenueMinor
			}
		case "cooling":
			s.Cooling++
		case "active":
			s.Active++
		}
		if c.Orders == 0 {
			continue
		}
		s.Buyers++
		if c.Orders > 1 {
			s.Repeat++
		}
		s.Orders += c.Orders
		s.RevenueMinor += c.RevenueMinor
		if day := c.FirstOrderDay; day != nil && (s.FirstDay == "" || *day < s.FirstDay) {
			s.FirstDay = *day
		}
	}
	return s
}

// given is how gold/clients writes a consent in force.
const given = string(consent.Given)

// ABCSummary is one entity's classes, small enough to keep for a page.
type ABCSummary struct {
	Entity string // client, item or category
	Count  int64
	// RevenueMinor sums all contributions, also those below zero.
	RevenueMinor int64
	Classes      [3]ABCClass // A, B, C
	// Curve has at most 100 points, ranks rising, from (0, 0) to (1, 1); empty
	// without positive contributions.
	Curve []CurvePoint
	Top   []schema.ABCRow
	// TopFifthShare is the share of the positive money that the first 20 % bring.
	TopFifthShare float64
}

// ABCClass sums one class.
type ABCClass struct {
	Count        int64
	RevenueMinor int64
}

// CurvePoint says that the first Rank of the entities bring Share of the money.
type CurvePoint struct{ Rank, Share float64 }

// SummariseABC condenses gold/abc, whose order it relies on, to one summary for
// each entity that has rows: clients, then items, then categories. Top keeps the
// first top rows.
func SummariseABC(rows []schema.ABCRow, top int) []ABCSummary {
	var out []ABCSummary
	for _, entity := range []string{"client", "item", "category"} {
		var of []schema.ABCRow
		if first := slices.IndexFunc(rows, func(r schema.ABCRow) bool { return r.Entity == entity }); first >= 0 {
			last := first
			for last < len(rows) && rows[last].Entity == entity {
				last++
			}
			of = rows[first:last]
		}
		if len(of) > 0 {
			out = append(out, summariseEntity(entity, of, top))
		}
	}
	return out
}

func summariseEntity(entity string, rows []schema.ABCRow, top int) ABCSummary {
	s := ABCSummary{Entity: entity, Count: int64(len(rows)), Top: slices.Clone(rows[:min(top, len(rows))])}
	for _, r := range rows {
		class := 2
		switch r.Class {
		case "A":
			class = 0
		case "B":
			class = 1
		}
		s.Classes[class].Count++
		s.Classes[class].RevenueMinor += r.RevenueMinor
		s.RevenueMinor += r.RevenueMinor
	}
	if rows[0].RevenueMinor <= 0 {
		return s
	}
	n := len(rows)
	s.TopFifthShare = rows[(n+4)/5-1].CumulativeShare // ⌈n/5⌉ entities
	s.Curve = append(s.Curve, CurvePoint{})
	const points = 99
	for i := 1; i <= points; i++ {
		rank := (n*i + points - 1) / points
		if i > 1 && rank == (n*(i-1)+points-1)/points {
			continue // fewer entities than points
		}
		s.Curve = append(s.Curve, CurvePoint{Rank: float64(rank) / float64(n), Share: rows[rank-1].CumulativeShare})
	}
	return s
}
