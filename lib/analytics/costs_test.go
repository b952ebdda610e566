package analytics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

// cost is a statement in roubles that stands alone.
func cost(id, day, source, campaign string, minor int64) schema.CostEventRow {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return schema.CostEventRow{
		EventID: id, Source: "till", Kind: "cost", At: at, ReceivedAt: at.Add(time.Hour),
		Currency: "RUB", CostDay: day, CostSource: source, CostCampaign: campaign, CostMinor: &minor,
	}
}

// restated is a statement of an entity, made some hours after the day began.
func restated(entity string, hours int, row schema.CostEventRow) schema.CostEventRow {
	row.Entity, row.At = entity, row.At.Add(time.Duration(hours)*time.Hour)
	return row
}

func foldCosts(t *testing.T, rows ...schema.CostEventRow) analytics.CostTotals {
	t.Helper()
	fold := analytics.NewCosts(day(t, "2026-11-30"), "RUB", rates)
	for _, row := range rows {
		fold.Add(row)
	}
	totals, err := fold.Result()
	if err != nil {
		t.Fatal(err)
	}
	return totals
}

// manyCosts are statements whose fold is worked out by hand in the test below.
func manyCosts() []schema.CostEventRow {
	dollars := cost("g", "2026-11-10", "google", "", 100)
	dollars.Currency = "USD"
	tenge := cost("k", "2026-11-10", "google", "", 5000)
	tenge.Currency = "KZT"
	blank := cost("n", "2026-11-10", "google", "", 11)
	blank.Currency = ""
	received := restated("day 6", 0, cost("r2", "2026-11-06", "vk", "", 61))
	received.ReceivedAt = received.ReceivedAt.Add(time.Minute)
	elsewhere := cost("a", "2026-10-31", "yandex", "spring", 7)
	elsewhere.Source = "crm"
	nothing := cost("z", "2026-11-01", "yandex", "", 1)
	nothing.CostMinor = nil
	return []schema.CostEventRow{
		cost("a", "2026-10-31", "Yandex", "Spring", 1000),
		elsewhere,
		cost("b", "2026-11-01", " yandex ", "SPRING", 30),
		cost("b", "2026-11-01", " yandex ", "SPRING", 30), // the same event twice
		cost("c", "2026-11-30", "yandex", "", 400),
		cost("d", "2026-12-01", "yandex", "", 9999), // after the as-of day
		restated("day 5", 2, cost("e2", "2026-11-05", "vk", "sale", 222)),
		restated("day 5", 1, cost("e1", "2026-11-05", "vk", "sale", 111)),
		restated("day 6", 0, cost("r1", "2026-11-06", "vk", "", 60)),
		received,
		restated("day 7", 0, cost("t1", "2026-11-07", "vk", "", 70)),
		restated("day 7", 0, cost("t2", "2026-11-07", "vk", "", 7)),
		restated("moved", 1, cost("m1", "2026-11-08", "vk", "old name", 80)),
		restated("moved", 2, cost("m2", "2026-11-08", "vk", "new name", 80)),
		dollars, tenge, blank, nothing,
	}
}

func TestCostsByHand(t *testing.T) {
	october, november := month(t, "2026-10"), month(t, "2026-11")
	want := analytics.CostTotals{
		Costs: []analytics.Cost{
			{Month: october, Source: "yandex", Campaign: "spring", Minor: 1007}, // two sources may use one id
			{Month: november, Source: "google", Minor: 9011},                    // 100 at a rate of 90, and 11 of no other currency
			{Month: november, Source: "vk", Minor: 68},                          // the later receipt 61, then the larger id 7
			{Month: november, Source: "vk", Campaign: "new name", Minor: 80},    // the campaign itself was corrected
			{Month: november, Source: "vk", Campaign: "sale", Minor: 222},
			{Month: november, Source: "yandex", Minor: 400},
			{Month: november, Source: "yandex", Campaign: "spring", Minor: 30},
		},
		Statements: 11, Other: 1,
	}
	if diff := cmp.Diff(want, foldCosts(t, manyCosts()...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheOrderOfCostsChangesNothing(t *testing.T) {
	rows := manyCosts()
	want := foldCosts(t, rows...)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		shuffled := slices.Clone(rows)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, foldCosts(t, append(shuffled, shuffled...)...)); diff != "" {
			t.Fatalf("seed %d, all of it twice (-want +got):\n%s", seed, diff)
		}
	}
}

func TestNoCosts(t *testing.T) {
	if got := foldCosts(t); len(got.Costs) != 0 || got.Statements != 0 {
		t.Errorf("costs of nothing = %+v", got)
	}
	got := foldCosts(t, cost("a", "2026-11-01", "vk", "", 0))
	if diff := cmp.Diff([]analytics.Cost{{Month: month(t, "2026-11"), Source: "vk"}}, got.Costs); diff != "" {
		t.Errorf("a cost of nothing is known (-want +got):\n%s", diff)
	}
}

func TestCostsThatCannotBe(t *testing.T) {
	bad := cost("a", "2026-11-01", "vk", "", 1)
	bad.CostDay = "2026-11-31"
	for name, test := range map[string]struct {
		rows []schema.CostEventRow
		want error
	}{
		"a day that is none":  {[]schema.CostEventRow{bad}, analytics.ErrDay},
		"more than money has": {[]schema.CostEventRow{cost("a", "2026-11-01", "vk", "", math.MaxInt64), cost("b", "2026-11-02", "vk", "", 1)}, analytics.ErrOverflow},
		"less than money has": {[]schema.CostEventRow{cost("a", "2026-11-01", "vk", "", math.MinInt64), cost("b", "2026-11-02", "vk", "", 1)}, analytics.ErrOverflow},
		"a sum of two months": {[]schema.CostEventRow{cost("a", "2026-10-01", "vk", "", math.MaxInt64), cost("b", "2026-11-02", "x", "", 1)}, analytics.ErrOverflow},
	} {
		fold := analytics.NewCosts(day(t, "2026-11-30"), "RUB", nil)
		for _, row := range test.rows {
			fold.Add(row)
		}
		if _, err := fold.Result(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// Cabinets correct a day's cost for days; an array of one delivery names groups of
// advertisements one by one.
func TestALaterCostReplacesAndOneDeliveryAddsUp(t *testing.T) {
	later := func(hours int, row schema.CostEventRow) schema.CostEventRow {
		row.At, row.ReceivedAt = row.At.Add(time.Duration(hours)*time.Hour), row.ReceivedAt.Add(time.Duration(hours)*time.Hour)
		return row
	}
	rows := []schema.CostEventRow{
		cost("first", "2026-11-02", "vk", "brand", 1000),
		later(1, cost("group 1", "2026-11-02", "VK ", "Brand", 300)),
		later(1, cost("group 2", "2026-11-02", "vk", "brand", 400)),
		later(1, cost("group 2", "2026-11-02", "vk", "brand", 400)), // told twice
		cost("other day", "2026-11-03", "vk", "brand", 5),
	}
	want := []analytics.Cost{{Month: day(t, "2026-11-01").Month(), Source: "vk", Campaign: "brand", Minor: 705}}
	random := rand.New(rand.NewPCG(4, 4))
	for range 24 {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if diff := cmp.Diff(want, foldCosts(t, rows...).Costs); diff != "" {
			t.Fatal(diff)
		}
	}
}
