package analytics

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Base is what the orders say about everybody, ready to be scored. It is read-only.
//
// Clients are those with a purchase, ordered by id; their places run from 0 to
// Len()-1. A client takes some fifty bytes, and is put together when he is asked for.
type Base struct {
	AsOf     Day
	Currency string
	Metrics  config.Metrics
	Playbook Playbook

	Items      []Contribution           // ordered by ID; a line's sku, else its name
	Categories []Contribution           // ordered by ID
	Other      []schema.OtherRevenueRow // ordered by (client_id, currency); an empty client_id: orders without a client
	Totals     Totals

	clients Clients
	numbers []uint32          // of the clients by place
	states  []state           // by number
	wide    map[uint32]uint64 // by number: squares that do not fit the state
	windows []windowState
	sums    monthlySums

	spans     []span32 // by number; nil where no histories were kept
	histories [][]ClientMonth

	bought     []string // categories by client, by revenue
	boughtEnds []int32  // nil where nobody bought any

	itemSeries, categorySeries series // by index in Items and Categories
	tickets                    tickets
	shelf                      [2][]uint32 // of a good's number in the tickets in Items and Categories
}

// Client is the purchases of one client.
type Client struct {
	ID                string
	FirstDay, LastDay Day
	Orders            int64
	OrderDays         int64
	PricedOrders      int64 // those whose money is in RevenueMinor: all but the ones of a currency without a rate
	RevenueMinor      int64
	FirstDayMinor     int64 // the part of RevenueMinor that is of FirstDay; 0 where no histories are kept
	Window            Window
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

func (t *Totals) add(o Totals) {
	t.Orders += o.Orders
	t.RevenueMinor += o.RevenueMinor
	t.OtherOrders += o.OtherOrders
	t.AnonymousOrders += o.AnonymousOrders
	t.AnonymousMinor += o.AnonymousMinor
	t.AfterAsOf += o.AfterAsOf
	t.ZeroSkipped += o.ZeroSkipped
}

// Len is the number of clients with a purchase.
func (b *Base) Len() int { return len(b.numbers) }

// Number is the number of the client at a place in Options.Clients.
func (b *Base) Number(place int) int { return int(b.numbers[place]) }

// ID is the id of the client at a place.
func (b *Base) ID(place int) string { return b.clients.ID(b.Number(place)) }

// Client is the client at a place.
func (b *Base) Client(place int) Client {
	s := b.at(place)
	c := Client{
		ID: b.ID(place), FirstDay: s.first, LastDay: s.last,
		Orders: int64(s.orders), OrderDays: int64(s.days), PricedOrders: int64(s.priced),
		RevenueMinor: s.revenue, FirstDayMinor: b.firstMinor(place),
	}
	c.Window = Window{Orders: c.Orders, OrderDays: c.OrderDays, PricedOrders: c.PricedOrders, RevenueMinor: c.RevenueMinor}
	if b.windows != nil {
		w := b.windows[b.numbers[place]]
		c.Window = Window{Orders: int64(w.orders), OrderDays: int64(w.days), PricedOrders: int64(w.priced), RevenueMinor: w.revenue}
	}
	return c
}

func (b *Base) at(place int) *state { return &b.states[b.numbers[place]] }

// firstMinor is the revenue of the first day of the client at a place; 0 where no
// histories are kept.
func (b *Base) firstMinor(place int) int64 {
	if b.spans == nil {
		return 0
	}
	return b.spans[b.numbers[place]].firstRevenue
}

// squares is the sum of the squared distances between the days of the client at a place.
func (b *Base) squares(place int) uint64 {
	if sum, ok := b.wide[b.numbers[place]]; ok {
		return sum
	}
	return uint64(b.at(place).squares)
}

// History is the months in which the client at a place bought, in order. There is
// none unless Options.Histories asked for it.
func (b *Base) History(place int) []ClientMonth {
	if b.spans == nil {
		return nil
	}
	s := b.spans[b.numbers[place]]
	return b.histories[s.part][s.from:s.to:s.to]
}

// Bought is the categories that the client at a place bought, by revenue descending,
// ties by name.
func (b *Base) Bought(place int) []string {
	if b.boughtEnds == nil {
		return nil
	}
	return b.bought[b.boughtEnds[place]:b.boughtEnds[place+1]:b.boughtEnds[place+1]]
}

// AverageMinor is revenue by order, rounded half away from zero; false where no
// order's money is known.
func (c Client) AverageMinor() (int64, bool) {
	if c.PricedOrders == 0 {
		return 0, false
	}
	return perUnit(c.RevenueMinor, c.PricedOrders), true
}

// Result closes every part and sums them up. The accumulator is spent. Errors match
// ErrOverflow or ErrTorn.
func (a *Accumulator) Result() (*Base, error) {
	b := &Base{
		AsOf: a.opts.AsOf, Currency: a.opts.Currency, Metrics: a.opts.Metrics, Playbook: a.playbook,
		clients: a.opts.Clients, states: a.states, windows: a.windows, spans: a.spans, wide: map[uint32]uint64{},
		sums: newMonthlySums(a.opts.AsOf.Month(), Day(a.opts.Metrics.ChurnDays)), //nolint:gosec // G115: checked by checkLTV
	}
	last := a.Part() // scattered clients may have orders in every part
	for _, p := range a.parts {
		p.Close()
		last.calendar.cover(p.calendar.low)
		last.group = append(last.group, p.later...)
		p.group, p.later = nil, nil
	}
	last.Close()
	other := map[foreign]int64{}
	magnitude := uint64(0)
	for _, p := range a.parts {
		b.sums.merge(&p.pass.sums)
		b.Totals.add(p.totals)
		b.histories = append(b.histories, p.pass.histories)
		maps.Copy(b.wide, p.pass.wide)
		for of, minor := range p.other {
			other[of] += minor
		}
		if magnitude += p.magnitude; magnitude > math.MaxInt64 {
			return nil, ErrOverflow
		}
		if p.pass.torn > 0 {
			return nil, ErrTorn
		}
	}
	b.sums.settle()
	a.parts = nil
	buyers := 0
	for i := range a.states {
		if a.states[i].orders > 0 {
			buyers++
		}
	}
	b.numbers = make([]uint32, 0, buyers)
	for i := range a.states {
		if a.states[i].orders > 0 {
			b.numbers = append(b.numbers, uint32(i))
		}
	}
	a.goods.fill(b)
	for of, minor := range other {
		row := schema.OtherRevenueRow{Currency: of.currency, RevenueMinor: minor}
		if of.client != nobody {
			row.ClientID = a.opts.Clients.ID(int(of.client))
		}
		b.Other = append(b.Other, row)
	}
	slices.SortFunc(b.Other, func(x, y schema.OtherRevenueRow) int {
		return cmp.Or(cmp.Compare(x.ClientID, y.ClientID), cmp.Compare(x.Currency, y.Currency))
	})
	return b, nil
}

// place is the place of the client of a number; false for one without a purchase.
func (b *Base) place(number uint32) (int, bool) { return slices.BinarySearch(b.numbers, number) }

// daysOf is the days of purchase of the client at a place, rising, in the memory of
// days.
func (b *Base) daysOf(place int, days []Day) []Day {
	days = days[:0]
	for _, m := range b.History(place) {
		first := m.Month.First()
		for left := m.Days; left != 0; left &= left - 1 {
			days = append(days, first+Day(bits.TrailingZeros32(left))) //nolint:gosec // G115: below 32
		}
	}
	return days
}

// Earliest is the first day with a purchase of a client, the as-of day without any.
func (b *Base) Earliest() Day {
	first := b.AsOf
	for _, number := range b.numbers {
		first = min(first, b.states[number].first)
	}
	return first
}

// monthsBack is how many months before the as-of month that of a purchase is.
func (b *Base) monthsBack(day Day) int {
	begins := b.sums.begins // fall
	at, _ := slices.BinarySearchFunc(begins, day, func(begin, day Day) int {
		if begin > day {
			return -1
		}
		return 1
	})
	return at
}
