package filestore

import "time"

// identity is what the file system says of a file that changes whenever its bytes
// do. That rests on the change time, which a writer cannot choose, unlike the
// modification time. Two limits remain: a clock of the machine that is put back to
// the very tick, and a stranger who writes through a memory map, whose later
// changes the system need not stamp.
type identity struct {
	file     uint64 // inode, or file index on Windows
	size     int64  // bytes
	modified int64  // ns since 1970
	changed  int64  // ns since 1970: change time of the inode
}

// settling is as long as the coarsest tick of a file system's clock, which is FAT's.
const settling = 2 * time.Second

// settledBy tells whether bytes read from now on may be remembered under this
// identity. A file changed twice within a tick of its clock looks the same both
// times (git calls it racy). If the file was last changed more than a tick before
// the reading began, every change that the reading missed is stamped with a later
// tick, and so is seen (TestTwoChangesWithinATickAreTold).
func (id identity) settledBy(now time.Time) bool {
	limit := now.Add(-settling).UnixNano()
	return id.modified < limit && id.changed < limit
}

// isFine tells that the file's stamps come from a clock finer than a second.
func (id identity) isFine() bool {
	return id.modified%int64(time.Second) != 0 && id.changed%int64(time.Second) != 0
}

// holdsWhat tells whether a named file is still the one that was written under a
// temporary name. Its change time is later: naming it is a change.
func (id identity) holdsWhat(written identity) bool {
	return id.file == written.file && id.size == written.size && id.modified == written.modified
}
