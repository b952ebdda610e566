package filestore

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/leadlake/leadlake/lib/objstore"
)

// keyLocks is a lock per key, kept only while somebody holds or awaits it.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	mu    sync.Mutex
	users int
}

// lock takes a key and returns what gives it back.
func (k *keyLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyLock{}
	}
	l := k.held[key]
	if l == nil {
		l = new(keyLock)
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}

// versionCache remembers versions that Head found, so that a reader of ranges does
// not hash a large object each time. It never decides a swap.
type versionCache struct {
	mu    sync.Mutex
	known map[string]knownVersion
}

type knownVersion struct {
	stat    fs.FileInfo
	version objstore.Version
}

const maxKnownVersions = 4096

func (c *versionCache) of(key string, file readFile) (objstore.Version, error) {
	stat, err := file.Stat()
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	known, there := c.known[key]
	c.mu.Unlock()
	if there && os.SameFile(known.stat, stat) && known.stat.Size() == stat.Size() && known.stat.ModTime().Equal(stat.ModTime()) {
		return known.version, nil
	}
	version, err := hash(file)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxKnownVersions {
		c.known = map[string]knownVersion{}
	}
	c.known[key] = knownVersion{stat, version}
	return version, nil
}

func (c *versionCache) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, key)
}

// hash returns the version of a file's bytes, as objstore.VersionOf does.
func hash(file readFile) (objstore.Version, error) {
	stat, err := file.Stat()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, stat.Size())); err != nil {
		return "", err
	}
	return objstore.Version(hex.EncodeToString(sum.Sum(nil))), nil
}
