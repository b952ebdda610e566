package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// mixed is a day's deliveries of every outcome.
func mixed() []schema.RawRow {
	return []schema.RawRow{
		row("site", "a", lead("a", anna), noon),
		row("site", "b", "["+lead("b1", anna)+","+lead("b2", boris)+"]", noon.Add(time.Minute)),
		row("site", "", "{", noon.Add(2*time.Minute)),
		row("forms", "", `{"phone":"+79995552222"}`, noon.Add(3*time.Minute)),
		row("forms", "", `{"phone":"+79995552222"}`, noon.Add(4*time.Minute)),
		row("site", "a", lead("a", boris), noon.Add(5*time.Minute)),
		row("site", "a", lead("a", anna), noon.Add(20*time.Hour)),
		row("crm", "f", `{"id":"f","kind":"erase","client":{"phone":"+79995552222"}}`, noon.Add(6*time.Minute)),
	}
}

// state is what a reader of the lake sees, without nonces.
func state(w *world) string {
	return fmt.Sprintf("%+v\n%+v\n%+v\n%v", w.contacts(), w.failed(), w.outcomes(), eventNames(w.events()))
}

func eventNames(events []schema.EventRow) []string {
	var names []string
	for _, ev := range events {
		names = append(names, ev.Source+" "+ev.EventID+" "+strings.Join(ev.Tokens, ","))
	}
	return names
}

// Whichever write of a compaction fails, before or after it happened, the next
// run ends in the same lake as one that nothing disturbed.
func TestAnyOneWriteMayFail(t *testing.T) {
	want := newWorld(t, new(objstore.Mem))
	want.store1(mixed()...)
	want.now = noon.AddDate(0, 0, 1)
	count := &faulty{Store: want.store, fail: func(int) (bool, bool) { return false, false }}
	if _, err := want.compactor(count).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want.balance()
	if count.writes < 8 {
		t.Fatalf("only %d writes to fail", count.writes)
	}
	for n := 1; n <= count.writes; n++ {
		for _, after := range []bool{false, true} {
			w := newWorld(t, new(objstore.Mem))
			w.store1(mixed()...)
			w.now = want.now
			c := w.compactor(&faulty{Store: w.store, fail: func(i int) (bool, bool) { return i == n && !after, i == n && after }})
			if _, err := c.Run(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("write %d: error %v, want that of the store", n, err)
			}
			if n%2 == 0 {
				c = w.compactor(w.store) // another process
			}
			if _, err := c.Run(t.Context()); err != nil {
				t.Fatalf("write %d: the run after it: %v", n, err)
			}
			if diff := cmp.Diff(state(want), state(w)); diff != "" {
				t.Errorf("write %d failed, after it happened: %t (-undisturbed +got):\n%s", n, after, diff)
			}
			w.balance()
		}
	}
}

// TestSimulation runs ingest, redelivery, compaction with faults, the removal of
// raw objects and new processes in random order: every id that was acknowledged
// is in the lake once, and the ledger balances.
func TestSimulation(t *testing.T) {
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 42))
		mem := new(objstore.Mem)
		w := newWorld(t, mem)
		rate := 0.0
		store := &faulty{Store: mem, fail: func(int) (bool, bool) { return random.Float64() < rate, random.Float64() < rate }}
		compactor := w.compactor(store)
		acked := map[string]string{} // id → body
		ids := []string{}
		for range 60 {
			w.now = w.now.Add(time.Duration(random.IntN(8)) * time.Hour)
			rate = 0.15
			switch random.IntN(6) {
			case 0, 1: // new
				id := fmt.Sprint("id", len(ids))
				r := row("site", id, lead(id, anna), w.now)
				if lake.NewRawWriter(store).Store(t.Context(), r) == nil {
					acked[id], ids = string(r.Body), append(ids, id)
				}
			case 2: // again, up to 10 of them
				for range min(len(ids), 10) {
					id := ids[random.IntN(len(ids))]
					_ = lake.NewGroup(store).Store(t.Context(), row("site", id, acked[id], w.now))
				}
			case 3, 4:
				_, _ = compactor.Run(t.Context())
			case 5:
				compactor = w.compactor(store)
				rate = 0
				removeMerged(t, w, mem)
			}
		}
		rate = 0
		if _, err := w.compactor(mem).Run(t.Context()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var got []string
		for _, ev := range w.events() {
			if strings.HasPrefix(ev.EventID, "id") && acked[ev.EventID] != "" {
				got = append(got, ev.EventID)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(ids))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: events (-acknowledged +there):\n%s", seed, diff)
		}
		w.balance()
	}
}

// removeMerged deletes raw objects of days before today that the ledger lists.
func removeMerged(t *testing.T, w *world, mem *objstore.Mem) {
	t.Helper()
	merged := map[string]bool{}
	for _, d := range w.ledger() {
		merged["raw/"+d.RawObject] = true
	}
	for info := range mem.List(t.Context(), lake.RawPrefix, "") {
		if merged[info.Key] && !strings.Contains(info.Key, lake.Day(w.now)) {
			if err := mem.Delete(t.Context(), info.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// hooked calls a function before the n-th request.
type hooked struct {
	objstore.Store
	mu           sync.Mutex
	requests, at int
	hook         func()
}

func (h *hooked) tick() {
	h.mu.Lock()
	h.requests++
	now := h.requests == h.at
	h.mu.Unlock()
	if now {
		h.hook()
	}
}

func (h *hooked) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	h.tick()
	return h.Store.Get(ctx, key)
}

func (h *hooked) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	return objstore.OpenWhole(ctx, key, h.Get)
}

func (h *hooked) Head(ctx context.Context, key string) (objstore.Info, error) {
	h.tick()
	return h.Store.Head(ctx, key)
}

func (h *hooked) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	h.tick()
	return h.Store.Create(ctx, key, body)
}

func (h *hooked) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	h.tick()
	return h.Store.Swap(ctx, key, body, old)
}

