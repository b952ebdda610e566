package analytics

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The order is that of a comparing sort, where keys have room for an index and where
// they have none, with ties and with revenue below zero.
func TestRevenueIsSortedAsByComparing(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for _, n := range []int{0, 1, 2, 5000} {
		for _, widest := range []int64{1, 30, 1 << 20, 1 << 45, math.MaxInt64} {
			minor := make([]int64, n)
			for i := range minor {
				minor[i] = random.Int64N(widest)
				if i%3 == 0 {
					minor[i] = -minor[i]
				}
			}
			want := make([]uint32, n)
			for i := range want {
				want[i] = uint32(i)
			}
			slices.SortStableFunc(want, func(i, j uint32) int { return cmp.Compare(minor[j], minor[i]) })
			order, below, highest := byRevenue(n, func(i int) int64 { return minor[i] })
			if !slices.Equal(order, want) {
				t.Fatalf("%d of up to %d: another order", n, widest)
			}
			for place, i := range order {
				if got := highest - int64(below[place]); got != minor[i] {
					t.Fatalf("%d of up to %d: revenue %d at place %d, want %d", n, widest, got, place, minor[i])
				}
			}
		}
	}
}
