package columnar

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leadlake/leadlake/lib/schema"
)

// Writer writes one table as Parquet from columns, row group by row group, without
// a struct for any row. Its files hold what schema.Encode of the same rows holds:
// the same columns, metadata and statistics; the page index
// and the statistics of single pages are left out. Equal columns give equal bytes,
// in whatever order they come. It keeps one row group in memory.
type Writer struct {
	out    *bufio.Writer
	offset int64
	empty  format.FileMetaData // of a file without rows
	footer *format.FileMetaData
	leaves []outLeaf
	byName map[string]int
	chunks []outChunk // one for each leaf, used again by every group
	spare  sync.Pool
	open   bool
	err    error // of the first write or group that failed: the file is lost
}

// outLeaf is a column that holds values.
type outLeaf struct {
	name     string // path without the words that Parquet puts between: "labels", "consents.key"
	path     []string
	kind     parquet.Kind
	list     bool // any number of values in a row
	optional bool // null in some rows
	personal bool // no statistics
}

// NewWriter writes a table of row type T to out. metadata goes to the footer as
// with schema.Encode. Columns that are nested deeper than a list of values (or a
// list or map of structures) are refused.
func NewWriter[T schema.Row](out io.Writer, metadata ...schema.Pair) (*Writer, error) {
	footer, err := schema.Footer[T](metadata...)
	if err != nil {
		return nil, fmt.Errorf("columnar: %w", err)
	}
	var row T
	w := &Writer{out: bufio.NewWriter(out), empty: *footer, byName: map[string]int{}, spare: sync.Pool{New: func() any { return new(scratch) }}}
	columns := parquet.SchemaOf(row)
	for _, path := range columns.Columns() {
		column, _ := columns.Lookup(path...)
		if column.MaxRepetitionLevel > 1 || column.MaxDefinitionLevel > 1 {
			return nil, fmt.Errorf("%w: %s of %s is nested too deep to be written by columns", ErrColumn, strings.Join(path, "."), row.Table())
		}
		l := outLeaf{
			name: leafName(path), path: path, kind: column.Node.Type().Kind(),
			list: column.MaxRepetitionLevel == 1, optional: column.MaxRepetitionLevel == 0 && column.MaxDefinitionLevel == 1,
			personal: slices.Contains(row.Personal(), path[0]),
		}
		w.byName[l.name] = len(w.leaves)
		w.leaves = append(w.leaves, l)
	}
	w.chunks = make([]outChunk, len(w.leaves))
	w.Reset(out)
	return w, w.err
}

// Reset begins another file of the same table and metadata, in the memory of the one
// before: what of that was not closed is lost.
func (w *Writer) Reset(out io.Writer) {
	w.out.Reset(out)
	footer := w.empty
	w.footer, w.offset, w.open = &footer, 0, false
	w.err = w.write([]byte("PAR1"))
}

// leafName leaves out the levels that stand between a list or map and its values.
func leafName(path []string) string {
	kept := path[:1:1]
	for _, step := range path[1:] {
		if step != "list" && step != "element" && step != "key_value" {
			kept = append(kept, step)
		}
	}
	return strings.Join(kept, ".")
}

// Group begins a row group of so many rows, at most schema.RowGroupRows; the one
// before must be closed. What is wrong with it is told by its Close.
func (w *Writer) Group(rows int) *Group {
	g := &Group{w: w, rows: rows}
	switch {
	case w.open:
		g.fail(errors.New("columnar: the row group before is not closed"))
	case rows < 0 || rows > schema.RowGroupRows:
		g.fail(fmt.Errorf("columnar: a row group of %d rows, at most %d are possible", rows, schema.RowGroupRows))
	}
	w.open = true
	for i := range w.chunks {
		w.chunks[i].reset()
	}
	return g
}

// Close ends the file. It does not close the writer that it was given.
func (w *Writer) Close() error {
	if w.err == nil && w.open {
		w.err = errors.New("columnar: the last row group is not closed")
	}
	if w.err != nil {
		return w.err
	}
	w.err = errors.New("columnar: the writer is closed")
	tail, err := schema.AppendFooter(nil, w.footer)
	if err != nil {
		return fmt.Errorf("columnar: %w", err)
	}
	if _, err := w.out.Write(tail); err != nil {
		return fmt.Errorf("columnar: write: %w", err)
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("columnar: write: %w", err)
	}
	return nil
}

