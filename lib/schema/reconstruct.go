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
	return reconstruct(file, group, spans, rows)
}

// reconstruct is readSpans value by value, from the columns that T has and no others:
// the library's own reader decodes every column of a file whose schema differs from
// T's. What it makes of a file is the rule; readColumns makes the same of the files
// that we write, faster. It reads the rows between the spans, too: where the library
// begins when it is told to seek depends on what the footer says, which a row's values
// must not.
func reconstruct[T Row](file *parquet.File, group parquet.RowGroup, spans []span, rows []T) error {
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
		columns = append(columns, &columnReader{target: i, pages: pages})
	}
	var row parquet.Row
	at := int64(0)
	for _, s := range spans {
		for ; at < s.first+s.rows; at++ {
			row = row[:0]
			for _, c := range columns {
				var err error
				if row, err = c.appendRow(row); err != nil {
					return fmt.Errorf("row %d: %w", at, err)
				}
			}
			if at < s.first {
				continue
			}
			if err := target.Reconstruct(&rows[0], row); err != nil {
				return fmt.Errorf("row %d: %w", at, err)
			}
			rows = rows[1:]
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
