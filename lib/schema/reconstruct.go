package schema

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// readSpans fills rows from spans of a group.
func readSpans[T Row](file *parquet.File, group parquet.RowGroup, spans []span, rows []T) error {
	if p := planOf[T](); p != nil {
		if readColumns(p, file, group, spans, rows) == nil {
			return nil
		}
		clear(rows)
	}
	for _, s := range spans {
		if err := reconstruct(file, group, s.first, rows[:s.rows]); err != nil {
			return err
		}
		rows = rows[s.rows:]
	}
	return nil
}

// reconstruct fills rows from those of a group that begin with number first, value by
// value, from the columns that T has and no others: the library's own reader decodes
// every column of a file whose schema differs from T's. What it makes of a file is
// the rule; readColumns makes the same of the files that we write, faster.
func reconstruct[T Row](file *parquet.File, group parquet.RowGroup, first int64, rows []T) error {
	target := parquet.SchemaOf(*new(T))
	columns := make([]*columnReader, 0, len(target.Columns()))
	for i, path := range target.Columns() {
		leaf, ok := file.Schema().Lookup(path...)
		if !ok {
			columns = append(columns, &columnReader{target: i}) // an older file: the column is null
			continue
		}
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		defer func() { _ = pages.Close() }() // over memory
		if first > 0 {
			if err := pages.SeekToRow(first); err != nil {
				return fmt.Errorf("row %d: %w", first, err)
			}
		}
		columns = append(columns, &columnReader{target: i, pages: pages})
	}
	var row parquet.Row
	for i := range rows {
		row = row[:0]
		for _, c := range columns {
			var err error
			if row, err = c.appendRow(row); err != nil {
				return fmt.Errorf("row %d: %w", first+int64(i), err)
			}
		}
		if err := target.Reconstruct(&rows[i], row); err != nil {
			return fmt.Errorf("row %d: %w", first+int64(i), err)
		}
	}
	return nil
}

// columnReader reads one leaf column value by value.
type columnReader struct {
	target int // index of the leaf in the row type
	pages  parquet.Pages
	values parquet.ValueReader
	buffer [256]parquet.Value
	next   int
	filled int
}

// appendRow appends the values of one row: one, or for a list all its items.
func (c *columnReader) appendRow(row parquet.Row) (parquet.Row, error) {
	if c.pages == nil {
		return append(row, parquet.NullValue().Level(0, 0, c.target)), nil
	}
	for first := true; ; first = false {
		if c.next == c.filled {
			if err := c.fill(); errors.Is(err, io.EOF) && !first {
				return row, nil
			} else if err != nil {
				return row, err
			}
		}
		value := c.buffer[c.next]
		if !first && value.RepetitionLevel() == 0 {
			return row, nil
		}
		row = append(row, value.Level(value.RepetitionLevel(), value.DefinitionLevel(), c.target))
		c.next++
	}
}

func (c *columnReader) fill() error {
	for {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return err
			}
			c.values = page.Values()
		}
		n, err := c.values.ReadValues(c.buffer[:])
		c.next, c.filled = 0, n
		if n > 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		c.values = nil
	}
}
