// Package money holds amounts as whole minor units of a currency. Nothing in
// Leadlake computes money in floating point; a float exists only where a report
// draws a picture.
package money

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// ErrInvalid is matched by every error of Parse.
var ErrInvalid = errors.New("money: invalid amount")

// ErrOverflow says that a result does not fit int64 minor units.
var ErrOverflow = errors.New("money: amount out of range")

// Amount is a sum of money: Minor units of Currency (ISO 4217, upper case).
// The zero value is nothing of no currency.
type Amount struct {
	Minor    int64
	Currency string
}

// String writes the amount for logs and errors, as in "8270.00 RUB".
func (a Amount) String() string {
	return Decimal(a.Minor, a.Currency) + " " + a.Currency
}

// Exponent is the number of decimal places of a currency's minor unit by
// ISO 4217 (2 for unknown codes, since all but a few dozen have two).
func Exponent(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	default:
		return 2
	}
}

// Code normalises a currency as senders write it: three letters to upper case,
// the pre-1998 rouble RUR to RUB, and the usual signs and words (₽, руб.) to
// their code. It reports false for anything else.
func Code(s string) (string, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	switch s {
	case "RUR", "₽", "РУБ", "РУБ.", "Р", "Р.":
		return "RUB", true
	case "$":
		return "USD", true
	case "€":
		return "EUR", true
	case "£":
		return "GBP", true
	case "₸":
		return "KZT", true
	case "₴":
		return "UAH", true
	}
	if len(s) != 3 {
		return "", false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return "", false
		}
	}
	return s, true
}

// Parse reads a machine decimal ("8270", "-12.5", "1e3" is refused) as an
// amount of currency. Digits beyond the minor unit are rounded half away from
// zero, as cash registers do. Blanks around the number are ignored; an empty
// text, signs without digits, more than 30 characters and sums beyond int64 are
// refused with an error that matches ErrInvalid.
func Parse(s, currency string) (Amount, error) {
	minor, err := parseMinor(strings.TrimSpace(s), Exponent(currency))
	if err != nil {
		return Amount{}, err
	}
	return Amount{Minor: minor, Currency: currency}, nil
}

func parseMinor(s string, exponent int) (int64, error) {
	if s == "" || len(s) > 30 {
		return 0, fmt.Errorf("%w: length %d", ErrInvalid, len(s))
	}
	negative := false
	switch s[0] {
	case '-':
		negative, s = true, s[1:]
	case '+':
		s = s[1:]
	}
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" && fraction == "" || hasPoint && fraction == "" && whole == "" || !digits(whole) || !digits(fraction) {
		return 0, fmt.Errorf("%w: not a decimal number", ErrInvalid)
	}
	up := false
	if len(fraction) > exponent {
		up = fraction[exponent] >= '5'
		fraction = fraction[:exponent]
	}
	for len(fraction) < exponent {
		fraction += "0"
	}
	minor, err := strconv.ParseInt("0"+whole+fraction, 10, 64)
	if err != nil || minor == math.MaxInt64 {
		return 0, fmt.Errorf("%w: %w", ErrInvalid, ErrOverflow)
	}
	if up {
		minor++
	}
	if negative {
		minor = -minor
	}
	return minor, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Decimal writes minor units of currency as a plain decimal with the currency's
// number of places: the form Parse reads back.
func Decimal(minor int64, currency string) string {
	exponent := Exponent(currency)
	sign, magnitude := "", uint64(minor) //nolint:gosec // G115: two's complement, see below
	if minor < 0 {
		sign, magnitude = "-", -magnitude // right for MinInt64 too
	}
	text := strconv.FormatUint(magnitude, 10)
	if exponent == 0 {
		return sign + text
	}
	for len(text) <= exponent {
		text = "0" + text
	}
	return sign + text[:len(text)-exponent] + "." + text[len(text)-exponent:]
}

// Rate is an exchange rate as an exact fraction: units of the base currency per
// unit of another.
type Rate struct{ ratio *big.Rat }

// ParseRate reads a positive decimal such as "90.00".
func ParseRate(s string) (Rate, error) {
	ratio, err := parseRat(s)
	if err != nil {
		return Rate{}, err
	}
	if ratio.Sign() <= 0 {
		return Rate{}, fmt.Errorf("%w: rate is not a positive decimal number", ErrInvalid)
	}
	return Rate{ratio: ratio}, nil
}

// Convert changes minor units of currency from into minor units of currency to
// at the rate, rounded half away from zero. It reports ErrOverflow where the
// result does not fit.
func (r Rate) Convert(minor int64, from, to string) (int64, error) {
	value := new(big.Rat).Mul(new(big.Rat).SetInt64(minor), r.ratio)
	shift := Exponent(to) - Exponent(from)
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(shift, -shift))), nil))
	if shift >= 0 {
		value.Mul(value, scale)
	} else {
		value.Quo(value, scale)
	}
	return roundRat(value)
}

// Times multiplies minor units by a decimal quantity, rounded half away from
// zero: the sum of an order line that tells only its price.
func Times(minor int64, quantity string) (int64, error) {
	rate, err := parseRat(quantity)
	if err != nil {
		return 0, err
	}
	return roundRat(rate.Mul(rate, new(big.Rat).SetInt64(minor)))
}

func parseRat(s string) (*big.Rat, error) {
	s = strings.TrimSpace(s)
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(s) > 30 || whole+fraction == "" || !digits(whole) || !digits(fraction) {
		return nil, fmt.Errorf("%w: not a decimal number", ErrInvalid)
	}
	ratio, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%w: not a decimal number", ErrInvalid)
	}
	return ratio, nil
}

// roundRat rounds half away from zero to whole units.
func roundRat(value *big.Rat) (int64, error) {
	half := big.NewRat(1, 2)
	if value.Sign() < 0 {
		half.Neg(half)
	}
	value.Add(value, half)
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	if !whole.IsInt64() {
		return 0, ErrOverflow
	}
	return whole.Int64(), nil
}
