package analytics

import "strconv"

// Round9 rounds to nine significant digits, as every ratio that leaves in a table
// is: the last bits of a float may differ from machine to machine.
func Round9(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 8, 64), 64)
	if err != nil {
		return x // infinities and NaN have no digits; none is ever computed here
	}
	return rounded
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
