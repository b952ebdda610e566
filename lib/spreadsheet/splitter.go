package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Delimiters of text files beside the printable ones.
const (
	noDelimiter = 0   // one column
	whitespace  = ' ' // runs of spaces and tabs, as in fixed-width exports
)

const (
	firstBuffer = 128 << 10
	maxRecord   = 1 << 20 // a longer record is a broken quotation mark or not a table
)

// errLongRecord stops a file; the reader above adds file and row.
var errLongRecord = errors.New("the row is longer than 1 MiB; check the delimiter, or save the file again as CSV")

// record is one logical row of a text file.
type record struct {
	line      int    // 1-based physical line on which it begins
	raw       string // its text without the final line end
	cells     []string
	openQuote bool // a quotation mark is never closed: raw is one line, cells are not to be trusted
}

// splitter cuts UTF-8 text into records. Quotation marks follow RFC 4180: they
// count only at the start of a cell, are doubled inside, and must be followed by
// a delimiter or a line end to close; a cell that breaks this within its line is
// read as it stands ("Ромашка" ООО). A mark that would swallow whole rows is taken
// back: its line becomes a record of its own with openQuote set, so that no later
// row disappears inside a cell.
type splitter struct {
	r     io.Reader
	delim byte
	eol   byte
	width int // columns of the header once known, to notice swallowed rows; 0 = unknown

	buf        []byte
	start, end int
	eof        bool
	err        error
	line       int // physical lines consumed
	cells      int // length of the last record, the next one's capacity
}

func newSplitter(r io.Reader, delim, eol byte) *splitter {
	return &splitter{r: r, delim: delim, eol: eol, buf: make([]byte, firstBuffer)}
}

// next gives the records in order, blank lines included, and io.EOF after the last.
func (s *splitter) next() (record, error) {
	i, err := s.lineEnd()
	if err != nil {
		return record{}, err
	}
	if i == s.start && s.eof && s.start == s.end {
		return record{}, io.EOF
	}
	line := s.buf[s.start:i]
	if s.delim == whitespace || bytes.IndexByte(line, '"') < 0 {
		rec := record{line: s.line + 1, raw: string(trimEOL(line))}
		s.take(i, 1)
		if s.delim == whitespace {
			rec.cells = s.fields(rec.raw)
		} else {
			rec.cells = s.plain(rec.raw)
		}
		return rec, nil
	}
	return s.quoted()
}

// take consumes up to the line end at i.
func (s *splitter) take(i, lines int) {
	s.start = min(i+1, s.end)
	s.line += lines
}

