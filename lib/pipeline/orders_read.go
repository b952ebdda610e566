package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// foldedOrders is the only door to the folded orders: the rows of the base but for
// those that newer ones stand in for, then those. Reading is errMoved where a bucket
// of the base has changed since the newer rows were made.
type foldedOrders struct {
	p       *Pipeline
	store   objstore.Store
	over    *overlay         // nil: the base says all
	version objstore.Version // of the state
	pinned  bool             // the state must not have changed when all was read
}

// overlay is what newer statements make of orders, by bucket.
type overlay [orderBuckets]overBucket

type overBucket struct {
	version    objstore.Version // of the base's bucket
	superseded []int64          // numbers of its rows, rising
	body       []byte           // a Parquet file of the rows in their place and of new ones; nil: none
}

// stand is errMoved if another night has merged orders while these were read.
func (o *foldedOrders) stand(ctx context.Context) error {
	if !o.pinned {
		return nil
	}
	return o.p.ordersStand(ctx, o.version)
}

// overBucket is what stands over a bucket of the base in some version.
func (o *foldedOrders) overBucket(bucket int, version objstore.Version) (overBucket, error) {
	if o.over == nil {
		return overBucket{}, nil
	}
	over := o.over[bucket]
	if over.version != version {
		return over, errMoved
	}
	return over, nil
}

// readOrders reads the orders of a bucket: those of the base in its order, then
// those that are newer.
func readOrders[T schema.Row](ctx context.Context, o *foldedOrders, bucket int) ([]T, error) {
	table, err := lake.ReadTable[T](ctx, o.store, bucketKey(bucket))
	if err != nil {
		return nil, err
	}
	over, err := o.overBucket(bucket, table.Version)
	if err != nil || over.body == nil {
		return table.Rows, err
	}
	number, superseded := int64(-1), over.superseded
	rows := slices.DeleteFunc(table.Rows, func(T) bool {
		number++
		if len(superseded) == 0 || superseded[0] != number {
			return false
		}
		superseded = superseded[1:]
		return true
	})
	newer, err := schema.Decode[T](over.body)
	return append(rows, newer...), err
}

// records is readOrders as records of columns: rows of the base that newer ones stand
// in for are among them and are no purchases, which who asks for that column sees.
func (o *foldedOrders) records(ctx context.Context, bucket int, columns ...string) iter.Seq2[columnar.Record, error] {
	return func(yield func(columnar.Record, error) bool) {
		body, info, err := o.store.Get(ctx, bucketKey(bucket))
		if err != nil && !errors.Is(err, objstore.ErrNotExist) {
			yield(nil, fmt.Errorf("pipeline: read orders: %w", err))
			return
		}
		over, err := o.overBucket(bucket, info.Version)
		if err != nil {
			yield(nil, err)
			return
		}
		if body != nil && !eachRecord(ctx, body, over.superseded, columns, yield) {
			return
		}
		if over.body != nil {
			eachRecord(ctx, over.body, nil, columns, yield)
		}
	}
}

// eachRecord yields the records of a file, without the purchases of some rows. It
// reports whether more are wanted.
func eachRecord(ctx context.Context, body []byte, superseded []int64, columns []string, yield func(columnar.Record, error) bool) bool {
	first := int64(0)
	for rec, err := range columnar.Records(ctx, body, columns...) {
		if err != nil {
			yield(nil, err)
			return false
		}
		var rows []int
		for end := first + rec.NumRows(); len(superseded) > 0 && superseded[0] < end; superseded = superseded[1:] {
			rows = append(rows, int(superseded[0]-first))
		}
		first += rec.NumRows()
		if rows == nil || !slices.Contains(columns, "purchase") {
			if !yield(rec, nil) {
				return false
			}
			continue
		}
		cleared, err := columnar.Clear(rec, "purchase", rows)
		if err != nil {
			yield(nil, err)
			return false
		}
		going := yield(cleared, nil)
		cleared.Release()
		if !going {
			return false
		}
	}
	return true
}
