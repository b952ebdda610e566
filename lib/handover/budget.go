package handover

import (
	"fmt"
	"iter"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// BudgetDays is how many days the contact budget looks at: the day of the hand-over
// and the 29 before it.
const BudgetDays = 30

// DaysOfBudget lists these days, YYYY-MM-DD, rising, with the given one as the last.
func DaysOfBudget(day string) ([]string, error) {
	last, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, fmt.Errorf("handover: no day: %w", err)
	}
	days := make([]string, BudgetDays)
	for i := range days {
		days[i] = last.AddDate(0, 0, i-BudgetDays+1).Format(time.DateOnly)
	}
	return days, nil
}

// Contacts counts for each client how often he was newly handed over in a message
// file. rows are those of all hand-overs of [DaysOfBudget]; client gives the id that
// a client has now by one that he had then, and is empty for somebody who is no
// client any more. Who was several clients at the time has the contacts of all of
// them: he was written to as each.
func Contacts(rows iter.Seq[schema.ContactedRow], client func(id string) string) map[string]int {
	counts := map[string]int{}
	for row := range rows {
		if id := client(row.ClientID); id != "" {
			counts[id]++
		}
	}
	return counts
}
