package analytics_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// of is lines of the categories' goods, "coffee/latte" or "/latte" or "coffee/".
func of(goods ...[2]string) []schema.ItemRow {
	lines := make([]schema.ItemRow, len(goods))
	for i, g := range goods {
		lines[i] = schema.ItemRow{Category: g[0], SKU: g[1], SumMinor: 100}
	}
	return lines
}

// Ten purchases name an item; the eleventh names none.
//
//	bun + latte   4   (one of them nobody's, one with two lines of latte)
//	bun + tea     1
//	latte         3
//	tea           2
//
// bun 5, latte 7, tea 3 of 10. bun+latte: support 4/10, confidence 4/5 and 4/7, lift
// (4/10)/((5/10)·(7/10)) = 4·10/(5·7) = 1.142857…. bun+tea: 1/10, 1/5, 1/3, lift
// 1·10/(5·3) = 0.666…, below 1 and shown.
//
// Categories: food with the bun, drinks with the others; 8 purchases name drinks
// and the tea of the pair has none. drinks+food: the 4 of bun+latte of 10: 4/10, 4/9,
// 4/5, 4·10/(9·5) = 0.888….
func TestBasketByHand(t *testing.T) {
	bun, latte, tea := [2]string{"food", "bun"}, [2]string{"drinks", "latte"}, [2]string{"drinks", "tea"}
	b := base(t, options(t, func(m *config.Metrics) { m.Basket.MinTickets = 1 }),
		paid("a", "2026-01-01", 200, of(bun, latte)...),
		paid("a", "2026-01-02", 300, of(latte, bun, latte)...),
		paid("b", "2026-01-02", 200, of(latte, bun)...),
		paid("", "2026-01-02", 200, of(latte, bun)...),
		paid("b", "2026-01-03", 200, of(bun, [2]string{"", "tea"})...),
		paid("b", "2026-01-04", 100, of(latte)...), paid("", "2026-01-05", 100, of(latte)...), paid("c", "2026-01-05", 100, of(latte, latte)...),
		paid("c", "2026-01-06", 100, of(tea)...), paid("d", "2026-01-07", 100, of(tea)...),
		paid("d", "2026-01-08", 100))
	rows, thresholds := analytics.Basket(b)
	want := []schema.BasketRow{
		{Level: "category", A: "drinks", B: "food", Tickets: 4, Support: 0.4, ConfidenceAB: 0.444444444, ConfidenceBA: 0.8, Lift: 0.888888889},
		{Level: "item", A: "bun", B: "latte", Tickets: 4, Support: 0.4, ConfidenceAB: 0.8, ConfidenceBA: 0.571428571, Lift: 1.14285714},
		{Level: "item", A: "bun", B: "tea", Tickets: 1, Support: 0.1, ConfidenceAB: 0.2, ConfidenceBA: 0.333333333, Lift: 0.666666667},
	}
	if diff := gocmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, entity := range []string{"category", "item"} {
		i := slices.IndexFunc(thresholds, func(row schema.ThresholdRow) bool { return row.Entity == entity })
		if row := thresholds[i]; row.Metric != "basket" || *row.Bound1 != 1 || *row.Bound2 != 10 || *row.Bound3 != 0 || *row.Bound4 != 0 {
			t.Errorf("threshold %+v, want 1 ticket of 10 purchases, nothing left out", row)
		}
	}
}

