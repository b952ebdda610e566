package pipeline_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

const ordersState = "lake/orders/state.json"

// stateOf is what state.json says.
type stateOf struct {
	Format  int            `json:"format"`
	AsOf    string         `json:"as_of"`
	Orders  int            `json:"orders"`
	Claim   string         `json:"claim"`
	Rebuild bool           `json:"rebuild"`
	Days    map[string]any `json:"days"`
}

func (w *world) ordersState() stateOf {
	w.Helper()
	var state stateOf
	if err := json.Unmarshal([]byte(w.objects(ordersState)[ordersState]), &state); err != nil {
		w.Fatal(err)
	}
	return state
}

// base is every order of lake/orders, by shop and id. Each must stand in one place,
// in the order of its bucket, under its hash, and be counted.
func (w *world) base() map[string]schema.OrderRow {
	w.Helper()
	all := map[string]schema.OrderRow{}
	for key := range w.objects(lake.OrdersPrefix) {
		var before *schema.OrderRow
		for _, row := range table[schema.OrderRow](w, key) {
			name := row.Shop + "/" + row.OrderID
			if _, twice := all[name]; twice {
				w.Errorf("order %s stands in two places", name)
			}
			if row.OrderHash != schema.OrderHash(row.Shop, row.OrderID) {
				w.Errorf("order %s has another hash", name)
			}
			if before != nil && cmp.Or(before.At.Compare(row.At), strings.Compare(before.OrderID, row.OrderID)) > 0 {
				w.Errorf("%s: order %s stands after %s", key, row.OrderID, before.OrderID)
			}
			all[name], before = row, &row
		}
	}
	if state := w.ordersState(); state.Orders != len(all) || state.Claim != "" || state.Rebuild || state.Format != 3 {
		w.Errorf("state %+v of %d orders", state, len(all))
	}
	return all
}

// unrest is what happens to orders weeks after they were made, by day.
func unrest() map[string][]string {
	a, b, c := `"phone": "+79162220000"`, `"email": "b@kofe.ru"`, `"phone": "+79162220001"`
	return map[string][]string{
		"2026-11-02": {
			sale("back-1", "paid", "2026-11-02T09:00:00Z", a, "300.00"), sale("cancel-2", "paid", "2026-11-02T09:10:00Z", b, "400.00"),
			sale("regress-3", "completed", "2026-11-02T09:20:00Z", c, "500.00"), sale("moves-4", "paid", "2026-11-02T09:30:00Z", a, "600.00"),
			sale("nobody-5", "paid", "2026-11-02T09:40:00Z", ``, "700.00"), sale("waits-6", "new", "2026-11-02T09:50:00Z", b, "800.00"),
		},
		"2026-11-12": {
			sale("moves-4", "shipped", "2026-11-12T09:00:00Z", b, "600.00"), sale("regress-3", "new", "2026-11-12T09:00:00Z", c, "550.00"),
			sale("new-7", "paid", "2026-11-12T10:00:00Z", b, "70.00"), sale("new-8", "paid", "2026-11-12T10:00:00Z", c, "80.00"),
		},
		"2026-11-20": {
			sale("back-1", "returned", "2026-11-20T09:00:00Z", a, "300.00"), sale("cancel-2", "cancelled", "2026-11-20T09:10:00Z", b, "400.00"),
			`{"id": "link", "kind": "lead", "at": "2026-11-20T10:00:00Z", "client": {"phone": "+79162220001", "email": "b@kofe.ru"}}`,
		},
		"2026-11-24": {sale("waits-6", "paid", "2026-11-24T09:00:00Z", c, "800.00"), sale("nobody-5", "completed", "2026-11-24T09:00:00Z", c, "700.00")},
	}
}

// restless is a month of people and unrest, with what evening does after each day.
func restless(w *world, people int, evening func(day string)) {
	w.Helper()
	times, bodies := month(2, people)
	odd := unrest()
	i := 0
	for d := range 27 {
		day := fmt.Sprintf("2026-11-%02d", 1+d)
		w.now = at(day + "T12:00:00Z")
		for ; i < len(times) && lake.Day(times[i]) <= day; i++ {
			w.post("till", bodies[i])
		}
		for _, body := range odd[day] {
			w.post("till", body)
		}
		w.now = at(fmt.Sprintf("2026-11-%02dT03:00:00Z", 2+d))
		w.compact()
		evening(day)
	}
}

