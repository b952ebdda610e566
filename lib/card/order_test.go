package card_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

var moscow = time.FixedZone("Moscow", 3*60*60)

// at is an hour of 2026-03-<day> in UTC.
func at(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }

// say is a statement about order 1 of shop s; its id is made of its number.
func say(n int, when time.Time, status string, more ...func(*schema.OrderEventRow)) schema.OrderEventRow {
	ev := schema.OrderEventRow{EventID: fmt.Sprintf("e%02d", n), Source: "site", Shop: "s", OrderID: "1", At: when, Status: status, IsOrder: true}
	for _, f := range more {
		f(&ev)
	}
	return ev
}

func total(n int64) func(*schema.OrderEventRow) {
	return func(ev *schema.OrderEventRow) { ev.TotalMinor = &n }
}

func shipping(n int64) func(*schema.OrderEventRow) {
	return func(ev *schema.OrderEventRow) { ev.ShippingMinor = &n }
}

func returned(n int64) func(*schema.OrderEventRow) {
	return func(ev *schema.OrderEventRow) { ev.ReturnedMinor = &n }
}

func items(skus ...string) func(*schema.OrderEventRow) {
	return func(ev *schema.OrderEventRow) {
		for _, sku := range skus {
			ev.Items = append(ev.Items, schema.ItemRow{SKU: sku, Quantity: "1", SumMinor: 100})
		}
	}
}

func by(token string) func(*schema.OrderEventRow) {
	return func(ev *schema.OrderEventRow) { ev.Tokens = []string{token, "later-token"} }
}

// folded is what a test looks at.
type folded struct {
	Status    string
	Purchase  bool
	Day       string
	Revenue   int64
	Returned  int64
	Currency  string
	Token     string
	FirstLine string
}

func view(o schema.OrderRow) folded {
	f := folded{Status: o.Status, Purchase: o.Purchase, Day: o.Day, Revenue: o.RevenueMinor, Returned: o.ReturnedMinor, Currency: o.Currency, Token: o.Token}
	if len(o.Lines) > 0 {
		f.FirstLine = o.Lines[0].SKU
	}
	return f
}

