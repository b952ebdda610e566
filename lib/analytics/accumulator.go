package analytics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/leadlake/leadlake/lib/config"
)

// ErrConfig says that the metrics configuration cannot be scored with.
var ErrConfig = errors.New("analytics: configuration")

// ErrOverflow says that the money of the base does not fit int64 minor units.
var ErrOverflow = errors.New("analytics: money out of range")

// ErrTorn says that a client's orders came in two groups, see [Part.Close].
var ErrTorn = errors.New("analytics: the orders of a client lie in two groups")

// Options is what a night's numbers depend on beside the orders.
type Options struct {
	AsOf     Day            // purchases after it do not count
	Metrics  config.Metrics // thresholds; as config.Parse has checked them
	Currency string         // ISO 4217 of the business
	// Clients is whom the numbers of clients mean; nil: there are none.
	Clients Clients
	// Convert changes minor units of another currency into the business's; false
	// where there is no rate. Nil: there are no rates. It must be a pure function,
	// and safe for concurrent use.
	Convert func(minor int64, currency string) (int64, bool)
	// Histories keeps the months of every client, some sixteen bytes each, for what
	// looks at them one by one: predictions, seasonality and the rhythm of a client.
	Histories bool
}

// Clients are all clients that orders may be of, ordered by id.
type Clients interface {
	Len() int
	ID(number int) string // of a client from 0 to Len()-1
}

// manyIDs are Clients that give the ids of many at once, waiting for memory together.
type manyIDs interface {
	AppendIDs(numbers []uint32, data []byte, ends []uint32) ([]byte, []uint32)
}

// Nobody is the number of no client, in [Part.Add].
const Nobody = -1

const nobody = math.MaxUint32

// Accumulator collects orders. The work may be divided between goroutines, each with
// a Part of its own; the other methods are for one goroutine.
type Accumulator struct {
	opts       Options
	playbook   Playbook
	windowFrom Day // purchases since this day count for RFM

	states  []state // by number of the client
	windows []windowState
	spans   []span32
	parts   []*Part

	scattered []uint64 // a bit for each client by number; nil where none is

	lock  sync.Mutex // of goods
	goods goods
}

// Part takes orders in for one goroutine.
type Part struct {
	of       *Accumulator
	pass     pass
	calendar calendar

	group []purchase // since the last Close
	later []purchase // of scattered clients
	other map[foreign]int64

	totals    Totals
	magnitude uint64 // of all revenue; while it fits int64, so does every sum of a part

	days []dated // scratch, by code of a record
	home []bool
}

type foreign struct {
	client   uint32 // nobody for orders without a client
	currency string
}

// longestWindow is more days than the calendar of four-digit years has.
const longestWindow = 4_000_000

// dated is a day by its code in a record.
type dated struct {
	day   Day
	sold  int32 // the period of the series of goods
	state int8  // 0: not looked up yet, 1: a day, -1: not a day
}

// NewAccumulator refuses with ErrConfig a configuration that config.Parse would
// not have let through.
func NewAccumulator(opts Options) (*Accumulator, error) {
	if err := checkMetrics(opts.Metrics); err != nil {
		return nil, err
	}
	playbook, err := PlaybookOf(opts.Metrics.RFM)
	if err != nil {
		return nil, err
	}
	if opts.Convert == nil {
		opts.Convert = func(int64, string) (int64, bool) { return 0, false }
	}
	clients := 0
	if opts.Clients != nil {
		clients = opts.Clients.Len()
	}
	a := &Accumulator{
		opts: opts, playbook: playbook, windowFrom: math.MinInt32,
		states: make([]state, clients), goods: newGoods(opts.Metrics),
	}
	if days := opts.Metrics.RFM.WindowDays; days > 0 {
		a.windowFrom = opts.AsOf - Day(min(days, longestWindow)) + 1
		a.windows = make([]windowState, clients)
	}
	if opts.Histories {
		a.spans = make([]span32, clients)
	}
	return a, nil
}

// Scatter says that a client's orders do not lie in one group; before any are added.
func (a *Accumulator) Scatter(client int) {
	if a.scattered == nil {
		a.scattered = make([]uint64, len(a.states)/64+1)
	}
	a.scattered[client/64] |= 1 << (client % 64)
}

// Part makes a part of the work. It is called before any goroutine begins.
func (a *Accumulator) Part() *Part {
	p := &Part{of: a, calendar: newCalendar(a.opts.AsOf), other: map[foreign]int64{}}
	p.pass = pass{
		states: a.states, windows: a.windows, windowFrom: a.windowFrom, calendar: &p.calendar,
		sums: newMonthlySums(a.opts.AsOf.Month(), Day(a.opts.Metrics.ChurnDays)), //nolint:gosec // G115: checked by checkLTV
		keep: a.opts.Histories, spans: a.spans, part: int32(len(a.parts)),        //nolint:gosec // G115: a few
	}
	a.parts = append(a.parts, p)
	return p
}

// Add takes a record of lake/orders; of its columns it needs those of [OrdersOf].
// clients says for every row whose the order is: a number of Options.Clients, or
// Nobody. Neither is kept. Errors match ErrColumn, ErrDay or ErrOverflow; after one
// the accumulator is of no use.
func (p *Part) Add(rec arrow.Record, clients []int32) error {
	orders, err := OrdersOf(rec)
	if err != nil {
		return err
	}
	p.prepare(&orders)
	goods := orders.Lines.Any()
	if goods {
		// Few records of a shop's lines are at work at once, and names are numbered together.
		p.of.lock.Lock()
		defer p.of.lock.Unlock()
		p.of.goods.prepare(&orders.Lines)
	}
	rows := int(rec.NumRows())
	p.group = slices.Grow(p.group, rows)
	for row := range rows {
		if !orders.Purchase.Value(row) || orders.Purchase.IsNull(row) {
			continue
		}
		if err := p.purchase(&orders, row, uint32(clients[row]), goods); err != nil { //nolint:gosec // G115: Nobody becomes nobody
			return err
		}
	}
	return nil
}

