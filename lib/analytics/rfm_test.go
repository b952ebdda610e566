package analytics_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// seven clients, as of 2026-12-31:
//
//	client  last purchase  R    F  M (kopecks)
//	a       2026-12-31     0    4  1000
//	b       2026-12-30     1    1   500
//	c       2026-12-21     10   2   300
//	d       2026-12-11     20   2   200
//	e       2026-12-01     30   1   700
//	f       2026-11-21     40   1   100
//	g       2026-11-11     50   3   600
func seven() []order {
	return []order{
		paid("a", "2026-12-31", 400), paid("a", "2026-12-01", 200), paid("a", "2026-11-01", 200), paid("a", "2026-11-01", 200),
		paid("b", "2026-12-30", 500),
		paid("c", "2026-12-21", 100), paid("c", "2026-10-01", 200),
		paid("d", "2026-12-11", 150), paid("d", "2026-12-11", 50),
		paid("e", "2026-12-01", 700),
		paid("f", "2026-11-21", 100),
		paid("g", "2026-11-11", 200), paid("g", "2026-11-10", 200), paid("g", "2026-11-09", 200),
	}
}

func codesOf(s scores) map[string]string {
	codes := map[string]string{}
	for _, c := range s.Clients {
		codes[c.ClientID] = c.Code
	}
	return codes
}

// Positions of the thresholds among 7 values, from 0: 6·1/3 = 2 and 6·2/3 = 4.
//
//	R sorted 0 1 10 20 30 40 50          t = 10, 30: R = 3 up to 10, 2 up to 30, else 1
//	F sorted 1 1 1 2 2 3 4               t = 1, 2:   F = 1 for 1, 2 for 2, 3 above
//	M sorted 100 200 300 500 600 700 1000 t = 300, 600
func TestQuantileByHand(t *testing.T) {
	s := score(base(t, options(t), seven()...))
	want := map[string]string{"a": "333", "b": "312", "c": "321", "d": "221", "e": "213", "f": "111", "g": "132"}
	if diff := cmp.Diff(want, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	for metric, want := range map[string][]float64{
		analytics.MetricRecency: {10, 30}, analytics.MetricFrequency: {1, 2}, analytics.MetricMonetary: {300, 600},
	} {
		got, note := threshold(t, s.Thresholds, metric, "quantile")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", metric, diff)
		}
		if strings.Contains(note, "possible") {
			t.Errorf("note of %s is %q, all groups are possible", metric, note)
		}
	}
	if len(s.Codes) != 27 {
		t.Fatalf("there are %d codes, want 27", len(s.Codes))
	}
	if got, want := s.Codes[26], (schema.RFMCodeRow{Code: "333", Segment: "champions", Clients: 1, Share: 0.142857143, RevenueMinor: 1000}); got != want {
		t.Errorf("code 333 = %+v, want %+v", got, want)
	}
}

// With 4 clients the positions are 3·1/3 = 1 and 3·2/3 = 2; with 3 they are 2/3
// and 4/3: M = 100, 200, 400 gives 100 + 2/3·100 = 166.67 and 200 + 1/3·200 =
// 266.67.
func TestQuantileBetweenTwoValues(t *testing.T) {
	s := score(base(t, options(t),
		paid("a", "2026-12-01", 100), paid("b", "2026-12-01", 200), paid("c", "2026-12-01", 400)))
	got, note := threshold(t, s.Thresholds, analytics.MetricMonetary, "quantile")
	if want := []float64{166.666667, 266.666667}; !cmp.Equal(got, want) {
		t.Errorf("bounds = %v, want %v", got, want)
	}
	if want := "minor units of RUB; score = 1 + bounds below the value"; note != want {
		t.Errorf("note = %q, want %q", note, want)
	}
	if s.Clients[0].M != 1 || s.Clients[1].M != 2 || s.Clients[2].M != 3 {
		t.Errorf("M = %d %d %d, want 1 2 3", s.Clients[0].M, s.Clients[1].M, s.Clients[2].M)
	}
}

// Everybody is equal: no value exceeds a threshold, so F and M are 1 and R is 3.
func TestTiesStayTogetherAndSaySo(t *testing.T) {
	var orders []order
	for _, client := range []string{"a", "b", "c", "d", "e"} {
		orders = append(orders, paid(client, "2026-12-01", 100))
	}
	s := score(base(t, options(t), orders...))
	for _, c := range s.Clients {
		if c.Code != "311" {
			t.Errorf("code of %s = %s, want 311", c.ClientID, c.Code)
		}
	}
	if s.Possible != [3]int{1, 1, 1} {
		t.Errorf("Possible = %v, want one group each", s.Possible)
	}
	for _, metric := range []string{analytics.MetricRecency, analytics.MetricFrequency, analytics.MetricMonetary} {
		if _, note := threshold(t, s.Thresholds, metric, "quantile"); !strings.HasSuffix(note, "; only 1 group is possible") {
			t.Errorf("note of %s = %q, want the number of possible groups", metric, note)
		}
	}
}

