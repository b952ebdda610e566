package analytics_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/money"
)

// cdnow reads the purchases of the CDNOW data (Fader and Hardie), which are not
// part of this repository.
func cdnow(t *testing.T) []order {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "CDNOW_master.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("SKIPPED: no CDNOW_master.txt beside the repository, so nothing is checked against real purchases")
	}
	if err != nil {
		t.Fatal(err)
	}
	var orders []order
	for line := range strings.Lines(string(body)) {
		field := strings.Fields(line)
		if len(field) != 4 || field[0] == "customer_id" {
			continue
		}
		amount, err := money.Parse(field[3], "USD")
		if err != nil {
			t.Fatal(err)
		}
		o := paid(field[0], field[1][:4]+"-"+field[1][4:6]+"-"+field[1][6:], amount.Minor)
		o.Currency = "USD"
		orders = append(orders, o)
	}
	return orders
}

// simple type-7 quantile in plain floating point, as NumPy computes it.
func simpleQuantile(values []float64, q float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	h := float64(len(sorted)-1) * q
	low := int(math.Floor(h))
	if low+1 >= len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (h-float64(low))*(sorted[low+1]-sorted[low])
}

// The whole night against a second computation that shares nothing with it: maps
// by client, quantiles by sorting, cohorts by sets.
func TestCDNOW(t *testing.T) {
	orders := cdnow(t)
	o := options(t)
	o.AsOf, o.Currency = day(t, "1998-07-01"), "USD"
	b := add(t, o, dictionary, 5000, orders)
	s := score(b)
	if len(s.Clients) != 23_570 || b.Totals.Orders != 69_659 || b.Totals.RevenueMinor != 250_031_563 {
		t.Fatalf("%d clients, %d orders, %d cents; want 23 570, 69 659, 250 031 563", len(s.Clients), b.Totals.Orders, b.Totals.RevenueMinor)
	}

	type person struct {
		first, last string
		orders      int
		cents       int64
		days        map[string]bool
	}
	people := map[string]*person{}
	for _, o := range orders {
		p := people[o.Client]
		if p == nil {
			p = &person{first: o.Day, last: o.Day, days: map[string]bool{}}
			people[o.Client] = p
		}
		p.first, p.last = min(p.first, o.Day), max(p.last, o.Day)
		p.orders++
		p.cents += o.RevenueMinor
		p.days[o.Day] = true
	}
	var r, f, m []float64
	for _, p := range people {
		r = append(r, float64(o.AsOf-day(t, p.last)))
		f = append(f, float64(p.orders))
		m = append(m, float64(p.cents))
	}
	above := func(values []float64) func(float64) int {
		one, two := simpleQuantile(values, 1.0/3), simpleQuantile(values, 2.0/3)
		t.Logf("thresholds %v %v", one, two)
		return func(v float64) int {
			n := 0
			for _, bound := range []float64{one, two} {
				if v > bound+1e-6 { // its own rounding may put a bound a little below a value it equals
					n++
				}
			}
			return n
		}
	}
	aboveR, aboveF, aboveM := above(r), above(f), above(m)
	byCode := map[string]int64{}
	for i, c := range s.Clients {
		p := people[c.ClientID]
		if i > 0 && s.Clients[i-1].ClientID >= c.ClientID {
			t.Fatalf("clients are not in order at %d", i)
		}
		if c.Orders != int64(p.orders) || c.OrderDays != int64(len(p.days)) || c.RevenueMinor != p.cents ||
			c.FirstDay.String() != p.first || c.LastDay.String() != p.last || c.CohortMonth != p.first[:7] {
			t.Fatalf("client %d = %+v, want %+v", i, c, *p)
		}
		want := string([]byte{
			byte('3' - aboveR(float64(o.AsOf-day(t, p.last)))), byte('1' + aboveF(float64(p.orders))), byte('1' + aboveM(float64(p.cents))),
		})
		if c.Code != want {
			t.Fatalf("client %d has code %s, want %s", i, c.Code, want)
		}
		byCode[want]++
	}
	for _, row := range s.Codes {
		if row.Clients != byCode[row.Code] {
			t.Errorf("code %s has %d clients, want %d", row.Code, row.Clients, byCode[row.Code])
		}
	}

	checkCohorts(t, b, orders, func(client string) string { return people[client].first[:7] })

	// ABC: the best clients one by one until 80 and 95 % of the money are reached.
	slices.Sort(m)
	slices.Reverse(m)
	want, sum, total := map[string]int{}, 0.0, 250_031_563.0
	for _, v := range m {
		switch {
		case v <= 0 || sum >= 0.95*total:
			want["C"]++
		case sum >= 0.80*total:
			want["B"]++
		default:
			want["A"]++
		}
		sum += v
	}
	got := map[string]int{}
	for _, c := range s.Clients {
		got[c.ABC]++
	}
	if got["A"] != want["A"] || got["B"] != want["B"] || got["C"] != want["C"] {
		t.Errorf("classes %v, want %v", got, want)
	}
	t.Logf("classes %v, possible %v", got, s.Possible)
}

// checkCohorts counts the cohorts with sets of clients.
func checkCohorts(t *testing.T, b *analytics.Base, orders []order, cohortOf func(string) string) {
	t.Helper()
	active, cents, sizes := map[[2]string]map[string]bool{}, map[[2]string]int64{}, map[string]map[string]bool{}
	for _, o := range orders {
		cohort := cohortOf(o.Client)
		cell := [2]string{cohort, o.Day[:7]}
		if active[cell] == nil {
			active[cell] = map[string]bool{}
		}
		if sizes[cohort] == nil {
			sizes[cohort] = map[string]bool{}
		}
		active[cell][o.Client], sizes[cohort][o.Client] = true, true
		cents[cell] += o.RevenueMinor
	}
	rows := analytics.Cohorts(b, analytics.Bounded)
	if len(sizes) != 3 || len(rows) != 19+18+17 { // January to March 1997, each up to July 1998
		t.Errorf("%d cohorts, %d rows; want 3 and 54", len(sizes), len(rows))
	}
	cumulative := map[string]int64{}
	for _, row := range rows {
		month := day(t, row.CohortMonth+"-01").Month() + analytics.Month(row.Period)
		cell := [2]string{row.CohortMonth, month.String()}
		cumulative[row.CohortMonth] += cents[cell]
		if row.Active != int64(len(active[cell])) || row.Clients != int64(len(sizes[row.CohortMonth])) ||
			row.RevenueMinor != cents[cell] || row.CumulativeRevenueMinor != cumulative[row.CohortMonth] ||
			row.Complete != (month.String() != "1998-07") {
			t.Errorf("%+v, want %d of %d active, %d cents, %d so far", row, len(active[cell]), len(sizes[row.CohortMonth]), cents[cell], cumulative[row.CohortMonth])
		}
	}
}
