package columnar_test

import (
	"errors"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// Clearing rows of a slice touches those rows of the result alone.
func TestClear(t *testing.T) {
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range 40 {
		if i == 20 {
			b.AppendNull()
		} else {
			b.Append(i%3 != 0)
		}
	}
	truths := b.NewBooleanArray()
	defer truths.Release()
	whole := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "purchase", Type: truths.DataType(), Nullable: true}}, nil), []arrow.Array{truths}, 40)
	defer whole.Release()
	rec := whole.NewSlice(5, 37)
	defer rec.Release()
	cleared, err := columnar.Clear(rec, "purchase", []int{0, 9, 31})
	if err != nil {
		t.Fatal(err)
	}
	defer cleared.Release()
	got, before := cleared.Column(0).(*array.Boolean), rec.Column(0).(*array.Boolean)
	for i := range got.Len() {
		want := (i+5)%3 != 0 && i != 0 && i != 9 && i != 31
		if i+5 == 20 {
			if !got.IsNull(i) {
				t.Errorf("row %d is not null any more", i)
			}
			continue
		}
		if got.Value(i) != want || got.IsNull(i) {
			t.Errorf("row %d = %t, want %t", i, got.Value(i), want)
		}
		if before.Value(i) != ((i+5)%3 != 0) {
			t.Errorf("row %d of the record itself changed", i)
		}
	}
	for _, column := range []string{"none", "number"} {
		if _, err := columnar.Clear(numbersRecord(t), column, nil); !errors.Is(err, columnar.ErrColumn) {
			t.Errorf("Clear(%s): %v, want ErrColumn", column, err)
		}
	}
}
