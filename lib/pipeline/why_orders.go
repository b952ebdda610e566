package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// ClientOrder is one order of a client, folded from its statements.
type ClientOrder struct {
	Shop          string      `json:"shop"`
	OrderID       string      `json:"order_id"`
	Status        string      `json:"status"`
	Purchase      bool        `json:"purchase"`
	Day           string      `json:"day"` // of the purchase; empty for none
	At            time.Time   `json:"at"`
	Source        string      `json:"source"` // of the first statement
	Currency      string      `json:"currency"`
	RevenueMinor  int64       `json:"revenue_minor"` // total − shipping − returned
	TotalMinor    int64       `json:"total_minor"`
	ShippingMinor int64       `json:"shipping_minor"`
	ReturnedMinor int64       `json:"returned_minor"`
	Lines         []OrderLine `json:"lines"`
}

func clientOrder(row *schema.OrderRow) ClientOrder {
	return ClientOrder{
		Shop: row.Shop, OrderID: row.OrderID, Status: row.Status, Purchase: row.Purchase, Day: row.Day, At: row.At, Source: row.Source,
		Currency: row.Currency, RevenueMinor: row.RevenueMinor, TotalMinor: row.TotalMinor, ShippingMinor: row.ShippingMinor,
		ReturnedMinor: row.ReturnedMinor, Lines: linesOf(row.Lines),
	}
}

// orderTokens is the part of an order that says whose it is.
type orderTokens struct {
	Token      string   `parquet:"token,dict"`
	MoreTokens []string `parquet:"more_tokens,list"`
}

// Table implements schema.Row.
func (orderTokens) Table() string { return "orders" }

// Personal implements schema.Row.
func (orderTokens) Personal() []string { return nil }

// ordersOf reads the client's orders out of all buckets: whole buckets only where
// one of them lies.
func (p *Pipeline) ordersOf(ctx context.Context, mine func(tokens []string) bool, window int, asOf string) ([]WhyOrder, error) {
	first := ""
	if last, err := time.Parse(time.DateOnly, asOf); err == nil && window > 0 {
		first = last.AddDate(0, 0, 1-window).Format(time.DateOnly)
	}
	var orders []WhyOrder
	err := p.readingOrders(ctx, func(folded *foldedOrders) error {
		orders = nil
		for bucket := range orderBuckets {
			narrow, err := readOrders[orderTokens](ctx, folded, bucket)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(narrow, func(row orderTokens) bool { return ofClient(row.Token, row.MoreTokens, mine) }) {
				continue
			}
			rows, err := readOrders[schema.OrderRow](ctx, folded, bucket)
			if err != nil {
				return err
			}
			for i := range rows {
				if row := &rows[i]; ofClient(row.Token, row.MoreTokens, mine) {
					orders = append(orders, WhyOrder{ClientOrder: clientOrder(row), Counted: row.Purchase && row.Day >= first})
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(orders, func(a, b WhyOrder) int { return compareOrders(a.ClientOrder, b.ClientOrder) })
	return orders, nil
}

// ofClient decides whose an order is: by its first token, and where that one is
// shared by too many by the others of the statement.
func ofClient(token string, more []string, mine func(tokens []string) bool) bool {
	return token != "" && mine(append([]string{token}, more...))
}

func compareOrders(a, b ClientOrder) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Shop, b.Shop), strings.Compare(a.OrderID, b.OrderID))
}
