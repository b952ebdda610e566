// Package phone reads telephone numbers as people write them. It wraps a port of
// Google's libphonenumber and puts before it a fast path for the well-formed
// numbers of Russia, Kazakhstan and their neighbours, which a differential test
// proves equal to the library. It is a package of its own because the library's
// tables cost 6 MB of binary and 9 ms of start, which the ingest function must not
// pay.
//
// Of two possible readings none is taken. A number is read at home first, by the
// default country; what is impossible there may be one of another country that
// lost its plus sign (see abroad).
package phone

import (
	"strings"

	"github.com/leadlake/leadlake/lib/identity"
)

// Parser implements identity.PhoneParser. The zero value is ready and safe for
// concurrent use.
type Parser struct{}

var _ identity.PhoneParser = Parser{}

// Parse reads a field that holds one number and no second one, not even an
// unreadable one. Its extension and words around it are dropped. In RU and KZ the
// trunk prefix 8 and bare ten digits are national forms; elsewhere the library's
// rules for the country decide. Impossible numbers (wrong length for the country,
// +7 before 0, 1 or 2) are refused; whether a possible number is assigned is not
// judged but where a digit may be missing or too many, since numbering plans
// change faster than tables.
func (p Parser) Parse(raw, country string) (identity.Phone, bool) {
	numbers, rest := p.ParseAll(raw, country)
	if len(numbers) != 1 {
		return "", false
	}
	for _, text := range rest {
		if strings.ContainsAny(text, "0123456789") {
			return "", false
		}
	}
	return numbers[0].Phone, true
}

// ParseAll reads a whole field: numbers parted by a comma, semicolon, slash, bar,
// line end or "or", or by blanks where only one way to part them gives complete
// numbers. Digits of other scripts count, and letters around a number do not; a
// letter or symbol that stands in a number breaks it. An extension belongs to the
// number before it. The numbers stand in the order of the field.
//
// The rest is what was typed and is no number, so that nothing is lost: digits
// that could not be read, and words such as whose number it is. A field without
// any number is the rest as a whole.
func (Parser) ParseAll(raw, country string) (numbers []identity.PhoneNumber, rest []string) {
	country = strings.ToUpper(country)
	if number, ok := wellFormed(raw, country); ok {
		return []identity.PhoneNumber{{Phone: number}}, nil
	}
	return readField(raw, country)
}
