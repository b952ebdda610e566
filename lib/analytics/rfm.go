package analytics

import (
	"math"

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
	Codes      []schema.RFMCodeRow   // every possible code, ordered by code
	Thresholds []schema.ThresholdRow // ordered by (metric, entity, rule)
	// Possible is the number of different scores of R, F and M that the values
	// allow; less than the number of groups where many values are equal.
	Possible [3]int

	digits [3][]uint8 // by place in the base; 0 for who has no code
}

// Of is the code of the client at a place.
func (s *RFMScores) Of(place int) RFMScore {
	at := s.CodeOf(place)
	if at < 0 {
		return RFMScore{}
	}
	row := &s.Codes[at]
	return RFMScore{
		R: int(s.digits[0][place]), F: int(s.digits[1][place]), M: int(s.digits[2][place]),
		Code: row.Code, Segment: row.Segment,
	}
}

// CodeOf is the index in Codes of the code of the client at a place; −1 for none.
func (s *RFMScores) CodeOf(place int) int {
	r, f, m := int(s.digits[0][place]), int(s.digits[1][place]), int(s.digits[2][place])
	if r == 0 {
		return -1
	}
	k := int(s.Codes[len(s.Codes)-1].Code[0] - '0')
	return ((r-1)*k+f-1)*k + m - 1
}

// metric is one of the three, over the clients in the window.
type metric struct {
	name     string
	unit     string
	n        int
	at       func(int) float64
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
	var out RFMScores
	members, last, metrics := measure(b)
	for m, of := range metrics {
		digits, rows, groups := of.score(c.Method, c.Groups, last, windowNote(c.WindowDays))
		if len(digits) < b.Len() { // the window leaves clients out
			all := make([]uint8, b.Len())
			for i, place := range members {
				all[place] = digits[i]
			}
			digits = all
		}
		out.digits[m], out.Possible[m] = digits, groups
		out.Thresholds = append(out.Thresholds, rows...)
	}
	sortThresholds(out.Thresholds)

	out.Codes = emptyCodes(c.Groups, b.Playbook)
	clients := int64(0)
	for place := range b.Len() {
		if at := out.CodeOf(place); at >= 0 {
			out.Codes[at].Clients++
			out.Codes[at].RevenueMinor += b.at(place).revenue
			clients++
		}
	}
	for i := range out.Codes {
		out.Codes[i].Share = ratio(out.Codes[i].Clients, clients)
	}
	return out
}

// measure takes the three values of every client with a purchase in the window;
// members are their places in the base, nil for everybody.
func measure(b *Base) (members []uint32, last func(int) Day, metrics [3]metric) {
	c := b.Metrics.RFM
	n := b.Len()
	of := func(i int) *state { return &b.states[b.numbers[i]] }
	if b.windows != nil {
		for place := range b.Len() {
			if b.windows[b.numbers[place]].orders > 0 {
				members = append(members, uint32(place))
			}
		}
		n = len(members)
		of = func(i int) *state { return &b.states[b.numbers[members[i]]] }
	}
	window := func(i int) windowState {
		if b.windows != nil {
			return b.windows[b.numbers[members[i]]]
		}
		s := of(i)
		return windowState{s.orders, s.days, s.priced, s.revenue}
	}
	last = func(i int) Day { return of(i).last }
	frequency, unit := func(i int) float64 { return float64(window(i).orders) }, unitOrders
	if c.Frequency == frequencyDays {
		frequency, unit = func(i int) float64 { return float64(window(i).days) }, unitOrderDays
	}
	monetary, money := func(i int) float64 { return float64(window(i).revenue) }, "minor units of "+b.Currency
	if c.Monetary == monetaryAverage {
		money += " per order"
		monetary = func(i int) float64 {
			w := window(i)
			if w.priced == 0 {
				return float64(w.revenue)
			}
			return Round9(float64(w.revenue) / float64(w.priced))
		}
	}
	return members, last, [3]metric{
		{name: MetricRecency, unit: unitDays, n: n, at: func(i int) float64 { return float64(b.AsOf - of(i).last) }, fixed: c.RBounds, reversed: true},
		{name: MetricFrequency, unit: unit, n: n, at: frequency, fixed: c.FBounds},
		{name: MetricMonetary, unit: money, n: n, at: monetary, fixed: inMinor(c.MBounds, b.Currency), fraction: c.Monetary == monetaryAverage},
	}
}

// score gives each value its digit, with the rows that let a reader do it again
// and the number of different digits that are possible.
func (m metric) score(method string, k int, last func(int) Day, window string) ([]uint8, []schema.ThresholdRow, int) {
	if method == methodNtile {
		return m.scoreTiles(k, last, window)
	}
	bounds := m.fixed
	if method == methodQuantile {
		bounds = quantiles(m.n, k, m.at)
		for i, bound := range bounds {
			// Of whole numbers the same ones are above the rounded bound if it has the
			// same whole part. A large sum of money has more than nine digits: then the
			// bound stays as it is, for a reader must be able to score again with it.
			if rounded := Round9(bound); m.fraction || math.Floor(rounded) == math.Floor(bound) {
				bounds[i] = rounded
			}
		}
	}
	digits := make([]uint8, m.n)
	largest := math.Inf(-1)
	for i := range digits {
		v := m.at(i)
		digits[i] = m.digit(k, exceeded(bounds, v)+1)
		largest = max(largest, v)
	}
	groups := k
	if m.n > 0 {
		groups = possible(bounds, largest)
	}
	if len(bounds) == 0 {
		return digits, nil, groups // nobody, and so no thresholds
	}
	return digits, []schema.ThresholdRow{m.row(method, bounds, m.reading(k), window, groups, k)}, groups
}

func (m metric) digit(k, group int) uint8 {
	if m.reversed {
		group = k + 1 - group
	}
	return uint8(group) //nolint:gosec // G115: at most nine
}

// emptyCodes is a row for every code.
func emptyCodes(k int, p Playbook) []schema.RFMCodeRow {
	var rows []schema.RFMCodeRow
	for _, code := range codes(k) {
		rows = append(rows, schema.RFMCodeRow{Code: code, Segment: p.SegmentOf(code)})
	}
	return rows
}
