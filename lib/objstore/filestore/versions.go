package filestore

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/leadlake/leadlake/lib/objstore"
)

// versions remembers which version the bytes of a file had, so that they are hashed
// once and not in every process. Nothing depends on it but time: an entry counts
// only for a file of the same [identity], and it never decides a swap.
//
// What is remembered across processes lies in the index, see index.go. An entry
// takes 80 bytes, plus at most an eighth of all entries in a map until they are
// sorted in; a sort holds both copies for a moment.
type versions struct {
	disk     disk
	readOnly bool
	most     int // entries kept

	mu      sync.Mutex
	loaded  bool
	sorted  []record          // by key
	fresh   map[uint64]record // by key; they hide those of sorted
	changed bool              // since the index was written

	saving sync.Mutex // held while the index is written; taken before mu
	closed bool       // under saving: the index is another process's
}

// record is one entry. Its key is a hash of the object's: should two objects meet
// in one, the identities differ, and one of them is hashed each time.
type record struct {
	identity

	key     uint64
	version [32]byte
	idle    uint8 // processes that wrote the index without asking for the entry
}

const (
	minFresh   = 1024    // entries before the index is written again
	maxRecords = 1 << 20 // 80 MB; over it, what was idle longest is dropped
	maxIdle    = 100     // after which the object is taken for deleted by hand
	noSize     = -1      // the size in an entry that is forgotten, which no file has
)

func newVersions(d disk, readOnly bool) *versions {
	return &versions{disk: d, readOnly: readOnly, most: maxRecords, fresh: map[uint64]record{}}
}

// of returns the version of the object, if it is known for exactly this file.
func (v *versions) of(key string, id identity) (version objstore.Version, known bool) {
	hashed := hashOf(key)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loadLocked()
	found, known := v.fresh[hashed]
	if i, there := v.findLocked(hashed); !known && there {
		v.sorted[i].idle = 0
		found, known = v.sorted[i], true
	}
	if !known || found.identity != id {
		return "", false
	}
	return objstore.Version(hex.EncodeToString(found.version[:])), true
}

// remember notes the version of a file. The caller knows that bytes written
// later than those it hashed give the file another identity.
func (v *versions) remember(key string, id identity, version objstore.Version) {
	r := record{identity: id, key: hashOf(key)}
	if n, err := hex.Decode(r.version[:], []byte(version)); err != nil || n != len(r.version) {
		panic("filestore: version is no SHA-256")
	}
	v.mu.Lock()
	v.loadLocked()
	v.fresh[r.key] = r
	v.changed = true
	full := len(v.fresh) >= max(minFresh, len(v.sorted)/8)
	if full {
		v.sortLocked()
	}
	v.mu.Unlock()
	if full && v.saving.TryLock() {
		defer v.saving.Unlock()
		_ = v.saveLocked() // costs time only, and there is a next time
	}
}

// forget drops the entry of an object that is gone or replaced.
func (v *versions) forget(key string) {
	hashed := hashOf(key)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loadLocked()
	if _, there := v.fresh[hashed]; there {
		delete(v.fresh, hashed)
		v.changed = true
	}
	if i, there := v.findLocked(hashed); there && v.sorted[i].size != noSize {
		v.sorted[i].size = noSize
		v.changed = true
	}
}

func (v *versions) findLocked(key uint64) (i int, there bool) {
	return slices.BinarySearchFunc(v.sorted, key, func(r record, key uint64) int { return cmp.Compare(r.key, key) })
}

// sortLocked moves the fresh entries among the sorted ones, without those that are
// forgotten, idle or too many.
func (v *versions) sortLocked() {
	var byIdle [maxIdle + 1]int
	for _, r := range v.fresh {
		byIdle[r.idle]++
	}
	kept := make([]record, 0, len(v.sorted)+len(v.fresh))
	for _, r := range v.sorted {
		if _, hidden := v.fresh[r.key]; !hidden && r.size != noSize && r.idle <= maxIdle {
			kept = append(kept, r)
			byIdle[r.idle]++
		}
	}
	for _, r := range v.fresh {
		kept = append(kept, r)
	}
	if len(kept) > v.most {
		left := v.most // room for those of each idleness, the least idle first
		for idle, n := range byIdle {
			byIdle[idle] = min(n, left)
			left -= byIdle[idle]
		}
		kept = slices.DeleteFunc(kept, func(r record) bool {
			byIdle[r.idle]--
			return byIdle[r.idle] < 0
		})
	}
	slices.SortFunc(kept, func(a, b record) int { return cmp.Compare(a.key, b.key) })
	v.sorted = kept
	clear(v.fresh)
}

func hashOf(key string) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key)) // never fails
	return sum.Sum64()
}
