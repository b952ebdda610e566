// Package columnar reads the lake's Parquet tables into Arrow records. It is the
// only door between the two, a package of its own so that the ingest function
// links no Arrow.
//
// The pages are decoded by parquet-go's codecs and encodings straight from the
// bytes of the file into Go slices, which Arrow arrays then wrap: there are no row
// structs and no readers between. A call holds one page of each column, one record
// and the dictionaries of one row group.
package columnar

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
)

// ErrColumn says that a table lacks a column or has it in another type.
var ErrColumn = errors.New("columnar: column")

// ErrCorrupt says that bytes are no whole Parquet file.
var ErrCorrupt = errors.New("columnar: corrupt table file")

// batchRows is the size of a record: large enough to forget the cost of a batch,
// small enough for the cache.
const batchRows = 64 << 10

// Records yields the named top-level columns of a Parquet file, in row order and
// in the order the file has them, as records of at most 64 Ki rows that never cross
// the end of a row group. Every record of a call has the same schema.
//
// A record is borrowed for one turn of the loop: its memory is used for the next
// one, so who keeps values copies them; Retain does not help. Dictionaries alone
// are never written to again.
//
// A top-level text column comes as a dictionary of int32 indices if every page of
// it in the file is dictionary-encoded; a file that mixes dictionary with plain
// pages gives plain text. All records of a row group share one dictionary:
// Dictionary().Data() is the same pointer, so what was looked up for an entry holds
// until it changes. Text below a list is always plain. Columns that Parquet calls
// required have no validity bitmap and a NullN of 0. Of a page without values,
// nulls or empty lists alone, no value is looked at.
//
// Malformed files give an error that matches [ErrCorrupt], never a panic, and after
// an error nothing more is yielded. Checksums of pages are not compared: a bit that
// fell over may change a value, as with any reader of Arrow.
func (f *File) Records(ctx context.Context, columns ...string) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		t, err := f.open(columns, false)
		if err != nil {
			yield(nil, err)
			return
		}
		defer t.release()
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			rec, err := t.next()
			if err != nil {
				yield(nil, err)
				return
			}
			if rec == nil || !yield(rec, nil) {
				return
			}
		}
	}
}

// Records is [File.Records] of a file in memory.
func Records(ctx context.Context, body []byte, columns ...string) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		f, err := OpenBytes(body)
		if err != nil {
			yield(nil, err)
			return
		}
		f.Records(ctx, columns...)(yield)
	}
}

// guard turns a panic of the decoders into an error; it is deferred around them and
// never around a caller's loop body.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, r)
	}
}
