package prediction

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The values are mpmath's, to 50 digits.
func TestElementaryFunctions(t *testing.T) {
	for _, of := range []struct{ x, ln, lnGamma, digamma, trigamma float64 }{
		{0.001, -6.90775527898213703, 6.90717888538385366, -1000.57557193181028, 1000001.64253319583},
		{0.5, -0.693147180559945309, 0.572364942924700087, -1.96351002602142348, 4.93480220054467931},
		{1, 0, 0, -0.577215664901532861, 1.64493406684822644},
		{1.5, 0.405465108108164382, -0.120782237635245222, 0.0364899739785765206, 0.934802200544679309},
		{2, 0.693147180559945309, 0, 0.422784335098467139, 0.644934066848226436},
		{3.7, 1.30833281965017881, 1.42807232666538813, 1.16715353936151144, 0.310037857670038302},
		{11.9, 2.47653840011748373, 17.258477450595522, 2.43393353688253749, 0.0876632011900041836},
		{12, 2.48490664978800031, 17.5023078458738858, 2.44266167997581202, 0.0869018728717683908},
		{100.25, 4.60766706618667857, 360.284559637764235, 4.60267124327471256, 0.0100249786981233662},
		{12345.678, 9.42106132129183197, 103959.91990554606, 9.42102082074176088, 0.0000810032872311120691},
	} {
		for name, pair := range map[string][2]float64{
			"ln": {ln(of.x), of.ln}, "lnGamma": {lnGamma(of.x), of.lnGamma},
			"digamma": {digamma(of.x), of.digamma}, "trigamma": {trigamma(of.x), of.trigamma},
		} {
			if got, want := pair[0], pair[1]; !(math.Abs(got-want) <= 4e-15*max(1, math.Abs(want))) {
				t.Errorf("%s(%v) = %.17g, want %.17g", name, of.x, got, want)
			}
		}
	}
	for x, want := range map[float64]float64{
		-100.3: 2.75590006535656847e-44, -1: 0.367879441171442322, -1e-9: 0.999999999, 0: 1, 0.3: 1.34985880757600309,
		0.5: 1.64872127070012815, 1: 2.71828182845904524, 20.125: 549764190.660468358, 700: 1.01423205473500451e+304,
		-800: 0, 710: math.Inf(1),
	} {
		if got := exp(x); got != want && !(math.Abs(got-want) <= 4e-16*want) {
			t.Errorf("exp(%v) = %.17g, want %.17g", x, got, want)
		}
	}
}

// A compiler that fused a product with a sum, as it does with GOAMD64=v3 and on
// arm64 where it may, would give other bits somewhere in ten thousand values.
func TestElementaryFunctionsGiveTheSameBitsEverywhere(t *testing.T) {
	const prime = 1099511628211
	sums := [5]uint64{}
	for i := range 10_000 {
		x := float64(i+1) / 97
		for j, y := range [5]float64{ln(x), exp(-x / 3), lnGamma(x), digamma(x), trigamma(x)} {
			sums[j] = (sums[j] ^ math.Float64bits(y)) * prime
		}
	}
	want := [5]uint64{0x32cbe275bbd7cceb, 0x26e4465c1dda3ac1, 0xf8c2739d77cbdd9e, 0x2db6ae6465c50d11, 0xaebd9b0ab5bfdab}
	if sums != want {
		t.Errorf("bits of ln, exp, lnGamma, digamma, trigamma = %#x, want %#x", sums, want)
	}
}

// The slope and the curvature that the fits climb by are those of their value: by
// central differences of the value and of the slope.
func TestSlopesAndCurvatures(t *testing.T) {
	h := Group([]History{{0, 0, 300}, {0, 0, 300}, {0, 0, 0}, {1, 70, 90}, {1, 200, 300}, {5, 120, 200}, {5, 120, 200}, {12, 400, 410}})
	spent := []Spending{{1, 500}, {1, 7000}, {2, 2500}, {4, 100_000}, {4, 9000}}
	for name, of := range map[string]struct {
		f  curve
		at []float64
	}{
		"BG/NBD":      {h.likelihood(BGNBD), []float64{-0.7, 1.5, -0.2, 0.9}},
		"MBG/NBD":     {h.likelihood(MBGNBD), []float64{0.3, 1.1, 0.1, 0.4}},
		"Gamma-Gamma": {spending(spent, 900), []float64{1.4, 0.9, 0.3}},
	} {
		n := len(of.at)
		slope, curvature := make([]float64, n), square(n)
		of.f(of.at, slope, curvature)
		for i := range n {
			const step = 1e-5
			var value [2]float64
			var slopes [2][]float64
			for side, by := range []float64{-step, step} {
				moved := append([]float64(nil), of.at...)
				moved[i] += by
				slopes[side] = make([]float64, n)
				value[side] = of.f(moved, slopes[side], square(n))
			}
			if got := (value[1] - value[0]) / (2 * step); math.Abs(got-slope[i]) > 1e-7*(1+math.Abs(got)) {
				t.Errorf("%s: slope %d = %v, by differences %v", name, i, slope[i], got)
			}
			for j := range i + 1 {
				if got := (slopes[1][j] - slopes[0][j]) / (2 * step); math.Abs(got-curvature[i][j]) > 1e-7*(1+math.Abs(got)) {
					t.Errorf("%s: curvature %d %d = %v, by differences %v", name, i, j, curvature[i][j], got)
				}
			}
		}
	}
}

// Fits take the first start that leads to a maximum: wherever they start, it is the
// same one.
func TestEveryStartLeadsToTheSameMaximum(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	all, spent := make([]History, 3000), make([]Spending, 2000)
	for i := range all {
		all[i].Age = 60 + random.Int32N(500)
		rate, leave := random.ExpFloat64()/40, math.Pow(random.Float64(), 2)
		for at := random.ExpFloat64() / rate; at < float64(all[i].Age); at += random.ExpFloat64() / rate {
			if all[i].Repeats++; int32(at) <= all[i].Last {
				all[i].Repeats--
			}
			if all[i].Last = int32(at); random.Float64() < leave {
				break
			}
		}
	}
	for i := range spent {
		spent[i].Repeats = 1 + random.Int32N(5)
		worth := 500 / (0.2 + random.ExpFloat64())
		for range spent[i].Repeats {
			spent[i].Minor += 1 + int64(worth*(random.ExpFloat64()+random.ExpFloat64()))
		}
	}
	h := Group(all)
	for name, of := range map[string]struct {
		f      curve
		starts [][]float64
	}{
		"BG/NBD":      {h.likelihood(BGNBD), [][]float64{{-0.7, 2, -0.2, 0.9}, {0.4, 3, -1.2, 1.4}, {1, 1, 1, 1}, {-1.5, 1, 0, 2}}},
		"MBG/NBD":     {h.likelihood(MBGNBD), [][]float64{{-0.7, 2, -0.2, 0.9}, {0.4, 3, -1.2, 1.4}, {1, 1, 1, 1}, {-1.5, 1, 0, 2}}},
		"Gamma-Gamma": {spending(spent, 2000), [][]float64{{1.4, 1.4, 0}, {0.4, 0.9, 0}, {2, 3, 1}, {0, 1, -1}}},
	} {
		var first []float64
		for _, start := range of.starts {
			at, _, ok := maximise(of.f, start)
			if !ok {
				t.Errorf("%s: no maximum from %v", name, start)
				continue
			}
			if first == nil {
				first = at
			}
			for i := range at {
				if math.Abs(at[i]-first[i]) > 1e-9 {
					t.Errorf("%s: from %v to %v, from another start to %v", name, start, at, first)
				}
			}
		}
	}
}
