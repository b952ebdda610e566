//go:build unix && !aix && !solaris

package filestore

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const canSyncFolders = true

// lockFile takes an exclusive lock on a file, which the system gives up when the
// process ends in whatever way. The file stays: removing it would let two owners in.
func lockFile(name string) (io.Closer, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: inside the directory the owner named
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrLocked, file.Close())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
