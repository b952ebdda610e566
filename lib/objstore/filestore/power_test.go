package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
)

var errPower = errors.New("power is off")

// powerDisk is a file system with a page cache. What was not synced may be lost,
// kept or torn when the power goes: bytes of a file until its Sync, names in a
// folder until the folder's SyncDir. Names of one folder may be lost in any
// combination, which is harsher than journalling file systems are.
type powerDisk struct {
	mu     sync.Mutex
	random *rand.Rand
	root   *node
	budget int // operations until the power goes; negative: it stays
	log    []string
	full   bool // no space for bytes
	failed map[string]error
}

type node struct {
	dir     bool
	body    []byte
	durable []byte // bytes as of the last Sync
	names   map[string]*node
	stable  map[string]*node // names as of the last SyncDir
	pending []func(names map[string]*node)
}

func newFolder() *node {
	return &node{dir: true, names: map[string]*node{}, stable: map[string]*node{}}
}

func newPowerDisk(seed uint64) *powerDisk {
	return &powerDisk{random: rand.New(rand.NewPCG(seed, 7)), root: newFolder(), budget: -1, failed: map[string]error{}}
}

// step counts an operation; it fails when the power is off.
func (d *powerDisk) step(operation, name string) error {
	if d.budget == 0 {
		return errPower
	}
	d.budget--
	if operation != "" {
		d.log = append(d.log, operation+" "+name)
	}
	return d.failed[operation]
}

func (d *powerDisk) find(name string) (*node, error) {
	at := d.root
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !at.dir {
			return nil, syscall.ENOTDIR
		}
		if at = at.names[part]; at == nil {
			return nil, fs.ErrNotExist
		}
	}
	return at, nil
}

// change makes a change of names in a folder, to be repeated on what is stable.
func (f *node) change(what func(names map[string]*node)) {
	what(f.names)
	f.pending = append(f.pending, what)
}

func (d *powerDisk) add(operation, name string, n *node) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addLocked(operation, name, n)
}

func (d *powerDisk) addLocked(operation, name string, n *node) error {
	if err := d.step(operation, path.Dir(name)); err != nil {
		return err
	}
	folder, err := d.find(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	if folder.names[base] != nil {
		return fs.ErrExist
	}
	folder.change(func(names map[string]*node) { names[base] = n })
	return nil
}

func (d *powerDisk) Mkdir(name string) error { return d.add("mkdir", name, newFolder()) }

func (d *powerDisk) CreateFile(name string) (filestore.WriteFile, error) {
	n := new(node)
	if err := d.add("create", name, n); err != nil {
		return nil, err
	}
	return &powerFile{disk: d, node: n}, nil
}

func (d *powerDisk) Link(oldName, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(oldName)
	if err != nil {
		return err
	}
	return d.addLocked("link", newName, n)
}

func (d *powerDisk) Rename(oldName, newName string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename", path.Dir(newName)); err != nil {
		return err
	}
	n, err := d.find(oldName)
	if err != nil {
		return err
	}
	folder, err := d.find(path.Dir(newName))
	if err != nil || path.Dir(oldName) != path.Dir(newName) {
		return errors.Join(err, errors.New("rename across folders"))
	}
	folder.change(func(names map[string]*node) {
		delete(names, path.Base(oldName))
		names[path.Base(newName)] = n
	})
	return nil
}

func (d *powerDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("remove", path.Dir(name)); err != nil {
		return err
	}
	if _, err := d.find(name); err != nil {
		return err
	}
	folder, err := d.find(path.Dir(name))
	if err != nil {
		return err
	}
	folder.change(func(names map[string]*node) { delete(names, path.Base(name)) })
	return nil
}

func (d *powerDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("syncdir", name); err != nil {
		return err
	}
	folder, err := d.find(name)
	if err != nil {
		return err
	}
	folder.stable, folder.pending = maps.Clone(folder.names), nil
	return nil
}

func (d *powerDisk) ReadDir(name string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	folder, err := d.find(name)
	if err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	for _, base := range slices.Sorted(maps.Keys(folder.names)) {
		entries = append(entries, fs.FileInfoToDirEntry(powerInfo{base, folder.names[base].dir, int64(len(folder.names[base].body))}))
	}
	return entries, nil
}

func (d *powerDisk) Lstat(name string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("", name); err != nil {
		return nil, err
	}
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return powerInfo{path.Base(name), n.dir, int64(len(n.body))}, nil
}

func (d *powerDisk) Open(name string) (filestore.ReadFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("", name); err != nil {
		return nil, err
	}
	n, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return &powerFile{disk: d, node: n, reader: bytes.NewReader(n.body)}, nil
}

