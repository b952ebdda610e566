package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// Sizes of reading a table piece by piece: a block is one request to the store, and
// so many blocks are kept as columns of a table are read beside one another.
const (
	tableBlock  = 1 << 20
	tableBlocks = 24
	tableBatch  = 4096 // rows
)

// tableReader reads one version of an object in blocks, of which it keeps the latest.
// It is for one goroutine.
type tableReader struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt has no room for one
	store  objstore.Store
	info   objstore.Info
	blocks []tableBytes // the one used last comes last
}

type tableBytes struct {
	number int64
	body   []byte
}

// ReadAt implements io.ReaderAt.
func (r *tableReader) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		at := offset + int64(n)
		if at >= r.info.Size {
			return n, io.EOF
		}
		block, err := r.block(at / tableBlock)
		if err != nil {
			return n, err
		}
		if at%tableBlock >= int64(len(block)) {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(p[n:], block[at%tableBlock:])
	}
	return n, nil
}

func (r *tableReader) block(number int64) ([]byte, error) {
	i := slices.IndexFunc(r.blocks, func(b tableBytes) bool { return b.number == number })
	if i >= 0 {
		b := r.blocks[i]
		r.blocks = append(slices.Delete(r.blocks, i, i+1), b)
		return b.body, nil
	}
	from := number * tableBlock
	body, err := r.store.GetRange(r.ctx, r.info.Key, from, min(tableBlock, r.info.Size-from))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.info.Key, err)
	}
	if len(r.blocks) == tableBlocks {
		r.blocks = slices.Delete(r.blocks, 0, 1)
	}
	r.blocks = append(r.blocks, tableBytes{number, body})
	return body, nil
}

// batchesOf reads a table's rows in batches, each good until the next one. An object
// that is replaced meanwhile is errMoved, whatever its bytes looked like. A missing
// one has no rows.
func batchesOf[T schema.Row](ctx context.Context, store objstore.Store, key string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		info, err := store.Head(ctx, key)
		if errors.Is(err, objstore.ErrNotExist) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("pipeline: read %s: %w", key, err))
			return
		}
		unchanged := func() error {
			now, err := store.Head(ctx, key)
			if errors.Is(err, objstore.ErrNotExist) || err == nil && now.Version != info.Version {
				return fmt.Errorf("pipeline: read %s: %w", key, errMoved)
			}
			return err
		}
		r := &tableReader{ctx: ctx, store: store, info: info}
		for rows, err := range schema.Batches[T](r, info.Size, tableBatch) {
			if err != nil {
				if moved := unchanged(); moved != nil {
					err = moved
				}
				yield(nil, fmt.Errorf("pipeline: read %s: %w", key, err))
				return
			}
			if !yield(rows, nil) {
				return
			}
		}
		if err := unchanged(); err != nil {
			yield(nil, err)
		}
	}
}

// rowsIn is batchesOf row by row; a row is good until the next one.
func rowsIn[T schema.Row](ctx context.Context, store objstore.Store, key string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for rows, err := range batchesOf[T](ctx, store, key) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range rows {
				if !yield(&rows[i], nil) {
					return
				}
			}
		}
	}
}
