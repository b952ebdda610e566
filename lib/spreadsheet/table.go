// Package spreadsheet reads the tables that shops, CRMs, accounting programs and
// advertising cabinets export: CSV and other delimited or fixed-width text, and
// XLSX. It recognises the character set, the delimiter, the header, the columns
// and the styles of dates and numbers, says what it recognised, and asks by name
// for what could be read in two ways; it never guesses silently. Rows come as a
// stream of orders, leads or costs whose values are changed in type only.
//
// A table that cannot be used is a *FileError; a row that cannot be used is a
// *RowError beside the row's original text, and reading goes on.
package spreadsheet

import (
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"
)

// Options are the user's answers. The zero value recognises everything.
type Options struct {
	Kind      Kind         // empty = by the columns
	Map       Map          // -map; goes before every recognition
	Charset   string       // empty = recognised
	Delimiter string       // one of ; , | TAB, a blank for columns of blanks; empty = recognised
	Sheet     string       // of a workbook; empty = the first one with cells
	DateOrder DateOrder    // empty = by the values of each column
	Decimal   DecimalStyle // empty = by the values of each column
	Currency  string       // ISO 4217, for sums that name none

	Location *time.Location // of dates without an offset; nil = UTC
	IDKey    []byte         // key of the ids of rows without an order id (RowIDs)

	// MaxUnzipped limits what an XLSX file may unpack to, in bytes; it is held in
	// memory. 0 = 512 MiB.
	MaxUnzipped int64
}

// Table is an opened file whose columns are understood. Rows may be read any
// number of times, but not at the same time.
type Table struct {
	Name      string
	Kind      Kind
	Format    string // "text" or "xlsx"
	Charset   string // of text, as the constants name it
	Delimiter byte   // of text; 0 = one column, ' ' = runs of blanks
	Sheet     string // of a workbook
	Others    []string
	HeaderRow int      // 1-based line or row; 0 = the file has no header
	Header    []string // cleaned; empty where there is none
	Columns   []Column // what each recognised field is read from, in the order of the fields
	Unused    []int    // 0-based columns that have a header or values and no field
	Sample    []Row    // the first rows of data, at most 20; personal
	Platform  string   // the advertising cabinet that wrote a costs file, as its costs' source; empty = not recognised

	opts  Options
	src   io.ReaderAt
	size  int64
	bom   int64
	eol   byte
	skip  int // first lines that only configure spreadsheet programs
	width int
	book  *workbook
	above [][]string          // cells of the rows before the header
	words map[Kind]vocabulary // built once for an Open
	count Count
}

// Count is what one reading of all rows met.
type Count struct {
	Rows   int // rows given out in order, without errors
	Errors int // rows given out with a *RowError
	Blank  int // rows without any value, skipped
}

// Count tells about the last complete reading by Rows, Orders, Leads or Costs; it
// is zero before.
func (t *Table) Count() Count { return t.count }

// Row is one row of the file. It is personal data: print only its number.
type Row struct {
	Number int      // 1-based line of a text file, or row of a sheet
	Cells  []string // as they stand, quotation marks taken off
	Raw    string   // the row's own text in UTF-8; of a sheet: the cells joined by TAB
}

// String hides the row.
func (r Row) String() string { return "[row]" }

// LogValue shows the place only.
func (r Row) LogValue() slog.Value { return slog.IntValue(r.Number) }

// Open recognises a table of size bytes. name stands in every message. Errors are
// *FileError (matching ErrFormat, ErrAmbiguous, ErrMissing or ErrOption) or a
// failure of r.
func Open(name string, r io.ReaderAt, size int64, opts Options) (*Table, error) {
	if opts.Location == nil {
		opts.Location = time.UTC
	}
	t := &Table{Name: name, opts: opts, src: r, size: size, Kind: opts.Kind}
	if err := t.checkOptions(); err != nil {
		return nil, err
	}
	head := make([]byte, min(size, 64<<10))
	if n, err := r.ReadAt(head, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(head)) {
		return nil, t.readFault(err)
	}
	if err := t.recogniseFormat(head); err != nil {
		return nil, err
	}
	var err error
	if t.Format == "xlsx" {
		err = t.openWorkbook()
	} else {
		err = t.openText(head)
	}
	if err != nil {
		return nil, err
	}
	if err := t.recogniseColumns(); err != nil {
		return nil, err
	}
	return t, t.recogniseStyles()
}

