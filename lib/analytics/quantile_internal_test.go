package analytics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Counting digits finds what sorting finds: of few values and many, of ties, of
// negative and of huge ones.
func TestQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	kinds := []func() float64{
		func() float64 { return float64(random.IntN(4)) },
		func() float64 { return float64(random.IntN(2_000_000) - 1_000_000) },
		func() float64 { return Round9(random.NormFloat64()) },
		func() float64 { return float64(random.Int64()) },
		func() float64 { return []float64{0, math.Copysign(0, -1), -1, math.MaxFloat64}[random.IntN(4)] },
	}
	for round := range 2000 {
		values := make([]float64, random.IntN(1+round%40*20))
		for i := range values {
			values[i] = kinds[round%len(kinds)]()
		}
		k := 2 + random.IntN(8)
		got := quantiles(len(values), k, func(i int) float64 { return values[i] })
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		if len(values) == 0 {
			if got != nil {
				t.Fatalf("no values have bounds %v", got)
			}
			continue
		}
		for i := range k - 1 {
			below, rest := (len(sorted)-1)*(i+1)/k, (len(sorted)-1)*(i+1)%k
			want := sorted[below]
			if rest > 0 {
				want += float64(rest) * (sorted[below+1] - sorted[below]) / float64(k)
			}
			if got[i] != want {
				t.Fatalf("round %d: bound %d of %d values in %d groups = %v, want %v", round, i+1, len(values), k, got[i], want)
			}
		}
	}
}
