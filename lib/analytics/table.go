package analytics

import (
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
)

// names gives texts dense numbers in order of arrival. It is an open-addressing
// table because a Go map costs several times as much for an entry that is new,
// and nearly every order brings a client its bucket has not seen (performance.md).
// The seed of the hash is random; nothing that leaves the package depends on it.
type names struct {
	seed   maphash.Seed
	slots  []uint64 // hash in the upper half, number + 1 in the lower; 0 is free
	values []string
}

func newNames() names {
	return names{seed: maphash.MakeSeed(), slots: make([]uint64, 64)}
}

// number finds a text, or keeps a clone of it under the next number.
func (n *names) number(text string) uint32 {
	if 4*len(n.values) >= 3*len(n.slots) {
		n.grow()
	}
	hash := maphash.String(n.seed, text) >> 32
	mask := len(n.slots) - 1
	for at := int(hash) & mask; ; at = (at + 1) & mask {
		slot := n.slots[at]
		if slot == 0 {
			n.values = append(n.values, strings.Clone(text))
			n.slots[at] = hash<<32 | uint64(len(n.values))
			return uint32(len(n.values) - 1) //nolint:gosec // G115: 2³² texts would not fit the memory
		}
		number := uint32(slot&math.MaxUint32) - 1
		if slot>>32 == hash && n.values[number] == text {
			return number
		}
	}
}

func (n *names) grow() {
	old := n.slots
	n.slots = make([]uint64, 2*len(old))
	mask := len(n.slots) - 1
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		at := int(slot>>32) & mask
		for n.slots[at] != 0 {
			at = (at + 1) & mask
		}
		n.slots[at] = slot
	}
}

// cells keeps one V for each key that was asked for: an open-addressing table for
// pairs of small numbers.
type cells[V any] struct {
	slots []cell[V]
	used  int
}

type cell[V any] struct {
	key   uint64 // + 1; 0 is free
	value V
}

// at is the value of a key, the zero V at first. The pointer holds until the next
// call.
func (c *cells[V]) at(key uint64) *V {
	if 4*c.used >= 3*len(c.slots) {
		c.grow()
	}
	slot := c.find(key)
	if slot.key == 0 {
		slot.key = key + 1
		c.used++
	}
	return &slot.value
}

func (c *cells[V]) find(key uint64) *cell[V] {
	const golden = 0x9E3779B97F4A7C15 // 2⁶⁴/φ: Fibonacci hashing spreads consecutive keys
	mask := len(c.slots) - 1
	at := int(key * golden >> (64 - bits.Len(uint(mask)))) //nolint:gosec // G115: as many bits as the mask has
	for c.slots[at].key != 0 && c.slots[at].key != key+1 {
		at = (at + 1) & mask
	}
	return &c.slots[at]
}

func (c *cells[V]) grow() {
	old := c.slots
	c.slots = make([]cell[V], max(64, 2*len(old)))
	for _, slot := range old {
		if slot.key != 0 {
			*c.find(slot.key - 1) = slot
		}
	}
}
