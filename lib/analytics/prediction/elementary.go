package prediction

import (
	"math"
	"slices"
)

// ln is the natural logarithm of x > 0 within one unit of the last place: the
// algorithm of FreeBSD's e_log.c, as package math has it where it has no assembly.
// Every product that meets a sum is rounded first, so that no machine fuses them.
func ln(x float64) float64 {
	const (
		high = 6.93147180369123816490e-01
		low  = 1.90821492927058770002e-10
		l1   = 6.666666666666735130e-01
		l2   = 3.999999999940941908e-01
		l3   = 2.857142874366239149e-01
		l4   = 2.222219843214978396e-01
		l5   = 1.818357216161805012e-01
		l6   = 1.531383769920937332e-01
		l7   = 1.479819860511658591e-01
	)
	fraction, power := math.Frexp(x)
	if fraction < math.Sqrt2/2 {
		fraction *= 2
		power--
	}
	f, k := fraction-1, float64(power)
	s := f / (2 + f)
	s2 := s * s
	s4 := s2 * s2
	odd := float64(s2 * (l1 + float64(s4*(l3+float64(s4*(l5+float64(s4*l7)))))))
	even := float64(s4 * (l2 + float64(s4*(l4+float64(s4*l6)))))
	half := float64(0.5 * f * f)
	return float64(k*high) - ((half - (float64(s*(half+odd+even)) + float64(k*low))) - f)
}

// exp is eˣ within one unit of the last place (FreeBSD's e_exp.c); 0 and +Inf
// beyond what a float64 holds.
func exp(x float64) float64 {
	const (
		high  = 6.93147180369123816490e-01
		low   = 1.90821492927058770002e-10
		log2e = 1.44269504088896338700e+00
		p1    = 1.66666666666666657415e-01
		p2    = -2.77777777770155933842e-03
		p3    = 6.61375632143793436117e-05
		p4    = -1.65339022054652515390e-06
		p5    = 4.13813679705723846039e-08
	)
	switch {
	case x > 709.7:
		return math.Inf(1)
	case x < -745.1:
		return 0
	}
	k := math.Floor(float64(log2e*x) + 0.5)
	hi, lo := x-float64(k*high), float64(k*low)
	r := hi - lo
	t := r * r
	c := r - float64(t*(p1+float64(t*(p2+float64(t*(p3+float64(t*(p4+float64(t*p5)))))))))
	y := 1 - ((lo - float64(r*c)/(2-c)) - hi)
	return math.Ldexp(y, int(k))
}

// asymptotic is where the series in 1/x are good to the last bits.
const asymptotic = 12

// lnGamma is ln Γ(x) of x > 0, with an absolute error of some 10⁻¹⁵ times the
// larger of 1 and the result: Stirling's series (Abramowitz and Stegun 6.1.40)
// from asymptotic on, below it Γ(x) = Γ(x+n) / (x (x+1) … (x+n-1)).
func lnGamma(x float64) float64 {
	shift := 1.0
	for x < asymptotic {
		shift *= x
		x++
	}
	const halfLn2Pi = 0.91893853320467274178
	series := polynomial(1/float64(x*x), 1.0/12, -1.0/360, 1.0/1260, -1.0/1680, 1.0/1188, -691.0/360360, 1.0/156) / x
	return float64((x-0.5)*ln(x)) - x + halfLn2Pi + series - ln(shift)
}

// digamma is ψ(x) = d lnΓ(x)/dx of x > 0 (Abramowitz and Stegun 6.3.5, 6.3.18).
func digamma(x float64) float64 {
	shift := 0.0
	for x < asymptotic {
		shift += 1 / x
		x++
	}
	y := 1 / float64(x*x)
	series := float64(y * polynomial(y, 1.0/12, -1.0/120, 1.0/252, -1.0/240, 1.0/132, -691.0/32760, 1.0/12))
	return ln(x) - 0.5/x - series - shift
}

// trigamma is ψ′(x) of x > 0 (Abramowitz and Stegun 6.4.6, 6.4.12).
func trigamma(x float64) float64 {
	shift := 0.0
	for x < asymptotic {
		shift += 1 / float64(x*x)
		x++
	}
	y := 1 / float64(x*x)
	series := float64(y*polynomial(y, 1.0/6, -1.0/30, 1.0/42, -1.0/30, 5.0/66, -691.0/2730, 7.0/6)) / x
	return 1/x + float64(0.5*y) + series + shift
}

// polynomial is the value at x of a polynomial, the constant first.
func polynomial(x float64, coefficients ...float64) float64 {
	sum := 0.0
	for _, c := range slices.Backward(coefficients) {
		sum = c + float64(x*sum)
	}
	return sum
}
