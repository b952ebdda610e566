package handover

import (
	"iter"

	"github.com/leadlake/leadlake/lib/schema"
)

// BudgetDays is how many days the contact budget looks at: the as-of day and the 29
// before it.
const BudgetDays = 30

// Contacts counts, for each client, how often he was newly handed over in a message
// file. rows are those of the hand-overs of [BudgetDays] days; client gives the id
// that a client has now, by one that he had when he was handed over, and is empty
// for somebody who is no client any more. A client that was several at the time
// has the contacts of all of them.
func Contacts(rows iter.Seq[schema.ContactedRow], client func(id string) string) map[string]int {
	counts := map[string]int{}
	for row := range rows {
		if id := client(row.ClientID); id != "" {
			counts[id]++
		}
	}
	return counts
}
