package analytics_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares a value with its file in testdata; -update writes the file.
func golden(t *testing.T, file string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(name, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// shop is a small made-up shop: some clients buy much, some orders are nobody's, in
// another currency, returned or of the next year.
func shop(orders int) []order {
	random := rand.New(rand.NewPCG(7, 11))
	from, err := analytics.ParseDay("2025-11-20")
	if err != nil {
		panic(err)
	}
	goods := []schema.ItemRow{{SKU: "espresso", Category: "coffee"}, {SKU: "latte", Category: "coffee"}, {Name: "green tea", Category: "tea"}, {SKU: "mug", Category: "dishes"}, {SKU: "card"}}
	all := make([]order, 0, orders)
	for range orders {
		client := fmt.Sprintf("c%03d", int(random.ExpFloat64()*float64(orders)/12))
		o := paid(client, (from + analytics.Day(random.IntN(420))).String(), 0)
		for range 1 + random.IntN(3) {
			line := goods[random.IntN(len(goods))]
			line.SumMinor = int64(random.IntN(50)) * 1000
			o.Lines = append(o.Lines, line)
			o.RevenueMinor += line.SumMinor
		}
		switch random.IntN(12) {
		case 0:
			o.Client = ""
		case 1:
			o.Currency = "USD"
		case 2:
			o.Currency = "EUR"
		case 3:
			o.Purchase = false
		case 4:
			o.RevenueMinor = -700
		}
		all = append(all, o)
	}
	return all
}

// tables is everything a night takes from this package.
type tables struct {
	Totals     analytics.Totals
	Clients    []analytics.Scored
	Codes      []schema.RFMCodeRow
	Thresholds []schema.ThresholdRow
	ABC        []schema.ABCRow
	Cohorts    []schema.CohortRow
	Lifecycle  []schema.LifecycleRow
	Other      []schema.OtherRevenueRow
	XYZ        []schema.XYZRow
	ABCXYZ     []schema.ABCXYZRow
	LTV        analytics.LTV
}

func night(b *analytics.Base) tables {
	s := score(b)
	return tables{
		Totals: b.Totals, Clients: s.Clients, Codes: s.Codes, Thresholds: s.Thresholds, ABC: s.ABC,
		Cohorts: analytics.Cohorts(b, analytics.Bounded), Lifecycle: analytics.LifecycleMonths(b), Other: b.Other,
		XYZ: s.XYZ, ABCXYZ: s.ABCXYZ, LTV: s.LTV,
	}
}

func rates(minor int64, currency string) (int64, bool) { return 90 * minor, currency == "USD" }

// add hands the orders over in records of at most size rows, and checks that
// nothing is kept of them.
func add(t *testing.T, o analytics.Options, l layout, size int, orders []order) *analytics.Base {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	clients := ownersOf(orders)
	o.Clients, o.Histories = clients, true
	a, err := analytics.NewAccumulator(o)
	if err != nil {
		t.Fatal(err)
	}
	p := a.Part()
	for part := range slices.Chunk(orders, size) {
		rec := record(t, mem, l, part)
		numbers := clients.numbers(part)
		// A slice has offsets of its own in every column.
		half := rec.NumRows() / 2
		for _, of := range [][2]int64{{0, half}, {half, rec.NumRows()}} {
			slice := rec.NewSlice(of[0], of[1])
			if err := p.Add(slice, numbers[of[0]:of[1]]); err != nil {
				t.Fatal(err)
			}
			slice.Release()
		}
		rec.Release()
	}
	b, err := a.Result()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheOrderOfArrivalChangesNothing(t *testing.T) {
	orders := shop(900)
	for name, change := range map[string]func(*config.Metrics){
		"quantile":     func(*config.Metrics) {},
		"ntile":        func(m *config.Metrics) { m.RFM.Method = "ntile" },
		"days average": func(m *config.Metrics) { m.RFM.Frequency, m.RFM.Monetary, m.RFM.WindowDays = "days", "average", 200 },
	} {
		o := options(t, change)
		o.Convert = rates
		want := night(add(t, o, plain, len(orders), orders))
		shuffled := slices.Clone(orders)
		for seed := range uint64(4) {
			random := rand.New(rand.NewPCG(seed, 1))
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			got := night(add(t, o, layout(seed%2), 1+random.IntN(300), shuffled))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s, seed %d (-want +got):\n%s", name, seed, diff)
			}
		}
	}
}

// Ten times the money moves no score, class or share.
func TestScalingMoneyMovesNobody(t *testing.T) {
	orders := shop(600)
	o := options(t)
	small := night(add(t, o, plain, 100, orders))
	for i := range orders {
		orders[i].RevenueMinor *= 10
		orders[i].Lines = slices.Clone(orders[i].Lines)
		for j := range orders[i].Lines {
			orders[i].Lines[j].SumMinor *= 10
		}
	}
	large := night(add(t, o, plain, 100, orders))
	if large.Totals.RevenueMinor != 10*small.Totals.RevenueMinor {
		t.Errorf("revenue = %d, want ten times %d", large.Totals.RevenueMinor, small.Totals.RevenueMinor)
	}
	for i, c := range small.Clients {
		if got := large.Clients[i]; got.Code != c.Code || got.ABC != c.ABC || got.RevenueMinor != 10*c.RevenueMinor {
			t.Errorf("%s: %s %s %d, want %s %s and ten times %d", c.ClientID, got.Code, got.ABC, got.RevenueMinor, c.Code, c.ABC, c.RevenueMinor)
		}
	}
	for i, row := range small.XYZ {
		if got := large.XYZ[i]; got.ID != row.ID || got.Class != row.Class || !cmp.Equal(got.CV, row.CV) {
			t.Errorf("%s, want %s with ten times the money", evenness(got), evenness(row))
		}
	}
	for i, row := range small.LTV.Models {
		if got, money := large.LTV.Models[i], row.Parameter == "arpa" || strings.HasSuffix(row.Parameter, "_minor"); got.Parameter != row.Parameter ||
			!money && got.Value != row.Value || money && math.Abs(got.Value-10*row.Value) > 10 { // whole kopecks
			t.Errorf("%+v, want %+v with ten times the money", got, row)
		}
	}
	for i, row := range small.ABC {
		if got := large.ABC[i]; got.ID != row.ID || got.Share != row.Share || got.Class != row.Class {
			t.Errorf("%+v, want %+v with ten times the money", got, row)
		}
	}
}

// What is counted twice agrees: clients, codes, cohorts, categories and totals.
func TestSumsArePreserved(t *testing.T) {
	o := options(t)
	o.Convert = rates
	b := add(t, o, dictionary, 200, shop(900))
	n := night(b)
	clients, orders := n.Totals.AnonymousMinor, n.Totals.AnonymousOrders
	for _, c := range n.Clients {
		clients, orders = clients+c.RevenueMinor, orders+c.Orders
	}
	if clients != n.Totals.RevenueMinor || orders != n.Totals.Orders {
		t.Errorf("clients and nobody have %d in %d orders, all %d in %d", clients, orders, n.Totals.RevenueMinor, n.Totals.Orders)
	}
	codes, members, share := n.Totals.AnonymousMinor, int64(0), 0.0
	for _, row := range n.Codes {
		codes, members, share = codes+row.RevenueMinor, members+row.Clients, share+row.Share
	}
	if codes != n.Totals.RevenueMinor || members != int64(len(n.Clients)) || share < 0.999999 || share > 1.000001 {
		t.Errorf("codes have %d of %d clients, shares add up to %v", codes, members, share)
	}
	cohorts, sizes := n.Totals.AnonymousMinor, int64(0)
	for _, row := range n.Cohorts {
		cohorts += row.RevenueMinor
		if row.Period == 0 {
			sizes += row.Clients
			if row.Active != row.Clients {
				t.Errorf("cohort %s: %d of %d active in their first month", row.CohortMonth, row.Active, row.Clients)
			}
		}
	}
	if cohorts != n.Totals.RevenueMinor || sizes != members {
		t.Errorf("cohorts have %d of %d clients, want %d of %d", cohorts, sizes, n.Totals.RevenueMinor, members)
	}
	known := int64(0)
	for _, row := range n.Lifecycle {
		known += row.New
		if got := row.New + row.Returning + row.Resurrected + row.Dormant; got != known {
			t.Errorf("%s counts %d clients, %d had bought", row.Month, got, known)
		}
	}
}

// A reader with nothing but the clients and the thresholds gets every score.
func TestThresholdsScoreEverybodyAgain(t *testing.T) {
	b := add(t, options(t), plain, 300, shop(900))
	s := score(b)
	above := func(metric string, v int64) int {
		bounds, _ := threshold(t, s.Thresholds, metric, "quantile")
		n := 0
		for _, bound := range bounds {
			if float64(v) > bound {
				n++
			}
		}
		return n
	}
	for _, c := range s.Clients {
		r, f, m := 3-above(analytics.MetricRecency, c.RecencyDays), 1+above(analytics.MetricFrequency, c.Orders), 1+above(analytics.MetricMonetary, c.RevenueMinor)
		if r != c.R || f != c.F || m != c.M || c.Segment != analytics.SegmentOf(c.Code) {
			t.Errorf("%s: %d%d%d by the thresholds, scored %s %s", c.ClientID, r, f, m, c.Code, c.Segment)
		}
	}
}

func TestGolden(t *testing.T) {
	o := options(t)
	o.Convert = rates
	golden(t, "night.golden.json", night(add(t, o, dictionary, 50, shop(150))))
}

// BenchmarkAdd reads a million orders of 100 000 clients, in records as the lake
// gives them.
func BenchmarkAdd(b *testing.B) {
	const clients, perRecord, records = 100_000, 1 << 16, 16
	random := rand.New(rand.NewPCG(1, 2))
	from := day(b, "2024-01-01")
	orders := make([]order, perRecord)
	for i := range orders {
		orders[i] = paid(fmt.Sprintf("client-%020d", random.IntN(clients)), (from + analytics.Day(random.IntN(1000))).String(), int64(random.IntN(1_000_000)),
			schema.ItemRow{SKU: fmt.Sprintf("sku-%d", random.IntN(5000)), Category: fmt.Sprintf("cat-%d", random.IntN(20)), SumMinor: 100})
	}
	rec := record(b, memory.DefaultAllocator, dictionary, orders)
	defer rec.Release()
	o := options(b)
	of := ownersOf(orders)
	o.Clients = of
	numbers := of.numbers(orders)
	b.ReportAllocs()
	for b.Loop() {
		a, err := analytics.NewAccumulator(o)
		if err != nil {
			b.Fatal(err)
		}
		part := a.Part()
		for range records {
			if err := part.Add(rec, numbers); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := a.Result(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/perRecord/records, "ns/order")
}

// BenchmarkScore scores 200 000 clients.
func BenchmarkScore(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	from := day(b, "2024-01-01")
	orders := make([]order, 600_000)
	for i := range orders {
		orders[i] = paid(fmt.Sprintf("client-%020d", random.IntN(200_000)), (from + analytics.Day(random.IntN(1000))).String(), int64(random.IntN(1_000_000)))
	}
	base := base(b, options(b), orders...)
	b.ReportAllocs()
	for b.Loop() {
		analytics.Score(base)
		analytics.Cohorts(base, analytics.Bounded)
		analytics.LifecycleMonths(base)
	}
}
