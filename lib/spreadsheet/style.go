package spreadsheet

import (
	"errors"
	"strconv"
	"strings"
)

// styleRows is how many rows decide the styles of columns; where they leave a
// style open the rest of the file is read too.
const styleRows = 5000

// tally is what the values of one column tell about its style.
type tally struct {
	column *Column

	shapes          [shapeUnix + 1]int
	dayOnly, month  int // dates of numbers that fit one order only
	either, dotted  int // dates that are real days in both orders; those with points
	sep             byte
	comma, point    int // numbers that tell their style
	open            int // numbers that do not: 1,234
	plain           int
	spent, micros   int // sums that are not 0; those that are whole hundredths in millionths
	currency        string
	otherCurrencies bool
}

func isRowError(err error) bool { return errors.Is(err, ErrRow) }

// recogniseStyles settles the order of dates and the decimal sign of each column.
func (t *Table) recogniseStyles() error {
	var tallies []*tally
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Index >= 0 && (c.Field.isDate() || c.Field.isNumber()) {
			tallies = append(tallies, &tally{column: c})
		}
	}
	rows := 0
	for row, err := range t.Rows() {
		if err != nil {
			if !isRowError(err) {
				return err
			}
			continue
		}
		undecided := rows < styleRows
		for _, y := range tallies {
			if y.column.Index < len(row.Cells) {
				y.add(t, clean(row.Cells[y.column.Index]))
			}
			undecided = undecided || y.undecided(t)
		}
		if rows++; !undecided {
			break
		}
	}
	t.count = Count{}
	if rows == 0 {
		return t.fault(ErrFormat, "", "the file has a header but no rows")
	}
	for _, y := range tallies {
		if err := y.settle(t, tallies); err != nil {
			return err
		}
		if y.spent > 0 && y.micros == y.spent && t.fromInterface() && !y.column.Mapped {
			return t.fault(ErrAmbiguous, t.nameOf(y.column), "the sums look like millionths, as the interface of the cabinet gives them; say -map amount_micros="+mapText(t.nameOf(y.column))+" if they are, or -map amount="+mapText(t.nameOf(y.column)))
		}
	}
	return t.checkCurrency(tallies)
}

func (y *tally) add(t *Table, s string) {
	if nothing(s) {
		return
	}
	if y.column.Field.isDate() {
		d, ok := scanDate(s, t.book != nil, t.date1904())
		if !ok {
			return
		}
		y.shapes[d.shape]++
		if d.shape != shapeNumbers {
			return
		}
		y.sep = d.sep
		switch dmy, mdy := d.fits(DayFirst), d.fits(MonthFirst); {
		case dmy && mdy && d.a == d.b: // the fifth of May tells nothing and needs nothing
		case dmy && mdy:
			y.either++
			if d.sep == '.' {
				y.dotted++
			}
		case dmy:
			y.dayOnly++
		default:
			y.month++
		}
		return
	}
	n, ok := scanNumber(s)
	if !ok {
		return
	}
	if y.column.Field == Amount && strings.Trim(n.digits, "0.,") != "" {
		y.spent++
		if digitRun(n.digits) == len(n.digits) && strings.HasSuffix(n.digits, "0000") {
			y.micros++
		}
	}
	switch n.evidence() {
	case tellsComma:
		y.comma++
	case tellsPoint:
		y.point++
	case tellsEither:
		y.open++
	default:
		y.plain++
	}
	if n.unit != "" {
		code, ok := currencyWord(n.unit)
		switch {
		case ok && (y.currency == "" || y.currency == code):
			y.currency = code
		default:
			y.otherCurrencies = true
		}
	}
}

func (y *tally) undecided(t *Table) bool {
	if y.column.Field.isDate() {
		return t.opts.DateOrder == "" && y.shapes[shapeNumbers] > 0 && y.dayOnly == 0 && y.month == 0 && y.dotted < y.shapes[shapeNumbers]
	}
	return t.opts.Decimal == "" && y.open > 0 && y.comma == 0 && y.point == 0
}

func (y *tally) settle(t *Table, all []*tally) error {
	var err error
	if y.column.Field.isDate() {
		err = y.settleDate(t, all)
	} else {
		err = y.settleNumber(t, all)
	}
	if err == nil {
		y.column.Style = y.style()
	}
	return err
}

