package analytics

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// ErrColumn says that a record lacks a column of lake/orders or has it in another
// type.
var ErrColumn = errors.New("analytics: column")

// Orders is a typed view of a record of lake/orders (schema.OrderRow): the columns
// are found and checked once. It borrows the record and is as short-lived.
type Orders struct {
	Day          Text // YYYY-MM-DD, business day
	Currency     Text
	RevenueMinor []int64
	Purchase     *array.Boolean
	Lines        Lines
}

// Lines is a view of the lines of all orders of a record.
type Lines struct {
	list     *array.List
	row      *array.Struct
	SKU      Text
	Name     Text
	Category Text
	Quantity Text // decimal
	SumMinor []int64
}

// Text is a view of a text column, plain or dictionary-encoded. A value is looked
// up by its code; a dictionary's codes are few, a plain column's are its rows.
type Text struct {
	values interface {
		Len() int
		IsNull(int) bool
		Value(int) string
	}
	codes []int32 // nil: the code of a row is its number; -1: null
}

// Codes is the number of codes; they run from 0 to Codes()-1.
func (t Text) Codes() int { return t.values.Len() }

// Code is the code of a row, or -1 if the row is null.
func (t Text) Code(row int) int32 {
	if t.codes == nil {
		return int32(row) //nolint:gosec // G115: a record has fewer than 2³¹ rows, its string offsets are int32
	}
	return t.codes[row]
}

// Value is the text of a code, "" for null. It points into the record: who keeps
// it clones it.
func (t Text) Value(code int32) string {
	if code < 0 || t.values.IsNull(int(code)) {
		return ""
	}
	return t.values.Value(int(code))
}

// OrdersOf views a record as orders. A missing or mistyped column is ErrColumn;
// columns it does not need may be absent.
func OrdersOf(rec arrow.Record) (Orders, error) {
	var o Orders
	find := func(name string) (arrow.Array, error) {
		at := rec.Schema().FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("%w: %s: there are %d of it, want 1", ErrColumn, name, len(at))
		}
		return rec.Column(at[0]), nil
	}
	var faults []error
	text := func(name string) Text {
		column, err := find(name)
		if err != nil {
			faults = append(faults, err)
			return Text{}
		}
		t, err := textOf(name, column)
		if err != nil {
			faults = append(faults, err)
		}
		return t
	}
	o.Day, o.Currency = text("day"), text("currency")

	if column, err := find("revenue_minor"); err != nil {
		faults = append(faults, err)
	} else if o.RevenueMinor, err = int64sOf("revenue_minor", column); err != nil {
		faults = append(faults, err)
	}
	if column, err := find("purchase"); err != nil {
		faults = append(faults, err)
	} else if flags, ok := column.(*array.Boolean); ok {
		o.Purchase = flags
	} else {
		faults = append(faults, mistyped("purchase", column))
	}
	if column, err := find("lines"); err != nil {
		faults = append(faults, err)
	} else if o.Lines, err = linesOf(column); err != nil {
		faults = append(faults, err)
	}
	return o, errors.Join(faults...)
}

// Any tells whether any order of the record has lines.
func (l Lines) Any() bool { return l.list.ListValues().Len() > 0 }

// Range is the half-open range of the lines of an order.
func (l Lines) Range(order int) (from, to int) {
	if l.list.IsNull(order) {
		return 0, 0
	}
	start, end := l.list.ValueOffsets(order)
	return int(start), int(end)
}

// Missing tells whether a line is null.
func (l Lines) Missing(line int) bool { return l.row.IsNull(line) }

func linesOf(column arrow.Array) (Lines, error) {
	list, ok := column.(*array.List)
	if !ok {
		return Lines{}, mistyped("lines", column)
	}
	row, ok := list.ListValues().(*array.Struct)
	if !ok {
		return Lines{}, mistyped("lines", column)
	}
	l := Lines{list: list, row: row}
	of := row.DataType().(*arrow.StructType)
	found := 0
	for i, field := range of.Fields() {
		var err error
		switch field.Name {
		case "sku":
			l.SKU, err = textOf("lines.sku", row.Field(i))
		case "name":
			l.Name, err = textOf("lines.name", row.Field(i))
		case "category":
			l.Category, err = textOf("lines.category", row.Field(i))
		case "quantity":
			l.Quantity, err = textOf("lines.quantity", row.Field(i))
		case "sum_minor":
			l.SumMinor, err = int64sOf("lines.sum_minor", row.Field(i))
		default:
			continue
		}
		if err != nil {
			return Lines{}, err
		}
		found++
	}
	if found != 5 {
		return Lines{}, fmt.Errorf("%w: lines: want sku, name, category, quantity and sum_minor in %s", ErrColumn, of)
	}
	return l, nil
}

func textOf(name string, column arrow.Array) (Text, error) {
	var t Text
	values := column
	if dictionary, ok := column.(*array.Dictionary); ok {
		values = dictionary.Dictionary()
		t.codes = codesOf(dictionary)
	}
	switch v := values.(type) {
	case *array.String:
		t.values = v
	case *array.LargeString:
		t.values = v
	default:
		return Text{}, mistyped(name, column)
	}
	return t, nil
}

// codesOf reads the indices of a dictionary column; without a copy in the usual
// case, int32 and no nulls.
func codesOf(d *array.Dictionary) []int32 {
	if indices, ok := d.Indices().(*array.Int32); ok && d.NullN() == 0 {
		return indices.Int32Values()
	}
	codes := make([]int32, d.Len())
	for i := range codes {
		codes[i] = -1
		if d.IsValid(i) {
			codes[i] = int32(d.GetValueIndex(i)) //nolint:gosec // G115: a dictionary has fewer than 2³¹ values
		}
	}
	return codes
}

func int64sOf(name string, column arrow.Array) ([]int64, error) {
	numbers, ok := column.(*array.Int64)
	if !ok {
		return nil, mistyped(name, column)
	}
	if numbers.NullN() > 0 {
		return nil, fmt.Errorf("%w: %s: %d values are null", ErrColumn, name, numbers.NullN())
	}
	return numbers.Int64Values(), nil
}

func mistyped(name string, column arrow.Array) error {
	return fmt.Errorf("%w: %s: unexpected type %s", ErrColumn, name, column.DataType())
}
