package spreadsheet

import (
	"errors"
	"io"
	"strings"
	"time"
)

// SplitRecord is a record as tests see it.
type SplitRecord struct {
	Line      int
	Raw       string
	Cells     []string
	OpenQuote bool
}

// SplitAll cuts text into records.
func SplitAll(r io.Reader, delim byte, width int) ([]SplitRecord, error) {
	s := newSplitter(r, delim, '\n')
	s.width = width
	var out []SplitRecord
	for {
		rec, err := s.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, SplitRecord{Line: rec.line, Raw: rec.raw, Cells: rec.cells, OpenQuote: rec.openQuote})
	}
}

// ReadDate reads one date as a column of text does.
func ReadDate(s string, order DateOrder, sheet bool, loc *time.Location) (at time.Time, dayOnly, ok bool) {
	d, ok := scanDate(s, sheet, false)
	if !ok {
		return time.Time{}, false, false
	}
	return d.in(order, loc)
}

// ReadNumber reads one number as a column does; the unit is upper case.
func ReadNumber(s string, style DecimalStyle) (decimal, unit string, ok bool) {
	n, ok := scanNumber(s)
	if !ok {
		return "", "", false
	}
	decimal, ok = n.machine(style)
	return decimal, strings.ToUpper(n.unit), ok
}

// TidyNumber undoes how sheets store numbers.
func TidyNumber(s string) string { return tidyNumber(s) }

// Platforms gives the sources of the cabinets that are recognised.
func Platforms() []string {
	var out []string
	for _, p := range platforms() {
		out = append(out, p.source)
	}
	return out
}

// Synonyms gives every field and header that a kind of file knows, with the field
// it leads to.
func Synonyms(kind Kind) map[string]Field {
	out := map[string]Field{}
	for key, m := range vocabularyOf(kind) {
		out[key] = m.field
	}
	return out
}
