package schema_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/schema"
)

func orderRows(random *rand.Rand, n int) []schema.OrderRow {
	rows := make([]schema.OrderRow, n)
	for i := range rows {
		id := strconv.FormatInt(random.Int64(), 10)
		total := random.Int64N(1000)
		rows[i] = schema.OrderRow{
			OrderHash: schema.OrderHash("main", id), Shop: "main", OrderID: id, Token: fmt.Sprintf("p%d", random.IntN(50)), TotalMinor: total,
			At: time.Unix(random.Int64N(1e9), 0).UTC(), Purchase: i%2 == 0, MoreTokens: []string{"e1", "x2"}[:random.IntN(3)],
		}
		for k := range random.IntN(4) {
			rows[i].Lines = append(rows[i].Lines, schema.ItemRow{SKU: fmt.Sprintf("s%d", k), SumMinor: total})
			rows[i].Statements = append(rows[i].Statements, schema.StatementRow{
				EventID: fmt.Sprintf("%s/%d", id, k), At: rows[i].At, Tokens: []string{"p1", "e2"}[:k%3], TotalMinor: &total,
			})
		}
	}
	return rows
}

// A row read by its number is the row of the whole file, whether the file has a
// page index or was appended to and has none, and whichever rows are asked for.
func TestRowsByNumberAreThoseOfTheWholeFile(t *testing.T) {
	byHash := func(a, b *schema.OrderRow) int { return cmp.Compare(a.OrderHash, b.OrderHash) }
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 5))
		body, err := schema.Encode(orderRows(random, 1+random.IntN(12_000)))
		if seed%2 == 1 {
			for range 3 {
				if err == nil {
					body, err = schema.Append(body, orderRows(random, 1+random.IntN(3000)), byHash)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		all, err := schema.Decode[schema.OrderRow](body)
		if err != nil {
			t.Fatal(err)
		}
		for _, share := range []int{1, 2, 50, 3000} {
			var numbers []int64
			var want []schema.OrderRow
			var narrow []schema.OrderInterestRow
			for i := range all {
				if random.IntN(share) == 0 || i == len(all)-1 {
					numbers, want = append(numbers, int64(i)), append(want, all[i])
				}
			}
			got, err := schema.DecodeRows[schema.OrderRow](bytes.NewReader(body), int64(len(body)), numbers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("one in %d rows (-whole +by number):\n%s", share, diff)
			}
			if narrow, err = schema.DecodeRows[schema.OrderInterestRow](bytes.NewReader(body), int64(len(body)), numbers); err != nil || narrow[len(narrow)-1].OrderID != want[len(want)-1].OrderID {
				t.Errorf("a narrower row: %v", err)
			}
		}
	}
}

func TestRowsThatAreNotThereAreAnError(t *testing.T) {
	body, err := schema.Encode(orderRows(rand.New(rand.NewPCG(1, 1)), 10))
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := schema.DecodeRows[schema.OrderRow](bytes.NewReader(body), int64(len(body)), nil); err != nil || rows != nil {
		t.Errorf("no numbers: %v, %v", rows, err)
	}
	for name, call := range map[string]func() error{
		"row 10 of 10": func() error {
			_, err := schema.DecodeRows[schema.OrderRow](bytes.NewReader(body), int64(len(body)), []int64{3, 10})
			return err
		},
		"another table": func() error {
			_, err := schema.DecodeRows[schema.EventRow](bytes.NewReader(body), int64(len(body)), []int64{3})
			return err
		},
		"no Parquet": func() error {
			_, err := schema.DecodeRows[schema.OrderRow](bytes.NewReader(body[:20]), int64(len(body[:20])), []int64{3})
			return err
		},
	} {
		if err := call(); !errors.Is(err, schema.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}

// The number of an order is the one that the standard library's FNV-1a gives.
func TestOrderHashIsFNV(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for _, shop := range words() {
		for _, order := range append(words(), strconv.FormatUint(random.Uint64(), 10)) {
			hash := fnv.New64a()
			_, _ = hash.Write([]byte(shop + "\x00" + order))
			if want := int64(hash.Sum64()); schema.OrderHash(shop, order) != want {
				t.Fatalf("OrderHash of %d and %d bytes: %d, want %d", len(shop), len(order), schema.OrderHash(shop, order), want)
			}
		}
	}
}
