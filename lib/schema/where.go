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
	file, err := openTable[T](body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
	}
	leaf, ok := file.Schema().Lookup(column)
	if !ok {
		return nil, nil
	}
	for _, group := range file.RowGroups() {
		spans, err := spansOf(group.ColumnChunks()[leaf.ColumnIndex], leaf, value)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
		}
		from, wanted := len(rows), int64(0)
		for _, s := range spans {
			wanted += s.rows
		}
		if wanted == 0 {
			continue
		}
		rows = append(rows, make([]T, wanted)...)
		if err := readSpans(file, group, spans, rows[from:]); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
		}
	}
	return rows, nil
}

// span is a run of rows of a group.
type span struct{ first, rows int64 }

// spansOf finds the runs of rows that have a value; where the rows are sorted by
// the column there is one.
func spansOf(chunk parquet.ColumnChunk, column parquet.LeafColumn, value string) ([]span, error) {
	if spans, err := spansByColumn(chunk, column, value); err == nil {
		return spans, nil
	}
	return spansByValue(chunk, value)
}

// runs are rows in rising order, as spans.
type runs []span

func (r *runs) add(row int64) {
	if last := len(*r) - 1; last >= 0 && (*r)[last].first+(*r)[last].rows == row {
		(*r)[last].rows++
		return
	}
	*r = append(*r, span{row, 1})
}

// spansByColumn compares the words of a dictionary once, and the texts of a page
// where they lie. Its errors are as those of readColumns.
func spansByColumn(chunk parquet.ColumnChunk, column parquet.LeafColumn, value string) (spans runs, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errIrregular, r)
		}
	}()
	if column.MaxRepetitionLevel > 0 || column.Node.Type().Kind() != parquet.ByteArray {
		return nil, errIrregular
	}
	c := &cursor{max: levelsOf(column), kind: kindText, pages: chunk.Pages()}
	defer c.close()
	var wanted []bool // which words are the value, of the dictionary last seen
	var known parquet.Dictionary
	for {
		if err := c.load(); errors.Is(err, io.EOF) {
			return spans, nil
		} else if err != nil {
			return nil, err
		}
		if c.indexes != nil && c.dictionary != known {
			known, wanted = c.dictionary, make([]bool, len(c.words))
			for i := range wanted {
				wanted[i] = string(c.wordText[c.wordOffsets[i]:c.wordOffsets[i+1]]) == value
			}
		}
		for level := range c.end {
			if c.def != nil && c.def[level] != byte(c.max.definition) { //nolint:gosec // G115: a few levels
				continue
			}
			var same bool
			if c.indexes != nil {
				same = wanted[c.indexes[c.value]]
			} else {
				same = string(c.text[c.offsets[c.value]:c.offsets[c.value+1]]) == value
			}
			if same {
				spans.add(c.row + int64(level))
			}
			c.value++
		}
		c.row += int64(c.end)
	}
}

// spansByValue is spansOf value by value.
func spansByValue(chunk parquet.ColumnChunk, value string) (spans runs, err error) {
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
		if same {
			spans.add(at)
		}
	}
}
