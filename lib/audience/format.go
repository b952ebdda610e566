package audience

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
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
func (s *fileSpec) head() []byte {
	var head []byte
	if s.format.human {
		head = append(head, byteOrderMark...)
	}
	if s.header == nil {
		return head
	}
	names := s.header()
	row := make([]cell, len(names))
	for i, name := range names {
		row[i].text = name
	}
	return s.format.appendRow(head, row, false, false)
}

// appendRow writes one row. With sizeOnly hashes are not computed: only the
// length of the result counts.
func (f format) appendRow(to []byte, row []cell, hashed, sizeOnly bool) []byte {
	for i := range row {
		c := &row[i]
		if i > 0 {
			to = append(to, f.separator)
		}
		switch {
		case f.human:
			to = appendQuoted(to, guard(c.text))
		case hashed && c.hash != "" && c.text != "":
			if sizeOnly {
				to = append(to, zeros[:c.hash.size()]...)
			} else {
				to = c.hash.appendSum(to, c.text)
			}
		case f.separator != 0 && strings.ContainsAny(c.text, "\",\r\n"):
			to = appendQuoted(to, c.text)
		default:
			to = append(to, c.text...)
		}
	}
	if f.human {
		to = append(to, '\r')
	}
	return append(to, '\n')
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

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

// counted passes bytes on in large pieces and keeps their number and SHA-256 for
// the manifest.
type counted struct {
	buffered *bufio.Writer
	bytes    int64
	sum      hash.Hash
}

func newCounted(out Output) *counted {
	return &counted{buffered: bufio.NewWriterSize(out, 64<<10), sum: sha256.New()}
}

func (c *counted) write(b []byte) error {
	c.bytes += int64(len(b))
	c.sum.Write(b)
	_, err := c.buffered.Write(b)
	return err
}

func (c *counted) flush() error { return c.buffered.Flush() }

func (c *counted) digest() string { return hex.EncodeToString(c.sum.Sum(nil)) }
