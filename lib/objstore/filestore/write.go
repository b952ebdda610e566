package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Create implements [objstore.Store].
func (s *Store) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	version, err := s.create(ctx, key, body)
	if err != nil {
		return "", fmt.Errorf("create %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

// Swap implements [objstore.Store].
func (s *Store) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	version, err := s.replace(ctx, key, body, true, old)
	if err != nil {
		return "", fmt.Errorf("swap %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

// Put implements [objstore.Store].
func (s *Store) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	version, err := s.replace(ctx, key, body, false, "")
	if err != nil {
		return "", fmt.Errorf("put %s: %w", objstore.Quote(key), err)
	}
	return version, nil
}

// Delete implements [objstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", objstore.Quote(key), err)
	}
	return nil
}

func (s *Store) mayWrite(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	if s.readOnly {
		return objstore.ErrDenied
	}
	return nil
}

func (s *Store) create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if err := s.mayWrite(ctx, key); err != nil {
		return "", err
	}
	if name, stat, err := s.locate(key); err != nil {
		return "", refused(err)
	} else if stat != nil {
		return "", s.taken(name)
	}
	name := pathOf(key)
	temp, made, err := s.temporary(name, body)
	if err != nil {
		return "", refused(err)
	}
	defer s.keys.lock(key)()
	err = s.disk.Link(temp, name)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		// FAT and some network file systems have no links. This process owns the
		// directory and holds the key, so looking and then renaming is exclusive, too.
		if _, err = s.disk.Lstat(name); err == nil {
			err = fs.ErrExist
		} else if isAbsent(err) {
			err = s.disk.Rename(temp, name)
		}
	}
	// What cannot be removed now is removed at the next start; after a rename
	// there is nothing to remove.
	_ = s.disk.Remove(temp)
	if errors.Is(err, fs.ErrExist) {
		return "", s.taken(name)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	return s.written(key, name, objstore.VersionOf(body), made)
}

// taken reports that an object is there. It may be the work of another call, or of
// an earlier one whose sync failed, so it is made durable first: who hears ErrExist
// acknowledges what is there.
func (s *Store) taken(name string) error {
	if err := s.ensureFolder(path.Dir(name)); err != nil {
		return fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	if err := s.disk.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	return objstore.ErrExist
}

func (s *Store) replace(ctx context.Context, key string, body []byte, compare bool, old objstore.Version) (objstore.Version, error) {
	if err := s.mayWrite(ctx, key); err != nil {
		return "", err
	}
	name, stat, err := s.locate(key)
	if err != nil {
		return "", refused(err)
	}
	if stat == nil && compare {
		return "", objstore.ErrChanged
	}
	if stat == nil {
		name = pathOf(key)
	}
	temp, made, err := s.temporary(name, body)
	if err != nil {
		return "", refused(err)
	}
	defer s.keys.lock(key)()
	if compare {
		if err := s.compare(name, old); err != nil {
			_ = s.disk.Remove(temp) // else at the next start
			return "", err
		}
	}
	if err := s.disk.Rename(temp, name); err != nil {
		_ = s.disk.Remove(temp) // else at the next start
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	return s.written(key, name, objstore.VersionOf(body), made)
}

// compare hashes the bytes in place; the caller holds the key.
func (s *Store) compare(name string, old objstore.Version) error {
	file, err := s.disk.Open(name)
	if isAbsent(err) {
		return objstore.ErrChanged
	}
	if err != nil {
		return refused(err)
	}
	defer file.Close() //nolint:errcheck // read only
	current, err := hash(file)
	if err != nil {
		return refused(err)
	}
	if current != old {
		return objstore.ErrChanged
	}
	return nil
}

// written makes a name durable that link or rename has just made. Its version is
// known and remembered at once, although the file has not settled: the file and its
// modification time were made before anybody could know its name, so who wrote to it
// since, or put another in its place, has stamped it anew. He would have to do so
// within one tick of the file system's clock, through a sync of the disk. Where that
// clock may be as coarse as a second the version is not remembered at once
// (TestAFileReplacedUnderAWriteIsNotTakenForOurs).
func (s *Store) written(key, name string, version objstore.Version, made identity) (objstore.Version, error) {
	s.versions.forget(key)
	if err := s.disk.SyncDir(path.Dir(name)); err != nil {
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	if made == (identity{}) {
		return version, nil
	}
	if stat, err := s.disk.Lstat(name); err == nil {
		if id, ok := identityOfName(s.disk, name, stat); ok && id.holdsWhat(made) && id.isFine() {
			s.versions.remember(key, id, version)
		}
	}
	return version, nil
}

func (s *Store) delete(ctx context.Context, key string) error {
	if err := s.mayWrite(ctx, key); err != nil {
		return err
	}
	defer s.keys.lock(key)()
	defer s.versions.forget(key)
	for _, name := range pathsOf(key) {
		stat, err := s.disk.Lstat(name)
		if isAbsent(err) || (err == nil && !stat.Mode().IsRegular()) {
			continue
		}
		if err != nil {
			return refused(err)
		}
		if err := s.disk.Remove(name); err != nil && !isAbsent(err) {
			return fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
		}
		if err := s.disk.SyncDir(path.Dir(name)); err != nil {
			return fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
		}
	}
	return nil
}

func refused(err error) error {
	return fmt.Errorf("%w: %w", objstore.ErrRefused, err)
}

// temporary writes body to a new file beside name and syncs it. made is what the
// file is now, zero if the disk does not tell.
func (s *Store) temporary(name string, body []byte) (temp string, made identity, err error) {
	folder := path.Dir(name)
	if err := s.ensureFolder(folder); err != nil {
		return "", identity{}, err
	}
	temp, file, err := s.newTemporary(folder)
	if err != nil {
		return "", identity{}, err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	made = madeOf(file)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = s.disk.Remove(temp) // else at the next start
		return "", identity{}, err
	}
	return temp, made, nil
}

// ensureFolder makes a folder with its parents, and its name durable. A folder that
// is found is synced once as well: who made it may not have come to that.
func (s *Store) ensureFolder(folder string) error {
	s.folderMu.Lock()
	defer s.folderMu.Unlock()
	return s.ensureFolderLocked(folder)
}

func (s *Store) ensureFolderLocked(folder string) error {
	if s.folders[folder] {
		return nil
	}
	parent := path.Dir(folder)
	if err := s.ensureFolderLocked(parent); err != nil {
		return err
	}
	if err := s.disk.Mkdir(folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.disk.SyncDir(parent); err != nil {
		return err
	}
	s.folders[folder] = true
	return nil
}
