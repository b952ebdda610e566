package analytics

import (
	"fmt"
	"iter"
	"strconv"

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
	for _, of := range evennessOf(b) {
		for value := range of.Values() {
			rows = append(rows, value.Row(of.Entity, of.id(value.Index)))
		}
	}
	return rows
}

// Evenness is how evenly the entities of one kind sell or come.
type Evenness struct {
	Entity string

	n       int
	id      func(int) string
	series  func(int) (spread, bool) // false for who has no row
	x, y    float64
	unit    float64 // a value of a series by the table's unit
	least   int64   // values that a class needs
	classes []byte  // by index; 0 for who has none
}

// XYZValue is a row of the xyz table: the entity by its index.
type XYZValue struct {
	Index   int
	Periods int64
	Mean    float64 // where Periods is above zero
	Sigma   float64
	CV      float64
	HasCV   bool // the mean is above zero
	Class   byte // 0: none
}

// Row is the value as a row of the table.
func (v XYZValue) Row(entity, id string) schema.XYZRow {
	row := schema.XYZRow{Entity: entity, ID: id, Periods: v.Periods, Class: v.ClassText()}
	if v.Periods > 0 {
		row.Mean, row.Sigma = &v.Mean, &v.Sigma
		if v.HasCV {
			row.CV = &v.CV
		}
	}
	return row
}

// ClassText is the class, empty for none.
func (v XYZValue) ClassText() string { return xyzText(v.Class) }

func xyzText(class byte) string {
	if class == 0 {
		return ""
	}
	return classesXYZ[class-'X' : class-'X'+1]
}

// Values yields the rows in the order of the entities.
func (e *Evenness) Values() iter.Seq[XYZValue] {
	return func(yield func(XYZValue) bool) {
		classify := newClassifier(e.x, e.y)
		for i := range e.n {
			s, ok := e.series(i)
			if ok && !yield(e.value(classify, i, s)) {
				return
			}
		}
	}
}

func (e *Evenness) value(classify *classifier, i int, s spread) XYZValue {
	value := XYZValue{Index: i, Periods: s.n}
	if s.n > 0 {
		v := classify.of(s)
		value.Mean, value.Sigma = Round9(v.mean/e.unit), Round9(v.sigma/e.unit)
		if value.HasCV = s.sum > 0; value.HasCV {
			value.CV = Round9(v.cv)
		}
		if s.n >= e.least && v.class != "" {
			value.Class = v.class[0]
		}
	}
	return value
}

// evennessOf is category, client, item.
func evennessOf(b *Base) [3]Evenness {
	all := [3]Evenness{
		goodsEvenness(b, EntityCategory, b.Categories, b.categorySeries),
		clientEvenness(b),
		goodsEvenness(b, EntityItem, b.Items, b.itemSeries),
	}
	for i := range all {
		e := &all[i]
		e.classes = make([]byte, e.n)
		classify := newClassifier(e.x, e.y)
		for at := range e.n {
			if s, ok := e.series(at); ok && s.n >= e.least && s.n > 0 {
				if class := classify.of(s).class; class != "" {
					e.classes[at] = class[0]
				}
			}
		}
	}
	return all
}

func goodsEvenness(b *Base, entity string, goods []Contribution, sold series) Evenness {
	c := b.Metrics.XYZ
	end, first := periodsEnded(c.Period, b.AsOf), int32(0)
	if day, ok := c.First(); ok {
		first = periodOf(c.Period, DayOf(day))
	}
	e := Evenness{
		Entity: entity, n: len(goods), id: func(i int) string { return goods[i].ID },
		x: c.X, y: c.Y, unit: 1, least: int64(c.MinPeriods),
	}
	if c.Value == valueQuantity {
		e.unit = piece
	}
	e.series = func(i int) (spread, bool) {
		points := sold.of(i)
		from := max(first, points[0].period)
		var s spread
		for _, p := range points {
			if p.period >= from && p.period < end {
				s.add(p.sum)
			}
		}
		s.n = int64(max(0, end-from)) // a period without a sale adds nothing to the sums
		return s, true
	}
	return e
}

// clientEvenness needs no series: the intervals of a client add up to the time between
// his first and last day, and their squares were added up as he passed by.
func clientEvenness(b *Base) Evenness {
	c := b.Metrics.XYZ
	return Evenness{
		Entity: EntityClient, n: b.Len(), id: b.ID,
		x: c.X, y: c.Y, unit: 1, least: minIntervals,
		series: func(i int) (spread, bool) {
			s := b.at(i)
			return spread{n: int64(s.days) - 1, sum: int64(s.last - s.first), squares: [3]uint64{b.squares(i)}}, s.orders >= minOrders
		},
	}
}

// cross counts the entities that have both classes.
func (e *Evenness) cross(abc *Ranking) []schema.ABCXYZRow {
	var rows []schema.ABCXYZRow
	for place, i := range abc.order {
		class := e.classes[i]
		if class == 0 {
			continue
		}
		if rows == nil {
			for _, abc := range classesABC {
				for _, xyz := range classesXYZ {
					rows = append(rows, schema.ABCXYZRow{Entity: e.Entity, ABC: string(abc), XYZ: string(xyz)})
				}
			}
		}
		row := &rows[int(abc.Class(int(i))-'A')*len(classesXYZ)+int(class-'X')]
		row.Count++
		row.RevenueMinor += abc.revenue(place)
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
