package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/pipeline"
)

// checkLedger compares the ledger by id; it returns what it found along with an
// imbalance.
func (m *machine) checkLedger(ctx context.Context) (string, *pipeline.LedgerCheck, error) {
	check, err := m.steps.CheckLedger(ctx)
	if err != nil {
		return "", nil, err
	}
	says := fmt.Sprintf("%d deliveries balance by id; %d raw objects wait", check.Deliveries, check.Waiting)
	if len(check.Busy) > 0 {
		says += fmt.Sprintf("; %s changed at every look and was not compared", strings.Join(check.Busy, ", "))
	}
	return says, &check, check.Err()
}

// shownDays is how many days a check prints; -json prints all.
const shownDays = 30

// ledgerText is a line for each day and source: the newest days, and those that do
// not balance.
func ledgerText(check pipeline.LedgerCheck) string {
	from := ""
	var days []string
	for _, d := range check.Days {
		if len(days) == 0 || days[len(days)-1] != d.Day {
			days = append(days, d.Day)
		}
	}
	if len(days) > shownDays {
		from = days[len(days)-shownDays]
	}
	var text strings.Builder
	left := 0
	for _, d := range check.Days {
		if d.Day < from && d.Balanced {
			left++
			continue
		}
		fmt.Fprintf(&text, "      %s %-14s %d received = %d events + %d pings + %d failed", d.Day, d.Source, d.Received, d.Events, d.Pings, d.Failed)
		for i, reason := range slices.Sorted(maps.Keys(d.FailedBy)) {
			separator := ", "
			if i == 0 {
				separator = " ("
			}
			fmt.Fprintf(&text, "%s%d %s", separator, d.FailedBy[reason], reason)
		}
		if len(d.FailedBy) > 0 {
			text.WriteByte(')')
		}
		fmt.Fprintf(&text, " + %d duplicates + %d suppressed + %d erased", d.Duplicates, d.Suppressed, d.Erased)
		if d.Waiting > 0 {
			fmt.Fprintf(&text, "; %d wait", d.Waiting)
		}
		if !d.Balanced {
			text.WriteString("  UNBALANCED")
		}
		text.WriteByte('\n')
	}
	if left > 0 {
		fmt.Fprintf(&text, "      and %d older lines that balance; -json prints them\n", left)
	}
	return text.String()
}
