package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// regular posts four orders, thirty days apart, of two people each: June to August.
func regular(t *testing.T, more string) *world {
	t.Helper()
	w := newWorld(t)
	w.configure(shopConfig + more)
	w.now = at("2026-09-01T12:00:00Z")
	for _, who := range []string{"1", "2"} {
		client := `"phone": "+7916333000` + who + `"`
		for i, day := range []string{"2026-06-01", "2026-07-01", "2026-07-31", "2026-08-30"} {
			w.post("till", sale(string(rune('a'+i))+who, "paid", day+"T12:00:00+03:00", client, "100.00"))
		}
	}
	w.now = at("2026-12-02T04:00:00Z")
	w.compact()
	w.night("2026-11-30")
	return w
}

// The night writes what the package makes of the orders: thirty days between visits;
// 100 of an item in June, 200 in July, 100 in August and nothing until November, which
// is 66.67 a month; two clients in three months. June to August and September (its 90
// days have ended on 29 November) are closed: of 2 + 2 + 2 clients none churned in July
// and August, both did in September.
func TestANightWritesXYZAndLTV(t *testing.T) {
	w := regular(t, "metrics: {margin: 0.5, ltv_horizon_months: 2}\n")
	for _, c := range rows[schema.ClientRow](w) {
		if c.XYZ == nil || *c.XYZ != "X" {
			t.Errorf("client of %d orders has class %v, want X", c.Orders, c.XYZ)
		}
	}
	seen := map[string]int{}
	for _, row := range rows[schema.XYZRow](w) {
		seen[row.Entity+row.Class]++
		if row.Entity == "item" && (row.Periods != 6 || *row.Mean != 6666.66667) {
			t.Errorf("%s = %d periods, mean %v, want 6 and 66.67", row.ID, row.Periods, *row.Mean)
		}
	}
	if seen["clientX"] != 2 || seen["itemZ"] != 2 || seen["categoryZ"] != 1 || len(rows[schema.ABCXYZRow](w)) != 27 {
		t.Errorf("classes %v, %d cells; want 2 clients of X, 2 items and a category of Z, 27 cells", seen, len(rows[schema.ABCXYZRow](w)))
	}
	months := rows[schema.LTVRow](w)
	if len(months) != 6 || months[3].Month != "2026-09" || !months[3].Closed || *months[3].ChurnedShare != 1 || *months[2].ChurnedShare != 0 || months[4].Closed {
		t.Errorf("months = %+v, want all lost in September and none before, October open", months)
	}
	model := map[string]float64{}
	for _, row := range rows[schema.ModelRow](w) {
		model[row.Parameter] = row.Value
	}
	// 80 000 kopecks of 2 + 2 + 2 active clients; 133.33 · 0.5 · 2 months.
	if model["active_at_start"] != 6 || model["churned"] != 2 || model["horizon_binds"] != 1 || model["arpa"] != 13333.3333 || model["ltv_minor"] != 13333 {
		t.Errorf("model = %v, want 2 of 6 churned and 133.33", model)
	}
	rules := map[string]bool{}
	for _, row := range rows[schema.ThresholdRow](w) {
		rules[row.Metric+" "+row.Entity+" "+row.Rule] = true
	}
	for _, rule := range []string{"xyz client intervals", "xyz item month", "xyz category month", "ltv client closed_months", "cohorts client bounded"} {
		if !rules[rule] {
			t.Errorf("no threshold of %s", rule)
		}
	}
}

// Both clients bought in June and August: bounded, nobody was active in July;
// unbounded, they were, since they came back later.
func TestCohortsAreUnboundedOnRequest(t *testing.T) {
	for request, want := range map[string]string{"": "2020", "metrics: {cohorts: unbounded}\n": "2220"} {
		w := newWorld(t)
		w.configure(shopConfig + request)
		w.now = at("2026-09-01T12:00:00Z")
		for _, day := range []string{"2026-06-01", "2026-08-31"} {
			for _, who := range []string{"1", "2"} {
				w.post("till", sale(day+"-"+who, "paid", day+"T12:00:00+03:00", `"phone": "+7916333000`+who+`"`, "100.00"))
			}
		}
		w.now = at("2026-12-02T04:00:00Z")
		w.compact()
		w.night("2026-09-30")
		var got strings.Builder
		for _, row := range rows[schema.CohortRow](w) {
			got.WriteByte(byte('0' + row.Active))
		}
		if got.String() != want {
			t.Errorf("%q: active %s, want %s", request, got.String(), want)
		}
	}
}

func TestErasedPeopleLeaveXYZ(t *testing.T) {
	w := regular(t, "")
	token, err := w.TokenOf(t.Context(), "+79163330001")
	if err != nil {
		t.Fatal(err)
	}
	shows := func() bool {
		for key, body := range w.objects(lake.GoldPrefix + "xyz/") {
			if strings.Contains(plain(t, body), string(token)) {
				return key != ""
			}
		}
		return false
	}
	if !shows() {
		t.Fatal("the table shows nobody: the test would prove nothing")
	}
	w.erase("+79163330001")
	if shows() {
		t.Error("the client is still there")
	}
	if !slices.ContainsFunc(rows[schema.XYZRow](w), func(row schema.XYZRow) bool { return row.Entity == "client" }) {
		t.Error("the other client is gone, too")
	}
}
