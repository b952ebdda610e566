package prediction

// Variant tells BG/NBD from MBG/NBD.
type Variant int

const (
	// BGNBD lets a client leave after each repeat purchase, so who bought once is
	// certainly alive.
	BGNBD Variant = iota
	// MBGNBD lets him leave after the first purchase as well.
	MBGNBD
)

// chances is how often a client with so many repeats could have left.
func (v Variant) chances(repeats int32) float64 {
	if v == MBGNBD {
		return float64(repeats) + 1
	}
	return float64(repeats)
}

// Purchases is a fitted BG/NBD or MBG/NBD. Rates of purchase per week are spread
// over clients as Gamma(R, Alpha), chances to leave at a purchase as Beta(A, B).
type Purchases struct {
	Variant        Variant
	R, Alpha, A, B float64
	LogLikelihood  float64 // of the histories it was fitted on
}

// FitPurchases finds the parameters that make the histories most likely, or says
// why not. The error is a *Refusal.
func FitPurchases(v Variant, h *Histories) (Purchases, error) {
	if refusal := refuse(h.Clients(), h.Repeaters()); refusal != nil {
		return Purchases{}, refusal
	}
	likelihood := h.likelihood(v)
	repeats, weeks := 0.0, 0.0
	for i := range h.groups {
		g := &h.groups[i]
		repeats += float64(float64(g.Repeats) * float64(g.clients))
		weeks += float64(float64(g.Age) * float64(g.clients) / weekDays)
	}
	// The second start is for bases on which the first leads astray; where both lead to
	// a maximum it is the same one. R/Alpha begins as the average rate of the base.
	for _, start := range [][3]float64{{0.5, 0.8, 2.5}, {1.5, 0.3, 4}} {
		r, a, b := start[0], start[1], start[2]
		logs, value, ok := maximise(likelihood, []float64{ln(r), ln(r * weeks / repeats), ln(a), ln(b)})
		if ok {
			p := exps(logs)
			return Purchases{Variant: v, R: p[0], Alpha: p[1], A: p[2], B: p[3], LogLikelihood: value}, nil
		}
	}
	return Purchases{}, &Refusal{NotConverged, h.Clients()}
}

// likelihood is the log-likelihood of the histories by the logarithms of R, Alpha,
// A and B. In the form of Fader, Hardie, Lee 2005, section 4, with k for the chances
// to leave (x, or x+1 in MBG/NBD) and differences of lnΓ at a whole distance as sums:
//
//	L = α^r Γ(r+x)/Γ(r) · Γ(a+b) Γ(b+k) / (Γ(b) Γ(a+b+k))
//	    · ( (α+T)^-(r+x) + [k>0] a/(b+k-1) · (α+t_x)^-(r+x) )
func (h *Histories) likelihood(v Variant) curve {
	logs, inverses := make([]float64, len(h.days)), make([]float64, len(h.days))
	return func(at, slope []float64, curvature [][]float64) float64 {
		parameters := exps(at)
		r, alpha, a, b := parameters[0], parameters[1], parameters[2], parameters[3]
		for i, days := range h.days {
			sum := alpha + float64(days)/weekDays
			logs[i], inverses[i] = ln(sum), 1/sum
		}
		var s sums
		s.repeats(h, v, parameters)
		for i := range h.groups {
			g := &h.groups[i]
			n, rho, k := float64(g.clients), r+float64(g.Repeats), v.chances(g.Repeats)
			alive := -float64(rho * logs[g.age])
			invAge, invLast := inverses[g.age], inverses[g.last]
			if k == 0 {
				s.value += float64(n * alive)
				s.r -= float64(n * logs[g.age])
				s.alpha -= float64(float64(n*rho) * invAge)
				s.rAlpha -= float64(n * invAge)
				s.alphaAlpha += float64(float64(float64(n*rho)*invAge) * invAge)
				continue
			}
			place := 1 / (b + k - 1)
			gone := ln(float64(a*place)) - float64(rho*logs[g.last])
			share, total := mix(gone, alive)
			rest := 1 - share
			// The slope of gone - alive; its square is what mixing adds to the curvature.
			dr := logs[g.age] - logs[g.last]
			dalpha := float64(rho * (invAge - invLast))
			da, db := 1/a, -place
			both := float64(float64(n*share) * rest)
			lean := float64(rest*invAge) + float64(share*invLast)

			s.value += float64(n * total)
			s.r -= float64(n * (float64(rest*logs[g.age]) + float64(share*logs[g.last])))
			s.alpha -= float64(float64(n*rho) * lean)
			s.a += float64(float64(n*share) * da)
			s.b += float64(float64(n*share) * db)
			s.rr += float64(float64(both*dr) * dr)
			s.rAlpha += float64(float64(both*dr)*dalpha) - float64(n*lean)
			s.alphaAlpha += float64(float64(both*dalpha)*dalpha) +
				float64(float64(n*rho)*(float64(float64(rest*invAge)*invAge)+float64(float64(share*invLast)*invLast)))
			s.ra += float64(float64(both*dr) * da)
			s.alphaA += float64(float64(both*dalpha) * da)
			s.aa += float64(float64(both*da)*da) - float64(float64(float64(n*share)*da)*da)
			s.rb += float64(float64(both*dr) * db)
			s.alphaB += float64(float64(both*dalpha) * db)
			s.ab += float64(float64(both*da) * db)
			s.bb += float64(float64(both*db)*db) + float64(float64(float64(n*share)*db)*db)
		}
		slope[0], slope[1], slope[2], slope[3] = s.r, s.alpha, s.a, s.b
		curvature[0][0] = s.rr
		curvature[1][0], curvature[1][1] = s.rAlpha, s.alphaAlpha
		curvature[2][0], curvature[2][1], curvature[2][2] = s.ra, s.alphaA, s.aa
		curvature[3][0], curvature[3][1], curvature[3][2], curvature[3][3] = s.rb, s.alphaB, s.ab, s.bb
		inLogs(parameters, slope, curvature)
		return s.value
	}
}

// sums are a log-likelihood, its slope and its curvature.
type sums struct {
	value                                                  float64
	r, alpha, a, b                                         float64
	rr, rAlpha, alphaAlpha, ra, alphaA, aa, rb, alphaB, ab float64
	bb                                                     float64
}

// repeats adds what depends on a client's number of repeats alone: for each i as
// many times as clients have more repeats (or chances to leave) than i.
func (s *sums) repeats(h *Histories, v Variant, parameters []float64) {
	r, alpha, a, b := parameters[0], parameters[1], parameters[2], parameters[3]
	clients := float64(h.Clients())
	s.value += float64(float64(clients*r) * ln(alpha))
	s.r += float64(clients * ln(alpha))
	s.alpha += float64(clients*r) / alpha
	s.rAlpha += clients / alpha
	s.alphaAlpha -= float64(clients*r) / float64(alpha*alpha)
	for i, more := range h.above {
		n, inverse := float64(more), 1/(r+float64(i))
		s.value += float64(n * ln(r+float64(i)))
		s.r += float64(n * inverse)
		s.rr -= float64(float64(n*inverse) * inverse)
	}
	chance := func(i int, n float64) {
		stay, all := 1/(b+float64(i)), 1/(a+b+float64(i))
		s.value += float64(n * ln(float64((b+float64(i))*all)))
		s.a -= float64(n * all)
		s.b += float64(n * (stay - all))
		square := float64(float64(n*all) * all)
		s.aa += square
		s.ab += square
		s.bb += square - float64(float64(n*stay)*stay)
	}
	if v == MBGNBD {
		chance(0, clients) // after the first purchase
	}
	for i, more := range h.above {
		if v == MBGNBD {
			i++
		}
		chance(i, float64(more))
	}
}

// mix is eˣ / (eˣ + eʸ) and ln(eˣ + eʸ).
func mix(x, y float64) (share, total float64) {
	if x > y {
		share, total = mix(y, x)
		return 1 - share, total
	}
	odds := exp(x - y)
	return odds / (1 + odds), y + ln(1+odds)
}
