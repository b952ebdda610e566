package prediction

import (
	"cmp"
	"slices"
)

// Spending is what a client spent at his repeat purchases.
type Spending struct {
	Repeats int32 // days, at least one
	Minor   int64 // in all of them, above zero
}

// Values is a fitted Gamma-Gamma model. A client's purchase is worth
// Gamma(P, ν) on average P/ν, and ν is spread over clients as Gamma(Q, V).
type Values struct {
	P, Q, V       float64 // V in minor units
	LogLikelihood float64 // of the averages in minor units
}

// FitValues finds the parameters that make the averages of the clients most likely
// (Fader, Hardie 2013, equation 1a), or says why not. Clients is the size of the
// whole base, of which only who repeats has an average. The error is a *Refusal.
func FitValues(spent []Spending, clients int64) (Values, error) {
	if refusal := refuse(clients, int64(len(spent))); refusal != nil {
		return Values{}, refusal
	}
	sorted := slices.Clone(spent)
	slices.SortFunc(sorted, func(x, y Spending) int {
		return cmp.Or(cmp.Compare(x.Repeats, y.Repeats), cmp.Compare(x.Minor, y.Minor))
	})
	// Money in units of the average, so that the parameters are of ordinary size.
	unit := 0.0
	for _, s := range sorted {
		unit += float64(s.Minor) / float64(s.Repeats)
	}
	unit /= float64(len(sorted))
	likelihood := spending(sorted, unit)
	for _, start := range [][3]float64{{4, 4, 1}, {1.5, 2.5, 1}} {
		logs, value, ok := maximise(likelihood, []float64{ln(start[0]), ln(start[1]), ln(start[2])})
		if ok {
			p := exps(logs)
			value -= float64(float64(len(sorted)) * ln(unit))
			return Values{P: p[0], Q: p[1], V: float64(p[2] * unit), LogLikelihood: value}, nil
		}
	}
	return Values{}, &Refusal{NotConverged, int64(len(sorted))}
}

// spending is the log-likelihood of averages z of x repeats, in a unit, by the
// logarithms of P, Q and V:
//
//	L = Γ(px+q)/(Γ(px) Γ(q)) · v^q z^(px-1) x^(px) / (v+xz)^(px+q)
//
// Sorted is ordered by repeats. What depends on them alone is worked out once for
// each number.
func spending(sorted []Spending, unit float64) curve {
	money, logs := make([]float64, len(sorted)), make([]float64, len(sorted))
	for i, s := range sorted {
		money[i] = float64(s.Minor) / unit
		logs[i] = ln(money[i] / float64(s.Repeats))
	}
	return func(at, slope []float64, curvature [][]float64) float64 {
		parameters := exps(at)
		p, q, v := parameters[0], parameters[1], parameters[2]
		lnV, lnGammaQ, digammaQ, trigammaQ := ln(v), lnGamma(q), digamma(q), trigamma(q)
		value := 0.0
		clear(slope)
		for _, row := range curvature {
			clear(row)
		}
		for from := 0; from < len(sorted); {
			x, to := float64(sorted[from].Repeats), from
			sumZ, sumLog, sumInverse, sumSquare := 0.0, 0.0, 0.0, 0.0
			for ; to < len(sorted) && sorted[to].Repeats == sorted[from].Repeats; to++ {
				s := v + money[to]
				inverse := 1 / s
				sumZ += logs[to]
				sumLog += ln(s)
				sumInverse += inverse
				sumSquare += float64(inverse * inverse)
			}
			n, px := float64(to-from), float64(p*x)
			all := px + q
			psiAll, psiPX, triAll, triPX := digamma(all), digamma(px), trigamma(all), trigamma(px)
			value += float64(n*(lnGamma(all)-lnGamma(px)-lnGammaQ+float64(q*lnV)+float64(px*ln(x)))) +
				float64((px-1)*sumZ) - float64(all*sumLog)
			slope[0] += float64(x * (float64(n*(psiAll-psiPX+ln(x))) + sumZ - sumLog))
			slope[1] += float64(n*(psiAll-digammaQ+lnV)) - sumLog
			slope[2] += float64(n*q)/v - float64(all*sumInverse)
			curvature[0][0] += float64(float64(n*x) * float64(x*(triAll-triPX)))
			curvature[1][0] += float64(float64(n*x) * triAll)
			curvature[1][1] += float64(n * (triAll - trigammaQ))
			curvature[2][0] -= float64(x * sumInverse)
			curvature[2][1] += n/v - sumInverse
			curvature[2][2] += float64(all*sumSquare) - float64(n*q)/float64(v*v)
			from = to
		}
		inLogs(parameters, slope, curvature)
		return value
	}
}

// Expected is the value in minor units of a further purchase of a client who spent
// minor in so many repeats, 0 and 0 for a one-time buyer (Fader, Hardie 2013,
// equation 5): between his own average and that of everybody. False: the parameters
// give no finite average (Q ≤ 1, for one-time buyers).
func (m Values) Expected(repeats int32, minor int64) (float64, bool) {
	below := float64(m.P*float64(repeats)) + m.Q - 1
	if below <= 0 {
		return 0, false
	}
	return float64(m.P*(m.V+float64(minor))) / below, true
}
