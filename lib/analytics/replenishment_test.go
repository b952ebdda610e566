package analytics_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// bought is purchases of one item by a client on several days.
func bought(client, item string, days ...string) []order {
	var orders []order
	for _, day := range days {
		orders = append(orders, paid(client, day, 100, schema.ItemRow{SKU: item, Category: "of " + item, SumMinor: 100}))
	}
	return orders
}

// As of 2026-12-31.
//
//	a beans: 1, 1 (again), 11 and 31 October: 10 and 20 days, mean 15; due on
//	         31 October + 15 = 15 November, overdue by 46 days ≥ 15: left out
//	a milk:  1, 8, 18 December: 7 and 10 days, mean 8.5, rounded down to 8; due on
//	         26 December, overdue by 5 < 8: listed
//	b beans: 1 Sep, 1 Oct, 1 Nov, 1 Dec: 30, 31 and 30, the middle is 30; due on
//	         31 December, today: listed
//	c beans: twice: no interval is told
//	d beans: 5 October, 10 November, 15 December: 36 and 35, mean 35.5 → 35; due on
//	         19 January, 19 days ahead of 14: left out; listed with 19 days
func TestReplenishmentByHand(t *testing.T) {
	orders := slices.Concat(
		bought("a", "beans", "2026-10-31", "2026-10-01", "2026-10-11", "2026-10-01"),
		bought("a", "milk", "2026-12-01", "2026-12-08", "2026-12-18"),
		bought("b", "beans", "2026-12-01", "2026-09-01", "2026-10-01", "2026-11-01"),
		bought("c", "beans", "2026-12-01", "2026-12-20"),
		bought("d", "beans", "2026-10-05", "2026-11-10", "2026-12-15"),
		bought("", "beans", "2026-12-01", "2026-12-10", "2026-12-20"),
	)
	milk := schema.ReplenishmentRow{ClientID: "a", Item: "milk", LastDay: "2026-12-18", MedianDays: 8, DueDay: "2026-12-26"}
	beans := schema.ReplenishmentRow{ClientID: "b", Item: "beans", LastDay: "2026-12-01", MedianDays: 30, DueDay: "2026-12-31"}
	later := schema.ReplenishmentRow{ClientID: "d", Item: "beans", LastDay: "2026-12-15", MedianDays: 35, DueDay: "2027-01-19"}
	for _, tc := range []struct {
		name  string
		ahead int
		want  []schema.ReplenishmentRow
	}{{"14 days", 14, []schema.ReplenishmentRow{milk, beans}}, {"none", 0, []schema.ReplenishmentRow{milk, beans}}, {"18", 18, []schema.ReplenishmentRow{milk, beans}}, {"19", 19, []schema.ReplenishmentRow{milk, beans, later}}} {
		rows, threshold := analytics.Replenishment(base(t, options(t, func(m *config.Metrics) { m.Replenishment.DaysAhead = tc.ahead }), orders...))
		if diff := gocmp.Diff(tc.want, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if threshold.Metric != "replenishment" || threshold.Entity != "item" || *threshold.Bound1 != 3 || *threshold.Bound2 != float64(tc.ahead) {
			t.Errorf("%s: threshold %+v", tc.name, threshold)
		}
	}
	o := options(t, func(m *config.Metrics) { m.Replenishment.Level = "category" })
	rows, _ := analytics.Replenishment(base(t, o, orders...))
	milk.Item, beans.Item = "of milk", "of beans"
	if diff := gocmp.Diff([]schema.ReplenishmentRow{milk, beans}, rows); diff != "" {
		t.Errorf("by category (-want +got):\n%s", diff)
	}
}

// Overdue by one interval is over, by a day less is not: 10 days after
// 2026-12-11 is the 21st; the 30th is 9 days later, the 31st 10.
func TestOverdueByLessThanOneInterval(t *testing.T) {
	orders := bought("a", "beans", "2026-11-21", "2026-12-01", "2026-12-11")
	for asOf, want := range map[string]int{"2026-12-11": 1, "2026-12-30": 1, "2026-12-31": 0} {
		o := options(t)
		o.AsOf = day(t, asOf)
		if rows, _ := analytics.Replenishment(base(t, o, orders...)); len(rows) != want {
			t.Errorf("as of %s: %v, want %d", asOf, rows, want)
		}
	}
}

// a: 1 January, 31 January, 1 March 2025: 30 and 29 days, mean 29.5 → 29; expected
// on 30 March 2025, long gone. b bought twice.
func TestExpectedNextDays(t *testing.T) {
	b := base(t, options(t), paid("b", "2026-01-01", 1), paid("b", "2026-02-01", 1),
		paid("a", "2025-01-31", 1), paid("a", "2025-01-01", 1), paid("a", "2025-03-01", 1), paid("a", "2025-03-01", 1))
	if diff := gocmp.Diff([]string{"2025-03-30", ""}, analytics.ExpectedNextDays(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The plain way: a map of days by client and thing.
func TestReplenishmentAgreesWithAMap(t *testing.T) {
	for seed := range uint64(4) {
		orders := towns(seed, 2000)
		level := []string{"item", "category"}[seed%2]
		o := options(t, func(m *config.Metrics) {
			m.Replenishment = config.Replenishment{Level: level, DaysAhead: 40, MinPurchases: 3 + int(seed/2)}
			m.Basket.MaxItems = 7 // pairs have their limits, habits have none
		})
		days := map[[2]string][]analytics.Day{}
		for _, one := range orders {
			for _, good := range goodsOf(one, level) {
				if one.Client != "" {
					key := [2]string{one.Client, good}
					days[key] = append(days[key], day(t, one.Day))
				}
			}
		}
		var want []schema.ReplenishmentRow
		for key, all := range days {
			slices.Sort(all)
			all = slices.Compact(all)
			if len(all) < o.Metrics.Replenishment.MinPurchases {
				continue
			}
			var intervals []int
			for i := range len(all) - 1 {
				intervals = append(intervals, int(all[i+1]-all[i]))
			}
			slices.Sort(intervals)
			median := intervals[len(intervals)/2]
			if n := len(intervals); n%2 == 0 {
				median = (intervals[n/2-1] + intervals[n/2]) / 2
			}
			last := all[len(all)-1]
			due := last + analytics.Day(median)
			if wait := int(due - o.AsOf); wait <= 40 && wait > -median {
				want = append(want, schema.ReplenishmentRow{ClientID: key[0], Item: key[1], LastDay: last.String(), MedianDays: int64(median), DueDay: due.String()})
			}
		}
		slices.SortFunc(want, func(x, y schema.ReplenishmentRow) int {
			return cmp.Or(cmp.Compare(x.ClientID, y.ClientID), cmp.Compare(x.Item, y.Item))
		})
		got, _ := analytics.Replenishment(add(t, o, layout(seed%2), 333, orders))
		if diff := gocmp.Diff(want, got); diff != "" || len(want) < 20 {
			t.Errorf("seed %d, %d rows (-want +got):\n%s", seed, len(want), diff)
		}
	}
}

// habits is the tables of the purchases' habits.
type habits struct {
	Basket        []schema.BasketRow
	Replenishment []schema.ReplenishmentRow
	Seasonality   []schema.SeasonalityRow
	Expected      []string
	Thresholds    []schema.ThresholdRow
}

func habitsOf(b *analytics.Base) habits {
	var h habits
	var seasons []schema.ThresholdRow
	var due schema.ThresholdRow
	h.Basket, h.Thresholds = analytics.Basket(b)
	h.Replenishment, due = analytics.Replenishment(b)
	h.Seasonality, seasons = analytics.Seasonality(b)
	h.Thresholds = append(append(h.Thresholds, due), seasons...)
	h.Expected = analytics.ExpectedNextDays(b)
	return h
}

// Neither the order of arrival nor the money changes a habit.
func TestHabitsDependOnNeitherOrderNorMoney(t *testing.T) {
	orders := towns(9, 900)
	o := options(t)
	want := habitsOf(add(t, o, plain, len(orders), orders))
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
		for i := range orders {
			orders[i].RevenueMinor *= 10
			random.Shuffle(len(orders[i].Lines), func(a, b int) {
				orders[i].Lines[a], orders[i].Lines[b] = orders[i].Lines[b], orders[i].Lines[a]
			})
		}
		if diff := gocmp.Diff(want, habitsOf(add(t, o, layout(seed%2), 1+random.IntN(300), orders))); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func TestHabitsGolden(t *testing.T) {
	o := options(t, func(m *config.Metrics) { m.Basket = config.Basket{MinTickets: 3, MaxItems: 20, MaxPairs: 12} })
	golden(t, "habits.golden.json", habitsOf(add(t, o, dictionary, 50, towns(5, 300))))
}

func TestHabitsThatCannotBeScoredAreRefused(t *testing.T) {
	for name, change := range map[string]func(*config.Metrics){
		"no tickets":     func(m *config.Metrics) { m.Basket.MinTickets = 0 },
		"one item":       func(m *config.Metrics) { m.Basket.MaxItems = 1 },
		"no pairs":       func(m *config.Metrics) { m.Basket.MaxPairs = 0 },
		"level":          func(m *config.Metrics) { m.Replenishment.Level = "client" },
		"days ahead":     func(m *config.Metrics) { m.Replenishment.DaysAhead = -1 },
		"two purchases":  func(m *config.Metrics) { m.Replenishment.MinPurchases = 2 },
		"no day":         func(m *config.Metrics) { m.Seasons = []config.Season{{Name: "x", Day: "02-29"}} },
		"half the years": func(m *config.Metrics) { m.Seasons = []config.Season{{Name: "x", Day: "03-08", DaysBefore: 181}} },
	} {
		if _, err := analytics.NewAccumulator(options(t, change)); !errors.Is(err, analytics.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

func ExampleExtraVolume() {
	volume, err := analytics.ExtraVolume(0.30, 0.10)
	fmt.Println(volume, err)
	// Output: 0.5 <nil>
}
