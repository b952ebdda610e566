package lake_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

func rawRows(t *testing.T, store objstore.Store) (objects int, rows []schema.RawRow) {
	t.Helper()
	for info, err := range store.List(t.Context(), lake.RawPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := store.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := schema.Decode[schema.RawRow](body)
		if err != nil {
			t.Fatal(err)
		}
		objects, rows = objects+1, append(rows, decoded...)
	}
	return objects, rows
}

func TestStoringADeliveryAgainChangesNothing(t *testing.T) {
	for name, open := range map[string]func(objstore.Store) interface {
		Store(context.Context, schema.RawRow) error
	}{
		"writer": func(s objstore.Store) interface {
			Store(context.Context, schema.RawRow) error
		} {
			return lake.NewRawWriter(s)
		},
		"group": func(s objstore.Store) interface {
			Store(context.Context, schema.RawRow) error
		} {
			return lake.NewGroup(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := new(objstore.Mem)
			w := open(store)
			first, other := row("site", "d", "one", noon), row("site", "d", "two", noon)
			for _, r := range []schema.RawRow{first, first, other, first, other} {
				if err := w.Store(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			_, rows := rawRows(t, store)
			if len(rows) != 2 || string(rows[0].Body)+string(rows[1].Body) != "onetwo" && string(rows[0].Body)+string(rows[1].Body) != "twoone" {
				t.Errorf("%d rows stand there, want each body once", len(rows))
			}
		})
	}
}

func TestAnUnknownOutcomeIsNoAcknowledgement(t *testing.T) {
	for _, after := range []bool{false, true} {
		mem := new(objstore.Mem)
		broken := &faulty{Store: mem, fail: func(n int) (bool, bool) { return n == 1 && !after, n == 1 && after }}
		for name, store := range map[string]func(context.Context, schema.RawRow) error{"writer": lake.NewRawWriter(broken).Store, "group": lake.NewGroup(broken).Store} {
			broken.writes = 0
			r := row("site", name, name, noon)
			if err := store(t.Context(), r); !errors.Is(err, errBroken) {
				t.Errorf("%s: error %v, want that of the store", name, err)
			}
			if err := store(t.Context(), r); err != nil {
				t.Errorf("%s: the retry fails: %v", name, err)
			}
		}
		if _, rows := rawRows(t, mem); len(rows) != 2 {
			t.Errorf("failing after %t: %d rows, want 2", after, len(rows))
		}
	}
}

// gate is a store whose writes wait until it is opened.
type gate struct {
	objstore.Store
	entered chan struct{} // one for each write that waits
	open    chan struct{}
}

func newGate(store objstore.Store) *gate {
	return &gate{Store: store, entered: make(chan struct{}, 1000), open: make(chan struct{})}
}

func (g *gate) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	g.entered <- struct{}{}
	<-g.open
	return g.Store.Create(ctx, key, body)
}

// watched tells when a caller has put its delivery down and begins to wait.
type watched struct {
	context.Context //nolint:containedctx // it is a context
	once            *sync.Once
	queued          *sync.WaitGroup
}

func (w watched) Done() <-chan struct{} {
	w.once.Do(w.queued.Done)
	return w.Context.Done()
}

// crowd lets one caller begin to write, has all the others wait behind it, calls
// between, and opens the gate. It returns every caller's error.
func crowd(t *testing.T, store *gate, rows []schema.RawRow, contexts func(i int) context.Context, between func()) []error {
	t.Helper()
	g := lake.NewGroup(store)
	errs := make([]error, len(rows))
	var callers, queued sync.WaitGroup
	for i, r := range rows {
		queued.Add(1)
		ctx := watched{contexts(i), new(sync.Once), &queued}
		callers.Go(func() {
			errs[i] = g.Store(ctx, r)
			ctx.once.Do(queued.Done) // refused before it could wait
		})
		if i == 0 {
			<-store.entered
		}
	}
	queued.Wait()
	between()
	close(store.open)
	callers.Wait()
	return errs
}

func here(t *testing.T) func(int) context.Context {
	t.Helper()
	return func(int) context.Context { return t.Context() }
}

func TestDeliveriesThatArriveTogetherAreOneObject(t *testing.T) {
	mem := new(objstore.Mem)
	var given []schema.RawRow
	for i := range 500 {
		given = append(given, row("site", strconv.Itoa(i), fmt.Sprint("body ", i), noon.Add(time.Duration(i)*time.Second)))
	}
	for i, err := range crowd(t, newGate(mem), given, here(t), func() {}) {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	objects, rows := rawRows(t, mem)
	seen := map[string]int{}
	for _, r := range rows {
		seen[string(r.Body)]++
	}
	if len(seen) != len(given) || len(rows) != len(given) {
		t.Errorf("%d rows of %d different bodies, want %d", len(rows), len(seen), len(given))
	}
	if objects != 2 {
		t.Errorf("%d objects, want the first and one for all who waited", objects)
	}
}

// Whoever waits for midnight to pass finds his delivery on the day it came.
func TestAGroupAcrossMidnightIsTwoDays(t *testing.T) {
	mem := new(objstore.Mem)
	midnight := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)
	var given []schema.RawRow
	for i := range 10 {
		given = append(given, row("site", strconv.Itoa(i), "b", midnight.Add(time.Duration(i-5)*time.Second)))
	}
	for i, err := range crowd(t, newGate(mem), given, here(t), func() {}) {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	days := map[string]int{}
	for info := range mem.List(t.Context(), lake.RawPrefix, "") {
		body, _, err := mem.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := schema.Decode[schema.RawRow](body)
		if err != nil {
			t.Fatal(err)
		}
		days[info.Key[len(lake.RawPrefix):len(lake.RawPrefix)+10]] += len(rows)
		for _, r := range rows {
			if !strings.Contains(info.Key, lake.Day(r.ReceivedAt)) {
				t.Errorf("a delivery of %v stands in %s", r.ReceivedAt, info.Key)
			}
		}
	}
	if days["2026-03-10"] != 5 || days["2026-03-11"] != 5 {
		t.Errorf("rows by day = %v, want 5 and 5", days)
	}
}

func TestWhoLeavesDoesNotSpoilTheOthersWrite(t *testing.T) {
	mem := new(objstore.Mem)
	leaving, leave := context.WithCancel(t.Context())
	given := []schema.RawRow{row("site", "0", "writer", noon), row("site", "1", "stays", noon), row("site", "2", "leaves", noon)}
	errs := crowd(t, newGate(mem), given, func(i int) context.Context {
		if i == 1 {
			return t.Context()
		}
		return leaving
	}, leave)
	if errs[1] != nil {
		t.Errorf("who stayed got %v", errs[1])
	}
	_, rows := rawRows(t, mem)
	stored := map[string]bool{}
	for _, r := range rows {
		stored[string(r.Body)] = true
	}
	if !stored["writer"] || !stored["stays"] {
		t.Errorf("stored %v", stored)
	}
	for i, body := range []string{"writer", "stays", "leaves"} {
		if errs[i] == nil && !stored[body] {
			t.Errorf("%s was acknowledged and is not there", body)
		}
		if errs[i] != nil && !errors.Is(errs[i], context.Canceled) {
			t.Errorf("%s got %v", body, errs[i])
		}
	}
}

func TestTooMuchWaitingIsRefused(t *testing.T) {
	mem := new(objstore.Mem)
	big := strings.Repeat("x", 5<<20)
	var given []schema.RawRow
	for i := range 20 { // the first is being written; of the other 95 MiB 64 may wait
		given = append(given, row("site", strconv.Itoa(i), big, noon))
	}
	acked := 0
	for _, err := range crowd(t, newGate(mem), given, here(t), func() {}) {
		switch {
		case err == nil:
			acked++
		case !errors.Is(err, lake.ErrOverloaded):
			t.Error(err)
		}
	}
	if _, rows := rawRows(t, mem); acked != 13 || len(rows) != acked { // 1 + 12 × 5 MiB
		t.Errorf("%d acknowledged and %d stored, want 13", acked, len(rows))
	}
}

func TestUnauthenticatedBytesAreKeptApartAndBounded(t *testing.T) {
	mem := new(objstore.Mem)
	w := lake.NewRawWriter(mem)
	r := row("site", "d", lead("d", anna), noon)
	for range 2 {
		if err := w.StoreUnauthenticated(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for info := range mem.List(t.Context(), lake.UnauthenticatedPrefix+"site/", "") {
		kept++
		if strings.Contains(info.Key, "555") {
			t.Error("a key shows a phone")
		}
	}
	if kept != 1 {
		t.Errorf("%d objects, want 1", kept)
	}
	world := newWorld(t, mem)
	if report := world.compact(); report.Deliveries != 0 {
		t.Error("compaction merged what was never authenticated")
	}
	if _, err := mem.Put(t.Context(), lake.UnauthenticatedPrefix+"site/full", make([]byte, lake.UnauthenticatedLimit)); err != nil {
		t.Fatal(err)
	}
	if err := lake.NewRawWriter(mem).StoreUnauthenticated(t.Context(), r); !errors.Is(err, lake.ErrQuota) {
		t.Errorf("error %v, want ErrQuota", err)
	}
	// The same writer believes its count for ten minutes, and then sees what is there.
	if err := w.StoreUnauthenticated(t.Context(), row("site", "e", "x", noon.Add(10*time.Minute-time.Second))); err != nil {
		t.Errorf("within ten minutes of the count: %v", err)
	}
	if err := w.StoreUnauthenticated(t.Context(), row("site", "f", "x", noon.Add(10*time.Minute))); !errors.Is(err, lake.ErrQuota) {
		t.Errorf("ten minutes after the count: %v, want ErrQuota", err)
	}
	if err := mem.Delete(t.Context(), lake.UnauthenticatedPrefix+"site/full"); err != nil {
		t.Fatal(err)
	}
	if err := w.StoreUnauthenticated(t.Context(), row("site", "f", "x", noon.Add(19*time.Minute))); !errors.Is(err, lake.ErrQuota) {
		t.Errorf("after clean-up made room, by the old count: %v, want ErrQuota", err)
	}
	if err := w.StoreUnauthenticated(t.Context(), row("site", "f", "x", noon.Add(20*time.Minute))); err != nil {
		t.Errorf("ten minutes later: %v", err)
	}
	if err := lake.NewRawWriter(mem).StoreUnauthenticated(t.Context(), row("crm", "d", "x", noon)); err != nil {
		t.Errorf("another source is refused, too: %v", err)
	}
}
