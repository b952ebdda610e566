package analytics

import (
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// MetricRecencyBands in the thresholds has the rule days: the last day of each band
// of the recency table but the open one.
const MetricRecencyBands = "recency_bands"

// RecencyBands counts clients by the whole days from the last purchase to the as-of
// day. Lasts are the last days of the bands, rising, at most nine; behind them comes
// an open band. The bands follow each other without a gap from day 0 on, so that
// everybody who has bought is in one; without such clients there are no rows.
func RecencyBands(clients []Scored, lasts []int) ([]schema.RecencyRow, schema.ThresholdRow) {
	threshold := schema.ThresholdRow{Metric: MetricRecencyBands, Entity: EntityClient, Rule: "days"}
	bounds := make([]float64, len(lasts))
	for i, last := range lasts {
		bounds[i] = float64(last)
	}
	setBounds(&threshold, bounds)
	threshold.Note = unitDays + "; each bound is the last day of a band, the band behind the last one is open"
	if len(clients) == 0 {
		return nil, threshold
	}
	rows := make([]schema.RecencyRow, len(lasts)+1)
	for i, last := range lasts {
		to := int64(last)
		rows[i].ToDays, rows[i+1].FromDays = &to, to+1
	}
	for i := range clients {
		// A last day belongs to its own band.
		band, _ := slices.BinarySearch(lasts, int(clients[i].RecencyDays))
		rows[band].Clients++
		rows[band].RevenueMinor += clients[i].RevenueMinor
	}
	for i := range rows {
		rows[i].Share = ratio(rows[i].Clients, int64(len(clients)))
	}
	return rows, threshold
}
