package columnar

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/format"
)

// ErrPlain says that a text column has pages that are not dictionary-encoded.
var ErrPlain = errors.New("columnar: plain pages")

// Dictionaries yields the texts that a top-level text column can have, one
// list of them for each row group that has rows, in their order: entry by entry what
// the indices in [Records] point to. Only the dictionary pages are decoded. The
// arrays are the caller's: they stay as they are.
//
// A column with a plain page gives [ErrPlain] before anything else, a missing or
// mistyped one [ErrColumn]; otherwise errors are as with Records. An entry may occur
// in no row, and in a file of another writer twice.
func (f *File) Dictionaries(ctx context.Context, column string) iter.Seq2[Texts, error] {
	return func(yield func(Texts, error) bool) {
		t, err := f.open([]string{column}, true)
		if err != nil {
			yield(nil, err)
			return
		}
		defer t.release()
		root := t.roots[0]
		switch l := root.leaf; {
		case root.shape != leafShape || l.of != format.ByteArray:
			yield(nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, root.field.Type))
			return
		case !l.coded && len(t.rows) > 0 && !l.empty():
			yield(nil, fmt.Errorf("%w: column %s", ErrPlain, column))
			return
		}
		for group, rows := range t.rows {
			if rows == 0 {
				continue
			}
			if err = ctx.Err(); err == nil {
				err = t.beginOne(group)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			texts, ok := root.leaf.entries.(*array.String)
			if !ok { // no page was there to make one of
				yield(nil, fmt.Errorf("%w: column %s has no dictionary", ErrCorrupt, column))
				return
			}
			if !yield(texts, nil) {
				return
			}
		}
	}
}

// empty tells whether no row group has a page.
func (l *leaf) empty() bool {
	for _, c := range l.chunks {
		if len(c.pages) > 0 {
			return false
		}
	}
	return true
}

// beginOne goes to a row group of the only column.
func (t *table) beginOne(group int) (err error) {
	defer guard(&err)
	return t.begin(group)
}

// Int64s yields the values of a required top-level column of int64 (or of
// timestamps, as microseconds since 1970), page by page in row order. A slice is
// borrowed for one turn of the loop and must not be written to: an uncompressed
// PLAIN page is seen where it stands in body if it is aligned there, and copied if
// it is not.
//
// A missing, nullable or mistyped column gives [ErrColumn]; otherwise errors are as
// with [Records].
func (f *File) Int64s(ctx context.Context, column string) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		t, err := f.open([]string{column}, false)
		if err != nil {
			yield(nil, err)
			return
		}
		defer t.release()
		root := t.roots[0]
		if root.shape != leafShape || root.leaf.of != format.Int64 || root.leaf.maxDef > 0 {
			yield(nil, fmt.Errorf("%w: %s is %s, nullable: %t", ErrColumn, column, root.field.Type, root.field.Nullable))
			return
		}
		for group, rows := range t.rows {
			if err := t.beginOne(group); err != nil {
				yield(nil, err)
				return
			}
			for rows > 0 {
				numbers, err := t.nextNumbers(ctx, rows)
				if err != nil {
					yield(nil, err)
					return
				}
				if rows -= int64(len(numbers)); len(numbers) > 0 && !yield(numbers, nil) {
					return
				}
			}
		}
	}
}

// nextNumbers decodes the next page of the only column, at most as many as there are
// rows.
func (t *table) nextNumbers(ctx context.Context, rows int64) (numbers []int64, err error) {
	defer guard(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := t.leaves[0]
	more, err := l.load(&t.shared)
	if err == nil && !more {
		err = errors.New("fewer rows than the footer says")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: column %s: %w", ErrCorrupt, l.name, err)
	}
	if l.end == 0 {
		return nil, nil
	}
	numbers = arrow.Int64Traits.CastFromBytes(l.page.fixed)
	return numbers[:min(rows, int64(l.end))], nil
}
