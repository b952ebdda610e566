package analytics

import (
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Activity says when a client of a cohort counts as active in a period.
type Activity int

const (
	// Bounded counts clients who bought in that month.
	Bounded Activity = iota
	// Unbounded counts clients who bought in that month or later.
	Unbounded
)

// MetricCohorts is the thresholds' metric that says, by its rule, which Activity the
// cohorts of the night count: bounded or unbounded. It has no bounds.
const MetricCohorts = "cohorts"

// Activities by their words (metrics.cohorts).
const (
	cohortsBounded   = "bounded"
	cohortsUnbounded = "unbounded"
)

// ActivityOf is what the configuration asks for.
func ActivityOf(m config.Metrics) Activity {
	if m.Cohorts == cohortsUnbounded {
		return Unbounded
	}
	return Bounded
}

func cohortThreshold(m config.Metrics) schema.ThresholdRow {
	row := schema.ThresholdRow{Metric: MetricCohorts, Entity: EntityClient, Rule: cohortsBounded, Note: "active is who bought in the period's month"}
	if ActivityOf(m) == Unbounded {
		row.Rule, row.Note = cohortsUnbounded, row.Note+" or later"
	}
	return row
}

// Cohorts groups clients by the calendar month of the first purchase (metrics.md,
// "Cohorts"): a row for each month with a new client and each period up to the
// month of the as-of day, ordered by (cohort_month, period). Revenue is of the
// period's own month, also when active is counted unbounded. A period whose month
// has not ended is not Complete and belongs in no average.
func Cohorts(b *Base, active Activity) []schema.CohortRow {
	if len(b.Clients) == 0 {
		return nil
	}
	first, end := b.months()
	span := int(end-first) + 1
	sizes := make([]int64, span)
	type sum struct{ active, revenue int64 }
	lines := make([][]sum, span) // by cohort, only of those with clients: one stray day of long ago costs one line
	for _, client := range b.Clients {
		cohort := client.FirstDay.Month()
		sizes[cohort-first]++
		line := lines[cohort-first]
		if line == nil {
			line = make([]sum, span-int(cohort-first))
			lines[cohort-first] = line
		}
		for _, m := range b.History(client) {
			line[m.Month-cohort].revenue += m.RevenueMinor
			if active == Bounded {
				line[m.Month-cohort].active++
			}
		}
		if active == Unbounded {
			for period := range client.LastDay.Month() - cohort + 1 {
				line[period].active++
			}
		}
	}
	var rows []schema.CohortRow
	for at, size := range sizes {
		if size == 0 {
			continue
		}
		cohort := first + Month(at)
		cumulative := int64(0)
		for period, cell := range lines[at] {
			cumulative += cell.revenue
			rows = append(rows, schema.CohortRow{
				CohortMonth: cohort.String(), Period: int64(period), Clients: size,
				Active: cell.active, Retention: ratio(cell.active, size),
				RevenueMinor: cell.revenue, CumulativeRevenueMinor: cumulative,
				Complete: (cohort + Month(period)).EndedBy(b.AsOf),
			})
		}
	}
	return rows
}

// LifecycleMonths counts for every month from the first purchase of the base to
// the as-of day everybody who had bought by its end, each in one column: new
// (first purchase in it), returning (bought in it and in the month before),
// resurrected (bought in it, not in the month before, but earlier) or dormant (did
// not buy in it). The last month may not have ended.
func LifecycleMonths(b *Base) []schema.LifecycleRow {
	if len(b.Clients) == 0 {
		return nil
	}
	first, end := b.months()
	rows := make([]schema.LifecycleRow, end-first+1)
	for i := range rows {
		rows[i].Month = (first + Month(i)).String()
	}
	for _, client := range b.Clients {
		history := b.History(client)
		rows[history[0].Month-first].New++
		for i, m := range history[1:] {
			if history[i].Month == m.Month-1 {
				rows[m.Month-first].Returning++
			} else {
				rows[m.Month-first].Resurrected++
			}
		}
	}
	known := int64(0)
	for i := range rows {
		known += rows[i].New
		rows[i].Dormant = known - rows[i].New - rows[i].Returning - rows[i].Resurrected
	}
	return rows
}

// months is the first month with a purchase of a client and the month of the as-of
// day.
func (b *Base) months() (first, end Month) {
	earliest := b.Clients[0].FirstDay
	for i := range b.Clients {
		earliest = min(earliest, b.Clients[i].FirstDay)
	}
	return earliest.Month(), b.AsOf.Month()
}
