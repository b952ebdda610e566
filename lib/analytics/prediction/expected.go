package prediction

// Alive is the probability that a client has not left: 1 for a one-time buyer by
// BG/NBD, whatever his age.
func (p Purchases) Alive(h History) float64 {
	k := p.Variant.chances(h.Repeats)
	if k == 0 {
		return 1
	}
	rho := p.R + float64(h.Repeats)
	// ρ ln((α+T)/(α+t_x)): how much the silence since the last purchase says.
	silence := float64(rho * (ln(p.Alpha+weeks(h.Age)) - ln(p.Alpha+weeks(h.Last))))
	_, total := mix(ln(p.A/(p.B+k-1))+silence, 0)
	return exp(-total)
}

func weeks(days int32) float64 { return float64(days) / weekDays }

// Expected is the number of purchase days to expect of a client in the days to
// come: the conditional expectation of Fader, Hardie, Lee 2005 (equation 10),
//
//	E = P(alive) · (a+b+k-1)/(a-1) · [1 - (1-z)^ρ ₂F₁(ρ, b+k; a+b+k-1; z)]
//
// with z = t/(α+T+t) and ρ = r+x. That form is 0/0 at a = 1, loses all digits for
// large b, and its ₂F₁ grows beyond every float64 with ρ. The same number is
//
//	Σₙ wₙ Gₙ,  wₙ = (1-z)^ρ (ρ)ₙ zⁿ/n!,  Gₙ = Σ_{j<n} (b+k)ⱼ/(a+b+k)ⱼ
//
// (of n purchases that he would make if he never left, the one after j comes about
// if he stayed at j of them), where every term is positive and Σ wₙ = 1.
func (p Purchases) Expected(h History, days int) float64 {
	t := float64(days) / weekDays
	z := t / (p.Alpha + weeks(h.Age) + t)
	k := p.Variant.chances(h.Repeats)
	return float64(p.Alive(h) * expectedAlive(p.R+float64(h.Repeats), p.A, p.B+k, z))
}

// expectedAlive is Σ wₙ Gₙ. The weights start at 1 instead of (1-z)^ρ, which may be
// smaller than any float64, and are divided by their sum in the end.
func expectedAlive(rho, a, b, z float64) float64 {
	const (
		huge  = 1e200
		least = 1e-17 // of the sum: what may be left out
	)
	weight, all := 1.0, 1.0
	stays, purchases, sum := 1.0, 0.0, 0.0 // (b)ⱼ/(a+b)ⱼ, Gₙ, Σ wₙ Gₙ
	for n := 0.0; ; n++ {
		weight = float64(float64(weight*((rho+n)/(n+1))) * z) // an assignment alone does not forbid fusing
		purchases += stays
		stays *= (b + n) / (a + b + n)
		all += weight
		sum += float64(weight * purchases)
		// From here on each weight is at most ratio times the one before, and each G at
		// most one more: what is left is below w ratio (G + 1/(1-ratio)) / (1-ratio).
		ratio := max(z, float64((rho+n+1)/(n+2))*z)
		if ratio < 1 {
			rest := float64(weight*ratio) / (1 - ratio)
			if float64(rest*(purchases+1/(1-ratio))) <= float64(least*sum) {
				return sum / all
			}
		}
		if weight > huge || sum > huge {
			weight, all, sum = weight/huge, all/huge, sum/huge
		}
	}
}
