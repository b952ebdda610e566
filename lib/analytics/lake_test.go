package analytics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/schema"
)

// The way of a night: rows of the lake written as Parquet, read as columns, the
// token replaced by its client, counted. It gives what the rows give directly.
func TestOrdersOfTheLake(t *testing.T) {
	orders := shop(400)
	rows := make([]schema.OrderRow, len(orders))
	for i, o := range orders {
		rows[i] = o.OrderRow
		if o.Client != "" {
			rows[i].Token = "token of " + o.Client
		}
	}
	body, err := schema.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Convert = rates
	clients := ownersOf(orders)
	o.Clients, o.Histories = clients, true
	a, err := analytics.NewAccumulator(o)
	if err != nil {
		t.Fatal(err)
	}
	part, numbers := a.Part(), clients.numbers(orders)
	for rec, err := range columnar.Records(t.Context(), body, "day", "currency", "revenue_minor", "purchase", "lines") {
		if err != nil {
			t.Fatal(err)
		}
		n := int(rec.NumRows())
		if err := part.Add(rec, numbers[:n]); err != nil {
			t.Fatal(err)
		}
		numbers = numbers[n:]
	}
	got, err := a.Result()
	if err != nil {
		t.Fatal(err)
	}
	want := night(add(t, o, plain, len(orders), orders))
	if diff := cmp.Diff(want, night(got)); diff != "" {
		t.Errorf("from the lake (-want +got):\n%s", diff)
	}
}
