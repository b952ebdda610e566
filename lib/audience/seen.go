package audience

import "encoding/binary"

// seen is a set of row keys, of which it keeps 58 bits: among five million
// different rows two are taken for one in one list of 24 000. A row takes 7.5 to 11.3
// bytes; what grows is one of 1 024 small tables at a time, so that growing needs no
// second copy of the whole. The zero set is empty.
type seen struct{ shards [1 << shardBits]shard }

const (
	shardBits  = 10
	entryBits  = 48
	entryBytes = entryBits / 8
	entryMask  = 1<<entryBits - 1
)

// shard is a table with open addressing of entries that are not zero, one behind the
// other in little-endian order, so that one look at the memory finds a whole entry.
type shard struct {
	table []byte // two bytes longer than its entries: an entry is read as eight bytes
	size  int    // entries there is room for
	n     int
}

// add puts a key in and reports whether it was new.
func (s *seen) add(key uint64) bool {
	sh := &s.shards[key>>(64-shardBits)]
	if sh.n*5 >= sh.size*4 {
		sh.grow()
	}
	if !sh.put(entryOf(key)) {
		return false
	}
	sh.n++
	return true
}

// fetch reads where a key will be looked for. Many fetches one after the other
// wait for memory together, many calls of add one after the other.
func (s *seen) fetch(key uint64) uint64 {
	sh := &s.shards[key>>(64-shardBits)]
	if sh.size == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(sh.table[entryBytes*slot(entryOf(key), sh.size):])
}

func entryOf(key uint64) uint64 { return max(key&entryMask, 1) }

func slot(entry uint64, size int) int { return int(entry * uint64(size) >> entryBits) } //nolint:gosec // G115: below size

func (sh *shard) put(entry uint64) bool {
	for at := slot(entry, sh.size); ; at++ {
		if at == sh.size {
			at = 0
		}
		place := sh.table[entryBytes*at : entryBytes*at+8]
		switch found := binary.LittleEndian.Uint64(place); found & entryMask {
		case 0:
			binary.LittleEndian.PutUint64(place, found|entry)
			return true
		case entry:
			return false
		}
	}
}

func (sh *shard) grow() {
	old := *sh
	sh.size = max(16, old.size*3/2)
	sh.table = make([]byte, entryBytes*sh.size+8-entryBytes)
	for i := range old.size {
		if entry := binary.LittleEndian.Uint64(old.table[entryBytes*i:]) & entryMask; entry != 0 {
			sh.put(entry)
		}
	}
}
