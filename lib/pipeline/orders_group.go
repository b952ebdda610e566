package pipeline

import (
	"github.com/leadlake/leadlake/lib/schema"
)

// orderGroup are orders with what is said of them, in the order in which it was said.
// Once all was added it is safe for concurrent use.
type orderGroup struct {
	words  []string
	hash   func(shop, order string) int64
	texts  []string // of packed statements
	orders []groupOrder
	said   []saidStatement
	slots  []uint32 // by hash: the number of an order + 1, or 0; a power of two of them
}

// groupOrder is an order by the numbers of its first and last statement.
type groupOrder struct {
	hash        int64
	first, last uint32
}

// saidStatement is where a statement lies, and the number of the next one of the same
// order; 0: none, for the first of all follows no other.
type saidStatement struct {
	at         int
	text, next uint32
}

func newOrderGroup(s *statements) *orderGroup {
	return &orderGroup{words: s.words, hash: s.hash, slots: make([]uint32, 64)}
}

// add takes packed statements in.
func (g *orderGroup) add(text string) {
	u := unpacker{words: g.words, text: text}
	g.texts = append(g.texts, text)
	for u.at < len(text) {
		number := uint32(len(g.said))                                                    //nolint:gosec // G115: memory does not hold so many
		g.said = append(g.said, saidStatement{at: u.at, text: uint32(len(g.texts) - 1)}) //nolint:gosec // G115: of 64
		shop, order := u.key()
		hash := g.hash(shop, order)
		slot, known := g.slot(hash, shop, order)
		if known >= 0 {
			of := &g.orders[known]
			g.said[of.last].next = number
			of.last = number
			continue
		}
		g.orders = append(g.orders, groupOrder{hash: hash, first: number, last: number})
		g.slots[slot] = uint32(len(g.orders)) //nolint:gosec // G115: at most as many as statements
		if 2*len(g.orders) > len(g.slots) {
			g.grow()
		}
	}
}

// grow doubles the slots.
func (g *orderGroup) grow() {
	g.slots = make([]uint32, 2*len(g.slots))
	mask := uint64(len(g.slots)) - 1
	for number := range g.orders {
		at := uint64(g.orders[number].hash) & mask //nolint:gosec // G115: any 64 bits
		for g.slots[at] != 0 {
			at = (at + 1) & mask
		}
		g.slots[at] = uint32(number + 1)
	}
}

// slot finds the number of an order, or −1 and the free slot where it belongs.
func (g *orderGroup) slot(hash int64, shop, order string) (slot uint64, number int) {
	mask := uint64(len(g.slots)) - 1
	for at := uint64(hash) & mask; ; at = (at + 1) & mask { //nolint:gosec // G115: any 64 bits
		number := int(g.slots[at]) - 1
		if number < 0 {
			return at, -1
		}
		if g.orders[number].hash != hash {
			continue
		}
		if ofShop, ofOrder := g.key(number); ofOrder == order && ofShop == shop {
			return at, number
		}
	}
}

// find is the number of an order, −1 for one of which nothing is said.
func (g *orderGroup) find(shop, order string) int {
	_, number := g.slot(g.hash(shop, order), shop, order)
	return number
}

// key names an order.
func (g *orderGroup) key(number int) (shop, order string) {
	first := &g.said[g.orders[number].first]
	u := unpacker{words: g.words, text: g.texts[first.text], at: first.at}
	return u.key()
}

// events reads what is said of an order, in the memory of rows where there is room.
func (g *orderGroup) events(number int, u *unpacker, rows []schema.OrderEventRow) []schema.OrderEventRow {
	rows = rows[:0]
	for at := g.orders[number].first; ; {
		said := &g.said[at]
		u.words, u.text, u.at = g.words, g.texts[said.text], said.at
		rows = append(rows, schema.OrderEventRow{})
		u.next(&rows[len(rows)-1])
		if at = said.next; at == 0 {
			return rows
		}
	}
}

// packed appends what is said of an order as it is packed.
func (g *orderGroup) packed(out []byte, number int) []byte {
	for at := g.orders[number].first; ; {
		said := &g.said[at]
		u := unpacker{words: g.words, text: g.texts[said.text], at: said.at}
		u.key()
		out = append(out, u.text[said.at:u.at]...)
		if at = said.next; at == 0 {
			return out
		}
	}
}

// hashSet finds the few hashes that are looked for among many: one bit tells of
// most others that they are none of them.
type hashSet struct {
	bits   []uint64
	mask   uint64
	hashes map[int64]struct{}
}

func (g *orderGroup) hashes() hashSet {
	size := uint64(1 << 10)
	for size < 16*uint64(len(g.orders)) {
		size *= 2
	}
	set := hashSet{bits: make([]uint64, size/64), mask: size - 1, hashes: make(map[int64]struct{}, len(g.orders))}
	for i := range g.orders {
		hash := g.orders[i].hash
		set.hashes[hash] = struct{}{}
		bit := uint64(hash) & set.mask //nolint:gosec // G115: any 64 bits
		set.bits[bit/64] |= 1 << (bit % 64)
	}
	return set
}

func (h hashSet) has(hash int64) bool {
	bit := uint64(hash) & h.mask //nolint:gosec // G115: any 64 bits
	if h.bits[bit/64]&(1<<(bit%64)) == 0 {
		return false
	}
	_, ok := h.hashes[hash]
	return ok
}