// A purchase of three different items is too large where two may be: it counts for
// no item, and still for its two categories.
func TestLargePurchasesMakeNoPairs(t *testing.T) {
	x, y, z := [2]string{"k", "x"}, [2]string{"k", "y"}, [2]string{"l", "z"}
	b := base(t, options(t, func(m *config.Metrics) { m.Basket = config.Basket{MinTickets: 1, MaxItems: 2, MaxPairs: 1} }),
		paid("a", "2026-01-01", 0, of(x, y, z)...), paid("a", "2026-01-02", 0, of(x, y)...), paid("a", "2026-01-02", 0, of(y, x)...), paid("b", "2026-01-02", 0, of(y, z)...))
	rows, thresholds := analytics.Basket(b)
	want := []schema.BasketRow{
		{Level: "category", A: "k", B: "l", Tickets: 2, Support: 0.5, ConfidenceAB: 0.5, ConfidenceBA: 1, Lift: 1},
		{Level: "item", A: "x", B: "y", Tickets: 2, Support: 0.666666667, ConfidenceAB: 1, ConfidenceBA: 0.666666667, Lift: 1},
	}
	if diff := gocmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if row := thresholds[1]; *row.Bound2 != 3 || *row.Bound3 != 1 || *row.Bound4 != 1 {
		t.Errorf("%v of %v purchases too large, %v pairs too many; want 1 beside 3, and 1", *row.Bound3, *row.Bound2, *row.Bound4)
	}
}

func TestNoPairsOfNothing(t *testing.T) {
	for name, orders := range map[string][]order{
		"nobody": nil, "no lines": {paid("a", "2026-01-01", 5)}, "one item": {paid("a", "2026-01-01", 5, of([2]string{"k", "x"})...)},
	} {
		rows, thresholds := analytics.Basket(base(t, options(t), orders...))
		if len(rows) != 0 || len(thresholds) != 2 {
			t.Errorf("%s: %v with %d thresholds, want no pairs and both thresholds", name, rows, len(thresholds))
		}
	}
}

// towns is purchases of several lines, some of a wholesaler's size.
func towns(seed uint64, n int) []order {
	random := rand.New(rand.NewPCG(seed, 3))
	const from = analytics.Day(19_723) // 2024-01-01
	orders := make([]order, n)
	for i := range orders {
		size := 1 + random.IntN(6)
		if random.IntN(20) == 0 {
			size = 5 + random.IntN(2500)
		}
		lines := make([]schema.ItemRow, size)
		for j := range lines {
			good := int(random.ExpFloat64() * 9)
			lines[j] = schema.ItemRow{SKU: fmt.Sprintf("s%02d", good), Category: fmt.Sprintf("k%d", good%4), SumMinor: 10}
			if size > 1000 {
				lines[j].SKU = fmt.Sprintf("bulk%d", j)
			}
			if good%11 == 0 {
				lines[j].Category = ""
			}
		}
		client := ""
		if random.IntN(5) > 0 {
			client = fmt.Sprintf("c%02d", random.IntN(40))
		}
		orders[i] = paid(client, (from + analytics.Day(random.IntN(1095))).String(), 100, lines...)
	}
	return orders
}

// goodsOf is the different goods of a purchase.
func goodsOf(o order, level string) []string {
	var goods []string
	for _, line := range o.Lines {
		good := line.SKU
		if level == "category" {
			good = line.Category
		}
		if good != "" {
			goods = append(goods, good)
		}
	}
	slices.Sort(goods)
	return slices.Compact(goods)
}

