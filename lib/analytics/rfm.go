package analytics

import (
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// Words of the configuration.
const (
	methodQuantile  = "quantile"
	methodNtile     = "ntile"
	methodFixed     = "fixed"
	frequencyOrders = "orders"
	frequencyDays   = "days"
	monetarySum     = "sum"
	monetaryAverage = "average"
)

// RFMScore is the code of one client; the zero value is a client without a
// purchase in the window, who has none.
type RFMScore struct {
	R, F, M int    // 1 (worst) to the number of groups (best)
	Code    string // the three digits
	Segment string // key in the playbook
}

// RFMScores is the outcome of RFM.
type RFMScores struct {
	Scores     []RFMScore            // one for each of Base.Clients, in their order
	Codes      []schema.RFMCodeRow   // every possible code, ordered by code
	Thresholds []schema.ThresholdRow // ordered by (metric, entity, rule)
	// Possible is the number of different scores of R, F and M that the values
	// allow; less than the number of groups where many values are equal.
	Possible [3]int
}

// metric is one of the three, over the clients in the window.
type metric struct {
	name     string
	unit     string
	values   []float64
	fixed    []float64
	reversed bool // a small value is good
	fraction bool // values are rounded to nine digits, and so are bounds
}

// RFM scores every client on recency, frequency and monetary value by the method
// of the configuration (metrics.md, "RFM"). Quantile and fixed give equal scores
// to equal values, so groups may be unequal; ntile gives equal groups. Whole
// numbers are compared exactly; average checks, which are fractions, at nine
// significant digits.
//
// RevenueMinor of the codes is all revenue of their clients, also where a window
// is configured, so that it adds up to that of the clients table.
func RFM(b *Base) RFMScores {
	c := b.Metrics.RFM
	out := RFMScores{Scores: make([]RFMScore, len(b.Clients))}
	members, last, metrics := measure(b)
	digits := [3][]int{}
	for m, of := range metrics {
		var rows []schema.ThresholdRow
		digits[m], rows, out.Possible[m] = of.score(c.Method, c.Groups, last, windowNote(c.WindowDays))
		out.Thresholds = append(out.Thresholds, rows...)
	}
	sortThresholds(out.Thresholds)

	out.Codes = emptyCodes(c.Groups, b.Playbook)
	for n, i := range members {
		r, f, m := digits[0][n], digits[1][n], digits[2][n]
		row := &out.Codes[((r-1)*c.Groups+f-1)*c.Groups+m-1]
		row.Clients++
		row.RevenueMinor += b.Clients[i].RevenueMinor
		out.Scores[i] = RFMScore{R: r, F: f, M: m, Code: row.Code, Segment: row.Segment}
	}
	for i := range out.Codes {
		out.Codes[i].Share = ratio(out.Codes[i].Clients, int64(len(members)))
	}
	return out
}

// measure takes the three values of every client with a purchase in the window;
// members are their indices in b.Clients.
func measure(b *Base) (members []int, last []Day, metrics [3]metric) {
	c := b.Metrics.RFM
	for i := range b.Clients {
		if b.Clients[i].Window.Orders > 0 {
			members = append(members, i)
		}
	}
	n := len(members)
	last = make([]Day, n)
	recency, frequency, monetary := make([]float64, n), make([]float64, n), make([]float64, n)
	for at, i := range members {
		client := &b.Clients[i]
		last[at] = client.LastDay
		recency[at] = float64(b.AsOf - client.LastDay)
		frequency[at] = float64(client.Window.Orders)
		if c.Frequency == frequencyDays {
			frequency[at] = float64(client.Window.OrderDays)
		}
		monetary[at] = float64(client.Window.RevenueMinor)
		if c.Monetary == monetaryAverage && client.Window.PricedOrders > 0 {
			monetary[at] = Round9(monetary[at] / float64(client.Window.PricedOrders))
		}
	}
	of := unitOrders
	if c.Frequency == frequencyDays {
		of = unitOrderDays
	}
	money := "minor units of " + b.Currency
	if c.Monetary == monetaryAverage {
		money += " per order"
	}
	return members, last, [3]metric{
		{name: MetricRecency, unit: unitDays, values: recency, fixed: c.RBounds, reversed: true},
		{name: MetricFrequency, unit: of, values: frequency, fixed: c.FBounds},
		{name: MetricMonetary, unit: money, values: monetary, fixed: inMinor(c.MBounds, b.Currency), fraction: c.Monetary == monetaryAverage},
	}
}

// score gives each value its digit, with the rows that let a reader do it again
// and the number of different digits that are possible.
func (m metric) score(method string, k int, last []Day, window string) ([]int, []schema.ThresholdRow, int) {
	if method == methodNtile {
		return m.scoreTiles(k, last, window)
	}
	bounds := m.fixed
	if method == methodQuantile {
		bounds = quantiles(m.values, k)
		for i, bound := range bounds {
			// Of whole numbers the same ones are above the rounded bound if it has the
			// same whole part. A large sum of money has more than nine digits: then the
			// bound stays as it is, for a reader must be able to score again with it.
			if rounded := Round9(bound); m.fraction || math.Floor(rounded) == math.Floor(bound) {
				bounds[i] = rounded
			}
		}
	}
	digits := make([]int, len(m.values))
	for i, v := range m.values {
		digits[i] = m.digit(k, exceeded(bounds, v)+1)
	}
	groups := k
	if len(m.values) > 0 {
		groups = possible(bounds, slices.Max(m.values))
	}
	if len(bounds) == 0 {
		return digits, nil, groups // nobody, and so no thresholds
	}
	return digits, []schema.ThresholdRow{m.row(method, bounds, m.reading(k), window, groups, k)}, groups
}

func (m metric) digit(k, group int) int {
	if m.reversed {
		return k + 1 - group
	}
	return group
}

// emptyCodes is a row for every code.
func emptyCodes(k int, p Playbook) []schema.RFMCodeRow {
	var rows []schema.RFMCodeRow
	for _, code := range codes(k) {
		rows = append(rows, schema.RFMCodeRow{Code: code, Segment: p.SegmentOf(code)})
	}
	return rows
}