// Whether a night merges what is new into the base or folds it on top, whether its
// orders have hashes of their own, and how many it holds at once: every table is the
// same, and so is what pages say between the nights.
func TestOverTheBaseIsAsInIt(t *testing.T) {
	merged := newWorld(t)
	over := map[string]*world{"over": newWorld(t), "over, equal hashes": newWorld(t), "over, from the fifth on": newWorld(t)}
	folding := pipeline.AlwaysOver()
	over["over"].FoldOrdersBy(folding)
	folding.Hash = func(_, order string) int64 { return int64(len(order) % 3) }
	over["over, equal hashes"].FoldOrdersBy(folding)
	golds, left := map[string]map[string]string{}, map[string]map[string]string{}
	restless(merged, 25, func(day string) { golds[day] = merged.restNight(day) })
	for name, w := range over {
		restless(w, 25, func(day string) {
			if day == "2026-11-05" && name == "over, from the fifth on" {
				w.FoldOrdersBy(pipeline.AlwaysOver())
			}
			if diff := gocmp.Diff(golds[day], w.restNight(day)); diff != "" {
				t.Fatalf("%s: tables of %s (-merged +over):\n%s", name, day, diff)
			}
			if day == "2026-11-10" {
				left[name] = w.objects("lake/orders/")
			}
		})
		if !maps.Equal(left[name], w.objects("lake/orders/")) {
			t.Errorf("%s: nights of the later days wrote to the base", name)
		}
		for _, client := range []string{"+79162220000", "+79162220001"} {
			want, err := merged.Why(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.Why(t.Context(), client)
			if err != nil || len(got.Orders) < 2 {
				t.Fatalf("%s: %d orders, %v", name, len(got.Orders), err)
			}
			if diff := gocmp.Diff(want.Orders, got.Orders); diff != "" {
				t.Errorf("%s: a client's orders (-merged +over):\n%s", name, diff)
			}
		}
	}
	want := merged.base()
	w := over["over"]
	report, err := w.FoldOrders(t.Context(), "2026-11-27")
	if err != nil || report.Rebuilt || report.Orders != int64(len(want)) || report.Statements < 20 {
		t.Errorf("FoldOrders: %+v, %v", report, err)
	}
	if diff := gocmp.Diff(want, w.base(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the base (-merged +merged at last):\n%s", diff)
	}
	before := w.objects("lake/orders/")
	if report, err := w.FoldOrders(t.Context(), "2026-11-20"); err != nil || report.AsOf != "2026-11-27" || !maps.Equal(before, w.objects("lake/orders/")) {
		t.Errorf("FoldOrders of an earlier day: %+v, %v", report, err)
	}
}

// restNight is the night of a day and the sums of its tables.
func (w *world) restNight(day string) map[string]string {
	w.Helper()
	w.night(day)
	gold := w.gold()
	for _, row := range rows[schema.QualityRow](w) {
		gold["quality "+row.Source+row.Measure] = fmt.Sprint(row.Count, row.Of)
	}
	return gold
}

// What waits is merged when it is much, and when it waited long.
func TestWhatWaitsIsMergedInTheEnd(t *testing.T) {
	for name, folding := range map[string]pipeline.OrderFolding{
		"many statements": {OverlayFrom: 5, OverlayShare: 2, OverlayDays: 1000},
		"many days":       {OverlayFrom: 5, OverlayShare: -1, OverlayDays: 6},
	} {
		w, once := newWorld(t), newWorld(t)
		w.FoldOrdersBy(folding)
		states := map[string]int{}
		restless(w, 25, func(day string) {
			w.night(day)
			states[w.ordersState().AsOf]++
		})
		restless(once, 25, func(string) {})
		once.night("2026-11-27")
		if len(states) < 4 || len(states) > 20 {
			t.Errorf("%s: the base stood at %d days of 27", name, len(states))
		}
		if _, err := w.FoldOrders(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := once.FoldOrders(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(once.base(), w.base(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the base (-at once +night by night):\n%s", name, diff)
		}
	}
}

// A night of a day before the last one, before or after the day of the base.
func TestLookingBackOverTheBase(t *testing.T) {
	w, then := newWorld(t), newWorld(t)
	restless(w, 25, func(day string) {
		if day == "2026-11-12" {
			w.night(day)
			w.FoldOrdersBy(pipeline.AlwaysOver())
		}
	})
	w.night("2026-11-27")
	if state := w.ordersState(); state.AsOf != "2026-11-12" {
		t.Fatalf("the base stands at %s", state.AsOf)
	}
	restless(then, 25, func(string) {})
	before := w.objects("lake/")
	for _, day := range []string{"2026-11-08", "2026-11-12", "2026-11-21"} {
		report := w.night(day)
		alone := then.copied()
		alone.night(day)
		run, err := lake.ReadRun(t.Context(), w.store, lake.RunRef{Run: report.Run, AsOf: report.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		for name, sum := range alone.gold() {
			if run.Tables[name].SHA256 != sum && !slices.Contains(comparing(), name) {
				t.Errorf("table %s of %s differs from what that night gave", name, day)
			}
		}
	}
	if !maps.Equal(before, w.objects("lake/")) {
		t.Error("looking back changed the lake")
	}
}

// A rebuild of more statements than memory holds makes the same buckets.
func TestARebuildInPartsIsOneAtOnce(t *testing.T) {
	w := newWorld(t)
	restless(w, 25, func(string) {})
	w.night("2026-11-27")
	want := w.base()
	at := map[int]map[string][]schema.OrderRow{}
	for _, bound := range []int{1 << 20, 3000, 100} {
		u := w.copied()
		u.makeStale(0, 1, 2, 3, 30, 31, 32, 33, 63)
		u.FoldOrdersBy(pipeline.OrderFolding{Memory: bound})
		report, err := u.FoldOrders(t.Context(), "2026-11-27")
		if err != nil || !report.Rebuilt || report.Orders != int64(len(want)) || report.Spilled != (bound < 1<<20) {
			t.Fatalf("%d bytes at once: %+v, %v", bound, report, err)
		}
		u.base()
		at[bound] = map[string][]schema.OrderRow{}
		for key := range u.objects(lake.OrdersPrefix) {
			if rows := table[schema.OrderRow](u, key); len(rows) > 0 {
				at[bound][key] = rows
			}
		}
		if diff := gocmp.Diff(at[1<<20], at[bound]); diff != "" {
			t.Errorf("%d bytes at once (-all +few):\n%s", bound, diff)
		}
	}
	// What comes later is merged in parts, too.
	u := newWorld(t)
	u.FoldOrdersBy(pipeline.OrderFolding{Memory: 600})
	restless(u, 25, func(day string) {
		if day == "2026-11-10" || day == "2026-11-27" {
			if report, err := u.FoldOrders(t.Context(), day); err != nil || !report.Spilled {
				t.Errorf("%s: %+v, %v", day, report, err)
			}
		}
	})
	if diff := gocmp.Diff(want, u.base(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("merged in parts (-at once +in parts):\n%s", diff)
	}
}

// makeStale makes the base one of the format before, with an order that nobody
// stated any more.
func (w *world) makeStale(buckets ...int) {
	w.Helper()
	text := strings.Replace(w.objects(ordersState)[ordersState], `"format": 3`, `"format": 2`, 1)
	if _, err := w.store.Put(w.Context(), ordersState, []byte(text)); err != nil {
		w.Fatal(err)
	}
	for _, bucket := range buckets {
		t, err := lake.ReadTable[schema.OrderRow](w.Context(), w.store, fmt.Sprintf("%s%02d/part-0000.parquet", lake.OrdersPrefix, bucket))
		if err == nil {
			err = t.Write(w.Context(), w.store, append(t.Rows, schema.OrderRow{Shop: "main", OrderID: fmt.Sprintf("stale-%d", bucket)}), fmt.Sprint("stale", bucket))
		}
		if err != nil {
			w.Fatal(err)
		}
	}
}

// placed is a lake whose base is behind by some days, and a link of two clients in
// them: who folds after it puts new orders elsewhere than who folded before.
func placed(t *testing.T, stale bool) *world {
	w := newWorld(t)
	restless(w, 20, func(day string) {
		if day == "2026-11-09" {
			w.night(day)
		}
	})
	if stale {
		w.makeStale(0, 30, 63)
	}
	return w
}

// with is a pipeline over another view of the store.
func (w *world) with(store objstore.Store, memory int) *pipeline.Pipeline {
	w.Helper()
	p, err := pipeline.New(pipeline.Config{Store: store, Now: w.clock, Logger: logtest.New(w.T), TokenKey: []byte("a token key that tests share")})
	if err != nil {
		w.Fatal(err)
	}
	p.FoldOrdersBy(pipeline.OrderFolding{Memory: memory})
	return p
}

// A merge that is killed at any write, after which somebody is found to be somebody
// else, leaves no order in two places, whoever ends it.
func TestAKilledMergeIsFinished(t *testing.T) {
	for name, c := range map[string]struct {
		stale  bool
		memory int // bytes
	}{"merge": {false, 1 << 20}, "merge in parts": {false, 600}, "rebuild": {true, 1 << 20}, "rebuild in parts": {true, 600}} {
		t.Run(name, func(t *testing.T) {
			begin := placed(t, c.stale)
			whole := begin.copied()
			whole.night("2026-11-27")
			want, gold := whole.base(), whole.gold()
			calm := begin.copied()
			calm.night("2026-11-18")
			for fail := 1; ; fail += 1 + fail/12*2 {
				w := begin.copied()
				flaky := &failing{Store: w.store, left: fail}
				_, err := w.with(flaky, c.memory).FoldOrders(t.Context(), "2026-11-19") // before the link
				if err == nil && flaky.left > 0 {
					if fail < 8 {
						t.Errorf("a merge wrote %d times only", fail-1)
					}
					break
				}
				if fail%3 == 1 {
					early := w.copied()
					early.night("2026-11-18") // must not be misled by what is half there
					if diff := gocmp.Diff(calm.gold(), early.gold()); diff != "" {
						t.Errorf("killed at write %d: an earlier night (-calm +after it):\n%s", fail, diff)
					}
				}
				w.night("2026-11-27")
				if diff := gocmp.Diff(want, w.base(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("killed at write %d (-whole +finished):\n%s", fail, diff)
				}
				if diff := gocmp.Diff(gold, w.gold()); diff != "" {
					t.Errorf("killed at write %d: tables (-whole +finished):\n%s", fail, diff)
				}
			}
		})
	}
}

// Two that merge at once, who judge differently whose the orders are: whichever
// write of the one the other comes before, and wherever the other is killed, every
// order stands in one place.
func TestTwoMergesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		stale    bool
		killedAt int // 0: never
	}{
		"merge": {false, 0}, "rebuild": {true, 0}, "merge, killed at once": {false, 2}, "merge, killed in its fence": {false, 30},
		"merge, killed behind its fence": {false, 68}, "rebuild, killed behind its fence": {true, 70},
	} {
		t.Run(name, func(t *testing.T) {
			begin := placed(t, c.stale)
			whole := begin.copied()
			whole.night("2026-11-27")
			want := whole.base()
			for n := 1; ; n += 1 + n/12*4 { // later writes are of buckets, one like another
				w := begin.copied()
				other := w.with(&failing{Store: w.store, left: c.killedAt}, 1<<20)
				during := &meanwhile{Store: w.store, left: n, do: func() {
					if _, err := other.Analyse(t.Context(), pipeline.NightRequest{AsOf: "2026-11-26"}); err != nil && c.killedAt == 0 {
						t.Error(err)
					}
				}}
				if _, err := w.with(during, 600).FoldOrders(t.Context(), "2026-11-26"); err != nil {
					t.Fatalf("another night at write %d: %v", n, err)
				}
				if during.left > 0 {
					if n < 8 {
						t.Errorf("a merge wrote %d times only", n-1)
					}
					break
				}
				if _, err := w.FoldOrders(t.Context(), "2026-11-27"); err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(want, w.base(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("another night at write %d (-alone +both):\n%s", n, diff)
				}
			}
		})
	}
}

// Who is erased between two nights is gone from what lies under the newer orders
// and from these.
func TestErasedUnderTheNewerOrders(t *testing.T) {
	w := newWorld(t)
	w.FoldOrdersBy(pipeline.AlwaysOver())
	w.post("till", sale("o1", "paid", "2026-11-01T09:00:00Z", `"phone": "+79163330001", "email": "client1@kofe.ru"`, "100.00"))
	w.post("till", sale("o2", "paid", "2026-11-01T09:00:00Z", `"phone": "+79163330002"`, "200.00"))
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	w.post("till", sale("o1", "completed", "2026-11-02T05:00:00Z", `"phone": "+79163330001"`, "100.00"))
	w.post("till", sale("o3", "paid", "2026-11-02T05:00:00Z", `"phone": "+79163330001"`, "400.00"))
	w.compact()
	w.now = at("2026-11-03T04:00:00Z")
	if report := w.night(""); report.Orders != 3 || report.RevenueMinor != 70000 || report.Buyers != 2 {
		t.Errorf("before: %+v", report)
	}
	w.erase("client1@kofe.ru")
	w.now = at("2026-11-04T04:00:00Z")
	if report := w.night(""); report.Orders != 3 || report.RevenueMinor != 70000 || report.Buyers != 1 {
		t.Errorf("after: %+v, want all money and one buyer", report)
	}
	if state := w.ordersState(); state.AsOf != "2026-11-01" {
		t.Errorf("the base stands at %s, want it left alone", state.AsOf)
	}
	w.erase("")
	if keys := w.seen(1, w.everything()); len(keys) > 0 {
		t.Errorf("still seen in %q", keys)
	}
}
