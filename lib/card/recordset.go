package card

import "slices"

// recordSets keeps every different set of two or more tokens that records
// stated, with the earliest statement of each. The sets lie end to end in one
// piece of memory.
type recordSets struct {
	members []int32  // token numbers, sorted within a set
	ends    []uint32 // of each set's members
	at      []int64  // earliest statement, microseconds since 1970
	source  []int32  // whose it was
	slots   []uint64 // as in tokenTable
}

// of is the members of a set.
func (s *recordSets) of(set int32) []int32 {
	begin := uint32(0)
	if set > 0 {
		begin = s.ends[set-1]
	}
	return s.members[begin:s.ends[set]]
}

// add puts a set down, or finds it; the caller lowers its time.
func (s *recordSets) add(set []int32, at int64, source int32) (number int32, fresh bool) {
	if 2*len(s.ends) >= len(s.slots) {
		s.slots = grown(s.slots)
	}
	hash := uint64(len(set))
	for _, n := range set {
		hash = mix(hash ^ uint64(uint32(n))) //nolint:gosec // G115: never negative
	}
	slot := home(hash, len(s.slots))
	for ; s.slots[slot] != 0; slot = (slot + 1) & (len(s.slots) - 1) {
		entry := s.slots[slot]
		if n := int32(uint32(entry)) - 1; entry>>32 == hash>>32 && slices.Equal(s.of(n), set) { //nolint:gosec // G115: the lower half is the number
			return n, false
		}
	}
	s.members = append(s.members, set...)
	s.ends = append(s.ends, uint32(len(s.members))) //nolint:gosec // G115: four billion members are beyond one night
	s.at, s.source = append(s.at, at), append(s.source, source)
	s.slots[slot] = hash>>32<<32 | uint64(len(s.ends))
	return int32(len(s.ends) - 1), true //nolint:gosec // G115: as above
}
