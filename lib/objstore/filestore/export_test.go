package filestore

import "github.com/leadlake/leadlake/lib/objstore"

// What the tests outside need to put a disk of their own below the store.
type (
	Disk      = disk
	WriteFile = writeFile
	ReadFile  = readFile
)

// OpenDisk opens a store on any disk.
func OpenDisk(d Disk) (objstore.Store, error) { return openDisk(d) }

// PathOf is the escape of keys.
func PathOf(key string) string { return pathOf(key) }
