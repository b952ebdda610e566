// Package columnar reads the lake's Parquet tables into Arrow records. It is the
// only door between the two, a package of its own so that the ingest function
// links no Arrow.
package columnar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// ErrColumn says that a table lacks a column or has it in another type.
var ErrColumn = errors.New("columnar: column")

// batchRows is the size of a record: large enough to forget the cost of a batch,
// small enough for the cache.
const batchRows = 64 << 10

// Records yields the named top-level columns of a Parquet file, in row order, as
// records of at most 64 Ki rows. Text columns that are dictionary-encoded in the
// file come as dictionaries. A record is borrowed for one turn of the loop. After
// an error nothing more is yielded. The file must be one of ours: malformed
// Parquet may panic inside the library.
func Records(ctx context.Context, body []byte, columns ...string) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		if err := each(ctx, body, columns, func(rec arrow.Record) bool { return yield(rec, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func each(ctx context.Context, body []byte, columns []string, visit func(arrow.Record) bool) error {
	reader, err := file.NewParquetReader(bytes.NewReader(body), file.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		return fmt.Errorf("columnar: open: %w", err)
	}
	defer func() { _ = reader.Close() }() // over memory: there is nothing to lose
	leaves, dictionaries, err := leavesOf(reader, columns)
	if err != nil {
		return err
	}
	if reader.NumRows() == 0 {
		return nil
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: batchRows}
	for _, leaf := range dictionaries {
		properties.SetReadDict(leaf, true)
	}
	table, err := pqarrow.NewFileReader(reader, properties, memory.DefaultAllocator)
	if err != nil {
		return fmt.Errorf("columnar: read: %w", err)
	}
	records, err := table.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return fmt.Errorf("columnar: read: %w", err)
	}
	defer records.Release()
	for records.Next() {
		if !visit(records.Record()) {
			return nil
		}
	}
	if err := records.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("columnar: read: %w", err)
	}
	return nil
}

// leavesOf finds the leaf columns below the named ones, and which of them are
// top-level text that the file keeps as a dictionary.
func leavesOf(reader *file.Reader, columns []string) (leaves, dictionaries []int, err error) {
	schema := reader.MetaData().Schema
	found := map[string]bool{}
	wanted := map[string]bool{}
	for _, column := range columns {
		wanted[column] = true
	}
	for i := range schema.NumColumns() {
		path := schema.Column(i).ColumnPath()
		if !wanted[path[0]] {
			continue
		}
		found[path[0]] = true
		leaves = append(leaves, i)
		if len(path) == 1 && schema.Column(i).PhysicalType() == parquet.Types.ByteArray && reader.NumRowGroups() > 0 {
			chunk, err := reader.MetaData().RowGroup(0).ColumnChunk(i)
			if err != nil {
				return nil, nil, fmt.Errorf("columnar: column %s: %w", path[0], err)
			}
			if chunk.HasDictionaryPage() {
				dictionaries = append(dictionaries, i)
			}
		}
	}
	for _, column := range columns {
		if !found[column] {
			return nil, nil, fmt.Errorf("%w: the file has no %s", ErrColumn, column)
		}
	}
	return leaves, dictionaries, nil
}

// Replace returns rec with the text column from replaced by a column to, whose
// values are those of from looked up one by one (a dictionary is looked up entry
// by entry). The caller releases the result.
func Replace(rec arrow.Record, from, to string, lookup func(string) string) (arrow.Record, error) {
	at := rec.Schema().FieldIndices(from)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s", ErrColumn, from)
	}
	var replaced arrow.Array
	switch column := rec.Column(at[0]).(type) {
	case *array.String:
		replaced = mapped(column, lookup)
		defer replaced.Release()
	case *array.Dictionary:
		values, ok := column.Dictionary().(*array.String)
		if !ok {
			return nil, fmt.Errorf("%w: %s is a dictionary of %s", ErrColumn, from, column.Dictionary().DataType())
		}
		dictionary := mapped(values, lookup)
		defer dictionary.Release()
		replaced = array.NewDictionaryArray(column.DataType(), column.Indices(), dictionary)
		defer replaced.Release()
	default:
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, from, column.DataType())
	}
	fields := append([]arrow.Field(nil), rec.Schema().Fields()...)
	fields[at[0]] = arrow.Field{Name: to, Type: replaced.DataType(), Nullable: true}
	columns := append([]arrow.Array(nil), rec.Columns()...)
	columns[at[0]] = replaced
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows()), nil
}

func mapped(column *array.String, lookup func(string) string) arrow.Array {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	builder.Reserve(column.Len())
	for i := range column.Len() {
		if column.IsNull(i) {
			builder.AppendNull()
		} else {
			builder.Append(lookup(column.Value(i)))
		}
	}
	return builder.NewArray()
}
