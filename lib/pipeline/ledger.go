package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// ledgerRows balances every day and source: each received delivery has exactly
// one outcome. Received is counted from the ledger's lines; whether raw holds
// deliveries that no line names is what CheckLedger looks at.
func ledgerRows(ctx context.Context, store objstore.Store) ([]schema.LedgerRow, error) {
	days, err := lake.Days(ctx, store, lake.DeliveriesPrefix)
	if err != nil {
		return nil, err
	}
	var rows []schema.LedgerRow
	for _, day := range days {
		table, err := lake.ReadDay[schema.DeliveryRow](ctx, store, lake.DeliveriesPrefix, day)
		if err != nil {
			return nil, err
		}
		bySource := map[string]*schema.LedgerRow{}
		for _, d := range table.Rows {
			row := bySource[d.Source]
			if row == nil {
				row = &schema.LedgerRow{Day: day, Source: d.Source}
				bySource[d.Source] = row
			}
			row.Received++
			switch d.Outcome {
			case schema.OutcomeEvents:
				row.Events++
			case schema.OutcomePing:
				row.Pings++
			case schema.OutcomeFailed:
				row.Failed++
			case schema.OutcomeDuplicate:
				row.Duplicates++
			case schema.OutcomeSuppressed:
				row.Suppressed++
			case schema.OutcomeErased:
				row.Erased++
			}
		}
		for _, row := range bySource {
			row.Balanced = row.Received == row.Events+row.Pings+row.Failed+row.Duplicates+row.Suppressed+row.Erased
			rows = append(rows, *row)
		}
	}
	slices.SortFunc(rows, func(a, b schema.LedgerRow) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Source, b.Source))
	})
	return rows, nil
}

// failedCounts counts failed deliveries by source and reason, of all deliveries
// of the source.
func failedCounts(ctx context.Context, store objstore.Store) ([]schema.QualityRow, error) {
	days, err := lake.Days(ctx, store, lake.DeliveriesPrefix)
	if err != nil {
		return nil, err
	}
	counts, totals := map[[2]string]int64{}, map[string]int64{}
	for _, day := range days {
		table, err := lake.ReadDay[schema.DeliveryRow](ctx, store, lake.DeliveriesPrefix, day)
		if err != nil {
			return nil, err
		}
		for _, d := range table.Rows {
			totals[d.Source]++
			if d.Outcome == schema.OutcomeFailed {
				counts[[2]string{d.Source, d.Reason}]++
			}
		}
	}
	rows := make([]schema.QualityRow, 0, len(counts))
	for key, count := range counts {
		rows = append(rows, schema.QualityRow{Source: key[0], Measure: failedMeasure + key[1], Count: count, Of: totals[key[0]]})
	}
	return rows, nil
}

// failedMeasure begins the measures of gold/quality that count failures.
const failedMeasure = "failed_"
