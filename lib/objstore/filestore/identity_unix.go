//go:build unix && !aix && !solaris

package filestore

import (
	"io/fs"
	"syscall"
)

// identityOfOpen returns the identity of an open file, of which stat was asked.
// ok is false if the disk gives none.
func identityOfOpen(_ any, stat fs.FileInfo) (id identity, ok bool) {
	sys, ok := stat.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{file: sys.Ino, size: stat.Size(), modified: stat.ModTime().UnixNano(), changed: changeTime(sys)}, true
}

// identityOfName returns the identity of the file under a name, without opening it
// where stat is enough.
func identityOfName(_ disk, _ string, stat fs.FileInfo) (id identity, ok bool) {
	return identityOfOpen(nil, stat)
}