func (w *Writer) write(parts ...[]byte) error {
	for _, part := range parts {
		n, err := w.out.Write(part)
		w.offset += int64(n)
		if err != nil {
			return fmt.Errorf("columnar: write: %w", err)
		}
	}
	return nil
}

// writeGroup writes the chunks in the order of the columns.
func (w *Writer) writeGroup(rows int) error {
	group := format.RowGroup{
		Columns: make([]format.ColumnChunk, len(w.leaves)), NumRows: int64(rows), FileOffset: w.offset,
		Ordinal: int16(min(len(w.footer.RowGroups), 1<<15-1)),
	}
	for i := range w.leaves {
		described, err := w.writeChunk(&w.leaves[i], &w.chunks[i])
		if err != nil {
			return err
		}
		group.Columns[i].MetaData = described
		group.TotalByteSize += described.TotalUncompressedSize
		group.TotalCompressedSize += described.TotalCompressedSize
	}
	w.footer.RowGroups = append(w.footer.RowGroups, group)
	w.footer.NumRows += int64(rows)
	return nil
}

// writeChunk writes the pages of a column: headers here, bodies as the chunk has them.
func (w *Writer) writeChunk(l *outLeaf, c *outChunk) (format.ColumnMetaData, error) {
	begin, spared := w.offset, 0
	described := format.ColumnMetaData{
		Type: format.Type(l.kind), Encoding: c.encodings(), PathInSchema: l.path, Codec: format.Zstd, NumValues: int64(c.values),
		Statistics: format.Statistics{NullCount: int64(c.nulls)},
	}
	if !l.personal {
		described.Statistics.MinValue, described.Statistics.MaxValue = c.bounds()
	}
	if c.entries > 0 {
		described.DictionaryPageOffset = w.offset
		dictionary := c.packed[:c.packedDictionary]
		header := format.PageHeader{Type: format.DictionaryPage, UncompressedPageSize: size32(len(c.dictionary)), CompressedPageSize: size32(len(dictionary))}
		header.DictionaryPageHeader = thrift.New(format.DictionaryPageHeader{NumValues: size32(c.entries), Encoding: format.Plain})
		spared += len(c.dictionary) - len(dictionary)
		if err := w.writePage(&header, dictionary); err != nil {
			return described, err
		}
	}
	described.DataPageOffset = w.offset
	for i := range c.pages {
		levels, data := c.page(i)
		p := &c.pages[i]
		header := format.PageHeader{
			Type: format.DataPageV2, UncompressedPageSize: size32(p.end - p.begin), CompressedPageSize: size32(len(levels) + len(data)),
			DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
				NumValues: size32(p.values), NumNulls: size32(p.nulls), NumRows: size32(p.rows), Encoding: c.encoding,
				RepetitionLevelsByteLength: size32(p.repetition - p.begin), DefinitionLevelsByteLength: size32(p.definition - p.repetition),
				IsCompressed: thrift.New(c.compressed), Statistics: format.Statistics{NullCount: int64(p.nulls)},
			}),
		}
		spared += p.end - p.begin - len(levels) - len(data)
		if err := w.writePage(&header, levels, data); err != nil {
			return described, err
		}
	}
	described.TotalCompressedSize = w.offset - begin
	described.TotalUncompressedSize = described.TotalCompressedSize + int64(spared)
	return described, nil
}

func (w *Writer) writePage(header *format.PageHeader, parts ...[]byte) error {
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), header)
	if err != nil {
		return fmt.Errorf("columnar: page header: %w", err)
	}
	if err := w.write(encoded); err != nil {
		return err
	}
	return w.write(parts...)
}

// size32 is a size within a page: the rows of a group are few enough for it.
func size32(n int) int32 { return int32(n) } //nolint:gosec // G115: checked by the chunk
