package pipeline_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// feed posts the month of 40 people day by day and calls evening after each.
func feed(w *world, evening func(day string)) {
	w.Helper()
	feedOf(w, 40, evening)
}

func feedOf(w *world, people int, evening func(day string)) {
	w.Helper()
	times, bodies := month(2, people)
	day := ""
	for i, body := range bodies {
		if d := lake.Day(times[i]); d != day {
			if day != "" {
				w.now = at(d + "T00:10:00Z")
				w.compact()
				evening(day)
			}
			day = d
		}
		w.now = times[i]
		w.post("till", body)
	}
	w.now = at("2026-12-05T03:00:00Z")
	w.compact()
}

func TestFoldingNightByNightEqualsARebuild(t *testing.T) {
	nightly, once := newWorld(t), newWorld(t)
	feed(nightly, func(string) { nightly.night("") })
	feed(once, func(string) {})
	nightly.night("2026-11-30")
	once.night("2026-11-30")
	compared := 0
	for bucket := range 64 {
		key := fmt.Sprintf("%s%02d/part-0000.parquet", lake.OrdersPrefix, bucket)
		want := table[schema.OrderRow](once, key)
		if diff := cmp.Diff(want, table[schema.OrderRow](nightly, key)); diff != "" {
			t.Fatalf("bucket %d (-rebuilt +night by night):\n%s", bucket, diff)
		}
		compared += len(want)
	}
	if compared < 30 {
		t.Errorf("%d orders compared, want a month of them", compared)
	}
	// Segments and moves look at the predecessor; all else does not.
	got, want := nightly.gold(), once.gold()
	for _, compares := range comparing() {
		delete(got, compares)
		delete(want, compares)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-rebuilt +night by night):\n%s", diff)
	}
}

// comparing are the tables that look at the predecessor of a run.
func comparing() []string { return []string{"segments", "segment_catalogue", "rfm_moves", "history"} }

func TestTheSameNightAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	feed(w, func(string) {})
	first := w.night("2026-11-30")
	before := w.objects("")
	second := w.night("2026-11-30")
	if !second.Unchanged || first.Unchanged || second.Run != first.Run {
		t.Errorf("runs %s (unchanged %t) and %s (unchanged %t), want the same, the second unchanged", first.Run, first.Unchanged, second.Run, second.Unchanged)
	}
	second.Unchanged = false
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("reports (-first +second):\n%s", diff)
	}
	if after := w.objects(""); !maps.Equal(before, after) {
		t.Error("the second night wrote something")
	}
}

func TestLookingBackMovesNothing(t *testing.T) {
	w, then := newWorld(t), newWorld(t)
	feed(w, func(string) {})
	feed(then, func(string) {})
	w.night("2026-11-30")
	before := w.objects("")
	report := w.night("2026-11-15")
	if report.InForce || report.AsOf != "2026-11-15" {
		t.Errorf("the night of the past: %+v, want it not in force", report)
	}
	then.night("2026-11-15")
	for key, body := range w.objects("") {
		if old, ok := before[key]; ok && old != body {
			t.Errorf("looking back changed %s", key)
		}
		if _, ok := before[key]; !ok && !strings.HasPrefix(key, lake.GoldPrefix) {
			t.Errorf("looking back made %s", key)
		}
	}
	run, err := lake.ReadRun(t.Context(), w.store, lake.RunRef{Run: report.Run, AsOf: report.AsOf})
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range then.gold() {
		if run.Tables[name].SHA256 != sum {
			t.Errorf("table %s of the past differs from what that night gave", name)
		}
	}
}

