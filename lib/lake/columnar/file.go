package columnar

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// table is an open file with the columns that were asked for.
type table struct {
	of     *File
	roots  []*node
	leaves []*leaf
	rows   []int64 // of each row group
	ahead  bool    // all groups were read when it was opened; else each is when it is begun
	schema *arrow.Schema

	group int   // at hand; -1 before the first
	at    int64 // rows of it that were read
	last  arrow.Record

	shared
}

// shared is the memory that all columns of a table use in turn.
type shared struct {
	raw      []byte  // a decompressed page, until it is decoded
	codes    []int32 // indices or lengths, likewise
	prefixes []int32
	zeros    []byte   // never written to
	file     [][]byte // what was read of the file
}

// File is a Parquet file of which only what is asked for is read. It is safe for
// concurrent use.
type File struct {
	size   int64
	read   func(scratch []byte, offset, length int64) ([]byte, error)
	footer *format.FileMetaData
	owned  bool // what read returns is scratch for the next time
}

// Reuse says that what the file's read returns may be its scratch the next time: it is
// memory of its own, and not a part of something else.
func (f *File) Reuse() { f.owned = true }

// lastBytes are read first: a footer is shorter as a rule.
const lastBytes = 32 << 10

// Open reads the footer of a file of so many bytes. read gives some of them, in the
// memory of scratch if it has use for it; nobody changes what it returns until scratch
// is given again.
func Open(size int64, read func(scratch []byte, offset, length int64) ([]byte, error)) (f *File, err error) {
	defer guard(&err)
	tail, err := read(nil, max(0, size-lastBytes), min(size, lastBytes))
	if err != nil {
		return nil, err
	}
	length, err := footerLength(tail)
	if err == nil && length > size-12 {
		err = fmt.Errorf("%w: no footer", ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	if length+8 > int64(len(tail)) {
		if tail, err = read(nil, size-length-8, length+8); err != nil {
			return nil, err
		}
	}
	f = &File{size: size, read: read, footer: new(format.FileMetaData)}
	encoded := tail[int64(len(tail))-8-length : len(tail)-8]
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), encoded, f.footer); err != nil {
		return nil, fmt.Errorf("%w: footer: %w", ErrCorrupt, err)
	}
	return f, nil
}

// OpenBytes opens a file that is in memory.
func OpenBytes(body []byte) (*File, error) {
	return Open(int64(len(body)), func(_ []byte, offset, length int64) ([]byte, error) {
		if offset < 0 || length < 0 || offset+length > int64(len(body)) {
			return nil, fmt.Errorf("%w: a part outside of the file", ErrCorrupt)
		}
		return body[offset : offset+length : offset+length], nil
	})
}

// footerLength reads the end of a file.
// https://github.com/apache/parquet-format#file-format
func footerLength(tail []byte) (int64, error) {
	const magic = "PAR1"
	if len(tail) < 12 || string(tail[len(tail)-4:]) != magic {
		return 0, fmt.Errorf("%w: no Parquet file", ErrCorrupt)
	}
	return int64(binary.LittleEndian.Uint32(tail[len(tail)-8:])), nil
}

// GroupRows is the number of rows of every row group.
func (f *File) GroupRows() []int64 {
	rows := make([]int64, len(f.footer.RowGroups))
	for i := range rows {
		rows[i] = f.footer.RowGroups[i].NumRows
	}
	return rows
}

// CodesOf before the name of a text column asks [File.Records] for its places in the
// dictionary alone, as a column of int32 of that whole name: the texts, which
// [File.Dictionaries] gives, are not decoded. All pages must be dictionary-encoded,
// else it is [ErrPlain].
const CodesOf = "codes:"

// open finds the columns. Ahead, or where one has a dictionary, it reads all row groups
// and the headers of all pages, since a column is coded only if it is throughout; else
// that is left to begin, and one group is in memory. It decodes nothing.
func (f *File) open(columns []string, ahead bool) (t *table, err error) {
	defer guard(&err)
	wanted, bare := map[string]bool{}, map[string]bool{}
	for _, column := range columns {
		name, ok := strings.CutPrefix(column, CodesOf)
		bare[name] = ok
		wanted[name] = true
	}
	footer := f.footer
	t = &table{of: f, group: -1, ahead: ahead}
	if s, ok := spareShared.Get().(*shared); ok {
		t.shared = *s
	}
	tree := treeOf{elements: footer.Schema}
	if t.roots, t.leaves, err = tree.columns(wanted); err != nil {
		return nil, err
	}
	for _, l := range t.leaves {
		l.chunks = make([]chunk, len(footer.RowGroups))
	}
	var parts []part
	for i := range footer.RowGroups {
		group := &footer.RowGroups[i]
		t.rows = append(t.rows, group.NumRows)
		of, err := t.partsOf(i)
		if err != nil {
			return nil, err
		}
		for _, p := range of {
			t.ahead = t.ahead || p.meta.DictionaryPageOffset > 0 || bare[p.leaf.name] || slices.ContainsFunc(p.meta.Encoding, isCoded)
		}
		parts = append(parts, of...)
	}
	if t.ahead {
		if err := t.readChunks(parts); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Field, len(t.roots))
	for i, root := range t.roots {
		if root.shape == leafShape && root.field.Type == arrow.BinaryTypes.String && root.leaf.allCoded() {
			root.leaf.coded = true
			root.field.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
		}
		if bare[root.field.Name] {
			if root.shape != leafShape || root.field.Type.ID() != arrow.DICTIONARY && len(t.rows) > 0 && !root.leaf.empty() {
				return nil, fmt.Errorf("%w: column %s", ErrPlain, root.field.Name)
			}
			root.leaf.coded, root.leaf.bare = true, true
			root.field.Name, root.field.Type = CodesOf+root.field.Name, arrow.PrimitiveTypes.Int32
		}
		fields[i] = root.field
	}
	t.schema = arrow.NewSchema(fields, nil)
	return t, nil
}

