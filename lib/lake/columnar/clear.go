package columnar

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Record is what this package yields, named for those who only pass it on.
type Record = arrow.Record

// Clear returns rec with false in the given rows of a column of truths, whose
// other values and columns are shared. rec itself is not changed. The caller
// releases the result.
func Clear(rec arrow.Record, column string, rows []int) (arrow.Record, error) {
	at := rec.Schema().FieldIndices(column)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s", ErrColumn, column)
	}
	truths, ok := rec.Column(at[0]).(*array.Boolean)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", ErrColumn, column, rec.Column(at[0]).DataType())
	}
	n := truths.Len()
	bits := memory.NewResizableBuffer(memory.DefaultAllocator)
	defer bits.Release()
	bits.Resize(int(bitutil.BytesForBits(int64(n))))
	bitutil.CopyBitmap(truths.Data().Buffers()[1].Bytes(), truths.Data().Offset(), n, bits.Bytes(), 0)
	for _, row := range rows {
		bitutil.ClearBit(bits.Bytes(), row)
	}
	var valid *memory.Buffer // a cleared row that was null stays null, which is no truth either
	if truths.NullN() > 0 {
		valid = memory.NewResizableBuffer(memory.DefaultAllocator)
		defer valid.Release()
		valid.Resize(int(bitutil.BytesForBits(int64(n))))
		bitutil.CopyBitmap(truths.NullBitmapBytes(), truths.Data().Offset(), n, valid.Bytes(), 0)
	}
	data := array.NewData(truths.DataType(), n, []*memory.Buffer{valid, bits}, nil, truths.NullN(), 0)
	defer data.Release()
	cleared := array.NewBooleanData(data)
	defer cleared.Release()
	columns := append([]arrow.Array(nil), rec.Columns()...)
	columns[at[0]] = cleared
	return array.NewRecord(rec.Schema(), columns, rec.NumRows()), nil
}
