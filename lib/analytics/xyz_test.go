package analytics_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// monthly sells an item in consecutive months of 2026, on the 5th.
func monthly(item string, from int, minor ...int64) []order {
	var orders []order
	for i, m := range minor {
		orders = append(orders, paid("", fmt.Sprintf("2026-%02d-05", from+i), m, schema.ItemRow{SKU: item, SumMinor: m}))
	}
	return orders
}

// evenness is a row in words, to be read beside what is wanted.
func evenness(row schema.XYZRow) string {
	show := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(*v)
	}
	return fmt.Sprintf("%d mean %s sigma %s cv %s %s", row.Periods, show(row.Mean), show(row.Sigma), show(row.CV), row.Class)
}

func evennessOf(b *analytics.Base) map[string]string {
	all := map[string]string{}
	for _, row := range analytics.XYZ(b) {
		all[row.Entity+" "+row.ID] = evenness(row)
	}
	return all
}

// The worked examples of metrics.md, in roubles and kopecks: 63 and 78 by turns have
// mean 70.5 and σ 7.5, cv 7.5 / 70.5 = 0.106…; 60.30 and 67.10 have mean 63.7 and σ
// 3.4, cv 0.0533….
func TestXYZWorked(t *testing.T) {
	orders := slices.Concat(monthly("uneven", 1, 6300, 7800, 6300, 7800, 6300, 7800, 6300, 7800, 6300, 7800, 6300, 7800),
		monthly("even", 1, 6030, 6710, 6030, 6710, 6030, 6710, 6030, 6710, 6030, 6710, 6030, 6710))
	want := map[string]string{
		"item uneven": "12 mean 7050 sigma 750 cv 0.106382979 Y",
		"item even":   "12 mean 6370 sigma 340 cv 0.0533751962 X",
	}
	if diff := cmp.Diff(want, evennessOf(base(t, options(t), orders...))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// 9 and 11: mean 10, σ 1, cv exactly 0.10. 3 and 5: mean 4, σ 1, cv exactly 0.25. Of
// 9·10¹⁷ and 11·10¹⁷ a float cannot tell one kopeck more, the class can.
func TestXYZBoundsAreExact(t *testing.T) {
	const huge = 100_000_000_000_000_000
	for name, tc := range map[string]struct {
		minor []int64
		class string
	}{
		"0.10":                 {[]int64{9, 11, 9, 11, 9, 11}, "X"},
		"a little above 0.10":  {[]int64{899, 1101, 899, 1101, 899, 1101}, "Y"},
		"0.25":                 {[]int64{3, 5, 3, 5, 3, 5}, "Y"},
		"a little above 0.25":  {[]int64{299, 501, 299, 501, 299, 501}, "Z"},
		"0.10 of much":         {[]int64{9 * huge, 11 * huge, 9 * huge, 11 * huge, 9 * huge, 11 * huge}, "X"},
		"a kopeck above":       {[]int64{9 * huge, 11*huge + 1, 9 * huge, 11 * huge, 9 * huge, 11 * huge}, "Y"},
		"a kopeck nearer":      {[]int64{9*huge + 1, 11 * huge, 9 * huge, 11 * huge, 9 * huge, 11 * huge}, "X"},
		"always the same":      {[]int64{7, 7, 7, 7, 7, 7}, "X"},
		"always the same much": {[]int64{15*huge + 7, 15*huge + 7, 15*huge + 7, 15*huge + 7, 15*huge + 7, 15*huge + 7}, "X"},
	} {
		row := analytics.XYZ(base(t, options(t), monthly("i", 7, tc.minor...)...))[0]
		if row.Class != tc.class {
			t.Errorf("%s: %s, want class %s", name, evenness(row), tc.class)
		}
		if tc.minor[0] == tc.minor[1] && (*row.Sigma != 0 || *row.CV != 0) {
			t.Errorf("%s: %s, want no deviation at all", name, evenness(row))
		}
	}
}

// 600 in July, nothing until the end of the year: mean 100, σ² = (500² + 5·100²)/6 =
// 50 000, σ = 223.606798. Until December has ended there are five whole months.
func TestXYZCountsZerosOfWholePeriodsFromTheFirstSaleOn(t *testing.T) {
	for asOf, want := range map[string]string{
		"2026-12-31": "6 mean 100 sigma 223.606798 cv 2.23606798 Z",
		"2026-12-30": "5 mean 120 sigma 240 cv 2 ", // σ² = (480² + 4·120²)/5 = 57 600
		"2026-07-31": "1 mean 600 sigma 0 cv 0 ",
		"2026-07-30": "0 mean - sigma - cv - ", // nothing has ended: the row stands
	} {
		o := options(t)
		o.AsOf = day(t, asOf)
		if got := evenness(analytics.XYZ(base(t, o, monthly("i", 7, 600)...))[0]); got != want {
			t.Errorf("as of %s: %s, want %s", asOf, got, want)
		}
	}
}

// What was sold in a period that has not ended does not count.
func TestXYZLeavesTheRunningPeriodOut(t *testing.T) {
	o := options(t)
	o.AsOf = day(t, "2026-12-10")
	got := evenness(analytics.XYZ(base(t, o, monthly("i", 6, 10, 10, 10, 10, 10, 10, 900)...))[0])
	if want := "6 mean 10 sigma 0 cv 0 X"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Sold for 500 in January and 10 a month from March on. From March nothing is uneven;
// the sale of January still is the first, so a first period before it changes nothing.
func TestXYZFirstPeriod(t *testing.T) {
	orders := append(monthly("i", 1, 500), monthly("i", 3, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10)...)
	for first, want := range map[string]string{
		"":           "12 mean 50 sigma 135.70802 cv 2.7141604 Z", // σ² = (450² + 50² + 10·40²)/12
		"2026-03":    "10 mean 10 sigma 0 cv 0 X",
		"2026-03-31": "10 mean 10 sigma 0 cv 0 X",
		"2026-02-01": "11 mean 9.09090909 sigma 2.87479787 cv 0.316227766 Z", // zero, then ten times 10
		"2025-06":    "12 mean 50 sigma 135.70802 cv 2.7141604 Z",
		"2026-08":    "5 mean 10 sigma 0 cv 0 ",
		"2027-01":    "0 mean - sigma - cv - ",
	} {
		o := options(t, func(m *config.Metrics) { m.XYZ.FirstPeriod = first })
		if got := evenness(analytics.XYZ(base(t, o, orders...))[0]); got != want {
			t.Errorf("from %q: %s, want %s", first, got, want)
		}
	}
}

// Weeks run from Monday to Sunday: 2026-11-01 is a Sunday, the 2nd a Monday. Quarters
// are of the calendar.
func TestXYZPeriods(t *testing.T) {
	sale := func(day string, minor int64) order {
		return paid("", day, minor, schema.ItemRow{SKU: "i", SumMinor: minor})
	}
	weekly := func(m *config.Metrics) { m.XYZ.Period, m.XYZ.MinPeriods = "week", 2 }
	o := options(t, weekly)
	o.AsOf = day(t, "2026-11-08")
	orders := []order{sale("2026-10-26", 10), sale("2026-11-01", 20), sale("2026-11-02", 10), sale("2026-11-08", 20)}
	if got, want := evenness(analytics.XYZ(base(t, o, orders...))[0]), "2 mean 30 sigma 0 cv 0 X"; got != want {
		t.Errorf("two weeks of 30: %s, want %s", got, want)
	}
	o.AsOf = day(t, "2026-11-07")
	if got, want := evenness(analytics.XYZ(base(t, o, orders...))[0]), "1 mean 30 sigma 0 cv 0 "; got != want {
		t.Errorf("on Saturday: %s, want %s", got, want)
	}
	quarterly := options(t, func(m *config.Metrics) { m.XYZ.Period, m.XYZ.MinPeriods = "quarter", 2 })
	quarterly.AsOf = day(t, "2026-09-30")
	orders = []order{sale("2026-04-01", 10), sale("2026-06-30", 10), sale("2026-07-01", 5), sale("2026-09-30", 15)}
	if got, want := evenness(analytics.XYZ(base(t, quarterly, orders...))[0]), "2 mean 20 sigma 0 cv 0 X"; got != want {
		t.Errorf("two quarters of 20: %s, want %s", got, want)
	}
}

// Taken back as much as sold, or more: the mean is not above zero and nothing can be
// divided by it.
func TestXYZWithoutAPositiveMean(t *testing.T) {
	b := base(t, options(t), slices.Concat(monthly("even", 7, 10, -10, 10, -10, 10, -10), monthly("less", 7, -6, -6, -6, -6, -6, -6), monthly("free", 7, 0))...)
	want := map[string]string{
		"item even": "6 mean 0 sigma 10 cv - ", "item less": "6 mean -6 sigma 0 cv - ", "item free": "6 mean 0 sigma 0 cv - ",
	}
	if diff := cmp.Diff(want, evennessOf(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// 1.5 kg a month whatever it costs; a line that does not say is one piece.
func TestXYZOfQuantities(t *testing.T) {
	var orders []order
	for m := 7; m <= 12; m++ {
		orders = append(orders, paid("", fmt.Sprintf("2026-%02d-09", m), 100, schema.ItemRow{SKU: "tea", Category: "leaves", Quantity: "1.5", SumMinor: int64(m * 1000)},
			schema.ItemRow{SKU: "mug", SumMinor: int64(m)}))
	}
	want := map[string]string{
		"category leaves": "6 mean 1.5 sigma 0 cv 0 X", "item tea": "6 mean 1.5 sigma 0 cv 0 X", "item mug": "6 mean 1 sigma 0 cv 0 X",
	}
	if diff := cmp.Diff(want, evennessOf(base(t, options(t, func(m *config.Metrics) { m.XYZ.Value = "quantity" }), orders...))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// a came on the 1st, 11th, 21st and 31st: intervals 10, 10, 10. b came twice on one day:
// the visit is one, two intervals are left, no class. c has three orders and no row. d
// came after 1, 2 and 3 days: mean 2, σ² = 2/3, cv 0.408.
func TestXYZOfClientsIsTheirIntervals(t *testing.T) {
	var orders []order
	for client, days := range map[string][]string{
		"a": {"2026-10-01", "2026-10-11", "2026-10-21", "2026-10-31"},
		"b": {"2026-10-01", "2026-10-11", "2026-10-11", "2026-10-21"},
		"c": {"2026-10-01", "2026-10-11", "2026-10-21"},
		"d": {"2026-09-29", "2026-09-30", "2026-10-02", "2026-10-05"},
	} {
		for _, d := range days {
			orders = append(orders, paid(client, d, 100))
		}
	}
	b := base(t, options(t), orders...)
	want := map[string]string{
		"client a": "3 mean 10 sigma 0 cv 0 X", "client b": "2 mean 10 sigma 0 cv 0 ", "client d": "3 mean 2 sigma 0.816496581 cv 0.40824829 Z",
	}
	if diff := cmp.Diff(want, evennessOf(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range score(b).Clients {
		if want := map[string]string{"a": "X", "d": "Z"}[c.ClientID]; c.XYZ != want {
			t.Errorf("client %s has class %q, want %q", c.ClientID, c.XYZ, want)
		}
	}
}

// Every entity with both classes is in one of the nine cells, with its money.
func TestABCXYZCountsWhoHasBoth(t *testing.T) {
	s := score(add(t, options(t), plain, 200, shop(900)))
	abc := map[[2]string]schema.ABCRow{}
	for _, row := range s.ABC {
		abc[[2]string{row.Entity, row.ID}] = row
	}
	want := map[string]schema.ABCXYZRow{}
	classed := map[string]bool{}
	for _, row := range s.XYZ {
		if row.Class == "" {
			continue
		}
		of := abc[[2]string{row.Entity, row.ID}]
		cell := want[row.Entity+of.Class+row.Class]
		want[row.Entity+of.Class+row.Class] = schema.ABCXYZRow{
			Entity: row.Entity, ABC: of.Class, XYZ: row.Class, Count: cell.Count + 1, RevenueMinor: cell.RevenueMinor + of.RevenueMinor,
		}
		classed[row.Entity] = true
	}
	if len(classed) != 3 || len(s.ABCXYZ) != 27 {
		t.Fatalf("%d entities with classes in %d rows, want 3 in 27", len(classed), len(s.ABCXYZ))
	}
	for i, row := range s.ABCXYZ {
		cell := want[row.Entity+row.ABC+row.XYZ]
		if row.Count != cell.Count || row.RevenueMinor != cell.RevenueMinor {
			t.Errorf("%+v, want %d with %d", row, cell.Count, cell.RevenueMinor)
		}
		if i > 0 && s.ABCXYZ[i-1].Entity+s.ABCXYZ[i-1].ABC+s.ABCXYZ[i-1].XYZ >= row.Entity+row.ABC+row.XYZ {
			t.Errorf("row %d is not in order", i)
		}
	}
}

// A reader with nothing but xyz and thresholds gets every class.
func TestThresholdsClassEverythingAgain(t *testing.T) {
	s := score(add(t, options(t), plain, 300, shop(900)))
	bounds := map[string]schema.ThresholdRow{}
	for _, row := range s.Thresholds {
		if row.Metric == analytics.MetricXYZ {
			bounds[row.Entity] = row
		}
	}
	seen := map[string]int{}
	for _, row := range s.XYZ {
		of, class := bounds[row.Entity], ""
		if row.CV != nil && float64(row.Periods) >= *of.Bound3 {
			switch {
			case *row.CV <= *of.Bound1:
				class = "X"
			case *row.CV <= *of.Bound2:
				class = "Y"
			default:
				class = "Z"
			}
		}
		if class != row.Class {
			t.Errorf("%s %s: %s by the thresholds, %s", row.Entity, row.ID, class, evenness(row))
		}
		seen[row.Entity+class]++
	}
	if seen["clientY"] == 0 || seen["clientZ"] == 0 || seen["itemZ"] == 0 {
		t.Errorf("classes %v show too little", seen)
	}
}

// The same by maps and in floating point, of every period.
func TestXYZAgainstASecondComputation(t *testing.T) {
	orders := shop(900)
	o := options(t)
	o.Convert = rates
	for period, key := range map[string]func(time.Time) int{
		"month":   func(d time.Time) int { return d.Year()*12 + int(d.Month()) },
		"quarter": func(d time.Time) int { return d.Year()*4 + (int(d.Month())-1)/3 },
		"week":    func(d time.Time) int { return int((d.Unix()/86400 + 3) / 7) }, // 1970-01-01 was a Thursday
	} {
		o.Metrics.XYZ.Period = period
		end := key(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		sales := map[string]map[int]float64{}
		for _, order := range orders {
			at, err := time.Parse(time.DateOnly, order.Day)
			if err != nil {
				t.Fatal(err)
			}
			if !order.Purchase || order.Day > "2026-12-31" {
				continue
			}
			for _, line := range order.Lines {
				minor := map[string]float64{"RUB": 1, "USD": 90}[order.Currency] * float64(line.SumMinor)
				for _, id := range []string{"item " + line.SKU + line.Name, "category " + line.Category} {
					if sales[id] == nil {
						sales[id] = map[int]float64{}
					}
					sales[id][key(at)] += minor
				}
			}
		}
		got := analytics.XYZ(add(t, o, dictionary, 100, orders))
		checked := 0
		for _, row := range got {
			sold := sales[row.Entity+" "+row.ID]
			if sold == nil {
				continue // a client
			}
			first := math.MaxInt
			for p := range sold {
				first = min(first, p)
			}
			mean, squares, n := 0.0, 0.0, float64(end-first)
			for p := first; p < end; p++ {
				mean += sold[p] / n
			}
			for p := first; p < end; p++ {
				squares += (sold[p] - mean) * (sold[p] - mean) / n
			}
			if int(n) != int(row.Periods) || math.Abs(mean-*row.Mean) > 1e-6*mean || math.Abs(math.Sqrt(squares)-*row.Sigma) > 1e-6*mean {
				t.Errorf("%s %s by %s: %s, want %v periods, mean %v, sigma %v", row.Entity, row.ID, period, evenness(row), n, mean, math.Sqrt(squares))
			}
			checked++
		}
		if checked != 5+3 {
			t.Errorf("by %s %d goods were checked, want five items and three categories", period, checked)
		}
	}
}

func TestXYZOfNothingAndOfOneSale(t *testing.T) {
	nothing := score(base(t, options(t)))
	if len(nothing.XYZ) != 0 || len(nothing.ABCXYZ) != 0 {
		t.Errorf("nothing sold gives %d and %d rows", len(nothing.XYZ), len(nothing.ABCXYZ))
	}
	one := score(base(t, options(t), paid("a", "2026-12-31", 5, schema.ItemRow{SKU: "i", Category: "c", SumMinor: 5})))
	if len(one.XYZ) != 2 || len(one.ABCXYZ) != 0 || one.XYZ[0].Class != "" || *one.XYZ[0].Mean != 5 {
		t.Errorf("one sale gives %+v and %+v, want an item and a category without a class", one.XYZ, one.ABCXYZ)
	}
}

func TestXYZRefusesAQuantityThatIsNone(t *testing.T) {
	for text, want := range map[string]error{"two": analytics.ErrColumn, "800000000000000": analytics.ErrOverflow} {
		orders := []order{paid("a", "2026-01-01", 1, schema.ItemRow{SKU: "i", Quantity: text}, schema.ItemRow{SKU: "j", Quantity: text})}
		if _, err := sum(t, options(t, func(m *config.Metrics) { m.XYZ.Value = "quantity" }), orders); !errors.Is(err, want) {
			t.Errorf("quantity %s: error = %v, want %v", text, err, want)
		}
	}
}

// A first order of a wrong year: days 1700-01-01, 2026-01-01, -03 and -06 are 119069, 2
// and 3 days apart. n = 3, Σx = 119074 and Σx² = 14177426774, which is more than 32 bits
// hold: σ² = Σx²/3 − (Σx/3)² and so σ = 56128.4863….
func TestXYZOfASpanOfCenturies(t *testing.T) {
	b := base(t, options(t), paid("c", "1700-01-01", 1), paid("c", "2026-01-01", 1), paid("c", "2026-01-03", 1), paid("c", "2026-01-06", 1),
		paid("d", "2026-01-01", 1), paid("d", "2026-01-02", 1), paid("d", "2026-01-03", 1), paid("d", "2026-01-04", 1))
	want := map[string]string{
		"client c": "3 mean 39691.3333 sigma 56128.4864 cv 1.41412449 Z",
		"client d": "3 mean 1 sigma 0 cv 0 X",
	}
	if diff := cmp.Diff(want, evennessOf(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
