package schema

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
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
	for _, n := range groupsOf[T](len(rows)) {
		_, err := w.Write(rows[:n])
		if err == nil {
			err = w.Flush() // ends the group
		}
		if err != nil {
			return nil, fmt.Errorf("schema: write %s: %w", tableName[T](), err)
		}
		rows = rows[n:]
	}
	return ended(w, &out)
}

// ended is the bytes of a table all of whose rows are written.
func ended[T Row](w *parquet.GenericWriter[T], out *bytes.Buffer) ([]byte, error) {
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

// mostGroupRows is more than any of our files has in a group: room for what a broken
// footer claims is not made.
const mostGroupRows = 1 << 20

// laidOut is a Row whose files are cut in another way than those of others.
type laidOut interface {
	rowGroups(rows int) []int // the sizes of the groups of so many rows
	pageBytes() int           // of a page before compression, about
}

// groupsOf is the sizes of the row groups of so many rows.
func groupsOf[T Row](rows int) []int {
	var row T
	if l, ok := any(row).(laidOut); ok {
		return l.rowGroups(rows)
	}
	return evenGroups(rows, RowGroupRows)
}

func evenGroups(rows, most int) []int {
	var sizes []int
	for ; rows > 0; rows -= most {
		sizes = append(sizes, min(rows, most))
	}
	return sizes
}

func newWriter[T Row](out io.Writer, metadata ...Pair) *parquet.GenericWriter[T] {
	var row T
	options := []parquet.WriterOption{
		parquet.SchemaOf(*new(T)),
		parquet.Compression(codec),
		parquet.CreatedBy("leadlake", strconv.Itoa(FormatVersion), ""),
		parquet.KeyValueMetadata("leadlake.table", row.Table()),
		parquet.KeyValueMetadata("leadlake.schema", strconv.Itoa(FormatVersion)),
		parquet.MaxRowsPerRowGroup(mostGroupRows),
		parquet.DataPageStatistics(len(row.Personal()) == 0),
	}
	for _, column := range row.Personal() {
		for _, path := range leavesOf[T](column) {
			options = append(options, parquet.SkipPageBounds(path...))
		}
	}
	if l, ok := any(row).(laidOut); ok {
		options = append(options, parquet.PageBufferSize(l.pageBytes()))
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
	file, err := openTable[T](body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
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

// openTable opens a file of T's table and checks what its footer says before anyone
// makes room for as many rows: a group holds no more than a writer puts into it, its
// columns are packed as we pack them (the library's LZ4 asks for memory without end
// when it is given other bytes), and a column that the file shares with T is of the
// same physical type. No version of a table changes that type, and the library would
// take the bits of one for those of another.
func openTable[T Row](body []byte) (*parquet.File, error) {
	return openTableAt[T](bytes.NewReader(body), int64(len(body)))
}

func openTableAt[T Row](body io.ReaderAt, size int64) (*parquet.File, error) {
	file, err := openAt(body, size)
	if err != nil {
		return nil, err
	}
	if table, _ := file.Lookup("leadlake.table"); table != tableName[T]() {
		return nil, errors.New("another table")
	}
	rows := int64(0)
	for _, group := range file.Metadata().RowGroups {
		if group.NumRows < 0 || group.NumRows > mostGroupRows {
			return nil, fmt.Errorf("a group of %d rows", group.NumRows)
		}
		rows += group.NumRows
		for _, column := range group.Columns {
			if codec := column.MetaData.Codec; codec != format.Zstd && codec != format.Uncompressed {
				return nil, fmt.Errorf("pages packed as %v", codec)
			}
		}
	}
	if rows != file.NumRows() {
		return nil, fmt.Errorf("%d rows in groups, %d in the footer", rows, file.NumRows())
	}
	target := parquet.SchemaOf(*new(T))
	for _, path := range target.Columns() {
		want, _ := target.Lookup(path...)
		have, ok := file.Schema().Lookup(path...)
		if ok && have.Node.Type().Kind() != want.Node.Type().Kind() {
			return nil, fmt.Errorf("column %s has another type", path[0])
		}
	}
	return file, nil
}

// openAt reads the footer. The library makes room for it before it finds that the file
// is shorter than its last bytes say.
func openAt(body io.ReaderAt, size int64) (*parquet.File, error) {
	var tail [8]byte
	if size < 12 {
		return nil, errors.New("no footer")
	}
	if n, err := body.ReadAt(tail[:], size-8); n < len(tail) {
		return nil, err
	}
	if int64(binary.LittleEndian.Uint32(tail[:])) > size-12 {
		return nil, errors.New("no footer")
	}
	return parquet.OpenFile(body, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// readGroups fills rows from groups.
func readGroups[T Row](file *parquet.File, groups []parquet.RowGroup, rows []T) error {
	for _, group := range groups {
		n := int(group.NumRows())
		if n > len(rows) {
			return errors.New("more rows than the footer says")
		}
		if err := readSpans(file, group, []span{{0, int64(n)}}, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	if len(rows) > 0 {
		return fmt.Errorf("%d rows fewer than the footer says", len(rows))
	}
	return nil
}
