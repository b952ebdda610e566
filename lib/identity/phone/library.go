package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadlake/leadlake/lib/identity"
)

// typed is one number as it was written, punctuation left out.
type typed struct {
	digits string
	plus   bool
	// apart: only one digit stood together after the plus sign, as in "+8 (916) …".
	apart bool
}

// atHome reads a number by its plus sign or as one of the country.
func atHome(t typed, country string) (identity.Phone, bool) {
	if len(t.digits) < 4 || len(t.digits) > 20 {
		return "", false
	}
	if sharesSeven(country) {
		switch {
		case t.plus && len(t.digits) == 11 && t.digits[0] == '8' && (t.digits[1] == '9' || t.apart):
			// The trunk prefix after a plus sign. No country's code is 8 alone, and
			// none begins with 89.
			t.plus = false
		case !t.plus && len(t.digits) == 11 && t.digits[0] == '7':
			t.plus = true // the library would take it for a national number
		case !t.plus && len(t.digits) == 10 && (t.digits[0] == '7' || t.digits[0] == '8'):
			// A national number, or a prefix with a number that lost a digit: the
			// first has to exist. Numbers of Kazakhstan are national only there.
			if t.digits[0] == '7' && country == "RU" || !assigned(t, country) {
				return "", false
			}
		}
	}
	number, ok := parse(t, country)
	if !ok && !t.plus && strings.HasPrefix(t.digits, "00") {
		// The exit code of most of the world, typed where it is another.
		number, ok = parse(typed{digits: t.digits[2:], plus: true}, country)
	}
	if !ok {
		return "", false
	}
	return e164(number), true
}

// abroad reads a number of another country whose plus sign is missing, such as
// 375 29 … or 998 90 … in Russia. Eleven digits at least, for fewer look like a
// national number; assigned by the tables; and no national number with one digit
// too many.
func abroad(t typed, country string) (identity.Phone, bool) {
	if t.plus || len(t.digits) < 11 || len(t.digits) > 15 || assigned(typed{digits: t.digits[:len(t.digits)-1]}, country) {
		return "", false
	}
	if sharesSeven(country) && t.digits[0] == '7' {
		return "", false
	}
	t.plus = true
	if !assigned(t, country) {
		return "", false
	}
	number, ok := parse(t, country)
	if !ok {
		return "", false
	}
	return e164(number), true
}

// parse asks the library and refuses what is impossible, what can be dialled
// within a town only, and what would be another number when it is read again.
func parse(t typed, country string) (*phonenumbers.PhoneNumber, bool) {
	text := t.digits
	if t.plus {
		text = "+" + text
	}
	number, err := phonenumbers.Parse(text, country)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return nil, false
	}
	normal := e164(number)
	if number.GetCountryCode() == 7 && (len(normal) != 12 || normal[2] < '3') {
		return nil, false // the library counts only the digits; +7 0, 1 and 2 are nobody's
	}
	if string(normal) != text {
		again, err := phonenumbers.Parse(string(normal), country)
		if err != nil || e164(again) != normal || phonenumbers.IsPossibleNumberWithReason(again) != phonenumbers.IS_POSSIBLE {
			return nil, false
		}
	}
	return number, true
}

// assigned reports whether the tables know the range of a number.
func assigned(t typed, country string) bool {
	number, ok := parse(t, country)
	return ok && phonenumbers.IsValidNumber(number)
}

func e164(number *phonenumbers.PhoneNumber) identity.Phone {
	return identity.Phone(phonenumbers.Format(number, phonenumbers.E164))
}
