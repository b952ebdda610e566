package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// TestAnImportSurvivesACrashAtEveryWrite stops at each write in turn, before and
// after it has happened, and starts again: the end is always the same.
func TestAnImportSurvivesACrashAtEveryWrite(t *testing.T) {
	files := map[string]string{"orders/a.csv": someOrders, "leads/b.csv": "Дата;Телефон\n20.10.2026;89162220001\n20.10.2026;89162220001\n", "clients/c.csv": "no table at all\n"}
	finish := func(t *testing.T, stopAt int, after bool) (state map[string]string, stopped bool) {
		t.Helper()
		w := newWorld(t)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			w.drop(name, files[name])
		}
		w.drop("leads/b.csv.options.json", `{"date": "dmy"}`)
		dying := &dies{Store: w.store, left: stopAt, after: after}
		_, err := w.over(dying).Compact(t.Context(), pipeline.CompactRequest{})
		stopped = errors.Is(err, errDied)
		if err != nil && !stopped {
			t.Fatal(err)
		}
		w.now = w.now.Add(5 * time.Minute)
		w.compact()
		w.now = w.now.Add(5 * time.Minute)
		if report := w.compact(); report.Deliveries > 0 || report.Inbox != (pipeline.InboxReport{}) {
			t.Errorf("stop at %d: the third compaction still found work: %+v", stopAt, report)
		}
		state = map[string]string{"inbox": strings.Join(w.keys("inbox/"), " "), "outcomes": fmt.Sprint(w.outcomes()), "reasons": fmt.Sprint(w.reasons())}
		for _, ev := range w.events() {
			state["event "+ev.Kind+" "+ev.OrderID+" "+strings.Join(ev.Tokens, ",")] += "x"
		}
		return state, stopped
	}
	want, _ := finish(t, -1, false)
	if want["outcomes"] != "map[events:4 failed:4]" {
		t.Fatalf("without a crash: %v", want)
	}
	writes := 0
	for _, after := range []bool{false, true} {
		for stopAt := 1; ; stopAt++ {
			got, stopped := finish(t, stopAt, after)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stopped at write %d (after it: %t) (-want +got):\n%s", stopAt, after, diff)
			}
			if !stopped {
				break
			}
			writes++
		}
	}
	if writes < 40 {
		t.Errorf("only %d crashes were tried", writes)
	}
}

var errDied = errors.New("the process died")

// dies fails every call from one write on, as a process that was killed: before
// the write, or when it has happened and nobody was told.
type dies struct {
	objstore.Store
	left  int
	after bool
	dead  bool
}

func (d *dies) write(do func() error) error {
	if d.dead {
		return errDied
	}
	if d.left--; d.left == 0 {
		d.dead = true
		if d.after {
			_ = do()
		}
		return errDied
	}
	return do()
}

func (d *dies) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if d.dead {
		return nil, objstore.Info{}, errDied
	}
	return d.Store.Get(ctx, key)
}

func (d *dies) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	return objstore.OpenWhole(ctx, key, d.Get)
}

func (d *dies) Create(ctx context.Context, key string, body []byte) (v objstore.Version, err error) {
	err = d.write(func() (err error) { v, err = d.Store.Create(ctx, key, body); return err })
	return v, err
}

func (d *dies) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (v objstore.Version, err error) {
	err = d.write(func() (err error) { v, err = d.Store.Swap(ctx, key, body, old); return err })
	return v, err
}

func (d *dies) Put(ctx context.Context, key string, body []byte) (v objstore.Version, err error) {
	err = d.write(func() (err error) { v, err = d.Store.Put(ctx, key, body); return err })
	return v, err
}

func (d *dies) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	return objstore.Buffered(func(body []byte) (objstore.Version, error) { return d.Put(ctx, key, body) }), nil
}

func (d *dies) Delete(ctx context.Context, key string) error {
	return d.write(func() error { return d.Store.Delete(ctx, key) })
}

// over is the pipeline over another store.
func (w *world) over(store objstore.Store) *pipeline.Pipeline {
	w.Helper()
	p, err := pipeline.New(pipeline.Config{Store: store, Now: w.clock, Logger: logtest.New(w.T), TokenKey: []byte("a token key that tests share")})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// TestTwoCompactionsImportAFileOnce runs them at once.
func TestTwoCompactionsImportAFileOnce(t *testing.T) {
	w := newWorld(t)
	w.drop("orders/a.csv", someOrders)
	done := make(chan error, 3)
	for range cap(done) {
		p := w.over(w.store)
		go func() {
			_, err := p.Compact(t.Context(), pipeline.CompactRequest{})
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	w.compact()
	if diff := cmp.Diff(map[string]int{"events": 2, "failed": 4}, w.outcomes()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// brokenRange cannot read large objects to their end.
type brokenRange struct{ objstore.Store }

func (b brokenRange) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	if offset > 8<<20 {
		return nil, objstore.ErrCorrupt
	}
	return b.Store.GetRange(ctx, key, offset, length)
}

// TestALargeFileIsReadInPieces also breaks the reading off once: a fault of the
// store is none of the file.
func TestALargeFileIsReadInPieces(t *testing.T) {
	w := newWorld(t)
	const lines, campaigns = 150_000, 1500
	var b strings.Builder
	b.WriteString("day,source,campaign,cost,clicks,note\n")
	for i := range lines {
		fmt.Fprintf(&b, "2026-10-20,yandex,autumn %d,1.00,2,%s\n", i%campaigns, strings.Repeat("x", 200))
	}
	text := b.String()
	w.drop("costs/large.csv", text)
	if _, err := w.over(brokenRange{w.store}).Compact(t.Context(), pipeline.CompactRequest{}); !errors.Is(err, objstore.ErrCorrupt) {
		t.Errorf("with a broken store: %v, want ErrCorrupt", err)
	}
	if aside := w.keys("inbox/failed/"); len(aside) != 0 {
		t.Errorf("put aside: %q", aside)
	}
	if report := w.compact(); report.Inbox != (pipeline.InboxReport{Files: 1, Stored: campaigns}) {
		t.Errorf("inbox = %+v", report.Inbox)
	}
	if ev := w.events(); len(ev) != campaigns || *ev[0].CostMinor != lines/campaigns*100 || *ev[0].Clicks != lines/campaigns*2 {
		t.Errorf("%d events, want one for each campaign with the sum of its rows", len(ev))
	}
	if w.objects("inbox/done/costs/large.csv")["inbox/done/costs/large.csv"] != text {
		t.Error("the finished file is not what was dropped")
	}
}
