package main

import (
	"math"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
)

// The shop of the night: months of orders that end with the as-of day.
const (
	clientOrders       = 10 // orders by client, on average
	oncePerThousand    = 34 // orders of people who never order again; others have one purchase by chance
	cohortStays        = 0.92
	tailPower, tailCap = 3.0, 0.05 // of a client's share in the orders of his cohort; the cap keeps it below some 2 000 orders
)

// How orders go, in thousandths of all orders.
const (
	cancelled = 130
	pending   = 55 // new and nothing after it; the rest is bought
	returned  = 30 // of all, weeks after they were bought

	// Of those bought: at the till, paid, completed, and the rest with a shipment.
	atTill, onlyPaid, completed = 100, 310, 436
)

// The days after the order on which something may be said of it.
const (
	lastStepDay              = 7
	firstReturn, lastReturns = 14, 45
)

const daySeconds = 86_390 // what is said later in a day would be received on the next

// orderShop makes orders and their statements, the same for the same numbers. An
// order is a function of its number, and numbers rise with time, so every day can be
// made alone. The months are whole ones where asOf ends one.
type orderShop struct {
	orders, seed uint64
	other        float64 // share of orders in a currency without a rate
	begin        time.Time
	days         int

	months  []int     // of each day, from 0
	ages    []float64 // of a cohort in the orders of a month, summed up
	cohorts []uint64  // first number of each cohort's clients, and the end of the last
}

// newOrderShop makes a shop of so many months that ends with the day asOf.
func newOrderShop(orders, seed uint64, asOf time.Time, months int, other float64) *orderShop {
	s := &orderShop{orders: orders, seed: seed, other: other, begin: asOf.AddDate(0, 0, 1).AddDate(0, -months, 0)}
	for day := s.begin; !day.After(asOf); day = day.AddDate(0, 0, 1) {
		s.months = append(s.months, (day.Year()-s.begin.Year())*12+int(day.Month()-s.begin.Month()))
		s.days++
	}
	// A cohort's part in the orders of a month falls with its age. A cohort has as many
	// clients as it has orders by clientOrders, so the first, who were there before, are many.
	cohorts := s.months[s.days-1] + 1
	s.ages, s.cohorts = make([]float64, cohorts), make([]uint64, cohorts+1)
	weight, sum := 1.0, 0.0
	for age := range s.ages {
		sum += weight
		s.ages[age], weight = sum, weight*cohortStays
	}
	shares := make([]float64, cohorts)
	for month := range cohorts {
		for age := range month + 1 {
			part := s.ages[age]
			if age > 0 {
				part -= s.ages[age-1]
			}
			shares[month-age] += part / s.ages[month]
		}
	}
	clients, upto := float64(orders)/clientOrders-float64(orders)*oncePerThousand/1000, 0.0
	for cohort, share := range shares {
		upto += share / float64(cohorts)
		s.cohorts[cohort+1] = max(s.cohorts[cohort]+1, uint64(clients*upto))
	}
	return s
}

// regulars is how many numbers there are for clients who may order again.
func (s *orderShop) regulars() uint64 { return s.cohorts[len(s.cohorts)-1] }

// firstOf is the number of a day's first order.
func (s *orderShop) firstOf(day int) uint64 { return s.orders * uint64(day) / uint64(s.days) } //nolint:gosec // G115: never negative

// step is one statement: the status, the days after the order, and the second of
// that day.
type step struct {
	status string
	after  int
	second int
}

// shopOrder is one order. Tokens are of the client, in the order of events.
type shopOrder struct {
	number     uint64
	client     uint64
	kinds      string // of the tokens under which the order comes
	shipping   int64
	total      int64
	other      bool
	steps      [5]step
	stepsCount int
	part       int64 // minor units that came back; −1: no amount is told, all of it
}

// onceBit marks the numbers of clients who order once.
const onceBit = 1 << 40

