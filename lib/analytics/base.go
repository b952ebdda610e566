package analytics

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Base is what the orders say about everybody, ready to be scored. It is read-only.
type Base struct {
	AsOf     Day
	Currency string
	Metrics  config.Metrics
	Playbook Playbook

	Clients    []Client                 // with a purchase, ordered by ID
	Items      []Contribution           // ordered by ID; a line's sku, else its name
	Categories []Contribution           // ordered by ID
	Other      []schema.OtherRevenueRow // ordered by (client_id, currency); an empty client_id: orders without a client
	Totals     Totals

	histories []ClientMonth // by client, then month
	bought    []string      // categories by client, by revenue

	itemSeries, categorySeries series // by index in Items and Categories
	tickets                    tickets
	place                      []int32     // of a client's number in the tickets in Clients
	shelf                      [2][]uint32 // likewise of goods in Items and Categories
}

// Client is the purchases of one client.
type Client struct {
	ID                string
	FirstDay, LastDay Day
	Orders            int64
	OrderDays         int64
	PricedOrders      int64 // those whose money is in RevenueMinor: all but the ones of a currency without a rate
	RevenueMinor      int64
	FirstDayMinor     int64 // the part of RevenueMinor that is of FirstDay
	Window            Window

	months, categories [2]int32 // half-open ranges in Base.histories and Base.bought
}

// Window is the part of a client's purchases that RFM looks at, all of them where
// rfm.window_days is 0.
type Window struct {
	Orders       int64
	OrderDays    int64
	PricedOrders int64
	RevenueMinor int64
}

// ClientMonth is a calendar month in which a client bought something.
type ClientMonth struct {
	Month        Month
	Days         uint32 // bit d-1: a purchase on day d of the month
	RevenueMinor int64
}

// Contribution is the revenue of one entity.
type Contribution struct {
	ID           string
	RevenueMinor int64
}

// Totals counts all orders that were read, those of nobody included.
type Totals struct {
	Orders          int64 // purchases up to the as-of day
	RevenueMinor    int64 // of those with a known rate
	OtherOrders     int64 // of a currency without a rate; their money stands in Base.Other
	AnonymousOrders int64 // without a client: counted for items and categories, not scored
	AnonymousMinor  int64
	AfterAsOf       int64 // purchases left out because they are later
	ZeroSkipped     int64 // left out by metrics.skip_zero_orders
}

// History is the months in which a client bought, in order.
func (b *Base) History(c Client) []ClientMonth {
	return b.histories[c.months[0]:c.months[1]:c.months[1]]
}

// Bought is the categories a client bought, by revenue descending, ties by name.
func (b *Base) Bought(c Client) []string {
	return b.bought[c.categories[0]:c.categories[1]:c.categories[1]]
}

// AverageMinor is revenue by order, rounded half away from zero; false where no
// order's money is known.
func (c Client) AverageMinor() (int64, bool) {
	if c.PricedOrders == 0 {
		return 0, false
	}
	return perUnit(c.RevenueMinor, c.PricedOrders), true
}

