package schema_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// shopEvents are events as a shop has them: sources, shops and kinds repeat, ids and
// tokens do not, half are orders with two lines, some have a consent.
func shopEvents(n int) []schema.EventRow {
	rows := make([]schema.EventRow, n)
	for i := range rows {
		total := int64(i%9000 + 100)
		rows[i] = schema.EventRow{
			EventID: fmt.Sprintf("ord-%08d/paid", i), RawObject: fmt.Sprintf("raw-%d", i/1000), Source: "till", Shop: "main", Kind: "order", At: time.Unix(int64(i), 0).UTC(),
			ReceivedAt: time.Unix(1e9+int64(i), 0).UTC(), Tokens: []string{fmt.Sprintf("p%026d", i/3), fmt.Sprintf("e%026d", i/3)}[:1+i%2], Entity: fmt.Sprintf("deal:%d", i),
			UTMSource: "google", UTMMedium: "cpc", Channel: "email",
		}
		if i%2 == 0 {
			rows[i].OrderID, rows[i].Status, rows[i].Currency, rows[i].TotalMinor, rows[i].IsOrder = fmt.Sprintf("ord-%08d", i), "paid", "RUB", &total, true
			rows[i].Items = []schema.ItemRow{{SKU: "sku-1", Name: "Кофе в зёрнах", Category: "coffee", Quantity: "1", SumMinor: total}, {SKU: fmt.Sprintf("sku-%d", i%500), Quantity: "2"}}
		}
		if i%10 == 0 {
			rows[i].Consents = []schema.ConsentRow{{Purpose: "ads", Given: true, At: rows[i].At}}
		}
	}
	return rows
}

func shopOrders(n int) []schema.OrderRow {
	rows := make([]schema.OrderRow, n)
	for i := range rows {
		total, at := int64(i%9000+100), time.Unix(int64(i), 0).UTC()
		rows[i] = schema.OrderRow{
			Shop: "main", OrderID: fmt.Sprintf("ord-%08d", i), Token: fmt.Sprintf("p%026d", i/3), Status: "paid", Purchase: true, Day: at.Format(time.DateOnly), At: at,
			Currency: "RUB", RevenueMinor: total, TotalMinor: total, Source: "till",
			Lines: []schema.ItemRow{{SKU: "sku-1", Name: "Кофе в зёрнах", Category: "coffee", Quantity: "1", SumMinor: total}, {SKU: fmt.Sprintf("sku-%d", i%500), Quantity: "2"}},
			Statements: []schema.StatementRow{
				{EventID: fmt.Sprintf("ord-%08d/paid", i), At: at, Source: "till", Tokens: []string{fmt.Sprintf("p%026d", i/3)}, Status: "paid", Currency: "RUB", TotalMinor: &total, HasItems: true},
			},
		}
	}
	return rows
}

func shopClients(n int) []schema.ClientRow {
	rows := make([]schema.ClientRow, n)
	for i := range rows {
		day, code, number, share := fmt.Sprintf("2026-11-%02d", 1+i%28), "333", int64(i%100), float64(i%100)/100
		rows[i] = schema.ClientRow{
			ClientID: fmt.Sprintf("p%026d", i), Aliases: []string{fmt.Sprintf("e%026d", i)}, FirstOrderDay: &day, LastOrderDay: &day, Orders: 3, OrderDays: 2, RevenueMinor: number,
			AverageOrderMinor: &number, RecencyDays: &number, R: &number, F: &number, M: &number, RFMCode: &code, RFMSegment: &code, ABC: &code, CohortMonth: &day,
			Lifecycle: "active", Activity: "bought", Source: &code, PAlive: &share, ExpectedOrders90d: &share, Consents: schema.MapOf(map[string]string{"ads": "given", "sms": "withdrawn"}),
		}
	}
	return rows
}

// decoding measures what a row costs, by column as Decode does it and value by value
// as it did before.
func decoding[N, W schema.Row](rows []W) func(*testing.B) {
	return func(b *testing.B) {
		body, err := schema.Encode(rows)
		if err != nil {
			b.Fatal(err)
		}
		for name, decode := range map[string]func([]byte) ([]N, error){"column": schema.Decode[N], "value": schema.DecodeByValue[N]} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if got, err := decode(body); err != nil || len(got) != len(rows) {
						b.Fatal(len(got), err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/row")
			})
		}
	}
}

// BenchmarkDecode reads 50 000 rows of one file.
func BenchmarkDecode(b *testing.B) {
	events := shopEvents(50_000)
	b.Run("EventRow", decoding[schema.EventRow](events))
	b.Run("OrderEventRow", decoding[schema.OrderEventRow](events))
	b.Run("CardEventRow", decoding[schema.CardEventRow](events))
	b.Run("IdentityEventRow", decoding[schema.IdentityEventRow](events))
	b.Run("OrderRow", decoding[schema.OrderRow](shopOrders(50_000)))
	b.Run("OrderInterestRow", decoding[schema.OrderInterestRow](shopOrders(50_000)))
	b.Run("ClientRow", decoding[schema.ClientRow](shopClients(50_000)))
}
