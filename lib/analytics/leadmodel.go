package analytics

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// What a model needs at least (metrics.md, "Lead score").
const (
	leastLeads = 300
	leastWon   = 100
)

// A source or interest of fewer leads than this is no feature, and there are at
// most as many features as a mask has bits for.
const (
	leastOfFeature = 10
	mostFeatures   = 60
)

// The features that every business has, and rules of the same name.
const (
	featureComplete  = "complete"
	featureContacted = "contacted"
)

// ridge is the weight of the penalty ½·ridge·Σw² on all weights but the first. It
// keeps the fit finite where a feature parts won from lost, and small against 300
// leads.
const ridge = 1.0

// leadModel is a logistic regression.
type leadModel struct {
	features features
	weights  []float64 // of the base, then by feature; nine digits, so that every machine scores alike
}

// example is a lead whose outcome is known.
type example struct {
	mask   uint64
	points int
	won    bool
}

// modelOf learns a model from leads, ordered by day, and tests it. Nil where there
// are too few, where it does not converge, or where its AUC on the latest fifth is
// not above that of the points.
//
// A lead is an example if it had not bought by its landmark and the won_days after
// that have ended: who bought earlier left nothing to foretell, and of the others
// the outcome is unknown. Won is a purchase within the won_days; both know of a lead
// what was known at the landmark, for the points with the age it then had. Recency
// is the same for all of them there and so no feature. The earlier four fifths of
// the examples train, the latest fifth tests. For the Brier score points are
// turned into the share of won among training examples of the same points.
func modelOf(leads []Lead, c config.LeadScore, rules []pointRule, funnel []string, asOf Day) (*leadModel, []schema.ModelRow) {
	var known []*Lead
	won := 0
	for i := range leads {
		lead := &leads[i]
		landmark := lead.after(c.ObserveDays)
		if lead.after(c.ObserveDays+c.WonDays) > asOf || lead.Bought && lead.FirstBuy <= landmark {
			continue
		}
		known = append(known, lead)
		if wonIn(lead, c) {
			won++
		}
	}
	return learn(known, won, c, rules, funnel)
}

// wonIn tells whether a lead bought in time; it did not before its landmark.
func wonIn(lead *Lead, c config.LeadScore) bool {
	return lead.Bought && lead.FirstBuy <= lead.after(c.ObserveDays+c.WonDays)
}

func learn(known []*Lead, won int, c config.LeadScore, rules []pointRule, funnel []string) (*leadModel, []schema.ModelRow) {
	var rows []schema.ModelRow
	tell := func(model, parameter string, value float64) {
		rows = append(rows, schema.ModelRow{Model: model, Parameter: parameter, Value: Round9(value)})
	}
	tell("lead_score", "leads", float64(len(known)))
	tell("lead_score", "won", float64(won))
	switch {
	case len(known) < leastLeads:
		tell("lead_score", "refused:leads", float64(len(known)))
		return nil, sortedModels(rows)
	case won < leastWon:
		tell("lead_score", "refused:won", float64(won))
		return nil, sortedModels(rows)
	}
	cut := len(known) - len(known)/5
	m := &leadModel{features: featuresOf(known[:cut], funnel)}
	examples := make([]example, len(known))
	tested := 0
	for i, lead := range known {
		examples[i] = example{mask: m.features.mask(lead.Then), won: wonIn(lead, c)}
		for _, rule := range rules {
			if rule.holds(lead.Then, int64(c.ObserveDays)) {
				examples[i].points += rule.points
			}
		}
		if i >= cut && examples[i].won {
			tested++
		}
	}
	train, test := examples[:cut], examples[cut:]
	if tested == 0 || tested == len(test) {
		tell("lead_score", "refused:test_won", float64(tested)) // nothing to tell apart
		return nil, sortedModels(rows)
	}
	if !m.fit(train) {
		tell("lead_score", "refused:not_converged", float64(len(train)))
		return nil, sortedModels(rows)
	}
	tell(ModelLogistic, "weight:base", m.weights[0])
	for i, name := range m.features.names {
		tell(ModelLogistic, "weight:"+name, m.weights[i+1])
	}
	tell("lead_score", "test_leads", float64(len(test)))
	tell("lead_score", "test_base_rate", float64(tested)/float64(len(test)))
	share := sharesByPoints(train)
	byModel, byPoints := make([]guess, len(test)), make([]guess, len(test))
	for i, one := range test {
		p := m.probability(one.mask)
		byModel[i] = guess{rank: p, probability: p, won: one.won}
		byPoints[i] = guess{rank: float64(one.points), probability: share(one.points), won: one.won}
	}
	var auc [2]float64
	for i, of := range []struct {
		model   string
		guesses []guess
	}{{ModelLogistic, byModel}, {ModelPoints, byPoints}} {
		r := ratingOf(of.guesses)
		auc[i] = Round9(r.auc)
		tell(of.model, "auc", r.auc)
		tell(of.model, "lift_top_tenth", r.lift)
		tell(of.model, "brier", r.brier)
	}
	if auc[0] > auc[1] {
		tell("lead_score", "logistic_in_force", 1)
		return m, sortedModels(rows)
	}
	tell("lead_score", "logistic_in_force", 0)
	return nil, sortedModels(rows)
}

