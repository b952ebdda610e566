package columnar_test

import (
	"errors"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

func TestALoopMayStopAtAnyRecord(t *testing.T) {
	body, err := schema.Encode(orders(200_000))
	if err != nil {
		t.Fatal(err)
	}
	turns := 0
	for rec, err := range columnar.Records(t.Context(), body, "revenue_minor") {
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumRows() == 0 || rec.NumRows() > 64<<10 {
			t.Errorf("a record of %d rows", rec.NumRows())
		}
		if turns++; turns == 2 {
			break
		}
	}
	if turns != 2 {
		t.Errorf("%d turns, want 2", turns)
	}
}

func TestBytesThatAreNoTableAreAnError(t *testing.T) {
	errs := 0
	for rec, err := range columnar.Records(t.Context(), []byte("no parquet"), "token") {
		if err == nil || rec != nil {
			t.Error("a record of nothing")
		}
		errs++
	}
	if errs != 1 {
		t.Errorf("%d errors, want one and nothing after it", errs)
	}
}

// Replace keeps every other column and null, looks each entry of a dictionary up
// once, and gives back all memory it was not handed on.
func TestReplace(t *testing.T) {
	pool := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer pool.AssertSize(t, 0)
	plain := array.NewStringBuilder(pool)
	defer plain.Release()
	plain.AppendValues([]string{"a", "b", ""}, []bool{true, true, false})
	text := plain.NewStringArray()
	defer text.Release()
	dictionary := array.NewDictionaryBuilder(pool, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String})
	defer dictionary.Release()
	for _, s := range []string{"x", "y", "x"} {
		if err := dictionary.(*array.BinaryDictionaryBuilder).AppendString(s); err != nil {
			t.Fatal(err)
		}
	}
	coded := dictionary.NewDictionaryArray()
	defer coded.Release()
	rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "plain", Type: text.DataType()}, {Name: "coded", Type: coded.DataType()}}, nil), []arrow.Array{text, coded}, 3)
	defer rec.Release()
	calls := map[string]int{}
	lookup := func(s string) string { calls[s]++; return s + s }
	first, err := columnar.Replace(rec, "plain", "doubled", lookup)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	second, err := columnar.Replace(first, "coded", "coded", lookup)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	doubled := second.Column(0).(*array.String)
	if second.ColumnName(0) != "doubled" || doubled.Value(0) != "aa" || doubled.Value(1) != "bb" || !doubled.IsNull(2) {
		t.Errorf("plain column = %v under %s", doubled, second.ColumnName(0))
	}
	codes := second.Column(1).(*array.Dictionary)
	values := codes.Dictionary().(*array.String)
	for i, want := range []string{"xx", "yy", "xx"} {
		if got := values.Value(codes.GetValueIndex(i)); got != want {
			t.Errorf("row %d = %s, want %s", i, got, want)
		}
	}
	if calls["x"] != 1 || calls["y"] != 1 {
		t.Errorf("dictionary entries were looked up %v times, want once each", calls)
	}
	for _, column := range []string{"none", "number"} {
		if _, err := columnar.Replace(numbersRecord(t), column, "c", lookup); !errors.Is(err, columnar.ErrColumn) {
			t.Errorf("Replace(%s): %v, want ErrColumn", column, err)
		}
	}
}

func numbersRecord(t *testing.T) arrow.Record {
	t.Helper()
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.Append(1)
	column := b.NewArray()
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "number", Type: column.DataType()}}, nil), []arrow.Array{column}, 1)
}
