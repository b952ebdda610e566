package filestore

import (
	"os"
	"unsafe"
)

// What the tests outside need to put a disk of their own below the store.
type (
	Disk      = disk
	WriteFile = writeFile
	ReadFile  = readFile
)

// The index of versions.
const (
	IndexName   = indexName
	IndexHeader = indexHeader
	MinFresh    = minFresh
	MaxIdle     = maxIdle
	EntryBytes  = unsafe.Sizeof(record{})
)

// OpenDisk opens a store on any disk.
func OpenDisk(d Disk) (*Store, error) { return openDisk(d) }

// OpenReadOnlyDisk opens a store on any disk for reading.
func OpenReadOnlyDisk(d Disk) *Store { return openReadOnlyDisk(d) }

// OSDisk is a directory of the operating system.
func OSDisk(root *os.Root) Disk { return osDisk{root} }

// PathOf is the escape of keys.
func PathOf(key string) string { return pathOf(key) }

// KeepAtMost bounds the index.
func (s *Store) KeepAtMost(entries int) { s.versions.most = entries }

// EntriesOf is how many entries an index holds, none if it is damaged.
func EntriesOf(content []byte) int { return len(decodeIndex(content)) }
