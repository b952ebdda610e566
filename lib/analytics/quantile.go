package analytics

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/money"
)

// quantiles are the type-7 quantiles of values at i/k for i = 1…k-1 (Hyndman and
// Fan 1996; the default of R and NumPy): the value at position (n-1)·i/k of the
// sorted values, counted from 0, between two of them in proportion. The position
// is kept as a fraction, so that a quantile that is one of the values is exactly
// that value and its equals do not exceed it. No values have no quantiles.
func quantiles(values []float64, k int) []float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	bounds := make([]float64, k-1)
	for i := range bounds {
		position := (len(sorted) - 1) * (i + 1)
		below, rest := position/k, position%k
		bounds[i] = sorted[below]
		if rest > 0 {
			// Whole numbers stay exact up to the division; a product that is divided
			// before it is added cannot be fused with the addition.
			bounds[i] += float64(rest) * (sorted[below+1] - sorted[below]) / float64(k)
		}
	}
	return bounds
}

// exceeded is the number of bounds, rising, that v is above.
func exceeded(bounds []float64, v float64) int {
	n := 0
	for _, bound := range bounds {
		if v > bound {
			n++
		}
	}
	return n
}

// possible is the number of different scores that bounds allow for values up to
// the largest.
func possible(bounds []float64, largest float64) int {
	n := 1
	for i, bound := range bounds {
		if bound < largest && (i == 0 || bound > bounds[i-1]) {
			n++
		}
	}
	return n
}

// tiles gives each value its group 1…k as SQL's NTILE does, in the order that less
// decides; the first n mod k groups are one larger than the rest.
func tiles(n, k int, compare func(i, j int) int) (tile []int, sorted []int) {
	sorted = make([]int, n)
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, compare)
	tile = make([]int, n)
	size, larger := n/k, n%k
	at := 0
	for group := 1; group <= k; group++ {
		members := size
		if group <= larger {
			members++
		}
		for range members {
			tile[sorted[at]] = group
			at++
		}
	}
	return tile, sorted
}

// byValue orders clients for NTILE: by value, then last purchase, then client id,
// which is the order of the index.
func byValue(values []float64, last []Day) func(i, j int) int {
	return func(i, j int) int {
		return cmp.Or(cmp.Compare(values[i], values[j]), cmp.Compare(last[i], last[j]), cmp.Compare(i, j))
	}
}

// inMinor turns configured bounds in major units into minor units, exactly: 0.29
// times 100 is not 29 in floating point.
func inMinor(bounds []float64, currency string) []float64 {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(money.Exponent(currency))), nil))
	minor := make([]float64, len(bounds))
	for i, bound := range bounds {
		exact, ok := new(big.Rat).SetString(strconv.FormatFloat(bound, 'f', -1, 64))
		if !ok {
			minor[i] = math.Inf(1) // .inf in the file: a bound nobody exceeds
			continue
		}
		minor[i], _ = exact.Mul(exact, scale).Float64()
	}
	return minor
}
