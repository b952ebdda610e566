package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// uploadInPieces is Put by an upload in pieces of 100 bytes.
func uploadInPieces(ctx context.Context, store objstore.Store, key, body string) error {
	upload, err := store.Upload(ctx, key)
	if err != nil {
		return err
	}
	defer upload.Abort()
	for rest := []byte(body); len(rest) > 0; rest = rest[min(100, len(rest)):] {
		if _, err := upload.Write(rest[:min(100, len(rest))]); err != nil {
			break // Commit says so, too
		}
	}
	_, err = upload.Commit()
	return err
}

func TestAnUploadLeavesNoTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	begin := func() objstore.Upload {
		upload, err := store.Upload(t.Context(), "folder/x.txt")
		if err == nil {
			_, err = upload.Write([]byte("body"))
		}
		if err != nil {
			t.Fatal(err)
		}
		return upload
	}
	temporary := func() int {
		names, err := filepath.Glob(filepath.Join(dir, "folder", ".tmp-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	begin().Abort()
	if n := temporary(); n != 0 {
		t.Errorf("%d files are left by Abort", n)
	}
	if _, err := begin().Commit(); err != nil || temporary() != 0 {
		t.Errorf("Commit = %v, %d temporary files", err, temporary())
	}
	begin() // and the process dies
	if n := temporary(); n != 1 {
		t.Errorf("%d files on their way, want 1", n)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = filestore.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if n := temporary(); n != 0 {
		t.Errorf("%d files are left at the next start", n)
	}
	if err := uploadInPieces(t.Context(), store, "folder/x.txt", "after"); err != nil {
		t.Errorf("an upload after the next start: %v", err)
	}
}

// An object that somebody put there under its own name is replaced where it lies.
func TestAnUploadReplacesAFilePutByHand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Costs.csv"), []byte("by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := uploadInPieces(t.Context(), store, "Costs.csv", "by us"); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(dir, "Costs.csv"))
	if err != nil || string(body) != "by us" {
		t.Errorf("the file holds %q, %v", body, err)
	}
	// While an upload is on its way it is taken away: then the object is made anew.
	upload, err := store.Upload(t.Context(), "Costs.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "Costs.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := upload.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := store.Get(t.Context(), "Costs.csv"); err != nil || len(got) != 0 {
		t.Errorf("after an empty upload: %q, %v", got, err)
	}
}

func TestAReadOnlyStoreTakesNoUpload(t *testing.T) {
	dir := t.TempDir()
	store, err := filestore.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Upload(t.Context(), "x"); !errors.Is(err, objstore.ErrDenied) {
		t.Errorf("Upload = %v, want ErrDenied", err)
	}
}