// partsOf is the chunks of a row group.
func (t *table) partsOf(group int) (parts []part, err error) {
	columns := t.of.footer.RowGroups[group].Columns
	for _, l := range t.leaves {
		if l.column >= len(columns) {
			return nil, fmt.Errorf("%w: row group %d has %d columns", ErrCorrupt, group, len(columns))
		}
		parts = append(parts, part{meta: &columns[l.column].MetaData, leaf: l, group: group})
	}
	return parts, nil
}

// readChunks reads chunks and the headers of their pages.
func (t *table) readChunks(parts []part) error {
	if err := t.of.readParts(parts, &t.shared); err != nil {
		return err
	}
	for _, p := range parts {
		var err error
		if p.leaf.chunks[p.group], err = chunkOf(p.body, p.meta); err != nil {
			return fmt.Errorf("%w: column %s: %w", ErrCorrupt, p.leaf.name, err)
		}
	}
	return nil
}

// begin goes to a row group. What was yielded of the one before is written over.
func (t *table) begin(group int) error {
	if !t.ahead {
		parts, err := t.partsOf(group)
		if err == nil {
			err = t.readChunks(parts)
		}
		if err != nil {
			return err
		}
	}
	for _, l := range t.leaves {
		if err := l.begin(&t.shared, group); err != nil {
			return fmt.Errorf("%w: column %s: %w", ErrCorrupt, l.name, err)
		}
	}
	return nil
}

// part is a column chunk that is to be read.
type part struct {
	meta  *format.ColumnMetaData
	leaf  *leaf
	group int
	body  []byte
}

// gap is what is read in vain rather than asked for in two parts.
const gap = 64 << 10

// readParts reads the chunks, those that lie close together at once.
func (f *File) readParts(parts []part, s *shared) error {
	order := make([]int, len(parts))
	for i := range parts {
		order[i] = i
		if begin, end := spanOf(parts[i].meta); begin < 0 || end < begin || end > f.size {
			return fmt.Errorf("%w: column %s: its pages are outside of the file", ErrCorrupt, parts[i].leaf.name)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		a, _ := spanOf(parts[i].meta)
		b, _ := spanOf(parts[j].meta)
		return cmp.Compare(a, b)
	})
	reads := 0
	for from := 0; from < len(order); {
		begin, end := spanOf(parts[order[from]].meta)
		to := from + 1
		for ; to < len(order); to++ {
			b, e := spanOf(parts[order[to]].meta)
			if b > end+gap {
				break
			}
			end = max(end, e)
		}
		if reads == len(s.file) {
			s.file = append(s.file, nil)
		}
		body, err := f.read(s.file[reads], begin, end-begin)
		if f.owned {
			s.file[reads] = body
		}
		reads++
		if err == nil && int64(len(body)) < end-begin {
			err = fmt.Errorf("%w: the file is shorter than it was", ErrCorrupt)
		}
		if err != nil {
			return err
		}
		for ; from < to; from++ {
			b, e := spanOf(parts[order[from]].meta)
			parts[order[from]].body = body[b-begin : e-begin]
		}
	}
	return nil
}

// next is the next record, or nil after the last one.
func (t *table) next() (rec arrow.Record, err error) {
	defer guard(&err)
	if t.last != nil {
		t.last.Release()
		t.last = nil
	}
	for t.group < 0 || t.at >= t.rows[t.group] {
		if t.group++; t.group >= len(t.rows) {
			return nil, nil
		}
		t.at = 0
		if t.rows[t.group] <= 0 {
			continue
		}
		if err := t.begin(t.group); err != nil {
			return nil, err
		}
	}
	rows := int(min(batchRows, t.rows[t.group]-t.at))
	for _, l := range t.leaves {
		if err := l.read(&t.shared, rows); err != nil {
			return nil, fmt.Errorf("%w: column %s: %w", ErrCorrupt, l.name, err)
		}
	}
	columns := make([]arrow.Array, len(t.roots))
	for i, root := range t.roots {
		if columns[i], err = t.column(root, rows); err != nil {
			return nil, fmt.Errorf("%w: column %s: %w", ErrCorrupt, root.field.Name, err)
		}
	}
	t.at += int64(rows)
	t.last = array.NewRecord(t.schema, columns, int64(rows))
	for _, column := range columns {
		column.Release()
	}
	return t.last, nil
}
