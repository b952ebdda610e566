package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

func open(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return store
}

func write(t *testing.T, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, store objstore.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range store.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatalf("List = %v", err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func TestFilestoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return open(t, t.TempDir()) })
}

func TestPlainKeysArePaths(t *testing.T) {
	for _, key := range []string{
		"gold/clients/asof=2026-01-01/run=0f3a/part-0000.parquet", "gold/current.json", "config/leadlake.yaml",
		"raw/day=2026-11-20/9f86d081884c7d65.parquet", "lake/orders/bucket=63/part-0000.parquet", "inbox/orders/list_2.v3.csv",
	} {
		if got := filestore.PathOf(key); got != key {
			t.Errorf("PathOf(%q) = %q, want the key itself", key, got)
		}
	}
}

func TestEscapedNamesAreSafeAnywhere(t *testing.T) {
	for key, want := range map[string]string{
		"a":                  "a.%",
		"a/b":                "a/b.%",
		"v1.2/x.csv":         "v1%2e2/x.csv",
		"Readme.md":          "%52eadme.md",
		"ж.csv":              "%d0%b6.csv",
		".lock":              "%2elock.%",
		".tmp-x.csv":         "%2etmp-x.csv",
		"100%.csv":           "100%25.csv",
		"end.":               "end%2e.%",
		"end ":               "end%20.%",
		"con":                "%63on.%",
		"com1.csv":           "%63om1.csv",
		"console.csv":        "console.csv",
		"nul/aux.txt":        "%6eul/%61ux.txt",
		`a\b:c.csv`:          "a%5cb%3ac.csv",
		"x/key.%":            "x/key.%25",
		"dir.%/x.txt":        "dir%2e%25/x.txt",
		"a/..b/c.txt":        "a/%2e%2eb/c.txt",
		"day=2026-01-01/run": "day=2026-01-01/run.%",
	} {
		if got := filestore.PathOf(key); got != want {
			t.Errorf("PathOf(%q) = %q, want %q", key, got, want)
		}
	}
}

// FuzzPathsAreDistinct holds that no two keys meet in one file, also where case is
// folded, nor a file in a folder's name, and that a listing gives the key back.
func FuzzPathsAreDistinct(f *testing.F) {
	long := strings.Repeat("Ж", 100)
	for _, pair := range [][2]string{
		{"a", "a/b"},
		{"A", "a"},
		{"a.%", "a"},
		{"%41", "A"},
		{long, long[:198] + "/x"},
		{long + "/" + long, long},
		{strings.Repeat("a.", 100), strings.Repeat("A.", 100)},
		{strings.Repeat("Z", 80) + strings.Repeat(".", 120), strings.Repeat("Z", 100) + "/con"},
		{"x/" + strings.Repeat("%", 199) + "a", "x%+/a"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if objstore.CheckKey(a) != nil || objstore.CheckKey(b) != nil || a == b {
			return
		}
		pathA, pathB := strings.ToLower(filestore.PathOf(a)), strings.ToLower(filestore.PathOf(b))
		if pathA == pathB || strings.HasPrefix(pathA, pathB+"/") || strings.HasPrefix(pathB, pathA+"/") {
			t.Fatalf("%q and %q meet: %q, %q", a, b, pathA, pathB)
		}
		store, err := filestore.OpenDisk(newPowerDisk(1))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{a, b}
		slices.Sort(want)
		for _, key := range want {
			for segment := range strings.SplitSeq(filestore.PathOf(key), "/") {
				if len(segment) > 250 {
					t.Fatalf("PathOf(%q) has a name of %d bytes", key, len(segment))
				}
			}
			if _, err := store.Create(t.Context(), key, []byte(key)); err != nil {
				t.Fatalf("Create(%q) = %v", key, err)
			}
		}
		if diff := cmp.Diff(want, keys(t, store, "")); diff != "" {
			t.Fatalf("List (-want +got):\n%s", diff)
		}
	})
}

func TestAnObjectStandsBesideAFolderOfItsName(t *testing.T) {
	store := open(t, t.TempDir())
	want := []string{"a", "a/b", "a/b/c", "v1.2", "v1.2/x"}
	for _, key := range want {
		if _, err := store.Create(t.Context(), key, []byte(key)); err != nil {
			t.Errorf("Create(%q) = %v", key, err)
		}
	}
	if diff := cmp.Diff(want, keys(t, store, "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func TestFilesPutByHandAreObjects(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	names := []string{"inbox/orders/Заказы 2026.xlsx", "inbox/orders/README", "inbox/Leads/May.CSV", "inbox/orders/plain.csv"}
	for _, name := range names {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), "by hand")
	}
	write(t, filepath.Join(dir, "inbox", ".DS_Store"), "no object")
	if err := os.Symlink(filepath.Join(dir, "inbox"), filepath.Join(dir, "inbox", "link")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	// One more under a folder that was made by hand, and one written by us there.
	if _, err := store.Create(t.Context(), "inbox/Leads/June.CSV", []byte("ours")); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	want := slices.Insert(slices.Clone(names), 0, "inbox/Leads/June.CSV")
	if diff := cmp.Diff(want, keys(t, store, "inbox/")); diff != "" {
		t.Fatalf("List (-want +got):\n%s", diff)
	}
	for _, key := range names {
		if _, err := store.Create(t.Context(), key, nil); !errors.Is(err, objstore.ErrExist) {
			t.Errorf("Create(%q) = %v, want ErrExist", key, err)
		}
		body, info, err := store.Get(t.Context(), key)
		if err != nil || string(body) != "by hand" {
			t.Errorf("Get(%q) = %q, %v", key, body, err)
		}
		if _, err := store.Swap(t.Context(), key, []byte("swapped"), info.Version); err != nil {
			t.Errorf("Swap(%q) = %v", key, err)
		}
		if err := store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q) = %v", key, err)
		}
	}
	if diff := cmp.Diff([]string{"inbox/Leads/June.CSV"}, keys(t, store, "")); diff != "" {
		t.Errorf("List after Delete (-want +got):\n%s", diff)
	}
}

