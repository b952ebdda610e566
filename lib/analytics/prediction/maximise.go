package prediction

import "math"

// curve is a function of logarithms of parameters with its slope and curvature.
// Of the curvature the lower triangle is filled.
type curve func(at []float64, slope []float64, curvature [][]float64) (value float64)

const (
	// steps is far more than a fit that has a maximum takes (some ten to thirty).
	steps = 200
	// stride is the furthest that one step may move a logarithm.
	stride = 2
	// limit is the size of a logarithm beyond which a parameter is on its way to
	// zero or infinity, where the models have no maximum: a parameter is between
	// 10⁻⁶ and 10⁶.
	limit = 13.815510557964274
	// near is the gain, as a part of the log-likelihood (at least of 10⁶), that a step
	// of Newton's promises when it stands so close to the maximum that rounding may
	// hide the gain; polish such steps lead to the last digits.
	near   = 1e-13
	polish = 3
)

// maximise climbs from a start to a maximum by Newton's method, damped as by
// Levenberg and Marquardt where the curvature misleads. False: it found none within
// the limits, or none at which the curvature is negative in every direction.
func maximise(f curve, start []float64) (at []float64, value float64, ok bool) {
	n := len(start)
	at = append([]float64(nil), start...)
	slope, curvature := make([]float64, n), square(n)
	nextSlope, nextCurvature := make([]float64, n), square(n)
	value = f(at, slope, curvature)
	damping, polished := 0.0, 0
	for range steps {
		step, definite := solve(curvature, slope, 0)
		newton := definite && product(step, slope) < near*max(1e6, math.Abs(value))
		if !newton && damping > 0 {
			step, definite = solve(curvature, slope, damping)
		}
		if newton && polished == polish {
			return at, value, true
		}
		higher := math.Inf(-1)
		next := make([]float64, n)
		if definite {
			longest := 0.0
			for i := range step {
				longest = max(longest, math.Abs(step[i]))
			}
			scale := min(1, stride/longest)
			for i := range next {
				next[i] = at[i] + float64(scale*step[i])
				if !(math.Abs(next[i]) < limit) { // this way round NaN is refused too
					return at, value, false
				}
			}
			higher = f(next, nextSlope, nextCurvature)
		}
		if !newton && !(higher > value) {
			if damping = max(10*damping, 1e-3); damping > 1e12 {
				return at, value, false
			}
			continue
		}
		at, value = next, higher
		slope, nextSlope = nextSlope, slope
		curvature, nextCurvature = nextCurvature, curvature
		if damping /= 10; damping < 1e-6 {
			damping = 0
		}
		if newton {
			polished++
		}
	}
	return at, value, false
}

func product(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += float64(x[i] * y[i])
	}
	return sum
}

func square(n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n)
	}
	return rows
}

// solve is the step (-curvature + damping · its diagonal)⁻¹ slope by Cholesky's
// decomposition; false where the matrix is not positive definite.
func solve(curvature [][]float64, slope []float64, damping float64) ([]float64, bool) {
	n := len(slope)
	lower := square(n)
	for i := range n {
		for j := range i + 1 {
			sum := -curvature[i][j]
			if i == j {
				sum += float64(damping * math.Abs(curvature[i][i]))
			}
			whole := math.Abs(sum)
			for k := range j {
				sum -= float64(lower[i][k] * lower[j][k])
			}
			if i > j {
				lower[i][j] = sum / lower[j][j]
				continue
			}
			if !(sum > 1e-12*whole) { // nothing but rounding is left of it
				return nil, false
			}
			lower[i][i] = math.Sqrt(sum)
		}
	}
	step := make([]float64, n)
	for i := range n {
		sum := slope[i]
		for k := range i {
			sum -= float64(lower[i][k] * step[k])
		}
		step[i] = sum / lower[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		sum := step[i]
		for k := i + 1; k < n; k++ {
			sum -= float64(lower[k][i] * step[k])
		}
		step[i] = sum / lower[i][i]
	}
	return step, true
}

// inLogs turns slope and curvature by parameters into those by their logarithms.
func inLogs(parameters []float64, slope []float64, curvature [][]float64) {
	for i, p := range parameters {
		for j := range i + 1 {
			curvature[i][j] = float64(curvature[i][j]*p) * parameters[j]
		}
		slope[i] = float64(slope[i] * p) // an assignment alone does not forbid fusing
		curvature[i][i] += slope[i]
	}
}

// exps is the parameters of their logarithms.
func exps(logs []float64) []float64 {
	out := make([]float64, len(logs))
	for i, l := range logs {
		out[i] = exp(l)
	}
	return out
}
