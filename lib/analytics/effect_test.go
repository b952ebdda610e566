package analytics_test

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

func assigned(t *testing.T, client int, since string, held bool) analytics.Assignment {
	return analytics.Assignment{Client: client, Since: day(t, since), Held: held}
}

// sold is a purchase of a client.
type sold struct {
	client int
	day    string
	minor  int64
}

func effectRows(t *testing.T, e *analytics.Effects, purchases ...sold) []schema.EffectRow {
	t.Helper()
	for _, p := range purchases {
		e.Purchase(p.client, day(t, p.day), p.minor)
	}
	rows, err := e.Rows()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var champions = analytics.Mechanic{Segment: "champions", Platform: "yandex"}

// In October 0, 1, 2 and 3 are exported, 4 and 5 held out; in November 6 is exported. Of the
// exported 0 and 1 bought for 100 and 50 in October, the second of them twice; 2 bought
// on the day itself, 3 before, both of which does not count, and 7 has no side. Of
// those held out 4 bought for 40.
// Rates 2/4 = 0.5 and 1/2 = 0.5; difference 0. Revenue 150 by 4 less 40 by 2 is 17.5,
// times 4 = 70. All: 3/5 = 0.6 against 0.5: 0.1 · 5 = 0.5 buyers; 170 − 40·5/2 = 70.
func TestEffectsByHand(t *testing.T) {
	e := analytics.NewEffects(day(t, "2026-11-30"), 8)
	e.Add(champions, []analytics.Assignment{
		assigned(t, 0, "2026-10-05", false), assigned(t, 1, "2026-10-05", false), assigned(t, 2, "2026-10-20", false), assigned(t, 3, "2026-10-20", false),
		assigned(t, 4, "2026-10-05", true), assigned(t, 5, "2026-10-05", true), assigned(t, 6, "2026-11-01", false),
		assigned(t, 7, "2026-12-01", false), // after the as-of day
	})
	rows := effectRows(t, e, sold{0, "2026-10-06", 100}, sold{1, "2026-11-30", 30}, sold{1, "2026-10-07", 20}, sold{2, "2026-10-20", 999},
		sold{3, "2026-10-19", 999}, sold{4, "2026-11-05", 40}, sold{6, "2026-11-02", 20}, sold{5, "2026-12-01", 999}, sold{7, "2026-12-02", 999})
	if len(rows) != 3 {
		t.Fatalf("%d rows, want one over all and two months: %+v", len(rows), rows)
	}
	half, third, zero := 0.5, 0.6, 0.0
	seventy := int64(70)
	october := rows[1]
	want := schema.EffectRow{
		Segment: "champions", Platform: "yandex", Month: "2026-10", Exported: 4, ExportedBuyers: 2, ExportedRate: &half, ExportedRevenueMinor: 150,
		Held: 2, HeldBuyers: 1, HeldRate: &half, HeldRevenueMinor: 40, Difference: &zero, Low: october.Low, High: october.High,
		IncrementalBuyers: &zero, IncrementalRevenueMinor: &seventy,
	}
	if diff := gocmp.Diff(want, october); diff != "" {
		t.Errorf("October (-want +got):\n%s", diff)
	}
	all := rows[0]
	needed, _ := analytics.NeededPerGroup(0.6, 0.5)
	tenth := 0.1
	want = schema.EffectRow{
		Segment: "champions", Platform: "yandex", Exported: 5, ExportedBuyers: 3, ExportedRate: &third, ExportedRevenueMinor: 170,
		Held: 2, HeldBuyers: 1, HeldRate: &half, HeldRevenueMinor: 40, Difference: &tenth, Low: all.Low, High: all.High,
		IncrementalBuyers: &half, IncrementalRevenueMinor: &seventy, NeededPerGroup: &needed,
	}
	if diff := gocmp.Diff(want, all); diff != "" {
		t.Errorf("over all (-want +got):\n%s", diff)
	}
	interval, _ := analytics.RateDifference(3, 5, 1, 2)
	if *all.Low != analytics.Round9(interval.Low) || *all.High != analytics.Round9(interval.High) {
		t.Errorf("interval %v…%v, want %v", *all.Low, *all.High, interval)
	}
	one := 1.0
	if diff := gocmp.Diff(schema.EffectRow{
		Segment: "champions", Platform: "yandex", Month: "2026-11", Exported: 1, ExportedBuyers: 1, ExportedRate: &one, ExportedRevenueMinor: 20,
		PreviousRate: &half, PreviousDifference: &zero,
	}, rows[2]); diff != "" {
		t.Errorf("November, when nobody was held out (-want +got):\n%s", diff)
	}
}

// A month that nothing was exported in leaves the one after it without a previous one.
func TestEffectsCompareWithTheMonthBefore(t *testing.T) {
	e := analytics.NewEffects(day(t, "2026-06-30"), 3)
	e.Add(champions, []analytics.Assignment{assigned(t, 0, "2025-12-31", false), assigned(t, 1, "2026-01-01", false), assigned(t, 2, "2026-03-01", false)})
	rows := effectRows(t, e, sold{0, "2026-01-01", 5})
	if len(rows) != 4 || rows[2].Month != "2026-01" || rows[2].PreviousRate == nil || *rows[2].PreviousRate != 1 || rows[2].PreviousDifference != nil || rows[3].PreviousRate != nil || rows[0].PreviousRate != nil {
		t.Errorf("%+v", rows)
	}
}

func TestMergedClientsAreHeldOutOnce(t *testing.T) {
	e := analytics.NewEffects(day(t, "2026-06-30"), 2)
	e.Add(champions, []analytics.Assignment{
		assigned(t, 0, "2026-01-01", false), assigned(t, 0, "2026-04-01", true), assigned(t, 0, "2026-03-01", true),
		assigned(t, 1, "2026-02-02", false), assigned(t, 1, "2026-02-01", false),
	})
	rows := effectRows(t, e, sold{0, "2026-03-01", 7}, sold{0, "2026-03-02", 1}, sold{1, "2026-02-02", 10})
	if len(rows) != 3 || rows[0].Exported != 1 || rows[0].Held != 1 || rows[0].ExportedRevenueMinor != 10 || rows[0].HeldRevenueMinor != 1 || rows[1].Month != "2026-02" || rows[2].Month != "2026-03" {
		t.Errorf("%+v", rows)
	}
}

func TestEffectsOfNobodyAndOfOne(t *testing.T) {
	e := analytics.NewEffects(day(t, "2026-06-30"), 3)
	e.Add(champions, nil)
	e.Add(analytics.Mechanic{Segment: "a", Platform: "vk"}, []analytics.Assignment{assigned(t, 1, "2026-07-01", true)})
	if !e.Empty() {
		t.Error("somebody's purchases count")
	}
	if rows := effectRows(t, e, sold{1, "2026-06-01", 1}); rows != nil {
		t.Errorf("nobody: %+v", rows)
	}
	if rows := effectRows(t, analytics.NewEffects(0, 0)); rows != nil {
		t.Errorf("no base: %+v", rows)
	}
	e = analytics.NewEffects(day(t, "2026-06-30"), 3)
	e.Add(analytics.Mechanic{Segment: "b", Platform: "vk"}, []analytics.Assignment{assigned(t, 2, "2026-06-30", true)})
	zero := 0.0
	want := schema.EffectRow{Segment: "b", Platform: "vk", Held: 1, HeldRate: &zero}
	of := want
	of.Month = "2026-06"
	if diff := gocmp.Diff([]schema.EffectRow{want, of}, effectRows(t, e)); diff != "" {
		t.Errorf("one who was held out today (-want +got):\n%s", diff)
	}
}

// 50 of 100 against 1 of 100 differs beyond doubt: nobody more is needed. Refunds
// lower revenue; half a unit is rounded away from zero: −1 by 2 people less 0, times 1
// (exported 2 with −1, held 1 with 0) is −1; 1·1 less 1 by 2 is 0.5, so 1.
func TestConclusiveEffectsAndRounding(t *testing.T) {
	e := analytics.NewEffects(day(t, "2026-06-30"), 200)
	var people []analytics.Assignment
	var purchases []sold
	for i := range 200 {
		people = append(people, assigned(t, i, "2026-01-01", i >= 100))
		if i < 50 || i == 100 {
			purchases = append(purchases, sold{i, "2026-01-02", 10})
		}
	}
	e.Add(champions, people)
	row := effectRows(t, e, purchases...)[0]
	if !row.Conclusive || row.NeededPerGroup != nil || *row.Low <= 0 || *row.IncrementalBuyers != 49 || *row.IncrementalRevenueMinor != 490 {
		t.Errorf("%+v", row)
	}
	for _, test := range []struct {
		exported, held       int
		exportedMinor, minor int64
		want                 int64
	}{{2, 1, -1, 0, -1}, {1, 2, 1, 1, 1}, {1, 2, 0, 1, -1}, {1, 3, 0, 1, 0}, {3, 1, math.MaxInt64, 0, math.MaxInt64}} {
		e := analytics.NewEffects(day(t, "2026-06-30"), 10)
		var people []analytics.Assignment
		for i := range test.exported + test.held {
			people = append(people, assigned(t, i, "2026-01-01", i >= test.exported))
		}
		e.Add(champions, people)
		row := effectRows(t, e, sold{0, "2026-01-02", test.exportedMinor}, sold{test.exported, "2026-01-02", test.minor})[0]
		if *row.IncrementalRevenueMinor != test.want {
			t.Errorf("%+v: %d", test, *row.IncrementalRevenueMinor)
		}
	}
	e = analytics.NewEffects(day(t, "2026-06-30"), 3)
	e.Add(champions, []analytics.Assignment{assigned(t, 0, "2026-01-01", false), assigned(t, 1, "2026-01-01", false), assigned(t, 2, "2026-01-01", true)})
	e.Purchase(2, day(t, "2026-01-02"), math.MaxInt64)
	if _, err := e.Rows(); !errors.Is(err, analytics.ErrOverflow) {
		t.Errorf("twice all the money there is: %v", err)
	}
}

// assignedCrowd is mechanics, people and purchases by chance.
func assignedCrowd(t *testing.T, seed uint64, shuffled bool) *analytics.Effects {
	random := rand.New(rand.NewPCG(seed, 42))
	e := analytics.NewEffects(day(t, "2026-06-30"), 600)
	first := day(t, "2026-01-01")
	type told struct {
		mechanic analytics.Mechanic
		people   []analytics.Assignment
	}
	var mechanics []told
	for _, m := range []analytics.Mechanic{champions, {Segment: "champions", Platform: "vk"}, {Segment: "asleep", Platform: "yandex"}} {
		one := told{mechanic: m}
		for client := range 600 {
			if random.IntN(3) > 0 {
				one.people = append(one.people, analytics.Assignment{Client: client, Since: first + analytics.Day(random.IntN(150)), Held: random.IntN(5) == 0})
			}
		}
		mechanics = append(mechanics, one)
	}
	type purchase struct {
		client int
		day    analytics.Day
		minor  int64
	}
	var purchases []purchase
	for client := range 600 {
		for range random.IntN(4) {
			purchases = append(purchases, purchase{client, first + analytics.Day(random.IntN(200)), random.Int64N(10_000) - 100})
		}
	}
	if shuffled {
		random.Shuffle(len(mechanics), func(i, j int) { mechanics[i], mechanics[j] = mechanics[j], mechanics[i] })
		random.Shuffle(len(purchases), func(i, j int) { purchases[i], purchases[j] = purchases[j], purchases[i] })
	}
	for _, m := range mechanics {
		e.Add(m.mechanic, m.people)
	}
	for _, p := range purchases {
		e.Purchase(p.client, p.day, p.minor)
	}
	return e
}

func TestEffectsGolden(t *testing.T) {
	golden(t, "effects.golden.json", effectRows(t, assignedCrowd(t, 1, false)))
}

// The order of arrival decides nothing; the months add up to the row over all; rows are in
// order and every ratio is that of its counts.
func TestEffectsAddUp(t *testing.T) {
	for seed := range uint64(20) {
		rows := effectRows(t, assignedCrowd(t, seed, false))
		if diff := gocmp.Diff(rows, effectRows(t, assignedCrowd(t, seed, true))); diff != "" {
			t.Fatalf("seed %d: the order decides:\n%s", seed, diff)
		}
		if !slices.IsSortedFunc(rows, func(a, b schema.EffectRow) int {
			return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Month, b.Month))
		}) {
			t.Fatalf("seed %d: rows out of order", seed)
		}
		left := map[analytics.Mechanic][6]int64{}
		for _, row := range rows {
			m := analytics.Mechanic{Segment: row.Segment, Platform: row.Platform}
			sums := left[m]
			for i, n := range []int64{row.Exported, row.ExportedBuyers, row.ExportedRevenueMinor, row.Held, row.HeldBuyers, row.HeldRevenueMinor} {
				if row.Month != "" {
					n = -n
				}
				sums[i] += n
			}
			left[m] = sums
			if row.Held > 0 && row.Exported > 0 {
				if math.Abs(*row.Difference-(*row.ExportedRate-*row.HeldRate)) > 1e-8 || *row.Low > *row.Difference || *row.High < *row.Difference {
					t.Fatalf("seed %d: %+v", seed, row)
				}
			}
		}
		if len(left) != 3 {
			t.Fatalf("seed %d: %d mechanics", seed, len(left))
		}
		for m, sums := range left {
			if sums != [6]int64{} {
				t.Errorf("seed %d: the months of %v miss %v", seed, m, sums)
			}
		}
	}
}