// Two compactions work on two days at once, and the same id came on both: only
// one of them may take it, at whichever request of the first the second comes.
func TestAnIDOnBothSidesOfMidnightIsTakenOnce(t *testing.T) {
	for at := 1; at <= 24; at += 2 {
		for _, breaks := range []int{0, 3, 5} {
			mem := new(objstore.Mem)
			w := newWorld(t, mem)
			w.now = noon.AddDate(0, 0, 1)
			w.store1(row("site", "b", "["+lead("a", anna)+","+lead("b", boris)+"]", noon.Add(13*time.Hour)))
			first := &hooked{Store: mem, at: at}
			first.hook = func() {
				// It comes late to the day before, as from another process's clock.
				w.store1(row("site", "a", lead("a", anna), noon.Add(11*time.Hour)))
				second := w.compactor(&faulty{Store: mem, fail: func(n int) (bool, bool) { return n == breaks, false }})
				if _, err := second.Run(t.Context()); err != nil && !errors.Is(err, errBroken) {
					t.Errorf("the second: %v", err)
				}
			}
			if _, err := w.compactor(first).Run(t.Context()); err != nil {
				t.Errorf("the first: %v", err)
			}
			w.compact()
			w.balance()
			if diff := cmp.Diff([]string{"site a", "site b"}, idsOf(w)); diff != "" {
				t.Errorf("the second came before request %d and broke at %d (-want +got):\n%s", at, breaks, diff)
			}
		}
	}
}

// Both work on their day up to the same point: each finds the other's claim.
func TestTwoDaysAtTheSameInstant(t *testing.T) {
	for range 40 {
		mem := new(objstore.Mem)
		w := newWorld(t, mem)
		w.now = noon.AddDate(0, 0, 1)
		// Each sees one day's delivery alone, as if the other came a moment later.
		early, late := row("site", "a", lead("a", anna), noon.Add(11*time.Hour)), row("site", "x", "["+lead("a", anna)+"]", noon.Add(13*time.Hour))
		w.store1(early, late)
		var wg sync.WaitGroup
		for _, day := range []string{lake.Day(early.ReceivedAt), lake.Day(late.ReceivedAt)} {
			c := w.compactor(&oneDay{Store: mem, prefix: lake.RawPrefix + day})
			wg.Go(func() {
				if _, err := c.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.compact()
		w.balance()
		if diff := cmp.Diff([]string{"site a"}, idsOf(w)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// oneDay lists the raw objects of one day alone.
type oneDay struct {
	objstore.Store
	prefix string
}

func (o *oneDay) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	if prefix == lake.RawPrefix {
		prefix = o.prefix
	}
	return o.Store.List(ctx, prefix, startAfter)
}

func idsOf(w *world) []string {
	w.t.Helper()
	var ids []string
	for _, ev := range w.events() {
		ids = append(ids, ev.Source+" "+ev.EventID)
	}
	slices.Sort(ids)
	return ids
}

// Between any two requests of one compaction another one comes, sees an earlier
// copy of the delivery and decides otherwise; it may also break off at any write.
func TestTwoCompactionsNeverMixTheirWrites(t *testing.T) {
	for at := 1; at <= 20; at++ {
		for _, breaks := range []int{0, 2, 4, 5} {
			mem := new(objstore.Mem)
			w := newWorld(t, mem)
			w.store1(row("site", "", "["+lead("a", anna)+","+lead("b", boris)+"]", noon.Add(time.Minute)), row("crm", "z", lead("z", anna), noon))
			first := &hooked{Store: mem, at: at}
			first.hook = func() {
				w.store1(row("site", "", "["+lead("a", anna)+"]", noon), row("site", "", "{", noon))
				second := w.compactor(&faulty{Store: mem, fail: func(n int) (bool, bool) { return n == breaks, false }})
				if _, err := second.Run(t.Context()); err != nil && !errors.Is(err, errBroken) {
					t.Errorf("the second: %v", err)
				}
			}
			if _, err := w.compactor(first).Run(t.Context()); err != nil {
				t.Errorf("the first: %v", err)
			}
			w.compact()
			w.balance()
			ids := map[string]int{}
			for _, ev := range w.events() {
				ids[ev.Source+" "+ev.EventID]++
			}
			if diff := cmp.Diff(map[string]int{"site a": 1, "site b": 1, "crm z": 1}, ids); diff != "" {
				t.Errorf("the second came before request %d and broke at %d (-want +got):\n%s", at, breaks, diff)
			}
			if n := len(w.contacts()); n != 3 {
				t.Errorf("the second came before request %d and broke at %d: %d contacts, want 3", at, breaks, n)
			}
		}
	}
}

func TestManyCompactionsAtOnce(t *testing.T) {
	mem := new(objstore.Mem)
	w := newWorld(t, mem)
	const n = 120
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if _, err := w.compactor(mem).Run(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group := lake.NewGroup(mem)
	for i := range n {
		wg.Go(func() {
			id := strconv.Itoa(i % (n / 2)) // each twice
			if err := group.Store(t.Context(), row("site", id, lead(id, anna), noon)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.compact()
	if got := len(w.events()); got != n/2 {
		t.Errorf("%d events, want %d", got, n/2)
	}
	w.balance()
}
