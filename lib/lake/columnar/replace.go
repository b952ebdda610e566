package columnar

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// ReplaceWith is Replace for a text that may not decide alone: where lookup says
// so, whole is asked with the text and the further ones of that row, which the
// list column more holds. An empty text stays empty. A record without the column
// more is replaced by lookup's values alone. The result has no column more, and
// the caller releases it.
func ReplaceWith(rec arrow.Record, from, more, to string, lookup func(string) (value string, decides bool), whole func([]string) string) (arrow.Record, error) {
	if len(rec.Schema().FieldIndices(more)) == 0 {
		return Replace(rec, from, to, func(text string) string {
			value, _ := lookup(text)
			return value
		})
	}
	text, err := textsOf(rec, from)
	if err != nil {
		return nil, err
	}
	further, err := listOf(rec, more)
	if err != nil {
		return nil, err
	}
	type answer struct {
		value   string
		decides bool
	}
	known := map[int]answer{} // by entry of a dictionary, whose texts are few
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	builder.Reserve(int(rec.NumRows()))
	for row := range int(rec.NumRows()) {
		entry := text.entry(row)
		if entry < 0 {
			builder.AppendNull()
			continue
		}
		value := text.values.Value(entry)
		if value == "" {
			builder.Append("")
			continue
		}
		a, ok := known[entry]
		if !ok {
			a.value, a.decides = lookup(value)
			if text.codes != nil {
				known[entry] = a
			}
		}
		if !a.decides {
			a.value = whole(append([]string{value}, further(row)...))
		}
		builder.Append(a.value)
	}
	replaced := builder.NewArray()
	defer replaced.Release()
	var fields []arrow.Field
	var columns []arrow.Array
	for i, field := range rec.Schema().Fields() {
		switch field.Name {
		case more:
		case from:
			fields, columns = append(fields, arrow.Field{Name: to, Type: replaced.DataType(), Nullable: true}), append(columns, replaced)
		default:
			fields, columns = append(fields, field), append(columns, rec.Column(i))
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, rec.NumRows()), nil
}

// texts is a text column, plain or as a dictionary.
type texts struct {
	values *array.String
	codes  *array.Dictionary // nil: plain
}

func textsOf(rec arrow.Record, name string) (texts, error) {
	at := rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		return texts{}, fmt.Errorf("%w: %s", ErrColumn, name)
	}
	switch column := rec.Column(at[0]).(type) {
	case *array.String:
		return texts{values: column}, nil
	case *array.Dictionary:
		if values, ok := column.Dictionary().(*array.String); ok {
			return texts{values: values, codes: column}, nil
		}
	}
	return texts{}, fmt.Errorf("%w: %s is %s", ErrColumn, name, rec.Column(at[0]).DataType())
}

// entry is where a row's text stands among the values; −1 for null.
func (t texts) entry(row int) int {
	if t.codes == nil {
		if t.values.IsNull(row) {
			return -1
		}
		return row
	}
	if t.codes.IsNull(row) {
		return -1
	}
	return t.codes.GetValueIndex(row)
}

// listOf reads the rows of a column of lists of texts.
func listOf(rec arrow.Record, name string) (func(row int) []string, error) {
	at := rec.Schema().FieldIndices(name)
	list, ok := rec.Column(at[0]).(*array.List)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, name, rec.Column(at[0]).DataType())
	}
	values, ok := list.ListValues().(*array.String)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, name, list.DataType())
	}
	return func(row int) []string {
		if list.IsNull(row) {
			return nil
		}
		from, to := list.ValueOffsets(row)
		all := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			all = append(all, values.Value(int(i)))
		}
		return all
	}, nil
}
