package spreadsheet

import (
	"fmt"
	"strconv"

	"github.com/leadlake/leadlake/lib/money"
)

// Totals decides for a whole file whether the amount of rows of one order is its
// total that every row repeats. A difference inside one order proves sums of
// lines; so does a total proved by prices the contrary. Where all rows of each
// order are equal, few such orders may be chance: then it is asked for. The zero
// value is ready.
type Totals struct{ several, byLines, byTotal int }

// shape is what the rows of one order tell about their amounts.
type shape struct {
	first        money.Amount
	lines        int64 // what the prices sum up to
	rows         int32
	fromLine     bool
	same, priced bool
}

// add is false for a row in another currency than the first.
func (s *shape) add(row *OrderRow) bool {
	if s.rows == 0 {
		*s = shape{first: row.Amount, fromLine: row.FromLine, same: true, priced: true}
	} else if s.first.Currency != row.Amount.Currency {
		return false
	}
	s.rows++
	line, ok := lineSum(row)
	s.same, s.lines, s.priced = s.same && row.Amount == s.first, s.lines+line, s.priced && ok
	return true
}

// Add counts an order.
func (t *Totals) Add(o *OrderLines) {
	var s shape
	for i := range o.rows {
		s.add(&o.rows[i])
	}
	t.add(s)
}

func (t *Totals) add(s shape) {
	if s.rows < 2 || s.fromLine {
		return
	}
	t.several++
	switch {
	case !s.same:
		t.byLines++
	case s.priced && s.lines == s.first.Minor:
		t.byTotal++
	}
}

// Repeated is the decision, with a remark for people in Russian and English
// (empty where no order has several rows), or the question as an ErrAmbiguous.
func (t *Totals) Repeated(table *Table) (repeated bool, remark [2]string, err error) {
	mapped := false
	for _, c := range table.Columns {
		mapped = mapped || c.Field == Amount && c.Mapped
	}
	const chance = 3 // so many orders with equal lines are hardly one
	switch {
	case t.several == 0:
		return false, remark, nil
	case t.byLines > 0:
		return false, [2]string{
			"сумма в строке — сумма позиции; суммы строк одного заказа сложены",
			"the amount of a row is the sum of its line; the rows of an order are added up",
		}, nil
	case t.byTotal > 0, mapped, t.several >= chance:
		return true, [2]string{
			"сумма в строке — итог заказа, повторённый в каждой строке; она учтена один раз (если это суммы позиций: -map item_sum=СТОЛБЕЦ)",
			"the amount of a row is its order's total, repeated in every row; it counts once (if these are sums of lines: -map item_sum=COLUMN)",
		}, nil
	}
	column := table.HeaderOf(Amount)
	return false, remark, &FileError{
		File: table.Name, Row: 0, Column: column, Kind: ErrAmbiguous,
		Reason: fmt.Sprintf("is it the order's total, repeated in each row of an order, or the sum of the line? Say -map amount=%s or -map item_sum=%s",
			strconv.Quote(column), strconv.Quote(column)),
	}
}

// lineSum is what a row's prices say of its line.
func lineSum(row *OrderRow) (int64, bool) {
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

// HeaderOf is the header of a field's column, or its number where there is none;
// empty where the field has no column.
func (t *Table) HeaderOf(field Field) string {
	for _, c := range t.Columns {
		if c.Field == field && c.Index >= 0 {
			if c.Header != "" {
				return c.Header
			}
			return strconv.Itoa(c.Index + 1)
		}
	}
	return ""
}

// SeveralCurrencies is the fault of a row of an order, or of a campaign's day,
// whose other rows are in another currency.
func SeveralCurrencies(t *Table, row int) *RowError {
	what := "an order"
	if t.Kind == CostsFile {
		what = "one day and campaign"
	}
	return &RowError{
		File: t.Name, Row: row, Column: t.HeaderOf(Currency), Code: BadCurrency,
		Reason: "the rows of " + what + " are in several currencies; correct one of them",
	}
}
