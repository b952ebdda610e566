package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

// tickingDisk stamps files by a clock of the test's own, which may be as coarse as
// FAT's: what the test writes within a tick has equal stamps.
type tickingDisk struct {
	filestore.Disk

	now     time.Time     // of the clock of the machine
	tick    time.Duration // of the clock of the file system
	changed map[uint64]time.Time
}

type tickingFile struct {
	filestore.ReadFile

	disk *tickingDisk
}

type tickingWriter struct {
	filestore.WriteFile

	disk *tickingDisk
}

type tickingInfo struct {
	fs.FileInfo

	stamp time.Time
	sys   *syscall.Stat_t
}

func (i tickingInfo) ModTime() time.Time { return i.stamp }
func (i tickingInfo) Sys() any           { return i.sys }

// stamped replaces the stamps by those of the last touch.
func (d *tickingDisk) stamped(stat fs.FileInfo, err error) (fs.FileInfo, error) {
	if err != nil || !stat.Mode().IsRegular() {
		return stat, err
	}
	sys := *stat.Sys().(*syscall.Stat_t)
	stamp, there := d.changed[sys.Ino]
	if !there {
		stamp = d.now.Truncate(d.tick)
		d.changed[sys.Ino] = stamp
	}
	sys.Ctim = syscall.NsecToTimespec(stamp.UnixNano())
	return tickingInfo{stat, stamp, &sys}, nil
}

func (d *tickingDisk) Now() time.Time { return d.now }

func (d *tickingDisk) Lstat(name string) (fs.FileInfo, error) { return d.stamped(d.Disk.Lstat(name)) }

func (d *tickingDisk) Open(name string) (filestore.ReadFile, error) {
	file, err := d.Disk.Open(name)
	return tickingFile{file, d}, err
}

func (d *tickingDisk) CreateFile(name string) (filestore.WriteFile, error) {
	file, err := d.Disk.CreateFile(name)
	return tickingWriter{file, d}, err
}

func (f tickingFile) Stat() (fs.FileInfo, error)   { return f.disk.stamped(f.ReadFile.Stat()) }
func (f tickingWriter) Stat() (fs.FileInfo, error) { return f.disk.stamped(f.WriteFile.Stat()) }

// overwrite changes a file in place, and stamps it unless the bytes are to rot unseen.
func (d *tickingDisk) overwrite(t *testing.T, name, body string, stamp bool) {
	t.Helper()
	write(t, name, body)
	stat, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if stamp {
		d.changed[stat.Sys().(*syscall.Stat_t).Ino] = d.now.Truncate(d.tick)
	}
}

func ticking(t *testing.T, dir string, tick time.Duration) (*filestore.Store, *tickingDisk) {
	t.Helper()
	d := &tickingDisk{Disk: osDisk(t, dir), tick: tick, changed: map[uint64]time.Time{}, now: time.Unix(1_790_000_000, 123_456_789)}
	store, err := filestore.OpenDisk(d)
	if err != nil {
		t.Fatal(err)
	}
	return store, d
}

// TestTwoChangesWithinATickAreTold writes a file twice within the two seconds that
// FAT can tell apart: once before and once after its version is asked for.
func TestTwoChangesWithinATickAreTold(t *testing.T) {
	dir := t.TempDir()
	store, d := ticking(t, dir, 2*time.Second)
	byHand, ours := filepath.Join(dir, "hand.csv"), filepath.Join(dir, "ours.csv")
	d.overwrite(t, byHand, "body 1", true)
	if _, err := store.Create(t.Context(), "ours.csv", []byte("body 1")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"hand.csv", "ours.csv"} {
		holds(t, store, key, "body 1")
	}
	d.now = d.now.Add(time.Second) // the same tick
	for _, key := range []string{"hand.csv", "ours.csv"} {
		holds(t, store, key, "body 1")
	}
	d.overwrite(t, byHand, "body 2", true)
	d.overwrite(t, ours, "body 2", true)
	for range 2 {
		for _, key := range []string{"hand.csv", "ours.csv"} {
			holds(t, store, key, "body 2")
		}
		d.now = d.now.Add(5 * time.Second) // settled: now they are remembered
	}
	d.overwrite(t, byHand, "body 3", true)
	holds(t, store, "hand.csv", "body 3")
}

// TestASwapNeverTrustsTheIndex changes bytes without any stamp: Get cannot see it,
// and says so, but nothing is replaced by mistake.
func TestASwapNeverTrustsTheIndex(t *testing.T) {
	dir := t.TempDir()
	store, d := ticking(t, dir, time.Nanosecond)
	known, err := store.Create(t.Context(), "ours.csv", []byte("body 1"))
	if err != nil {
		t.Fatal(err)
	}
	d.overwrite(t, filepath.Join(dir, "ours.csv"), "body 2", false)
	body, info, err := store.Get(t.Context(), "ours.csv")
	if err != nil || string(body) != "body 2" || info.Version != known {
		t.Errorf("Get = %q, version %.8s, %v; want the rotten bytes under the known version", body, info.Version, err)
	}
	if _, err := store.Swap(t.Context(), "ours.csv", []byte("body 3"), known); !errors.Is(err, objstore.ErrChanged) {
		t.Errorf("Swap = %v, want ErrChanged", err)
	}
	if _, err := store.Swap(t.Context(), "ours.csv", []byte("body 3"), objstore.VersionOf([]byte("body 2"))); err != nil {
		t.Errorf("Swap of what is there = %v", err)
	}
	holds(t, store, "ours.csv", "body 3")
}

// TestAFileReplacedUnderAWriteIsNotTakenForOurs puts another file in the place of
// ours before the store has looked at it again.
func TestAFileReplacedUnderAWriteIsNotTakenForOurs(t *testing.T) {
	dir := t.TempDir()
	d := &meddlingDisk{Disk: osDisk(t, dir), meddle: func() {
		name := filepath.Join(dir, "folder", "x.txt")
		write(t, name+".new", "theirs")
		if err := os.Rename(name+".new", name); err != nil {
			t.Error(err)
		}
	}}
	store, err := filestore.OpenDisk(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), "folder/x.txt", []byte("ours 1")); err != nil {
		t.Fatal(err)
	}
	holds(t, store, "folder/x.txt", "theirs")
}

// meddlingDisk lets a stranger in before a folder is synced.
type meddlingDisk struct {
	filestore.Disk

	meddle func()
}

func (d *meddlingDisk) SyncDir(name string) error {
	if name == "folder" {
		d.meddle()
	}
	return d.Disk.SyncDir(name)
}
