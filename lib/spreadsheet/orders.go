package spreadsheet

import (
	"iter"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/money"
)

// Person is what a row says about a client, as written; only birth dates are
// changed (YYYY-MM-DD) where the order of the column's dates is known. It is personal data and hides itself from logs.
type Person struct {
	Client    string
	Phones    []string // several columns, or several in one cell; not normalised
	Emails    []string
	Name      string
	FirstName string
	LastName  string
	BirthDay  string
	Gender    string
	City      string
	Country   string
	Company   string
	Consents  []Consent // in the order of the columns; empty cells say nothing
	ConsentAt time.Time // zero = not said
}

// String hides the person.
func (Person) String() string { return "[person]" }

// LogValue hides the person.
func (Person) LogValue() slog.Value { return slog.StringValue("[person]") }

// Consent is a yes or a no to one purpose.
type Consent struct {
	Purpose consent.Purpose
	Given   bool
}

// Attribution is where a client came from, as written.
type Attribution struct {
	Source, UTMSource, Medium, Campaign string
}

// Value is a cell without a field: the header, or the column's number, and its text.
type Value struct{ Name, Text string }

// OrderRow is one row of an orders file. Rows with the same given ID are lines of
// one order, in which case Amount may be the order's total repeated or the line's
// own sum: that the caller decides by comparing them.
type OrderRow struct {
	Row     Row
	ID      string
	IDGiven bool // false: ID was made of the row and its occurrence number
	Person  Person
	At      time.Time // UTC; a date without a time is 00:00 in Options.Location
	DayOnly bool

	Amount   money.Amount
	FromLine bool          // Amount is the line's own sum (item_sum, or price × quantity): lines of one order add up
	Shipping *money.Amount // nil = not said
	Returned *money.Amount
	Status   string

	Item, SKU, Category string
	Quantity            string        // a plain decimal; empty = not said
	Price               *money.Amount // of one piece
	ItemSum             *money.Amount // of the line

	Attribution      Attribution
	Manager, Comment string
	Tags             []string
	Notes            []*RowError // optional cells that could not be read; their values are left empty
}

// LeadRow is one row of a leads file. At is zero where the file says no date.
type LeadRow struct {
	Row                               Row
	ID                                string
	IDGiven                           bool
	Person                            Person
	At                                time.Time
	DayOnly                           bool
	Stage, Interest, Manager, Comment string
	Tags                              []string
	Attribution                       Attribution
	Notes                             []*RowError
}

// ClientRow is one row of a client base. Since is when the client was put into it,
// zero where the file does not say.
type ClientRow struct {
	Row              Row
	Person           Person
	Since            time.Time
	Tags             []string
	Manager, Comment string
	Attribution      Attribution
	Notes            []*RowError
}

// LogValue shows the place only: remarks and values are personal.
func (o OrderRow) LogValue() slog.Value { return slog.IntValue(o.Row.Number) }

// LogValue shows the place only.
func (c ClientRow) LogValue() slog.Value { return slog.IntValue(c.Row.Number) }

// LogValue shows the place only.
func (l LeadRow) LogValue() slog.Value { return slog.IntValue(l.Row.Number) }

// Orders gives the rows of an orders file. A pair with a *RowError carries only
// Row and is to be kept with its reason; reading goes on. Any other error is the
// last pair. A table of another kind gives one ErrOption.
func Orders(t *Table) iter.Seq2[OrderRow, error] {
	return typed(t, OrdersFile, (*reader).order, func(row Row) OrderRow { return OrderRow{Row: row} })
}

// Leads gives the rows of a leads file in the same way.
func Leads(t *Table) iter.Seq2[LeadRow, error] {
	return typed(t, LeadsFile, (*reader).lead, func(row Row) LeadRow { return LeadRow{Row: row} })
}

// Clients gives the rows of a client base in the same way.
func Clients(t *Table) iter.Seq2[ClientRow, error] {
	return typed(t, ClientsFile, (*reader).baseRow, func(row Row) ClientRow { return ClientRow{Row: row} })
}

func typed[R any](t *Table, kind Kind, read func(*reader, Row) (R, *RowError), bare func(Row) R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if t.Kind != kind {
			yield(*new(R), t.fault(ErrOption, "", "the file was opened as "+string(t.Kind)+", not as "+string(kind)))
			return
		}
		rd, bad := newReader(t), 0
		for row, err := range t.Rows() {
			if err != nil {
				if !yield(bare(row), err) {
					return
				}
				continue
			}
			rec, fault := read(rd, row)
			if fault != nil {
				bad++
				if !yield(bare(row), fault) {
					return
				}
				continue
			}
			if !yield(rec, nil) {
				return
			}
		}
		t.count.Rows -= bad
		t.count.Errors += bad
	}
}

