package demoshop

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tally is the memory of a count: who shares what, and what was said of whom. A
// person is known by the number of one of their identifiers until the end, when
// the united ones are resolved.
type tally struct {
	count    Count
	asOf     string
	posts    map[string]bool // bodies and delivery ids that came
	ids      map[string]bool // of events, by source
	numbers  map[string]int  // identifier → its number
	parent   []int           // union-find over numbers
	orders   map[string][]statedOrder
	consents []statedConsent
	costs    map[string]statedText // by day, source and campaign: the amount
}

type statedOrder struct {
	id, at string
	who    int // -1: nobody
	said   *toldOrder
}

type statedConsent struct {
	at    string
	who   int
	given bool
}

type statedText struct {
	at, text string
}

func newTally(asOf string) *tally {
	t := &tally{
		asOf: asOf, posts: map[string]bool{}, ids: map[string]bool{}, numbers: map[string]int{},
		orders: map[string][]statedOrder{}, costs: map[string]statedText{},
	}
	t.count = Count{Failed: map[string]int{}, Kinds: map[string]int{}, OtherMinor: map[string]int64{}, Codes: map[string]int{}, Segments: map[string]int{}}
	for _, r := range "123" {
		for _, f := range "123" {
			for _, m := range "123" {
				t.count.Segments[segmentOf(string([]rune{r, f, m}))] = 0
			}
		}
	}
	return t
}

// event counts one new event.
func (t *tally) event(ev told) error {
	t.count.Events++
	t.count.Kinds[ev.Kind]++
	if ev.At == "" {
		ev.At = t.asOf + "T23:59:59+03:00"
	}
	if !strings.HasSuffix(ev.At, "+03:00") || ev.At[:10] > t.asOf {
		return fmt.Errorf("%w: time outside the business's zone or days", ErrUncountable)
	}
	who, err := t.client(ev.Client)
	if err != nil {
		return err
	}
	for _, c := range ev.Consents {
		if c.Purpose == "ads" {
			t.consents = append(t.consents, statedConsent{ev.At, who, c.Given})
		}
	}
	switch ev.Kind {
	case "lead":
		t.count.Leads++
	case "order":
		t.orders[ev.Order.ID] = append(t.orders[ev.Order.ID], statedOrder{ev.ID, ev.At, who, ev.Order})
	case "unsubscribe":
		if ev.Unsubscribe.Channel == "" {
			t.consents = append(t.consents, statedConsent{ev.At, who, false})
		}
	case "cost":
		key := ev.Cost.Day + " " + ev.Cost.Source + " " + ev.Cost.Campaign
		if ev.At >= t.costs[key].at {
			t.costs[key] = statedText{at: ev.At, text: ev.Cost.Amount}
		}
	}
	return nil
}

// client unites all identifiers of one event and gives the number of one of them.
func (t *tally) client(c toldClient) (int, error) {
	var keys []string
	if c.Phone != "" {
		number, err := phone(c.Phone)
		if err != nil {
			return 0, err
		}
		keys = append(keys, "phone "+number)
	}
	if c.Email != "" {
		keys = append(keys, "email "+strings.ToLower(strings.TrimSpace(c.Email)))
	}
	if c.External != "" {
		keys = append(keys, "external "+c.External)
	}
	if c.Card != "" {
		keys = append(keys, "card "+strings.ReplaceAll(c.Card, " ", ""))
	}
	who := -1
	for _, key := range keys {
		number, known := t.numbers[key]
		if !known {
			number = len(t.parent)
			t.numbers[key] = number
			t.parent = append(t.parent, number)
		}
		if who >= 0 {
			t.parent[t.root(number)] = t.root(who)
		}
		who = number
	}
	return who, nil
}

func (t *tally) root(number int) int {
	for t.parent[number] != number {
		t.parent[number] = t.parent[t.parent[number]]
		number = t.parent[number]
	}
	return number
}

// buyer is a client with purchases.
type buyer struct {
	orders  int
	last    string
	revenue int64
}

