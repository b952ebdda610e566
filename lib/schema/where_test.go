package schema_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/schema"
)

func eventRows(random *rand.Rand, n int) []schema.EventRow {
	kinds := []string{"consent", "cost", "lead", "order", "stage"}
	rows := make([]schema.EventRow, n)
	for i := range rows {
		amount := random.Int64N(1000)
		rows[i] = schema.EventRow{
			EventID: fmt.Sprintf("e%d", random.Int64()), Kind: kinds[random.IntN(len(kinds))], Source: "till", At: time.Unix(random.Int64N(1e9), 0).UTC(),
			ReceivedAt: time.Unix(1e9, 0).UTC(), CostDay: fmt.Sprintf("2026-11-%02d", 1+random.IntN(30)), CostSource: "яндекс",
			Tokens: []string{"p1", "e2", "x3"}[:random.IntN(4)],
		}
		if random.IntN(2) == 0 {
			rows[i].CostMinor = &amount
		}
	}
	return rows
}

// Which rows there are of a value does not depend on how the file came to be:
// written at once, in any order, or appended to, so that every group has some.
func TestRowsOfAValueAreThoseOfTheWholeFile(t *testing.T) {
	byKind := func(a, b *schema.EventRow) int { return strings.Compare(a.Kind, b.Kind) }
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 3))
		body, err := schema.Encode(eventRows(random, 1+random.IntN(2000)))
		for range random.IntN(4) {
			if err == nil {
				body, err = schema.Append(body, eventRows(random, 1+random.IntN(300)), byKind)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		all, err := schema.Decode[schema.EventRow](body)
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := schema.Decode[schema.CostEventRow](body)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"consent", "cost", "stage", "profile", ""} {
			wide, err := schema.DecodeWhere[schema.EventRow](body, "kind", kind)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.DeleteFunc(slices.Clone(all), func(r schema.EventRow) bool { return r.Kind != kind }), wide, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, %q (-want +got):\n%s", seed, kind, diff)
			}
			costs, err := schema.DecodeWhere[schema.CostEventRow](body, "kind", kind)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.DeleteFunc(slices.Clone(narrow), func(r schema.CostEventRow) bool { return r.Kind != kind }), costs, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, narrow %q (-want +got):\n%s", seed, kind, diff)
			}
		}
	}
}

func TestRowsOfAValueWhereThereAreNone(t *testing.T) {
	body, err := schema.Encode([]schema.EventRow{})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := schema.DecodeWhere[schema.CostEventRow](body, "kind", "cost"); err != nil || len(rows) != 0 {
		t.Errorf("of an empty file: %v, %v", rows, err)
	}
	if body, err = schema.Encode([]schema.EventRow{{EventID: "a", Kind: "cost"}}); err != nil {
		t.Fatal(err)
	}
	if rows, err := schema.DecodeWhere[schema.CostEventRow](body, "a column of later", "cost"); err != nil || len(rows) != 0 {
		t.Errorf("of a column that the file lacks: %v, %v", rows, err)
	}
	if rows, err := schema.DecodeWhere[schema.CostEventRow](body, "kind", "cost"); err != nil || len(rows) != 1 || rows[0].EventID != "a" {
		t.Errorf("of the only row: %v, %v", rows, err)
	}
	for name, broken := range map[string][]byte{"half of a file": body[:len(body)/2], "nothing": nil} {
		if _, err := schema.DecodeWhere[schema.CostEventRow](broken, "kind", "cost"); !errors.Is(err, schema.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := schema.DecodeWhere[schema.OrderRow](body, "kind", "cost"); !errors.Is(err, schema.ErrCorrupt) {
		t.Errorf("another table: %v, want ErrCorrupt", err)
	}
}

// BenchmarkFewOfMany reads the 20 costs of a day with 200 000 events, and the day
// with all of its rows.
func BenchmarkFewOfMany(b *testing.B) {
	rows := make([]schema.EventRow, 200_000)
	for i := range rows {
		kind := "order"
		if i < 20 {
			kind = "cost"
		}
		rows[i] = schema.EventRow{
			EventID: fmt.Sprintf("ord-%08d/paid", i), Source: "till", Kind: kind, At: time.Unix(int64(i), 0).UTC(), ReceivedAt: time.Unix(1e9, 0).UTC(),
			Entity: fmt.Sprintf("deal:%d", i), Tokens: []string{fmt.Sprintf("p%026d", i)},
		}
	}
	body, err := schema.Encode(rows)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("where", func(b *testing.B) {
		for b.Loop() {
			if rows, err := schema.DecodeWhere[schema.CostEventRow](body, "kind", "cost"); err != nil || len(rows) != 20 {
				b.Fatal(len(rows), err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if _, err := schema.Decode[schema.CostEventRow](body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
