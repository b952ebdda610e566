package analytics

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// MetricXYZ is the thresholds' metric of how evenly something sells. bound_1 and
// bound_2 are the largest coefficients of variation of X and of Y, bound_3 is how many
// values a series needs for a class. The rule is the period of goods, or intervals for
// clients.
const MetricXYZ = "xyz"

// RuleIntervals is the rule of clients in the thresholds of XYZ.
const RuleIntervals = "intervals"

const (
	classesABC   = "ABC"
	classesXYZ   = "XYZ"
	minOrders    = 4             // clients with fewer have no row
	minIntervals = minOrders - 1 // clients whose orders fell on fewer days have no class
)

// XYZ classes goods by how evenly they sell and clients by how evenly they come
// (metrics.md, "XYZ"), ordered by (entity, id).
//
// The series of an item or category is its revenue (or pieces) by period, from the
// period of its first sale, but not before xyz.first_period, to the last period that
// has ended at the end of the as-of day; a period without a sale is 0. Lines of a
// currency without a rate are sales of unknown money and count as 0 of it. Orders
// without a client count. Everything that was ever sold has a row; one with fewer than
// xyz.min_periods values, or a mean not above zero, has no class.
//
// The series of a client is the days between consecutive days with a purchase:
// purchases of one day are one visit, so no interval is 0, and the time since the last
// purchase is none. Clients with at least four orders have a row; those whose orders
// fell on fewer than four days have no class. The periods of goods do not bear on them.
func XYZ(b *Base) []schema.XYZRow {
	var rows []schema.XYZRow
	for _, of := range xyzOf(b) {
		rows = append(rows, of.rows...)
	}
	return rows
}

// xyzRows are the rows of an entity, each with the index of what it is about.
type xyzRows struct {
	entity string
	rows   []schema.XYZRow
	of     []int
	values []float64 // what the rows point to

	classify *classifier
	unit     float64 // a value of a series by the table's unit
	least    int     // values that a class needs
}

func newXYZRows(entity string, n, least int, c config.XYZ) xyzRows {
	return xyzRows{
		entity: entity, rows: make([]schema.XYZRow, 0, n), of: make([]int, 0, n), values: make([]float64, 0, 3*n),
		classify: newClassifier(c.X, c.Y), unit: 1, least: least,
	}
}

// add makes the row of the entity of an index.
func (x *xyzRows) add(index int, id string, s spread) {
	row := schema.XYZRow{Entity: x.entity, ID: id, Periods: s.n}
	if s.n > 0 {
		v := x.classify.of(s)
		row.Mean, row.Sigma = x.keep(v.mean/x.unit), x.keep(v.sigma/x.unit)
		if s.sum > 0 {
			row.CV = x.keep(v.cv)
		}
		if s.n >= int64(x.least) {
			row.Class = v.class
		}
	}
	x.rows, x.of = append(x.rows, row), append(x.of, index)
}

func (x *xyzRows) keep(value float64) *float64 {
	x.values = append(x.values, Round9(value)) // within its capacity: the rows point into it
	return &x.values[len(x.values)-1]
}

// xyzOf is category, client, item.
func xyzOf(b *Base) [3]xyzRows {
	return [3]xyzRows{
		goodsXYZ(b, EntityCategory, b.Categories, b.categorySeries),
		clientXYZ(b),
		goodsXYZ(b, EntityItem, b.Items, b.itemSeries),
	}
}

func goodsXYZ(b *Base, entity string, goods []Contribution, sold series) xyzRows {
	c := b.Metrics.XYZ
	end, first := periodsEnded(c.Period, b.AsOf), int32(0)
	if day, ok := c.First(); ok {
		first = periodOf(c.Period, DayOf(day))
	}
	out := newXYZRows(entity, len(goods), c.MinPeriods, c)
	if c.Value == valueQuantity {
		out.unit = piece
	}
	for i, of := range goods {
		points := sold.of(i)
		from := max(first, points[0].period)
		var s spread
		for _, p := range points {
			if p.period >= from && p.period < end {
				s.add(p.sum)
			}
		}
		s.n = int64(max(0, end-from)) // a period without a sale adds nothing to the sums
		out.add(i, of.ID, s)
	}
	return out
}

