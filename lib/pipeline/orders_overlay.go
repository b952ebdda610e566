package pipeline

import (
	"context"
	"slices"

	"github.com/leadlake/leadlake/lib/schema"
)

// overlay folds statements on top of the base, of which it reads the hashes and the
// rows of the orders alone. Without statements there is none.
func (f *folding) overlay(ctx context.Context, s *statements) (*overlay, error) {
	if s.count == 0 {
		return nil, nil //nolint:nilnil // the base says all
	}
	group, err := s.all()
	if err != nil {
		return nil, err
	}
	over := new(overlay)
	var rows [orderBuckets][]schema.OrderRow
	found := make([]bool, len(group.orders)) // an order stands in one bucket
	hashes := group.hashes()
	if err := eachBucket(func(_, bucket int) error {
		known, err := f.standing(ctx, bucket, hashes, &over[bucket])
		if err != nil {
			return err
		}
		numbers := over[bucket].superseded
		over[bucket].superseded = nil
		var u unpacker
		for i := range known {
			row := &schema.OrderRow{Shop: known[i].Shop, OrderID: known[i].OrderID, Lines: known[i].Lines, Statements: known[i].Statements}
			number := group.find(row.Shop, row.OrderID)
			if number < 0 {
				continue // another order with the hash
			}
			found[number] = true
			anonymous(row, f.n.erased)
			over[bucket].superseded = append(over[bucket].superseded, numbers[i])
			rows[bucket] = append(rows[bucket], f.folded(*row, group.events(number, &u, nil)))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var u unpacker
	for number := range group.orders {
		if found[number] {
			continue
		}
		row := f.folded(schema.OrderRow{}, group.events(number, &u, nil))
		bucket := f.bucketOf(&row)
		rows[bucket] = append(rows[bucket], row)
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

// orderSource is the part of an order that all the rest of it is folded from.
type orderSource struct {
	Shop       string                `parquet:"shop,dict"`
	OrderID    string                `parquet:"order_id"`
	Lines      []schema.ItemRow      `parquet:"lines,list"`
	Statements []schema.StatementRow `parquet:"statements,list"`
}

// Table implements schema.Row.
func (orderSource) Table() string { return "orders" }

// Personal implements schema.Row.
func (orderSource) Personal() []string { return nil }

// standing reads the rows of a bucket that have one of the hashes, notes their numbers
// as superseded, and the bucket's version. Nothing else of the bucket is read.
func (f *folding) standing(ctx context.Context, bucket int, hashes hashSet, over *overBucket) ([]orderSource, error) {
	file, err := openBucket(ctx, f.store, bucket)
	if err != nil || file == nil {
		return nil, err
	}
	over.version = file.info.Version
	if over.superseded, _, err = hashes.in(ctx, file.File); err != nil {
		return nil, file.fault(ctx, err)
	}
	rows, err := schema.DecodeRows[orderSource](file.reader(ctx), file.info.Size, over.superseded)
	if err != nil {
		return nil, file.fault(ctx, err)
	}
	return rows, file.unchanged(ctx)
}
