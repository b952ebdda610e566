package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/storetest"
)

// watchedDisk is the system's disk that counts what is asked of objects' files, and
// whose clock may run ahead, so that files have settled.
type watchedDisk struct {
	filestore.Disk

	ahead  time.Duration
	opened atomic.Int64
	read   atomic.Int64 // bytes
}

type watchedFile struct {
	filestore.ReadFile

	disk *watchedDisk
}

func (d *watchedDisk) Now() time.Time { return d.Disk.Now().Add(d.ahead) }

func (d *watchedDisk) Open(name string) (filestore.ReadFile, error) {
	file, err := d.Disk.Open(name)
	if err != nil || name == filestore.IndexName {
		return file, err
	}
	d.opened.Add(1)
	return watchedFile{file, d}, nil
}

func (f watchedFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.ReadFile.ReadAt(p, offset)
	f.disk.read.Add(int64(n))
	return n, err
}

// Fd is what Windows knows a file by.
func (f watchedFile) Fd() uintptr {
	return f.ReadFile.(interface{ Fd() uintptr }).Fd()
}

func osDisk(t testing.TB, dir string) filestore.Disk {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return filestore.OSDisk(root)
}

// watch opens dir for a process by whose clock all files there have settled.
func watch(t testing.TB, dir string) (*filestore.Store, *watchedDisk) {
	t.Helper()
	d := &watchedDisk{Disk: osDisk(t, dir), ahead: time.Minute}
	store, err := filestore.OpenDisk(d)
	if err != nil {
		t.Fatal(err)
	}
	return store, d
}

func closed(t testing.TB, store *filestore.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
}

// holds asks for the version by Head, and then by Get.
func holds(t testing.TB, store objstore.Store, key, body string) {
	t.Helper()
	info, err := store.Head(t.Context(), key)
	if want := objstore.VersionOf([]byte(body)); err != nil || info.Version != want || info.Size != int64(len(body)) {
		t.Errorf("Head(%s) = %d bytes, version %.8s, %v; want %d, %.8s", key, info.Size, info.Version, err, len(body), want)
	}
	got, gotInfo, err := store.Get(t.Context(), key)
	if err != nil || string(got) != body || gotInfo.Version != objstore.VersionOf([]byte(body)) {
		t.Errorf("Get(%s) = %q, version %.8s, %v; want %q", key, got, gotInfo.Version, err, body)
	}
}

// nextTick returns when the file system stamps later than it stamped name.
func nextTick(t *testing.T, name string) {
	t.Helper()
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	probe := filepath.Join(t.TempDir(), "probe")
	for {
		write(t, probe, "x")
		now, err := os.Stat(probe)
		if err != nil {
			t.Fatal(err)
		}
		if now.ModTime().After(before.ModTime().Add(time.Millisecond)) {
			return
		}
	}
}

func TestAWatchedDiskKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store {
		dir := t.TempDir()
		store, _ := watch(t, dir)
		return store
	})
}

