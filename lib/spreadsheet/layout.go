package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// recogniseFormat tells text from workbooks, and refuses what only looks like a
// table, each with what to do about it.
func (t *Table) recogniseFormat(head []byte) error {
	start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte{0xEF, 0xBB, 0xBF}), " \t\r\n")
	if len(start) == 0 {
		return t.fault(ErrFormat, "", "the file is empty")
	}
	begins := func(s string) bool {
		return len(start) >= len(s) && strings.EqualFold(string(start[:len(s)]), s)
	}
	refuse := func(reason string) error { return t.fault(ErrFormat, "", reason) }
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		t.Format = "xlsx"
		return nil
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		if t.encrypted() {
			return refuse("the workbook is protected by a password; save it without one")
		}
		return refuse("this is an old .xls workbook; open it and save it as .xlsx or CSV")
	case begins("<html"), begins("<!doctype"), begins("<table"), begins("<meta"), begins("<head"), begins("<style"):
		return refuse("this is a web page under the name of a table; open it in a spreadsheet program and save it as .xlsx or CSV")
	case begins("<?xml"):
		return refuse("this is an XML file; open it in a spreadsheet program and save it as .xlsx or CSV")
	case begins("%PDF"):
		return refuse("this is a PDF; export the table as .xlsx or CSV")
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}), bytes.HasPrefix(head, []byte("Rar!")), bytes.HasPrefix(head, []byte("7z\xBC\xAF")):
		return refuse("this is an archive; unpack it first")
	case begins("{\\rtf"):
		return refuse("this is a text document; export the table as .xlsx or CSV")
	case bytes.HasPrefix(head, []byte("PAR1")):
		return refuse("this is a Parquet file; export the table as .xlsx or CSV")
	}
	t.Format = "text"
	return nil
}

// encrypted looks for the stream in which an encrypted workbook hides: its name
// stands in UTF-16 in the container's directory, anywhere in the file.
func (t *Table) encrypted() bool {
	var name []byte
	for _, c := range []byte("EncryptedPackage") {
		name = append(name, c, 0)
	}
	buf := make([]byte, 1<<20)
	for at := int64(0); at < t.size; at += int64(len(buf) - len(name)) {
		n, err := t.src.ReadAt(buf, at)
		if bytes.Contains(buf[:n], name) {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}

// openText recognises the character set, line ends, delimiter and header.
func (t *Table) openText(head []byte) error {
	if err := t.recogniseCharset(head); err != nil {
		return err
	}
	sample, err := io.ReadAll(io.LimitReader(t.text(), sampleBytes))
	if err != nil {
		return t.readFault(err)
	}
	t.eol = '\n'
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		t.eol = '\r'
	}
	if len(bytes.TrimSpace(sample)) == 0 {
		return t.fault(ErrFormat, "", "the file is empty")
	}
	first, _, _ := bytes.Cut(sample, []byte{t.eol})
	delims := []byte{';', '\t', ',', '|', whitespace, noDelimiter}
	if line := bytes.TrimRight(first, "\r"); len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) {
		t.skip = 1
		delims = []byte{line[4]}
	}
	switch d := t.opts.Delimiter; {
	case d == "":
	case len(d) == 1 && d[0] != '"' && d[0] < 0x80 && d[0] != '\n' && d[0] != '\r':
		delims = []byte{d[0]}
	default:
		return t.fault(ErrOption, "", "the delimiter has to be one character: ; , | a tab, or a blank for columns of blanks")
	}
	var best layout
	for i, d := range delims {
		l := t.layout(sample, d)
		if i == 0 || l.better(best) {
			best = l
		}
	}
	t.Delimiter = best.delim
	t.setHeader(best.rows, best.header, best.width)
	return nil
}

const (
	sampleBytes = 256 << 10
	sampleLines = 300
	headerLines = 50 // how far down a header is looked for
)

// layout is how a sample reads with one delimiter.
type layout struct {
	delim   byte
	rows    []record
	width   int     // the usual number of cells
	share   float64 // of the rows that have it, from the header on
	header  int     // index in rows; -1 = none
	matched int     // headers recognised
}

func (t *Table) layout(sample []byte, delim byte) layout {
	l := layout{delim: delim, header: -1}
	s := newSplitter(bytes.NewReader(sample), delim, t.eol)
	for len(l.rows) < sampleLines {
		rec, err := s.next()
		if err != nil {
			if errors.Is(err, io.EOF) && len(sample) == sampleBytes && len(l.rows) > 1 {
				l.rows = l.rows[:len(l.rows)-1] // cut in the middle
			}
			break
		}
		if rec.line > t.skip && !empty(rec.cells) {
			l.rows = append(l.rows, rec)
		}
	}
	l.header, l.matched = t.findHeader(l.rows)
	body := l.rows[max(l.header, 0):]
	counts := map[int]int{}
	for _, rec := range body {
		n := len(rec.cells)
		counts[n]++
		if c := counts[n]; c > counts[l.width] || c == counts[l.width] && n > l.width {
			l.width = n
		}
	}
	if len(body) > 0 {
		l.share = float64(counts[l.width]) / float64(len(body))
	}
	return l
}

// better prefers the delimiter under which more headers are recognised, then the
// one that cuts the rows evenly, then the one that cuts them at all. Blanks stand
// inside texts everywhere, so they count only where every row and the header have
// the same number of columns.
func (l layout) better(than layout) bool {
	if l.delim == whitespace && (l.width < 2 || l.share < 0.98 || len(l.rows[max(l.header, 0)].cells) != l.width) {
		return false
	}
	if l.matched != than.matched {
		return l.matched > than.matched
	}
	if a, b := l.width > 1, than.width > 1; a != b {
		return a && l.share >= 0.5
	}
	return l.share > than.share+0.05
}

// findHeader gives the first row with the most recognised headers among the first
// ones, or -1 where none is recognised and the first row is data.
func (t *Table) findHeader(rows []record) (index, matched int) {
	kinds := []Kind{t.Kind}
	if t.Kind == "" {
		kinds = []Kind{OrdersFile, LeadsFile, CostsFile}
	}
	index = -1
	for _, kind := range kinds {
		words := t.vocabulary(kind)
		for i, rec := range rows[:min(len(rows), headerLines)] {
			n := 0
			seen := map[string]bool{}
			for _, c := range rec.cells {
				key := headerKey(c)
				if _, ok := words.field(clean(c)); (ok || t.opts.Map.names(key)) && !seen[key] {
					seen[key] = true
					n++
				}
			}
			if n > matched || n == matched && n > 0 && i < index {
				index, matched = i, n
			}
		}
	}
	if index < 0 && len(rows) > 0 && !looksLikeData(rows[0].cells) {
		index = 0
	}
	return index, matched
}

// setHeader keeps the header's cells, cleaned, and the table's width.
func (t *Table) setHeader(rows []record, header, width int) {
	t.width = width
	if header < 0 {
		t.Header = nil
		return
	}
	t.HeaderRow = rows[header].line
	for _, rec := range rows[:header] {
		t.above = append(t.above, rec.cells)
	}
	for _, c := range rows[header].cells {
		t.Header = append(t.Header, oneSpace(clean(c)))
	}
	last := len(t.Header)
	for last > 0 && t.Header[last-1] == "" {
		last--
	}
	t.Header = t.Header[:last]
	t.width = max(width, last)
}

func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }
