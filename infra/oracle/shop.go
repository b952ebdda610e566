package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

// shopLastDay is the as-of day of the invented businesses.
const shopLastDay = "2026-07-31"

// mixed invents a shop in which every rule of the fold meets every other: returns
// of a part, in several parts and of everything, payments that are cancelled,
// orders of nothing, amounts that are stated late or never, currencies, instants
// that are equal, and days that are others in other time zones.
type mixed struct {
	rng     *rand.Rand
	last    time.Time // midnight after the as-of day, UTC
	clients int
	all     []event.Event
	orders  int
}

func newMixed(seed uint64, clients int) *mixed {
	last, err := time.Parse(time.DateOnly, shopLastDay)
	if err != nil {
		panic(err) // a constant of this package
	}
	return &mixed{
		rng:  rand.New(rand.NewPCG(seed, 0x6f7261636c65)), //nolint:gosec // G404: seeded, for a shop that can be made again
		last: last.AddDate(0, 0, 1), clients: clients,
	}
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// chance is true in n of 100 cases.
func (m *mixed) chance(n int) bool { return m.rng.IntN(100) < n }

// when is an instant of the 500 days before the last one and the day after it;
// often close to a midnight of some time zone, or as long ago as a threshold of some
// configuration says, or a day more.
func (m *mixed) when() time.Time {
	if m.chance(30) {
		ago := pick(m.rng, 7, 30, 45, 60, 90, 180, 200, 300, 365) + m.rng.IntN(2)
		return m.last.AddDate(0, 0, -ago).Add(-12 * time.Hour)
	}
	at := m.last.AddDate(0, 0, 1-m.rng.IntN(500))
	if m.chance(40) {
		return at.Add(time.Duration(pick(m.rng, 0, 1, -3*60, -3*60-1, 4*60, 4*60-1, 5*60, -5*60-45, -345)) * time.Minute)
	}
	return at.Add(time.Duration(m.rng.IntN(24*60)) * time.Minute).Add(time.Duration(m.rng.IntN(1_000_000)) * time.Microsecond)
}

// add sends an event under an id of its own. Ids have no order in time, so that
// ties by id are no ties by time.
func (m *mixed) add(ev event.Event) {
	ev.ID = fmt.Sprintf("%04x-%d", m.rng.IntN(1<<16), len(m.all))
	m.all = append(m.all, ev)
}

func (m *mixed) amount() string {
	switch m.rng.IntN(8) {
	case 0:
		return pick(m.rng, "0.00", "0.01", "100.00", "1000.00")
	case 1:
		return pick(m.rng, "250.00", "500.00", "999.99", "33333.33")
	default:
		return strconv.Itoa(10+m.rng.IntN(3000)) + "." + pick(m.rng, "00", "50", "05", "99")
	}
}

// events is everything that is posted, in an order that has nothing to do with
// time.
func (m *mixed) events() []event.Event {
	for i := range m.clients {
		m.client(i)
	}
	m.edges()
	for range m.clients / 10 {
		m.order(event.Client{}) // nobody's
	}
	for day := range 500 {
		m.cost(m.last.AddDate(0, 0, 2-day))
	}
	m.rng.Shuffle(len(m.all), func(i, j int) { m.all[i], m.all[j] = m.all[j], m.all[i] })
	return m.all
}

// edges are people who stand exactly at a number of days of some configuration, and
// a day beyond it.
func (m *mixed) edges() {
	for _, days := range []int{30, 31, 60, 61, 90, 91, 180, 181, 200, 201, 300, 301, 365, 366, 730, 731} {
		noon := m.last.AddDate(0, 0, -days).Add(-12 * time.Hour)
		who := func(what string) event.Client { return event.Client{ExternalID: fmt.Sprintf("E-%s-%d", what, days)} }
		m.add(event.Event{Kind: event.Lead, At: noon, Client: who("asked")})
		paid := func(client event.Client, n int, at time.Time) {
			id := fmt.Sprintf("e-%s-%d", client.ExternalID, n)
			m.add(event.Event{Kind: event.OrderChange, At: at, Client: client, Order: &event.Order{ID: id, Status: "paid", Currency: "RUB", Total: "1.00"}})
		}
		paid(who("once"), 0, noon)
		for n := range 5 {
			paid(who("regular"), n, noon.AddDate(0, 0, min(n, days-1)))
		}
		// He ordered then, and nobody says who paid a week later.
		id := fmt.Sprintf("e-silent-%d", days)
		m.add(event.Event{Kind: event.OrderChange, At: noon, Client: who("silent"), Order: &event.Order{ID: id, Status: "new", Currency: "RUB", Total: "5.00"}})
		m.add(event.Event{Kind: event.OrderChange, At: noon.AddDate(0, 0, 7), Order: &event.Order{ID: id, Status: "paid"}})
	}
}

func (m *mixed) client(i int) {
	who := event.Client{ExternalID: fmt.Sprintf("C-%04d", i)}
	if m.chance(30) {
		who.CardNo = strconv.Itoa(70_000_000 + i)
	}
	who.LoyaltyLevel = pick(m.rng, "", "", "gold", "silver")
	utm := event.Attribution{
		UTMSource: pick(m.rng, "", "yandex", "Yandex ", "google", "vk"), UTMMedium: "cpc",
		UTMCampaign: pick(m.rng, "", "spring", "Spring", "sale"),
	}
	if m.chance(40) {
		at := m.when()
		one := who
		one.BirthDate = pick(m.rng, "1990-02-01", "2000-02-29", "1985-12-31", "1977-05-16", "--02-29", "")
		one.Attributes = map[string]string{
			"child_birth_date": pick(m.rng, "2015-02-28", "2016-02-29", "01.03.2019"), pick(m.rng, "child_birth_date_2", "Child 2 birth-date", "pet_birth_date"): pick(m.rng, "2020-01-01", "2021-05-15", "30.06.2022"),
		}
		m.add(event.Event{Kind: event.Profile, At: at, Client: one})
	}
	interests := func() []string {
		return [][]string{nil, nil, {"coffee"}, {"tea"}, {"Cake"}, {"cake"}, {"coffee", "tea"}}[m.rng.IntN(7)]
	}
	for range m.rng.IntN(3) {
		m.add(event.Event{
			Kind: event.Lead, At: m.when(), Client: who, Attribution: utm, Interests: interests(), Entity: pick(m.rng, "", "", fmt.Sprintf("deal-%d", i)),
			Tags: pick(m.rng, nil, nil, nil, []string{"vip"}, []string{"Partner", "gold"}, []string{"Партнер"}), Manager: pick(m.rng, "", "olga", "ivan"),
		})
	}
	for range m.rng.IntN(3) {
		m.add(event.Event{
			Kind: event.ContactMade, At: m.when(), Client: who, Entity: pick(m.rng, "", "", fmt.Sprintf("call-%d", i)),
			Contact: &event.Contact{Channel: pick(m.rng, "call", "chat", "visit"), Direction: pick(m.rng, "in", "out", "Outbound", ""), Result: pick(m.rng, "", "answered", "missed", "no_answer", "Busy")},
		})
	}
	if m.chance(30) {
		m.add(event.Event{Kind: event.Stage, At: m.when(), Client: who, Stage: pick(m.rng, "first_contact", "visited", "won", "elsewhere"), Interests: interests()})
	}
	for range m.rng.IntN(3) {
		at := m.when()
		m.add(event.Event{Kind: event.ConsentSaid, At: at, Client: who, Consents: []event.Consent{
			{Purpose: "ads", Given: m.chance(70), TextVersion: pick(m.rng, "1", "2")},
			{Purpose: pick(m.rng, "email", "sms", "ads"), Given: m.chance(50), At: pick(m.rng, at, at.Add(-time.Hour), at.AddDate(0, 1, 0))},
		}})
	}
	if m.chance(10) {
		m.add(event.Event{Kind: event.Unsubscribe, At: m.when(), Client: who, Unsubscribe: &event.Unsubscription{Channel: pick(m.rng, "", "email")}})
	}
	for range pick(m.rng, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 9) {
		m.order(who)
	}
}

// statement is what an event may say about an order.
type statement struct {
	after                             int // minutes after the one before
	status, total, shipping, returned string
	items                             bool
}

// order posts one order by one of the ways that orders go.
func (m *mixed) order(who event.Client) {
	m.orders++
	id, currency := fmt.Sprintf("o-%d", m.orders), pick(m.rng, "", "RUB", "RUB", "RUB", "RUB", "USD", "JPY", "KWD")
	total := m.amount()
	if currency == "JPY" {
		total = strconv.Itoa(m.rng.IntN(50_000))
	}
	whole, half := total, pick(m.rng, "1.00", "5.00", "10.00")
	if currency == "JPY" {
		half = "3"
	}
	shipping := pick(m.rng, "", "", "0", "2", "300")
	day := 24 * 60
	ways := [][]statement{
		{{status: "paid", total: total, shipping: shipping, items: true}},
		{{status: "new", total: total}, {after: 30, status: "paid", items: true}, {after: day, status: "shipped", shipping: shipping}, {after: 3 * day, status: "completed"}},
		{{status: "completed", items: true}},
		{{status: "shipped", total: total, items: true}, {after: 20 * day, status: "completed"}},
		{{status: "new", total: total, items: true}},
		{{status: "paid", total: total, items: true}, {after: 60, status: "cancelled"}},
		{{status: "cancelled", total: total}, {after: 60, status: "paid", items: true}},
		{{status: "paid", total: total, items: true, shipping: shipping}, {after: 5 * day, status: "returned", returned: half}},
		{{status: "paid", total: total, items: true}, {after: day, status: "returned", returned: half}, {after: day, status: "returned", returned: half}, {after: 40 * day, status: "returned", returned: half}},
		{{status: "completed", total: total, items: true, shipping: shipping}, {after: 9 * day, status: "returned"}},
		{{status: "completed", total: total, items: true}, {after: 9 * day, status: "returned", returned: whole}},
		{{status: "paid", total: total, items: true}, {after: day, status: "returned", returned: half}, {after: day, status: "completed"}},
		{{status: "completed", total: total}, {after: day, status: "returned"}, {after: day, status: "completed"}},
		{{status: "returned", total: total, returned: half, items: true}},
		{{status: "paid", total: "0", items: true}},
		{{status: "paid", total: total, items: true}, {after: day, total: m.sameCurrency(currency), items: true}},
		{{status: "paid", total: total}, {after: day, total: "0"}},
		{{status: "paid", total: total, items: true}, {status: "shipped"}, {status: "new"}, {status: "completed"}},
		{{status: "paid", total: total, items: true}, {status: "returned", returned: half}, {status: "cancelled"}},
		{{status: "paid", total: total}, {status: "paid", total: m.sameCurrency(currency), shipping: shipping}, {status: "paid", items: true}, {status: "paid", items: true}},
		{{status: "new", total: total}, {after: day, shipping: shipping, items: true}, {after: 70 * day, status: "completed"}},
	}
	at, other := m.when(), m.chance(4)
	for i, s := range pick(m.rng, ways...) {
		at = at.Add(time.Duration(s.after) * time.Minute)
		ev := event.Event{Kind: event.OrderChange, At: at, Client: who, Order: &event.Order{ID: id, Status: s.status, Total: s.total, Shipping: s.shipping, Returned: s.returned}}
		if i == 0 || m.chance(70) {
			ev.Order.Currency = currency
		}
		if i > 0 && m.chance(20) {
			ev.Client = event.Client{} // who it is of was said before
		}
		if i > 0 && other {
			ev.Client = event.Client{ExternalID: fmt.Sprintf("C-%04d", m.rng.IntN(m.clients))} // it was put down to somebody else
		}
		if s.items {
			ev.Order.Items = m.items(currency)
		}
		if m.chance(10) {
			ev.Interests = []string{pick(m.rng, "coffee", "tea")}
		}
		m.add(ev)
	}
}

func (m *mixed) sameCurrency(currency string) string {
	if currency == "JPY" {
		return strconv.Itoa(m.rng.IntN(50_000))
	}
	return m.amount()
}

func (m *mixed) items(currency string) []event.Item {
	var items []event.Item
	for range 1 + m.rng.IntN(3) {
		n := m.rng.IntN(12)
		item := event.Item{
			SKU: fmt.Sprintf("sku-%d", n), Name: fmt.Sprintf("Thing %d", n), Category: pick(m.rng, "coffee", "tea", "cake", "books", ""),
			Quantity: pick(m.rng, "1", "2", "0.335"),
		}
		if m.chance(20) {
			item.SKU = "" // a shop that keeps no skus for some
		}
		if m.chance(50) {
			item.Sum = m.sameCurrency(currency)
		} else {
			item.Price = m.sameCurrency(currency)
		}
		items = append(items, item)
	}
	return items
}

// cost states a day's advertising, sometimes twice, the second time higher.
func (m *mixed) cost(day time.Time) {
	for range m.rng.IntN(3) {
		cost := event.Cost{
			Day: day.Format(time.DateOnly), Source: pick(m.rng, "yandex", "Google", "radio"), Campaign: pick(m.rng, "", "spring", "sale"),
			Amount: m.amount(), Currency: pick(m.rng, "RUB", "RUB", "USD"),
		}
		at := day.Add(20 * time.Hour)
		m.add(event.Event{Kind: event.CostSpent, At: at, Cost: &cost})
		if m.chance(25) {
			again := cost
			again.Amount = m.amount()
			m.add(event.Event{Kind: event.CostSpent, At: at.Add(time.Hour), Cost: &again})
		}
	}
}

// ties is a shop in which everything is equal to something else: amounts, days,
// instants.
type ties struct{ *mixed }

func newTies(seed uint64, clients int) *ties { return &ties{newMixed(seed, clients)} }

func (t *ties) events() []event.Event {
	days := []int{1, 1, 1, 30, 30, 90, 365, 400}
	for i := range t.clients {
		who := event.Client{ExternalID: fmt.Sprintf("T-%04d", i)}
		for range pick(t.rng, 1, 1, 1, 1, 2, 2, 5) {
			t.orders++
			id := fmt.Sprintf("t-%d", t.orders)
			at := t.last.AddDate(0, 0, -pick(t.rng, days...)).Add(9 * time.Hour)
			total := pick(t.rng, "100.00", "100.00", "200.00")
			t.add(event.Event{Kind: event.OrderChange, At: at, Client: who, Order: &event.Order{
				ID: id, Status: "paid", Currency: "RUB", Total: total, Items: []event.Item{{SKU: pick(t.rng, "a", "b", "c", "d"), Category: pick(t.rng, "x", "y"), Quantity: "1", Sum: total}},
			}})
			if t.chance(30) { // two words for one instant
				t.add(event.Event{Kind: event.OrderChange, At: at, Client: who, Order: &event.Order{ID: id, Status: pick(t.rng, "paid", "completed", "cancelled"), Total: pick(t.rng, "100.00", "200.00")}})
			}
		}
	}
	slices.Reverse(t.all)
	return t.all
}

// oneClient is a single person with one order in two statements, one of them late.
func oneClient() []event.Event {
	m := newMixed(3, 1)
	who := event.Client{ExternalID: "only"}
	at := m.last.AddDate(0, 0, -10)
	m.add(event.Event{Kind: event.OrderChange, At: at.Add(time.Hour), Client: who, Order: &event.Order{ID: "1", Status: "completed"}})
	m.add(event.Event{Kind: event.OrderChange, At: at, Client: who, Order: &event.Order{ID: "1", Status: "paid", Total: "12.34", Currency: "RUB"}})
	return m.all
}

// nobody is orders without any client.
func nobody() []event.Event {
	m := newMixed(5, 1)
	for range 40 {
		m.order(event.Client{})
	}
	for i := range m.all {
		m.all[i].Client = event.Client{} // nor were they put down to somebody later
	}
	return m.all
}
