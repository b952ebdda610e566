package filestore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// disk is the part of a file system the store rests on, so that a test can put one
// below it that loses power. Names are slash-separated and relative to the root.
type disk interface {
	Mkdir(name string) error
	CreateFile(name string) (writeFile, error) // fails if name is taken
	Open(name string) (readFile, error)
	Link(oldName, newName string) error // fails if newName is taken
	Rename(oldName, newName string) error
	Remove(name string) error
	SyncDir(name string) error
	ReadDir(name string) ([]fs.DirEntry, error) // in any order
	Lstat(name string) (fs.FileInfo, error)
	Now() time.Time // of the clock that stamps files
	Close() error
}

type writeFile interface {
	io.WriteCloser
	Sync() error
	Stat() (fs.FileInfo, error)
}

type readFile interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// osDisk is a directory of the operating system. Root keeps every name inside it,
// whatever symbolic links somebody puts there.
type osDisk struct{ root *os.Root }

func (d osDisk) Mkdir(name string) error {
	return d.root.Mkdir(filepath.FromSlash(name), 0o700)
}

func (d osDisk) CreateFile(name string) (writeFile, error) {
	file, err := d.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (d osDisk) Open(name string) (readFile, error) {
	file, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (d osDisk) Link(oldName, newName string) error {
	return d.root.Link(filepath.FromSlash(oldName), filepath.FromSlash(newName))
}

func (d osDisk) Rename(oldName, newName string) error {
	return d.root.Rename(filepath.FromSlash(oldName), filepath.FromSlash(newName))
}

func (d osDisk) Remove(name string) error {
	return d.root.Remove(filepath.FromSlash(name))
}

func (d osDisk) SyncDir(name string) error {
	if !canSyncFolders {
		return nil
	}
	folder, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (d osDisk) ReadDir(name string) ([]fs.DirEntry, error) {
	folder, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	entries, err := folder.ReadDir(-1)
	return entries, errors.Join(err, folder.Close())
}

func (d osDisk) Lstat(name string) (fs.FileInfo, error) {
	return d.root.Lstat(filepath.FromSlash(name))
}

func (d osDisk) Now() time.Time {
	return time.Now() //nolint:forbidigo // compared with the stamps of files only
}

func (d osDisk) Close() error { return d.root.Close() }

// syncPath syncs a folder outside any root.
func syncPath(folder string) error {
	if !canSyncFolders {
		return nil
	}
	opened, err := os.Open(folder) //nolint:gosec // G304: the parent of the directory the owner named
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