func clientXYZ(b *Base) xyzRows {
	several := 0
	for i := range b.Clients {
		if b.Clients[i].Orders >= minOrders {
			several++
		}
	}
	out := newXYZRows(EntityClient, several, minIntervals, b.Metrics.XYZ)
	if several == 0 {
		return out
	}
	begins, first := b.monthBegins()
	for i := range b.Clients {
		client := &b.Clients[i]
		if client.Orders < minOrders {
			continue
		}
		var s spread
		last := client.FirstDay
		for _, m := range b.History(*client) {
			begin := begins[m.Month-first]
			for days := m.Days; days != 0; days &= days - 1 {
				day := begin + Day(bits.TrailingZeros32(days)) //nolint:gosec // G115: below 32
				if day != last {
					s.add(int64(day - last))
				}
				last = day
			}
		}
		out.add(i, client.ID, s)
	}
	return out
}

// classes is the class of everybody of n by index; empty for who has none.
func (x *xyzRows) classes(n int) []string {
	all := make([]string, n)
	for i, row := range x.rows {
		all[x.of[i]] = row.Class
	}
	return all
}

// cross counts the entities that have both classes; classes are of ABC and
// contributions the revenue, both by index.
func (x *xyzRows) cross(classes []string, contributions []Contribution) []schema.ABCXYZRow {
	var rows []schema.ABCXYZRow
	for i, of := range x.rows {
		if of.Class == "" {
			continue
		}
		if rows == nil {
			for _, abc := range classesABC {
				for _, xyz := range classesXYZ {
					rows = append(rows, schema.ABCXYZRow{Entity: x.entity, ABC: string(abc), XYZ: string(xyz)})
				}
			}
		}
		abc, xyz := strings.Index(classesABC, classes[x.of[i]]), strings.Index(classesXYZ, of.Class)
		row := &rows[abc*len(classesXYZ)+xyz]
		row.Count++
		row.RevenueMinor += contributions[x.of[i]].RevenueMinor
	}
	return rows
}

// xyzThreshold is the row of an entity's classes.
func xyzThreshold(entity string, c config.XYZ) schema.ThresholdRow {
	row := schema.ThresholdRow{Metric: MetricXYZ, Entity: entity, Rule: c.Period}
	least, what := c.MinPeriods, c.Value+" by "+c.Period+" from the first sale on, whole periods"
	switch {
	case entity == EntityClient:
		row.Rule, least = RuleIntervals, minIntervals
		what = "days between days with a purchase, clients with " + strconv.Itoa(minOrders) + " orders or more"
	case c.FirstPeriod != "":
		what += ", none before " + c.FirstPeriod
	}
	setBounds(&row, []float64{c.X, c.Y, float64(least)})
	row.Note = "sigma by mean of " + what + "; X up to bound_1, Y up to bound_2, else Z; no class below bound_3 values"
	return row
}

// checkXYZ refuses what config.Parse would not have let through.
func checkXYZ(c config.XYZ) error {
	_, dated := c.First()
	switch {
	case c.Period != periodMonth && c.Period != periodWeek && c.Period != periodQuarter:
		return fmt.Errorf("%w: xyz.period is %q, want month, week or quarter", ErrConfig, c.Period)
	case c.Value != valueRevenue && c.Value != valueQuantity:
		return fmt.Errorf("%w: xyz.value is %q, want revenue or quantity", ErrConfig, c.Value)
	case !dated && c.FirstPeriod != "":
		return fmt.Errorf("%w: xyz.first_period is no month and no day", ErrConfig)
	case !(c.X >= 0 && c.X < c.Y && c.Y <= 100): // this way round NaN is refused too
		return fmt.Errorf("%w: xyz wants 0 ≤ x < y ≤ 100, has %v and %v", ErrConfig, c.X, c.Y)
	case c.MinPeriods < 1:
		return fmt.Errorf("%w: xyz.min_periods is %d", ErrConfig, c.MinPeriods)
	}
	return nil
}

// monthBegins is the first day of every month from the first purchase of a client to
// the as-of day.
func (b *Base) monthBegins() ([]Day, Month) {
	first, end := b.months()
	begins := make([]Day, end-first+1)
	for i := range begins {
		begins[i] = (first + Month(i)).First()
	}
	return begins, first
}
