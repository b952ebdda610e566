package analytics

import (
	"math"
	"strconv"
)

// Round9 rounds to nine significant digits, as every ratio that leaves in a table
// is: the last bits of a float may differ from machine to machine.
func Round9(x float64) float64 {
	if rounded, ok := round9(x); ok {
		return rounded
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 8, 64), 64)
	if err != nil {
		return x // infinities and NaN have no digits; none is ever computed here
	}
	return rounded
}

// powers of ten that a float holds exactly.
var tens = [...]float64{ //nolint:gochecknoglobals // a constant table
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// round9 is Round9 of nearly every number of a table, a dozen times as fast as by its
// decimal text: the nine digits as a whole number, divided by a power of ten. Both are
// exact, so their quotient is the float nearest to the decimal fraction. False where the
// tenth digit is too near to a tie for a product that was rounded itself, and for
// numbers of an unusual size.
func round9(x float64) (float64, bool) {
	size := math.Abs(x)
	if !(size >= 1e-13 && size < 1e9) { // this way round NaN is refused too
		return x, x == 0
	}
	// log₁₀2 ≈ 77/256: the estimate is at most one too small.
	exponent := int(math.Float64bits(size)>>52) - 1023
	place := max(0, 8-(exponent*77)>>8)
	if place >= len(tens) {
		return 0, false
	}
	digits := size * tens[place]
	if digits >= 1e9 && place > 0 {
		place--
		digits = size * tens[place]
	}
	if digits >= 1e9 || digits < 1e8 && place > 0 {
		return 0, false
	}
	whole := math.Floor(digits)
	rest := digits - whole
	switch {
	case rest < 0.4999:
	case rest > 0.5001:
		whole++
	default:
		return 0, false
	}
	return math.Copysign(whole/tens[place], x), true
}

// ratio is part/whole rounded for a table; 0 where there is no whole.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return Round9(float64(part) / float64(whole))
}

// perUnit is a sum divided by a count above zero, rounded half away from zero.
func perUnit(sum, count int64) int64 {
	whole, rest := sum/count, sum%count
	switch {
	case rest >= count-rest:
		whole++
	case -rest >= count+rest:
		whole--
	}
	return whole
}
