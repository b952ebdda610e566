package main

import (
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// orders reads an orders file. Rows with the same order number are lines of one
// order; whether their amounts are the order's total, repeated, or sums of the
// lines is decided for the whole file and said.
func (im *importer) orders(table *spreadsheet.Table) ([2]string, error) {
	var none [2]string
	var orders []*spreadsheet.OrderLines
	byID := map[string]*spreadsheet.OrderLines{}
	im.statuses.unknown = map[string]int{}
	for row, err := range spreadsheet.Orders(table) {
		if err != nil {
			if err = im.rejected(row.Row, err); err != nil {
				return none, err
			}
			continue
		}
		status, ok := im.statuses.of(row.Status)
		if !ok {
			continue // asked for below
		}
		im.notes(row.Row, row.Notes)
		im.currencies[row.Amount.Currency]++
		number := row.Row.Number
		if !row.IDGiven {
			var alone spreadsheet.OrderLines
			alone.Add(row, status)
			if err := im.addOrder(&alone, false); err != nil {
				return none, err
			}
			continue
		}
		o := byID[row.ID]
		if o == nil {
			o = &spreadsheet.OrderLines{}
			byID[row.ID] = o
			orders = append(orders, o)
		}
		if !o.Add(row, status) {
			fault := spreadsheet.SeveralCurrencies(table, number)
			if err := im.rejected(spreadsheet.Row{Number: number}, fault); err != nil {
				return none, err
			}
		}
	}
	if err := im.statuses.ask(im.file, table.HeaderOf(spreadsheet.Status)); err != nil {
		return none, err
	}
	var totals spreadsheet.Totals
	for _, o := range orders {
		totals.Add(o)
	}
	repeated, remark, err := totals.Repeated(table)
	if err != nil {
		return none, err
	}
	for _, o := range orders {
		if err := im.addOrder(o, repeated); err != nil {
			return none, err
		}
	}
	return remark, nil
}

func (im *importer) addOrder(o *spreadsheet.OrderLines, repeated bool) error {
	ev := o.Event(repeated, im.evidence)
	ev.ID = "order/" + ev.Order.ID
	return im.add(ev, o.Rows())
}

// instants of the report: the last one that counts, and the one at which the
// files are taken to have been received, the end of the UTC day before the day
// in which that falls.
func instants(asOf string, location *time.Location) (end, received time.Time, err error) {
	day, err := time.Parse(time.DateOnly, asOf)
	if err != nil {
		return end, received, wrongUse("report: -as-of %q: want YYYY-MM-DD", asOf)
	}
	end = card.DayBegins(day.Year(), day.Month(), day.Day()+1, location).UTC()
	return end, end.Truncate(24 * time.Hour).Add(-time.Microsecond), nil
}