func TestTheNextProcessKnowsVersionsWithoutReading(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{}
	store, first := watch(t, dir)
	for i := range 5 {
		key := fmt.Sprintf("lake/day=%d/Ours.parquet", i)
		if _, err := store.Create(t.Context(), key, []byte("first "+key)); err != nil {
			t.Fatal(err)
		}
		want[key] = "put " + key
		if _, err := store.Put(t.Context(), key, []byte(want[key])); err != nil {
			t.Fatal(err)
		}
		key = fmt.Sprintf("inbox/orders/By hand %d.csv", i)
		want[key] = "hand " + key
		write(t, filepath.Join(dir, filepath.FromSlash(key)), want[key])
	}
	swapped, err := store.Swap(t.Context(), "lake/day=0/Ours.parquet", []byte("swapped"), objstore.VersionOf([]byte("put lake/day=0/Ours.parquet")))
	if err != nil {
		t.Fatalf("Swap = %v, %v", swapped, err)
	}
	want["lake/day=0/Ours.parquet"] = "swapped"
	first.read.Store(0)
	for key, body := range want {
		holds(t, store, key, body)
	}
	if first.read.Load() == 0 {
		t.Error("nothing was read in the first process: the count is wrong")
	}
	listed := keys(t, store, "")
	closed(t, store)

	for life := range 2 {
		store, again := watch(t, dir)
		for key, body := range want {
			info, err := store.Head(t.Context(), key)
			if err != nil || info.Version != objstore.VersionOf([]byte(body)) || info.Size != int64(len(body)) || info.Key != key {
				t.Errorf("life %d: Head(%s) = %+v, %v", life, key, info, err)
			}
		}
		if opened, read := again.opened.Load(), again.read.Load(); opened != 0 && runtime.GOOS != "windows" || read != 0 {
			t.Errorf("life %d: Head opened %d files and read %d bytes, want none", life, opened, read)
		}
		for key, body := range want {
			holds(t, store, key, body)
		}
		if diff := cmp.Diff(listed, keys(t, store, "")); diff != "" || len(listed) != len(want) {
			t.Errorf("List of %d objects (-before +after):\n%s", len(want), diff)
		}
		closed(t, store)
	}
}

func TestTheIndexIsNoObject(t *testing.T) {
	dir := t.TempDir()
	store, _ := watch(t, dir)
	if _, err := store.Create(t.Context(), filestore.IndexName, []byte("object")); err != nil {
		t.Fatal(err)
	}
	closed(t, store)
	store = open(t, dir)
	if _, err := os.Stat(filepath.Join(dir, filestore.IndexName)); err != nil {
		t.Errorf("no index after Close: %v", err)
	}
	holds(t, store, filestore.IndexName, "object")
	if diff := cmp.Diff([]string{filestore.IndexName}, keys(t, store, "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if err := store.Delete(t.Context(), filestore.IndexName); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Get(t.Context(), filestore.IndexName); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Get of the deleted object = %v, want ErrNotExist", err)
	}
	if _, err := os.Stat(filepath.Join(dir, filestore.IndexName)); err != nil {
		t.Errorf("the index went with the object: %v", err)
	}
}

// TestAChangeByHandIsSeenWhateverItsModificationTime plants files of the same key,
// size and modification time. What tells them apart is the change time.
func TestAChangeByHandIsSeenWhateverItsModificationTime(t *testing.T) {
	for _, inPlace := range []bool{true, false} {
		for _, reopened := range []bool{true, false} {
			dir := t.TempDir()
			byHand, ours := filepath.Join(dir, "hand.csv"), filepath.Join(dir, "ours.csv")
			write(t, byHand, "body 1")
			store, _ := watch(t, dir)
			if _, err := store.Create(t.Context(), "ours.csv", []byte("body 1")); err != nil {
				t.Fatal(err)
			}
			holds(t, store, "hand.csv", "body 1")
			holds(t, store, "ours.csv", "body 1")
			if reopened {
				closed(t, store)
			}
			for _, name := range []string{byHand, ours} {
				nextTick(t, name)
				stat, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				other := name
				if !inPlace {
					other += ".new"
				}
				write(t, other, "body 2")
				if err := os.Chtimes(other, time.Time{}, stat.ModTime()); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(other, name); err != nil {
					t.Fatal(err)
				}
			}
			if reopened {
				store, _ = watch(t, dir)
			}
			holds(t, store, "hand.csv", "body 2")
			holds(t, store, "ours.csv", "body 2")
			closed(t, store)
		}
	}
}

func TestAFileThatHasNotSettledIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "hand.csv"), "body")
	for life, off := range []time.Duration{-time.Hour, -time.Hour, time.Hour} {
		d := &watchedDisk{Disk: osDisk(t, dir)} // its clock is that of the file
		store, err := filestore.OpenDisk(d)
		if err != nil {
			t.Fatal(err)
		}
		// An old modification time settles nothing, a future one never does.
		if off > 0 {
			d.ahead = time.Minute
		}
		if err := os.Chtimes(filepath.Join(dir, "hand.csv"), time.Time{}, time.Now().Add(off)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			d.read.Store(0)
			if _, err := store.Head(t.Context(), "hand.csv"); err != nil || d.read.Load() != 4 {
				t.Errorf("life %d: Head = %v and read %d bytes, want all 4", life, err, d.read.Load())
			}
		}
		holds(t, store, "hand.csv", "body")
		closed(t, store)
	}
	if _, err := os.Stat(filepath.Join(dir, filestore.IndexName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("index of nothing: %v, want none", err)
	}
}

func TestADamagedIndexIsIgnored(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, filestore.IndexName)
	store, _ := watch(t, dir)
	for i := range 3 {
		if _, err := store.Create(t.Context(), strconv.Itoa(i), fmt.Append(nil, "body ", i)); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, store)
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if n := filestore.EntriesOf(good); n != 3 {
		t.Fatalf("index has %d entries, want 3", n)
	}
	contents := [][]byte{nil, []byte("foreign"), bytes.Repeat(good, 2)}
	contents = append(contents, bytes.Replace(good, []byte(filestore.IndexHeader), []byte(strings.Replace(filestore.IndexHeader, "1", "2", 1)), 1))
	for at := range good {
		flipped := slices.Clone(good)
		flipped[at] ^= 1 << (at % 8)
		contents = append(contents, good[:at], flipped)
	}
	for _, content := range contents {
		write(t, index, string(content))
		store, d := watch(t, dir)
		for i := range 3 {
			holds(t, store, strconv.Itoa(i), fmt.Sprint("body ", i))
		}
		if d.read.Load() == 3*6 {
			t.Fatalf("an index of %d bytes was believed: %.40q", len(content), content)
		}
		closed(t, store)
		if made, err := os.ReadFile(index); err != nil || filestore.EntriesOf(made) != 3 {
			t.Fatalf("index made again has %d entries, %v; want 3", filestore.EntriesOf(made), err)
		}
	}
	// What is no file at all cannot be replaced, and harms nobody.
	if err := errors.Join(os.Remove(index), os.Mkdir(index, 0o700)); err != nil {
		t.Fatal(err)
	}
	store, _ = watch(t, dir)
	holds(t, store, "1", "body 1")
	closed(t, store)
	if left, err := filepath.Glob(filepath.Join(dir, ".tmp-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestReadersUseTheIndexAndLeaveIt(t *testing.T) {
	dir := t.TempDir()
	store, _ := watch(t, dir)
	if _, err := store.Create(t.Context(), "known", []byte("known")); err != nil {
		t.Fatal(err)
	}
	closed(t, store)
	write(t, filepath.Join(dir, "hand.csv"), "by hand")
	index := filepath.Join(dir, filestore.IndexName)
	before, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	d := &watchedDisk{Disk: osDisk(t, dir), ahead: time.Minute}
	reader := filestore.OpenReadOnlyDisk(d)
	if info, err := reader.Head(t.Context(), "known"); err != nil || info.Version != objstore.VersionOf([]byte("known")) || d.read.Load() != 0 {
		t.Errorf("reader's Head = %+v, %v, and read %d bytes, want none", info, err, d.read.Load())
	}
	for range 2 { // the second time out of the reader's own memory
		if _, err := reader.Head(t.Context(), "hand.csv"); err != nil || d.read.Load() != int64(len("by hand")) {
			t.Errorf("reader's Head = %v, and read %d bytes in all, want 7", err, d.read.Load())
		}
	}
	closed(t, reader)
	if after, err := os.ReadFile(index); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a reader changed the index: %v", err)
	}
}

