package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// A locked export is nothing broken: check warns, says by which word and what to do,
// and still ends well.
func TestCheckWarnsOfALockedExport(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	store, err := filestore.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	text := "segments:\n  - {name: mine, rule: '\"Онкология\" in categories'}\nexports:\n  - {segment: mine, platforms: [yandex]}\n"
	if _, err := store.Put(t.Context(), config.Key, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	sys := newSystem()
	if status := run(t.Context(), sys.system, []string{"check", "-json", "-data", data}); status != exitDone {
		t.Fatalf("status %d, %s", status, sys.err.String())
	}
	var findings []finding
	if err := json.Unmarshal(sys.out.Bytes(), &findings); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(findings, func(f finding) bool { return f.Name == "exports" })
	if i < 0 || !findings[i].OK || !findings[i].Warn || !strings.Contains(findings[i].Says, "mine to yandex is locked") || !strings.Contains(findings[i].Says, "онколог") || !strings.Contains(findings[i].Do, "unlock: true") {
		t.Errorf("check says\n%s", sys.out.String())
	}
	if _, err := os.Stat(filepath.Join(data, "audiences")); !os.IsNotExist(err) {
		t.Errorf("check wrote audiences: %v", err)
	}
}