// sum resolves people, folds the orders and scores the buyers.
func (t *tally) sum() (Count, error) {
	clients := map[int]bool{}
	for number := range t.parent {
		clients[t.root(number)] = true
	}
	t.count.Clients, t.count.Orders = len(clients), len(t.orders)
	buyers := map[int]*buyer{}
	for id, statements := range t.orders {
		if err := t.purchase(buyers, statements); err != nil {
			return Count{}, fmt.Errorf("order %s: %w", id, err)
		}
	}
	for _, cost := range t.costs {
		amount, err := kopecks(cost.text)
		if err != nil {
			return Count{}, err
		}
		t.count.CostMinor += amount
	}
	t.count.Buyers = len(buyers)
	if err := t.scores(buyers); err != nil {
		return Count{}, err
	}
	t.reach(buyers)
	return t.count, nil
}

// purchase folds one order and, if it is a purchase, credits its buyer.
func (t *tally) purchase(buyers map[int]*buyer, statements []statedOrder) error {
	sortTold(statements)
	who, day, status, currency, total, shipping, returned, whole := -1, "", "", "RUB", "0", "0", int64(0), false
	for _, s := range statements {
		if s.who >= 0 {
			if who >= 0 && who != t.root(s.who) {
				return fmt.Errorf("%w: statements of two clients", ErrUncountable)
			}
			who = t.root(s.who)
		}
		status = s.said.Status
		if status == "paid" || status == "shipped" || status == "completed" {
			day = cmp.Or(day, s.at[:10])
		}
		currency, total, shipping = cmp.Or(s.said.Currency, currency), cmp.Or(s.said.Total, total), cmp.Or(s.said.Shipping, shipping)
		if status == "returned" {
			amount, err := kopecks(cmp.Or(s.said.Returned, "0"))
			if err != nil {
				return err
			}
			returned += amount
			whole = whole || s.said.Returned == ""
		}
	}
	if day == "" || status == "new" || status == "cancelled" || whole {
		return nil
	}
	revenue, err := kopecks(total)
	if err != nil {
		return err
	}
	posted, err := kopecks(shipping)
	if err != nil {
		return err
	}
	revenue -= posted + returned
	if revenue < 0 || status == "returned" && revenue == 0 {
		return fmt.Errorf("%w: returned as much as it brought", ErrUncountable)
	}
	switch currency {
	case "RUB":
	case "USD":
		revenue *= 90
	default:
		t.count.OtherMinor[currency] += revenue
		revenue = 0
	}
	t.count.Purchases++
	t.count.RevenueMinor += revenue
	if who < 0 {
		t.count.AnonymousPurchases++
		t.count.AnonymousRevenueMinor += revenue
		return nil
	}
	b := buyers[who]
	if b == nil {
		b = &buyer{}
		buyers[who] = b
	}
	b.orders++
	b.revenue += revenue
	b.last = max(b.last, day)
	return nil
}

// scores counts codes and segments.
func (t *tally) scores(buyers map[int]*buyer) error {
	end, err := time.Parse(time.DateOnly, t.asOf)
	if err != nil {
		return err
	}
	recency := map[int]float64{}
	var r, f, m []float64
	for who, b := range buyers {
		last, err := time.Parse(time.DateOnly, b.last)
		if err != nil {
			return err
		}
		recency[who] = end.Sub(last).Hours() / 24
		r, f, m = append(r, recency[who]), append(f, float64(b.orders)), append(m, float64(b.revenue))
	}
	slices.Sort(r)
	slices.Sort(f)
	slices.Sort(m)
	for who, b := range buyers {
		code := strconv.Itoa(4-score(recency[who], r)) + strconv.Itoa(score(float64(b.orders), f)) + strconv.Itoa(score(float64(b.revenue), m))
		t.count.Codes[code]++
		t.count.Segments[segmentOf(code)]++
	}
	return nil
}

// reach counts who may be advertised to: the last word decides, and of two words
// of one moment the no.
func (t *tally) reach(buyers map[int]*buyer) {
	last := map[int]statedConsent{}
	for _, c := range t.consents {
		who := t.root(c.who)
		if old, ok := last[who]; !ok || c.at > old.at || c.at == old.at && !c.given {
			last[who] = c
		}
	}
	for who, c := range last {
		switch {
		case !c.given:
			t.count.ConsentWithdrawn++
		default:
			t.count.ConsentGiven++
			if buyers[who] != nil {
				t.count.AdBuyers++
			}
		}
	}
	for key, number := range t.numbers {
		who := t.root(number)
		if buyers[who] == nil || !last[who].given {
			continue
		}
		switch kind, _, _ := strings.Cut(key, " "); kind {
		case "phone":
			t.count.AdBuyerPhones++
		case "email":
			t.count.AdBuyerEmails++
		}
	}
}