// NTILE(3) over 7: groups of 3, 2, 2. F in the order of (value, last purchase,
// id): f(1, 11-21) e(1, 12-01) b(1, 12-30) | d(2, 12-11) c(2, 12-21) | g(3) a(4).
func TestNtileByHand(t *testing.T) {
	s := score(base(t, options(t, func(m *config.Metrics) { m.RFM.Method = "ntile" }), seven()...))
	want := map[string]string{"a": "333", "b": "312", "c": "321", "d": "221", "e": "213", "f": "111", "g": "132"}
	if diff := cmp.Diff(want, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	for rule, want := range map[string][]float64{
		"ntile": {1, 2, 4}, analytics.RuleNtileFrom: {1, 2, 3}, analytics.RuleNtileClients: {3, 2, 2},
	} {
		if got, _ := threshold(t, s.Thresholds, analytics.MetricFrequency, rule); !cmp.Equal(got, want) {
			t.Errorf("%s = %v, want %v", rule, got, want)
		}
	}
}

// Equal values are parted by the last purchase, then by the id: of four clients
// with one order each in two groups, c and b bought earliest, and of a and d, who
// bought on one day, a comes first but both are in the upper half.
func TestNtilePartsTiesByLastPurchaseThenID(t *testing.T) {
	s := score(base(t, options(t, func(m *config.Metrics) {
		m.RFM.Method, m.RFM.Groups = "ntile", 2
		m.RFM.Playbook = []config.PlaybookRule{{Segment: "all", Codes: []string{"111", "112", "121", "122", "211", "212", "221", "222"}}}
	}), paid("a", "2026-12-20", 100), paid("b", "2026-12-10", 100), paid("c", "2026-12-01", 100), paid("d", "2026-12-20", 100), paid("e", "2026-12-20", 100)))
	// 5 in 2 groups: 3 and 2. By F: c b a | d e. By R (days, rising): a d e | b c.
	want := map[string]string{"a": "211", "b": "111", "c": "111", "d": "222", "e": "222"}
	if diff := cmp.Diff(want, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func TestNtileWithFewerClientsThanGroups(t *testing.T) {
	s := score(base(t, options(t, func(m *config.Metrics) { m.RFM.Method = "ntile" }),
		paid("a", "2026-12-20", 100), paid("b", "2026-12-10", 200)))
	if diff := cmp.Diff(map[string]string{"a": "321", "b": "212"}, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if got, want := analytics.Bounds([]string{"212"}, s.Thresholds, "en"), "1 order, 21 days ago"; got != want {
		t.Errorf("Bounds = %q, want %q", got, want)
	}
	if got, want := analytics.Bounds([]string{"133"}, s.Thresholds, "en"), "with these bounds nobody gets here"; got != want {
		t.Errorf("Bounds = %q, want %q", got, want)
	}
}

// Bounds of money are in roubles and meet kopecks exactly: 0.29 is 29 kopecks, not
// 28.999….
func TestFixedBounds(t *testing.T) {
	s := score(base(t, options(t, func(m *config.Metrics) {
		m.RFM.Method = "fixed"
		m.RFM.RBounds, m.RFM.FBounds, m.RFM.MBounds = []float64{10, 30}, []float64{1, 3}, []float64{0.29, 5}
	}), paid("a", "2026-12-21", 29), paid("b", "2026-12-20", 30), paid("c", "2026-11-30", 501)))
	if diff := cmp.Diff(map[string]string{"a": "311", "b": "212", "c": "113"}, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if got, _ := threshold(t, s.Thresholds, analytics.MetricMonetary, "fixed"); !cmp.Equal(got, []float64{29, 500}) {
		t.Errorf("bounds = %v, want kopecks 29 and 500", got)
	}
}

// a and d have two orders on one day; by days they have 3 and 1. The average check
// of a is 250, c 150, d 100, g 200.
func TestFrequencyByDaysAndAverageCheck(t *testing.T) {
	b := base(t, options(t, func(m *config.Metrics) { m.RFM.Frequency, m.RFM.Monetary = "days", "average" }), seven()...)
	s := score(b)
	// F: 1 1 1 1 2 3 3 → t = 1, 2. M: 100 100 150 200 250 500 700 → t = 150, 250.
	want := map[string]string{"a": "332", "b": "313", "c": "321", "d": "211", "e": "213", "f": "111", "g": "132"}
	if diff := cmp.Diff(want, codesOf(s)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if _, note := threshold(t, s.Thresholds, analytics.MetricFrequency, "quantile"); !strings.HasPrefix(note, "days with an order; ") {
		t.Errorf("note = %q, want the unit first", note)
	}
	if s.Clients[0].AverageMinor != 250 || s.Clients[0].OrderDays != 3 || s.Clients[0].Orders != 4 {
		t.Errorf("client a = %+v, want average 250, 3 order days, 4 orders", s.Clients[0])
	}
}

// The last 30 days are 2026-12-02 to 2026-12-31. Only a, b, c and d bought in
// them; a once for 400.
func TestWindow(t *testing.T) {
	b := base(t, options(t, func(m *config.Metrics) { m.RFM.WindowDays = 30 }), append(seven(), paid("h", "2026-12-02", 50), paid("i", "2026-12-01", 50))...)
	s := score(b)
	codes := codesOf(s)
	for client, inside := range map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": false, "f": false, "g": false, "h": true, "i": false} {
		if got := codes[client] != ""; got != inside {
			t.Errorf("%s has code %q, want one: %v", client, codes[client], inside)
		}
	}
	if got, want := b.Client(0).Window, (analytics.Window{Orders: 1, OrderDays: 1, PricedOrders: 1, RevenueMinor: 400}); got != want {
		t.Errorf("window of a = %+v, want %+v", got, want)
	}
	if got := s.Clients[0].Orders; got != 4 {
		t.Errorf("orders of a = %d, want all 4", got)
	}
	if analytics.FirstMeansOne(s.Thresholds) {
		t.Error("FirstMeansOne with a window: the one order may not be the first")
	}
	var scored int64
	for _, row := range s.Codes {
		scored += row.Clients
	}
	if scored != 5 {
		t.Errorf("codes count %d clients, want 5", scored)
	}
}

func TestNobodyAndOneClient(t *testing.T) {
	nobody := score(base(t, options(t)))
	if len(nobody.Clients) != 0 || len(nobody.ABC) != 0 || len(nobody.Codes) != 27 {
		t.Errorf("nobody gives %d clients, %d ABC rows, %d codes; want 0, 0, 27", len(nobody.Clients), len(nobody.ABC), len(nobody.Codes))
	}
	for _, row := range nobody.Codes {
		if row.Clients != 0 || row.Share != 0 {
			t.Errorf("code %s of nobody = %+v", row.Code, row)
		}
	}
	for _, row := range nobody.Thresholds { // those of the configuration stand
		if row.Metric == analytics.MetricRecency || row.Metric == analytics.MetricFrequency || row.Metric == analytics.MetricMonetary {
			t.Errorf("nobody gives a threshold of %s", row.Metric)
		}
	}
	for _, method := range []string{"quantile", "ntile"} {
		one := score(base(t, options(t, func(m *config.Metrics) { m.RFM.Method = method }), paid("a", "2026-12-01", 100)))
		want := analytics.Scored{
			ClientID: "a", FirstDay: day(t, "2026-12-01"), LastDay: day(t, "2026-12-01"), Orders: 1, OrderDays: 1,
			RevenueMinor: 100, AverageMinor: 100, AverageKnown: true, RecencyDays: 30,
			R: 3, F: 1, M: 1, Code: "311", Segment: "new", ABC: "A", CohortMonth: "2026-12",
		}
		if diff := cmp.Diff([]analytics.Scored{want}, one.Clients, cmp.Comparer(func(a, b []string) bool { return len(a) == len(b) })); diff != "" {
			t.Errorf("%s: one client (-want +got):\n%s", method, diff)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for name, change := range map[string]func(*config.Metrics){
		"one group":              func(m *config.Metrics) { m.RFM.Groups = 1 },
		"ten groups":             func(m *config.Metrics) { m.RFM.Groups = 10 },
		"groups and no playbook": func(m *config.Metrics) { m.RFM.Groups = 5 },
		"unknown method":         func(m *config.Metrics) { m.RFM.Method = "median" },
		"unknown frequency":      func(m *config.Metrics) { m.RFM.Frequency = "weeks" },
		"unknown monetary":       func(m *config.Metrics) { m.RFM.Monetary = "margin" },
		"negative window":        func(m *config.Metrics) { m.RFM.WindowDays = -1 },
		"fixed without bounds":   func(m *config.Metrics) { m.RFM.Method = "fixed" },
		"unknown abc method":     func(m *config.Metrics) { m.ABC.Method = "pareto" },
		"a above b":              func(m *config.Metrics) { m.ABC.A = 0.99 },
		"unknown period":         func(m *config.Metrics) { m.XYZ.Period = "decade" },
		"unknown series":         func(m *config.Metrics) { m.XYZ.Value = "margin" },
		"first period of no day": func(m *config.Metrics) { m.XYZ.FirstPeriod = "2026-13" },
		"x not below y":          func(m *config.Metrics) { m.XYZ.X = m.XYZ.Y },
		"x is no number":         func(m *config.Metrics) { m.XYZ.X = math.NaN() },
		"no periods at all":      func(m *config.Metrics) { m.XYZ.MinPeriods = 0 },
		"no days of churn":       func(m *config.Metrics) { m.ChurnDays = 0 },
		"no margin":              func(m *config.Metrics) { m.Margin = 0 },
		"more than all margin":   func(m *config.Metrics) { m.Margin = 1.01 },
		"a horizon of the past":  func(m *config.Metrics) { m.LTVHorizon = -1 },
		"unknown cohorts":        func(m *config.Metrics) { m.Cohorts = "open" },
	} {
		if _, err := analytics.NewAccumulator(options(t, change)); !errors.Is(err, analytics.ErrConfig) {
			t.Errorf("%s: error = %v, want ErrConfig", name, err)
		}
	}
}