// lineEnd is the index of the next line end, or s.end where the text ends first.
func (s *splitter) lineEnd() (int, error) {
	from := s.start
	for {
		if i := bytes.IndexByte(s.buf[from:s.end], s.eol); i >= 0 {
			return from + i, nil
		}
		seen := s.end - s.start
		if s.eof {
			return s.end, nil
		}
		if seen > maxRecord {
			return 0, errLongRecord
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
		from = s.start + seen
	}
}

// fill reads more, moving what is left to the front or growing the buffer.
func (s *splitter) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 { // a reader may give nothing now and then, but not for ever
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if errors.Is(err, io.EOF) {
			s.eof = true
			return nil
		}
		if err != nil {
			s.err = err
			return err
		}
		if n > 0 {
			return nil
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

func trimEOL(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

func (s *splitter) newCells() []string { return make([]string, 0, max(s.cells, 4)) }

// plain splits text without quotation marks; cells share the text's memory.
func (s *splitter) plain(text string) []string {
	cells := s.newCells()
	if s.delim != noDelimiter {
		for {
			i := strings.IndexByte(text, s.delim)
			if i < 0 {
				break
			}
			cells = append(cells, text[:i])
			text = text[i+1:]
		}
	}
	cells = append(cells, text)
	s.cells = len(cells)
	return cells
}

// fields splits at runs of blanks.
func (s *splitter) fields(text string) []string {
	cells := s.newCells()
	for i := 0; i < len(text); {
		for i < len(text) && blank(text[i]) {
			i++
		}
		from := i
		for i < len(text) && !blank(text[i]) {
			i++
		}
		if i > from {
			cells = append(cells, text[from:i])
		}
	}
	s.cells = len(cells)
	return cells
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// quoted reads a record whose first line holds a quotation mark.
func (s *splitter) quoted() (record, error) {
	for {
		b := s.buf[s.start:s.end]
		end, lines, state := s.scan(b)
		// A record that is closed where the buffer ends may go on behind it.
		if !s.eof && (state == scanOpen && len(b) <= maxRecord || state == scanClosed && end == len(b)) {
			if err := s.fill(); err != nil {
				return record{}, err
			}
			continue
		}
		if state == scanClosed {
			raw := string(trimEOL(b[:end]))
			cells := s.unquote(raw)
			if lines == 1 || !s.swallowed(raw, cells) {
				rec := record{line: s.line + 1, raw: raw, cells: cells}
				s.take(s.start+end, lines)
				return rec, nil
			}
		}
		// The next mark that begins a cell ended the search in vain, so that all such
		// searches together read the file about twice.
		i := bytes.IndexByte(b, s.eol)
		if i < 0 {
			i = len(b)
		}
		rec := record{line: s.line + 1, raw: string(trimEOL(b[:i])), openQuote: true}
		rec.cells = s.plain(rec.raw)
		s.take(s.start+i, 1)
		return rec, nil
	}
}

// scan finds where the record at the start of b ends: the index of its line end
// or of where it was given up, and the number of lines it spans.
func (s *splitter) scan(b []byte) (end, lines int, state scanState) {
	lines = 1
	atStart, inside := true, false
	opened, openLine := 0, 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case inside && c == '"':
			switch {
			case i+1 >= len(b):
				inside = false // the text, or the buffer, ends here
			case b[i+1] == '"':
				i++
			case closes(b[i+1:], s.delim, s.eol):
				inside = false
			case openLine == lines:
				i, inside = opened, false // the cell is not quoted at all: read it again as it stands
			default:
				return i, lines, scanBroken
			}
		case inside && c == s.eol:
			lines++
		case inside:
		case c == s.eol:
			return i, lines, scanClosed
		case c == s.delim && s.delim != noDelimiter:
			atStart = true
		case c == '"' && atStart:
			inside, atStart, opened, openLine = true, false, i, lines
		case c != ' ':
			atStart = false
		}
	}
	if inside {
		return len(b), lines, scanOpen
	}
	return len(b), lines, scanClosed
}

// scanState is how far a record could be read.
type scanState byte

const (
	scanClosed scanState = iota // up to a line end, or the end of what was read
	scanOpen                    // a mark is still open at the end of what was read
	scanBroken                  // a mark opened on an earlier line is answered by one that closes nothing
)

// closes tells whether what follows a quotation mark lets it close a cell.
func closes[T string | []byte](after T, delim, eol byte) bool {
	for i := range len(after) {
		switch c := after[i]; {
		case c == eol || c == delim && delim != noDelimiter:
			return true
		case c == '\r':
			return i+1 == len(after) || after[i+1] == eol
		case c != ' ':
			return false
		}
	}
	return true
}

// unquote splits a closed record into its cells.
func (s *splitter) unquote(raw string) []string {
	cells := s.newCells()
	for pos := 0; ; {
		from := pos
		for from < len(raw) && raw[from] == ' ' {
			from++
		}
		if from < len(raw) && raw[from] == '"' {
			if cell, next, ok := s.quotedCell(raw, from+1); ok {
				cells = append(cells, cell)
				if next >= len(raw) {
					break
				}
				pos = next + 1
				continue
			}
		}
		i := -1
		if s.delim != noDelimiter {
			i = strings.IndexByte(raw[pos:], s.delim)
		}
		if i < 0 {
			cells = append(cells, raw[pos:])
			break
		}
		cells = append(cells, raw[pos:pos+i])
		pos += i + 1
	}
	s.cells = len(cells)
	return cells
}

// quotedCell reads from behind an opening mark; next is the delimiter's place or
// len(raw). It reports false for a cell that only begins with a mark, as a firm's
// name may.
func (s *splitter) quotedCell(raw string, from int) (cell string, next int, ok bool) {
	doubled := false
	for i := from; i < len(raw); i++ {
		if raw[i] != '"' {
			continue
		}
		if i+1 < len(raw) && raw[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		if i+1 < len(raw) && !closes(raw[i+1:], s.delim, s.eol) {
			return "", 0, false
		}
		cell = raw[from:i]
		if doubled {
			cell = strings.ReplaceAll(cell, `""`, `"`)
		}
		for next = i + 1; next < len(raw) && raw[next] != s.delim; next++ { // blanks behind the mark
		}
		if s.delim == noDelimiter {
			next = len(raw)
		}
		return cell, next, true
	}
	return "", 0, false
}

// swallowed tells whether a record of several lines is really rows glued together
// by a stray mark: its number of cells is wrong, or its first and its last line
// are whole rows by themselves. A remark with line breaks is neither.
func (s *splitter) swallowed(raw string, cells []string) bool {
	if s.width < 2 || s.delim == noDelimiter {
		return false
	}
	if len(cells) != s.width {
		return true
	}
	first, rest, _ := strings.Cut(raw, string(rune(s.eol)))
	last := rest[strings.LastIndexByte(rest, s.eol)+1:]
	d := string(rune(s.delim))
	return strings.Count(first, d)+1 == s.width && strings.Count(last, d)+1 == s.width
}