func (t *Table) checkOptions() error {
	switch t.opts.Kind {
	case "", OrdersFile, LeadsFile, CostsFile, ClientsFile:
	default:
		return t.fault(ErrOption, "", "unknown kind; -kind is orders, leads, costs or clients")
	}
	switch t.opts.DateOrder {
	case "", DayFirst, MonthFirst:
	default:
		return t.fault(ErrOption, "", "unknown order of dates; -date is dmy or mdy")
	}
	switch t.opts.Decimal {
	case "", DecimalComma, DecimalPoint:
	default:
		return t.fault(ErrOption, "", "unknown style of numbers; -decimal is comma or point")
	}
	return nil
}

// fault is an error about the file or one of its columns.
func (t *Table) fault(kind error, column, reason string) error {
	return &FileError{File: t.Name, Column: column, Reason: reason, Kind: kind}
}

// readFault wraps a failure of the reader below, which is no fault of the table.
func (t *Table) readFault(err error) error {
	return &FileError{File: t.Name, Reason: "the file cannot be read: " + err.Error(), Kind: err}
}

// Rows gives the rows of data in the file's order, without the header, what
// stands before it, and blank rows. A pair with a *RowError is a row that must not
// be used, and the reading goes on after it; any other error is the last pair.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var count Count
		for rec, err := range t.records() {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if rec.line <= max(t.HeaderRow, t.skip) {
				continue
			}
			if empty(rec.cells) {
				count.Blank++
				continue
			}
			row := Row{Number: rec.line, Cells: rec.cells, Raw: rec.raw}
			if fault := t.check(rec); fault != nil {
				count.Errors++
				if !yield(row, fault) {
					return
				}
				continue
			}
			count.Rows++
			if !yield(row, nil) {
				return
			}
		}
		t.count = count
	}
}

func empty(cells []string) bool {
	for _, c := range cells {
		if clean(c) != "" {
			return false
		}
	}
	return true
}

// check finds rows that are no records of the table; nil for good ones.
func (t *Table) check(rec record) error {
	fault := func(code Code, reason string) error {
		return &RowError{File: t.Name, Row: rec.line, Code: code, Reason: reason}
	}
	if rec.openQuote {
		return fault(BadQuote, "a quotation mark is opened and not closed in its row; double the marks inside a text, or remove it")
	}
	if t.Format == "text" && len(rec.cells) > t.width && !empty(rec.cells[t.width:]) {
		return fault(BadWidth, "the row has more cells than the header; put texts that hold the delimiter in quotation marks")
	}
	if t.Format == "text" && t.Delimiter == whitespace && len(rec.cells) < t.width {
		return fault(BadWidth, "the row has fewer columns than the others; fill the gap or export with a delimiter")
	}
	if t.repeatsHeader(rec.cells) {
		return fault(HeaderAgain, "the header stands here once more; remove the row")
	}
	if t.isTotal(rec.cells) {
		return fault(Total, "this is a line of sums and not a record; nothing needs to be done")
	}
	return nil
}

func (t *Table) repeatsHeader(cells []string) bool {
	if t.HeaderRow == 0 || len(cells) < len(t.Header) || len(t.Header) == 0 || clean(cells[0]) != t.Header[0] {
		return false
	}
	for i, h := range t.Header {
		if clean(cells[i]) != h {
			return false
		}
	}
	return true
}

// isTotal recognises a line of sums: its first filled cell says so, and nothing
// else in it tells whose or which day's record it would be.
func (t *Table) isTotal(cells []string) bool {
	if t.Kind == CostsFile && len(t.Columns) > 0 {
		return t.isCostTotal(cells)
	}
	first := -1
	for i, c := range cells {
		if c != "" && clean(c) != "" {
			first = i
			break
		}
	}
	if first < 0 || !totalWord(cells[first]) {
		return false
	}
	for _, c := range t.Columns {
		switch c.Field {
		case Date, Client, Phone, Email:
			if c.Index >= 0 && c.Index != first && c.Index < len(cells) && !nothing(clean(cells[c.Index])) {
				return false
			}
		}
	}
	return true
}

// records gives every row of the file, the header and blank ones included. An
// error is the last pair.
func (t *Table) records() iter.Seq2[record, error] {
	if t.book != nil {
		return t.book.records(t)
	}
	return func(yield func(record, error) bool) {
		s := newSplitter(t.text(), t.Delimiter, t.eol)
		for {
			rec, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(record{}, t.stopped(s.line+1, err))
				return
			}
			if s.width == 0 && rec.line >= t.HeaderRow {
				s.width = t.width // lines before the header may have any number of cells
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// stopped says where reading ended, whatever the cause.
func (t *Table) stopped(row int, err error) error {
	if errors.Is(err, errLongRecord) {
		return &FileError{File: t.Name, Row: row, Reason: err.Error(), Kind: ErrFormat}
	}
	return &FileError{File: t.Name, Row: row, Reason: "the file cannot be read further: " + err.Error(), Kind: err}
}
