package card

import (
	"strings"
)

// tokenTable gives every different token a number, in the order in which they
// come. The texts lie end to end in one piece of memory and the table holds
// numbers alone, so that a token costs some fifty bytes and no allocation.
type tokenTable struct {
	text  strings.Builder
	ends  []uint32 // of each token's text
	slots []uint64 // open addressing: upper half of the hash, then number + 1; 0 is free
}

// len is the number of different tokens.
func (t *tokenTable) len() int { return len(t.ends) }

// at is the text of a token, without a copy.
func (t *tokenTable) at(n int32) string {
	begin := uint32(0)
	if n > 0 {
		begin = t.ends[n-1]
	}
	return t.text.String()[begin:t.ends[n]]
}

// find is the number of a token; false for one that was never added.
func (t *tokenTable) find(token string) (int32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	n, _ := t.probe(token, hashText(token))
	return n, n >= 0
}

// add is the number of a token, new or known.
func (t *tokenTable) add(token string, hash uint64) int32 {
	if 2*len(t.ends) >= len(t.slots) {
		t.slots = grown(t.slots)
	}
	n, slot := t.probe(token, hash)
	if n >= 0 {
		return n
	}
	t.text.WriteString(token)
	t.ends = append(t.ends, uint32(t.text.Len())) //nolint:gosec // G115: 4 GiB of tokens are 150 million, far beyond one night
	t.slots[slot] = hash>>32<<32 | uint64(len(t.ends))
	return int32(len(t.ends) - 1) //nolint:gosec // G115: as above
}

// probe finds a token, or −1 and the slot where it belongs.
func (t *tokenTable) probe(token string, hash uint64) (n int32, slot int) {
	for slot = home(hash, len(t.slots)); t.slots[slot] != 0; slot = (slot + 1) & (len(t.slots) - 1) {
		if entry := t.slots[slot]; entry>>32 == hash>>32 && t.at(int32(uint32(entry))-1) == token { //nolint:gosec // G115: the lower half is the number
			return int32(uint32(entry)) - 1, slot //nolint:gosec // G115: as above
		}
	}
	return -1, slot
}

// home is the first slot of a hash in a table of a power of two: the same upper
// bits that a slot keeps, so that a table grows without its texts.
func home(hash uint64, size int) int {
	return int((hash >> 32 * uint64(size)) >> 32) //nolint:gosec // G115: below size
}

// grown is a table of twice the size with the same entries.
func grown(slots []uint64) []uint64 {
	larger := make([]uint64, max(16, 2*len(slots)))
	for _, entry := range slots {
		if entry == 0 {
			continue
		}
		slot := home(entry, len(larger))
		for larger[slot] != 0 {
			slot = (slot + 1) & (len(larger) - 1)
		}
		larger[slot] = entry
	}
	return larger
}

// pairSet counts different pairs by a hash that is the same in every run. At
// twenty million pairs one in a hundred thousand nights takes two for one.
type pairSet struct {
	slots []uint64 // open addressing; 0 is free
	n     int
}

// add reports whether the pair is new.
func (s *pairSet) add(pair uint64) bool {
	pair = max(pair, 1)
	if 4*s.n >= 3*len(s.slots) {
		s.slots = grown(s.slots)
	}
	slot := home(pair, len(s.slots))
	for ; s.slots[slot] != 0; slot = (slot + 1) & (len(s.slots) - 1) {
		if s.slots[slot] == pair {
			return false
		}
	}
	s.slots[slot] = pair
	s.n++
	return true
}

const hashPrime = 0x9e3779b97f4a7c15 // 2⁶⁴ by the golden ratio

// hashText is the same for a text in every run. Nobody outside can choose tokens
// that collide: they are keyed.
func hashText(s string) uint64 {
	h := uint64(len(s)) * hashPrime
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h ^ (uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56))
	}
	for i := range len(s) {
		h = mix(h ^ uint64(s[i])<<(8*i))
	}
	return mix(h)
}

// mix spreads every bit of a number over all of them.
func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= hashPrime
	return h ^ h>>29
}
