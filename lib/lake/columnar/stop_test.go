package columnar_test

import (
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

func numbersRecord(t *testing.T) arrow.Record {
	t.Helper()
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.Append(1)
	column := b.NewArray()
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "number", Type: column.DataType()}}, nil), []arrow.Array{column}, 1)
}
