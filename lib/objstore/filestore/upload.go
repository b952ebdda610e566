package filestore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	hashes "hash"
	"io"
	"io/fs"
	"path"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Upload implements [objstore.Store]: the bytes go to a temporary file, which gets
// the object's name by a rename as in Put.
func (s *Store) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	if err := s.mayWrite(ctx, key); err != nil {
		return nil, fmt.Errorf("upload %s: %w", objstore.Quote(key), err)
	}
	u := &upload{store: s, ctx: ctx, key: key, sum: sha256.New()}
	if err := u.begin(); err != nil {
		return nil, fmt.Errorf("upload %s: %w", key, refused(err))
	}
	return u, nil
}

// upload is a temporary file that becomes an object.
type upload struct {
	store *Store
	ctx   context.Context //nolint:containedctx // lives for one write of one object
	key   string

	temp  string
	file  writeFile // nil: the upload has ended
	sum   hashes.Hash
	fault error // of a Write
}

func (u *upload) begin() error {
	name, err := u.name()
	if err != nil {
		return err
	}
	u.temp, u.file, err = u.store.newTemporary(path.Dir(name))
	return err
}

// name is where the object is, or else will be, in a folder that is there.
func (u *upload) name() (string, error) {
	name, stat, err := u.store.locate(u.key)
	if err != nil {
		return "", err
	}
	if stat == nil {
		name = pathOf(u.key)
	}
	return name, u.store.ensureFolder(path.Dir(name))
}

func (u *upload) Write(p []byte) (int, error) {
	if u.file == nil {
		return 0, objstore.ErrEnded
	}
	if u.fault == nil {
		u.fault = u.ctx.Err()
	}
	if u.fault == nil {
		u.sum.Write(p)
		_, u.fault = u.file.Write(p)
	}
	if u.fault != nil {
		return 0, fmt.Errorf("upload %s: %w", u.key, refused(u.fault))
	}
	return len(p), nil
}

func (u *upload) Commit() (objstore.Version, error) {
	if u.file == nil {
		return "", objstore.ErrEnded
	}
	version, err := u.commit()
	if err != nil {
		return "", fmt.Errorf("upload %s: %w", u.key, err)
	}
	return version, nil
}

func (u *upload) commit() (objstore.Version, error) {
	s, file := u.store, u.file
	u.file = nil
	err := u.fault
	if err == nil {
		err = u.ctx.Err()
	}
	if err == nil {
		err = file.Sync()
	}
	made := madeOf(file)
	err = errors.Join(err, file.Close())
	var name string
	if err == nil {
		name, err = u.name() // again, since the first time may be long ago
	}
	if err != nil {
		_ = s.disk.Remove(u.temp) // else at the next start
		return "", refused(err)
	}
	defer s.keys.lock(u.key)()
	if err := s.disk.Rename(u.temp, name); err != nil {
		_ = s.disk.Remove(u.temp) // else at the next start
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
	return s.written(u.key, name, objstore.Version(hex.EncodeToString(u.sum.Sum(nil))), made)
}

func (u *upload) Abort() {
	if u.file == nil {
		return
	}
	_ = u.file.Close()
	_ = u.store.disk.Remove(u.temp) // else at the next start
	u.file = nil
}

// newTemporary makes an empty file in a folder that is there.
func (s *Store) newTemporary(folder string) (temp string, file writeFile, err error) {
	temp = join(folder, tempPrefix+rand.Text())
	file, err = s.disk.CreateFile(temp)
	return temp, file, err
}

// madeOf is what a file is that has just been written, zero if the disk does not tell.
func madeOf(file writeFile) (made identity) {
	if stat, err := file.Stat(); err == nil {
		made, _ = identityOfOpen(file, stat)
	}
	return made
}

// Open implements [objstore.Store]. The version is that of the file when it was
// opened, found as by Head; its bytes are not hashed while they are read.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	file, stat, err := s.open(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("open %s: %w", objstore.Quote(key), err)
	}
	info := infoOf(key, stat)
	if info.Version, err = s.versionOf(key, file, stat); err != nil {
		return nil, objstore.Info{}, errors.Join(fmt.Errorf("open %s: %w", key, err), file.Close())
	}
	body := reading{Reader: io.NewSectionReader(file, 0, info.Size), Closer: file}
	return objstore.Checked(body, info.Size, ""), info, nil
}

type reading struct {
	io.Reader
	io.Closer
}

// versionOf is the version of an open file, hashed if it is not known.
func (s *Store) versionOf(key string, file readFile, stat fs.FileInfo) (objstore.Version, error) {
	began := s.disk.Now()
	id, identified := identityOfOpen(file, stat)
	if identified {
		if version, known := s.versions.of(key, id); known {
			return version, nil
		}
	}
	version, err := hash(file)
	if err == nil && identified && id.settledBy(began) {
		s.versions.remember(key, id, version)
	}
	return version, err
}
