package analytics

import (
	"cmp"
	"math"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
)

// goods collects what was sold: by item, by category, by client's category, and in
// which purchase.
type goods struct {
	metrics config.Metrics

	items        names
	itemSums     []int64
	categories   names
	categorySums []int64
	shelves      cells[int64] // revenue by client<<32 | category
	tickets      tickets

	itemSeries, categorySeries cells[int64] // by seriesKey: what was sold in a period
	pieces                     uint64       // of all quantities, as magnitude
	lineSums                   uint64       // likewise of money

	skus, itemNames, shelfNames []uint32 // scratch: number + 1 by code of a record; 0: not looked up yet
}

func newGoods(m config.Metrics) goods {
	return goods{metrics: m, items: newNames(), categories: newNames(), tickets: newTickets(m.Basket)}
}

// prepare settles what a record has few of.
func (g *goods) prepare(l *Lines) {
	g.skus = cleared(g.skus, l.SKU.Codes())
	g.itemNames = cleared(g.itemNames, l.Name.Codes())
	g.shelfNames = cleared(g.shelfNames, l.Category.Codes())
}

// purchase books the lines of a purchase. Lines of a currency without a rate show
// which categories a client buys, without money.
func (g *goods) purchase(l *Lines, row int, client uint32, on dated, convert func(int64) (int64, bool)) error {
	from, to := l.Range(row)
	for line := from; line < to; line++ {
		if l.Missing(line) {
			continue
		}
		minor, ok := convert(l.SumMinor[line])
		if !ok {
			minor = 0
		}
		if g.lineSums += distance(minor); g.lineSums > math.MaxInt64 {
			return ErrOverflow
		}
		sold, err := g.valueOf(l, line, minor)
		if err != nil {
			return err
		}
		if item, ok := g.itemOf(l, line); ok {
			if int(item) == len(g.itemSums) {
				g.itemSums = append(g.itemSums, 0)
			}
			g.itemSums[item] += minor
			*g.itemSeries.at(seriesKey(item, on.sold)) += sold
			g.tickets.put(itemLevel, item)
		}
		category, ok := numberOf(&g.categories, g.shelfNames, &l.Category, line)
		if !ok {
			continue
		}
		if int(category) == len(g.categorySums) {
			g.categorySums = append(g.categorySums, 0)
		}
		g.categorySums[category] += minor
		*g.categorySeries.at(seriesKey(category, on.sold)) += sold
		g.tickets.put(categoryLevel, category)
		if client != nobody {
			*g.shelves.at(uint64(client)<<32 | uint64(category)) += minor
		}
	}
	g.tickets.close(client, on.day)
	return nil
}

// itemOf is the item of a line: its sku, or its name where a shop keeps no skus.
func (g *goods) itemOf(l *Lines, line int) (uint32, bool) {
	if item, ok := numberOf(&g.items, g.skus, &l.SKU, line); ok {
		return item, true
	}
	return numberOf(&g.items, g.itemNames, &l.Name, line)
}

// numberOf is the number of a row's text, found once for each code of a record;
// false for null and empty text.
func numberOf(in *names, known []uint32, column *Text, row int) (uint32, bool) {
	code := column.Code(row)
	if code < 0 {
		return 0, false
	}
	if known[code] == 0 {
		text := column.Value(code)
		if text == "" {
			return 0, false
		}
		known[code] = in.number(text) + 1
	}
	return known[code] - 1, true
}

// fill puts the goods into the base.
func (g *goods) fill(b *Base) {
	items, shelves := places(g.items.values), places(g.categories.values)
	b.Items, b.itemSeries = contributions(g.items.values, g.itemSums, items), seriesOf(&g.itemSeries, items)
	b.Categories, b.categorySeries = contributions(g.categories.values, g.categorySums, shelves), seriesOf(&g.categorySeries, shelves)
	b.tickets = g.tickets
	b.shelf = [2][]uint32{ranks(g.items.values), ranks(g.categories.values)}
	g.fillBought(b, shelves)
}

// fillBought lists each client's categories; rank is the order of their names.
func (g *goods) fillBought(b *Base, rank []int32) {
	if g.shelves.used == 0 {
		return
	}
	type shelf struct {
		client   uint32
		category int32
		minor    int64
	}
	shelves := make([]shelf, 0, g.shelves.used)
	for _, slot := range g.shelves.slots {
		if slot.key != 0 {
			shelves = append(shelves, shelf{uint32((slot.key - 1) >> 32), rank[uint32(slot.key-1)], slot.value}) //nolint:gosec // G115: the halves are meant
		}
	}
	slices.SortFunc(shelves, func(x, y shelf) int {
		return cmp.Or(cmp.Compare(x.client, y.client), cmp.Compare(y.minor, x.minor), cmp.Compare(x.category, y.category))
	})
	b.bought = make([]string, len(shelves))
	b.boughtEnds = make([]int32, b.Len()+1)
	at := int32(0)
	for i := range b.Len() {
		for int(at) < len(shelves) && shelves[at].client == b.numbers[i] {
			b.bought[at] = b.Categories[shelves[at].category].ID
			at++
		}
		b.boughtEnds[i+1] = at
	}
}

// contributions puts every entity at its place.
func contributions(ids []string, sums []int64, place []int32) []Contribution {
	all := make([]Contribution, len(ids))
	for number, at := range place {
		all[at] = Contribution{ID: ids[number], RevenueMinor: sums[number]}
	}
	return all
}

// places is the place of every number in the order of the texts.
func places(texts []string) []int32 {
	place := make([]int32, len(texts))
	for i, number := range order(texts) {
		place[number] = int32(i)
	}
	return place
}

// order is the numbers of texts in the order of the texts. Comparing the first
// eight bytes as a number decides nearly always and spares a jump into memory.
func order(texts []string) []uint32 {
	type keyed struct {
		head   uint64
		number uint32
	}
	all := make([]keyed, len(texts))
	for i, text := range texts {
		var head uint64
		for j := range 8 {
			head <<= 8
			if j < len(text) {
				head |= uint64(text[j])
			}
		}
		all[i] = keyed{head, uint32(i)}
	}
	slices.SortFunc(all, func(x, y keyed) int {
		if x.head != y.head {
			return cmp.Compare(x.head, y.head)
		}
		return cmp.Compare(texts[x.number], texts[y.number])
	})
	numbers := make([]uint32, len(all))
	for i, k := range all {
		numbers[i] = k.number
	}
	return numbers
}