func sortedModels(rows []schema.ModelRow) []schema.ModelRow {
	slices.SortFunc(rows, func(x, y schema.ModelRow) int {
		return cmp.Or(strings.Compare(x.Model, y.Model), strings.Compare(x.Parameter, y.Parameter))
	})
	return rows
}

// features gives each yes-or-no question a bit.
type features struct {
	names  []string
	bit    map[string]int
	funnel []string
}

// featuresOf are those that some leads have and some have not: complete, contacted,
// each stage after the first but the last, then the sources and interests of most leads.
func featuresOf(leads []*Lead, funnel []string) features {
	f := features{bit: map[string]int{}, funnel: funnel}
	counts := map[string]int{}
	for _, lead := range leads {
		f.each(lead.Then, func(name string) { counts[name]++ })
	}
	names := slices.Collect(maps.Keys(counts))
	named := func(name string) bool {
		return strings.HasPrefix(name, "source=") || strings.HasPrefix(name, "interest=")
	}
	slices.SortFunc(names, func(x, y string) int {
		rank := func(name string) int {
			if named(name) {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(counts[y], counts[x]), strings.Compare(x, y))
	})
	for _, name := range names {
		if n := counts[name]; n >= leastOfFeature && n < len(leads) && len(f.names) < mostFeatures {
			f.names = append(f.names, name)
		}
	}
	slices.Sort(f.names)
	for i, name := range f.names {
		f.bit[name] = i
	}
	return f
}

// each tells the features that facts have, each once.
func (f *features) each(facts LeadFacts, visit func(name string)) {
	if facts.Complete {
		visit(featureComplete)
	}
	if facts.Contacted {
		visit(featureContacted)
	}
	for stage := 1; stage <= facts.Stage && stage < len(f.funnel)-1; stage++ {
		visit("stage=" + f.funnel[stage])
	}
	if source := folded(facts.Source); source != "" {
		visit("source=" + source)
	}
	var interests []string
	for _, interest := range facts.Interests {
		if interest = folded(interest); interest != "" {
			interests = append(interests, interest)
		}
	}
	slices.Sort(interests)
	for _, interest := range slices.Compact(interests) {
		visit("interest=" + interest)
	}
}

func (f *features) mask(facts LeadFacts) uint64 {
	mask := uint64(0)
	f.each(facts, func(name string) {
		if bit, ok := f.bit[name]; ok {
			mask |= 1 << bit
		}
	})
	return mask
}

// probability is rounded to nine digits: every machine gives the same.
func (m *leadModel) probability(mask uint64) float64 { return Round9(logistic(logit(m.weights, mask))) }

func logit(weights []float64, mask uint64) float64 {
	sum := weights[0]
	for ; mask != 0; mask &= mask - 1 {
		sum += weights[bits.TrailingZeros64(mask)+1]
	}
	return sum
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// fit maximises the penalised likelihood by Newton's method (iteratively reweighted
// least squares; Hastie, Tibshirani, Friedman, "The Elements of Statistical
// Learning", 4.4.1), halving a step that does not improve. With the penalty the
// problem is strictly convex: there is one optimum. Leads of equal features count
// together, so the time does not grow with leads. False if 100 steps do not reach it.
func (m *leadModel) fit(examples []example) bool {
	groups := map[uint64][2]float64{} // leads, won
	for _, one := range examples {
		g := groups[one.mask]
		g[0]++
		if one.won {
			g[1]++
		}
		groups[one.mask] = g
	}
	masks := slices.Sorted(maps.Keys(groups)) // sums in one order
	n := len(m.features.names) + 1
	weights := make([]float64, n)
	loss := func(w []float64) float64 {
		sum := 0.0
		for _, mask := range masks {
			x, g := logit(w, mask), groups[mask]
			// log(1+eˣ) without overflow
			sum += float64(g[0]*(max(x, 0)+math.Log1p(math.Exp(-math.Abs(x))))) - float64(g[1]*x)
		}
		for _, v := range w[1:] {
			sum += float64(ridge / 2 * v * v)
		}
		return sum
	}
	for range 100 {
		gradient, hessian := make([]float64, n), make([][]float64, n)
		for i := range hessian {
			hessian[i] = make([]float64, n)
			if i > 0 {
				gradient[i], hessian[i][i] = float64(ridge*weights[i]), ridge
			}
		}
		for _, mask := range masks {
			g := groups[mask]
			p := logistic(logit(weights, mask))
			residual, curvature := float64(g[0]*p)-g[1], float64(g[0]*p*(1-p))
			on := []int{0}
			for left := mask; left != 0; left &= left - 1 {
				on = append(on, bits.TrailingZeros64(left)+1)
			}
			for _, i := range on {
				gradient[i] += residual
				for _, j := range on {
					hessian[i][j] += curvature
				}
			}
		}
		steepest := 0.0
		for _, slope := range gradient {
			steepest = max(steepest, math.Abs(slope))
		}
		step, ok := solve(hessian, gradient)
		if !ok {
			return false
		}
		if steepest <= 1e-6 { // one step more doubles the digits: nine of them are safe
			m.weights = make([]float64, n)
			for i, w := range weights {
				if w -= step[i]; math.Abs(w) > 1e-9 { // below is what the fit is exact to
					m.weights[i] = Round9(w)
				}
			}
			return true
		}
		from, better := loss(weights), false
		next := make([]float64, n)
		for length := 1.0; length > 1e-6 && !better; length /= 2 {
			for i := range next {
				next[i] = weights[i] - float64(length*step[i])
			}
			better = loss(next) <= from+1e-12*math.Abs(from)
		}
		if !better {
			return false
		}
		weights = next
	}
	return false
}

// solve solves a·x = b for a symmetric positive definite a by Cholesky's
// decomposition, in place of a. False where a is not.
func solve(a [][]float64, b []float64) ([]float64, bool) {
	n := len(b)
	x := slices.Clone(b)
	for i := range n {
		for j := range i + 1 {
			sum := a[i][j]
			for k := range j {
				sum -= float64(a[i][k] * a[j][k])
			}
			switch {
			case i != j:
				a[i][j] = sum / a[j][j]
			case !(sum > 0): // this way round NaN is refused too
				return nil, false
			default:
				a[i][i] = math.Sqrt(sum)
			}
		}
	}
	for i := range n {
		for k := range i {
			x[i] -= float64(a[i][k] * x[k])
		}
		x[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= float64(a[k][i] * x[k])
		}
		x[i] /= a[i][i]
	}
	return x, true
}

// sharesByPoints gives the share of won among examples of the same points; among
// all of them for points that none has.
func sharesByPoints(train []example) func(points int) float64 {
	counts, all := map[int][2]int64{}, [2]int64{}
	for _, one := range train {
		c := counts[one.points]
		c[0], all[0] = c[0]+1, all[0]+1
		if one.won {
			c[1], all[1] = c[1]+1, all[1]+1
		}
		counts[one.points] = c
	}
	return func(points int) float64 {
		c, ok := counts[points]
		if !ok {
			c = all
		}
		return ratio(c[1], c[0])
	}
}

// guess is what was foretold of an example, and what became of it.
type guess struct {
	rank, probability float64
	won               bool
}

// rating says how good guesses are.
type rating struct{ auc, lift, brier float64 }

// ratingOf rates guesses of which some are won and some are not. AUC is the share of
// pairs of a won and a lost example that are ranked rightly, ties by half (the
// statistic of Mann and Whitney). Lift is the share of won in the top tenth,
// rounded up, by that of all; of examples that tie at its edge it takes their mean.
// Brier is the mean square of what the probability missed.
func ratingOf(guesses []guess) rating {
	sorted := slices.Clone(guesses)
	slices.SortFunc(sorted, func(x, y guess) int {
		return cmp.Or(cmp.Compare(y.rank, x.rank), cmp.Compare(y.probability, x.probability))
	})
	won, top := 0, (len(sorted)+9)/10
	var r rating
	lost, inTop, rightly := 0, 0.0, 0.0 // rightly counts halves twice: whole numbers
	for from := 0; from < len(sorted); {
		to, good := from, 0
		for ; to < len(sorted) && sorted[to].rank == sorted[from].rank; to++ {
			if sorted[to].won {
				good++
			}
		}
		bad := to - from - good
		rightly += float64(2*won*bad + good*bad)
		if from < top {
			inTop += float64(good) * float64(min(to, top)-from) / float64(to-from)
		}
		won, lost, from = won+good, lost+bad, to
	}
	for _, g := range sorted {
		miss := g.probability
		if g.won {
			miss = 1 - miss
		}
		r.brier += float64(miss * miss)
	}
	n := float64(len(sorted))
	r.brier /= n
	r.auc = rightly / 2 / (float64(won) * float64(lost))
	r.lift = inTop / float64(top) / (float64(won) / n)
	return r
}
