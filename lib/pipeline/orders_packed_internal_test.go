package pipeline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// oddStatements are statements of few orders with whatever a sender may put there.
func oddStatements(random *rand.Rand, n int) []schema.OrderEventRow {
	text := func() string {
		return []string{"", "a", "Ёлка", "\x00\xff", strings.Repeat("long", 300), strconv.FormatUint(random.Uint64(), 10)}[random.IntN(6)]
	}
	amount := func() *int64 {
		values := []int64{0, 1, -1, 99_00, math.MaxInt64, math.MinInt64}
		if i := random.IntN(2 * len(values)); i < len(values) {
			return &values[i]
		}
		return nil
	}
	rows := make([]schema.OrderEventRow, n)
	for i := range rows {
		row := &rows[i]
		*row = schema.OrderEventRow{
			EventID: text(), Source: []string{"till", "site", ""}[random.IntN(3)], Shop: []string{"main", "other", ""}[random.IntN(3)],
			At: time.UnixMicro(random.Int64N(4e15) - 1e15).UTC(), OrderID: fmt.Sprint("order-", random.IntN(1+n/3)),
			Status: []string{"new", "paid", "", "of their own"}[random.IntN(4)], Currency: []string{"RUB", ""}[random.IntN(2)],
			TotalMinor: amount(), ShippingMinor: amount(), ReturnedMinor: amount(), IsOrder: true,
		}
		for range random.IntN(4) {
			row.Tokens = append(row.Tokens, text())
		}
		for range max(0, random.IntN(6)-3) {
			row.Items = append(row.Items, schema.ItemRow{SKU: text(), Name: text(), Category: text(), Quantity: text(), SumMinor: random.Int64() - math.MaxInt64/2})
		}
	}
	return rows
}

// What is packed comes out again as it was, by order and in the order in which it was
// said: from memory and from files, from one group or many, also where orders have the
// same hash.
func TestPackedStatementsComeOutAgain(t *testing.T) {
	rows := oddStatements(rand.New(rand.NewPCG(11, 5)), 5000)
	want := map[[2]string][]schema.OrderEventRow{}
	for _, row := range rows {
		key := [2]string{row.Shop, row.OrderID}
		want[key] = append(want[key], row)
	}
	for name, c := range map[string]struct {
		bound int
		hash  func(shop, order string) int64
	}{
		"in memory": {math.MaxInt, schema.OrderHash}, "in files": {20_000, schema.OrderHash}, "each at once in files": {1, schema.OrderHash},
		"equal hashes": {100_000, func(_, order string) int64 { return int64(len(order)%2) << 35 }},
	} {
		f := &folding{p: &Pipeline{folds: orderSettings{hash: c.hash}}}
		s := f.newStatements(c.bound)
		for i := range rows {
			if err := s.add(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if s.piles.files != (c.bound < math.MaxInt) || s.count != len(rows) {
			t.Errorf("%s: files %v, %d statements", name, s.piles.files, s.count)
		}
		got := map[[2]string][]schema.OrderEventRow{}
		groups := 0
		if err := s.each(func(group *orderGroup) error {
			groups++
			var u unpacker
			for order := range group.orders {
				shop, id := group.key(order)
				key := [2]string{shop, id}
				if got[key] != nil || group.find(shop, id) != order {
					t.Errorf("%s: order %q in two places", name, key)
				}
				got[key] = group.events(order, &u, nil)
				again := unpacker{words: group.words, text: string(group.packed(nil, order))}
				for i := range got[key] {
					var row schema.OrderEventRow
					if again.next(&row); !gocmp.Equal(row, got[key][i]) {
						t.Errorf("%s: order %q: packed again it is another", name, key)
					}
				}
				if again.at != len(again.text) {
					t.Errorf("%s: order %q: %d bytes of %d", name, key, again.at, len(again.text))
				}
			}
			if group.find("main", "none of them") >= 0 {
				t.Errorf("%s: found what was never said", name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if (groups == 1) != (c.bound == math.MaxInt) {
			t.Errorf("%s: %d groups", name, groups)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-said +found):\n%s", name, diff)
		}
		if err := s.piles.close(); err != nil {
			t.Error(err)
		}
	}
}

// Temporary files have no name while they are open, and are none when they are closed.
func TestPilesLeaveNoFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	p := &piles{bound: 10}
	for i := range 500 {
		if err := p.add(i%7, fmt.Appendf(nil, "record %d;", i)); err != nil {
			t.Fatal(err)
		}
	}
	if !p.files {
		t.Fatal("nothing lies in a file")
	}
	text, err := p.take(3)
	if err != nil || !strings.HasPrefix(text, "record 3;record 10;") || !strings.HasSuffix(text, "record 493;") {
		t.Errorf("%q, %v", text, err)
	}
	if again, err := p.take(3); err != nil || again != "" {
		t.Errorf("a second time: %q, %v", again, err)
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestPilesWithoutRoomSaySo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	p := &piles{bound: 10}
	if err := p.add(1, []byte("more than ten bytes")); err == nil {
		t.Error("no error")
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
}
