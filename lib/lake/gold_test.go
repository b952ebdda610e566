package lake_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// night writes and publishes a run of one table.
func night(t *testing.T, store objstore.Store, id, asOf string) (*lake.Run, bool) {
	t.Helper()
	run := &lake.Run{RunRef: lake.RunRef{Run: id, AsOf: asOf}, PublishedAt: noon}
	if err := lake.AddTable(t.Context(), store, run, []schema.SegmentRow{{Segment: "buyers", ClientID: id, SinceDay: asOf}}); err != nil {
		t.Fatal(err)
	}
	inForce, err := lake.Publish(t.Context(), store, run)
	if err != nil {
		t.Fatal(err)
	}
	return run, inForce
}

func current(t *testing.T, store objstore.Store) string {
	t.Helper()
	run, err := lake.Current(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return run.AsOf + " " + run.Run
}

func TestTheRunInForceNeverMovesBack(t *testing.T) {
	store := new(objstore.Mem)
	if _, err := lake.Current(t.Context(), store); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("before the first night: %v, want ErrNoRun", err)
	}
	for _, step := range []struct {
		run, asOf string
		inForce   bool
		want      string
	}{
		{"a", "2026-03-10", true, "2026-03-10 a"},
		{"b", "2026-03-12", true, "2026-03-12 b"},
		{"c", "2026-03-11", false, "2026-03-12 b"}, // looking back changes nothing
		{"b", "2026-03-12", true, "2026-03-12 b"},  // the same night again
		{"d", "2026-03-12", true, "2026-03-12 d"},  // the same day, other inputs
	} {
		if _, inForce := night(t, store, step.run, step.asOf); inForce != step.inForce {
			t.Errorf("run %s of %s in force: %t, want %t", step.run, step.asOf, inForce, step.inForce)
		}
		if got := current(t, store); got != step.want {
			t.Errorf("after run %s: %s, want %s", step.run, got, step.want)
		}
	}
	old, err := lake.ReadRun(t.Context(), store, lake.RunRef{Run: "c", AsOf: "2026-03-11"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := lake.ReadRunTable[schema.SegmentRow](t.Context(), store, old)
	if err != nil || len(rows) != 1 || rows[0].ClientID != "c" {
		t.Errorf("the run that is not in force reads %v, %v", rows, err)
	}
	if _, err := lake.ReadRun(t.Context(), store, lake.RunRef{Run: "z", AsOf: "2026-03-11"}); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("a run that never was: %v, want ErrNoRun", err)
	}
	if _, err := lake.ReadRunTable[schema.ClientRow](t.Context(), store, old); err == nil {
		t.Error("a table that the run lacks was read")
	}
}

func TestNightsAtOnceEndWithTheLatestDay(t *testing.T) {
	store := new(objstore.Mem)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			run := &lake.Run{RunRef: lake.RunRef{Run: fmt.Sprint("r", i), AsOf: fmt.Sprintf("2026-03-%02d", 1+i)}}
			if _, err := lake.Publish(t.Context(), store, run); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := current(t, store); got != "2026-03-12 r11" {
		t.Errorf("in force is %s", got)
	}
}

// Any one write of a night may fail: run again, it comes in force whole.
func TestANightIsFinishedByTheNextTry(t *testing.T) {
	for n := 1; n <= 3; n++ {
		for _, after := range []bool{false, true} {
			mem := new(objstore.Mem)
			night(t, mem, "before", "2026-03-09")
			store := &faulty{Store: mem, fail: func(i int) (bool, bool) { return i == n && !after, i == n && after }}
			try := func() error {
				run := &lake.Run{RunRef: lake.RunRef{Run: "a", AsOf: "2026-03-10"}}
				if err := lake.AddTable(t.Context(), store, run, []schema.SegmentRow{{Segment: "s", ClientID: "c"}}); err != nil {
					return err
				}
				_, err := lake.Publish(t.Context(), store, run)
				return err
			}
			if err := try(); !errors.Is(err, errBroken) {
				t.Errorf("write %d: %v", n, err)
			}
			if err := try(); err != nil {
				t.Errorf("write %d, the second try: %v", n, err)
			}
			if got := current(t, mem); got != "2026-03-10 a" {
				t.Errorf("write %d: in force is %s", n, got)
			}
		}
	}
}

func TestARunIsVerifiedBeforeItComesInForce(t *testing.T) {
	store := new(objstore.Mem)
	run := &lake.Run{RunRef: lake.RunRef{Run: "a", AsOf: "2026-03-10"}}
	if err := lake.AddTable(t.Context(), store, run, []schema.SegmentRow{{Segment: "s", ClientID: "c"}}); err != nil {
		t.Fatal(err)
	}
	key := run.Tables["segments"].Key
	if key != lake.TableKey("segments", run.RunRef) {
		t.Errorf("the table stands at %s", key)
	}
	if _, err := store.Put(t.Context(), key, []byte("torn")); err != nil {
		t.Fatal(err)
	}
	if _, err := lake.Publish(t.Context(), store, run); err == nil || !strings.Contains(err.Error(), key) {
		t.Errorf("a torn file was published: %v", err)
	}
	if err := lake.AddTable(t.Context(), store, run, []schema.SegmentRow{{Segment: "s", ClientID: "c"}}); err == nil {
		t.Error("other bytes under the same run were taken for the same")
	}
	if err := store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := lake.Publish(t.Context(), store, run); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("a run without its file was published: %v", err)
	}
	if _, err := lake.Current(t.Context(), store); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("something is in force: %v", err)
	}
}

