package analytics_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

func TestOnlyPurchasesUpToTheAsOfDayCount(t *testing.T) {
	cancelled := paid("a", "2026-05-01", 900)
	cancelled.Purchase = false
	lead := paid("z", "", 0) // no purchase and so no day
	lead.Purchase = false
	b := base(t, options(t), paid("a", "2026-12-31", 100), paid("a", "2027-01-01", 50), cancelled, lead, paid("", "2026-03-01", 30))
	want := analytics.Totals{Orders: 2, RevenueMinor: 130, AnonymousOrders: 1, AnonymousMinor: 30, AfterAsOf: 1}
	if b.Totals != want {
		t.Errorf("Totals = %+v, want %+v", b.Totals, want)
	}
	if b.Len() != 1 || b.Client(0).ID != "a" || b.Client(0).Orders != 1 || b.Client(0).RevenueMinor != 100 {
		t.Errorf("Clients = %+v, want a with one order of 100", clientsOf(b))
	}
}

func TestZeroOrdersCountUnlessSkipped(t *testing.T) {
	orders := []order{paid("a", "2026-05-01", 0), paid("a", "2026-05-02", 100), paid("b", "2026-05-01", 0)}
	if b := base(t, options(t), orders...); b.Totals.Orders != 3 || b.Client(0).Orders != 2 || b.Len() != 2 {
		t.Errorf("counted: %+v, %d clients; want 3 orders of 2 clients", b.Totals, b.Len())
	}
	b := base(t, options(t, func(m *config.Metrics) { m.SkipZeroOrders = true }), orders...)
	if b.Totals.Orders != 1 || b.Totals.ZeroSkipped != 2 || b.Len() != 1 || b.Client(0).Orders != 1 {
		t.Errorf("skipped: %+v, %d clients; want 1 order, 2 skipped", b.Totals, b.Len())
	}
}

