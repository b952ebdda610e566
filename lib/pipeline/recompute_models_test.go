package pipeline_test

import (
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/schema"
)

// hypergeometric is Gauss's ₂F₁ by its series Σ (a)ₙ(b)ₙ/(c)ₙ zⁿ/n!, in 200 bits, since
// what is wanted is a small difference to 1.
func hypergeometric(a, b, c, z float64) *big.Float {
	wide := func(x float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(x) }
	sum, term := wide(1), wide(1)
	for n := 0.0; n < 100_000; n++ {
		term.Mul(term, new(big.Float).SetPrec(200).Add(wide(a), wide(n)))
		term.Mul(term, new(big.Float).SetPrec(200).Add(wide(b), wide(n)))
		term.Quo(term, new(big.Float).SetPrec(200).Add(wide(c), wide(n)))
		term.Mul(term, wide(z))
		term.Quo(term, wide(n+1))
		sum.Add(sum, term)
		if small := new(big.Float).Quo(term, sum); small.Cmp(wide(1e-30)) < 0 && n > a+b {
			break
		}
	}
	return sum
}

// expectedPurchases is equation 10 of Fader, Hardie, Lee 2005, in weeks:
//
//	(a+b+x−1)/(a−1) · [1 − ((α+T)/(α+T+t))^(r+x) ₂F₁(r+x, b+x; a+b+x−1; t/(α+T+t))]
//	/ [1 + [x>0] a/(b+x−1) ((α+T)/(α+t_x))^(r+x)]
//
// Many clients have the same history; what was worked out is kept.
func (n *readNight) expectedPurchases(p map[string]float64, x, tx, age, t float64) float64 {
	r, alpha, a, b := p["r"], p["alpha"], p["a"], p["b"]
	history := [8]float64{r, alpha, a, b, x, tx, age, t}
	if known, ok := n.worked[history]; ok {
		return known
	}
	f, _ := hypergeometric(r+x, b+x, a+b+x-1, t/(alpha+age+t)).Float64()
	left := 1 - math.Pow((alpha+age)/(alpha+age+t), r+x)*f
	whole := (a + b + x - 1) / (a - 1) * left
	if x > 0 {
		whole /= 1 + a/(b+x-1)*math.Pow((alpha+age)/(alpha+tx), r+x)
	}
	n.worked[history] = whole
	return whole
}

// predictions does the three figures of a client again.
func (n *readNight) predictions(d *differences, c schema.ClientRow, all []priced) {
	if len(all) == 0 {
		d.check(c.ClientID, "p_alive", c.PAlive == nil && c.ExpectedOrders90d == nil && c.ExpectedValueMinor == nil, true)
		return
	}
	first := daysOf(text(c.FirstOrderDay))
	x, tx, age := float64(c.OrderDays-1), float64(daysOf(text(c.LastOrderDay))-first)/7, float64(n.asOf-first)/7
	m := n.parameters("mbgnbd")
	alive := 1 / (1 + m["a"]/(m["b"]+x)*math.Pow((m["alpha"]+age)/(m["alpha"]+tx), m["r"]+x))
	p, horizon := n.parameters("bgnbd"), n.bounds("prediction", "client", "horizon_days")
	if c.PAlive == nil || c.ExpectedOrders90d == nil || len(horizon) != 2 {
		d.wrong(c.ClientID, "predictions", "none", "some")
		return
	}
	d.near(c.ClientID, "p_alive", *c.PAlive, alive)
	d.near(c.ClientID, "expected_orders_90d", *c.ExpectedOrders90d, n.expectedPurchases(p, x, tx, age, horizon[0]/7))
	// Gamma-Gamma of what he spent after his first day (Fader, Hardie 2013, equation 5).
	g, spent, known := n.parameters("gammagamma"), 0.0, true
	for _, b := range all {
		known = known && b.known
		if b.day > first {
			spent += float64(b.minor)
		}
	}
	if x > 0 && (!known || spent <= 0) {
		d.check(c.ClientID, "expected_value_minor", c.ExpectedValueMinor == nil, true)
		return
	}
	value := g["p"] * (g["v"] + spent) / (g["p"]*x + g["q"] - 1)
	want := n.expectedPurchases(p, x, tx, age, horizon[1]/7) * value
	// To a minor unit: half of one is rounded.
	if c.ExpectedValueMinor == nil || !(math.Abs(float64(*c.ExpectedValueMinor)-want) <= 0.51+1e-8*want) {
		d.wrong(c.ClientID, "expected_value_minor", "another", strconv.FormatFloat(want, 'f', 2, 64))
	}
}

// leadScore does a score again from its contributions, and each of these from the
// thresholds or the models.
func (n *readNight) leadScore(d *differences, row schema.ScoreRow) {
	sum, weights := 0.0, n.parameters("logistic")
	for _, part := range row.Contributions.Pairs {
		value, err := strconv.ParseFloat(part.Value, 64)
		if err != nil {
			panic(err)
		}
		sum += value
		if row.Model == "points" {
			d.check(row.ClientID, "points of "+part.Key, value, n.bound("lead_score", "client", "points:"+part.Key, 1))
		} else {
			d.check(row.ClientID, "weight of "+part.Key, value, weights["weight:"+part.Key])
		}
	}
	if row.Model == "logistic" {
		sum = 1 / (1 + math.Exp(-sum))
	}
	d.near(row.ClientID, "score", row.Score, sum)
}