// Close says that the clients of the orders added since the last Close have no
// others, but for those of Scatter.
func (p *Part) Close() {
	p.pass.clients(p.group)
	p.group = p.group[:0]
}

// prepare sizes the tables by code and settles what a record has few of.
func (p *Part) prepare(o *Orders) {
	p.days = cleared(p.days, o.Day.Codes())
	p.home = cleared(p.home, o.Currency.Codes())
	for code := range p.home {
		p.home[code] = o.Currency.Value(int32(code)) == p.of.opts.Currency
	}
}

func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// purchase counts one order that is a purchase.
func (p *Part) purchase(o *Orders, row int, client uint32, goods bool) error {
	on, err := p.dayOf(&o.Day, row)
	if err != nil {
		return err
	}
	a := p.of
	if on.day > a.opts.AsOf {
		p.totals.AfterAsOf++
		return nil
	}
	minor := o.RevenueMinor[row]
	if minor == 0 && a.opts.Metrics.SkipZeroOrders {
		p.totals.ZeroSkipped++
		return nil
	}
	currency := o.Currency.Code(row)
	home := currency >= 0 && p.home[currency]
	priced := int32(1)
	if !home {
		if converted, ok := a.opts.Convert(minor, o.Currency.Value(currency)); ok {
			minor = converted
		} else {
			priced = 0
		}
	}
	if p.magnitude += distance(minor); p.magnitude > math.MaxInt64 {
		return ErrOverflow
	}
	p.totals.Orders++
	if priced == 0 {
		p.totals.OtherOrders++
		p.other[foreign{client, o.Currency.Value(currency)}] += minor
		minor = 0
	}
	p.totals.RevenueMinor += minor
	switch {
	case client == nobody:
		p.totals.AnonymousOrders++
		p.totals.AnonymousMinor += minor
	case a.scattered != nil && a.scattered[client/64]>>(client%64)&1 != 0:
		p.later = append(p.later, purchase{client, int32(on.day)<<1 | priced, minor})
	default:
		p.group = append(p.group, purchase{client, int32(on.day)<<1 | priced, minor})
	}
	if !goods {
		return nil
	}
	return a.goods.purchase(&o.Lines, row, client, on, func(minor int64) (int64, bool) {
		if home {
			return minor, true
		}
		return a.opts.Convert(minor, o.Currency.Value(currency))
	})
}

// dayOf is a row's day, parsed once for each code of a record.
func (p *Part) dayOf(column *Text, row int) (dated, error) {
	code := column.Code(row)
	if code < 0 {
		return dated{}, fmt.Errorf("%w: purchase in row %d has none", ErrDay, row)
	}
	known := &p.days[code]
	if known.state == 0 {
		*known = dated{state: -1}
		if day, err := ParseDay(column.Value(code)); err == nil {
			*known = dated{day: day, sold: periodOf(p.of.opts.Metrics.XYZ.Period, day), state: 1}
			p.calendar.cover(min(day, p.of.opts.AsOf))
		}
	}
	if known.state < 0 {
		return dated{}, fmt.Errorf("%w: purchase in row %d", ErrDay, row)
	}
	return *known, nil
}

// distance is |x| without overflow.
func distance(x int64) uint64 {
	if x < 0 {
		return -uint64(x) //nolint:gosec // G115: two's complement, right for MinInt64 too
	}
	return uint64(x)
}

func checkMetrics(m config.Metrics) error {
	r := m.RFM
	switch {
	case r.Groups < 2 || r.Groups > 9:
		return fmt.Errorf("%w: rfm.groups is %d, want 2 to 9", ErrConfig, r.Groups)
	case r.Method != methodQuantile && r.Method != methodNtile && r.Method != methodFixed:
		return fmt.Errorf("%w: rfm.method is %q, want quantile, ntile or fixed", ErrConfig, r.Method)
	case r.Frequency != frequencyOrders && r.Frequency != frequencyDays:
		return fmt.Errorf("%w: rfm.frequency is %q, want orders or days", ErrConfig, r.Frequency)
	case r.Monetary != monetarySum && r.Monetary != monetaryAverage:
		return fmt.Errorf("%w: rfm.monetary is %q, want sum or average", ErrConfig, r.Monetary)
	case r.WindowDays < 0:
		return fmt.Errorf("%w: rfm.window_days is %d", ErrConfig, r.WindowDays)
	case r.Method == methodFixed && (len(r.RBounds) != r.Groups-1 || len(r.FBounds) != r.Groups-1 || len(r.MBounds) != r.Groups-1):
		return fmt.Errorf("%w: rfm.method fixed with %d groups needs %d bounds each", ErrConfig, r.Groups, r.Groups-1)
	case m.ABC.Method != shareOfMoney && m.ABC.Method != shareOfRank:
		return fmt.Errorf("%w: abc.method is %q, want money_share or rank_share", ErrConfig, m.ABC.Method)
	case !(m.ABC.A > 0 && m.ABC.A < m.ABC.B && m.ABC.B <= 1): // this way round NaN is refused too
		return fmt.Errorf("%w: abc wants 0 < a < b ≤ 1, has %v and %v", ErrConfig, m.ABC.A, m.ABC.B)
	}
	return errors.Join(checkXYZ(m.XYZ), checkLTV(m), checkHabits(m))
}
