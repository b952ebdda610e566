package audience

// seen is a set of row keys, of which it keeps 58 bits: among five million
// different rows two are taken for one in one list of 24 000. A row takes 6 bytes
// and a quarter of room; what grows is one of 1 024 small tables at a time, so
// that growing needs no second copy of the whole. The zero set is empty.
type seen struct{ shards [1 << shardBits]shard }

const (
	shardBits = 10
	entryBits = 48
)

// shard is a table with open addressing of entries that are not zero, low and
// high bits apart, which keeps them at six bytes.
type shard struct {
	low  []uint32
	high []uint16
	n    int
}

// add puts a key in and reports whether it was new.
func (s *seen) add(key uint64) bool {
	sh := &s.shards[key>>(64-shardBits)]
	if sh.n*5 >= len(sh.low)*4 {
		sh.grow()
	}
	entry := entryOf(key)
	if !sh.put(entry) {
		return false
	}
	sh.n++
	return true
}

// fetch reads where a key will be looked for. Many fetches one after the other
// wait for memory together, many calls of add one after the other.
func (s *seen) fetch(key uint64) uint32 {
	sh := &s.shards[key>>(64-shardBits)]
	if len(sh.low) == 0 {
		return 0
	}
	at := slot(entryOf(key), len(sh.low))
	return sh.low[at] ^ uint32(sh.high[at])
}

func entryOf(key uint64) uint64 { return max(key&(1<<entryBits-1), 1) }

func slot(entry uint64, size int) int { return int(entry * uint64(size) >> entryBits) } //nolint:gosec // G115: below size

func (sh *shard) put(entry uint64) bool {
	low, high := uint32(entry), uint16(entry>>32) //nolint:gosec // G115: an entry has 48 bits
	for at := slot(entry, len(sh.low)); ; at++ {
		if at == len(sh.low) {
			at = 0
		}
		switch {
		case sh.low[at] == 0 && sh.high[at] == 0:
			sh.low[at], sh.high[at] = low, high
			return true
		case sh.low[at] == low && sh.high[at] == high:
			return false
		}
	}
}

func (sh *shard) grow() {
	old := *sh
	size := max(16, len(old.low)*3/2)
	sh.low, sh.high = make([]uint32, size), make([]uint16, size)
	for i := range old.low {
		if entry := uint64(old.low[i]) | uint64(old.high[i])<<32; entry != 0 {
			sh.put(entry)
		}
	}
}