// A dollar has the rate 90, a euro has none: the euro order counts for R and F,
// its money stands apart and does not lower the average check.
func TestOtherCurrencies(t *testing.T) {
	dollars, euros, nobodys := paid("a", "2026-05-02", 10, schema.ItemRow{SKU: "s", Category: "tea", SumMinor: 10}), paid("a", "2026-06-01", 70, schema.ItemRow{SKU: "s", Category: "mugs", SumMinor: 70}), paid("", "2026-06-01", 5)
	dollars.Currency, euros.Currency, nobodys.Currency = "USD", "EUR", "EUR"
	o := options(t)
	o.Convert = func(minor int64, currency string) (int64, bool) { return 90 * minor, currency == "USD" }
	b := base(t, o, paid("a", "2026-05-01", 100), dollars, euros, nobodys)
	want := []schema.OtherRevenueRow{{ClientID: "", Currency: "EUR", RevenueMinor: 5}, {ClientID: "a", Currency: "EUR", RevenueMinor: 70}}
	if diff := cmp.Diff(want, b.Other); diff != "" {
		t.Errorf("Other (-want +got):\n%s", diff)
	}
	a := b.Client(0)
	if average, known := a.AverageMinor(); a.RevenueMinor != 1000 || a.Orders != 3 || a.LastDay != day(t, "2026-06-01") || average != 500 || !known {
		t.Errorf("client = %+v, average %d; want 1000 in 3 orders until 2026-06-01, average 500 of the 2 known", a, average)
	}
	if diff := cmp.Diff([]analytics.Contribution{{ID: "s", RevenueMinor: 900}}, b.Items); diff != "" {
		t.Errorf("Items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"tea", "mugs"}, b.Bought(0)); diff != "" {
		t.Errorf("Bought (-want +got):\n%s", diff)
	}
	euros.Client = "b"
	only := base(t, o, euros)
	if _, known := only.Client(0).AverageMinor(); known || only.Totals.OtherOrders != 1 {
		t.Error("the average check of unknown money is known")
	}
}

// Items go by sku, by name where there is none. Lines of an anonymous order count
// for goods. Categories of a client are ordered by money, ties by name.
func TestItemsAndCategories(t *testing.T) {
	b := base(t, options(t),
		paid("a", "2026-05-01", 600,
			schema.ItemRow{SKU: "A1", Name: "Капучино", Category: "coffee", SumMinor: 250},
			schema.ItemRow{Name: "Cup", Category: "cups", SumMinor: 300},
			schema.ItemRow{SKU: "A2", Name: "Чай", Category: "tea", SumMinor: 50}),
		paid("a", "2026-05-02", 50, schema.ItemRow{SKU: "A1", Name: "Cappuccino", Category: "coffee", SumMinor: 50}),
		paid("", "2026-05-02", 40, schema.ItemRow{SKU: "A1", Category: "coffee", SumMinor: 40}),
		paid("b", "2026-05-03", 10, schema.ItemRow{SumMinor: 10}))
	if diff := cmp.Diff([]analytics.Contribution{{ID: "A1", RevenueMinor: 340}, {ID: "A2", RevenueMinor: 50}, {ID: "Cup", RevenueMinor: 300}}, b.Items); diff != "" {
		t.Errorf("Items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]analytics.Contribution{{ID: "coffee", RevenueMinor: 340}, {ID: "cups", RevenueMinor: 300}, {ID: "tea", RevenueMinor: 50}}, b.Categories); diff != "" {
		t.Errorf("Categories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"coffee", "cups", "tea"}, b.Bought(0)); diff != "" {
		t.Errorf("Bought (-want +got):\n%s", diff)
	}
	if got := b.Bought(1); len(got) != 0 {
		t.Errorf("Bought of b = %v, want none: the line names nothing", got)
	}
}

// Parts of the work, closed group by group, give what one part gives; who has orders in
// several groups is scattered.
func TestPartsGiveWhatOneGives(t *testing.T) {
	orders := shop(900)
	o := options(t)
	o.Convert = rates
	want := night(base(t, o, orders...))
	clients := ownersOf(orders)
	o.Clients, o.Histories = clients, true
	for _, parts := range []int{1, 2, 5} {
		a, err := analytics.NewAccumulator(o)
		if err != nil {
			t.Fatal(err)
		}
		groups := make([][]order, 7)
		for i, of := range orders {
			at := 6 // anonymous, and every fifth client anywhere
			if number, ok := slices.BinarySearch(clients, of.Client); ok {
				if at = number % 6; number%5 == 0 {
					at = i % 7
				}
			}
			groups[at] = append(groups[at], of)
		}
		for number := range clients {
			if number%5 == 0 {
				a.Scatter(number)
			}
		}
		work := make([]*analytics.Part, parts)
		for i := range work {
			work[i] = a.Part()
		}
		var all sync.WaitGroup
		for i, part := range work {
			all.Go(func() {
				for at := i; at < len(groups); at += parts {
					rec := record(t, memory.DefaultAllocator, dictionary, groups[at])
					if err := part.Add(rec, clients.numbers(groups[at])); err != nil {
						t.Error(err)
					}
					part.Close()
					rec.Release()
				}
			})
		}
		all.Wait()
		b, err := a.Result()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, night(b)); diff != "" {
			t.Errorf("%d parts (-one +several):\n%s", parts, diff)
		}
	}
}

func TestAClientInTwoGroupsIsNoticed(t *testing.T) {
	o := options(t)
	o.Clients = owners{"a"}
	a, err := analytics.NewAccumulator(o)
	if err != nil {
		t.Fatal(err)
	}
	part := a.Part()
	for range 2 {
		rec := record(t, memory.DefaultAllocator, plain, []order{paid("a", "2026-05-01", 100)})
		if err := part.Add(rec, []int32{0}); err != nil {
			t.Fatal(err)
		}
		part.Close()
		rec.Release()
	}
	if _, err := a.Result(); !errors.Is(err, analytics.ErrTorn) {
		t.Errorf("error = %v, want ErrTorn", err)
	}
}

func TestAverageRoundsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct{ revenue, orders, want int64 }{{5, 2, 3}, {-5, 2, -3}, {7, 3, 2}, {8, 3, 3}, {-8, 3, -3}, {0, 4, 0}} {
		if got, _ := (analytics.Client{RevenueMinor: c.revenue, PricedOrders: c.orders}).AverageMinor(); got != c.want {
			t.Errorf("average of %d in %d orders = %d, want %d", c.revenue, c.orders, got, c.want)
		}
	}
}

func TestFaultyRecordsAreRefused(t *testing.T) {
	add := func(orders []order) error {
		_, err := sum(t, options(t), orders)
		return err
	}
	for name, text := range map[string]string{"no day": "", "a word": "yesterday", "no such day": "2026-02-30", "a time": "2026-01-01T00:00:00Z"} {
		if err := add([]order{paid("client-7", text, 1)}); !errors.Is(err, analytics.ErrDay) || strings.Contains(err.Error(), "client-7") {
			t.Errorf("%s: error = %v, want ErrDay without the client", name, err)
		}
	}
	for name, orders := range map[string][]order{
		"sums":       {paid("a", "2026-01-01", math.MaxInt64), paid("b", "2026-01-01", 1)},
		"the lowest": {paid("a", "2026-01-01", math.MinInt64)},
		"lines":      {paid("a", "2026-01-01", 1, schema.ItemRow{SKU: "x", SumMinor: math.MaxInt64}, schema.ItemRow{SKU: "y", SumMinor: 1})},
	} {
		if err := add(orders); !errors.Is(err, analytics.ErrOverflow) {
			t.Errorf("%s: error = %v, want ErrOverflow", name, err)
		}
	}
}

// Every needed column, one by one, is taken away and given in another type.
func TestColumnsAreChecked(t *testing.T) {
	good := record(t, memory.DefaultAllocator, plain, []order{paid("a", "2026-01-01", 1, schema.ItemRow{SKU: "x", SumMinor: 1})})
	defer good.Release()
	if _, err := analytics.OrdersOf(good); err != nil {
		t.Fatal(err)
	}
	number := array.NewFloat64Builder(memory.DefaultAllocator)
	defer number.Release()
	number.Append(1)
	wrong := number.NewArray()
	defer wrong.Release()
	for i, field := range good.Schema().Fields() {
		if field.Name == "order_id" {
			continue
		}
		fields, columns := append([]arrow.Field(nil), good.Schema().Fields()...), append([]arrow.Array(nil), good.Columns()...)
		fields[i].Name = "other"
		missing := array.NewRecord(arrow.NewSchema(fields, nil), columns, 1)
		if _, err := analytics.OrdersOf(missing); !errors.Is(err, analytics.ErrColumn) || !strings.Contains(err.Error(), field.Name) {
			t.Errorf("without %s: error = %v, want ErrColumn with its name", field.Name, err)
		}
		missing.Release()
		fields[i] = arrow.Field{Name: field.Name, Type: wrong.DataType()}
		columns[i] = wrong
		mistyped := array.NewRecord(arrow.NewSchema(fields, nil), columns, 1)
		if _, err := analytics.OrdersOf(mistyped); !errors.Is(err, analytics.ErrColumn) || !strings.Contains(err.Error(), field.Name) {
			t.Errorf("%s of floats: error = %v, want ErrColumn with its name", field.Name, err)
		}
		mistyped.Release()
	}
}

func TestDays(t *testing.T) {
	for _, text := range []string{"0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "2026-11-21", "9999-12-31"} {
		d := day(t, text)
		if d.String() != text || d.Month().String() != text[:7] || d.Month().First().String() != text[:8]+"01" {
			t.Errorf("%s reads back as %s, month %s from %s", text, d, d.Month(), d.Month().First())
		}
	}
	if got := day(t, "2024-03-01") - day(t, "2024-02-28"); got != 2 {
		t.Errorf("days over 29 February = %d, want 2", got)
	}
}

func TestRound9(t *testing.T) {
	for in, want := range map[float64]float64{0: 0, 1.0 / 3: 0.333333333, 2.0 / 3: 0.666666667, 123456789.4: 123456789, 1e-12 / 7: 1.42857143e-13, -1.0 / 3: -0.333333333} {
		if got := analytics.Round9(in); got != want {
			t.Errorf("Round9(%v) = %v, want %v", in, got, want)
		}
	}
}
