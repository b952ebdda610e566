package analytics

import (
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// MetricRecencyBands in the thresholds has the rule days: the last day of each band
// of the recency table but the open one.
const MetricRecencyBands = "recency_bands"

// RecencyBands counts n clients by the whole days from the last purchase to the as-of
// day; client tells these of each, and his revenue. Lasts are the last days of the bands, rising, at most nine; behind them comes
// an open band. The bands follow each other without a gap from day 0 on, so that
// everybody who has bought is in one; without such clients there are no rows.
func RecencyBands(n int, client func(int) (days, minor int64), lasts []int) ([]schema.RecencyRow, schema.ThresholdRow) {
	threshold := schema.ThresholdRow{Metric: MetricRecencyBands, Entity: EntityClient, Rule: "days"}
	bounds := make([]float64, len(lasts))
	for i, last := range lasts {
		bounds[i] = float64(last)
	}
	setBounds(&threshold, bounds)
	threshold.Note = unitDays + "; each bound is the last day of a band, the band behind the last one is open"
	if n == 0 {
		return nil, threshold
	}
	rows := make([]schema.RecencyRow, len(lasts)+1)
	for i, last := range lasts {
		to := int64(last)
		rows[i].ToDays, rows[i+1].FromDays = &to, to+1
	}
	for i := range n {
		days, minor := client(i)
		band, _ := slices.BinarySearch(lasts, int(days)) // a last day belongs to its own band
		rows[band].Clients++
		rows[band].RevenueMinor += minor
	}
	for i := range rows {
		rows[i].Share = ratio(rows[i].Clients, int64(n))
	}
	return rows, threshold
}