func TestPredecessor(t *testing.T) {
	older := &lake.RunRef{Run: "a", AsOf: "2026-03-10"}
	now := &lake.Run{RunRef: lake.RunRef{Run: "b", AsOf: "2026-03-12"}, Predecessor: older}
	for _, tc := range []struct {
		name    string
		current *lake.Run
		asOf    string
		want    *lake.RunRef
	}{
		{"the first night has none", nil, "2026-03-12", nil},
		{"a later night has the one in force", now, "2026-03-13", &now.RunRef},
		{"a night run again has the one it had", now, "2026-03-12", older},
		{"looking back has none", now, "2026-03-11", nil},
	} {
		if diff := cmp.Diff(tc.want, lake.Predecessor(tc.current, tc.asOf)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestTheRunIDIsTheHashOfItsInputs(t *testing.T) {
	id := lake.RunID(map[string]string{"as_of": "2026-03-10", "config": "x"})
	if id != lake.RunID(map[string]string{"config": "x", "as_of": "2026-03-10"}) || len(id) != 20 {
		t.Errorf("id %q", id)
	}
	for _, other := range []map[string]string{{}, {"as_of": "2026-03-10"}, {"as_of": "2026-03-10", "config": "y"}, {"as_of": "2026-03-10", "confi": "gx"}, {"as_of=2026-03-10config": "x"}} {
		if lake.RunID(other) == id {
			t.Errorf("%v has the same id", other)
		}
	}
}

func TestATableIsReplacedOnlyByWhoReadIt(t *testing.T) {
	store := new(objstore.Mem)
	const key = "lake/orders/bucket=00/part-0000.parquet"
	empty, err := lake.ReadTable[schema.TokenRow](t.Context(), store, key)
	if err != nil || len(empty.Rows) != 0 || empty.Version != "" {
		t.Fatalf("absent table = %+v, %v", empty, err)
	}
	rows := []schema.TokenRow{{Token: "p1", ClientID: "p1"}}
	if err := empty.Write(t.Context(), store, rows, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := empty.Write(t.Context(), store, rows, "n2"); !errors.Is(err, objstore.ErrExist) {
		t.Errorf("a second creation: %v, want ErrExist", err)
	}
	first, err := lake.ReadTable[schema.TokenRow](t.Context(), store, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Write(t.Context(), store, rows, "n1"); err != nil { // equal rows and nonce: the number makes other bytes
		t.Fatal(err)
	}
	if err := first.Write(t.Context(), store, nil, "n3"); !errors.Is(err, objstore.ErrChanged) {
		t.Errorf("a write over another's: %v, want ErrChanged", err)
	}
	if _, err := store.Put(t.Context(), key, []byte("torn")); err != nil {
		t.Fatal(err)
	}
	if _, err := lake.ReadTable[schema.TokenRow](t.Context(), store, key); !errors.Is(err, schema.ErrCorrupt) {
		t.Errorf("a torn table: %v, want ErrCorrupt", err)
	}
}

func TestTheConfigurationInForce(t *testing.T) {
	store := new(objstore.Mem)
	now := noon
	source := lake.NewConfigSource(store, func() time.Time { return now }, time.Minute)
	read := func() *config.Config {
		t.Helper()
		cfg, err := source.Config(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	if read().Business.Currency != "RUB" {
		t.Error("without a file the defaults do not run")
	}
	put := func(text string) {
		t.Helper()
		if _, err := store.Put(t.Context(), config.Key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	put("business: {currency: USD}\n")
	if read().Business.Currency != "RUB" {
		t.Error("the store was asked before its time")
	}
	now = now.Add(time.Minute)
	if read().Business.Currency != "USD" {
		t.Error("a new file was not read")
	}
	put("shops: {}\n")
	now = now.Add(time.Minute)
	if _, err := source.Config(t.Context()); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("an invalid file: %v, want ErrInvalid", err)
	}
	put("business: {currency: EUR}\n")
	if read().Business.Currency != "EUR" {
		t.Error("the file that was put right was not read")
	}
}
