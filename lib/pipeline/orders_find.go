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

// hashSet finds the few hashes that are looked for among many: one bit tells of
// most others that they are none of them.
type hashSet struct {
	bits   []uint64
	mask   uint64
	hashes map[int64]struct{}
}

func (s *statements) hashes() hashSet {
	size := uint64(1 << 10)
	for size < 16*uint64(len(s.of)) {
		size *= 2
	}
	set := hashSet{bits: make([]uint64, size/64), mask: size - 1, hashes: make(map[int64]struct{}, len(s.of))}
	for key := range s.of {
		hash := s.hash(key[0], key[1])
		set.hashes[hash] = struct{}{}
		bit := uint64(hash) & set.mask //nolint:gosec // G115: any 64 bits
		set.bits[bit/64] |= 1 << (bit % 64)
	}
	return set
}

func (h hashSet) has(hash int64) bool {
	bit := uint64(hash) & h.mask //nolint:gosec // G115: any 64 bits
	if h.bits[bit/64]&(1<<(bit%64)) == 0 {
		return false
	}
	_, ok := h.hashes[hash]
	return ok
}

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

// find visits every bucket with the rows in it whose hash is one of the statements':
// those of the orders, and perhaps of others. Nothing else of a bucket is decoded.
func (f *folding) find(ctx context.Context, s *statements, visit func(bucket int, object lake.Object[schema.OrderRow], numbers []int64) error) (rows int64, err error) {
	set := s.hashes()
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
