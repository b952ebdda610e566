package schema

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// DecodeWhere is Decode of the rows whose text in a top-level column is value. Of
// the others that column alone is decoded, which matters where few of many rows
// are wanted. A file without the column has no such row.
func DecodeWhere[T Row](body []byte, column, value string) (rows []T, err error) {
	defer func() {
		if r := recover(); r != nil { // as in Decode
			rows, err = nil, fmt.Errorf("%w: %s: %v", ErrCorrupt, tableName[T](), r)
		}
	}()
	file, err := open(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
	}
	if table, _ := file.Lookup("leadlake.table"); table != tableName[T]() {
		return nil, fmt.Errorf("%w: want table %s", ErrCorrupt, tableName[T]())
	}
	leaf, ok := file.Schema().Lookup(column)
	if !ok {
		return nil, nil
	}
	for _, group := range file.RowGroups() {
		spans, err := spansOf(group.ColumnChunks()[leaf.ColumnIndex], value)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
		}
		for _, s := range spans {
			from := len(rows)
			rows = append(rows, make([]T, s.rows)...)
			if err := readSpan(file, group, s.first, rows[from:]); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
			}
		}
	}
	return rows, nil
}

// span is a run of rows of a group.
type span struct{ first, rows int64 }

// spansOf finds the runs of rows that have a value; where the rows are sorted by
// the column there is one.
func spansOf(chunk parquet.ColumnChunk, value string) (spans []span, err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	c := columnReader{pages: pages}
	for at := int64(0); ; at++ {
		if c.next == c.filled {
			if err := c.fill(); errors.Is(err, io.EOF) {
				return spans, nil
			} else if err != nil {
				return nil, err
			}
		}
		same := !c.buffer[c.next].IsNull() && string(c.buffer[c.next].ByteArray()) == value
		c.next++
		switch last := len(spans) - 1; {
		case !same:
		case last >= 0 && spans[last].first+spans[last].rows == at:
			spans[last].rows++
		default:
			spans = append(spans, span{at, 1})
		}
	}
}
