package columnar_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// reference reads columns with the reader of arrow v17, the independent judge of
// what a file holds. With dictionaries, top-level texts that have one in the first
// row group come as such; the reader cannot do so where a record would need two.
func reference(ctx context.Context, body []byte, dictionaries bool, visit func(arrow.Record), columns ...string) error {
	reader, err := file.NewParquetReader(bytes.NewReader(body), file.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	if reader.NumRows() == 0 {
		return nil
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: 64 << 10}
	var leaves []int
	for i := range reader.MetaData().Schema.NumColumns() {
		column := reader.MetaData().Schema.Column(i)
		path := column.ColumnPath()
		if !slices.Contains(columns, path[0]) {
			continue
		}
		leaves = append(leaves, i)
		chunk, err := reader.MetaData().RowGroup(0).ColumnChunk(i)
		if err != nil {
			return err
		}
		if dictionaries && len(path) == 1 && column.PhysicalType() == parquet.Types.ByteArray && chunk.HasDictionaryPage() {
			properties.SetReadDict(i, true)
		}
	}
	table, err := pqarrow.NewFileReader(reader, properties, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	records, err := table.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return err
	}
	defer records.Release()
	for records.Next() {
		visit(records.Record())
	}
	if err := records.Err(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// cells are the values of a column as texts, by row, and what the column is.
type cells struct {
	of       string
	nullable bool
	rows     []string
}

// spell adds a record to the cells by column.
func spell(to map[string]*cells, rec arrow.Record) {
	for i, field := range rec.Schema().Fields() {
		c := to[field.Name]
		if c == nil {
			c = &cells{of: typeOf(field.Type), nullable: field.Nullable}
			to[field.Name] = c
		}
		column := rec.Column(i)
		for row := range column.Len() {
			c.rows = append(c.rows, cell(column, row))
		}
	}
}

// typeOf is a type with the names and the nullability of what is in it. A text is a
// text, as a dictionary or plain.
func typeOf(of arrow.DataType) string {
	switch of := of.(type) {
	case *arrow.DictionaryType:
		return of.ValueType.String()
	case *arrow.StructType:
		var parts []string
		for _, field := range of.Fields() {
			parts = append(parts, fmt.Sprintf("%s:%s(%t)", field.Name, typeOf(field.Type), field.Nullable))
		}
		return "struct of " + strings.Join(parts, " ")
	case *arrow.ListType:
		return "list of " + typeOf(of.Elem())
	}
	return of.String()
}

func cell(column arrow.Array, row int) string {
	if column.IsNull(row) {
		return "null"
	}
	switch column := column.(type) {
	case *array.Dictionary:
		return cell(column.Dictionary(), column.GetValueIndex(row))
	case *array.String:
		return fmt.Sprintf("%q", column.Value(row))
	case *array.Binary:
		return fmt.Sprintf("%q", column.Value(row))
	case array.ListLike:
		from, to := column.ValueOffsets(row)
		var parts []string
		for i := from; i < to; i++ {
			parts = append(parts, cell(column.ListValues(), int(i)))
		}
		return fmt.Sprint(len(parts), parts)
	case *array.Struct:
		var parts []string
		for i := range column.NumField() {
			parts = append(parts, cell(column.Field(i), row))
		}
		return strings.Join(parts, " ")
	}
	return column.ValueStr(row)
}

// compare reads all columns both ways. names are all top-level columns.
func compare(t *testing.T, body []byte, names ...string) {
	t.Helper()
	got, want := map[string]*cells{}, map[string]*cells{}
	if err := reference(t.Context(), body, false, func(rec arrow.Record) { spell(want, rec) }, names...); err != nil {
		t.Fatal(err)
	}
	var schema *arrow.Schema
	for rec, err := range columnar.Records(t.Context(), body, names...) {
		if err != nil {
			t.Fatal(err)
		}
		if schema == nil {
			schema = rec.Schema()
		} else if !schema.Equal(rec.Schema()) {
			t.Errorf("the schema changes from %s to %s", schema, rec.Schema())
		}
		if rec.NumRows() == 0 || rec.NumRows() > 64<<10 {
			t.Errorf("a record of %d rows", rec.NumRows())
		}
		sound(t, rec)
		spell(got, rec)
	}
	if len(got) != len(want) {
		t.Fatalf("%d columns, want %d", len(got), len(want))
	}
	for name, w := range want {
		g := got[name]
		if g == nil {
			t.Errorf("column %s is missing", name)
			continue
		}
		if g.of != w.of || g.nullable != w.nullable {
			t.Errorf("column %s is %s (nullable: %t), want %s (%t)", name, g.of, g.nullable, w.of, w.nullable)
		}
		if len(g.rows) != len(w.rows) {
			t.Errorf("column %s has %d rows, want %d", name, len(g.rows), len(w.rows))
			continue
		}
		for i := range w.rows {
			if g.rows[i] != w.rows[i] {
				t.Errorf("column %s, row %d: %s, want %s", name, i, g.rows[i], w.rows[i])
				break
			}
		}
	}
}

// sound checks what a record promises beside its values.
func sound(t *testing.T, rec arrow.Record) {
	t.Helper()
	for i, field := range rec.Schema().Fields() {
		column := rec.Column(i)
		if !field.Nullable && (column.NullN() != 0 || column.Data().Buffers()[0] != nil) {
			t.Errorf("required column %s has %d nulls or a bitmap", field.Name, column.NullN())
		}
		nulls := 0
		for row := range column.Len() {
			if column.IsNull(row) {
				nulls++
			}
		}
		if nulls != column.NullN() {
			t.Errorf("column %s: NullN is %d, %d rows are null", field.Name, column.NullN(), nulls)
		}
	}
}
