package analytics_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leadlake/leadlake/lib/analytics"
)

// Table II of Newcombe 1998, method 10, to four digits.
func TestRateDifferenceAsNewcombePublished(t *testing.T) {
	for _, test := range []struct {
		k, n, l, m int64
		low, high  float64
	}{
		{56, 70, 48, 80, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.1705, 0.8090},
		{6, 7, 2, 7, 0.0582, 0.8062},
		{5, 56, 0, 29, -0.0381, 0.1926},
		{0, 10, 0, 20, -0.1611, 0.2775},
		{0, 10, 0, 10, -0.2775, 0.2775},
		{10, 10, 0, 20, 0.6791, 1},
		{10, 10, 0, 10, 0.6075, 1},
	} {
		got, ok := analytics.RateDifference(test.k, test.n, test.l, test.m)
		if !ok || math.Abs(got.Low-test.low) > 5e-5 || math.Abs(got.High-test.high) > 5e-5 {
			t.Errorf("%d/%d − %d/%d: %v, %t; want %.4f…%.4f", test.k, test.n, test.l, test.m, got, ok, test.low, test.high)
		}
		if want := test.low > 0; got.ExcludesZero() != want {
			t.Errorf("%d/%d − %d/%d excludes zero: %t, want %t", test.k, test.n, test.l, test.m, got.ExcludesZero(), want)
		}
	}
}

// Exchanged sides give the interval turned round, bit by bit; it holds the difference and
// stays within −1 and 1. With more people of the same rates it shrinks.
func TestRateDifferenceTurnsRoundAndHoldsTheDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 1998))
	for range 20_000 {
		n, m := 1+random.Int64N(3000), 1+random.Int64N(3000)
		k, l := random.Int64N(n+1), random.Int64N(m+1)
		if random.IntN(4) == 0 {
			k, l = k/n*n, l/100
		}
		got, _ := analytics.RateDifference(k, n, l, m)
		turned, _ := analytics.RateDifference(l, m, k, n)
		if turned.Difference != -got.Difference || turned.Low != -got.High || turned.High != -got.Low {
			t.Fatalf("%d/%d − %d/%d: %v, exchanged %v", k, n, l, m, got, turned)
		}
		if !(got.Low <= got.Difference && got.Difference <= got.High && got.Low >= -1 && got.High <= 1) {
			t.Fatalf("%d/%d − %d/%d: %v", k, n, l, m, got)
		}
		if many, _ := analytics.RateDifference(10*k, 10*n, 10*l, 10*m); many.High-many.Low >= got.High-got.Low {
			t.Fatalf("%d/%d − %d/%d: %v, with ten times the people %v", k, n, l, m, got, many)
		}
	}
}

func TestRateDifferenceOfAnEmptySide(t *testing.T) {
	if got, ok := analytics.RateDifference(0, 0, 1, 2); ok || got != (analytics.Interval{}) {
		t.Errorf("nobody exported: %v", got)
	}
	if _, ok := analytics.RateDifference(1, 2, 0, 0); ok {
		t.Error("nobody held out, and yet a difference")
	}
}

// Of 100 intervals 95 are to hold the true difference; method 10 keeps near to that even
// for the small and unequal groups of a holdout.
func TestRateDifferenceCoversTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(95, 7))
	draw := func(n int64, p float64) (k int64) {
		for range n {
			if random.Float64() < p {
				k++
			}
		}
		return k
	}
	const rounds = 2000
	for _, test := range []struct {
		n, m int64
		p, q float64
	}{
		{900, 100, 0.03, 0.02}, {900, 100, 0.05, 0.05}, {400, 40, 0.2, 0.1}, {60, 60, 0.5, 0.3}, {20, 10, 0.9, 0.4},
	} {
		covered := 0
		for range rounds {
			got, _ := analytics.RateDifference(draw(test.n, test.p), test.n, draw(test.m, test.q), test.m)
			if truth := test.p - test.q; got.Low <= truth && truth <= got.High {
				covered++
			}
		}
		if share := float64(covered) / rounds; share < 0.93 || share > 0.995 {
			t.Errorf("%v of %d and %v of %d: %.4f of the intervals hold the difference", test.p, test.n, test.q, test.m, share)
		}
	}
}

// 2 % and 3 %: mean 2.5 %, (1.959964·√(2·0.025·0.975) + 0.841621·√(0.02·0.98 + 0.03·0.97))² /
// 0.01² = (0.432748 + 0.185730)² / 0.0001 = 3825.15, so 3 826.
// 5 % and 7.5 %: (0.670949 + 0.287725)² / 0.025² = 1470.49, so 1 471.
func TestNeededPerGroupByHand(t *testing.T) {
	for _, test := range []struct {
		p, q float64
		want int64
	}{{0.02, 0.03, 3826}, {0.03, 0.02, 3826}, {0.05, 0.075, 1471}, {0, 1, 2}} {
		if got, ok := analytics.NeededPerGroup(test.p, test.q); !ok || got != test.want {
			t.Errorf("%v and %v need %d people, %t; want %d", test.p, test.q, got, ok, test.want)
		}
	}
	for _, p := range []float64{0, 0.05, 1} {
		if got, ok := analytics.NeededPerGroup(p, p); ok {
			t.Errorf("equal rates of %v need %d people", p, got)
		}
	}
	if got, ok := analytics.NeededPerGroup(0.5, 0.5+1e-7); ok {
		t.Errorf("rates that are all but equal need %d people", got)
	}
}

// So many people find the difference in 80 of 100 trials; the test is the pooled z of
// the formula, not the interval.
func TestNeededPerGroupGivesThePower(t *testing.T) {
	random := rand.New(rand.NewPCG(80, 5))
	for _, test := range []struct{ p, q float64 }{{0.05, 0.075}, {0.1, 0.2}, {0.5, 0.3}} {
		n, _ := analytics.NeededPerGroup(test.p, test.q)
		found := 0
		const trials = 1500
		for range trials {
			var k, l float64
			for range n {
				if random.Float64() < test.p {
					k++
				}
				if random.Float64() < test.q {
					l++
				}
			}
			mean := (k + l) / float64(2*n)
			if z := (k - l) / float64(n) / math.Sqrt(2*mean*(1-mean)/float64(n)); math.Abs(z) > 1.96 {
				found++
			}
		}
		if power := float64(found) / trials; power < 0.76 || power > 0.84 {
			t.Errorf("%v and %v with %d people: found in %.3f of the trials", test.p, test.q, n, power)
		}
	}
}
