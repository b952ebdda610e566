package analytics

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// purchase is one order of a client on its way to the client's state.
type purchase struct {
	client uint32
	day    int32 // Day << 1, and 1 if its money is in minor
	minor  int64
}

func (p *purchase) on() Day { return Day(p.day >> 1) }

// state is what stays of a client when his purchases have passed by: half a cache line.
type state struct {
	first, last  Day
	orders, days uint32
	priced       uint32
	squares      uint32 // Σ of the squared distances between consecutive days with a purchase; see pass.wide
	revenue      int64
}

// windowState is the part of the purchases that RFM looks at.
type windowState struct {
	orders, days, priced uint32
	revenue              int64
}

// pass lets the purchases of whole clients pass by, one client after the other: all
// that the months say is added up on the way, so that no month has to be kept.
type pass struct {
	states     []state       // by number of the client; those of different passes differ
	windows    []windowState // likewise; nil without a window
	windowFrom Day
	calendar   *calendar
	sums       monthlySums

	wide map[uint32]uint64 // by number of the client: squares that do not fit his state, of a span of 180 years or more

	keep      bool
	histories []ClientMonth
	spans     []span32 // by number of the client; nil unless histories are kept
	part      int32

	swap   []purchase // scratch
	counts []uint32
	months []ClientMonth
	ready  []readyState
	torn   uint32 // above zero: a client came twice
}

// readyState waits for its place. The clients of a bucket lie far apart: many are put in
// their places in turn, so that the memory of all is waited for at once.
type readyState struct {
	number uint32
	state  state
}

// readyStates is how many wait at most.
const readyStates = 256

// span32 is a run of months of one pass, and what the first day of it brought.
type span32 struct {
	part         int32
	from, to     uint32
	firstRevenue int64
}

// clients books purchases, which are all of their clients. Their order is lost.
func (p *pass) clients(purchases []purchase) {
	sorted := p.byClient(purchases)
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && sorted[to].client == sorted[from].client {
			to++
		}
		p.client(sorted[from:to])
		from = to
	}
	p.settle()
}

// settle puts the states that wait in their places.
func (p *pass) settle() {
	for i := range p.ready {
		p.torn |= p.states[p.ready[i].number].orders
	}
	for i := range p.ready {
		p.states[p.ready[i].number] = p.ready[i].state
	}
	p.ready = p.ready[:0]
}

// radix is the number of bits that one round of sorting looks at.
const radix = 11

// byClient sorts purchases by client in rounds of 11 bits, which for tens of
// thousands is several times as fast as comparing.
func (p *pass) byClient(purchases []purchase) []purchase {
	low, high := uint32(math.MaxUint32), uint32(0)
	for i := range purchases {
		low, high = min(low, purchases[i].client), max(high, purchases[i].client)
	}
	if len(purchases) == 0 {
		return nil
	}
	if cap(p.swap) < len(purchases) {
		p.swap = make([]purchase, len(purchases)+len(purchases)/8)
	}
	if p.counts == nil {
		p.counts = make([]uint32, 1<<radix)
	}
	from, to := purchases, p.swap[:len(purchases)]
	for shift := 0; shift < bits.Len32(high-low); shift += radix {
		clear(p.counts)
		for i := range from {
			p.counts[(from[i].client-low)>>shift&(1<<radix-1)]++
		}
		sum := uint32(0)
		for i, n := range p.counts {
			p.counts[i] = sum
			sum += n
		}
		for i := range from {
			at := &p.counts[(from[i].client-low)>>shift&(1<<radix-1)]
			to[*at] = from[i]
			*at++
		}
		from, to = to, from
	}
	return from
}

