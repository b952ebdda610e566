package audience

import (
	"strings"
	"unicode"
)

// format is how rows become bytes.
type format struct {
	human     bool // byte order mark, CRLF, formula guard, every cell quoted
	separator byte // 0: one value a line, never quoted
}

const byteOrderMark = "\ufeff"

// head is what stands before the first row.
func (s *fileSpec) head(names map[string]string) []byte {
	var head []byte
	if s.format.human {
		head = append(head, byteOrderMark...)
	}
	if !s.bare {
		row := make([]cell, len(s.columns))
		for i, column := range s.columns {
			row[i].text = column.name
			if name, ok := names[column.key]; ok {
				row[i].text = name
			}
		}
		head, _ = s.format.appendRow(head, row, false)
	}
	for _, row := range s.preamble {
		cells := make([]cell, len(row))
		for i, text := range row {
			cells[i].text = text
		}
		head, _ = s.format.appendRow(head, cells, false)
	}
	return head
}

// appendRow appends one row and returns the key by which equal rows are found.
func (f format) appendRow(to []byte, row []cell, hashed bool) ([]byte, uint64) {
	key := uint64(len(row))
	for i := range row {
		c := &row[i]
		if i > 0 {
			to = append(to, f.separator)
		}
		var sum uint64
		switch {
		case c.text == "" && !f.human:
		case f.human:
			to = appendQuoted(to, guard(c.text))
			sum = c.sum()
		case hashed && c.hash != "":
			to, sum = c.hash.appendSum(to, c.text)
		default:
			if c.plus {
				to = append(to, '+')
			}
			if f.separator != 0 && needsQuotes(c.text) {
				to = appendQuoted(to, c.text)
			} else {
				to = append(to, c.text...)
			}
			sum = c.sum()
		}
		if !c.aside {
			key = mix(key, sum)
		}
	}
	if f.human {
		to = append(to, '\r')
	}
	return append(to, '\n'), key
}

// sum is of the text, where it counts.
func (c *cell) sum() uint64 {
	if c.aside {
		return 0
	}
	return sumText(c.text)
}

// needsQuotes knows both separators, so that no program takes a row for another.
func needsQuotes(text string) bool {
	var special byte
	for i := range len(text) {
		special |= quoted[text[i]]
	}
	return special != 0
}

// quoted marks the bytes for which a cell is put in quotes.
var quoted = [256]byte{'"': 1, ',': 1, ';': 1, '\r': 1, '\n': 1} //nolint:gochecknoglobals // a constant table

func appendQuoted(to []byte, text string) []byte {
	to = append(to, '"')
	to = append(to, strings.ReplaceAll(text, `"`, `""`)...)
	return append(to, '"')
}

// guard makes a cell safe to open in a spreadsheet: no text of a client's own
// making may become a formula (ASVS 1.2.10). Controls and line breaks become
// blanks, blanks and invisible characters around the text go, and before a
// character that begins a formula an apostrophe is put: at the start, and after
// a comma, semicolon or bar too, since a program that expects another separator
// would start a cell there in spite of the quotes.
func guard(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	text = strings.TrimFunc(text, invisible)
	if !strings.ContainsFunc(text, beginsFormula) {
		return text
	}
	var safe strings.Builder
	fresh := true
	for _, r := range text {
		if fresh && beginsFormula(r) {
			safe.WriteByte('\'')
		}
		switch {
		case r == ',' || r == ';' || r == '|':
			fresh = true
		case r != '"' && !invisible(r):
			fresh = false
		}
		safe.WriteRune(r)
	}
	return safe.String()
}

func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// beginsFormula knows the full-width forms too: some input methods and
// converters turn them into the plain ones.
func beginsFormula(r rune) bool {
	switch r {
	case '=', '+', '-', '@', '\uff1d', '\uff0b', '\uff0d', '\uff20':
		return true
	}
	return false
}

// unformulated is a text for a sender's file: a machine reads it, so no
// apostrophe is put before it, but people open such files too. Controls become
// blanks, and what begins a formula goes from its front.
func unformulated(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimRightFunc(strings.TrimLeftFunc(text, func(r rune) bool { return invisible(r) || beginsFormula(r) }), invisible)
}