// fraction is a number in [0, 1) of a hash.
func fraction(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// clientOf is who an order is of.
func (s *orderShop) clientOf(number uint64, month int) uint64 {
	if number%1000*7%1000 < oncePerThousand {
		return onceBit | number
	}
	h := spread(s.seed+1, number)
	at := fraction(h) * s.ages[month]
	age := 0
	for s.ages[age] < at {
		age++
	}
	from, to := s.cohorts[month-age], s.cohorts[month-age+1]
	// The inverse of a distribution whose density falls from the first client to the last.
	low, high := math.Pow(tailCap, tailPower), math.Pow(1+tailCap, tailPower)
	place := (math.Pow(fraction(spread(s.seed+2, number))+tailCap, tailPower) - low) / (high - low)
	return min(from+uint64(place*float64(to-from)), to-1)
}

// tokenKinds is which tokens of its client an order comes under: a tenth of all
// clients have two, a phone and an e-mail, and three tenths of their orders name both.
func (s *orderShop) tokenKinds(client, number uint64) string {
	if client&onceBit != 0 || spread(s.seed+3, client)%7 != 0 {
		return phoneOnly
	}
	switch h := spread(s.seed+4, number) % 20; {
	case h < 7:
		return phoneOnly
	case h < 14:
		return emailOnly
	}
	return phoneAndEmail
}

const (
	phoneOnly     = string(identity.KindPhone)
	emailOnly     = string(identity.KindEmail)
	phoneAndEmail = phoneOnly + emailOnly
)

// saysOn reports whether an order may have a statement so many days after it; it
// spares making most orders of earlier days.
func (s *orderShop) saysOn(number uint64, after int) bool {
	if after == 0 {
		return true
	}
	h := spread(s.seed+5, number)
	if after > lastStepDay {
		return h>>32%1000 < returned
	}
	return h%1000 >= pending || h>>32%1000 < returned
}

// secondOf is when on its day an order was placed.
func (s *orderShop) secondOf(number uint64, day int) int {
	first, next := s.firstOf(day), s.firstOf(day+1)
	return int((number - first) * (daySeconds - 10) / (next - first)) //nolint:gosec // G115: of a day
}

// order makes the order of a number, which was placed on day.
func (s *orderShop) order(number uint64, day int) shopOrder {
	second := s.secondOf(number, day)
	o := shopOrder{number: number, client: s.clientOf(number, s.months[day])}
	o.kinds = s.tokenKinds(o.client, number)
	h := spread(s.seed+5, number)
	dice := spread(s.seed+6, number)
	soon := second + 1 + int(dice%uint64(min(1800, daySeconds-second-1))) //nolint:gosec // G115: seconds
	later := func(shift int) int { return int(dice >> shift % daySeconds) }
	add := func(status string, after, second int) {
		o.steps[o.stepsCount] = step{status, after, second}
		o.stepsCount++
	}
	shipped := 1 + int(dice>>8%2)
	done := shipped + 1 + int(dice>>16%(lastStepDay-2))
	// Returned are those that were bought, whatever they were before.
	back := h>>32%1000 < returned
	bought := s.boughtAs(h, back)
	switch bought {
	case "":
		add(event.StatusNew, 0, second)
		if h%1000 >= pending {
			add(event.StatusCancelled, 1+int(dice>>8%5), later(13))
		}
	case event.StatusNew: // at the till: there is nothing before the receipt
		add(event.StatusCompleted, 0, second)
	default:
		add(event.StatusNew, 0, second)
		add(event.StatusPaid, 0, soon)
		if bought == event.StatusShipped {
			add(event.StatusShipped, shipped, later(13))
		}
		if bought != event.StatusPaid {
			add(event.StatusCompleted, done, later(23))
		}
	}
	// Pareto with exponent 1.8 from 500.00 on; nobody spends more than a million.
	o.total = int64(min(50_000*math.Pow(1-fraction(spread(s.seed+7, number)), -1/1.8), 100_000_000))
	if dice>>40%10 < 4 && bought != event.StatusNew {
		o.shipping = 30_000
		o.total += o.shipping
	}
	if back {
		add(event.StatusReturned, firstReturn+int(dice>>8%(lastReturns-firstReturn+1)), later(33))
		switch dice >> 50 % 4 {
		case 0:
			o.part = -1
		case 1:
			o.part = o.total - o.shipping
		default:
			o.part = (o.total - o.shipping) * 3 / 10
		}
	}
	o.other = s.other > 0 && fraction(spread(s.seed+8, number)) < s.other
	return o
}

// boughtAs is how an order was bought: completed, paid, shipped, new for the till;
// empty if it was not.
func (s *orderShop) boughtAs(h uint64, back bool) string {
	if h%1000 < pending+cancelled && !back {
		return ""
	}
	switch kind := h >> 44 % 1000; {
	case kind < atTill:
		return event.StatusNew
	case kind < atTill+onlyPaid:
		return event.StatusPaid
	case kind < atTill+onlyPaid+completed:
		return event.StatusCompleted
	}
	return event.StatusShipped
}