// lifetime does the lifetime value again from its parameters and the threshold.
func (n *readNight) lifetime(d *differences) {
	p := n.parameters("ltv")
	churnDays, margin, horizon := n.bound("ltv", "client", "closed_months", 1), n.bound("ltv", "client", "closed_months", 2), n.bound("ltv", "client", "closed_months", 3)
	d.near("ltv", "arpa", p["arpa"], p["revenue_minor"]/p["active"])
	d.near("ltv", "churn", p["churn"], 1-math.Pow(1-p["churned"]/p["active_at_start"], 30.4375/churnDays))
	months := 1 / p["churn"]
	if horizon > 0 {
		months = math.Min(months, horizon)
	}
	d.near("ltv", "lifetime_months", p["lifetime_months"], months)
	d.check("ltv", "ltv_minor", p["ltv_minor"], math.Round(p["arpa"]*margin*p["lifetime_months"]))
}

// level is of what replenishment is told: item or category.
func (n *readNight) level() string {
	for _, row := range n.thresholds {
		if row.Metric == "replenishment" {
			return row.Entity
		}
	}
	return ""
}

// median of the distances between days, half a day rounded down.
func median(days []int) int {
	var between []int
	for i := 1; i < len(days); i++ {
		between = append(between, days[i]-days[i-1])
	}
	sort.Ints(between)
	return (between[(len(between)-1)/2] + between[len(between)/2]) / 2
}

func dayText(day int) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// due is what a client is due to buy again, one text for each thing.
func (n *readNight) due(all []priced) []string {
	level, days := n.level(), map[string][]int{}
	for _, b := range all {
		for _, line := range b.lines {
			thing := line.Category
			if level == "item" {
				if thing = line.SKU; thing == "" {
					thing = line.Name
				}
			}
			if thing != "" {
				days[thing] = append(days[thing], b.day)
			}
		}
	}
	least, ahead := n.bound("replenishment", level, "median", 1), n.bound("replenishment", level, "median", 2)
	rows := []string{}
	for thing, on := range days {
		on = slices.Compact(on)
		if !(float64(len(on)) >= least) {
			continue
		}
		last, m := on[len(on)-1], median(on)
		if due := last + m; float64(due) <= float64(n.asOf)+ahead && n.asOf-due < m {
			rows = append(rows, strings.Join([]string{thing, dayText(last), strconv.Itoa(m), dayText(due)}, " "))
		}
	}
	slices.Sort(rows)
	return rows
}

// bands counts clients by the bands of the thresholds.
func (n *readNight) bands(d *differences) {
	lasts := n.bounds("recency_bands", "client", "days")
	counts, minor, buyers := make([]int64, len(lasts)+1), make([]int64, len(lasts)+1), 0
	for _, c := range n.clients {
		if c.RecencyDays == nil {
			continue
		}
		band := 0
		for band < len(lasts) && float64(*c.RecencyDays) > lasts[band] {
			band++
		}
		counts[band]++
		minor[band] += c.RevenueMinor
		buyers++
	}
	d.check("recency", "rows", len(n.recency), len(counts))
	for i, row := range n.recency {
		d.check("recency", "clients", row.Clients, counts[i])
		d.check("recency", "revenue_minor", row.RevenueMinor, minor[i])
		d.near("recency", "share", row.Share, float64(counts[i])/float64(buyers))
	}
}

// tops does the concentration of every entity again from its rows of ABC; Gini by the
// mean difference of all pairs where there are few, which is another formula.
func (n *readNight) tops(d *differences, entity string) {
	var minor []float64
	total := 0.0
	for _, row := range n.abc {
		if row.Entity == entity {
			minor = append(minor, math.Max(0, float64(row.RevenueMinor)))
			total += minor[len(minor)-1]
		}
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(minor)))
	apart := 0.0
	for _, x := range minor {
		for _, y := range minor {
			apart += math.Abs(x - y)
		}
	}
	gini := apart / (2 * float64(len(minor)) * total)
	found := 0
	for _, row := range n.concentration {
		if row.Entity != entity {
			continue
		}
		share := n.bound("concentration", entity, "top_share", found+1)
		found++
		top := int(math.Ceil(nine(share * float64(len(minor)))))
		sum := 0.0
		for _, x := range minor[:top] {
			sum += x
		}
		d.check(entity, "top_share", row.TopShare, share)
		d.check(entity, "entities", row.Entities, top)
		d.check(entity, "revenue of the top", float64(row.RevenueMinor), sum)
		d.near(entity, "share of the top", row.Share, sum/total)
		d.near(entity, "gini", row.Gini, gini)
	}
	d.check(entity, "rows of concentration", found, len(n.bounds("concentration", entity, "top_share")))
}

func fmtInt(n int64) string { return strconv.FormatInt(n, 10) }

// intervals are mean, population σ and number of the days between purchase days, of
// clients with four orders or more.
func intervals(all []priced) (mean, sigma float64, count int) {
	var between []float64
	for i := 1; i < len(all); i++ {
		if gap := all[i].day - all[i-1].day; gap > 0 {
			between = append(between, float64(gap))
			mean += float64(gap)
		}
	}
	if len(between) == 0 {
		return 0, 0, 0
	}
	mean /= float64(len(between))
	for _, gap := range between {
		sigma += (gap - mean) * (gap - mean)
	}
	return mean, math.Sqrt(sigma / float64(len(between))), len(between)
}
