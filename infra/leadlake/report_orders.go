package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// orderLines is one order of a file, of one row or of several.
type orderLines struct {
	rows     []spreadsheet.OrderRow // in the order of the file, without their text
	statuses []string               // of each row
	numbers  []int
}

// orders reads an orders file. Rows with the same order number are lines of one
// order; whether their amounts are the order's total, repeated, or sums of the
// lines is decided for the whole file and said.
func (im *importer) orders(table *spreadsheet.Table) ([2]string, error) {
	var none [2]string
	var orders []*orderLines
	byID := map[string]*orderLines{}
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
		row.Row = spreadsheet.Row{} // its text is not needed any more
		if !row.IDGiven {
			if err := im.add(im.order(&orderLines{rows: []spreadsheet.OrderRow{row}, statuses: []string{status}, numbers: []int{number}}, false), []int{number}); err != nil {
				return none, err
			}
			continue
		}
		o := byID[row.ID]
		if o == nil {
			o = &orderLines{}
			byID[row.ID] = o
			orders = append(orders, o)
		} else if o.rows[0].Amount.Currency != row.Amount.Currency {
			fault := &spreadsheet.RowError{
				File: im.file, Row: number, Column: columnOf(table, spreadsheet.Currency), Code: spreadsheet.BadCurrency,
				Reason: "the rows of an order are in several currencies; correct one of them",
			}
			if err := im.rejected(spreadsheet.Row{Number: number}, fault); err != nil {
				return none, err
			}
			continue
		}
		o.rows, o.statuses, o.numbers = append(o.rows, row), append(o.statuses, status), append(o.numbers, number)
	}
	if err := im.statuses.ask(im.file, columnOf(table, spreadsheet.Status)); err != nil {
		return none, err
	}
	repeated, remark, err := totalsRepeated(table, orders)
	if err != nil {
		return none, err
	}
	for _, o := range orders {
		if err := im.add(im.order(o, repeated), o.numbers); err != nil {
			return none, err
		}
	}
	return remark, nil
}

// totalsRepeated decides whether the amount of rows of one order is its total
// that every row repeats. A difference inside one order proves sums of lines; so
// does a total proved by prices the contrary. Where all rows of each order are
// equal, few such orders may be chance: then it is asked for.
func totalsRepeated(table *spreadsheet.Table, orders []*orderLines) (repeated bool, remark [2]string, err error) {
	several, byLines, byTotal := 0, 0, 0
	for _, o := range orders {
		if len(o.rows) < 2 || o.rows[0].FromLine {
			continue
		}
		several++
		same, lines, priced := true, int64(0), true
		for _, row := range o.rows {
			same = same && row.Amount == o.rows[0].Amount
			line, ok := lineSum(row)
			lines, priced = lines+line, priced && ok
		}
		switch {
		case !same:
			byLines++
		case priced && lines == o.rows[0].Amount.Minor:
			byTotal++
		}
	}
	mapped := false
	for _, c := range table.Columns {
		mapped = mapped || c.Field == spreadsheet.Amount && c.Mapped
	}
	const chance = 3 // so many orders with equal lines are hardly one
	switch {
	case several == 0:
		return false, remark, nil
	case byLines > 0:
		return false, [2]string{
			"сумма в строке — сумма позиции; суммы строк одного заказа сложены",
			"the amount of a row is the sum of its line; the rows of an order are added up",
		}, nil
	case byTotal > 0, mapped, several >= chance:
		return true, [2]string{
			"сумма в строке — итог заказа, повторённый в каждой строке; она учтена один раз (если это суммы позиций: -map item_sum=СТОЛБЕЦ)",
			"the amount of a row is its order's total, repeated in every row; it counts once (if these are sums of lines: -map item_sum=COLUMN)",
		}, nil
	}
	column := columnOf(table, spreadsheet.Amount)
	return false, remark, &spreadsheet.FileError{
		File: table.Name, Row: 0, Column: column, Kind: spreadsheet.ErrAmbiguous,
		Reason: fmt.Sprintf("is it the order's total, repeated in each row of an order, or the sum of the line? Say -map amount=%s or -map item_sum=%s",
			strconv.Quote(column), strconv.Quote(column)),
	}
}

// lineSum is what a row's prices say of its line.
func lineSum(row spreadsheet.OrderRow) (int64, bool) {
	if row.ItemSum != nil {
		return row.ItemSum.Minor, true
	}
	if row.Price == nil {
		return 0, false
	}
	quantity := row.Quantity
	if quantity == "" {
		quantity = "1"
	}
	sum, err := money.Times(row.Price.Minor, quantity)
	return sum, err == nil
}

