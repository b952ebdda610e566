package pipeline

import (
	"iter"
	"slices"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// clientBlock is a group of rows of what orders alone say of clients, by columns.
type clientBlock struct {
	n                         int
	id                        texts
	first, last, cohort       []uint32 // of the days and months of the calendar
	code, abc, xyz            []uint32
	orders, days, revenue     []int64
	average, recency, r, f, m []int64
	priced, scored            []bool
	dayTexts, monthTexts      []string // the calendar
	codeTexts, segments       []string // by code
	segment                   []uint32
	segmentOf                 []uint32 // by code
	from, asOf                analytics.Day
	monthOf                   []uint32 // by day
}

// newClientBlock knows the texts that many clients share.
func newClientBlock(b *analytics.Base, s *analytics.Scores) *clientBlock {
	block := &clientBlock{from: b.Earliest(), asOf: b.AsOf}
	for day := block.from; day <= b.AsOf; day++ {
		text := day.String()
		if month := text[:len("2006-01")]; len(block.monthTexts) == 0 || block.monthTexts[len(block.monthTexts)-1] != month {
			block.monthTexts = append(block.monthTexts, month)
		}
		block.dayTexts = append(block.dayTexts, text)
		block.monthOf = append(block.monthOf, uint32(len(block.monthTexts)-1)) //nolint:gosec // G115: months of a calendar
	}
	at := map[string]uint32{}
	for _, code := range s.Codes {
		block.codeTexts = append(block.codeTexts, code.Code)
		if _, ok := at[code.Segment]; !ok {
			at[code.Segment] = uint32(len(block.segments)) //nolint:gosec // G115: a playbook's segments
			block.segments = append(block.segments, code.Segment)
		}
		block.segmentOf = append(block.segmentOf, at[code.Segment])
	}
	return block
}

// clientBlocks yields the clients block by block; each is lent for one turn.
func clientBlocks(b *analytics.Base, s *analytics.Scores) iter.Seq[*clientBlock] {
	return func(yield func(*clientBlock) bool) {
		block := newClientBlock(b, s)
		for from := 0; from < b.Len(); from += groupRows {
			block.fill(b, s, from, min(from+groupRows, b.Len()))
			if !yield(block) {
				return
			}
		}
	}
}

// size makes room for so many rows in every column.
func (b *clientBlock) size(n int) {
	b.n = n
	b.id.clear(n)
	for _, column := range []*[]uint32{&b.first, &b.last, &b.cohort, &b.code, &b.segment, &b.abc, &b.xyz} {
		*column = sized(*column, n)
	}
	for _, column := range []*[]int64{&b.orders, &b.days, &b.revenue, &b.average, &b.recency, &b.r, &b.f, &b.m} {
		*column = sized(*column, n)
	}
	b.priced, b.scored = sized(b.priced, n), sized(b.scored, n)
}

// sized is a slice of n of anything, in the memory of to if that is large enough.
func sized[T any](to []T, n int) []T { return slices.Grow(to[:0], n)[:n] }

func (b *clientBlock) fill(base *analytics.Base, s *analytics.Scores, from, to int) {
	b.size(to - from)
	for row := range b.n {
		c := s.Brief(from + row)
		b.id.add(base.ID(from + row))
		b.first[row] = uint32(c.FirstDay - b.from) //nolint:gosec // G115: not before the first day
		b.last[row] = uint32(c.LastDay - b.from)   //nolint:gosec // G115: likewise
		b.cohort[row] = b.monthOf[c.FirstDay-b.from]
		b.orders[row], b.days[row], b.revenue[row] = c.Orders, c.OrderDays, c.RevenueMinor
		b.average[row], b.priced[row] = c.AverageMinor, c.AverageKnown
		b.recency[row] = int64(b.asOf - c.LastDay)
		b.r[row], b.f[row], b.m[row] = int64(c.R), int64(c.F), int64(c.M)
		b.code[row], b.segment[row], b.scored[row] = columnar.Null, columnar.Null, c.R > 0
		if c.Code >= 0 {
			b.code[row], b.segment[row] = uint32(c.Code), b.segmentOf[c.Code] //nolint:gosec // G115: a code
		}
		b.abc[row], b.xyz[row] = uint32(c.ABC-'A'), columnar.Null
		if c.XYZ != 0 {
			b.xyz[row] = uint32(c.XYZ - 'X')
		}
	}
}

func (b *clientBlock) rows() int { return b.n }

// write gives every column of schema.ClientOrdersRow.
func (b *clientBlock) write(w *columnar.Writer) error {
	g := w.Group(b.n)
	g.Text("client_id", b.id.data, b.id.ends)
	g.Codes("first_order_day", b.dayTexts, b.first)
	g.Codes("last_order_day", b.dayTexts, b.last)
	g.Ints("orders", b.orders, nil)
	g.Ints("order_days", b.days, nil)
	g.Ints("revenue_minor", b.revenue, nil)
	g.Ints("average_order_minor", b.average, b.priced)
	g.Ints("recency_days", b.recency, nil)
	g.Ints("r", b.r, b.scored)
	g.Ints("f", b.f, b.scored)
	g.Ints("m", b.m, b.scored)
	g.Codes("rfm_code", b.codeTexts, b.code)
	g.Codes("rfm_segment", b.segments, b.segment)
	g.Codes("abc", []string{"A", "B", "C"}, b.abc)
	g.Codes("xyz", []string{"X", "Y", "Z"}, b.xyz)
	g.Codes("cohort_month", b.monthTexts, b.cohort)
	return g.Close()
}
