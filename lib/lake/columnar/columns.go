package columnar

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Texts are the values of a text column or the entries of a dictionary.
type Texts interface {
	Len() int
	Value(i int) string
}

func columnOf(rec arrow.Record, name string) (arrow.Array, error) {
	at := rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s: there are %d of it, want 1", ErrColumn, name, len(at))
	}
	return rec.Column(at[0]), nil
}

// Codes is the column that [CodesOf] asked for: for every row the place of its text in
// the dictionary, −1 for null. It is as short-lived as the record.
func Codes(rec arrow.Record, column string) ([]int32, error) {
	of, err := columnOf(rec, CodesOf+column)
	if err != nil {
		return nil, err
	}
	codes, ok := of.(*array.Int32)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, of.DataType())
	}
	values := codes.Int32Values()
	for row := 0; codes.NullN() > 0 && row < len(values); row++ {
		if codes.IsNull(row) {
			values[row] = -1 // memory of the record, which nobody else reads
		}
	}
	return values, nil
}

// PlainTexts is a text column that is no dictionary.
func PlainTexts(rec arrow.Record, column string) (Texts, error) {
	of, err := columnOf(rec, column)
	if err != nil {
		return nil, err
	}
	texts, ok := of.(*array.String)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, of.DataType())
	}
	return texts, nil
}

// TextLists is a column of lists of texts: the texts of a row, none for null.
func TextLists(rec arrow.Record, column string) (func(row int) []string, error) {
	of, err := columnOf(rec, column)
	if err != nil {
		return nil, err
	}
	list, ok := of.(*array.List)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, of.DataType())
	}
	texts, ok := list.ListValues().(*array.String)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, of.DataType())
	}
	return func(row int) []string {
		if list.IsNull(row) {
			return nil
		}
		from, to := list.ValueOffsets(row)
		all := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			all = append(all, texts.Value(int(i)))
		}
		return all
	}, nil
}
