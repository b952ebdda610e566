package analytics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// The worked examples of metrics.md, horizon off: 50 · 0.9 / 0.10 = 450;
// 2000 · 0.6 / 0.005 = 240 000; 25 · 0.95 / 0.08 = 296.875. With 60 months the second
// lives 60 and not 200 of them: 2000 · 0.6 · 60 = 72 000.
func TestLifetimeWorked(t *testing.T) {
	for _, tc := range []struct {
		arpa, margin, churn float64
		horizon             int
		want                analytics.Worth
	}{
		{50, 0.9, 0.10, 0, analytics.Worth{Value: 450, Months: 10}},
		{2000, 0.6, 0.005, 0, analytics.Worth{Value: 240_000, Months: 200}},
		{25, 0.95, 0.08, 0, analytics.Worth{Value: 296.875, Months: 12.5}},
		{50, 0.9, 0.10, 60, analytics.Worth{Value: 450, Months: 10}},
		{2000, 0.6, 0.005, 60, analytics.Worth{Value: 72_000, Months: 60, HorizonBinds: true}},
		{50, 0.9, 0.10, 10, analytics.Worth{Value: 450, Months: 10}}, // as long as the horizon is not longer
		{100, 1, 0, 60, analytics.Worth{Value: 6000, Months: 60, HorizonBinds: true}},
		{100, 1, 1, 60, analytics.Worth{Value: 100, Months: 1}},
		{-100, 0.5, 0.1, 60, analytics.Worth{Value: -500, Months: 10}},
		{0, 1, 0.1, 60, analytics.Worth{Value: 0, Months: 10}},
	} {
		got, ok := analytics.Lifetime(tc.arpa, tc.margin, tc.churn, tc.horizon)
		if !ok || got != tc.want {
			t.Errorf("Lifetime(%v, %v, %v, %d) = %+v, %v, want %+v", tc.arpa, tc.margin, tc.churn, tc.horizon, got, ok, tc.want)
		}
	}
	if got, ok := analytics.Lifetime(100, 1, 0, 0); ok {
		t.Errorf("nobody leaves and there is no horizon: %+v, want no value", got)
	}
}

// 1 − 0.5^(30.4375/90) = 0.20896932002…, 1 − (1/3)^(30.4375/90) = 0.31033173508…, by
// decimal arithmetic of 40 digits. A millionth in 90 days: 30.4375/90 of it and
// 1.2·10⁻⁷ more of that, which the plain formula loses.
func TestMonthlyChurn(t *testing.T) {
	for _, tc := range []struct {
		churned, of int64
		days        int
		want        float64
	}{
		{1, 2, 90, 0.208969320},
		{2, 3, 90, 0.310331735},
		{0, 5, 90, 0},
		{5, 5, 90, 1},
		{1, 1_000_000, 90, 3.38194556e-7},
		{1, 4, 1, 0.999842537}, // 1 − 0.75^30.4375
	} {
		if got := analytics.MonthlyChurn(tc.churned, tc.of, tc.days); got != tc.want {
			t.Errorf("%d of %d in %d days = %v a month, want %v", tc.churned, tc.of, tc.days, got, tc.want)
		}
	}
}

// parameters are the rows of a model by name.
func parameters(rows []schema.ModelRow) map[string]float64 {
	all := map[string]float64{}
	for _, row := range rows {
		all[row.Parameter] = row.Value
	}
	return all
}

func months(rows []schema.LTVRow) []string {
	var all []string
	for _, row := range rows {
		text := fmt.Sprintf("%s active %d revenue %d", row.Month, row.Active, row.RevenueMinor)
		if row.ARPAMinor != nil {
			text += fmt.Sprintf(" arpa %d", *row.ARPAMinor)
		}
		if row.ChurnedShare != nil {
			text += fmt.Sprintf(" churned %v monthly %v", *row.ChurnedShare, *row.MonthlyChurn)
		}
		if row.Closed {
			text += " closed"
		}
		all = append(all, text)
	}
	return all
}

func halfAYear(t *testing.T, asOf string, change ...func(*config.Metrics)) *analytics.Base {
	t.Helper()
	o := options(t, change...)
	o.AsOf = day(t, asOf)
	return base(t, o,
		paid("a", "2026-01-10", 100), paid("a", "2026-02-01", 30), paid("a", "2026-06-01", 40),
		paid("b", "2026-01-31", 50), paid("", "2026-01-20", 999))
}

