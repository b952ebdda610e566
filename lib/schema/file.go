package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// FormatVersion is the version of the tables' meaning; it stands in the metadata
// of every file. A column's meaning never changes, so readers of a version read
// every later one.
const FormatVersion = 1

// ErrCorrupt says that bytes are no whole Parquet file of the table asked for.
var ErrCorrupt = errors.New("schema: corrupt table file")

// Pair is an entry of a map column. Maps are kept as pairs sorted by key, since
// the bytes of a file must not depend on Go's random map order.
type Pair struct {
	Key   string `parquet:"key"`
	Value string `parquet:"value"`
}

// Map is a Parquet MAP of text to text. Use MapOf to fill it.
type Map struct {
	Pairs []Pair `parquet:"key_value"`
}

// Row is a row type of one table: its name and the columns that hold personal
// values. Those columns carry no statistics, since a footer shows minimum and
// maximum in clear (reliability R9).
type Row interface {
	Table() string
	Personal() []string
}

// Encode writes rows as one Parquet file (zstd). metadata goes to the footer as
// pairs, in the order given. Equal rows and metadata give equal bytes.
func Encode[T Row](rows []T, metadata ...Pair) ([]byte, error) {
	var out bytes.Buffer
	w := newWriter[T](&out, metadata...)
	if _, err := w.Write(rows); err != nil {
		return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
	}
	body, err := annotateMaps(out.Bytes(), mapColumns[T]())
	if err != nil {
		return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
	}
	return body, nil
}

func tableName[T Row]() string {
	var row T
	return row.Table()
}

// codec is zstd at its fastest level: the pages are dense already, and the tables
// of the higher levels cost more to set up than most of our files have bytes. It
// keeps a pool of encoders, so it is one for all.
var codec = &zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1} //nolint:gochecknoglobals // immutable but for its pool

// Compress writes a page with the codec of our tables to dst, which it grows where
// it is short. It may be called by several goroutines at once.
func Compress(dst, page []byte) ([]byte, error) { return codec.Encode(dst, page) }

// RowGroupRows is the most rows of a row group: it bounds the memory of a writer and
// of a reader of one group.
const RowGroupRows = 200_000

// grouped is a Row whose groups are larger or smaller than RowGroupRows.
type grouped interface{ rowGroupRows() int64 }

func newWriter[T Row](out io.Writer, metadata ...Pair) *parquet.GenericWriter[T] {
	var row T
	groupRows := int64(RowGroupRows)
	if g, ok := any(row).(grouped); ok {
		groupRows = g.rowGroupRows()
	}
	options := []parquet.WriterOption{
		parquet.SchemaOf(*new(T)),
		parquet.Compression(codec),
		parquet.CreatedBy("leadlake", strconv.Itoa(FormatVersion), ""),
		parquet.KeyValueMetadata("leadlake.table", row.Table()),
		parquet.KeyValueMetadata("leadlake.schema", strconv.Itoa(FormatVersion)),
		parquet.MaxRowsPerRowGroup(groupRows),
		parquet.DataPageStatistics(len(row.Personal()) == 0),
	}
	for _, column := range row.Personal() {
		for _, path := range leavesOf[T](column) {
			options = append(options, parquet.SkipPageBounds(path...))
		}
	}
	for _, m := range metadata {
		options = append(options, parquet.KeyValueMetadata(m.Key, m.Value))
	}
	return parquet.NewGenericWriter[T](out, options...)
}

// leavesOf lists the leaf paths below a column.
func leavesOf[T Row](column string) [][]string {
	var paths [][]string
	for _, path := range parquet.SchemaOf(*new(T)).Columns() {
		if path[0] == column {
			paths = append(paths, path)
		}
	}
	if paths == nil {
		panic("schema: " + tableName[T]() + " has no column " + column)
	}
	return paths
}

// Decode reads every row of a file that Encode wrote. T may be a narrower row
// type of the same table: columns that it lacks are not decoded, columns that
// the file lacks are zero. Broken bytes give an error that matches ErrCorrupt,
// never a panic.
func Decode[T Row](body []byte) (rows []T, err error) {
	defer func() {
		if r := recover(); r != nil { // parquet-go panics on some malformed files
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
	if file.NumRows() == 0 {
		return nil, nil
	}
	rows = make([]T, file.NumRows())
	if err := readGroups(file, file.RowGroups(), rows); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
	}
	return rows, nil
}

func open(body []byte) (*parquet.File, error) {
	return parquet.OpenFile(bytes.NewReader(body), int64(len(body)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// readGroups fills rows from groups.
func readGroups[T Row](file *parquet.File, groups []parquet.RowGroup, rows []T) error {
	for _, group := range groups {
		n := int(group.NumRows())
		if n > len(rows) {
			return errors.New("more rows than the footer says")
		}
		if err := readSpan(file, group, 0, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	if len(rows) > 0 {
		return fmt.Errorf("%d rows fewer than the footer says", len(rows))
	}
	return nil
}

// readSpan fills rows from those of a group that begin with number first, from the
// columns that T has and no others: the library's own reader decodes every column
// of a file whose schema differs from T's.
func readSpan[T Row](file *parquet.File, group parquet.RowGroup, first int64, rows []T) error {
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
