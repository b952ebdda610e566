package schema

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// DecodeRows is Decode of the rows with the given numbers, counted from 0 over the
// whole file and rising. Pages without one of them are not unpacked where the file
// has a page index, which Encode writes. A number that the file does not have is
// ErrCorrupt.
func DecodeRows[T Row](body io.ReaderAt, size int64, numbers []int64) (rows []T, err error) {
	defer func() {
		if r := recover(); r != nil { // as in Decode
			rows, err = nil, fmt.Errorf("%w: %s: %v", ErrCorrupt, tableName[T](), r)
		}
	}()
	if len(numbers) == 0 {
		return nil, nil
	}
	file, err := openAt(body, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
	}
	if table, _ := file.Lookup("leadlake.table"); table != tableName[T]() {
		return nil, fmt.Errorf("%w: want table %s", ErrCorrupt, tableName[T]())
	}
	rows = make([]T, len(numbers))
	done, first := 0, int64(0)
	for _, group := range file.RowGroups() {
		end := first + group.NumRows()
		n, _ := slices.BinarySearch(numbers[done:], end)
		if n > 0 {
			inGroup := make([]int64, n)
			for i, number := range numbers[done : done+n] {
				inGroup[i] = number - first
			}
			if err := rowsOf(file, group, inGroup, rows[done:done+n]); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
			}
		}
		done, first = done+n, end
	}
	if done < len(numbers) {
		return nil, fmt.Errorf("%w: %s: row %d of %d", ErrCorrupt, tableName[T](), numbers[done], first)
	}
	return rows, nil
}

// rowsOf fills rows from those of a group with the given numbers: where they are many
// of few, by reading all pages at once, else page by page.
func rowsOf[T Row](file *parquet.File, group parquet.RowGroup, numbers []int64, rows []T) error {
	const sparse = 64
	if int64(len(numbers))*sparse < group.NumRows() {
		return pickRows(file, group, numbers, rows)
	}
	var spans []span
	for _, number := range numbers {
		if n := len(spans); n > 0 && spans[n-1].first+spans[n-1].rows == number {
			spans[n-1].rows++
		} else {
			spans = append(spans, span{number, 1})
		}
	}
	return readSpans(file, group, spans, rows)
}

// pickRows fills rows from those of a group with the given numbers.
func pickRows[T Row](file *parquet.File, group parquet.RowGroup, numbers []int64, rows []T) error {
	target := parquet.SchemaOf(*new(T))
	picked := make([]parquet.Row, len(rows))
	for i, path := range target.Columns() {
		leaf, ok := file.Schema().Lookup(path...)
		if !ok { // an older file: the column is null
			for k := range picked {
				picked[k] = append(picked[k], parquet.NullValue().Level(0, 0, i))
			}
			continue
		}
		if err := pickColumn(group.ColumnChunks()[leaf.ColumnIndex], i, numbers, picked); err != nil {
			return err
		}
	}
	for i := range rows {
		if err := target.Reconstruct(&rows[i], picked[i]); err != nil {
			return fmt.Errorf("row %d: %w", numbers[i], err)
		}
	}
	return nil
}

// pickColumn appends a leaf column's values of the given rows. Pages begin with a
// row, as this package writes them.
func pickColumn(chunk parquet.ColumnChunk, target int, numbers []int64, picked []parquet.Row) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	index, _ := chunk.OffsetIndex() // none: the pages before a row are read, too
	var buffer [256]parquet.Value
	for next, first := 0, int64(0); next < len(numbers); {
		if index != nil && numbers[next] > first {
			first = numbers[next]
			if err := pages.SeekToRow(first); err != nil {
				return fmt.Errorf("row %d: %w", first, err)
			}
		}
		page, err := pages.ReadPage()
		if err != nil {
			return fmt.Errorf("row %d: %w", numbers[next], err)
		}
		end := first + page.NumRows()
		values := page.Values()
		for row := first - 1; next < len(numbers) && numbers[next] < end; {
			n, err := values.ReadValues(buffer[:])
			for _, value := range buffer[:n] {
				if value.RepetitionLevel() == 0 {
					if row++; row > numbers[next] {
						if next++; next == len(numbers) || numbers[next] >= end {
							break
						}
					}
				}
				if row == numbers[next] {
					picked[next] = append(picked[next], value.Level(value.RepetitionLevel(), value.DefinitionLevel(), target))
				}
			}
			if errors.Is(err, io.EOF) {
				if next < len(numbers) && numbers[next] == row {
					next++
				}
				break
			}
			if err != nil {
				return fmt.Errorf("row %d: %w", row, err)
			}
		}
		first = end
	}
	return nil
}
