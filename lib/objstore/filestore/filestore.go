// Package filestore keeps objects as files in a directory, and is the store of a
// single machine.
//
// A write returns only when it is durable: the bytes go to a temporary file in
// the folder of the object, are synced, get the object's name by link (Create) or
// rename (Swap, Put), and the folder is synced, as is every folder made on the
// way. So after a crash or power loss an object is whole or not there, and what
// was acknowledged is there (held by TestPowerLoss). What it cannot promise:
//
//   - Windows has no way to sync a folder. There a power loss, unlike a crash of the
//     program, may take back names given in the last seconds.
//   - Bytes that rot on the disk are not noticed: the length is checked, but the
//     bytes of a known file are not compared with its version. Parquet's own page
//     checksums remain.
//
// The paths are the keys for all names Leadlake makes (path.go says what is
// escaped and why), so DuckDB and rsync read the directory as it is. Files put
// there by hand are objects, too. A deleted object leaves its folders behind.
// Symbolic links are not followed out of the directory, nor listed.
//
// The version of an object is the SHA-256 of its bytes. Which file had which is
// remembered across processes in the file .versions (index.go), which may be deleted
// at any time: the files are then hashed again, once.
//
// One process owns the directory, by a lock on the file .lock; others may open it
// with [OpenReadOnly].
package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
)

// ErrLocked says that another process owns the directory.
var ErrLocked = errors.New("filestore: directory is in use by another process")

const (
	lockName   = ".lock"
	tempPrefix = ".tmp-" // no escaped key begins with a dot
)

// Store is a directory of objects. [Open] or [OpenReadOnly] makes one.
type Store struct {
	disk     disk
	lock     io.Closer // nil if read-only
	readOnly bool

	keys     keyLocks
	versions *versions

	folderMu sync.Mutex
	folders  map[string]bool // folders whose own names are known to be durable
}

// Open takes dir, which is made with mode 0700 if it is not there, as this
// process's own, and removes temporary files that a crash left behind. It returns
// [ErrLocked] if another process has it. Call Close at the end.
func Open(dir string) (*Store, error) {
	if err := makeRoot(dir); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), lock.Close())
	}
	s, err := openDisk(osDisk{root})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), root.Close(), lock.Close())
	}
	s.lock = lock
	return s, nil
}

// OpenReadOnly opens an existing dir for reading while another process may own it.
// All writes are [objstore.ErrDenied].
func OpenReadOnly(dir string) (*Store, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return openReadOnlyDisk(osDisk{root}), nil
}

func openDisk(d disk) (*Store, error) {
	if err := removeTemporary(d, "."); err != nil {
		return nil, err
	}
	return &Store{disk: d, versions: newVersions(d, false), folders: map[string]bool{".": true}}, nil
}

func openReadOnlyDisk(d disk) *Store {
	return &Store{disk: d, versions: newVersions(d, true), readOnly: true}
}