// As of 30 June the months up to April are closed: 1 April + 90 days is 30 June, 1 May
// + 90 days is 30 July.
//
//	start   bought in the 90 days before it   bought in the 90 days from it   churned
//	1 Jan   nobody                                                            –
//	1 Feb   a (10 Jan), b (31 Jan)            a (1 Feb, the day itself)       1 of 2
//	1 Mar   a, b                              nobody (a on 1 June, after 29 May) 2 of 2
//	1 Apr   a (1 Feb), b                      a (1 June, before 30 June)      1 of 2
//
// c = 4/6 over the window, 1 − (1/3)^(30.4375/90) = 0.310331735 a month, 1/0.310331735
// = 3.22235816 months. ARPA = (150 + 30) / (2 + 1) = 60. 60 · 3.22235816 = 193.34.
func TestLTVByHand(t *testing.T) {
	got := analytics.LifetimeValues(halfAYear(t, "2026-06-30"))
	want := []string{
		"2026-01 active 2 revenue 150 arpa 75 closed",
		"2026-02 active 1 revenue 30 arpa 30 churned 0.5 monthly 0.20896932 closed",
		"2026-03 active 0 revenue 0 churned 1 monthly 1 closed",
		"2026-04 active 0 revenue 0 churned 0.5 monthly 0.20896932 closed",
		"2026-05 active 0 revenue 0",
		"2026-06 active 1 revenue 40 arpa 40",
	}
	if diff := cmp.Diff(want, months(got.Months)); diff != "" {
		t.Errorf("months (-want +got):\n%s", diff)
	}
	model := map[string]float64{
		"window_months": 4, "window_from": 202601, "window_to": 202604,
		"revenue_minor": 180, "active": 3, "arpa": 60, "active_at_start": 6, "churned": 4, "churn": 0.310331735,
		"lifetime_months": 3.22235816, "horizon_binds": 0, "ltv_minor": 193,
	}
	if diff := cmp.Diff(model, parameters(got.Models)); diff != "" {
		t.Errorf("model (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Threshold.Note, "over the 4 closed months 2026-01 to 2026-04") || strings.Contains(got.Threshold.Note, "binds") {
		t.Errorf("note = %q, want the window and no horizon", got.Threshold.Note)
	}
	half := parameters(analytics.LifetimeValues(halfAYear(t, "2026-06-30", func(m *config.Metrics) { m.Margin, m.LTVHorizon = 0.5, 2 })).Models)
	if half["ltv_minor"] != 60 || half["lifetime_months"] != 2 || half["horizon_binds"] != 1 { // 60 · 0.5 · 2
		t.Errorf("half the margin for two months: %v, want 60", half)
	}
}

// April is closed once the 90 days from its first have ended, 30 June not included.
func TestAMonthIsClosedWhenItsWindowHasEnded(t *testing.T) {
	for asOf, want := range map[string]float64{"2026-06-28": 3, "2026-06-29": 4, "2026-07-29": 5, "2026-07-28": 4} {
		if got := parameters(analytics.LifetimeValues(halfAYear(t, asOf)).Models)["window_months"]; got != want {
			t.Errorf("as of %s: %v closed months, want %v", asOf, got, want)
		}
	}
	// A week from 1 June has ended on the 7th, June has not: its revenue is no month's.
	week := func(m *config.Metrics) { m.ChurnDays = 7 }
	for asOf, want := range map[string]float64{"2026-06-29": 202605, "2026-06-30": 202606} {
		if got := parameters(analytics.LifetimeValues(halfAYear(t, asOf, week)).Models)["window_to"]; got != want {
			t.Errorf("churn in a week, as of %s: the window ends with %v, want %v", asOf, got, want)
		}
	}
}

// 1 April is 90 days after 1 January and 91 after 31 December; 90 days from it end with
// 29 June.
func TestChurnByTheDay(t *testing.T) {
	for name, tc := range map[string]struct {
		days []string
		want string
	}{
		"the day before the start, 90 days before": {[]string{"2026-01-01"}, "1"},
		"91 days before is not active":             {[]string{"2025-12-31"}, "-"},
		"the day before":                           {[]string{"2026-03-31"}, "1"},
		"the day itself is not before":             {[]string{"2026-04-01"}, "-"},
		"but stays":                                {[]string{"2026-03-31", "2026-04-01"}, "0"},
		"the last day of the window":               {[]string{"2026-03-31", "2026-06-29"}, "0"},
		"the day after it":                         {[]string{"2026-03-31", "2026-06-30"}, "1"},
		"twice in the month before":                {[]string{"2026-03-02", "2026-03-30"}, "1"},
		"twice in the month itself":                {[]string{"2026-03-02", "2026-04-03", "2026-04-20"}, "0"},
	} {
		orders := []order{paid("z", "2025-11-01", 1)} // so that there are months
		for _, d := range tc.days {
			orders = append(orders, paid("a", d, 100))
		}
		for _, row := range analytics.LifetimeValues(base(t, options(t), orders...)).Months {
			if row.Month != "2026-04" {
				continue
			}
			got := "-"
			if row.ChurnedShare != nil {
				got = fmt.Sprint(*row.ChurnedShare)
			}
			if got != tc.want {
				t.Errorf("%s: churned %s, want %s", name, got, tc.want)
			}
		}
	}
}

// A client buys for 10 a month, for 1000 before the last twelve closed months: November
// 2025 to October 2026, as of the end of the year. Nobody churns, so the horizon binds.
func TestLTVLooksAtTwelveClosedMonths(t *testing.T) {
	var orders []order
	for m := range 24 {
		minor := int64(10)
		if m < 10 {
			minor = 1000
		}
		orders = append(orders, paid("a", time.Date(2025, time.Month(1+m), 15, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), minor))
	}
	got := analytics.LifetimeValues(base(t, options(t), orders...))
	model := parameters(got.Models)
	if model["window_from"] != 202511 || model["window_to"] != 202610 || model["arpa"] != 10 || model["churn"] != 0 || model["horizon_binds"] != 1 || model["ltv_minor"] != 600 {
		t.Errorf("model = %v, want 10 · 60 over 2025-11 to 2026-10", model)
	}
	if !strings.HasSuffix(got.Threshold.Note, "; the horizon binds") {
		t.Errorf("note = %q, want it to say that the horizon binds", got.Threshold.Note)
	}
	endless := parameters(analytics.LifetimeValues(base(t, options(t, func(m *config.Metrics) { m.LTVHorizon = 0 }), orders...)).Models)
	if _, ok := endless["ltv_minor"]; ok || len(endless) == 0 {
		t.Errorf("without a horizon: %v, want no value", endless)
	}
	if churned, refused := endless["refused:churned"]; !refused || churned != 0 {
		t.Errorf("without a horizon: %v, want the refusal for nobody who churned", endless)
	}
}

func TestLTVOfNobodyAndOneClient(t *testing.T) {
	nobody := analytics.LifetimeValues(base(t, options(t), paid("", "2026-01-01", 100)))
	if len(nobody.Months) != 0 || len(nobody.Models) != 0 {
		t.Errorf("nobody gives %d months and %v", len(nobody.Months), nobody.Models)
	}
	fresh := analytics.LifetimeValues(base(t, options(t), paid("a", "2026-12-01", 100)))
	if diff := cmp.Diff(map[string]float64{"refused:closed_months": 0}, parameters(fresh.Models)); diff != "" || len(fresh.Months) != 1 {
		t.Errorf("a client of this month (-want +got):\n%s", diff)
	}
	first := parameters(analytics.LifetimeValues(base(t, options(t), paid("a", "2026-10-15", 100))).Models)
	if _, refused := first["refused:active_at_start"]; !refused || first["arpa"] != 100 {
		t.Errorf("one closed month: %v, want ARPA 100 and a refusal, for nobody was active at its start", first)
	}
	silent := parameters(analytics.LifetimeValues(base(t, options(t), paid("a", "2024-09-15", 100))).Models)
	if _, refused := silent["refused:active"]; !refused {
		t.Errorf("nobody bought for two years: %v, want a refusal", silent)
	}
	// Bought in August, gone by September, still so in October: 2 of 2, a life of one month.
	one := parameters(analytics.LifetimeValues(base(t, options(t), paid("a", "2026-08-15", 100))).Models)
	if one["churn"] != 1 || one["lifetime_months"] != 1 || one["ltv_minor"] != 100 {
		t.Errorf("one client: %v, want a life of one month and 100", one)
	}
}

// A reader of the table models gets the value again.
func TestTheModelExplainsItself(t *testing.T) {
	o := options(t)
	m := parameters(analytics.LifetimeValues(add(t, o, plain, 300, shop(900))).Models)
	churn := 1 - math.Pow(1-m["churned"]/m["active_at_start"], 30.4375/90)
	if math.Abs(m["arpa"]-m["revenue_minor"]/m["active"]) > 1e-4 || math.Abs(m["churn"]-churn) > 1e-8 ||
		math.Abs(m["lifetime_months"]-1/m["churn"]) > 1e-6 || math.Abs(m["ltv_minor"]-m["arpa"]*m["lifetime_months"]) > 0.51 || m["churn"] == 0 {
		t.Errorf("model = %v, churn %v by hand", m, churn)
	}
}

// naive looks at every client, month and day.
func naive(orders []order, from, to, asOf time.Time, churnDays int) []string {
	type client struct {
		days  [1000]bool // from 200 days before the first month on
		minor map[string]int64
	}
	zero := from.AddDate(0, 0, -200)
	since := func(t time.Time) int { return int(t.Sub(zero) / (24 * time.Hour)) }
	bought := map[string]*client{}
	for _, o := range orders {
		if !o.Purchase || o.Client == "" || o.Day > asOf.Format(time.DateOnly) {
			continue
		}
		c := bought[o.Client]
		if c == nil {
			c = &client{minor: map[string]int64{}}
			bought[o.Client] = c
		}
		on, err := time.Parse(time.DateOnly, o.Day)
		if err != nil {
			panic(err)
		}
		c.days[since(on)] = true
		c.minor[o.Day[:7]] += map[string]int64{"RUB": 1, "USD": 90}[o.Currency] * o.RevenueMinor
	}
	var rows []schema.LTVRow
	for s := from; !s.After(to); s = s.AddDate(0, 1, 0) {
		row := schema.LTVRow{Month: s.Format("2006-01")}
		atStart, churned := int64(0), int64(0)
		for _, c := range bought {
			if minor, buys := c.minor[row.Month]; buys {
				row.Active++
				row.RevenueMinor += minor
			}
			if slices.Contains(c.days[since(s)-churnDays:since(s)], true) {
				atStart++
				if !slices.Contains(c.days[since(s):since(s)+churnDays], true) {
					churned++
				}
			}
		}
		row.Closed = !s.AddDate(0, 0, churnDays).After(asOf.AddDate(0, 0, 1)) && !s.AddDate(0, 1, 0).After(asOf.AddDate(0, 0, 1))
		if row.Active > 0 {
			arpa := int64(math.Round(float64(row.RevenueMinor) / float64(row.Active)))
			row.ARPAMinor = &arpa
		}
		if row.Closed && atStart > 0 {
			share := analytics.Round9(float64(churned) / float64(atStart))
			monthly := analytics.MonthlyChurn(churned, atStart, churnDays)
			row.ChurnedShare, row.MonthlyChurn = &share, &monthly
		}
		rows = append(rows, row)
	}
	return months(rows)
}

func TestLTVAgainstASecondComputation(t *testing.T) {
	orders := shop(900)
	for _, churnDays := range []int{7, 30, 90, 200} {
		o := options(t, func(m *config.Metrics) { m.ChurnDays = churnDays })
		o.Convert = rates
		got := months(analytics.LifetimeValues(add(t, o, plain, 100, orders)).Months)
		want := naive(orders, date(2025, 11, 1), date(2026, 12, 1), date(2026, 12, 31), churnDays)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d days (-want +got):\n%s", churnDays, diff)
		}
	}
}

