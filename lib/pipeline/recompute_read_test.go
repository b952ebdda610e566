package pipeline_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// readNight is the tables of a night and the folded orders, and nothing else: no
// configuration, no package that made them.
type readNight struct {
	asOf          int // days of Unix time
	clients       []schema.ClientRow
	codes         []schema.RFMCodeRow
	thresholds    []schema.ThresholdRow
	abc           []schema.ABCRow
	xyz           []schema.XYZRow
	models        []schema.ModelRow
	scores        []schema.ScoreRow
	replenishment []schema.ReplenishmentRow
	recency       []schema.RecencyRow
	concentration []schema.ConcentrationRow
	orders        []schema.OrderRow

	bought map[string][]priced    // purchases, where they were added up before
	worked map[[8]float64]float64 // expected purchases by parameters, history and weeks
}

func (w *world) readNight() *readNight {
	w.Helper()
	run, err := lake.Current(w.Context(), w.store)
	if err != nil {
		w.Fatal(err)
	}
	n := &readNight{
		worked: map[[8]float64]float64{},
		asOf:   daysOf(run.AsOf), clients: rows[schema.ClientRow](w), codes: rows[schema.RFMCodeRow](w), thresholds: rows[schema.ThresholdRow](w),
		abc: rows[schema.ABCRow](w), xyz: rows[schema.XYZRow](w), models: rows[schema.ModelRow](w), scores: rows[schema.ScoreRow](w),
		replenishment: rows[schema.ReplenishmentRow](w), recency: rows[schema.RecencyRow](w), concentration: rows[schema.ConcentrationRow](w),
	}
	for bucket := range 64 {
		n.orders = append(n.orders, table[schema.OrderRow](w, fmt.Sprintf("%s%02d/part-0000.parquet", lake.OrdersPrefix, bucket))...)
	}
	return n
}

func daysOf(day string) int {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return int(t.Unix() / 86400)
}

// nine rounds to nine significant digits.
func nine(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 8, 64), 64)
	if err != nil {
		panic(err)
	}
	return y
}

// bounds of a threshold; nil where there is no such row.
func (n *readNight) bounds(metric, entity, rule string) []float64 {
	for _, row := range n.thresholds {
		if row.Metric == metric && row.Entity == entity && (rule == "" || row.Rule == rule) {
			bounds := []float64{}
			for _, b := range []*float64{row.Bound1, row.Bound2, row.Bound3, row.Bound4, row.Bound5, row.Bound6, row.Bound7, row.Bound8, row.Bound9} {
				if b != nil {
					bounds = append(bounds, *b)
				}
			}
			return bounds
		}
	}
	return nil
}

// bound is one number of a threshold, counted from 1; NaN where it is missing, with
// which every comparison fails.
func (n *readNight) bound(metric, entity, rule string, i int) float64 {
	if bounds := n.bounds(metric, entity, rule); len(bounds) >= i {
		return bounds[i-1]
	}
	return math.NaN()
}

func (n *readNight) ruleOf(metric, entity string) (rule, note string) {
	for _, row := range n.thresholds {
		if row.Metric == metric && row.Entity == entity {
			return row.Rule, row.Note
		}
	}
	return "", ""
}

func (n *readNight) parameters(model string) map[string]float64 {
	all := map[string]float64{}
	for _, row := range n.models {
		if row.Model == model {
			all[row.Parameter] = row.Value
		}
	}
	return all
}

// priced is a purchase of a client, in minor units of the business.
type priced struct {
	day   int
	minor int64
	known bool
	lines []schema.ItemRow
}

// purchases is every client's, by day; by the ids and aliases that orders name.
func (n *readNight) purchases() map[string][]priced {
	of := map[string]string{}
	for _, c := range n.clients {
		for _, token := range append([]string{c.ClientID}, c.Aliases...) {
			of[token] = c.ClientID
		}
	}
	rates := map[string]*big.Rat{"RUB": big.NewRat(1, 1)}
	for _, row := range n.thresholds {
		if row.Metric == "rate" {
			rates[row.Rule], _ = new(big.Rat).SetString(strconv.FormatFloat(*row.Bound1, 'f', -1, 64))
		}
	}
	skip := n.bound("purchase", "order", "skip_zero_orders", 1) == 1
	all := map[string][]priced{}
	for _, o := range n.orders {
		if !o.Purchase || daysOf(o.Day) > n.asOf || skip && o.RevenueMinor == 0 || of[o.Token] == "" {
			continue
		}
		b := priced{day: daysOf(o.Day), lines: o.Lines}
		if rate := rates[o.Currency]; rate != nil {
			b.known = true
			exact := new(big.Rat).Mul(big.NewRat(o.RevenueMinor, 1), rate)
			b.minor = half(exact)
		}
		all[of[o.Token]] = append(all[of[o.Token]], b)
	}
	for id := range all {
		slices.SortStableFunc(all[id], func(x, y priced) int { return x.day - y.day })
	}
	return all
}

// half rounds half away from zero.
func half(x *big.Rat) int64 {
	whole, err := strconv.ParseInt(x.FloatString(0), 10, 64)
	if err != nil {
		panic(err)
	}
	return whole
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// differences are what was found, each said once by its column.
type differences struct {
	said    []string
	columns map[string]int
}

func (d *differences) check(id, column string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		d.wrong(id, column, g, w)
	}
}

// near allows for the last digits of a float, which a table has nine of.
func (d *differences) near(id, column string, got, want float64) {
	if !(math.Abs(got-want) <= 1e-7*math.Max(1e-12, math.Abs(want))) { // this way round NaN is a difference
		d.wrong(id, column, fmt.Sprint(got), fmt.Sprint(want))
	}
}

func (d *differences) wrong(id, column, got, want string) {
	if d.columns == nil {
		d.columns = map[string]int{}
	}
	if d.columns[column]++; d.columns[column] <= 3 {
		d.said = append(d.said, fmt.Sprintf("%s of %s: %s in the table, %s by hand", column, id, got, want))
	}
}

func (d *differences) String() string { return strings.Join(d.said, "\n") }
