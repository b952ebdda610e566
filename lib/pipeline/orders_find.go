package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// orderKey is the part of an order that names it.
type orderKey struct {
	Shop    string `parquet:"shop,dict"`
	OrderID string `parquet:"order_id"`
}

// Table implements schema.Row.
func (orderKey) Table() string { return "orders" }

// Personal implements schema.Row.
func (orderKey) Personal() []string { return nil }

// in returns the numbers of the rows of a bucket that have one of the hashes, and
// how many rows there are.
func (h hashSet) in(ctx context.Context, bucket *columnar.File) (numbers []int64, rows int64, err error) {
	for values, err := range bucket.Int64s(ctx, "order_hash") {
		if err != nil {
			return nil, 0, err
		}
		for i, hash := range values {
			if h.has(hash) {
				numbers = append(numbers, rows+int64(i))
			}
		}
		rows += int64(len(values))
	}
	return numbers, rows, nil
}

// find visits every bucket with the rows in it whose hash is one of the group's: those of
// its orders, and perhaps of others. Nothing else of a bucket is decoded.
func (f *folding) find(ctx context.Context, group *orderGroup, visit func(bucket int, object lake.Object[schema.OrderRow], numbers []int64) error) (rows int64, err error) {
	set := group.hashes()
	for bucket := range orderBuckets {
		object, err := lake.ReadObject[schema.OrderRow](ctx, f.store, bucketKey(bucket))
		if err != nil {
			return 0, err
		}
		var numbers []int64
		n := int64(0)
		if object.Body() != nil {
			file, err := columnar.OpenBytes(object.Body())
			if err != nil {
				return 0, err
			}
			if numbers, n, err = set.in(ctx, file); err != nil {
				return 0, err
			}
		}
		rows += n
		if err := visit(bucket, object, numbers); err != nil {
			return 0, err
		}
	}
	return rows, nil
}
