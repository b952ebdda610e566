package spreadsheet

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/money"
)

// reader turns the cells of one row after another into values.
type reader struct {
	t        *Table
	single   map[Field]*Column
	phones   []*Column
	emails   []*Column
	consents []*Column
	extra    bool // any field of a person beside client, phone and e-mail
	ids      *RowIDs

	// Hot fields are looked up once, not by map in every row.
	client, amountCol *Column

	row   Row
	code  string // the row's currency
	notes []*RowError
}

func newReader(t *Table) *reader {
	r := &reader{t: t, single: map[Field]*Column{}, ids: NewRowIDs(t.opts.IDKey)}
	for i := range t.Columns {
		c := &t.Columns[i]
		switch _, isConsent := c.Field.purpose(); {
		case c.Field == Phone:
			r.phones = append(r.phones, c)
		case c.Field == Email:
			r.emails = append(r.emails, c)
		case isConsent:
			r.consents = append(r.consents, c)
		default:
			r.single[c.Field] = c
		}
		switch c.Field {
		case Name, FirstName, LastName, BirthDate, Gender, City, Country, Company, ConsentAt:
			r.extra = true
		}
	}
	r.client, r.amountCol = r.single[Client], t.amountColumn()
	return r
}

func (r *reader) begin(row Row) { r.row, r.notes, r.code = row, nil, "" }

// cell is the column's cleaned text in this row.
func (r *reader) cell(c *Column) string {
	switch {
	case c == nil:
		return ""
	case c.Index < 0:
		return c.Value
	case c.Index >= len(r.row.Cells):
		return ""
	}
	return clean(r.row.Cells[c.Index])
}

func (r *reader) has(f Field) bool { return r.single[f] != nil }

// value is the text of a field, empty for the marks that mean "no value".
func (r *reader) value(f Field) string {
	if s := r.cell(r.single[f]); !nothing(s) {
		return s
	}
	return ""
}

func (r *reader) fault(f Field, code Code, reason string) *RowError {
	e := &RowError{File: r.t.Name, Row: r.row.Number, Code: code, Reason: reason}
	if c := r.single[f]; c != nil && c.Index >= 0 {
		e.Column = r.t.nameOf(c)
	}
	return e
}

func (r *reader) note(c *Column, reason string) {
	r.notes = append(r.notes, &RowError{File: r.t.Name, Row: r.row.Number, Column: r.t.nameOf(c), Code: BadValue, Reason: reason})
}

func (r *reader) person() Person {
	var p Person
	if s := r.cell(r.client); !nothing(s) {
		p.Client = s
	}
	p.Phones = r.several(r.phones)
	p.Emails = r.several(r.emails)
	for _, c := range r.consents {
		purpose, _ := c.Field.purpose()
		given, known, ok := yesNo(r.cell(c))
		if !ok {
			r.note(c, "the word is neither yes nor no; write yes or no, or leave the cell empty")
		} else if known {
			p.Consents = append(p.Consents, Consent{Purpose: purpose, Given: given})
		}
	}
	if !r.extra {
		return p
	}
	p.Name, p.FirstName, p.LastName = r.value(Name), r.value(FirstName), r.value(LastName)
	p.Gender, p.City, p.Country, p.Company = r.value(Gender), r.value(City), r.value(Country), r.value(Company)
	if text := r.value(BirthDate); text != "" {
		day, fault := r.day(BirthDate)
		if fault != nil { // a day without a year, a month in words: the refiner reads it or keeps it as written
			day = text
			if _, err := identity.ParseBirthDate(text, time.Time{}); err != nil {
				r.notes = append(r.notes, fault)
			}
		}
		p.BirthDay = day
	}
	if r.value(ConsentAt) != "" {
		at, _, fault := r.moment(ConsentAt, true)
		if fault != nil {
			r.notes = append(r.notes, fault)
		}
		p.ConsentAt = at
	}
	return p
}

