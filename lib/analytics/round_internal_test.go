package analytics

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// The quick way gives what the decimal text gives, ties and edges included.
func TestRound9IsThatOfTheText(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	slow := func(x float64) float64 {
		y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 8, 64), 64)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	quick := 0
	check := func(x float64) {
		if _, ok := round9(x); ok {
			quick++
		}
		if got, want := Round9(x), slow(x); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("Round9(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e9, 999999999, 999999999.5, 99999999.95, 123456789.5, 1e-13, 9.99999999e-14, 1e-300, 1e300, 0.5, 1.00000000 + 5e-10, 12345678.25, 0.9999999995, 0.99999999949999} {
		check(x)
		check(-x)
	}
	const rounds = 300_000
	for range rounds {
		check(random.Float64())
		check(float64(random.Int64N(1_000_000)) / float64(1+random.Int64N(1_000_000)))
		check(math.Ldexp(random.Float64()-0.5, random.IntN(80)-50))
		check(float64(random.Int64N(4_000_000_000)) / 2) // ties at nine digits
	}
	if quick < 3*rounds {
		t.Errorf("the quick way answered %d of %d", quick, 4*rounds)
	}
}

func BenchmarkRound9(b *testing.B) {
	x := 0.0
	for i := range b.N {
		x += Round9(float64(i) / 1234567)
	}
	if x < 0 {
		b.Fatal(x)
	}
}