// The plain way: every pair of every purchase in a map.
func TestBasketAgreesWithCountingEveryPair(t *testing.T) {
	for seed := range uint64(3) {
		orders := towns(seed, 400)
		limits := config.Basket{MinTickets: 1 + int(seed)*4, MaxItems: 9, MaxPairs: 30 + 1000*int(seed%2)}
		var want []schema.BasketRow
		for _, level := range []string{"category", "item"} {
			with, pairs, n := map[string]float64{}, map[[2]string]int64{}, 0.0
			for _, o := range orders {
				goods := goodsOf(o, level)
				if len(goods) == 0 || len(goods) > limits.MaxItems {
					continue
				}
				n++
				for i, a := range goods {
					with[a]++
					for _, b := range goods[i+1:] {
						pairs[[2]string{a, b}]++
					}
				}
			}
			var rows []schema.BasketRow
			for p, count := range pairs {
				if count >= int64(limits.MinTickets) {
					x := float64(count)
					rows = append(rows, schema.BasketRow{
						Level: level, A: p[0], B: p[1], Tickets: count, Support: analytics.Round9(x / n),
						ConfidenceAB: analytics.Round9(x / with[p[0]]), ConfidenceBA: analytics.Round9(x / with[p[1]]),
						Lift: analytics.Round9(x * n / (with[p[0]] * with[p[1]])),
					})
				}
			}
			ids := func(x, y schema.BasketRow) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) }
			slices.SortFunc(rows, func(x, y schema.BasketRow) int { return cmp.Or(cmp.Compare(y.Tickets, x.Tickets), ids(x, y)) })
			rows = rows[:min(len(rows), limits.MaxPairs)]
			slices.SortFunc(rows, func(x, y schema.BasketRow) int {
				return cmp.Or(cmp.Compare(y.Lift, x.Lift), cmp.Compare(y.Tickets, x.Tickets), ids(x, y))
			})
			want = append(want, rows...)
		}
		o := options(t, func(m *config.Metrics) { m.Basket = limits })
		got, _ := analytics.Basket(add(t, o, layout(seed%2), 77, orders))
		if diff := gocmp.Diff(want, got); diff != "" || len(want) < 20 {
			t.Errorf("seed %d, %d pairs (-want +got):\n%s", seed, len(want), diff)
		}
	}
}

// At a margin of 30 %, a discount of 10 points: 0.3/0.2 − 1 = 0.5.
func TestExtraVolume(t *testing.T) {
	for _, tc := range []struct{ margin, discount, want float64 }{
		{0.30, 0.10, 0.5}, {0.30, 0, 0}, {0.5, 0.25, 1}, {1, 0.5, 1}, {0.25, 0.05, 0.25}, {0.40, 0.39, 39},
	} {
		if got, err := analytics.ExtraVolume(tc.margin, tc.discount); err != nil || got != tc.want {
			t.Errorf("ExtraVolume(%v, %v) = %v, %v, want %v", tc.margin, tc.discount, got, err, tc.want)
		}
	}
	for _, tc := range [][2]float64{{0.3, 0.3}, {0.3, 0.31}, {0.1, 1}} {
		if _, err := analytics.ExtraVolume(tc[0], tc[1]); !errors.Is(err, analytics.ErrNoVolume) {
			t.Errorf("ExtraVolume(%v) = %v, want ErrNoVolume", tc, err)
		}
	}
	for _, tc := range [][2]float64{{0, 0}, {-0.1, 0}, {1.1, 0}, {0.3, -0.1}, {math.NaN(), 0.1}, {0.3, math.NaN()}, {30, 10}} {
		if _, err := analytics.ExtraVolume(tc[0], tc[1]); err == nil || errors.Is(err, analytics.ErrNoVolume) {
			t.Errorf("ExtraVolume(%v) = %v, want a refusal of what is no share", tc, err)
		}
	}
}

// BenchmarkHabits makes the three tables of a million purchases of 200 000 clients,
// three lines each of 5000 items.
func BenchmarkHabits(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []order
	from := day(b, "2024-01-01")
	for range 1_000_000 {
		lines := make([]schema.ItemRow, 3)
		for j := range lines {
			good := min(int(random.ExpFloat64()*700), 4999)
			lines[j] = schema.ItemRow{SKU: fmt.Sprintf("sku-%d", good), Category: fmt.Sprintf("cat-%d", good%20), SumMinor: 100}
		}
		all = append(all, paid(fmt.Sprintf("client-%020d", random.IntN(200_000)), (from+analytics.Day(random.IntN(1000))).String(), 300, lines...))
	}
	base := base(b, options(b), all...)
	for name, f := range map[string]func(){
		"basket":        func() { analytics.Basket(base) },
		"replenishment": func() { analytics.Replenishment(base) },
		"seasonality":   func() { analytics.Seasonality(base) },
		"expected":      func() { analytics.ExpectedNextDays(base) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
	runtime.KeepAlive(base)
}
