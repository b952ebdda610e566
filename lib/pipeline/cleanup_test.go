package pipeline_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

func (w *world) count(prefix string) int {
	w.Helper()
	return len(w.objects(prefix))
}

func TestRawIsRemovedOnceMergedAndPastRetention(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89163330001")
	w.compact()
	w.now = w.now.Add(time.Hour)
	w.post("site", "phone=89163330002") // never merged
	w.now = w.now.AddDate(0, 0, 30)
	if report := w.erase(""); report.Cleanup.Raw != 0 || w.count("raw/") != 2 {
		t.Errorf("on the last day of retention: removed %+v, want nothing", report.Cleanup)
	}
	w.now = w.now.AddDate(0, 0, 1)
	if report := w.erase(""); report.Cleanup.Raw != 1 || w.count("raw/") != 1 {
		t.Errorf("past retention: removed %+v, %d left, want the merged one removed", report.Cleanup, w.count("raw/"))
	}
	w.compact()
	if report := w.erase(""); report.Cleanup.Raw != 1 || w.count("raw/") != 0 {
		t.Errorf("after it was merged: removed %+v", report.Cleanup)
	}
	if check, err := w.CheckLedger(t.Context()); err != nil || check.Deliveries != 2 || check.Err() != nil {
		t.Errorf("CheckLedger = %+v, %v, want both deliveries accounted for", check, err)
	}
}

func TestNothingYoungerThanItsGraceIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89163330001")
	w.compact()
	raw := w.objects("raw/")
	w.now = w.now.AddDate(0, 0, 40)
	for key, body := range raw { // an old day, written a moment ago: its writer may not know yet
		if _, err := w.store.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if report := w.erase(""); report.Cleanup.Raw != 0 {
		t.Errorf("within the grace: removed %+v", report.Cleanup)
	}
	w.now = w.now.Add(time.Second)
	if report := w.erase(""); report.Cleanup.Raw != 1 {
		t.Errorf("after the grace: removed %+v, want one", report.Cleanup)
	}
}

func TestOldRunsGoButNeverTheOneInForceNorItsPredecessor(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + "retention: {runs: 2}\n")
	w.post("site", "phone=89163330001")
	w.compact()
	runs := func() int { return w.count(lake.GoldPrefix + "runs/") }
	for day := 2; day <= 6; day++ {
		w.now = at(fmt.Sprintf("2026-11-%02dT04:00:00Z", day))
		w.night("")
	}
	w.now = w.now.AddDate(0, 0, 2)
	if w.erase(""); runs() != 2 {
		t.Errorf("%d runs left, want 2", runs())
	}
	for _, day := range []string{"2026-11-04", "2026-11-05"} {
		if w.count(lake.GoldPrefix+"clients/asof="+day+"/") != 1 {
			t.Errorf("the run of %s is gone", day)
		}
	}
	// Thirty failed nights: the run in force is old, and stays with its predecessor.
	w.configure(shopConfig + "retention: {runs: 1}\n")
	before := w.objects(lake.GoldPrefix)
	w.now = w.now.AddDate(0, 1, 0)
	w.erase("")
	if after := w.objects(lake.GoldPrefix); len(after) != len(before) {
		t.Errorf("%d of %d objects of the run in force and its predecessor are left", len(after), len(before))
	}
	if got := w.night("2026-11-05"); !got.Unchanged {
		t.Errorf("the run in force is not whole: %+v", got)
	}
}

func TestAudienceFilesAndUnauthenticatedBytesExpire(t *testing.T) {
	w := buyers(t, 3)
	b := w.bundleOf("csv")
	if _, err := w.download(b.ID, "contacts.csv"); err != nil {
		t.Fatal(err)
	}
	unauthenticated, err := schema.Encode([]schema.RawRow{{Key: "x", Source: "site", Body: []byte("phone=89163330009")}})
	if err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string][]byte{
		lake.AudiencesPrefix + "downloads/x/contacts.csv": []byte("x"), lake.UnauthenticatedPrefix + "site/x.parquet": unauthenticated,
	} {
		if _, err := w.store.Put(t.Context(), key, body); err != nil {
			t.Fatal(err)
		}
	}
	files := w.count(lake.AudiencesPrefix + "asof=")
	w.now = w.now.AddDate(0, 0, 2)
	if got := w.erase("").Cleanup; got.Audiences != 2 || got.Unauthenticated != 0 {
		t.Errorf("after two days: %+v, want both downloads removed", got)
	}
	w.now = w.now.AddDate(0, 0, 6)
	if got := w.erase("").Cleanup; got.Audiences != 0 || got.Unauthenticated != 1 {
		t.Errorf("after eight days: %+v, want the unauthenticated bytes removed", got)
	}
	w.now = w.now.AddDate(0, 0, 8)
	if got := w.erase("").Cleanup; got.Audiences != files {
		t.Errorf("after two weeks: %+v, want %d audience files removed", got, files)
	}
	left := map[string]int{}
	for key := range w.objects(lake.AudiencesPrefix) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(key, lake.AudiencesPrefix), "/")
		left[kind]++
	}
	if want := map[string]int{"given": 2, "holdout": 1, "ledger": 1}; !maps.Equal(left, want) {
		t.Errorf("left under audiences/: %v, want what was given, the sides of clients and the ledger of downloads: %v", left, want)
	}
}
