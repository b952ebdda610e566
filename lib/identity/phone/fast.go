package phone

import "github.com/leadlake/leadlake/lib/identity"

// wellFormed reads the forms that nearly every lead has, without the library: one
// number with the usual punctuation and nothing else, of Russia and Kazakhstan
// (+7…, 8…, 7… and bare ten digits) or of a neighbour with its plus sign.
func wellFormed(raw, country string) (identity.Phone, bool) {
	var digits [13]byte
	digits[0] = '+'
	n, plus := 0, false
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits)-1 {
				return "", false
			}
			n++
			digits[n] = c
		case c == '+' && n == 0 && !plus:
			plus = true
		case c == ' ' || c == '-' || c == '(' || c == ')':
		default:
			return "", false
		}
	}
	switch {
	case plus && n == 11 && digits[1] == '7' && digits[2] >= '3':
		return identity.Phone(digits[:12]), true
	case plus && neighbour(digits[1:n+1]):
		return identity.Phone(digits[:n+1]), true
	case plus || !sharesSeven(country):
		return "", false
	case n == 11 && (digits[1] == '7' || digits[1] == '8') && digits[2] >= '3':
		digits[1] = '7'
		return identity.Phone(digits[:12]), true
	case n == 10 && (digits[1] == '3' || digits[1] == '4' || digits[1] == '9'):
		return identity.Phone("+7" + string(digits[1:11])), true
	}
	return "", false
}

// sharesSeven reports whether a country has the calling code 7 and the trunk
// prefix 8.
func sharesSeven(country string) bool { return country == "RU" || country == "KZ" }

// neighbour reports whether digits are a number of a country around, by its code
// and length. A national part that begins with 0 or 8 may hold a trunk prefix and
// is left to the library.
func neighbour(digits []byte) bool {
	if len(digits) < 11 || digits[3] == '0' || digits[3] == '8' {
		return false
	}
	switch string(digits[:3]) {
	case "375", "380", "992", "994", "995", "996", "998":
		return len(digits) == 12
	case "373", "374", "993":
		return len(digits) == 11
	}
	return false
}
