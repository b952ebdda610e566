package analytics

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/leadlake/leadlake/lib/config"
)

// ErrConfig says that the metrics configuration cannot be scored with.
var ErrConfig = errors.New("analytics: configuration")

// ErrOverflow says that the money of the base does not fit int64 minor units.
var ErrOverflow = errors.New("analytics: money out of range")

// Options is what a night's numbers depend on beside the orders.
type Options struct {
	AsOf     Day            // purchases after it do not count
	Metrics  config.Metrics // thresholds; as config.Parse has checked them
	Currency string         // ISO 4217 of the business
	// Convert changes minor units of another currency into the business's; false
	// where there is no rate. Nil: there are no rates. It must be a pure function.
	Convert func(minor int64, currency string) (int64, bool)
}

// Accumulator collects orders. It is for one goroutine.
type Accumulator struct {
	opts       Options
	playbook   Playbook
	windowFrom Day // purchases since this day count for RFM

	clients names
	states  []state        // by number of the client
	months  cells[monthly] // by client<<20 | month
	shelves cells[int64]   // revenue by client<<32 | category
	other   map[foreign]int64

	items        names
	itemSums     []int64
	categories   names
	categorySums []int64
	tickets      tickets

	itemSeries, categorySeries cells[int64] // by seriesKey: what was sold in a period
	pieces                     uint64       // of all quantities, as magnitude

	totals    Totals
	magnitude uint64 // of all revenue; while it fits int64, so does every sum of a part
	lineSums  uint64 // likewise of lines

	scratch scratch
}

// state is what is known of a client without its months.
type state struct {
	first, last                                Day
	orders, priced, windowOrders, windowPriced uint32
	revenue, windowRevenue                     int64
	firstRevenue                               int64 // of the first day
}

// monthly is a client's month: the days with a purchase as bits, and the money.
type monthly struct {
	revenue int64
	days    uint32
}

type foreign struct {
	client   uint32 // nobody for orders without a client
	currency string
}

const nobody = math.MaxUint32

// longestWindow is more days than the calendar of four-digit years has.
const longestWindow = 4_000_000

// scratch is kept from record to record, so that a record allocates nothing.
type scratch struct {
	clients, skus, names, categories []uint32 // number + 1 by code; 0: not looked up yet
	days                             []dated
	home                             []bool
}

// dated is a day by its code in a record.
type dated struct {
	day   Day
	month Month
	bit   uint32 // in monthly.days
	sold  int32  // the period of the series of goods
	state int8   // 0: not looked up yet, 1: a day, -1: not a day
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
	a := &Accumulator{
		opts: opts, playbook: playbook, windowFrom: math.MinInt32,
		clients: newNames(), items: newNames(), categories: newNames(), other: map[foreign]int64{},
		tickets: newTickets(opts.Metrics.Basket),
	}
	if days := opts.Metrics.RFM.WindowDays; days > 0 {
		a.windowFrom = opts.AsOf - Day(min(days, longestWindow)) + 1
	}
	return a, nil
}

// Add takes a record of lake/orders in any order; of the columns it needs those of
// [OrdersOf]. The record is not kept. Errors match ErrColumn, ErrDay or
// ErrOverflow; after one the accumulator is of no use.
func (a *Accumulator) Add(rec arrow.Record) error {
	orders, err := OrdersOf(rec)
	if err != nil {
		return err
	}
	a.prepare(&orders)
	for row := range int(rec.NumRows()) {
		if !orders.Purchase.Value(row) || orders.Purchase.IsNull(row) {
			continue
		}
		if err := a.purchase(&orders, row); err != nil {
			return err
		}
	}
	return nil
}

