// Package phone reads telephone numbers as people write them. It wraps a port of
// Google's libphonenumber and puts before it a fast path for the well-formed
// numbers of Russia and Kazakhstan, which a differential test proves equal to
// the library. It is a package of its own because the library's tables cost
// 6 MB of binary and 9 ms of start, which the ingest function must not pay.
package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadlake/leadlake/lib/identity"
)

// Parser implements identity.PhoneParser. The zero value is ready and safe for
// concurrent use.
type Parser struct{}

var _ identity.PhoneParser = Parser{}

// Parse reads one number with a default country for national forms. Extensions
// are dropped. In RU and KZ the trunk prefix 8 and bare ten digits are national
// forms; elsewhere the library's rules for the country decide. Impossible
// numbers (wrong length for the country) are refused; whether a possible number
// is assigned is not judged, since numbering plans change faster than tables.
func (Parser) Parse(raw, country string) (identity.Phone, bool) {
	if len(raw) > 64 {
		return "", false
	}
	country = strings.ToUpper(country)
	if number, ok := home(raw, country); ok {
		return number, true
	}
	return parseByLibrary(raw, country)
}

// home reads the forms of mobile numbers that nearly every Russian lead has:
// +7 9XX…, 8 9XX…, 7 9XX… and 9XX… with the usual punctuation.
func home(raw, country string) (identity.Phone, bool) {
	if country != "RU" && country != "KZ" {
		return "", false
	}
	var digits [12]byte
	n, plus := 0, false
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits) {
				return "", false
			}
			digits[n] = c
			n++
		case c == '+' && n == 0 && !plus:
			plus = true
		case c == ' ' || c == '-' || c == '(' || c == ')':
		default:
			return "", false
		}
	}
	var national []byte
	switch {
	case n == 11 && digits[0] == '7', n == 11 && digits[0] == '8' && !plus:
		national = digits[1:11]
	case n == 10 && !plus:
		national = digits[:10]
	default:
		return "", false
	}
	if national[0] != '9' {
		return "", false // not a mobile number: area codes have their own rules
	}
	return identity.Phone("+7" + string(national)), true
}

func parseByLibrary(raw, country string) (identity.Phone, bool) {
	raw = strings.TrimSpace(raw)
	if country == "RU" || country == "KZ" {
		// An exit code typed as 8-10 or a lost plus sign: the library takes
		// "7…" with eleven digits for a national number.
		if digits := onlyDigits(raw); len(digits) == 11 && digits[0] == '7' && !strings.HasPrefix(raw, "+") {
			raw = "+" + digits
		}
	}
	number, err := phonenumbers.Parse(raw, country)
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return "", false
	}
	number.Extension = nil
	return identity.Phone(phonenumbers.Format(number, phonenumbers.E164)), true
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