// Close gives the directory free. Calls that still run fail.
func (s *Store) Close() error {
	_ = s.versions.close() // without the index the next process is slower, no more
	err := s.disk.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// makeRoot makes the directory with every missing parent, syncing the folder of
// each. An existing one is closed to others only if it is empty or a store already:
// no command may change the mode of, say, a home directory given by mistake.
func makeRoot(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		parent := filepath.Dir(dir)
		if _, statErr := os.Stat(parent); errors.Is(statErr, fs.ErrNotExist) {
			if err := makeRoot(parent); err != nil {
				return err
			}
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return syncPath(parent)
	}
	if err != nil {
		return err
	}
	ours := len(entries) == 0
	for _, entry := range entries {
		ours = ours || entry.Name() == lockName
	}
	if !ours {
		return nil
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // G302: a directory needs its x bit
}

func removeTemporary(d disk, folder string) error {
	entries, err := d.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		switch {
		case entry.IsDir():
			err = removeTemporary(d, name)
		case strings.HasPrefix(entry.Name(), tempPrefix):
			err = d.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Get implements [objstore.Store]. The length is verified against the file's own.
// The bytes of a file whose version is known are not hashed again: that it is the
// same file, unchanged since it was hashed or written, is taken from its inode, size
// and times, before and after it is read. So what changes a file without a change of
// its times, such as rot or a power loss after a write by hand, is not noticed;
// Swap, which hashes what it replaces, then returns [objstore.ErrChanged].
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	file, stat, err := s.open(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	began := s.disk.Now()
	id, identified := identityOfOpen(file, stat)
	info := infoOf(key, stat)
	body := make([]byte, info.Size)
	if _, err := file.ReadAt(body, 0); err != nil && info.Size > 0 {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", key, short(err))
	}
	if identified {
		version, known := s.versions.of(key, id)
		if known && isStill(file, id) {
			info.Version = version
			return body, info, nil
		}
	}
	info.Version = objstore.VersionOf(body)
	if identified && id.settledBy(began) {
		s.versions.remember(key, id, info.Version)
	}
	return body, info, nil
}

// isStill tells whether nobody wrote to a file while it was read.
func isStill(file readFile, id identity) bool {
	stat, err := file.Stat()
	if err != nil {
		return false
	}
	now, ok := identityOfOpen(file, stat)
	return ok && now == id
}

// GetRange implements [objstore.Store].
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	file, stat, err := s.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	n, err := objstore.ClipRange(offset, length, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", key, err)
	}
	body := make([]byte, n)
	if err := readAt(file, body, offset, stat.Size()); err != nil {
		return nil, fmt.Errorf("get range of %s: %w", key, err)
	}
	return body, nil
}

// ReadRange implements [objstore.RangeReader].
func (s *Store) ReadRange(ctx context.Context, key string, offset int64, p []byte) (int, error) {
	file, stat, err := s.open(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("read range of %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	n, err := objstore.ClipRange(offset, int64(len(p)), stat.Size())
	if err == nil {
		err = readAt(file, p[:n], offset, stat.Size())
	}
	if err != nil {
		return 0, fmt.Errorf("read range of %s: %w", key, err)
	}
	return int(n), nil
}

func readAt(file io.ReaderAt, p []byte, offset, size int64) error {
	_, err := file.ReadAt(p, offset)
	if errors.Is(err, io.EOF) && offset+int64(len(p)) >= size {
		return nil
	}
	return short(err)
}

// short turns the end of a file before its length into what it means here: no
// object changes under its readers, so the disk or a stranger cut it.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: file is shorter than its length", objstore.ErrCorrupt)
	}
	return err
}

// Head implements [objstore.Store]. The version is the hash of the bytes, so the
// first Head of a file that the store neither wrote nor knows from an earlier process
// reads it, and so does every Head within two seconds of a change by hand. Else
// the file is not opened, but on Windows, and the version is as sure as that of Get.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	info, err := s.head(ctx, key)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("head %s: %w", objstore.Quote(key), err)
	}
	return info, nil
}

func (s *Store) head(ctx context.Context, key string) (objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return objstore.Info{}, err
	}
	name, stat, err := s.find(key)
	if err != nil {
		return objstore.Info{}, err
	}
	if id, ok := identityOfName(s.disk, name, stat); ok {
		if version, known := s.versions.of(key, id); known {
			info := infoOf(key, stat)
			info.Version = version
			return info, nil
		}
	}
	file, stat, err := s.openFile(name)
	if err != nil {
		return objstore.Info{}, err
	}
	defer file.Close() //nolint:errcheck // read only
	info := infoOf(key, stat)
	info.Version, err = s.versionOf(key, file, stat)
	return info, err
}

// Presign implements [objstore.Store]; it always returns [objstore.ErrNoPresign].
func (s *Store) Presign(_ context.Context, key string, _ time.Duration, _ string) (string, error) {
	return "", fmt.Errorf("presign %s: %w", objstore.Quote(key), objstore.ErrNoPresign)
}

func check(ctx context.Context, key string) error {
	if err := objstore.CheckKey(key); err != nil {
		return err
	}
	return objstore.CheckContext(ctx)
}

func (s *Store) open(ctx context.Context, key string) (readFile, fs.FileInfo, error) {
	if err := check(ctx, key); err != nil {
		return nil, nil, err
	}
	name, _, err := s.find(key)
	if err != nil {
		return nil, nil, err
	}
	return s.openFile(name)
}

func (s *Store) openFile(name string) (readFile, fs.FileInfo, error) {
	file, err := s.disk.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, objstore.ErrNotExist // deleted since
	}
	if err != nil {
		return nil, nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, stat, nil
}

func infoOf(key string, stat fs.FileInfo) objstore.Info {
	return objstore.Info{Key: key, Size: stat.Size(), ModifiedAt: stat.ModTime().UTC()}
}

// find is locate where an absent object is [objstore.ErrNotExist].
func (s *Store) find(key string) (name string, stat fs.FileInfo, err error) {
	name, stat, err = s.locate(key)
	if err == nil && stat == nil {
		s.versions.forget(key) // somebody deleted it by hand
		err = objstore.ErrNotExist
	}
	return name, stat, err
}

// locate returns the file of key: under its escaped path, or else under the key
// itself, where somebody may have put it by hand. A nil stat says there is none.
func (s *Store) locate(key string) (name string, stat fs.FileInfo, err error) {
	for _, name := range pathsOf(key) {
		stat, err := s.disk.Lstat(name)
		switch {
		case err == nil && stat.Mode().IsRegular():
			return name, stat, nil
		case err == nil, isAbsent(err):
			continue // a folder or a link is no object
		default:
			return "", nil, err
		}
	}
	return "", nil, nil
}
