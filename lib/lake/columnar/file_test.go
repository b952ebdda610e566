package columnar_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

func int64sOf(ctx context.Context, body []byte, column string) iter.Seq2[[]int64, error] {
	f, err := columnar.OpenBytes(body)
	if err != nil {
		return func(yield func([]int64, error) bool) { yield(nil, err) }
	}
	return f.Int64s(ctx, column)
}

func dictionariesOf(ctx context.Context, body []byte, column string) iter.Seq2[arrow.Array, error] {
	return func(yield func(arrow.Array, error) bool) {
		f, err := columnar.OpenBytes(body)
		if err != nil {
			yield(nil, err)
			return
		}
		for texts, err := range f.Dictionaries(ctx, column) {
			var all arrow.Array
			if texts != nil {
				all = texts.(*array.String)
			}
			if !yield(all, err) {
				return
			}
		}
	}
}

// orders has a long footer, so that one read of the end is not enough, and columns far
// from each other.
func manyOrders(t *testing.T) []byte {
	t.Helper()
	rows := make([]schema.OrderRow, 3000)
	for i := range rows {
		rows[i] = schema.OrderRow{OrderID: string(rune('a' + i%26)), Token: string(rune('A' + i%7)), Day: "2026-01-02", RevenueMinor: int64(i)}
	}
	rows[5].Token = ""
	long := make([]byte, 60_000)
	for i := range long {
		long[i] = 'x'
	}
	body, err := schema.Encode(rows, schema.Pair{Key: "long", Value: string(long)})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// What is read part by part is what is read at once, and much less of it.
func TestAFileIsReadInParts(t *testing.T) {
	body := manyOrders(t)
	read := int64(0)
	f, err := columnar.Open(int64(len(body)), func(_ []byte, offset, length int64) ([]byte, error) {
		read += length
		return append([]byte(nil), body[offset:offset+length]...), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for rec, err := range f.Records(t.Context(), "revenue_minor", columnar.CodesOf+"token") {
		if err != nil {
			t.Fatal(err)
		}
		codes := rec.Column(0).(*array.Int32)
		if name := rec.ColumnName(0); name != "codes:token" {
			t.Fatalf("column 0 is %s", name)
		}
		var texts []string
		for dictionary, err := range f.Dictionaries(t.Context(), "token") {
			if err != nil {
				t.Fatal(err)
			}
			for i := range dictionary.Len() {
				texts = append(texts, dictionary.Value(i))
			}
		}
		for i, minor := range rec.Column(1).(*array.Int64).Int64Values() {
			sum += minor
			want := string(rune('A' + i%7))
			if i == 5 {
				want = ""
			}
			if got := texts[codes.Value(i)]; got != want {
				t.Fatalf("row %d has token %q, want %q", i, got, want)
			}
		}
	}
	if sum != 3000*2999/2 {
		t.Errorf("revenue adds up to %d", sum)
	}
	if rows := f.GroupRows(); len(rows) != 1 || rows[0] != 3000 {
		t.Errorf("GroupRows = %v", rows)
	}
	if _, err := columnar.Open(4, func([]byte, int64, int64) ([]byte, error) { return []byte("PAR1"), nil }); !errors.Is(err, columnar.ErrCorrupt) {
		t.Errorf("four bytes: %v, want ErrCorrupt", err)
	}
	gone := errors.New("gone")
	if _, err := columnar.Open(400, func([]byte, int64, int64) ([]byte, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("a read that fails: %v", err)
	}
	for _, err := range f.Records(t.Context(), columnar.CodesOf+"order_id") {
		if !errors.Is(err, columnar.ErrPlain) {
			t.Errorf("codes of plain text: %v, want ErrPlain", err)
		}
	}
}