func (r *reader) several(columns []*Column) []string {
	var out []string
	for _, c := range columns {
		cell := r.cell(c)
		if nothing(cell) {
			continue
		}
		parts := split(cell)
		if c.Field == Phone {
			parts = splitPhones(parts)
		}
		for _, s := range parts {
			if s = clean(s); !nothing(s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (r *reader) needsPerson(p *Person) *RowError {
	if p.Client != "" || len(p.Phones) > 0 || len(p.Emails) > 0 {
		return nil
	}
	return r.fault(Client, NoClient, "the row names no client; fill in an id, a phone or an e-mail")
}

// moment reads a date with or without a time. Unless needed, an absent or empty
// one is the zero time.
func (r *reader) moment(f Field, needed bool) (at time.Time, dayOnly bool, fault *RowError) {
	d, c, fault := r.date(f)
	if fault != nil {
		if !needed && nothing(r.cell(c)) {
			return time.Time{}, false, nil
		}
		return time.Time{}, false, fault
	}
	at, dayOnly, ok := d.in(c.DateOrder, r.t.opts.Location)
	if !ok {
		return time.Time{}, false, r.wrongOrder(f, c)
	}
	return at, dayOnly, nil
}

// day reads the calendar day of a date as it is written, YYYY-MM-DD.
func (r *reader) day(f Field) (string, *RowError) {
	d, c, fault := r.date(f)
	if fault != nil {
		return "", fault
	}
	loc := time.UTC
	if d.shape == shapeUnix {
		loc = r.t.opts.Location
	}
	d.hasZone = false // the day as written, not as it is elsewhere
	at, _, ok := d.in(c.DateOrder, time.UTC)
	if !ok {
		return "", r.wrongOrder(f, c)
	}
	return at.In(loc).Format(time.DateOnly), nil
}

func (r *reader) date(f Field) (dateText, *Column, *RowError) {
	c := r.single[f]
	s := r.cell(c)
	if nothing(s) {
		return dateText{}, c, r.fault(f, BadDate, "the date is empty; fill the cell")
	}
	d, ok := scanDate(s, r.t.book != nil, r.t.date1904())
	if !ok {
		return dateText{}, c, r.fault(f, BadDate, "this is not a date; write it as YYYY-MM-DD")
	}
	return d, c, nil
}

func (r *reader) wrongOrder(f Field, c *Column) *RowError {
	if c.DateOrder == "" {
		return r.fault(f, BadDate, "day and month cannot be told apart here; say which comes first with -date dmy or -date mdy")
	}
	return r.fault(f, BadDate, "this is not a day in the column's style ("+string(c.DateOrder)+"); correct the cell or say the style with -date")
}

// currency settles the row's currency: its column, the header of the amount, the
// sign beside the amount, the option.
func (r *reader) currency() *RowError {
	if c := r.single[Currency]; c != nil {
		if s := r.cell(c); !nothing(s) {
			code, ok := currencyCell(s)
			if !ok {
				return r.fault(Currency, BadCurrency, "this is not a currency; write its three letters")
			}
			r.code = code
			return nil
		}
	}
	if r.amountCol != nil && r.amountCol.Currency != "" {
		r.code = r.amountCol.Currency
	}
	return nil
}

// amount reads the sum of the row: its own column, else that of the line, else
// price times quantity.
func (r *reader) amount() (money.Amount, *RowError) {
	c := r.amountCol
	s := r.cell(c)
	if nothing(s) {
		return money.Amount{}, r.fault(c.Field, BadAmount, "the amount is empty; fill the cell (0 for nothing)")
	}
	n, ok := scanNumber(s)
	if !ok {
		return money.Amount{}, r.fault(c.Field, BadAmount, "this is not a sum of money; write it as 1234.56")
	}
	if n.unit != "" {
		code, ok := currencyWord(n.unit)
		if !ok {
			return money.Amount{}, r.fault(c.Field, BadCurrency, "the sign beside the sum is not a currency that is known; write its three letters")
		}
		if n.unit == "$" && (strings.HasSuffix(r.code, "D") || r.code == "" && strings.HasSuffix(r.t.opts.Currency, "D")) {
			code = r.code // a dollar sign is the sign of every dollar
			if code == "" {
				code = r.t.opts.Currency
			}
		}
		if r.code != "" && r.code != code {
			return money.Amount{}, r.fault(c.Field, BadCurrency, "the sign beside the sum is of another currency than the row; correct one of them")
		}
		r.code = code
	}
	if r.code == "" {
		r.code = r.t.opts.Currency
	}
	if r.code == "" {
		return money.Amount{}, r.fault(c.Field, BadCurrency, "the row names no currency; say it with -currency")
	}
	if c.Field == Micros {
		text, ok := micros(n.signed(n.digits))
		if !ok {
			return money.Amount{}, r.fault(c.Field, BadAmount, "this is not a number of millionths; write it without a fraction, or say -map amount=COLUMN for whole units")
		}
		if n, ok = scanNumber(text); !ok {
			return money.Amount{}, r.fault(c.Field, BadAmount, "the sum is too large; correct the cell")
		}
		amount, reason := r.money(n, &Column{Decimal: DecimalPoint})
		if reason != "" {
			return money.Amount{}, r.fault(c.Field, BadAmount, reason)
		}
		return amount, nil
	}
	amount, reason := r.money(n, c)
	if reason != "" {
		return money.Amount{}, r.fault(c.Field, BadAmount, reason)
	}
	if c.Field != Price || !r.has(Quantity) {
		return amount, nil
	}
	quantity := r.decimal(Quantity)
	if quantity == "" {
		return money.Amount{}, r.fault(Quantity, BadAmount, "the quantity is empty or no number, so the sum is not known; correct the cell")
	}
	var err error
	if amount.Minor, err = money.Times(amount.Minor, quantity); err != nil {
		return money.Amount{}, r.fault(c.Field, BadAmount, "price times quantity is too large; correct the cells")
	}
	return amount, nil
}

func (r *reader) money(n numberText, c *Column) (money.Amount, string) {
	text, ok := n.machine(c.Decimal)
	if !ok {
		return money.Amount{}, "thousand or fraction cannot be told apart here; say which sign begins the fraction with -decimal comma or -decimal point"
	}
	amount, err := money.Parse(text, r.code)
	switch {
	case errors.Is(err, money.ErrOverflow):
		return money.Amount{}, "the sum is too large; correct the cell"
	case err != nil:
		return money.Amount{}, "this is not a sum of money; write it as 1234.56"
	}
	return amount, ""
}

// sum reads an optional sum in the row's currency.
func (r *reader) sum(f Field) *money.Amount {
	c := r.single[f]
	s := r.cell(c)
	if nothing(s) {
		return nil
	}
	n, ok := scanNumber(s)
	if !ok {
		r.note(c, "this is not a sum of money; write it as 1234.56")
		return nil
	}
	amount, reason := r.money(n, c)
	if reason != "" {
		r.note(c, reason)
		return nil
	}
	return &amount
}

// decimal reads an optional number as a plain decimal.
func (r *reader) decimal(f Field) string {
	c := r.single[f]
	s := r.cell(c)
	if nothing(s) {
		return ""
	}
	if n, ok := scanNumber(s); ok {
		if text, ok := n.machine(c.Decimal); ok {
			return text
		}
	}
	r.note(c, "this is not a number; write it as 1234.56")
	return ""
}

// whole reads an optional whole number.
func (r *reader) whole(f Field) *int64 {
	text := r.decimal(f)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		r.note(r.single[f], "this is not a whole number; correct the cell")
		return nil
	}
	return &n
}

func (r *reader) attribution() Attribution {
	return Attribution{Source: r.value(Source), UTMSource: r.value(UTMSource), Medium: r.value(Medium), Campaign: r.value(Campaign)}
}

// id is the row's own, or one made of the row and its occurrence number. The
// number counts equal rows that could be used, in the file's order.
func (r *reader) id(f Field) (id string, given bool) {
	if id = r.value(f); id != "" {
		return id, true
	}
	return r.ids.Next(r.row), false
}
