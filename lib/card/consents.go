package card

import (
	"github.com/leadlake/leadlake/lib/schema"
)

// ConsentRows lists the deciding statement of every purpose that was stated of a
// client, by purpose. A purpose without a row is unknown, which is no for
// advertising and messages and is not the same as withdrawn.
func ConsentRows(c *Card) []schema.ConsentStateRow {
	var rows []schema.ConsentStateRow
	for _, s := range c.Consents.All() {
		rows = append(rows, schema.ConsentStateRow{
			ClientID: c.ClientID, Purpose: string(s.Purpose), State: string(c.Consents.State(s.Purpose)), At: s.At,
			TextVersion: s.TextVersion, Channel: s.Channel, Evidence: s.Evidence, EventID: s.EventID,
		})
	}
	return rows
}
