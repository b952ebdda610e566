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
	order := schema.OrderRow{Shop: known.Shop, OrderID: known.OrderID, Lines: known.Lines}
	order.Statements = append(make([]schema.StatementRow, 0, len(known.Statements)+len(events)), known.Statements...)
	newest := newestLines(order.Statements)
	for i := range events {
		ev := &events[i]
		order.Shop, order.OrderID = ev.Shop, ev.OrderID
		if isKnown(order.Statements, ev) {
			continue
		}
		order.Statements = append(order.Statements, statement(ev)) // there is room: those before stay where they are
		s := &order.Statements[len(order.Statements)-1]
		if s.HasItems && (newest == nil || compareStatements(newest, s) < 0) {
			newest, order.Lines = s, ev.Items
		}
	}
	slices.SortFunc(order.Statements, func(a, b schema.StatementRow) int { return compareStatements(&a, &b) })
	fold(&order, location)
	return order
}

func isKnown(statements []schema.StatementRow, ev *schema.OrderEventRow) bool {
	for i := range statements {
		if statements[i].EventID == ev.EventID && statements[i].Source == ev.Source {
			return true
		}
	}
	return false
}

func statement(ev *schema.OrderEventRow) schema.StatementRow {
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
func compareStatements(a, b *schema.StatementRow) int {
	if byTime := a.At.Compare(b.At); byTime != 0 {
		return byTime // nearly always, and the texts need not be looked at
	}
	return cmp.Or(event.StatusRank(a.Status)-event.StatusRank(b.Status),
		strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func fold(o *schema.OrderRow, location *time.Location) {
	var paidAt time.Time
	returns, allReturned := int64(0), false
	for i := range o.Statements { // in order: a later statement of a field wins
		s := &o.Statements[i]
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