// Result sorts what was added. The accumulator may be added to afterwards.
func (a *Accumulator) Result() *Base {
	b := &Base{
		AsOf: a.opts.AsOf, Currency: a.opts.Currency, Metrics: a.opts.Metrics, Playbook: a.playbook, Totals: a.totals,
	}
	items, shelves := places(a.items.values), places(a.categories.values)
	b.Items, b.itemSeries = contributions(a.items.values, a.itemSums, items), seriesOf(&a.itemSeries, items)
	b.Categories, b.categorySeries = contributions(a.categories.values, a.categorySums, shelves), seriesOf(&a.categorySeries, shelves)
	byID := order(a.clients.values)
	place := make([]int32, len(byID)) // number → index in b.Clients
	b.Clients = make([]Client, len(byID))
	for i, number := range byID {
		place[number] = int32(i)
		s := a.states[number]
		b.Clients[i] = Client{
			ID: a.clients.values[number], FirstDay: s.first, LastDay: s.last,
			Orders: int64(s.orders), PricedOrders: int64(s.priced), RevenueMinor: s.revenue, FirstDayMinor: s.firstRevenue,
			Window: Window{Orders: int64(s.windowOrders), PricedOrders: int64(s.windowPriced), RevenueMinor: s.windowRevenue},
		}
	}
	a.fillHistories(b, place)
	a.fillBought(b, place, shelves)
	b.tickets, b.place = a.tickets.snapshot(), place
	b.shelf = [2][]uint32{ranks(a.items.values), ranks(a.categories.values)}
	for of, minor := range a.other {
		row := schema.OtherRevenueRow{Currency: of.currency, RevenueMinor: minor}
		if of.client != nobody {
			row.ClientID = a.clients.values[of.client]
		}
		b.Other = append(b.Other, row)
	}
	slices.SortFunc(b.Other, func(x, y schema.OtherRevenueRow) int {
		return cmp.Or(cmp.Compare(x.ClientID, y.ClientID), cmp.Compare(x.Currency, y.Currency))
	})
	return b
}

// fillHistories groups the months by client: counted, placed, each run sorted.
func (a *Accumulator) fillHistories(b *Base, place []int32) {
	next := make([]int32, len(b.Clients)+1)
	for _, slot := range a.months.slots {
		if slot.key != 0 {
			next[place[(slot.key-1)>>20]+1]++
		}
	}
	for i := range b.Clients {
		next[i+1] += next[i]
	}
	b.histories = make([]ClientMonth, a.months.used)
	for _, slot := range a.months.slots {
		if slot.key == 0 {
			continue
		}
		i := place[(slot.key-1)>>20]
		b.histories[next[i]] = ClientMonth{
			Month: Month((slot.key - 1) & (1<<20 - 1)),
			Days:  slot.value.days, RevenueMinor: slot.value.revenue,
		}
		next[i]++
	}
	first, shift := Month(-1), 0 // without a window every month is after it
	if a.windowFrom > math.MinInt32 {
		first, shift = a.windowFrom.Month(), a.windowFrom.ofMonth()-1
	}
	from := int32(0)
	for i := range b.Clients {
		c := &b.Clients[i]
		c.months = [2]int32{from, next[i]}
		from = next[i]
		history := b.History(*c)
		if len(history) > 1 {
			slices.SortFunc(history, func(x, y ClientMonth) int { return cmp.Compare(x.Month, y.Month) })
		}
		for _, m := range history {
			c.OrderDays += int64(bits.OnesCount32(m.Days))
			switch {
			case m.Month > first:
				c.Window.OrderDays += int64(bits.OnesCount32(m.Days))
			case m.Month == first:
				c.Window.OrderDays += int64(bits.OnesCount32(m.Days >> shift))
			}
		}
	}
}

// fillBought lists each client's categories; rank is the order of their names.
func (a *Accumulator) fillBought(b *Base, place, rank []int32) {
	type shelf struct {
		client, category int32
		minor            int64
	}
	shelves := make([]shelf, 0, a.shelves.used)
	for _, slot := range a.shelves.slots {
		if slot.key != 0 {
			shelves = append(shelves, shelf{place[(slot.key-1)>>32], rank[uint32(slot.key-1)], slot.value}) //nolint:gosec // G115: the lower half is meant
		}
	}
	slices.SortFunc(shelves, func(x, y shelf) int {
		return cmp.Or(cmp.Compare(x.client, y.client), cmp.Compare(y.minor, x.minor), cmp.Compare(x.category, y.category))
	})
	b.bought = make([]string, len(shelves))
	at := int32(0)
	for i := range b.Clients {
		from := at
		for int(at) < len(shelves) && int(shelves[at].client) == i {
			b.bought[at] = b.Categories[shelves[at].category].ID
			at++
		}
		b.Clients[i].categories = [2]int32{from, at}
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
