package pipeline

import (
	"context"
	"slices"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// overlay folds statements on top of the base, of which it reads the hashes and the
// rows of the orders alone. Without statements there is none.
func (f *folding) overlay(ctx context.Context, s *statements) (*overlay, error) {
	if s.count == 0 {
		return nil, nil //nolint:nilnil // the base says all
	}
	over := new(overlay)
	var rows [orderBuckets][]schema.OrderRow
	found := map[[2]string]bool{}
	_, err := f.find(ctx, s, func(bucket int, object lake.Object[schema.OrderRow], numbers []int64) error {
		over[bucket].version = object.Version()
		known, err := schema.DecodeRows[schema.OrderRow](object.Body(), numbers)
		if err != nil {
			return err
		}
		for i := range known {
			row := &known[i]
			key := [2]string{row.Shop, row.OrderID}
			events := s.of[key]
			if events == nil {
				continue // another order with the hash
			}
			found[key] = true
			anonymous(row, f.n.erased)
			over[bucket].superseded = append(over[bucket].superseded, numbers[i])
			rows[bucket] = append(rows[bucket], f.folded(*row, events))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for key, events := range s.of {
		if !found[key] {
			row := f.folded(schema.OrderRow{}, events)
			bucket := f.bucketOf(&row)
			rows[bucket] = append(rows[bucket], row)
		}
	}
	for bucket := range rows {
		if len(rows[bucket]) == 0 {
			continue
		}
		slices.SortFunc(rows[bucket], func(a, b schema.OrderRow) int { return compareRows(&a, &b) })
		if over[bucket].body, err = schema.Encode(rows[bucket]); err != nil {
			return nil, err
		}
		rows[bucket] = nil
	}
	return over, nil
}