func (d *powerDisk) Now() time.Time { return time.Unix(0, 0) }

func (d *powerDisk) Close() error { return nil }

// cut takes the power away and gives it back: everything that was not synced is
// decided by chance.
func (d *powerDisk) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.budget = -1
	d.log = nil
	settled := map[*node]bool{}
	var settle func(n *node)
	settle = func(n *node) {
		if settled[n] {
			return
		}
		settled[n] = true
		if !n.dir {
			if extra := len(n.body) - len(n.durable); extra > 0 && bytes.HasPrefix(n.body, n.durable) {
				torn := slices.Clone(n.body[:len(n.durable)+d.random.IntN(extra+1)])
				for i := len(n.durable); i < len(torn); i++ {
					if d.random.IntN(4) == 0 {
						torn[i] = 0 // a block that was allocated but not written
					}
				}
				n.durable = torn
			}
			n.body = slices.Clone(n.durable)
			return
		}
		names := maps.Clone(n.stable)
		for _, change := range n.pending {
			if d.random.IntN(2) == 0 {
				change(names)
			}
		}
		n.names, n.stable, n.pending = names, maps.Clone(names), nil
		for _, base := range slices.Sorted(maps.Keys(names)) {
			settle(names[base])
		}
	}
	settle(d.root)
}

type powerFile struct {
	disk   *powerDisk
	node   *node
	reader *bytes.Reader
}

func (f *powerFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step("write", ""); err != nil {
		return 0, err
	}
	if f.disk.full {
		return 0, syscall.ENOSPC
	}
	f.node.body = append(f.node.body, p...)
	return len(p), nil
}

func (f *powerFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step("sync", ""); err != nil {
		return err
	}
	f.node.durable = slices.Clone(f.node.body)
	return nil
}

func (f *powerFile) Close() error { return nil }

func (f *powerFile) ReadAt(p []byte, offset int64) (int, error) { return f.reader.ReadAt(p, offset) }

func (f *powerFile) Stat() (fs.FileInfo, error) {
	if f.reader == nil { // being written
		return powerInfo{"", false, int64(len(f.node.body))}, nil
	}
	return powerInfo{"", false, f.reader.Size()}, nil
}

type powerInfo struct {
	name string
	dir  bool
	size int64
}

func (i powerInfo) Name() string       { return i.name }
func (i powerInfo) Size() int64        { return i.size }
func (i powerInfo) ModTime() time.Time { return time.Unix(0, 0) }
func (i powerInfo) IsDir() bool        { return i.dir }
func (i powerInfo) Sys() any           { return nil }
func (i powerInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}

var _ io.ReaderAt = (*powerFile)(nil)

func openPower(t *testing.T, d *powerDisk) objstore.Store {
	t.Helper()
	store, err := filestore.OpenDisk(d)
	if err != nil {
		t.Fatalf("OpenDisk = %v", err)
	}
	return store
}

// TestPowerLoss cuts the power in the middle of 1,000 random histories, twice each,
// and holds the store against a map: what was acknowledged is there, what was refused
// is not, what is unknown is either, and nothing is torn.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 1))
		d := newPowerDisk(seed)
		possible := map[string][]string{} // key → bodies it may hold; "" is absence
		for life := range 2 {
			store := openPower(t, d)
			d.budget = random.IntN(120)
			for i := range 30 {
				key := fmt.Sprintf("raw/day=%d/%d/x.parquet", random.IntN(3), random.IntN(4))
				body := fmt.Sprintf("seed %d life %d write %d %s", seed, life, i, strings.Repeat("x", random.IntN(300)))
				act(t, store, random, possible, key, body)
			}
			d.cut()
			store = openPower(t, d)
			for key, bodies := range possible {
				got := ""
				body, _, err := store.Get(t.Context(), key)
				if err == nil {
					got = string(body)
				} else if !errors.Is(err, objstore.ErrNotExist) {
					t.Fatalf("seed %d: Get(%q) = %v", seed, key, err)
				}
				if !slices.Contains(bodies, got) {
					t.Fatalf("seed %d: after the cut %q holds %.60q, want one of %.60q", seed, key, got, bodies)
				}
				possible[key] = []string{got}
			}
		}
	}
}