func TestNothingIsReachedThroughSymbolicLinks(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.txt"), "secret")
	dir := t.TempDir()
	store := open(t, dir)
	if err := os.Symlink(outside, filepath.Join(dir, "way")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "file.txt")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"way/secret.txt", "file.txt"} {
		if body, _, err := store.Get(t.Context(), key); err == nil {
			t.Errorf("Get(%q) = %q", key, body)
		}
	}
	if _, err := store.Create(t.Context(), "way/new.txt", []byte("x")); err == nil {
		t.Error("Create through a link succeeded")
	}
	if found := keys(t, store, ""); len(found) != 0 {
		t.Errorf("List = %q, want nothing", found)
	}
}

func TestOneOwnerAndReadersBesideIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "the way")
	if _, err := filestore.OpenReadOnly(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenReadOnly of nothing = %v, want ErrNotExist", err)
	}
	owner, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filestore.Open(dir); !errors.Is(err, filestore.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	if stat, err := os.Stat(dir); err != nil || stat.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory = %v, %v; want 0700", stat.Mode(), err)
	}
	reader, err := filestore.OpenReadOnly(dir)
	if err != nil {
		t.Fatalf("OpenReadOnly = %v", err)
	}
	if _, err := owner.Create(t.Context(), "key", []byte("body")); err != nil {
		t.Fatal(err)
	}
	if body, _, err := reader.Get(t.Context(), "key"); err != nil || string(body) != "body" {
		t.Errorf("reader's Get = %q, %v", body, err)
	}
	_, createErr := reader.Create(t.Context(), "new", nil)
	_, putErr := reader.Put(t.Context(), "key", nil)
	_, swapErr := reader.Swap(t.Context(), "key", nil, "")
	for _, err := range []error{createErr, putErr, swapErr, reader.Delete(t.Context(), "key")} {
		if !errors.Is(err, objstore.ErrDenied) {
			t.Errorf("reader's write = %v, want ErrDenied", err)
		}
	}
	if err := errors.Join(reader.Close(), owner.Close()); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestTheModeOfAStrangersDirectoryIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "theirs.txt"), "x")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if stat, err := os.Stat(dir); err != nil || stat.Mode().Perm() != 0o755 {
		t.Errorf("mode = %v, %v; want it left at 0755", stat.Mode(), err)
	}
}

func TestStaleTemporaryFilesAreRemovedAtStart(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "raw", "day=2026-01-01", ".tmp-ABC")
	write(t, stale, "torn")
	write(t, filepath.Join(dir, "raw", "day=2026-01-01", "whole.parquet"), "whole")
	store := open(t, dir)
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stale file after Open: %v, want it gone", err)
	}
	if diff := cmp.Diff([]string{"raw/day=2026-01-01/whole.parquet"}, keys(t, store, "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

// TestKilledWriterGivesTheLockBack also shows that nothing half-written is seen: the
// child is killed between two acknowledged writes.
func TestKilledWriterGivesTheLockBack(t *testing.T) {
	if dir := os.Getenv("FILESTORE_TEST_CHILD"); dir != "" {
		store := open(t, dir)
		for i := 0; ; i++ {
			if _, err := store.Create(t.Context(), fmt.Sprintf("n/%06d.bin", i), []byte(strings.Repeat("x", 10_000))); err != nil {
				t.Fatal(err)
			}
			if i == 3 {
				fmt.Println("ready")
			}
		}
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledWriterGivesTheLockBack$", "-test.v")
	child.Env = append(os.Environ(), "FILESTORE_TEST_CHILD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	seen, buffer := "", make([]byte, 256)
	for !strings.Contains(seen, "ready") {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("child ended early: %v, said %q", err, seen)
		}
		seen += string(buffer[:n])
	}
	if _, err := filestore.Open(dir); !errors.Is(err, filestore.ErrLocked) {
		t.Errorf("Open beside the child = %v, want ErrLocked", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	store := open(t, dir)
	found := keys(t, store, "n/")
	if len(found) < 4 {
		t.Errorf("%d objects are left, want at least the 4 acknowledged", len(found))
	}
	for _, key := range found {
		if body, _, err := store.Get(t.Context(), key); err != nil || len(body) != 10_000 {
			t.Errorf("Get(%q) = %d bytes, %v; want 10000", key, len(body), err)
		}
	}
}
