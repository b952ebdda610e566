package analytics

import (
	"cmp"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// MetricSeason in the thresholds has a rule by the name of each season.
const MetricSeason = "season"

// Seasonality lists the clients who buy in the same days of every year (metrics.md,
// "Seasonality"), ordered by (client_id, window). A season's window of a year is its
// day of that year, days_before days before it and days_after after it; one that
// reaches over New Year belongs to the year of its day. Earlier years are those
// whose window has ended by the as-of day. A client exists in a year if his first
// purchase is not after its window. Listed is who bought in the windows of at least
// two earlier years, or of each one in which he existed and at least one.
func Seasonality(b *Base) ([]schema.SeasonalityRow, []schema.ThresholdRow) {
	var thresholds []schema.ThresholdRow
	seasons := make([]season, len(b.Metrics.Seasons))
	order := make([]int, len(seasons))
	earliest := b.Earliest()
	for i, of := range b.Metrics.Seasons {
		order[i] = i
		month, day, _ := of.Date() // checked by NewAccumulator
		seasons[i].name = of.Name
		for year := int(earliest.Month() / 12); year <= int(b.AsOf.Month()/12)+1; year++ {
			at := dayOn(year, month, day)
			w := window{year, at - Day(of.DaysBefore), at + Day(of.DaysAfter)} //nolint:gosec // G115: half a year at most
			if w.to >= earliest && w.to <= b.AsOf {
				seasons[i].windows = append(seasons[i].windows, w)
			}
		}
		row := schema.ThresholdRow{Metric: MetricSeason, Entity: EntityClient, Rule: of.Name}
		setBounds(&row, []float64{float64(of.DaysBefore), float64(of.DaysAfter), leastYears})
		row.Note = of.Day + ", bound_1 days before it and bound_2 after it; bought in bound_3 years whose window has ended, or in each since the first purchase"
		thresholds = append(thresholds, row)
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(seasons[i].name, seasons[j].name) })
	var rows []schema.SeasonalityRow
	var days []Day
	for place := range b.Len() {
		days = b.daysOf(place, days)
		for _, i := range order {
			if years := seasons[i].years(days); years != nil {
				rows = append(rows, schema.SeasonalityRow{ClientID: b.ID(place), Window: seasons[i].name, Years: years})
			}
		}
	}
	return rows, thresholds
}

// leastYears make a season of a client who did not buy in each.
const leastYears = 2

// season is the windows of a season that have ended, rising.
type season struct {
	name    string
	windows []window
}

// window is the days from and to of a year, both included.
type window struct {
	year     int
	from, to Day
}

// years is those in whose window one of the days is, if they make a season; the
// days rise, the first is that of the first purchase.
func (s *season) years(days []Day) []int64 {
	existed, at := 0, 0
	var years []int64
	for _, w := range s.windows {
		if w.to < days[0] {
			continue
		}
		existed++
		for at < len(days) && days[at] < w.from {
			at++
		}
		if at < len(days) && days[at] <= w.to {
			years = append(years, int64(w.year))
		}
	}
	if len(years) >= leastYears || len(years) == existed {
		return years
	}
	return nil
}
