package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// orderFile is one of the files that hold the orders of a bucket; of it only what is
// asked for is read.
type orderFile struct {
	*columnar.File

	superseded []int64 // rows that newer ones stand in for, rising
	unchanged  func(ctx context.Context) error
}

// smallBucket is what is rather read at once than in parts.
const smallBucket = 256 << 10

// openBucket opens a bucket of the base; nil where there is none.
func openBucket(ctx context.Context, store objstore.Store, bucket int) (*bucketFile, error) {
	return openFile(ctx, store, bucketKey(bucket))
}

// openFile opens a table object of which only parts are wanted; nil where there is
// none. After it was read, its unchanged is errMoved if it was replaced meanwhile.
func openFile(ctx context.Context, store objstore.Store, key string) (*bucketFile, error) {
	info, err := store.Head(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil //nolint:nilnil // nobody's orders are there
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	b := &bucketFile{store: store, info: info}
	if info.Size <= smallBucket {
		if b.body, b.info, err = store.Get(ctx, key); err != nil {
			return nil, fmt.Errorf("pipeline: read %s: %w", key, err)
		}
	}
	if b.File, err = columnar.Open(b.info.Size, func(scratch []byte, offset, length int64) ([]byte, error) {
		return b.part(ctx, scratch, offset, length)
	}); err != nil {
		return nil, b.fault(ctx, err)
	}
	if b.body == nil {
		b.Reuse()
	}
	return b, nil
}

// bucketFile is a bucket of the base, or another object that is read in parts.
type bucketFile struct {
	*columnar.File

	store objstore.Store
	info  objstore.Info
	body  []byte // of a small one
}

func (b *bucketFile) part(ctx context.Context, scratch []byte, offset, length int64) ([]byte, error) {
	if b.body != nil {
		if offset < 0 || length < 0 || offset+length > int64(len(b.body)) {
			return nil, columnar.ErrCorrupt
		}
		return b.body[offset : offset+length : offset+length], nil
	}
	return objstore.ReadRange(ctx, b.store, b.info.Key, offset, length, scratch)
}

// reader is the file for a library that asks for many small parts; blocks are memory
// that is used again, for one reader at a time.
func (b *bucketFile) reader(ctx context.Context, blocks *readBlocks) io.ReaderAt {
	blocks.numbers = blocks.numbers[:0]
	return &bucketReader{ctx: ctx, file: b, blocks: blocks}
}

// readBlocks are the blocks of a bucket that were read, by their numbers.
type readBlocks struct {
	numbers []int64
	bodies  [][]byte // as many or more
}

// of is the memory of a block, and false if it is to be read yet.
func (r *readBlocks) of(number int64) (*[]byte, bool) {
	if at := slices.Index(r.numbers, number); at >= 0 {
		return &r.bodies[at], true
	}
	if len(r.numbers) == len(r.bodies) {
		r.bodies = append(r.bodies, nil)
	}
	return &r.bodies[len(r.numbers)], false
}

// bucketReader reads a bucket in blocks, each once.
type bucketReader struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt has no room for one
	file   *bucketFile
	blocks *readBlocks
}

const readBytes = 128 << 10

// ReadAt implements io.ReaderAt.
func (r *bucketReader) ReadAt(p []byte, offset int64) (n int, err error) {
	if r.file.body != nil {
		return bytes.NewReader(r.file.body).ReadAt(p, offset)
	}
	for n < len(p) {
		at := offset + int64(n)
		if at >= r.file.info.Size {
			return n, io.EOF
		}
		number := at / readBytes
		block, ok := r.blocks.of(number)
		if !ok {
			from := number * readBytes
			body, err := r.file.part(r.ctx, *block, from, min(readBytes, r.file.info.Size-from))
			if err != nil {
				return n, err
			}
			*block = body
			r.blocks.numbers = append(r.blocks.numbers, number)
		}
		if at%readBytes >= int64(len(*block)) {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(p[n:], (*block)[at%readBytes:])
	}
	return n, nil
}

// unchanged is errMoved if the bucket was replaced while it was read in parts.
func (b *bucketFile) unchanged(ctx context.Context) error {
	if b.body != nil {
		return nil
	}
	info, err := b.store.Head(ctx, b.info.Key)
	if errors.Is(err, objstore.ErrNotExist) || err == nil && info.Version != b.info.Version {
		return errMoved
	}
	return err
}

// fault is what an error of reading means: parts of two versions make no file.
func (b *bucketFile) fault(ctx context.Context, err error) error {
	if moved := b.unchanged(ctx); moved != nil {
		return moved
	}
	return err
}

// files opens what holds the orders of a bucket: the base, and what stands over it.
func (o *foldedOrders) files(ctx context.Context, bucket int) ([]orderFile, error) {
	var files []orderFile
	base, err := openBucket(ctx, o.store, bucket)
	if err != nil {
		return nil, err
	}
	version := objstore.Version("")
	if base != nil {
		version = base.info.Version
	}
	over, err := o.overBucket(bucket, version)
	if err != nil {
		return nil, err
	}
	if base != nil {
		files = append(files, orderFile{File: base.File, superseded: over.superseded, unchanged: base.unchanged})
	}
	if over.body != nil {
		file, err := columnar.OpenBytes(over.body)
		if err != nil {
			return nil, err
		}
		files = append(files, orderFile{File: file, unchanged: func(context.Context) error { return nil }})
	}
	return files, nil
}

// records yields the named columns. Rows that newer ones stand in for are among them
// and are no purchases, which who asks for that column sees. Parts of two versions of
// a file are no error of the file: then it is errMoved.
func (o orderFile) records(ctx context.Context, columns ...string) iter.Seq2[columnar.Record, error] {
	return func(yield func(columnar.Record, error) bool) {
		first, superseded := int64(0), o.superseded
		for rec, err := range o.Records(ctx, columns...) {
			if err != nil {
				yield(nil, o.fault(ctx, err))
				return
			}
			var rows []int
			for end := first + rec.NumRows(); len(superseded) > 0 && superseded[0] < end; superseded = superseded[1:] {
				rows = append(rows, int(superseded[0]-first))
			}
			first += rec.NumRows()
			if rows == nil || !slices.Contains(columns, "purchase") {
				if !yield(rec, nil) {
					return
				}
				continue
			}
			cleared, err := columnar.Clear(rec, "purchase", rows)
			if err != nil {
				yield(nil, err)
				return
			}
			going := yield(cleared, nil)
			cleared.Release()
			if !going {
				return
			}
		}
		if err := o.unchanged(ctx); err != nil {
			yield(nil, err)
		}
	}
}

func (o orderFile) fault(ctx context.Context, err error) error {
	if moved := o.unchanged(ctx); moved != nil {
		return moved
	}
	return err
}
