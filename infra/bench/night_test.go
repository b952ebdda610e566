package main

import (
	"cmp"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// tinyShop is short, so that few files are written.
func tinyShop() nightShop { return nightShop{Orders: 2000, Seed: 1, AsOf: "2025-12-31", Months: 3} }

// statementsOf are all events of a shop by order.
func statementsOf(t *testing.T, n nightShop) (*orderShop, map[string][]schema.EventRow) {
	t.Helper()
	s, err := n.made()
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string][]schema.EventRow{}
	for day := range s.days {
		for _, ev := range s.events(day) {
			orders[ev.OrderID] = append(orders[ev.OrderID], ev)
		}
	}
	return s, orders
}

// folded folds the orders of a shop by the rules of the product.
func folded(orders map[string][]schema.EventRow) []schema.OrderRow {
	var rows []schema.OrderRow
	for _, events := range orders {
		said := make([]schema.OrderEventRow, len(events))
		for i, ev := range events {
			said[i] = schema.OrderEventRow{
				EventID: ev.EventID, Source: ev.Source, Shop: ev.Shop, At: ev.At, Tokens: ev.Tokens, OrderID: ev.OrderID, Status: ev.Status,
				Currency: ev.Currency, TotalMinor: ev.TotalMinor, ShippingMinor: ev.ShippingMinor, ReturnedMinor: ev.ReturnedMinor, IsOrder: ev.IsOrder,
			}
		}
		rows = append(rows, card.FoldOrder(schema.OrderRow{}, said, time.UTC))
	}
	return rows
}

// The larger shop makes chance small: of 40 000 orders a share of 3 % varies by 0.09 %.
func TestAShopHasTheSharesItPromises(t *testing.T) {
	_, orders := statementsOf(t, nightShop{Orders: 40_000, Seed: 1, AsOf: "2025-12-31", Months: shopMonths})
	events, back, part, purchases := 0.0, 0.0, 0.0, map[string]int{}
	sources := map[string]bool{}
	rows := folded(orders)
	n := float64(len(rows))
	bought := 0.0
	for _, row := range rows {
		events += float64(len(row.Statements))
		if row.Purchase {
			bought++
			purchases[row.Token]++
		}
		if row.Status == event.StatusReturned {
			back++
			if row.Purchase {
				part++
			}
		}
		for _, s := range row.Statements {
			sources[s.Source] = true
		}
	}
	once := 0.0
	counts := make([]int, 0, len(purchases))
	for _, count := range purchases {
		counts = append(counts, count)
		if count == 1 {
			once++
		}
	}
	slices.SortFunc(counts, func(a, b int) int { return cmp.Compare(b, a) })
	top := 0
	for _, count := range counts[:len(counts)/100] {
		top += count
	}
	for _, tt := range []struct {
		name             string
		got, least, most float64
	}{
		{"orders", n, 39_950, 40_000}, // an order of the last second may have nothing said of it
		{"statements an order", events / n, 2.45, 2.55},
		{"purchases", bought / n, 0.79, 0.82},
		{"returned by the last day", back / n, 0.026, 0.032},
		{"returned in part, of them", part / back, 0.4, 0.6},
		{"clients who bought once", once / float64(len(counts)), 0.27, 0.33},
		{"purchases of the first hundredth of the clients", float64(top) / bought, 0.08, 0.30},
		{"clients", float64(len(counts)), 3700, 4300},
		{"sources", float64(len(sources)), 3, 3},
	} {
		if tt.got < tt.least || tt.got > tt.most {
			t.Errorf("%s = %v, want %v to %v", tt.name, tt.got, tt.least, tt.most)
		}
	}
}

// saysOn spares making orders; what it leaves out would be missing from a day.
func TestNoStatementIsLost(t *testing.T) {
	s, orders := statementsOf(t, tinyShop())
	want, got := 0, 0
	for day := range s.days {
		for number := s.firstOf(day); number < s.firstOf(day+1); number++ {
			o := s.order(number, day)
			for _, st := range o.steps[:o.stepsCount] {
				if day+st.after < s.days {
					want++
				}
				if st.second < 0 || st.second >= daySeconds {
					t.Fatalf("order %d: second %d of a day", number, st.second)
				}
			}
		}
	}
	for _, events := range orders {
		got += len(events)
		seen := map[string]bool{}
		for _, ev := range events {
			if seen[ev.EventID] {
				t.Errorf("order %s: two events %s", ev.OrderID, ev.EventID)
			}
			seen[ev.EventID] = true
		}
	}
	if got != want {
		t.Errorf("%d statements, want %d", got, want)
	}
}