// act makes one random call and notes what key may hold afterwards.
func act(t *testing.T, store objstore.Store, random *rand.Rand, possible map[string][]string, key, body string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if possible[key] == nil {
		possible[key] = []string{""}
	}
	var err error
	switch random.IntN(5) {
	case 0:
		_, err = store.Create(ctx, key, []byte(body))
		if errors.Is(err, objstore.ErrExist) && slices.Contains(possible[key], "") {
			// It was unknown whether the object is there; now that is known, and durable.
			possible[key] = slices.DeleteFunc(possible[key], func(body string) bool { return body == "" })
		}
	case 1:
		_, err = store.Put(ctx, key, []byte(body))
	case 2:
		err = uploadInPieces(ctx, store, key, body)
	case 3:
		info, headErr := store.Head(ctx, key)
		if headErr != nil {
			return
		}
		_, err = store.Swap(ctx, key, []byte(body), info.Version)
	default:
		body = ""
		err = store.Delete(ctx, key)
	}
	switch objstore.OutcomeOf(err) {
	case objstore.Done:
		possible[key] = []string{body}
	case objstore.Unknown:
		possible[key] = append(possible[key], body)
	}
}

// TestDataThenNameThenAnswer holds the order of the steps of one Create in new folders.
func TestDataThenNameThenAnswer(t *testing.T) {
	d := newPowerDisk(1)
	store := openPower(t, d)
	if _, err := store.Create(t.Context(), "raw/day=1/x.parquet", []byte("body")); err != nil {
		t.Fatal(err)
	}
	want := "mkdir .,syncdir .,mkdir raw,syncdir raw,create raw/day=1,write ,sync ,link raw/day=1,remove raw/day=1,syncdir raw/day=1"
	if got := strings.Join(d.log, ","); got != want {
		t.Errorf("steps of Create:\n%s\nwant\n%s", got, want)
	}
	d.log = nil
	if _, err := store.Put(t.Context(), "raw/day=1/x.parquet", []byte("other")); err != nil {
		t.Fatal(err)
	}
	want = "create raw/day=1,write ,sync ,rename raw/day=1,syncdir raw/day=1"
	if got := strings.Join(d.log, ","); got != want {
		t.Errorf("steps of Put:\n%s\nwant\n%s", got, want)
	}
	d.log = nil
	if _, err := store.Create(t.Context(), "raw/day=1/x.parquet", nil); !errors.Is(err, objstore.ErrExist) {
		t.Fatalf("Create of a taken key = %v", err)
	}
	if got := strings.Join(d.log, ","); got != "syncdir raw/day=1" {
		t.Errorf("steps before ErrExist: %q, want the folder synced", got)
	}
}

func TestFaultsOfTheDiskHaveTheirOutcome(t *testing.T) {
	for _, c := range []struct {
		operation string
		fault     error
		want      error
	}{
		{"create", syscall.EROFS, objstore.ErrRefused},
		{"mkdir", syscall.ENOSPC, objstore.ErrRefused},
		{"write", syscall.ENOSPC, objstore.ErrRefused},
		{"sync", syscall.EIO, objstore.ErrRefused},
		{"link", syscall.EIO, objstore.ErrUnknown},
		{"link", errors.ErrUnsupported, nil}, // falls back to a guarded rename
	} {
		d := newPowerDisk(1)
		store := openPower(t, d)
		d.failed[c.operation] = c.fault
		_, err := store.Create(t.Context(), "folder/x.txt", []byte("body"))
		if c.want == nil && err != nil || !errors.Is(err, c.want) {
			t.Errorf("Create with %s failing by %v = %v, want %v", c.operation, c.fault, err, c.want)
		}
		if c.want == nil {
			if _, err := store.Create(t.Context(), "folder/x.txt", []byte("other")); !errors.Is(err, objstore.ErrExist) {
				t.Errorf("second Create without links = %v, want ErrExist", err)
			}
			continue
		}
		if c.want != nil && !errors.Is(err, c.fault) {
			t.Errorf("Create with %s failing = %v, does not say %v", c.operation, err, c.fault)
		}
		clear(d.failed)
		if _, err := store.Create(t.Context(), "folder/x.txt", []byte("body")); err != nil {
			t.Errorf("Create after %s is well again = %v", c.operation, err)
		}
	}
}

func TestAnAnswerWaitsForTheFolder(t *testing.T) {
	d := newPowerDisk(1)
	store := openPower(t, d)
	if _, err := store.Create(t.Context(), "folder/first.txt", nil); err != nil {
		t.Fatal(err)
	}
	d.failed["syncdir"] = syscall.EIO
	for range 2 { // the second time the name is there, but not durable
		_, err := store.Create(t.Context(), "folder/x.txt", []byte("body"))
		if !errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("Create without a synced folder = %v, want ErrUnknown", err)
		}
	}
	clear(d.failed)
	if _, err := store.Create(t.Context(), "folder/x.txt", []byte("body")); !errors.Is(err, objstore.ErrExist) {
		t.Errorf("Create afterwards = %v, want ErrExist", err)
	}
}