// order is the statement that the rows of an order make together.
func (im *importer) order(o *orderLines, repeated bool) event.Event {
	first := o.rows[0]
	currency := first.Amount.Currency
	ev := event.Event{
		ID: "order/" + first.ID, Kind: event.OrderChange, At: first.At, Client: im.client(first.Person), Manager: first.Manager,
		Attribution: attribution(first.Attribution), Order: &event.Order{ID: first.ID, Currency: currency, Status: o.statuses[0]},
	}
	total, returned := int64(0), int64(0)
	var shipping *money.Amount
	latest := first.At
	for i, row := range o.rows {
		if i == 0 || !repeated {
			total += row.Amount.Minor
		}
		if row.At.Before(ev.At) {
			ev.At = row.At
		}
		if !row.At.Before(latest) {
			latest, ev.Order.Status = row.At, o.statuses[i]
		}
		if row.Shipping != nil && (shipping == nil || row.Shipping.Minor > shipping.Minor) {
			shipping = row.Shipping // repeated, or told in one row of the order
		}
		if row.Returned != nil && (row.FromLine || !repeated) {
			returned += row.Returned.Minor
		} else if row.Returned != nil {
			returned = max(returned, row.Returned.Minor)
		}
		ev.Consents = append(ev.Consents, im.consents(o.numbers[i], row.Person)...)
		if row.Comment != "" && ev.Attributes == nil {
			ev.Attributes = map[string]string{"comment": row.Comment}
		}
		if item, ok := im.item(row, len(o.rows) == 1, repeated); ok {
			ev.Order.Items = append(ev.Order.Items, item)
		}
	}
	if shipping != nil {
		if len(o.rows) > 1 && !repeated || first.FromLine {
			total += shipping.Minor // sums of goods do not hold the delivery
		}
		ev.Order.Shipping = money.Decimal(shipping.Minor, currency)
	}
	ev.Order.Total = money.Decimal(total, currency)
	im.returned(ev.Order, returned)
	return ev
}

// returned tells of a return in the words of the fold: only the status returned
// has an amount, and a part of a paid order that came back is such a statement.
func (im *importer) returned(o *event.Order, minor int64) {
	if minor < 0 {
		minor = -minor // some systems write returns as negative sums
	}
	if minor == 0 || o.Status == event.StatusCancelled || o.Status == event.StatusNew {
		return
	}
	o.Status = event.StatusReturned
	o.Returned = money.Decimal(minor, o.Currency)
}

// item is the line of an order, for rows that name what was sold.
func (im *importer) item(row spreadsheet.OrderRow, alone, repeated bool) (event.Item, bool) {
	if row.Item == "" && row.SKU == "" && row.Category == "" {
		return event.Item{}, false
	}
	item := event.Item{SKU: row.SKU, Name: row.Item, Category: row.Category, Quantity: row.Quantity}
	currency := row.Amount.Currency
	switch {
	case row.ItemSum != nil:
		item.Sum = money.Decimal(row.ItemSum.Minor, currency)
	case row.Price != nil:
		item.Price = money.Decimal(row.Price.Minor, currency)
	case row.FromLine, alone && row.Shipping == nil, !alone && !repeated:
		item.Sum = money.Decimal(row.Amount.Minor, currency)
	case alone:
		item.Sum = money.Decimal(row.Amount.Minor-row.Shipping.Minor, currency)
	}
	return item, true
}

// columnOf is the header of a field's column; empty where there is none.
func columnOf(table *spreadsheet.Table, field spreadsheet.Field) string {
	for _, c := range table.Columns {
		if c.Field == field && c.Index >= 0 {
			if c.Header != "" {
				return c.Header
			}
			return strconv.Itoa(c.Index + 1)
		}
	}
	return ""
}

// instants of the report: the last one that counts, and the one at which the
// files are taken to have been received, the end of the UTC day before the day
// in which that falls.
func instants(asOf string, location *time.Location) (end, received time.Time, err error) {
	day, err := time.ParseInLocation(time.DateOnly, asOf, location)
	if err != nil {
		return end, received, wrongUse("report: -as-of %q: want YYYY-MM-DD", asOf)
	}
	end = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, location).UTC()
	return end, end.Truncate(24 * time.Hour).Add(-time.Microsecond), nil
}
