package analytics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/schema"
)

// As of 2026-04-29, so April has not ended.
//
//	   Jan   Feb   Mar   Apr
//	a  100    –    50    10      cohort January
//	b  200   30     –     –      cohort January
//	c   –     –   400     5      cohort March
func fourMonths(t *testing.T, asOf string) *analytics.Base {
	t.Helper()
	o := options(t)
	o.AsOf = day(t, asOf)
	return base(t, o,
		paid("a", "2026-01-31", 100), paid("a", "2026-03-01", 50), paid("a", "2026-04-01", 10),
		paid("b", "2026-01-01", 150), paid("b", "2026-01-01", 50), paid("b", "2026-02-28", 30),
		paid("c", "2026-03-31", 400), paid("c", "2026-04-29", 5), paid("c", "2026-05-01", 7))
}

func TestCohortsByHand(t *testing.T) {
	want := []schema.CohortRow{
		{CohortMonth: "2026-01", Period: 0, Clients: 2, Active: 2, Retention: 1, RevenueMinor: 300, CumulativeRevenueMinor: 300, Complete: true},
		{CohortMonth: "2026-01", Period: 1, Clients: 2, Active: 1, Retention: 0.5, RevenueMinor: 30, CumulativeRevenueMinor: 330, Complete: true},
		{CohortMonth: "2026-01", Period: 2, Clients: 2, Active: 1, Retention: 0.5, RevenueMinor: 50, CumulativeRevenueMinor: 380, Complete: true},
		{CohortMonth: "2026-01", Period: 3, Clients: 2, Active: 1, Retention: 0.5, RevenueMinor: 10, CumulativeRevenueMinor: 390, Complete: false},
		{CohortMonth: "2026-03", Period: 0, Clients: 1, Active: 1, Retention: 1, RevenueMinor: 400, CumulativeRevenueMinor: 400, Complete: true},
		{CohortMonth: "2026-03", Period: 1, Clients: 1, Active: 1, Retention: 1, RevenueMinor: 5, CumulativeRevenueMinor: 405, Complete: false},
	}
	b := fourMonths(t, "2026-04-29")
	if diff := cmp.Diff(want, analytics.Cohorts(b, analytics.Bounded)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Unbounded: a bought last in April and counts in every month before it.
	for i, active := range []int64{2, 2, 1, 1, 1, 1} {
		row := analytics.Cohorts(b, analytics.Unbounded)[i]
		if row.Active != active || row.RevenueMinor != want[i].RevenueMinor {
			t.Errorf("unbounded %s+%d: active %d, revenue %d; want %d, %d", row.CohortMonth, row.Period, row.Active, row.RevenueMinor, active, want[i].RevenueMinor)
		}
	}
}

// Everything up to the end of the as-of day counts, so a month is over on its last
// day.
func TestAMonthIsCompleteOnItsLastDay(t *testing.T) {
	for asOf, complete := range map[string]bool{"2026-04-29": false, "2026-04-30": true} {
		rows := analytics.Cohorts(fourMonths(t, asOf), analytics.Bounded)
		if got := rows[len(rows)-1].Complete; got != complete {
			t.Errorf("April as of %s: complete = %v, want %v", asOf, got, complete)
		}
	}
	if !day(t, "2024-02-01").Month().EndedBy(day(t, "2024-02-29")) || day(t, "2024-02-01").Month().EndedBy(day(t, "2024-02-28")) {
		t.Error("February 2024 ends on the 29th")
	}
}

func TestLifecycleByHand(t *testing.T) {
	want := []schema.LifecycleRow{
		{Month: "2026-01", New: 2},                             // a, b
		{Month: "2026-02", Returning: 1, Dormant: 1},           // b; a
		{Month: "2026-03", New: 1, Resurrected: 1, Dormant: 1}, // c; a; b
		{Month: "2026-04", Returning: 2, Dormant: 1},           // a, c; b
		{Month: "2026-05", Returning: 1, Dormant: 2},           // c; a, b
		{Month: "2026-06", New: 0, Returning: 0, Resurrected: 0, Dormant: 3},
	}
	if diff := cmp.Diff(want, analytics.LifecycleMonths(fourMonths(t, "2026-06-10"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNobodyHasNoMonths(t *testing.T) {
	b := base(t, options(t), paid("", "2026-01-01", 100))
	if rows := analytics.Cohorts(b, analytics.Bounded); len(rows) != 0 {
		t.Errorf("Cohorts = %v, want none", rows)
	}
	if rows := analytics.LifecycleMonths(b); len(rows) != 0 {
		t.Errorf("LifecycleMonths = %v, want none", rows)
	}
}
