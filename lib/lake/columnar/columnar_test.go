package columnar_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

func orders(n int) []schema.OrderRow {
	rows := make([]schema.OrderRow, n)
	for i := range rows {
		rows[i] = schema.OrderRow{
			Shop: "main", OrderID: strconv.Itoa(i), Token: "p" + strconv.Itoa(i%7), Day: "2026-01-0" + strconv.Itoa(1+i%9),
			RevenueMinor: int64(i), Purchase: i%2 == 0, Lines: []schema.ItemRow{{SKU: "a", SumMinor: 1}, {SKU: "b", SumMinor: 2}}[:i%3],
		}
	}
	return rows
}

func TestRecordsHoldWhatWasWritten(t *testing.T) {
	const n = 100_000
	body, err := schema.Encode(orders(n))
	if err != nil {
		t.Fatal(err)
	}
	rows, sum, lines := 0, int64(0), 0
	for rec, err := range columnar.Records(t.Context(), body, "token", "revenue_minor", "lines") {
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumCols() != 3 {
			t.Fatalf("%d columns, want the 3 asked for", rec.NumCols())
		}
		for i := range rec.Schema().Fields() {
			switch column := rec.Column(i).(type) {
			case *array.Int64:
				for j := range column.Len() {
					sum += column.Value(j)
				}
			case *array.List:
				lines += column.ListValues().Len()
			case *array.Dictionary:
				if got := column.Dictionary().(*array.String).Value(column.GetValueIndex(0)); got[:1] != "p" {
					t.Fatalf("token = %q", got)
				}
			}
		}
		rows += int(rec.NumRows())
	}
	if rows != n || sum != n*(n-1)/2 || lines == 0 {
		t.Errorf("rows %d, sum %d, lines %d", rows, sum, lines)
	}
}

func TestAMissingColumnIsAnError(t *testing.T) {
	body, err := schema.Encode(orders(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range columnar.Records(t.Context(), body, "token", "shoe_size") {
		if !errors.Is(err, columnar.ErrColumn) {
			t.Errorf("error %v, want ErrColumn", err)
		}
	}
}

func TestAnEmptyTableYieldsNothing(t *testing.T) {
	body, err := schema.Encode([]schema.OrderRow{})
	if err != nil {
		t.Fatal(err)
	}
	for range columnar.Records(t.Context(), body, "token") {
		t.Error("a record of nothing")
	}
}
