package columnar

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// table is an open file with the columns that were asked for.
type table struct {
	roots  []*node
	leaves []*leaf
	rows   []int64 // of each row group
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
	zeros    []byte // never written to
}

// open reads the footer and the headers of all pages of the columns. It decodes
// nothing.
func open(body []byte, columns []string) (t *table, err error) {
	defer guard(&err)
	footer, err := footerOf(body)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, column := range columns {
		wanted[column] = true
	}
	t = &table{group: -1}
	tree := treeOf{elements: footer.Schema}
	if t.roots, t.leaves, err = tree.columns(wanted); err != nil {
		return nil, err
	}
	for i := range footer.RowGroups {
		group := &footer.RowGroups[i]
		t.rows = append(t.rows, group.NumRows)
		for _, l := range t.leaves {
			if l.column >= len(group.Columns) {
				return nil, fmt.Errorf("%w: row group %d has %d columns", ErrCorrupt, i, len(group.Columns))
			}
			c, err := chunkOf(body, &group.Columns[l.column].MetaData)
			if err != nil {
				return nil, fmt.Errorf("%w: column %s: %w", ErrCorrupt, l.name, err)
			}
			l.chunks = append(l.chunks, c)
		}
	}
	fields := make([]arrow.Field, len(t.roots))
	for i, root := range t.roots {
		if root.shape == leafShape && root.field.Type == arrow.BinaryTypes.String && root.leaf.allCoded() {
			root.leaf.coded = true
			root.field.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
		}
		fields[i] = root.field
	}
	t.schema = arrow.NewSchema(fields, nil)
	return t, nil
}

// footerOf decodes the footer of a file.
// https://github.com/apache/parquet-format#file-format
func footerOf(body []byte) (*format.FileMetaData, error) {
	const magic = "PAR1"
	if len(body) < 12 || string(body[:4]) != magic || string(body[len(body)-4:]) != magic {
		return nil, fmt.Errorf("%w: no Parquet file", ErrCorrupt)
	}
	tail := len(body) - 8
	start := tail - int(binary.LittleEndian.Uint32(body[tail:]))
	if start < 4 {
		return nil, fmt.Errorf("%w: no footer", ErrCorrupt)
	}
	footer := new(format.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), body[start:tail], footer); err != nil {
		return nil, fmt.Errorf("%w: footer: %w", ErrCorrupt, err)
	}
	return footer, nil
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
		for _, l := range t.leaves {
			if err := l.begin(&t.shared, t.group); err != nil {
				return nil, fmt.Errorf("%w: column %s: %w", ErrCorrupt, l.name, err)
			}
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
