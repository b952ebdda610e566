package analytics

import (
	"slices"

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

// cohortLine is what the clients whose first purchase fell in one month bought, by
// the months since.
type cohortLine struct {
	clients int64
	cells   []cohortCell // up to the month of the as-of day
}

type cohortCell struct {
	active, revenue int64
	last            int64 // clients whose latest purchase was in this month
}

func (l *cohortLine) merge(o *cohortLine) {
	l.clients += o.clients
	for i, cell := range o.cells {
		l.cells[i].active += cell.active
		l.cells[i].revenue += cell.revenue
		l.cells[i].last += cell.last
	}
}

// cohort is the line of a month so many before the last. Only those with clients are
// there: one stray day of long ago costs one line.
func (s *monthlySums) cohort(back int) *cohortLine {
	if s.cohorts[back] == nil {
		s.cohorts[back] = &cohortLine{cells: make([]cohortCell, back+1)}
	}
	return s.cohorts[back]
}

func (s *monthlySums) addCohort(months []ClientMonth) {
	first := months[0].Month
	line := s.cohort(int(s.last - first))
	line.clients++
	for i := range months {
		cell := &line.cells[months[i].Month-first]
		cell.active++
		cell.revenue += months[i].RevenueMinor
	}
	line.cells[months[len(months)-1].Month-first].last++
}

// Cohorts groups clients by the calendar month of the first purchase (metrics.md,
// "Cohorts"): a row for each month with a new client and each period up to the
// month of the as-of day, ordered by (cohort_month, period). Revenue is of the
// period's own month, also when active is counted unbounded. A period whose month
// has not ended is not Complete and belongs in no average.
func Cohorts(b *Base, active Activity) []schema.CohortRow {
	var rows []schema.CohortRow
	for back, line := range slices.Backward(b.sums.cohorts) {
		if line == nil {
			continue
		}
		cohort := b.sums.last - Month(back) //nolint:gosec // G115: months of four-digit years
		cumulative, left := int64(0), int64(0)
		for period, cell := range line.cells {
			cumulative += cell.revenue
			count := cell.active
			if active == Unbounded {
				count = line.clients - left
			}
			left += cell.last
			rows = append(rows, schema.CohortRow{
				CohortMonth: cohort.String(), Period: int64(period), Clients: line.clients,
				Active: count, Retention: ratio(count, line.clients),
				RevenueMinor: cell.revenue, CumulativeRevenueMinor: cumulative,
				Complete: (cohort + Month(period)).EndedBy(b.AsOf),
			})
		}
	}
	return rows
}

// lifecycleSums count the clients who bought in a month.
type lifecycleSums struct{ new, returning, resurrected int64 }

func (s *lifecycleSums) add(o lifecycleSums) {
	s.new += o.new
	s.returning += o.returning
	s.resurrected += o.resurrected
}

func (s *monthlySums) addLifecycle(months []ClientMonth) {
	s.lifecycle[s.last-months[0].Month].new++
	for i, m := range months[1:] {
		if months[i].Month == m.Month-1 {
			s.lifecycle[s.last-m.Month].returning++
		} else {
			s.lifecycle[s.last-m.Month].resurrected++
		}
	}
}

// LifecycleMonths counts for every month from the first purchase of the base to
// the as-of day everybody who had bought by its end, each in one column: new
// (first purchase in it), returning (bought in it and in the month before),
// resurrected (bought in it, not in the month before, but earlier) or dormant (did
// not buy in it). The last month may not have ended.
func LifecycleMonths(b *Base) []schema.LifecycleRow {
	var rows []schema.LifecycleRow
	known := int64(0)
	for back, of := range slices.Backward(b.sums.lifecycle) {
		known += of.new
		rows = append(rows, schema.LifecycleRow{
			Month: (b.sums.last - Month(back)).String(), //nolint:gosec // G115: months of four-digit years
			New:   of.new, Returning: of.returning, Resurrected: of.resurrected,
			Dormant: known - of.new - of.returning - of.resurrected,
		})
	}
	return rows
}
