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
//   - Bytes that rot on the disk are not noticed: the length is checked, but no
//     checksum is stored beside the file. Parquet's own page checksums remain.
//
// The paths are the keys for all names Leadlake makes (path.go says what is
// escaped and why), so DuckDB and rsync read the directory as it is. Files put
// there by hand are objects, too. A deleted object leaves its folders behind.
// Symbolic links are not followed out of the directory, nor listed.
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
	versions versionCache

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
	return &Store{disk: osDisk{root}, readOnly: true}, nil
}

func openDisk(d disk) (*Store, error) {
	if err := removeTemporary(d, "."); err != nil {
		return nil, err
	}
	return &Store{disk: d, folders: map[string]bool{".": true}}, nil
}

// Close gives the directory free. Calls that still run fail.
func (s *Store) Close() error {
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

// Get implements [objstore.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	file, info, err := s.open(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	body := make([]byte, info.Size)
	if _, err := file.ReadAt(body, 0); err != nil && info.Size > 0 {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", key, short(err))
	}
	info.Version = objstore.VersionOf(body)
	return body, info, nil
}

// GetRange implements [objstore.Store].
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	file, info, err := s.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	n, err := objstore.ClipRange(offset, length, info.Size)
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", key, err)
	}
	body := make([]byte, n)
	if _, err := file.ReadAt(body, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("get range of %s: %w", key, err)
	} else if err != nil && offset+n < info.Size {
		return nil, fmt.Errorf("get range of %s: %w", key, short(err))
	}
	return body, nil
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
// first Head of an object reads it.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	file, info, err := s.open(ctx, key)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("head %s: %w", objstore.Quote(key), err)
	}
	defer file.Close() //nolint:errcheck // read only
	info.Version, err = s.versions.of(key, file)
	if err != nil {
		return objstore.Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	return info, nil
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

func (s *Store) open(ctx context.Context, key string) (readFile, objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, objstore.Info{}, err
	}
	name, found, err := s.locate(key)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	if !found {
		return nil, objstore.Info{}, objstore.ErrNotExist
	}
	file, err := s.disk.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, objstore.Info{}, objstore.ErrNotExist // deleted since
	}
	if err != nil {
		return nil, objstore.Info{}, err
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, objstore.Info{}, errors.Join(err, file.Close())
	}
	return file, infoOf(key, stat), nil
}

func infoOf(key string, stat fs.FileInfo) objstore.Info {
	return objstore.Info{Key: key, Size: stat.Size(), ModifiedAt: stat.ModTime().UTC()}
}

// locate returns the file of key: under its escaped path, or else under the key
// itself, where somebody may have put it by hand.
func (s *Store) locate(key string) (name string, found bool, err error) {
	for _, name := range pathsOf(key) {
		stat, err := s.disk.Lstat(name)
		switch {
		case err == nil && stat.Mode().IsRegular():
			return name, true, nil
		case err == nil, isAbsent(err):
			continue // a folder or a link is no object
		default:
			return "", false, err
		}
	}
	return "", false, nil
}
