package analytics

import (
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// Channels gives every count its share of the contacts of its month, or of all time;
// the order stays. The shares of a month add up to 1, rounding apart.
func Channels(counts []card.ChannelCount) []schema.ChannelRow {
	months := map[string]int64{}
	for _, c := range counts {
		months[c.Month] += c.Contacts
	}
	rows := make([]schema.ChannelRow, len(counts))
	for i, c := range counts {
		rows[i] = schema.ChannelRow{
			Month: c.Month, Channel: c.Channel, Direction: c.Direction, Contacts: c.Contacts, Clients: c.Clients,
			Share: ratio(c.Contacts, months[c.Month]),
		}
	}
	return rows
}