func TestAShopIsTheSameEveryTime(t *testing.T) {
	first, second := new(objstore.Mem), new(objstore.Mem)
	for store, workers := range map[*objstore.Mem]int{first: 1, second: 3} {
		if err := tinyShop().make(t.Context(), store, workers, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := keysBelow(t.Context(), first, "")
	if err != nil || len(keys) < 90 {
		t.Fatalf("%d objects, error %v", len(keys), err)
	}
	for _, key := range keys {
		a, _, errA := first.Get(t.Context(), key)
		b, _, errB := second.Get(t.Context(), key)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("%s differs (errors %v, %v)", key, errA, errB)
		}
	}
}

// A shop whose making broke off is finished; a folder of another one is left alone.
func TestAShopIsFinishedAndNoOtherOverwritten(t *testing.T) {
	whole, part := new(objstore.Mem), new(objstore.Mem)
	for _, store := range []*objstore.Mem{whole, part} {
		if err := tinyShop().make(t.Context(), store, 2, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	days, err := keysBelow(t.Context(), part, lake.EventsPrefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(days[10:30:30], nightTokensKey) {
		if err := part.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if err := tinyShop().make(t.Context(), part, 2, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, key := range append(days, nightTokensKey) {
		a, _, errA := whole.Get(t.Context(), key)
		b, _, errB := part.Get(t.Context(), key)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s differs (errors %v, %v)", key, errA, errB)
		}
	}
	other := tinyShop()
	other.Seed = 2
	if err := other.make(t.Context(), part, 2, io.Discard); !errors.Is(err, errUsage) {
		t.Errorf("another shop in the same folder: error %v", err)
	}
	strange := new(objstore.Mem)
	if _, err := strange.Put(t.Context(), "lake/x", nil); err != nil {
		t.Fatal(err)
	}
	if err := tinyShop().make(t.Context(), strange, 2, io.Discard); !errors.Is(err, errUsage) {
		t.Errorf("a folder of somebody: error %v", err)
	}
}

// The map of tokens is what identity resolution makes of the events.
func TestTheMapOfTokensIsThatOfTheNight(t *testing.T) {
	store := new(objstore.Mem)
	if err := tinyShop().make(t.Context(), store, 2, io.Discard); err != nil {
		t.Fatal(err)
	}
	clients, err := resolveLake(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	table, err := lake.ReadTable[schema.TokenRow](t.Context(), store, nightTokensKey)
	if err != nil || len(table.Rows) < 150 {
		t.Fatalf("%d tokens, error %v", len(table.Rows), err)
	}
	merged := 0
	for _, row := range table.Rows {
		if got := clients.Of(row.Token); got != row.ClientID {
			t.Errorf("client of %s = %s, want %s", row.Token, row.ClientID, got)
		}
		if row.Token != row.ClientID {
			merged++
		}
	}
	if merged == 0 || !slices.IsSortedFunc(table.Rows, func(a, b schema.TokenRow) int { return cmp.Compare(a.Token, b.Token) }) {
		t.Errorf("%d tokens of clients with two; rows in order of tokens wanted", merged)
	}
}

// The whole of our side on a tiny shop: folded up to the day before, then the night,
// which leaves the lake as it was.
func TestANightOfAShopLeavesTheLakeAlone(t *testing.T) {
	data, out := filepath.Join(t.TempDir(), "shop"), filepath.Join(t.TempDir(), "out")
	o := nightOptions{shop: tinyShop(), data: []string{data}}
	if err := o.makeShop(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := foldShop(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	before := filesBelow(t, data)
	for _, part := range []string{"floor", "score"} {
		if err := nightProcesses()[part](t.Context(), data, out, o.shop.AsOf); err != nil {
			t.Fatal(err)
		}
	}
	if after := filesBelow(t, data); !slices.Equal(before, after) {
		t.Errorf("the night changed the lake: %d files, then %d", len(before), len(after))
	}
	found, err := filepath.Glob(filepath.Join(out, "gold", "*"))
	if err != nil || len(found) == 0 {
		t.Errorf("no table below %s (error %v)", out, err)
	}
}

func filesBelow(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".parquet") {
			body, err := os.ReadFile(path)
			files = append(files, path+" "+string(body))
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestALayerShowsTheLakeAndKeepsItsOwnWrites(t *testing.T) {
	ctx := t.Context()
	below, top := new(objstore.Mem), new(objstore.Mem)
	for _, key := range []string{"a", "b", "lake/orders/x"} {
		if _, err := below.Put(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	l := layered{Store: below, top: top, hidden: ordersPrefix}
	if _, _, err := l.Get(ctx, "lake/orders/x"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("hidden object: error %v", err)
	}
	if _, err := l.Create(ctx, "a", []byte("new")); !errors.Is(err, objstore.ErrExist) {
		t.Errorf("create over the lake's: error %v", err)
	}
	if _, err := l.Create(ctx, "lake/orders/x", []byte("new")); err != nil {
		t.Errorf("create over a hidden one: error %v", err)
	}
	info, err := l.Head(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Swap(ctx, "a", []byte("new"), "other"); !errors.Is(err, objstore.ErrChanged) {
		t.Errorf("swap of another version: error %v", err)
	}
	version, err := l.Swap(ctx, "a", []byte("new"), info.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Swap(ctx, "a", []byte("newer"), info.Version); !errors.Is(err, objstore.ErrChanged) {
		t.Errorf("swap of the version before: error %v", err)
	}
	if _, err := l.Swap(ctx, "a", []byte("newer"), version); err != nil {
		t.Errorf("swap of the version in place: error %v", err)
	}
	body, _, err := l.Get(ctx, "a")
	if err != nil || string(body) != "newer" {
		t.Errorf("a = %q, error %v", body, err)
	}
	if part, err := l.GetRange(ctx, "b", 0, 1); err != nil || string(part) != "b" {
		t.Errorf("b = %q, error %v", part, err)
	}
	keys, err := keysBelow(ctx, l, "")
	if err != nil || !slices.Equal(keys, []string{"a", "b", "lake/orders/x"}) {
		t.Errorf("listed %v, error %v", keys, err)
	}
	if body, _, err := below.Get(ctx, "a"); err != nil || string(body) != "a" {
		t.Errorf("the lake's a = %q, error %v", body, err)
	}
}

func TestMediansAndPairedRatios(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
	// The rounds' ratios are 0.5, 0.25 and 1; the medians alone would give 2/4.
	if got := paired([]float64{1, 2, 8}, []float64{2, 8, 8}); got != 0.5 {
		t.Errorf("paired = %v, want 0.5", got)
	}
	if got := paired([]float64{1, 2}, []float64{4}); got != 0 {
		t.Errorf("paired with a round missing = %v, want 0", got)
	}
	if got := least([]float64{3, 1}, []float64{2, 4}); !slices.Equal(got, []float64{2, 1}) {
		t.Errorf("least = %v, want 2 and 1", got)
	}
	if got := least(nil, []float64{2}); !slices.Equal(got, []float64{2}) {
		t.Errorf("least with one side = %v, want 2", got)
	}
	// 100 MiB above the base for 102 000 orders of 10 200 clients, 200 of them in the base.
	if got, want := clientBytes(130, 30<<20, 102_000), 100.0*(1<<20)/10_000; math.Abs(got-want) > 1e-9 {
		t.Errorf("bytes a client = %v, want %v", got, want)
	}
}

func TestGoalsTakeTheBetterOfDuckDBsNights(t *testing.T) {
	second := func(cpu, wall int, peak int64) spent {
		return spent{cpu: time.Duration(cpu) * time.Second, wall: time.Duration(wall) * time.Second, peak: peak << 20}
	}
	o := nightOptions{threads: []int{2}, peers: []string{engineDuckDB, engineDuckDBOwn}, rounds: 1}
	m := &measured{shop: nightShop{Orders: 10_002_000}, base: map[int]int64{2: 10 << 20}, runs: map[engineAt][]spent{
		{engineOurs, 2}: {second(2, 3, 74)}, {engineFloor, 2}: {second(1, 1, 30)},
		{engineDuckDB, 2}: {second(10, 12, 370)}, {engineDuckDBOwn, 2}: {second(8, 15, 400)},
	}}
	r := newNightReport(o, nil)
	r.add(m, o)
	want := map[string]float64{
		"CPU by DuckDB's": 0.25, "wall by DuckDB's": 0.25, "peak by DuckDB's": 0.2, "CPU by decoding alone": 2,
		"memory above that of the smallest shop": 64.0 * (1 << 20) / 1e6,
	}
	for _, f := range r.Figures {
		_, name, _ := strings.Cut(f.Name, ": ")
		if value, ok := want[name]; !ok || math.Abs(f.Value-value) > 1e-9 {
			t.Errorf("%s = %v, want %v", f.Name, f.Value, value)
		}
		if missed := strings.HasSuffix(f.Goal, "MISSED"); missed != (name == "CPU by DuckDB's") {
			t.Errorf("%s = %v: %s", f.Name, f.Value, f.Goal)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("no figures of %v", want)
	}
	var text strings.Builder
	if err := r.print(&text, false); err != nil || !strings.Contains(text.String(), "| duckdb-own |  8.00 | 0.25 |") {
		t.Errorf("error %v, printed\n%s", err, text.String())
	}
}

func TestAProcessIsChargedForWhatItStarted(t *testing.T) {
	// The shell waits for a child that burns time; its own work is nothing.
	used, err := spend(exec.CommandContext(t.Context(), "sh", "-c", "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done); true"))
	if err != nil {
		t.Fatal(err)
	}
	if used.cpu <= 0 || used.wall < used.cpu/4 {
		t.Errorf("spent %+v", used)
	}
	if _, err := spend(exec.CommandContext(t.Context(), "sh", "-c", "echo said; exit 3")); err == nil || !strings.Contains(err.Error(), "said") {
		t.Errorf("a process that failed: error %v", err)
	}
}
