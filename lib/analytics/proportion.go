package analytics

import "math"

// Quantiles of the standard normal distribution.
const (
	normal975 = 1.959963984540054  // two-sided 5 %
	normal80  = 0.8416212335729143 // power 80 %
)

// Interval is a difference of two rates and its 95 % confidence interval, each within
// −1 and 1.
type Interval struct{ Difference, Low, High float64 }

// ExcludesZero tells whether the rates differ: the interval lies on one side of 0.
func (i Interval) ExcludesZero() bool { return i.Low > 0 || i.High < 0 }

// RateDifference is the rate k of n less the rate l of m, with the hybrid score interval
// of R. G. Newcombe, "Interval estimation for the difference between independent
// proportions: comparison of eleven methods", Statistics in Medicine 17 (1998)
// 873–890, method 10, which is also right for few people and for rates of 0 and 1.
// False where a side is empty.
func RateDifference(k, n, l, m int64) (Interval, bool) {
	if n <= 0 || m <= 0 {
		return Interval{}, false
	}
	p, q := float64(k)/float64(n), float64(l)/float64(m)
	pLow, pHigh := wilson(k, n)
	qLow, qHigh := wilson(l, m)
	d := p - q
	return Interval{d, d - math.Hypot(p-pLow, qHigh-q), d + math.Hypot(pHigh-p, q-qLow)}, true
}

// wilson is the 95 % score interval of the rate k of n (E. B. Wilson 1927), without
// correction for continuity.
func wilson(k, n int64) (low, high float64) {
	of, rate := float64(n), float64(k)/float64(n)
	const z, zz = normal975, normal975 * normal975
	middle := float64(2*of*rate) + zz
	reach := z * math.Sqrt(zz+float64(4*of*float64(rate*(1-rate))))
	whole := 2 * (of + zz)
	low, high = (middle-reach)/whole, (middle+reach)/whole
	// The ends of 0 of n and n of n are exact; rounding would put the rate itself outside.
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}

// NeededPerGroup is how many people each of two equal groups must have to tell the
// rates p and q apart in a two-sided test at 5 % with a power of 80 %: the normal
// formula with the pooled rate under the hypothesis that they are equal, rounded up
// (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed. 1981, chapter
// 3, without correction for continuity). It gives 3 826 for 2 % and 3 %, and 1 471 for
// 5 % and 7.5 %. False for equal rates, and for rates so near to each other that there
// are not so many people.
func NeededPerGroup(p, q float64) (int64, bool) {
	d := math.Abs(p - q)
	if d == 0 {
		return 0, false
	}
	mean := (p + q) / 2
	equal := normal975 * math.Sqrt(2*mean*(1-mean))
	apart := normal80 * math.Sqrt(float64(p*(1-p))+float64(q*(1-q)))
	root := (equal + apart) / d
	people := math.Ceil(Round9(root * root)) // nine digits: so that the last bits do not count as a person
	if people > 8e9 {
		return 0, false
	}
	return int64(people), true
}
