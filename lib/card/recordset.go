package card

import "slices"

// recordSets keeps every different set of two or more tokens that records
// stated, with the earliest statement of each. The sets lie end to end in one
// piece of memory.
type recordSets struct {
	members []int32 // token numbers, sorted within a set
	list    []recordSet
	slots   []uint64 // as in tokenTable
}

type recordSet struct {
	at     int64  // earliest statement, microseconds since 1970
	end    uint32 // of its members, which begin where those of the set before end
	source int32  // whose it was
}

// of is the members of a set.
func (s *recordSets) of(set int32) []int32 {
	begin := uint32(0)
	if set > 0 {
		begin = s.list[set-1].end
	}
	return s.members[begin:s.list[set].end]
}

// add puts a set down, or finds it; the caller lowers its time.
func (s *recordSets) add(set []int32, at int64, source int32) (known *recordSet, fresh bool) {
	if 2*len(s.list) >= len(s.slots) {
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
			return &s.list[n], false
		}
	}
	s.members = append(s.members, set...)
	s.list = append(s.list, recordSet{at: at, end: uint32(len(s.members)), source: source}) //nolint:gosec // G115: four billion members are beyond one night
	s.slots[slot] = hash>>32<<32 | uint64(len(s.list))
	return &s.list[len(s.list)-1], true
}
