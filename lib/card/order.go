package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/schema"
)

// FoldOrder adds the statements of events about one order to what is known of it
// and folds again (metrics, "Fold of an order"). known may be the zero row, or an
// earlier result; a statement that it holds already changes nothing, so events
// may be added any number of times and in any order. Every event must be about
// the same (shop, order id). location cuts business days.
func FoldOrder(known schema.OrderRow, events []schema.OrderEventRow, location *time.Location) schema.OrderRow {
	order := schema.OrderRow{Shop: known.Shop, OrderID: known.OrderID, Lines: known.Lines, Statements: slices.Clone(known.Statements)}
	newest := newestLines(known.Statements)
	for _, ev := range events {
		order.Shop, order.OrderID = ev.Shop, ev.OrderID
		s := statement(ev)
		if slices.ContainsFunc(order.Statements, func(old schema.StatementRow) bool { return old.EventID == s.EventID && old.Source == s.Source }) {
			continue
		}
		if s.HasItems && (newest == nil || compareStatements(*newest, s) < 0) {
			newest, order.Lines = &s, ev.Items
		}
		order.Statements = append(order.Statements, s)
	}
	slices.SortFunc(order.Statements, compareStatements)
	fold(&order, location)
	return order
}

func statement(ev schema.OrderEventRow) schema.StatementRow {
	s := schema.StatementRow{
		EventID: ev.EventID, At: ev.At, Source: ev.Source, Status: ev.Status, Currency: ev.Currency,
		TotalMinor: ev.TotalMinor, ShippingMinor: ev.ShippingMinor, HasItems: len(ev.Items) > 0, Tokens: ev.Tokens,
	}
	if ev.Status == event.StatusReturned && ev.ReturnedMinor != nil { // only a return says how much came back
		amount := max(*ev.ReturnedMinor, -*ev.ReturnedMinor) // some systems write refunds below zero; none raises revenue
		s.ReturnedMinor = &amount
	}
	return s
}

func newestLines(statements []schema.StatementRow) *schema.StatementRow {
	for i := len(statements) - 1; i >= 0; i-- {
		if statements[i].HasItems {
			return &statements[i]
		}
	}
	return nil
}

// compareStatements orders by time, then rank of the status, then event id.
func compareStatements(a, b schema.StatementRow) int {
	return cmp.Or(a.At.Compare(b.At), event.StatusRank(a.Status)-event.StatusRank(b.Status),
		strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func fold(o *schema.OrderRow, location *time.Location) {
	var paidAt time.Time
	returns, allReturned := int64(0), false
	for i, s := range o.Statements { // in order: a later statement of a field wins
		if i == 0 {
			o.At, o.Source = s.At, s.Source
		}
		if s.Status != "" {
			o.Status = s.Status
		}
		if s.Currency != "" {
			o.Currency = s.Currency
		}
		if s.TotalMinor != nil {
			o.TotalMinor = *s.TotalMinor
		}
		if s.ShippingMinor != nil {
			o.ShippingMinor = *s.ShippingMinor
		}
		if len(s.Tokens) > 0 {
			o.Token, o.MoreTokens = s.Tokens[0], s.Tokens[1:]
		}
		switch s.Status {
		case event.StatusPaid, event.StatusShipped, event.StatusCompleted:
			if paidAt.IsZero() {
				paidAt = s.At
			}
		case event.StatusReturned:
			if s.ReturnedMinor == nil {
				allReturned = true
			} else {
				returns += *s.ReturnedMinor
			}
		}
	}
	goods := o.TotalMinor - o.ShippingMinor
	o.ReturnedMinor = returns
	if allReturned {
		o.ReturnedMinor = max(goods, 0)
	}
	whole := allReturned || returns >= goods
	switch o.Status {
	case event.StatusPaid, event.StatusShipped, event.StatusCompleted:
		o.Purchase = true
	case event.StatusReturned:
		o.Purchase = !whole
	}
	if !o.Purchase {
		return
	}
	if !paidAt.IsZero() {
		o.At = paidAt
	}
	o.Day = o.At.In(location).Format(time.DateOnly)
	o.RevenueMinor = goods - o.ReturnedMinor
}