// prepare sizes the tables by code and settles what a record has few of.
func (a *Accumulator) prepare(o *Orders) {
	s := &a.scratch
	s.clients = cleared(s.clients, o.Client.Codes())
	s.skus = cleared(s.skus, o.Lines.SKU.Codes())
	s.names = cleared(s.names, o.Lines.Name.Codes())
	s.categories = cleared(s.categories, o.Lines.Category.Codes())
	s.days = cleared(s.days, o.Day.Codes())
	s.home = cleared(s.home, o.Currency.Codes())
	for code := range s.home {
		s.home[code] = o.Currency.Value(int32(code)) == a.opts.Currency
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
func (a *Accumulator) purchase(o *Orders, row int) error {
	on, err := a.dayOf(&o.Day, row)
	if err != nil {
		return err
	}
	if on.day > a.opts.AsOf {
		a.totals.AfterAsOf++
		return nil
	}
	minor := o.RevenueMinor[row]
	if minor == 0 && a.opts.Metrics.SkipZeroOrders {
		a.totals.ZeroSkipped++
		return nil
	}
	currency := o.Currency.Code(row)
	home := currency >= 0 && a.scratch.home[currency]
	priced := true
	if !home {
		if converted, ok := a.opts.Convert(minor, o.Currency.Value(currency)); ok {
			minor = converted
		} else {
			priced = false
		}
	}
	if a.magnitude += distance(minor); a.magnitude > math.MaxInt64 {
		return ErrOverflow
	}
	a.totals.Orders++
	client := a.clientOf(&o.Client, row)
	if !priced {
		a.totals.OtherOrders++
		a.other[foreign{client, o.Currency.Value(currency)}] += minor
		minor = 0
	}
	a.totals.RevenueMinor += minor
	if client == nobody {
		a.totals.AnonymousOrders++
		a.totals.AnonymousMinor += minor
	} else {
		a.credit(client, on, minor, priced)
	}
	if err := a.lines(o, row, client, on, currency, home); err != nil {
		return err
	}
	a.tickets.close(client, on.day)
	return nil
}

// credit books a purchase for a client.
func (a *Accumulator) credit(client uint32, on dated, minor int64, priced bool) {
	if int(client) == len(a.states) {
		a.states = append(a.states, state{first: on.day, last: on.day})
	}
	s := &a.states[client]
	if on.day < s.first {
		s.first, s.firstRevenue = on.day, 0
	}
	if on.day == s.first {
		s.firstRevenue += minor
	}
	s.last = max(s.last, on.day)
	s.orders++
	s.revenue += minor
	if priced {
		s.priced++
	}
	if on.day >= a.windowFrom {
		s.windowOrders++
		s.windowRevenue += minor
		if priced {
			s.windowPriced++
		}
	}
	m := a.months.at(monthKey(client, on.month))
	m.revenue += minor
	m.days |= on.bit
}

func monthKey(client uint32, month Month) uint64 {
	return uint64(client)<<20 | uint64(month) //nolint:gosec // G115: months of the years 0 to 9999 are below 2¹⁷
}

// lines books what was bought. Lines of a currency without a rate show which
// categories a client buys, without money.
func (a *Accumulator) lines(o *Orders, row int, client uint32, on dated, currency int32, home bool) error {
	from, to := o.Lines.Range(row)
	for line := from; line < to; line++ {
		if o.Lines.Missing(line) {
			continue
		}
		minor := o.Lines.SumMinor[line]
		if !home {
			converted, ok := a.opts.Convert(minor, o.Currency.Value(currency))
			if !ok {
				converted = 0
			}
			minor = converted
		}
		if a.lineSums += distance(minor); a.lineSums > math.MaxInt64 {
			return ErrOverflow
		}
		sold, err := a.valueOf(&o.Lines, line, minor)
		if err != nil {
			return err
		}
		if item, ok := a.itemOf(&o.Lines, line); ok {
			if int(item) == len(a.itemSums) {
				a.itemSums = append(a.itemSums, 0)
			}
			a.itemSums[item] += minor
			*a.itemSeries.at(seriesKey(item, on.sold)) += sold
			a.tickets.put(itemLevel, item)
		}
		category, ok := numberOf(&a.categories, a.scratch.categories, &o.Lines.Category, line)
		if !ok {
			continue
		}
		if int(category) == len(a.categorySums) {
			a.categorySums = append(a.categorySums, 0)
		}
		a.categorySums[category] += minor
		*a.categorySeries.at(seriesKey(category, on.sold)) += sold
		a.tickets.put(categoryLevel, category)
		if client != nobody {
			*a.shelves.at(uint64(client)<<32 | uint64(category)) += minor
		}
	}
	return nil
}

// itemOf is the item of a line: its sku, or its name where a shop keeps no skus.
func (a *Accumulator) itemOf(lines *Lines, line int) (uint32, bool) {
	if item, ok := numberOf(&a.items, a.scratch.skus, &lines.SKU, line); ok {
		return item, true
	}
	return numberOf(&a.items, a.scratch.names, &lines.Name, line)
}

func (a *Accumulator) clientOf(column *Text, row int) uint32 {
	if client, ok := numberOf(&a.clients, a.scratch.clients, column, row); ok {
		return client
	}
	return nobody
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

// dayOf is a row's day, parsed once for each code of a record.
func (a *Accumulator) dayOf(column *Text, row int) (dated, error) {
	code := column.Code(row)
	if code < 0 {
		return dated{}, fmt.Errorf("%w: purchase in row %d has none", ErrDay, row)
	}
	known := &a.scratch.days[code]
	if known.state == 0 {
		*known = dated{state: -1}
		if day, err := ParseDay(column.Value(code)); err == nil {
			*known = dated{day: day, month: day.Month(), bit: 1 << (day.ofMonth() - 1), sold: periodOf(a.opts.Metrics.XYZ.Period, day), state: 1}
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
