package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// appendRows is the size up to which the last row groups of a file are written
// anew together with the rows that are appended.
const appendRows = 32 << 10

// Append adds rows to a file that Encode or Append wrote, without decoding what
// it does not touch: row groups are copied byte by byte. Small groups at the end
// are merged with the new rows, as in a binary counter, so a file that grows by
// n appends has some log n small groups and each of its rows was written some
// log n times. Rows are sorted by compare within each group, not across groups.
// No body is an empty file. Of the metadata, pairs of the same key are replaced.
// Equal arguments give equal bytes; the page index is left out.
func Append[T Row](body []byte, rows []T, compare func(a, b *T) int, metadata ...Pair) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // as in Decode
			out, err = nil, fmt.Errorf("%w: %s: %v", ErrCorrupt, tableName[T](), r)
		}
	}()
	if len(body) == 0 {
		return Encode(sorted(rows, compare), metadata...)
	}
	footer, err := footerOf(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
	}
	if lookup(footer, "leadlake.table") != tableName[T]() {
		return nil, fmt.Errorf("%w: want table %s", ErrCorrupt, tableName[T]())
	}
	keep := len(footer.RowGroups)
	if len(rows) > 0 && sameColumns[T](footer) {
		if keep, rows, err = takeLast(body, footer, rows); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, tableName[T](), err)
		}
		rows = sorted(rows, compare)
	} else if len(rows) > 0 { // written by an older version: all of it gets the columns of this one
		old, err := Decode[T](body)
		if err != nil {
			return nil, err
		}
		return Encode(sorted(append(old, rows...), compare), pairsOf(footer, metadata)...)
	}
	var fresh []byte
	var freshFooter *format.FileMetaData
	if len(rows) > 0 {
		if fresh, err = Encode(rows); err != nil {
			return nil, err
		}
		if freshFooter, err = footerOf(fresh); err != nil {
			return nil, err
		}
	}
	out = make([]byte, 0, len(body)+len(fresh)+1<<12)
	out = append(out, magic...)
	var groups []format.RowGroup
	for i := range keep {
		out, groups = copyGroup(out, groups, body, footer.RowGroups[i])
	}
	if freshFooter != nil {
		for _, group := range freshFooter.RowGroups {
			out, groups = copyGroup(out, groups, fresh, group)
		}
		footer.Schema, footer.ColumnOrders = freshFooter.Schema, freshFooter.ColumnOrders
	}
	footer.NumRows = 0
	for _, group := range groups {
		footer.NumRows += group.NumRows
	}
	footer.RowGroups = groups
	setPairs(footer, metadata)
	return AppendFooter(out, footer)
}

// sorted is a sorted copy. Pointers are sorted, since a row is some hundred bytes.
func sorted[T any](rows []T, compare func(a, b *T) int) []T {
	order := make([]*T, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortStableFunc(order, compare)
	out := make([]T, len(rows))
	for i, row := range order {
		out[i] = *row
	}
	return out
}

// takeLast decodes the row groups at the end that are no larger than what comes
// to them, and returns how many are kept as they are.
func takeLast[T Row](body []byte, footer *format.FileMetaData, rows []T) (keep int, all []T, err error) {
	keep, total := len(footer.RowGroups), int64(len(rows))
	for keep > 0 {
		n := footer.RowGroups[keep-1].NumRows
		if n > total || n+total > appendRows {
			break
		}
		total += n
		keep--
	}
	if keep == len(footer.RowGroups) {
		return keep, rows, nil
	}
	file, err := openTable[T](body)
	if err != nil {
		return 0, nil, err
	}
	all = make([]T, total-int64(len(rows)), total)
	if err := readGroups(file, file.RowGroups()[keep:], all); err != nil {
		return 0, nil, err
	}
	return keep, append(all, rows...), nil
}

// copyGroup appends the pages of a row group and describes where they are now.
func copyGroup(out []byte, groups []format.RowGroup, body []byte, group format.RowGroup) ([]byte, []format.RowGroup) {
	first, end := int64(len(body)), int64(0)
	for _, column := range group.Columns {
		begin := beginOf(column.MetaData)
		first, end = min(first, begin), max(end, begin+column.MetaData.TotalCompressedSize)
	}
	shift := int64(len(out)) - first
	out = append(out, body[first:end]...)
	columns := make([]format.ColumnChunk, len(group.Columns))
	for i, column := range group.Columns {
		column.OffsetIndexOffset, column.OffsetIndexLength, column.ColumnIndexOffset, column.ColumnIndexLength = 0, 0, 0, 0
		if column.FileOffset != 0 {
			column.FileOffset += shift
		}
		column.MetaData.DataPageOffset += shift
		if column.MetaData.DictionaryPageOffset != 0 {
			column.MetaData.DictionaryPageOffset += shift
		}
		column.MetaData.IndexPageOffset = 0
		columns[i] = column
	}
	group.Columns, group.FileOffset = columns, first+shift
	group.Ordinal = int16(min(len(groups), 1<<15-1))
	return out, append(groups, group)
}

// beginOf is where the pages of a column chunk begin.
func beginOf(column format.ColumnMetaData) int64 {
	if d := column.DictionaryPageOffset; d != 0 {
		return min(d, column.DataPageOffset)
	}
	return column.DataPageOffset
}

// pairsOf is the metadata of a file that is written anew, but for what every
// writer puts down by itself.
func pairsOf(footer *format.FileMetaData, metadata []Pair) []Pair {
	setPairs(footer, metadata)
	var pairs []Pair
	for _, pair := range footer.KeyValueMetadata {
		if pair.Key != "leadlake.table" && pair.Key != "leadlake.schema" {
			pairs = append(pairs, Pair{Key: pair.Key, Value: pair.Value})
		}
	}
	return pairs
}

// sameColumns reports whether a file has just the columns of T.
func sameColumns[T Row](footer *format.FileMetaData) bool {
	columns := parquet.SchemaOf(*new(T)).Columns()
	if len(footer.RowGroups) == 0 {
		return true
	}
	chunks := footer.RowGroups[0].Columns
	if len(chunks) != len(columns) {
		return false
	}
	for i, path := range columns {
		if strings.Join(chunks[i].MetaData.PathInSchema, "\x00") != strings.Join(path, "\x00") {
			return false
		}
	}
	return true
}
