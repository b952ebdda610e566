package analytics

import (
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
func quantiles(n, k int, at func(int) float64) []float64 {
	if n == 0 {
		return nil
	}
	bounds := make([]float64, k-1)
	ranks := make([]int, 0, 2*len(bounds))
	for i := range bounds {
		below := (n - 1) * (i + 1) / k
		ranks = append(ranks, below, min(below+1, n-1))
	}
	slices.Sort(ranks) // of fewer values than groups a rank may come again
	ranks = slices.Compact(ranks)
	values := ranked(n, at, ranks)
	for i := range bounds {
		below, rest := (n-1)*(i+1)/k, (n-1)*(i+1)%k
		place, _ := slices.BinarySearch(ranks, below)
		bounds[i] = values[place]
		if rest > 0 {
			// Whole numbers stay exact up to the division; a product that is divided
			// before it is added cannot be fused with the addition.
			bounds[i] += float64(rest) * (values[place+1] - bounds[i]) / float64(k)
		}
	}
	return bounds
}

// ranked is the values at ranks, which rise, in the order of size, counted from
// 0. Values are counted by their first sixteen bits, which is sign, exponent and four
// binary digits, and only those that share them with a rank are sorted: a few passes
// over a million values instead of a sort.
func ranked(n int, at func(int) float64, ranks []int) []float64 {
	const rest = 48
	counts := make([]uint32, 1<<16)
	for i := range n {
		counts[ordered(at(i))>>rest]++
	}
	values := make([]float64, len(ranks))
	var same []float64
	before, head, held := 0, -1, -1 // values below the head, and whose values are in same
	for r, rank := range ranks {
		for head < 0 || before+int(counts[head]) <= rank {
			if head >= 0 {
				before += int(counts[head])
			}
			head++
		}
		if held != head {
			same = slices.Grow(same[:0], int(counts[head]))
			for i := range n {
				if v := at(i); int(ordered(v)>>rest) == head {
					same = append(same, v)
				}
			}
			slices.Sort(same)
			held = head
		}
		values[r] = same[rank-before]
	}
	return values
}

// ordered is a number whose order is that of the float.
func ordered(x float64) uint64 {
	b := math.Float64bits(x + 0) // −0 is 0
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
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
