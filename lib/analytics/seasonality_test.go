package analytics_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func on(client string, days ...string) []order {
	var orders []order
	for _, day := range days {
		orders = append(orders, paid(client, day, 100))
	}
	return orders
}

// The window before 8 March is 22 February to 8 March, in 2024, a leap year, 23
// February. As of 2026-12-31 those of 2024 to 2026 have ended.
//
//	a  8 March 2024, 22 February 2026; nothing in 2025      two years: listed
//	b  1 March 2024, then in June                           one of three: not
//	c  June 2025 first, then 1 March 2026                   each year since: listed
//	d  9 March 2025, 21 February 2026: both a day beside    none
//	e  22 February 2024 (a day early), 7 March 2025, 8 March 2026   two of three
//	f  first of all on 5 March 2026: the one year there is  listed
func TestSeasonalityByHand(t *testing.T) {
	orders := slices.Concat(
		on("a", "2026-02-22", "2024-03-08"), on("b", "2024-03-01", "2024-06-01", "2025-06-01"), on("c", "2025-06-10", "2026-03-01"),
		on("d", "2025-03-09", "2026-02-21"), on("e", "2024-02-22", "2025-03-07", "2026-03-08"), on("f", "2026-03-05", "2026-03-06"))
	march := func(m *config.Metrics) { m.Seasons = []config.Season{{Name: "8-march", Day: "03-08", DaysBefore: 14}} }
	rows, thresholds := analytics.Seasonality(base(t, options(t, march), orders...))
	want := []schema.SeasonalityRow{
		{ClientID: "a", Window: "8-march", Years: []int64{2024, 2026}},
		{ClientID: "c", Window: "8-march", Years: []int64{2026}},
		{ClientID: "e", Window: "8-march", Years: []int64{2025, 2026}},
		{ClientID: "f", Window: "8-march", Years: []int64{2026}},
	}
	if diff := gocmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if row := thresholds[0]; len(thresholds) != 1 || row.Metric != "season" || row.Rule != "8-march" || *row.Bound1 != 14 || *row.Bound2 != 0 || *row.Bound3 != 2 {
		t.Errorf("thresholds %+v", thresholds)
	}
	// On 7 March 2026 that year's window is not over: it is no earlier year, and c has
	// not existed in any.
	o := options(t, march)
	o.AsOf = day(t, "2026-03-07")
	rows, _ = analytics.Seasonality(base(t, o, orders...))
	if len(rows) != 0 {
		t.Errorf("as of 2026-03-07: %v, want none: a and b have one year of two", rows)
	}
	o.AsOf = day(t, "2026-03-08")
	if rows, _ = analytics.Seasonality(base(t, o, orders...)); len(rows) != 4 {
		t.Errorf("as of 2026-03-08: %v, want the four of the year's end", rows)
	}
}

// A window over New Year belongs to the year of its day: 24 December to 7 January
// before Christmas of the old calendar.
func TestAWindowOverNewYear(t *testing.T) {
	o := options(t, func(m *config.Metrics) {
		m.Seasons = []config.Season{{Name: "christmas", Day: "01-07", DaysBefore: 14}, {Name: "after", Day: "12-31", DaysAfter: 2}}
	})
	o.AsOf = day(t, "2026-01-07")
	rows, _ := analytics.Seasonality(base(t, o, slices.Concat(
		on("a", "2023-12-24", "2026-01-07"), on("b", "2024-01-03", "2024-12-31", "2025-12-24"), on("c", "2026-01-02"))...))
	want := []schema.SeasonalityRow{
		{ClientID: "a", Window: "christmas", Years: []int64{2024, 2026}},
		{ClientID: "b", Window: "christmas", Years: []int64{2024, 2025, 2026}},
		{ClientID: "c", Window: "after", Years: []int64{2025}},
		{ClientID: "c", Window: "christmas", Years: []int64{2026}},
	}
	if diff := gocmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSeasonsOfNobody(t *testing.T) {
	for name, o := range map[string]analytics.Options{"no seasons": options(t, func(m *config.Metrics) { m.Seasons = nil }), "seasons": options(t)} {
		rows, thresholds := analytics.Seasonality(base(t, o, paid("", "2026-03-01", 1)))
		if len(rows) != 0 || len(thresholds) != len(o.Metrics.Seasons) {
			t.Errorf("%s: %v, %d thresholds", name, rows, len(thresholds))
		}
	}
}

// The plain way: every day of the calendar is asked whether it is in a window.
func TestSeasonalityAgreesWithTheCalendar(t *testing.T) {
	orders := towns(4, 300)
	o := options(t)
	o.AsOf = day(t, "2026-03-01")
	var want []schema.SeasonalityRow
	first, days := map[string]string{}, map[[2]string]bool{}
	for _, one := range orders {
		if one.Client == "" || one.Day > "2026-03-01" {
			continue
		}
		if first[one.Client] == "" || one.Day < first[one.Client] {
			first[one.Client] = one.Day
		}
		days[[2]string{one.Client, one.Day}] = true
	}
	for client, since := range first {
		for _, s := range o.Metrics.Seasons {
			var years []int64
			existed := 0
			for year := 2020; year < 2030; year++ {
				month, dayOfMonth, _ := s.Date()
				end := time.Date(year, month, dayOfMonth+s.DaysAfter, 0, 0, 0, 0, time.UTC)
				if end.Format(time.DateOnly) > "2026-03-01" || end.Format(time.DateOnly) < since {
					continue
				}
				existed++
				for back := range s.DaysBefore + s.DaysAfter + 1 {
					if days[[2]string{client, end.AddDate(0, 0, -back).Format(time.DateOnly)}] {
						years = append(years, int64(year))
						break
					}
				}
			}
			if len(years) >= 2 || len(years) > 0 && len(years) == existed {
				want = append(want, schema.SeasonalityRow{ClientID: client, Window: s.Name, Years: years})
			}
		}
	}
	slices.SortFunc(want, func(x, y schema.SeasonalityRow) int {
		return cmp.Or(cmp.Compare(x.ClientID, y.ClientID), cmp.Compare(x.Window, y.Window))
	})
	got, _ := analytics.Seasonality(add(t, o, plain, 50, orders))
	if diff := gocmp.Diff(want, got); diff != "" || len(want) < 5 {
		t.Errorf("%d rows (-want +got):\n%s", len(want), diff)
	}
}
