package filestore

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
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