func TestLTVOfCDNOW(t *testing.T) {
	orders := cdnow(t)
	o := options(t)
	o.AsOf, o.Currency = day(t, "1998-06-30"), "USD"
	got := analytics.LifetimeValues(add(t, o, dictionary, 5000, orders))
	for i := range orders {
		orders[i].Currency = "RUB" // naive knows it
	}
	want := naive(orders, date(1997, 1, 1), date(1998, 6, 1), date(1998, 6, 30), 90)
	if diff := cmp.Diff(want, months(got.Months)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	t.Logf("%v", parameters(got.Models))
}

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// years are 600 000 orders of 200 000 clients and 50 000 items in 33 months.
func years(b *testing.B) *analytics.Base {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	from := day(b, "2024-01-01")
	orders := make([]order, 600_000)
	for i := range orders {
		orders[i] = paid(fmt.Sprintf("client-%d", random.IntN(200_000)), (from + analytics.Day(random.IntN(1000))).String(), int64(random.IntN(1_000_000)),
			schema.ItemRow{SKU: fmt.Sprintf("sku-%d", random.IntN(50_000)), Category: fmt.Sprintf("cat-%d", random.IntN(20)), SumMinor: 100})
	}
	return base(b, options(b), orders...)
}

func BenchmarkXYZ(b *testing.B) {
	of := years(b)
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows = len(analytics.XYZ(of))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

func BenchmarkLifetimeValues(b *testing.B) {
	of := years(b)
	b.ReportAllocs()
	for b.Loop() {
		analytics.LifetimeValues(of)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(of.Len()), "ns/client")
}
