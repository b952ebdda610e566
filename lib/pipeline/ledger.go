package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// countLedger counts the outcomes of every day and source. A day balances here if
// each of its lines has an outcome; whether the outcomes have their evidence, and
// raw its lines, is what CheckLedger looks at.
func countLedger(ctx context.Context, store objstore.Store) ([]LedgerDay, error) {
	days, err := lake.Days(ctx, store, lake.DeliveriesPrefix)
	if err != nil {
		return nil, err
	}
	var rows []LedgerDay
	for _, day := range days {
		table, err := lake.ReadDay[schema.DeliveryRow](ctx, store, lake.DeliveriesPrefix, day)
		if err != nil {
			return nil, err
		}
		c := &dayCheck{day: day}
		c.reset()
		c.count(table.Rows)
		rows = append(rows, c.rows()...)
	}
	return rows, nil
}

// ledgerTable is the ledger as a table of the night or of a page.
func ledgerTable(days []LedgerDay) []schema.LedgerRow {
	rows := make([]schema.LedgerRow, len(days))
	for i, d := range days {
		rows[i] = schema.LedgerRow{
			Day: d.Day, Source: d.Source, Received: d.Received, Events: d.Events, Pings: d.Pings, Failed: d.Failed,
			Duplicates: d.Duplicates, Suppressed: d.Suppressed, Erased: d.Erased, Balanced: d.Balanced,
		}
	}
	return rows
}

// failedCounts counts failed deliveries by source and reason, of all deliveries
// of the source.
func failedCounts(days []LedgerDay) []schema.QualityRow {
	counts, totals := map[[2]string]int64{}, map[string]int64{}
	for _, d := range days {
		totals[d.Source] += d.Received
		for reason, n := range d.FailedBy {
			counts[[2]string{d.Source, reason}] += n
		}
	}
	rows := make([]schema.QualityRow, 0, len(counts))
	for key, count := range counts {
		rows = append(rows, schema.QualityRow{Source: key[0], Measure: card.MeasureFailed + key[1], Count: count, Of: totals[key[0]]})
	}
	return rows
}
