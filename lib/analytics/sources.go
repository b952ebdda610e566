package analytics

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// Sources says what each source's campaign brought and cost, ordered by (month,
// source, campaign). The month is that in which clients entered the funnel, and
// their purchases count up to the as-of day, whenever they were made. A campaign
// that cost something and brought nobody has a row. Costs per client and the return
// are unknown without a cost, the return on a cost that is not above zero too.
func (f *Funnel) Sources(costs []Cost) []schema.SourceRow {
	rows := map[costKey]*schema.SourceRow{}
	at := func(key costKey) *schema.SourceRow {
		row := rows[key]
		if row == nil {
			row = &schema.SourceRow{Month: key.month.String(), Source: key.source, Campaign: key.campaign}
			rows[key] = row
		}
		return row
	}
	f.walk(func(client int, interest uint32, p path) {
		if interest != 0 {
			return
		}
		c := &f.clients[client]
		row := at(costKey{p.entry().Month(), folded(c.Source), folded(c.Campaign)})
		row.Leads++
		if c.Orders > 0 {
			row.Clients++
			row.Orders += c.Orders
			row.RevenueMinor += c.RevenueMinor
		}
	})
	for _, c := range costs {
		row := at(c.costKey())
		row.CostMinor = &c.Minor
		row.CostPerLeadMinor, row.CostPerClientMinor = each(c.Minor, row.Leads), each(c.Minor, row.Clients)
		if c.Minor > 0 {
			row.ReturnOnSpend = share(row.RevenueMinor, c.Minor)
		}
	}
	table := make([]schema.SourceRow, 0, len(rows))
	for _, row := range rows {
		table = append(table, *row)
	}
	slices.SortFunc(table, func(a, b schema.SourceRow) int {
		return cmp.Or(strings.Compare(a.Month, b.Month), strings.Compare(a.Source, b.Source), strings.Compare(a.Campaign, b.Campaign))
	})
	return table
}