// client books one client's purchases, in any order.
func (p *pass) client(purchases []purchase) {
	for i := 1; i < len(purchases); i++ {
		if purchases[i].day>>1 < purchases[i-1].day>>1 {
			slices.SortFunc(purchases, func(x, y purchase) int { return cmp.Compare(x.day>>1, y.day>>1) })
			break
		}
	}
	first := purchases[0].on()
	s := state{first: first, last: first, orders: uint32(len(purchases))} //nolint:gosec // G115: a client's orders
	squares, firstRevenue := uint64(0), int64(0)
	months := p.months[:0]
	var month *ClientMonth
	for i := range purchases {
		one := &purchases[i]
		day := one.on()
		if day != s.last || i == 0 {
			gap := uint64(day - s.last) //nolint:gosec // G115: days rise
			squares += gap * gap
			s.days++
			s.last = day
			in := p.calendar.of(day)
			if month == nil || month.Month != in.month {
				months = append(months, ClientMonth{Month: in.month})
				month = &months[len(months)-1]
			}
			month.Days |= in.bit
		}
		month.RevenueMinor += one.minor
		s.revenue += one.minor
		s.priced += uint32(one.day & 1)
		if day == first {
			firstRevenue += one.minor
		}
	}
	p.months = months
	number := purchases[0].client
	if s.squares = uint32(squares); uint64(s.squares) != squares { // what is lost is kept apart
		if p.wide == nil {
			p.wide = map[uint32]uint64{}
		}
		p.wide[number] = squares
	}
	if len(p.ready) == readyStates {
		p.settle()
	}
	p.ready = append(p.ready, readyState{number, s})
	if p.windows != nil {
		p.windows[number] = p.window(purchases)
	}
	p.sums.add(months, p.calendar)
	if p.keep {
		from := len(p.histories)
		p.histories = append(p.histories, months...)
		p.spans[number] = span32{p.part, uint32(from), uint32(len(p.histories)), firstRevenue} //nolint:gosec // G115: fewer than 2³² months
	}
}

// window counts the purchases, in the order of days, since the first day of RFM.
func (p *pass) window(purchases []purchase) windowState {
	var w windowState
	last := Day(math.MinInt32)
	for i := range purchases {
		one := &purchases[i]
		day := one.on()
		if day < p.windowFrom {
			continue
		}
		w.orders++
		w.revenue += one.minor
		w.priced += uint32(one.day & 1)
		if day != last {
			w.days++
			last = day
		}
	}
	return w
}

// monthlySums add up what the months of all clients say. Everything is by distance
// from the month of the as-of day, since the first month is known only at the end.
type monthlySums struct {
	last      Month
	wait      Day    // churn_days
	begins    begins // as many as there are months
	cohorts   []*cohortLine
	lifecycle []lifecycleSums
	ltv       []monthSums
}

func newMonthlySums(last Month, wait Day) monthlySums { return monthlySums{last: last, wait: wait} }

// reach makes room for a month so many before the last.
func (s *monthlySums) reach(back int) {
	if back < len(s.begins) {
		return
	}
	n := back + 1
	s.begins = beginsOf(s.last, n)
	s.cohorts = grown(s.cohorts, n)
	s.lifecycle = grown(s.lifecycle, n)
	s.ltv = grown(s.ltv, n)
}

func grown[T any](s []T, n int) []T { return append(s, make([]T, n-len(s))...) }

// add books the months of one client, in order; the calendar covers all of them.
func (s *monthlySums) add(months []ClientMonth, calendar *calendar) {
	s.reach(int(s.last - months[0].Month))
	s.addCohort(months)
	s.addLifecycle(months)
	s.addLTV(months, calendar)
}

// merge adds the sums of others.
func (s *monthlySums) merge(o *monthlySums) {
	if len(o.begins) == 0 {
		return
	}
	s.reach(len(o.begins) - 1)
	for back, line := range o.cohorts {
		if line != nil {
			s.cohort(back).merge(line)
		}
	}
	for back := range o.lifecycle {
		s.lifecycle[back].add(o.lifecycle[back])
		s.ltv[back].add(o.ltv[back])
	}
}

// span is the first month with a purchase of a client and the month of the as-of
// day; false without any.
func (s *monthlySums) span() (first, last Month, ok bool) {
	n := len(s.begins)
	return s.last - Month(n) + 1, s.last, n > 0 //nolint:gosec // G115: months of four-digit years
}