// TestHeadsAtTheSameTimeAgree is more files than are kept unwritten, asked for by
// many while some are replaced and deleted, and an index that is there before Close.
func TestHeadsAtTheSameTimeAgree(t *testing.T) {
	dir := t.TempDir()
	const files = filestore.MinFresh + 200
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprintf("f%04d.txt", i)), fmt.Sprint("body ", i))
	}
	store, _ := watch(t, dir)
	var group sync.WaitGroup
	for worker := range 6 {
		group.Go(func() {
			for i := range files {
				i = (i + worker*files/6) % files
				key := fmt.Sprintf("f%04d.txt", i)
				switch {
				case i%100 == 0 && worker == 0:
					if _, err := store.Put(t.Context(), key, fmt.Append(nil, "body ", i)); err != nil {
						t.Errorf("Put = %v", err)
					}
				case i%100 == 1 && worker == 0:
					if err := store.Delete(t.Context(), key); err != nil {
						t.Errorf("Delete = %v", err)
					}
				case i%100 != 1:
					holds(t, store, key, fmt.Sprint("body ", i))
				}
			}
		})
	}
	group.Wait()
	early, err := os.ReadFile(filepath.Join(dir, filestore.IndexName))
	if err != nil || filestore.EntriesOf(early) < filestore.MinFresh/2 {
		t.Errorf("index before Close: %d entries, %v", filestore.EntriesOf(early), err)
	}
	closed(t, store)
	store, d := watch(t, dir)
	for i := range files {
		if i%100 == 1 {
			continue
		}
		if info, err := store.Head(t.Context(), fmt.Sprintf("f%04d.txt", i)); err != nil || info.Version != objstore.VersionOf(fmt.Append(nil, "body ", i)) {
			t.Errorf("Head = %+v, %v", info, err)
		}
	}
	if d.read.Load() > 20*20 { // a slow Head may have noted the file before its Put
		t.Errorf("read %d bytes of known files", d.read.Load())
	}
	closed(t, store)
}

func TestTheIndexForgetsWhatIsGone(t *testing.T) {
	dir := t.TempDir()
	entries := func() int {
		content, err := os.ReadFile(filepath.Join(dir, filestore.IndexName))
		if err != nil {
			t.Fatal(err)
		}
		return filestore.EntriesOf(content)
	}
	store, _ := watch(t, dir)
	for i := range 6 {
		if _, err := store.Create(t.Context(), strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, store)
	store, _ = watch(t, dir)
	if err := errors.Join(store.Delete(t.Context(), "0"), os.Remove(filepath.Join(dir, filestore.PathOf("1")))); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Head(t.Context(), "1"); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("Head of what was deleted by hand = %v", err)
	}
	closed(t, store)
	if n := entries(); n != 4 {
		t.Errorf("%d entries after one Delete and one by hand, want 4", n)
	}
	// Nobody asks for 2 to 4 any more; every life writes the index for another's sake.
	// The life of the deletions was the first.
	for life := 2; life <= filestore.MaxIdle+1; life++ {
		store, _ := watch(t, dir)
		holds(t, store, "5", "")
		write(t, filepath.Join(dir, "hand.csv"), strings.Repeat("x", life))
		if _, err := store.Head(t.Context(), "hand.csv"); err != nil {
			t.Fatal(err)
		}
		closed(t, store)
		if n, idle := entries(), life > filestore.MaxIdle; !idle && n != 5 || idle && n != 2 {
			t.Fatalf("life %d: %d entries", life, n)
		}
	}
	store, _ = watch(t, dir)
	store.KeepAtMost(1)
	if _, err := store.Head(t.Context(), "5"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), "6", nil); err != nil {
		t.Fatal(err)
	}
	closed(t, store)
	if n := entries(); n != 1 {
		t.Errorf("%d entries, want at most 1", n)
	}
	if filestore.EntryBytes > 100 {
		t.Errorf("an entry takes %d bytes of memory, want at most 100", filestore.EntryBytes)
	}
}
