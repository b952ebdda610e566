package schema

import (
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// Batches is Decode of at most n rows at a time, in the order of the file, for tables
// that are too large to be kept whole. The rows of a batch are good until the next
// one. An error is the last pair; broken bytes match ErrCorrupt.
func Batches[T Row](body io.ReaderAt, size int64, n int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)) }
		var file *parquet.File
		if err := guarded(func() (err error) {
			file, err = openTableAt[T](body, size)
			return err
		}); err != nil {
			fail(err)
			return
		}
		rows := make([]T, n)
		for _, group := range file.RowGroups() {
			g := groupBatches[T]{file: file, group: group}
			for g.next < group.NumRows() {
				batch := rows[:min(int64(n), group.NumRows()-g.next)]
				clear(batch)
				if err := guarded(func() error { return g.read(batch) }); err != nil {
					g.close()
					fail(err)
					return
				}
				if !yield(batch, nil) {
					g.close()
					return
				}
			}
			g.close()
		}
	}
}

// groupBatches reads the rows of one group in turn.
type groupBatches[T Row] struct {
	file    *parquet.File
	group   parquet.RowGroup
	next    int64 // row
	columns []*writer
	slow    bool // the plan does not fit the file
}

// read fills the next rows, by the plan where it fits the file.
func (g *groupBatches[T]) read(rows []T) error {
	s := span{g.next, int64(len(rows))}
	g.next += s.rows
	if p := planOf[T](); p != nil && !g.slow {
		if g.fill(p, s, rows) == nil {
			return nil
		}
		clear(rows)
	}
	g.slow = true
	return reconstruct(g.file, g.group, []span{s}, rows)
}

func (g *groupBatches[T]) fill(p *plan, s span, rows []T) error {
	return guarded(func() (err error) {
		if g.columns == nil {
			if g.columns, err = openColumns[T](p, g.file, g.group, true); err != nil {
				return err
			}
		}
		if err := fillRows(p, g.columns, s, rows); err != nil {
			return err
		}
		if s.first+s.rows == g.group.NumRows() {
			return settleColumns(g.columns)
		}
		return nil
	})
}

func (g *groupBatches[T]) close() { closeColumns(g.columns) }

// guarded turns a panic of the library on malformed files into an error.
func guarded(read func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return read()
}