// The rules of metrics.md, "Fold of an order", one by one.
func TestFoldOfAnOrder(t *testing.T) {
	euro := func(ev *schema.OrderEventRow) { ev.Currency = "EUR" }
	for _, tc := range []struct {
		name   string
		events []schema.OrderEventRow
		want   folded
	}{
		{"a new order is no purchase", []schema.OrderEventRow{say(1, at(1, 10), "new", total(1000))}, folded{Status: "new"}},
		{"a paid order is one: 1000 - 100", []schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100))}, folded{Status: "paid", Purchase: true, Day: "2026-03-01", Revenue: 900}},
		{"shipped and completed are purchases too", []schema.OrderEventRow{say(1, at(1, 10), "shipped", total(1000))}, folded{Status: "shipped", Purchase: true, Day: "2026-03-01", Revenue: 1000}},
		{
			"a statement without a field changes nothing",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100), euro, items("a"), by("p1")), say(2, at(2, 10), "completed")},
			folded{Status: "completed", Purchase: true, Day: "2026-03-01", Revenue: 900, Currency: "EUR", Token: "p1", FirstLine: "a"},
		},
		{
			"a statement without a status keeps the status",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000)), say(2, at(2, 10), "", total(800))},
			folded{Status: "paid", Purchase: true, Day: "2026-03-01", Revenue: 800},
		},
		{
			"a total of zero is told, not untold",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000)), say(2, at(2, 10), "", total(0))},
			folded{Status: "paid", Purchase: true, Day: "2026-03-01"},
		},
		{
			"the latest statement of a field wins",
			[]schema.OrderEventRow{say(2, at(3, 10), "completed", total(700), items("b"), by("p2")), say(1, at(1, 10), "paid", total(1000), items("a"), by("p1"))},
			folded{Status: "completed", Purchase: true, Day: "2026-03-01", Revenue: 700, Token: "p2", FirstLine: "b"},
		},
		{
			"the latest time wins, not the highest status",
			[]schema.OrderEventRow{say(1, at(1, 10), "completed", total(1000)), say(2, at(2, 10), "paid")},
			folded{Status: "paid", Purchase: true, Day: "2026-03-01", Revenue: 1000},
		},
		{"cancelled never counts", []schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000)), say(2, at(2, 10), "cancelled")}, folded{Status: "cancelled"}},
		{
			"who pays after all counts again",
			[]schema.OrderEventRow{say(1, at(1, 10), "cancelled", total(1000)), say(2, at(2, 10), "paid")},
			folded{Status: "paid", Purchase: true, Day: "2026-03-02", Revenue: 1000},
		},
		{"at one instant cancelled beats completed", []schema.OrderEventRow{say(9, at(1, 10), "completed", total(1000)), say(1, at(1, 10), "cancelled")}, folded{Status: "cancelled"}},
		{
			"at one instant completed beats shipped, paid and new",
			[]schema.OrderEventRow{say(9, at(1, 10), "new"), say(8, at(1, 10), "paid"), say(7, at(1, 10), "shipped"), say(1, at(1, 10), "completed", total(5))},
			folded{Status: "completed", Purchase: true, Day: "2026-03-01", Revenue: 5},
		},
		{
			"at one instant and rank the larger event id wins",
			[]schema.OrderEventRow{say(2, at(1, 10), "paid", total(20)), say(1, at(1, 10), "paid", total(10))},
			folded{Status: "paid", Purchase: true, Day: "2026-03-01", Revenue: 20},
		},
		{
			"a part returned lowers the purchase's own day",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100)), say(2, at(20, 10), "returned", returned(300))},
			folded{Status: "returned", Purchase: true, Day: "2026-03-01", Revenue: 600, Returned: 300},
		},
		{
			"several returns add up: 1000 - 100 - 300 - 200",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100)), say(2, at(20, 10), "returned", returned(300)), say(3, at(21, 10), "returned", returned(200))},
			folded{Status: "returned", Purchase: true, Day: "2026-03-01", Revenue: 400, Returned: 500},
		},
		{
			"parts that make up the whole are no purchase",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100)), say(2, at(20, 10), "returned", returned(300)), say(3, at(21, 10), "returned", returned(600))},
			folded{Status: "returned", Returned: 900},
		},
		{
			"returned without an amount is all of it",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), shipping(100)), say(2, at(20, 10), "returned")},
			folded{Status: "returned", Returned: 900},
		},
		{
			"a refund written below zero lowers revenue all the same",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000)), say(2, at(20, 10), "returned", returned(-300))},
			folded{Status: "returned", Purchase: true, Day: "2026-03-01", Revenue: 700, Returned: 300},
		},
		{
			"an amount of return counts with a return alone",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000), returned(300))},
			folded{Status: "paid", Purchase: true, Day: "2026-03-01", Revenue: 1000},
		},
		{
			"a part returned and then completed stays lowered",
			[]schema.OrderEventRow{say(1, at(1, 10), "paid", total(1000)), say(2, at(2, 10), "returned", returned(300)), say(3, at(3, 10), "completed")},
			folded{Status: "completed", Purchase: true, Day: "2026-03-01", Revenue: 700, Returned: 300},
		},
		{
			"the day is that of the first paid statement, not of the order",
			[]schema.OrderEventRow{say(1, at(1, 10), "new", total(1000)), say(3, at(5, 10), "completed"), say(2, at(4, 10), "paid")},
			folded{Status: "completed", Purchase: true, Day: "2026-03-04", Revenue: 1000},
		},
		{"the day is cut in the business's time zone", []schema.OrderEventRow{say(1, at(1, 22), "paid", total(1000))}, folded{Status: "paid", Purchase: true, Day: "2026-03-02", Revenue: 1000}},
		{"a free order is an order", []schema.OrderEventRow{say(1, at(1, 10), "completed", total(0))}, folded{Status: "completed", Purchase: true, Day: "2026-03-01"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, view(card.FoldOrder(schema.OrderRow{}, tc.events, moscow))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoStatementsAreNoOrder(t *testing.T) {
	if got := card.FoldOrder(schema.OrderRow{}, nil, moscow); got.Purchase || got.Status != "" || len(got.Statements) != 0 {
		t.Errorf("fold of nothing = %+v", got)
	}
}

func randomStatements(random *rand.Rand) []schema.OrderEventRow {
	statuses := []string{"", "new", "paid", "shipped", "completed", "cancelled", "returned"}
	events := make([]schema.OrderEventRow, 1+random.IntN(8))
	for i := range events {
		ev := say(i, at(1+random.IntN(5), 10), statuses[random.IntN(len(statuses))]) // few instants: ties abound
		if random.IntN(2) == 0 {
			ev.TotalMinor = new(random.Int64N(2000))
		}
		if random.IntN(3) == 0 {
			ev.ShippingMinor = new(random.Int64N(300))
		}
		if random.IntN(2) == 0 {
			ev.ReturnedMinor = new(random.Int64N(800))
		}
		if random.IntN(2) == 0 {
			ev.Tokens = []string{fmt.Sprint("p", random.IntN(3))}
		}
		if random.IntN(3) == 0 {
			items(fmt.Sprint("sku", i))(&ev)
		}
		if random.IntN(4) == 0 {
			ev.Currency = "USD"
		}
		if random.IntN(4) == 0 {
			ev.Source = "crm"
		}
		events[i] = ev
	}
	return events
}

// The order of arrival, repetition and folding bit by bit over several nights
// change nothing.
func TestTheWayStatementsArriveChangesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for round := range 3000 {
		events := randomStatements(random)
		want := card.FoldOrder(schema.OrderRow{}, events, moscow)
		shuffled := append([]schema.OrderEventRow(nil), events...)
		shuffled = append(shuffled, events[random.IntN(len(events))]) // one of them again
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, card.FoldOrder(schema.OrderRow{}, shuffled, moscow)); diff != "" {
			t.Fatalf("round %d, shuffled (-want +got):\n%s", round, diff)
		}
		var night schema.OrderRow
		for len(shuffled) > 0 {
			n := 1 + random.IntN(len(shuffled))
			night = card.FoldOrder(night, shuffled[:n], moscow)
			shuffled = shuffled[n:]
		}
		if diff := cmp.Diff(want, night); diff != "" {
			t.Fatalf("round %d, folded bit by bit (-want +got):\n%s", round, diff)
		}
		if want.Purchase && (want.Day == "" || want.RevenueMinor > want.TotalMinor-want.ShippingMinor) {
			t.Fatalf("round %d: a purchase on day %q brought %d of %d - %d", round, want.Day, want.RevenueMinor, want.TotalMinor, want.ShippingMinor)
		}
		if !want.Purchase && (want.Day != "" || want.RevenueMinor != 0) {
			t.Fatalf("round %d: no purchase, but day %q and revenue %d", round, want.Day, want.RevenueMinor)
		}
	}
}

func TestFoldingChangesNothingItWasGiven(t *testing.T) {
	first := card.FoldOrder(schema.OrderRow{}, []schema.OrderEventRow{say(1, at(2, 10), "paid", total(100), items("a"))}, moscow)
	before := append([]schema.StatementRow(nil), first.Statements...)
	card.FoldOrder(first, []schema.OrderEventRow{say(2, at(1, 10), "new", items("b"))}, moscow)
	if diff := cmp.Diff(before, first.Statements); diff != "" {
		t.Errorf("the known row changed (-before +after):\n%s", diff)
	}
}
