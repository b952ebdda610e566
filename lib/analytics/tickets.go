package analytics

import (
	"encoding/binary"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
)

// tickets keeps what was in each purchase, for the questions that need whole
// purchases: what goes together (basket.go) and what a client buys again and again
// (replenishment.go). A purchase is a few bytes: client, day and goods as varints,
// where goods met first have the shorter numbers. It is only ever appended to.
type tickets struct {
	limit int // different goods of a level in a purchase that may make pairs
	from  Day // days are kept as the distance from it

	chunks [][]byte
	levels [2]level // items, categories

	goods [2][]uint32 // scratch: of the purchase at hand
}

// The levels of goods.
const (
	itemLevel = iota
	categoryLevel
)

// level counts the purchases with goods of one level.
type level struct {
	purchases int64    // that name any and are not too large
	large     int64    // that have more than the limit, and count nowhere else
	with      []uint32 // purchases by number of the goods
}

// chunkBytes bounds what a growing log copies: nothing. A purchase that is split
// at the limit fits in one.
const chunkBytes = 1 << 20

// goodsOfRecord is how many goods one record holds at most; a larger purchase
// takes several.
const goodsOfRecord = 1000

// newTickets counts days from 2015, which makes them two bytes for a generation.
func newTickets(c config.Basket) tickets {
	const from = 16_436 // 2015-01-01
	return tickets{limit: c.MaxItems, from: from}
}

// put notes a good of the purchase at hand.
func (t *tickets) put(level int, number uint32) {
	t.goods[level] = append(t.goods[level], number)
}

// close books the purchase at hand; client is nobody for a purchase without one.
func (t *tickets) close(client uint32, day Day) {
	pairs := [2]bool{}
	for at := range t.levels {
		if len(t.goods[at]) > 1 {
			slices.Sort(t.goods[at])
			t.goods[at] = slices.Compact(t.goods[at])
		}
		goods, of := t.goods[at], &t.levels[at]
		switch {
		case len(goods) == 0:
			continue
		case len(goods) > t.limit:
			of.large++
			continue
		}
		of.purchases++
		pairs[at] = len(goods) > 1
		for _, number := range goods {
			for int(number) >= len(of.with) {
				of.with = append(of.with, 0)
			}
			of.with[number]++
		}
	}
	if client == nobody && !pairs[itemLevel] && !pairs[categoryLevel] {
		t.goods[itemLevel], t.goods[categoryLevel] = t.goods[itemLevel][:0], t.goods[categoryLevel][:0]
		return // nothing but the counts needs it
	}
	items, categories := t.goods[itemLevel], t.goods[categoryLevel]
	for len(items)+len(categories) > 0 {
		n := min(len(items), goodsOfRecord)
		m := min(len(categories), goodsOfRecord)
		t.write(client, day, pairs, items[:n], categories[:m])
		items, categories = items[n:], categories[m:]
	}
	t.goods[itemLevel], t.goods[categoryLevel] = t.goods[itemLevel][:0], t.goods[categoryLevel][:0]
}

func (t *tickets) write(client uint32, day Day, pairs [2]bool, items, categories []uint32) {
	const widest = binary.MaxVarintLen32
	need := widest * (4 + len(items) + len(categories))
	if n := len(t.chunks); n == 0 || cap(t.chunks[n-1])-len(t.chunks[n-1]) < need {
		t.chunks = append(t.chunks, make([]byte, 0, max(need, min(chunkBytes, 4096<<min(n, 8)))))
	}
	last := &t.chunks[len(t.chunks)-1]
	out := binary.AppendUvarint(*last, uint64(client+1)) // nobody is 0
	out = binary.AppendVarint(out, int64(day-t.from))
	flags := uint64(0)
	for at, has := range pairs {
		if has {
			flags |= 1 << at
		}
	}
	out = binary.AppendUvarint(out, uint64(len(items))<<2|flags)
	out = binary.AppendUvarint(out, uint64(len(categories)))
	for _, goods := range [][]uint32{items, categories} {
		for _, number := range goods {
			out = binary.AppendUvarint(out, uint64(number))
		}
	}
	*last = out
}

// ticket is a record that was read.
type ticket struct {
	client uint32
	day    Day
	pairs  [2]bool
	goods  [2][]uint32 // rising; lent
}

// walk visits every record in order of arrival. The visitor gets the record's
// place, by which at finds it again.
func (t *tickets) walk(visit func(place uint64, one *ticket)) {
	var one ticket
	for chunk, log := range t.chunks {
		for at := 0; at < len(log); {
			place := uint64(chunk)<<32 | uint64(at)
			at += t.read(log[at:], &one)
			visit(place, &one)
		}
	}
}

// at reads the record of a place.
func (t *tickets) at(place uint64, one *ticket) {
	t.read(t.chunks[place>>32][uint32(place):], one) //nolint:gosec // G115: the lower half is meant
}

func (t *tickets) read(log []byte, one *ticket) int {
	at := 0
	next := func() uint64 {
		if b := log[at]; b < 0x80 { // nearly always
			at++
			return uint64(b)
		}
		x, n := binary.Uvarint(log[at:])
		at += n
		return x
	}
	one.client = uint32(next()) - 1 //nolint:gosec // G115: written from 32 bits
	day := next()
	one.day = t.from + Day(int64(day>>1)^-int64(day&1)) //nolint:gosec // G115: zigzag, as binary.AppendVarint writes it
	head := next()
	sizes := [2]uint64{head >> 2, next()}
	for level := range one.goods {
		one.pairs[level] = head&(1<<level) != 0
		one.goods[level] = one.goods[level][:0]
		for range sizes[level] {
			one.goods[level] = append(one.goods[level], uint32(next())) //nolint:gosec // G115: written from 32 bits
		}
	}
	return at
}

// ranks gives each number its place in the order of the texts.
func ranks(texts []string) []uint32 {
	rank := make([]uint32, len(texts))
	for i, number := range order(texts) {
		rank[number] = uint32(i)
	}
	return rank
}
