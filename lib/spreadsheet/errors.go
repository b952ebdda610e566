package spreadsheet

import (
	"errors"
	"strconv"
	"strings"
)

// What stops a whole file. Each is matched by the *FileError that says more.
var (
	// ErrFormat means that the file is not a table this package reads: empty, an
	// old .xls, encrypted, a web page under a table's name, too large, broken.
	ErrFormat = errors.New("spreadsheet: not a readable table")
	// ErrAmbiguous means that two readings are possible and the user has to say
	// which one: by -map, -date, -decimal, -charset, -sheet or -kind.
	ErrAmbiguous = errors.New("spreadsheet: ambiguous")
	// ErrMissing means that a needed column, or the currency, is not there.
	ErrMissing = errors.New("spreadsheet: column missing")
	// ErrOption means that an option names something the file does not have.
	ErrOption = errors.New("spreadsheet: wrong option")
	// ErrTooMany means that the file has more rows than its reader takes.
	ErrTooMany = errors.New("spreadsheet: too many rows")
	// ErrRow is matched by every *RowError.
	ErrRow = errors.New("spreadsheet: unreadable row")
)

// FileError is one line that names the file, where it matters the row and the
// column, and says what to do. It carries column names but no cell's value.
type FileError struct {
	File   string
	Row    int    // 1-based; 0 = the file as a whole
	Column string // the header's text, empty where no column is meant
	Reason string
	Kind   error // one of the sentinels above
}

// Error is one line.
func (e *FileError) Error() string { return place(e.File, e.Row, e.Column) + e.Reason }

// Unwrap gives the sentinel, so that errors.Is tells the kinds apart.
func (e *FileError) Unwrap() error { return e.Kind }

// Code is a stable word for why a row could not be used; callers count by it.
type Code string

// The codes of a RowError.
const (
	BadWidth    Code = "width"    // more cells than the header has
	BadQuote    Code = "quote"    // a quotation mark is opened and never closed
	Total       Code = "total"    // a line of sums, not a record
	HeaderAgain Code = "header"   // the header once more, as in files glued together
	NoClient    Code = "client"   // no id, phone or e-mail
	BadDate     Code = "date"     // empty or not in the column's style
	BadAmount   Code = "amount"   // empty or not a sum of money
	BadCurrency Code = "currency" // not a currency, or another one than the amount's sign
	BadSource   Code = "source"   // costs without a source
	BadValue    Code = "value"    // an optional cell that could not be read
)

// RowError says why one row, or one optional cell of it, could not be read. It
// carries no value of the row: the caller keeps the original text (Row.Raw).
type RowError struct {
	File   string
	Row    int // 1-based line of a text file, or row of a sheet
	Column string
	Code   Code
	Reason string
}

// Error is one line that names file, row and column.
func (e *RowError) Error() string { return place(e.File, e.Row, e.Column) + e.Reason }

// Is makes every RowError match ErrRow.
func (e *RowError) Is(target error) bool { return target == ErrRow }

func place(file string, row int, column string) string {
	var b strings.Builder
	b.WriteString(oneLine(file))
	if row > 0 {
		b.WriteString(", row " + strconv.Itoa(row))
	}
	if column != "" {
		b.WriteString(", column " + strconv.Quote(oneLine(column)))
	}
	b.WriteString(": ")
	return b.String()
}

// oneLine keeps names from breaking an error's line: a header cell may hold a
// line break, and may be long.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:57]) + "..."
	}
	return s
}
