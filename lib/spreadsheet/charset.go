package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Names of character sets as Options.Charset takes them and Table.Charset shows them.
const (
	UTF8        = "utf-8"
	UTF16LE     = "utf-16le"
	UTF16BE     = "utf-16be"
	Windows1251 = "windows-1251"
	Windows1252 = "windows-1252"
	KOI8R       = "koi8-r"
	IBM866      = "ibm866"
)

// decoder is the encoding of a name, nil for UTF-8; ok is false for an unknown name.
func decoder(charset string) (enc encoding.Encoding, ok bool) {
	switch charset {
	case UTF8:
		return nil, true
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), true
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), true
	case Windows1251:
		return charmap.Windows1251, true
	case Windows1252:
		return charmap.Windows1252, true
	case KOI8R:
		return charmap.KOI8R, true
	case IBM866:
		return charmap.CodePage866, true
	}
	return nil, false
}

// text reads the file's characters as UTF-8 from behind its byte order mark.
func (t *Table) text() io.Reader {
	r := io.Reader(io.NewSectionReader(t.src, t.bom, t.size-t.bom))
	if enc, _ := decoder(t.Charset); enc != nil {
		r = transform.NewReader(r, enc.NewDecoder())
	}
	return r
}

// recogniseCharset sets t.Charset and t.bom. The whole file is looked at: exports
// begin with pages of plain ASCII and turn Cyrillic later.
func (t *Table) recogniseCharset(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		t.Charset, t.bom = UTF8, 3
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		t.Charset, t.bom = UTF16LE, 2
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		t.Charset, t.bom = UTF16BE, 2
	}
	if name := t.opts.Charset; name != "" {
		if _, ok := decoder(name); !ok {
			return t.fault(ErrOption, "", "unknown charset; one of utf-8, utf-16le, utf-16be, windows-1251, windows-1252, koi8-r, ibm866")
		}
		if t.Charset != "" && t.Charset != name {
			t.bom = 0
		}
		t.Charset = name
		return nil
	}
	if t.Charset != "" {
		return nil
	}
	if name := bareUTF16(head); name != "" {
		t.Charset = name
		return nil
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return t.fault(ErrFormat, "", "this is not a text table; save it as CSV or XLSX")
	}
	var c census
	if err := c.read(io.NewSectionReader(t.src, 0, t.size)); err != nil {
		return t.readFault(err)
	}
	switch {
	case c.utf8:
		t.Charset = UTF8
	case c.cyrillic1251():
		t.Charset = Windows1251
	default:
		return t.fault(ErrAmbiguous, "", "the character set is not recognised; save the file as UTF-8, or name it with -charset (windows-1251, windows-1252, koi8-r, ibm866)")
	}
	return nil
}

// bareUTF16 recognises UTF-16 without a mark by the zero halves of its digits,
// delimiters and line ends.
func bareUTF16(head []byte) string {
	var even, odd int
	for i, c := range head {
		if c != 0 {
			continue
		}
		if i%2 == 0 {
			even++
		} else {
			odd++
		}
	}
	enough := len(head) / 10
	switch {
	case odd > enough && even == 0:
		return UTF16LE
	case even > enough && odd == 0:
		return UTF16BE
	}
	return ""
}

// census counts what tells character sets apart.
type census struct {
	utf8                  bool
	high, odd             int // bytes above 0x7F; those that are no letter or usual sign of Windows-1251
	words, mixed, upended int // words with high bytes; with Latin letters beside them; small letter first, capitals behind
	capitals, vowels      int // letters of words in capitals, and how many of them are vowels
}

func (c *census) read(r io.Reader) error {
	c.utf8 = true
	buf := make([]byte, 256<<10)
	var carry int // bytes of an unfinished UTF-8 sequence kept at the front
	for {
		n, err := io.ReadFull(r, buf[carry:])
		b := buf[:carry+n]
		if c.utf8 {
			whole := b
			if err == nil { // more follows: a sequence may be cut at the edge
				whole = b[:len(b)-tail(b)]
			}
			c.utf8 = utf8.Valid(whole)
			if c.utf8 {
				carry = copy(buf, b[len(whole):])
			}
		}
		if !c.utf8 {
			carry = 0
		}
		if c.high < 1<<20 { // enough to judge by
			c.count(b)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tail is the length of an unfinished UTF-8 sequence at the end of b.
func tail(b []byte) int {
	for i := 1; i <= min(3, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

func (c *census) count(b []byte) {
	const none, small, capital, latin = 0, 1, 2, 3
	start := func(i int) bool { return i == 0 || class1251(b[i-1]) == none && !isLatin(b[i-1]) }
	for i := range b {
		if b[i] >= 0x80 {
			c.high++
			if class1251(b[i]) == none && !sign1251(b[i]) {
				c.odd++
			}
		}
		if !start(i) || class1251(b[i]) == none && !isLatin(b[i]) {
			continue
		}
		first, capitals, latins, length := class1251(b[i]), 0, 0, 0
		for j := i; j < len(b) && (class1251(b[j]) != none || isLatin(b[j])); j++ {
			length++
			switch {
			case isLatin(b[j]):
				latins++
			case class1251(b[j]) == capital:
				capitals++
			}
		}
		if length == latins || length < 2 {
			continue
		}
		c.words++
		if latins > 0 {
			c.mixed++
		}
		// KOI8-R keeps capitals where Windows-1251 has small letters and back.
		if latins == 0 && capitals > 0 && first == small {
			c.upended++
		}
		if capitals == length {
			c.capitals += length
			for _, letter := range b[i : i+length] {
				switch letter {
				case 0xC0, 0xC5, 0xC8, 0xCE, 0xD3, 0xDB, 0xDD, 0xDE, 0xDF: // А Е И О У Ы Э Ю Я
					c.vowels++
				}
			}
		}
	}
}

// cyrillic1251 tells whether the bytes read as Russian, Ukrainian or Belarusian
// text in Windows-1251 and not as KOI8-R, IBM 866 or a Western set. Two letters of
// five in Russian are vowels; small letters of KOI8-R read as capitals of
// Windows-1251 have one in four.
func (c *census) cyrillic1251() bool {
	if c.capitals > 20 && c.vowels*3 < c.capitals {
		return false
	}
	return c.high > 0 && c.words > 0 && c.odd*10 <= c.high && c.mixed*4 <= c.words && c.upended*2 <= c.words
}

func isLatin(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// class1251 is 1 for a small Cyrillic letter, 2 for a capital, else 0.
func class1251(b byte) int {
	switch {
	case b >= 0xE0, b == 0xB8, b == 0xB3, b == 0xB4, b == 0xBA, b == 0xBF, b == 0xA2:
		return 1
	case b >= 0xC0, b == 0xA8, b == 0xB2, b == 0xA5, b == 0xAA, b == 0xAF, b == 0xA1:
		return 2
	}
	return 0
}

// sign1251 knows the punctuation that office programs write in Windows-1251.
func sign1251(b byte) bool {
	switch b {
	case 0x82, 0x84, 0x85, 0x88, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0xA0, 0xA7, 0xA9, 0xAB, 0xAE, 0xB0, 0xB1, 0xB7, 0xB9, 0xBB:
		return true
	}
	return false
}
