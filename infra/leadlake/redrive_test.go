package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A shop whose configuration knew neither a status nor the right key, and was
// mended: through the running serve, and on the directory afterwards.
func TestRedriveMendsWhatFailed(t *testing.T) {
	s := startServe(t)
	order := `{"id":"o1","kind":"order","client":{"phone":"89995551111"},"order":{"id":"1","status":"gekauft","total":"10.00"}}`
	if status, body := s.send(t, http.MethodPost, "/in/site", order); status != http.StatusUnprocessableEntity {
		t.Fatalf("post: %d %s", status, body)
	}
	if status, _ := s.send(t, http.MethodPost, "/in/guarded?key=the+next+secret+of+it", lead); status != http.StatusUnauthorized {
		t.Fatalf("post with another key: %d", status)
	}
	s.command(t, exitDone, "", "invoke", "compact")
	if says := s.command(t, exitDone, "", "check"); !strings.Contains(says, "site           1 received = 0 events + 0 pings + 1 failed (1 invalid_event)") {
		t.Errorf("check says\n%s", says)
	}
	if says := s.command(t, exitDone, "", "redrive"); says != "site invalid_event: 1 tried, 1 still fail (1 invalid_event)\n" {
		t.Errorf("before the fix: %q", says)
	}
	mended := strings.Replace(shopConfiguration, "consents:", "orders: {gekauft: paid}, consents:", 1)
	if err := os.WriteFile(filepath.Join(s.data, "config", "leadlake.yaml"), []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	var done redriven
	if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "redrive", "-json", "-reason", "invalid_event", "-source", "site")), &done); err != nil || len(done.Counts) != 1 || done.Counts[0].Events != 1 {
		t.Errorf("after the fix: %+v, %v", done, err)
	}
	if says := s.command(t, exitDone, "", "redrive"); says != "nothing to run again\n" {
		t.Errorf("again: %q", says)
	}
	if says := s.command(t, exitDone, "", "redrive", "-reason", "bad_signature"); says != "guarded bad_signature: 1 tried, 1 still fail (1 bad_signature)\n" {
		t.Errorf("with the old secret: %q", says)
	}
	if says := s.command(t, exitUsage, "", "redrive", "-day", "today"); !strings.Contains(says, "YYYY-MM-DD") {
		t.Errorf("a day that is none: %q", says)
	}
	s.stop()

	sys := newSystem()
	sys.Getenv = func(string) string { return "the next secret of it" }
	if status := run(t.Context(), sys.system, []string{"redrive", "-data", s.data, "-reason", "bad_signature"}); status != exitDone {
		t.Fatalf("status %d, %s", status, sys.err.String())
	}
	if says := sys.out.String(); says != "guarded bad_signature: 1 tried, 1 fit now and were stored\ncompacted: 1 deliveries, 1 events, 0 pings, 0 failed, 0 duplicates\n" {
		t.Errorf("with the next secret: %q", says)
	}
	events, err := filepath.Glob(filepath.Join(s.data, "lake", "events", "day=*", "*.parquet"))
	if err != nil || len(events) == 0 {
		t.Fatal(events, err)
	}
	if err := os.Remove(events[0]); err != nil {
		t.Fatal(err)
	}
	sys = newSystem()
	sys.Getenv = func(string) string { return "the next secret of it" }
	if status := run(t.Context(), sys.system, []string{"check", "-data", s.data}); status != exitFailed {
		t.Errorf("without its events check ends with %d", status)
	}
	if says := sys.out.String(); !strings.Contains(says, "FAIL  ledger") || !strings.Contains(says, "1 event_missing: o1") || !strings.Contains(says, "UNBALANCED") {
		t.Errorf("check says\n%s", says)
	}
}