// Attributes gives the filled cells of a row that no field is read from, in the
// order of the columns.
func (t *Table) Attributes(row Row) []Value {
	var out []Value
	for _, i := range t.Unused {
		if i >= len(row.Cells) {
			break
		}
		if text := clean(row.Cells[i]); text != "" {
			out = append(out, Value{Name: t.nameOf(&Column{Index: i, Header: t.header(i)}), Text: text})
		}
	}
	return out
}

func (t *Table) header(i int) string {
	if i < len(t.Header) {
		return t.Header[i]
	}
	return ""
}

func (r *reader) order(row Row) (OrderRow, *RowError) {
	r.begin(row)
	o := OrderRow{Row: row, Person: r.person()}
	var fault *RowError
	if fault = r.needsPerson(&o.Person); fault != nil {
		return o, fault
	}
	if o.At, o.DayOnly, fault = r.moment(Date, true); fault != nil {
		return o, fault
	}
	if fault = r.currency(); fault != nil {
		return o, fault
	}
	if o.Amount, fault = r.amount(); fault != nil {
		return o, fault
	}
	o.FromLine = r.amountCol.Field != Amount
	o.Shipping, o.Returned = r.sum(Shipping), r.sum(Returned)
	o.Price, o.ItemSum = r.sum(Price), r.sum(ItemSum)
	o.Quantity = r.decimal(Quantity)
	o.Status, o.Item, o.SKU, o.Category = r.value(Status), r.value(Item), r.value(SKU), r.value(Category)
	o.Attribution = r.attribution()
	o.Manager, o.Comment, o.Tags = r.value(Manager), r.value(Comment), r.tags()
	o.ID, o.IDGiven = r.id(OrderID)
	o.Notes = r.notes
	return o, nil
}

func (r *reader) lead(row Row) (LeadRow, *RowError) {
	r.begin(row)
	l := LeadRow{Row: row, Person: r.person()}
	var fault *RowError
	if fault = r.needsPerson(&l.Person); fault != nil {
		return l, fault
	}
	if l.At, l.DayOnly, fault = r.moment(Date, false); fault != nil {
		return l, fault
	}
	l.Stage, l.Interest, l.Manager, l.Comment = r.value(Stage), r.value(Interest), r.value(Manager), r.value(Comment)
	l.Attribution, l.Tags = r.attribution(), r.tags()
	l.ID, l.IDGiven = r.id(LeadID)
	l.Notes = r.notes
	return l, nil
}

func (r *reader) baseRow(row Row) (ClientRow, *RowError) {
	r.begin(row)
	c := ClientRow{Row: row, Person: r.person()}
	var fault *RowError
	if fault = r.needsPerson(&c.Person); fault != nil {
		return c, fault
	}
	if c.Since, _, fault = r.moment(Date, false); fault != nil {
		r.notes = append(r.notes, fault) // nobody is left out of a client base for the day of its row
	}
	c.Manager, c.Comment, c.Tags, c.Attribution = r.value(Manager), r.value(Comment), r.tags(), r.attribution()
	c.Notes = r.notes
	return c, nil
}

// tags are the words of the tags' cell, each once.
func (r *reader) tags() []string {
	if !r.has(Tags) {
		return nil
	}
	var out []string
	for _, s := range split(r.value(Tags)) {
		if s = clean(s); !nothing(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// split cuts a cell that holds several phones or addresses.
func split(cell string) []string {
	if !strings.ContainsAny(cell, ",;\n|") {
		return []string{cell}
	}
	return strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '|' })
}

// splitPhones cuts "8 999 555-11-11 / 8 999 555-22-22" where a number stands on
// both sides; the stroke of an extension ("…/ доб. 5", "…/12") stays.
func splitPhones(parts []string) []string {
	var out []string
	for _, part := range parts {
		for {
			before, after, ok := strings.Cut(part, "/")
			if !ok || countDigits(before) < 7 || countDigits(after) < 7 {
				break
			}
			out, part = append(out, before), after
		}
		out = append(out, part)
	}
	return out
}