func TestAnInterruptedNightIsFinished(t *testing.T) {
	begin := newWorld(t)
	feedOf(begin, 8, func(string) {})
	for i := range 10 { // paid before the earlier day's end, cancelled after it
		order := fmt.Sprintf("late-%d", i)
		begin.post("till", sale(order, "paid", "2026-11-19T09:00:00Z", `"phone": "+79162220000"`, "100.00"))
		begin.post("till", sale(order, "cancelled", "2026-11-25T09:00:00Z", `"phone": "+79162220000"`, "100.00"))
	}
	begin.compact()
	begin.night("2026-11-15")
	whole := begin.copied()
	whole.night("2026-11-30")
	want := whole.gold()
	before := begin.copied()
	before.night("2026-11-20")
	wantEarly := before.gold()
	for fail := 1; ; fail += 2 {
		w := begin.copied()
		flaky := &failing{Store: w.store, left: fail}
		p, err := pipeline.New(pipeline.Config{Store: flaky, Now: w.clock, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Analyse(t.Context(), pipeline.NightRequest{AsOf: "2026-11-30"}); err == nil {
			if fail < 24 {
				t.Errorf("a night wrote %d times only", fail-1)
			}
			break
		}
		// A night of an earlier day must not be misled by what the broken one left.
		early := w.night("2026-11-20")
		run, err := lake.ReadRun(t.Context(), w.store, lake.RunRef{Run: early.Run, AsOf: early.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		for name, sum := range wantEarly {
			// Who comes after the 30th has no predecessor to compare with.
			if run.Tables[name].SHA256 != sum && (early.InForce || !slices.Contains(comparing(), name)) {
				t.Errorf("broken at write %d: table %s of an earlier day differs", fail, name)
			}
		}
		w.night("2026-11-30")
		got := w.gold()
		if early.InForce { // it is the predecessor now
			for _, compares := range comparing() {
				delete(got, compares)
			}
		}
		for name, sum := range got {
			if want[name] != sum {
				t.Errorf("broken at write %d and run again: table %s differs", fail, name)
			}
		}
		if people := table[schema.PersonRow](w, "lake/people/part-0000.parquet"); len(people) != 8 {
			t.Errorf("broken at write %d and run again: %d people, want 8", fail, len(people))
		}
	}
}

func TestARunFollowsItsInputs(t *testing.T) {
	w := newWorld(t)
	feed(w, func(string) {})
	first := w.night("2026-11-30")
	w.configure(shopConfig + "metrics: {active_days: 60}\n")
	other := w.night("2026-11-30")
	if other.Run == first.Run || other.Unchanged {
		t.Error("another configuration gave the same run")
	}
	w.configure(shopConfig + "metrics: {active_days: 60}\nretention: {raw_days: 20}\n")
	if same := w.night("2026-11-30"); same.Run != other.Run {
		t.Error("a setting that no number depends on gave another run")
	}
	w.post("till", `{"id": "late", "kind": "lead", "at": "2026-11-30T10:00:00Z", "client": {"phone": "+79162229999"}}`)
	w.compact()
	if late := w.night("2026-11-30"); late.Run == other.Run || late.Clients != first.Clients+1 {
		t.Errorf("a late lead: run %s with %d clients after %s with %d", late.Run, late.Clients, first.Run, first.Clients)
	}
	if _, err := w.Analyse(t.Context(), pipeline.NightRequest{AsOf: "2026-12-24"}); !errors.Is(err, pipeline.ErrFuture) {
		t.Errorf("a night of the future: %v, want ErrFuture", err)
	}
}

func TestSinceDayStaysAndPredecessorIsTheNightBefore(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-11-10T09:00:00Z")
	w.post("till", sale("1", "paid", "2026-11-10T09:00:00Z", `"phone": "+79162220001"`, "100.00"))
	w.compact()
	runs := map[string]string{}
	for _, day := range []string{"2026-11-10", "2026-11-11", "2026-11-12"} {
		w.now = at(day + "T20:00:00Z")
		if day == "2026-11-12" {
			w.post("till", sale("2", "paid", "2026-11-12T09:00:00Z", `"phone": "+79162220002"`, "100.00"))
			w.compact()
		}
		runs[day] = w.night(day).Run
	}
	// The same day again after news: still compared with the day before, not with itself.
	w.post("till", `{"id": "c", "kind": "contact", "at": "2026-11-12T10:00:00Z", "client": {"phone": "+79162220001"}, "contact": {"channel": "call"}}`)
	w.compact()
	w.night("2026-11-12")
	run, err := lake.Current(t.Context(), w.store)
	if err != nil || run.Run == runs["2026-11-12"] || run.Predecessor == nil || run.Predecessor.Run != runs["2026-11-11"] {
		t.Fatalf("in force: %+v, %v, want a new run whose predecessor is of the 11th", run.RunRef, err)
	}
	since := map[string]int{}
	for _, row := range rows[schema.SegmentRow](w) {
		if row.Segment == "buyers" {
			since[row.SinceDay]++
		}
	}
	if want := map[string]int{"2026-11-10": 1, "2026-11-12": 1}; !maps.Equal(since, want) {
		t.Errorf("buyers since %v, want %v", since, want)
	}
}

func TestAnEmptyBaseAndOneClient(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-11-02T04:00:00Z")
	if got, want := w.night(""), (pipeline.NightReport{AsOf: "2026-11-01", InForce: true, Currency: "RUB"}); got.Clients+got.Orders+got.RevenueMinor+got.Leads != 0 || got.AsOf != want.AsOf {
		t.Errorf("an empty base: %+v", got)
	}
	for _, b := range w.export().Bundles {
		if b.Manifest.Refused == nil || b.Manifest.Members != 0 {
			t.Errorf("%s for %s of nobody: %+v", b.Manifest.Segment, b.Manifest.Platform, b.Manifest)
		}
	}
	w.post("till", sale("1", "paid", "2026-11-01T09:00:00Z", `"phone": "+79162220001"`, "100.00"))
	w.compact()
	if got := w.night(""); got.Clients != 1 || got.Buyers != 1 || got.Orders != 1 || got.RevenueMinor != 10000 {
		t.Errorf("one client: %+v, want one purchase of 100.00", got)
	}
}
