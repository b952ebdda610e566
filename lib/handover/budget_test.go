package handover_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/schema"
)

// Anna was handed over twice, then as another client who turned out to be her: three
// contacts. Boris once. Who is no client any more has none.
func TestContactsAreCountedThroughAliases(t *testing.T) {
	rows := []schema.ContactedRow{{ClientID: "anna"}, {ClientID: "boris"}, {ClientID: "anna"}, {ClientID: "anya"}, {ClientID: "gone"}}
	now := map[string]string{"anna": "anna", "anya": "anna", "boris": "boris"}
	for range 3 { // the order of rows does not matter
		got := handover.Contacts(slices.Values(rows), func(id string) string { return now[id] })
		if diff := cmp.Diff(map[string]int{"anna": 3, "boris": 1}, got); diff != "" {
			t.Error(diff)
		}
		rows = append(rows[1:], rows[0])
	}
	if got := handover.Contacts(slices.Values([]schema.ContactedRow(nil)), func(id string) string { return id }); len(got) != 0 {
		t.Errorf("nobody was contacted, %v", got)
	}
}

// The as-of day and the 29 before it.
func TestBudgetDays(t *testing.T) {
	days, err := handover.DaysOfBudget("2026-03-02")
	if err != nil || len(days) != handover.BudgetDays || days[0] != "2026-02-01" || days[29] != "2026-03-02" {
		t.Errorf("days %v, %v", days, err)
	}
	if _, err := handover.DaysOfBudget("March"); err == nil {
		t.Error("no day is a day")
	}
}