// settleDate: the user's word, else the values that fit only one order, else the
// point (day first wherever dates are written with points), else another date
// column of the same file, else it is asked for.
func (y *tally) settleDate(t *Table, all []*tally) error {
	c := y.column
	switch {
	case t.opts.DateOrder != "":
		c.DateOrder = t.opts.DateOrder
	case y.shapes[shapeNumbers] == 0:
	case y.dayOnly > 0 && y.month > 0:
		return t.fault(ErrAmbiguous, t.nameOf(c), "some dates have the day first and some the month; say which is right with -date dmy or -date mdy, the others will be reported row by row")
	case y.dayOnly > 0:
		c.DateOrder = DayFirst
	case y.month > 0:
		c.DateOrder = MonthFirst
	case y.either == y.dotted: // none is open without its points
		c.DateOrder = DayFirst
	default:
		for _, other := range all {
			if other == y || !other.column.Field.isDate() || other.sep != y.sep || other.dayOnly > 0 == (other.month > 0) {
				continue
			}
			c.From, c.DateOrder = t.nameOf(other.column), DayFirst
			if other.month > 0 {
				c.DateOrder = MonthFirst
			}
			return nil
		}
		return t.fault(ErrAmbiguous, t.nameOf(c), "every date reads both as day/month and as month/day; say which with -date dmy or -date mdy, or take another column with -map "+string(c.Field)+"=COLUMN")
	}
	return nil
}

// settleNumber: the user's word, else the numbers that can be read in one way
// only, else another column of numbers of the same file, else it is asked for.
func (y *tally) settleNumber(t *Table, all []*tally) error {
	c := y.column
	switch {
	case t.opts.Decimal != "":
		c.Decimal = t.opts.Decimal
	case y.comma > 0 && y.point > 0:
		if y.open > 0 {
			return t.fault(ErrAmbiguous, t.nameOf(c), "the numbers have both decimal commas and decimal points; say which is right with -decimal comma or -decimal point")
		}
	case y.comma > 0:
		c.Decimal = DecimalComma
	case y.point > 0:
		c.Decimal = DecimalPoint
	case y.open > 0:
		for _, other := range all {
			if other == y || other.column.Field.isDate() || other.comma > 0 == (other.point > 0) {
				continue
			}
			c.From, c.Decimal = t.nameOf(other.column), DecimalPoint
			if other.comma > 0 {
				c.Decimal = DecimalComma
			}
			return nil
		}
		return t.fault(ErrAmbiguous, t.nameOf(c), "a number such as 1,234 or 1.234 may be a thousand or a fraction; say which sign begins the fraction with -decimal comma or -decimal point")
	}
	return nil
}

// style names how the column's values are written, the most frequent way first.
func (y *tally) style() string {
	c := y.column
	if !c.Field.isDate() {
		switch {
		case c.Decimal == DecimalComma:
			return "1 234,56"
		case c.Decimal == DecimalPoint:
			return "1234.56"
		case y.comma > 0:
			return "1 234,56 / 1234.56"
		case y.plain > 0:
			return "1234"
		}
		return ""
	}
	numbers := "DD?MM?YYYY"
	if c.DateOrder == MonthFirst {
		numbers = "MM?DD?YYYY"
	}
	sep := "/"
	if y.sep != 0 {
		sep = string(rune(y.sep))
	}
	names := [...]string{shapeISO: "YYYY-MM-DD", shapeCompact: "YYYYMMDD", shapeNumbers: strings.ReplaceAll(numbers, "?", sep), shapeWords: "D month YYYY", shapeSerial: "Excel", shapeUnix: "Unix"}
	var out []string
	seen := y.shapes
	for {
		best := shapeNone
		for s := shapeISO; s <= shapeUnix; s++ {
			if seen[s] > seen[best] {
				best = s
			}
		}
		if best == shapeNone {
			return strings.Join(out, " / ")
		}
		out = append(out, names[best])
		seen[best] = 0
	}
}

// checkCurrency makes sure that every sum will have a currency.
func (t *Table) checkCurrency(tallies []*tally) error {
	if t.Kind == LeadsFile || t.Kind == ClientsFile || t.opts.Currency != "" {
		return nil
	}
	amount := t.amountColumn()
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Field == Currency || c == amount && c.Currency != "" {
			return nil
		}
	}
	for _, y := range tallies {
		if y.column == amount && (y.currency != "" || y.otherCurrencies) {
			return nil
		}
	}
	return t.fault(ErrMissing, "", "no column and no sign names the currency; say it with -currency, as in -currency RUB")
}

// nameOf is a column's header, or its number where there is none.
func (t *Table) nameOf(c *Column) string {
	if c.Header != "" {
		return c.Header
	}
	return "#" + strconv.Itoa(c.Index+1)
}

func (t *Table) date1904() bool { return t.book != nil && t.book.date1904 }
