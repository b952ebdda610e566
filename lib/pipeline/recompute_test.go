package pipeline_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/schema"
)

// recomputed is everything of a sample of clients that differs when it is worked out
// from the written tables and lake/orders alone.
func (n *readNight) recomputed(sample []int) *differences {
	d := &differences{}
	all := n.bought
	if all == nil {
		all = n.purchases()
	}
	digits := n.digits(all)
	segments, byEntity := map[string]string{}, map[string]map[string]string{}
	counts := map[string]int64{}
	for _, row := range n.codes {
		segments[row.Code] = row.Segment
	}
	for _, entity := range []string{"client", "item", "category"} {
		byEntity[entity] = n.classes(d, entity)
		n.tops(d, entity)
	}
	even := map[string]string{}
	for _, row := range n.xyz {
		class := ""
		if row.Entity == "client" {
			mean, sigma, count := intervals(all[row.ID])
			if count > 0 {
				d.near(row.ID, "xyz.mean", *row.Mean, mean)
				d.near(row.ID, "xyz.sigma", *row.Sigma+1, sigma+1) // which may be 0
				class = n.evenness("client", mean, sigma, count)
			}
			even[row.ID] = class
		} else if row.CV != nil {
			d.near(row.ID, "xyz.cv", *row.CV, *row.Sigma / *row.Mean)
			class = n.evenness(row.Entity, *row.Mean, *row.Sigma, int(row.Periods))
		}
		d.check(row.Entity+" "+row.ID, "xyz.class", row.Class, class)
	}
	for _, c := range n.clients {
		if c.RFMCode != nil {
			counts[*c.RFMCode]++
		}
	}
	for _, row := range n.codes {
		d.check(row.Code, "rfm_codes.clients", row.Clients, counts[row.Code])
	}
	due, scores := map[string][]string{}, map[string]schema.ScoreRow{}
	for _, row := range n.replenishment {
		due[row.ClientID] = append(due[row.ClientID], strings.Join([]string{row.Item, row.LastDay, fmtInt(row.MedianDays), row.DueDay}, " "))
	}
	for _, row := range n.scores {
		scores[row.ClientID] = row
	}
	for _, i := range sample {
		c := n.clients[i]
		n.client(d, c, all[c.ClientID], digits, segments, byEntity["client"], even)
		n.predictions(d, c, all[c.ClientID])
		slices.Sort(due[c.ClientID])
		d.check(c.ClientID, "replenishment", append([]string{}, due[c.ClientID]...), n.due(all[c.ClientID]))
		score, ok := scores[c.ClientID]
		d.check(c.ClientID, "lead_score", c.LeadScore != nil, ok)
		if ok {
			d.check(c.ClientID, "lead_score", *c.LeadScore, score.Score)
			n.leadScore(d, score)
		}
	}
	n.lifetime(d)
	n.bands(d)
	return d
}

// Whoever has the tables of a night can do every figure of a client again: each
// threshold and each parameter that was used is written beside them.
func TestTheTablesAloneGiveEveryFigureAgain(t *testing.T) {
	shop := postBigShop(t)
	random := rand.New(rand.NewPCG(1000, 1))
	business := "\nbusiness: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: en, rates: {USD: \"90.505\"}}\nsources: [{name: till, kind: json}]\n"
	for _, tc := range []struct{ name, metrics, model string }{
		{"three quantiles and the defaults", "metrics: {xyz: {x: 0.5, y: 1.5}}\n", "logistic"},
		{"five equal groups of days in a year", `
metrics:
  rfm:
    groups: 5
    method: ntile
    frequency: days
    window_days: 365
    playbook:
` + playbookOf(5) + `
  abc: {method: rank_share}
  replenishment: {level: category, days_ahead: 30, min_purchases: 4}
  ltv_horizon_months: 0
`, "logistic"},
		{"fixed bounds of an average check", `
metrics:
  rfm: {method: fixed, monetary: average, r_bounds: [45, 200], f_bounds: [1, 3.5], m_bounds: [500, 1800.5]}
  skip_zero_orders: true
  active_days: 20
  sleeping_days: 100
  dead_days: 300
  new_days: 60
  newcomer_days: 45
  regular_orders: 5
  key_days: 200
  margin: 0.4
  lead_score: {won_days: 3000, points: [{when: {source: yandex}, points: 7}, {when: {contacted: true, within_days: 400}, points: -3}]}
labels: {vip: {tags: [], rule: false}, partner: {tags: [partner, партнер, other]}}
`, "points"},
		{"four quantiles of averages and days in a window", `
metrics:
  rfm:
    groups: 4
    method: quantile
    frequency: days
    monetary: average
    window_days: 200
    playbook:
` + playbookOf(4) + `
  abc: {a: 0.5, b: 0.7}
  recency_bands: [10, 100]
  churn_days: 45
`, "logistic"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := shop.copied()
			w.T = t
			w.configure(business + tc.metrics)
			w.night("2026-11-30")
			n := w.readNight()
			if len(n.clients) < 3000 {
				t.Fatalf("the shop has %d clients, want 3000 at least", len(n.clients))
			}
			sample := random.Perm(len(n.clients))[:1000]
			if d := n.recomputed(sample); len(d.said) > 0 {
				t.Errorf("by hand it is otherwise:\n%s", d)
			}
			if len(n.scores) == 0 || n.scores[0].Model != tc.model {
				t.Errorf("%d leads are scored, want them by the model %s", len(n.scores), tc.model)
			}
			n.bought = n.purchases()
			n.plant(t, sample[:300])
		})
	}
}

// plant changes one number of the tables after another; each time the work by hand
// must come to something else, or it has not looked at that number.
func (n *readNight) plant(t *testing.T, sample []int) {
	method, _ := n.ruleOf("rfm", "client")
	scored := method
	if method == "ntile" {
		scored = "ntile_clients"
	}
	abc, _ := n.ruleOf("abc", "client")
	for _, fault := range []struct {
		metric, entity, rule string
		bound                int
		factor               float64
		column               string
	}{
		{"recency", "client", scored, 1, 1.5, "rfm_code"},
		{"frequency", "client", scored, 2, 0.4, "rfm_code"},
		{"monetary", "client", scored, 1, 1.2, "rfm_code"},
		{"rfm", "client", method, 1, 2, "rfm_code"},
		{"abc", "client", abc, 1, 0.9, "abc"},
		{"abc", "item", abc, 2, 0.7, "abc.class"},
		{"xyz", "client", "intervals", 1, 4, "xyz"},
		{"activity", "client", "days", 1, 0.5, "activity"},
		{"activity", "client", "days", 3, 0.5, "activity"},
		{"lifecycle", "client", "orders", 1, 2, "lifecycle"},
		{"label", "client", "newcomer", 1, 3, "labels"},
		{"label", "client", "key", 1, 0.5, "labels"},
		{"replenishment", n.level(), "median", 2, 0.5, "replenishment"},
		{"prediction", "client", "horizon_days", 1, 0.99, "expected_orders_90d"},
		{"ltv", "client", "closed_months", 1, 1.1, "churn"},
		{"rate", "order", "USD", 1, 1.001, "revenue_minor"},
		{"recency_bands", "client", "days", 1, 1.2, "clients"},
		{"concentration", "client", "top_share", 3, 1.1, "entities"},
	} {
		planted := *n
		planted.thresholds = slices.Clone(n.thresholds)
		if fault.metric == "rate" {
			planted.bought = nil
		}
		i := slices.IndexFunc(planted.thresholds, func(row schema.ThresholdRow) bool {
			return row.Metric == fault.metric && row.Entity == fault.entity && row.Rule == fault.rule
		})
		if i < 0 {
			t.Errorf("no threshold %s %s %s", fault.metric, fault.entity, fault.rule)
			continue
		}
		row := &planted.thresholds[i]
		field := []**float64{&row.Bound1, &row.Bound2, &row.Bound3}[fault.bound-1]
		wrong := **field * fault.factor
		*field = &wrong
		if found := planted.recomputed(sample).columns[fault.column]; found == 0 {
			t.Errorf("%s %s %s with another bound_%d: no %s differs", fault.metric, fault.entity, fault.rule, fault.bound, fault.column)
		}
	}
	for parameter, column := range map[string]string{
		"mbgnbd r": "p_alive", "mbgnbd alpha": "p_alive", "bgnbd a": "expected_orders_90d", "bgnbd b": "expected_orders_90d",
		"gammagamma v": "expected_value_minor", "gammagamma q": "expected_value_minor", "ltv arpa": "arpa",
	} {
		planted := *n
		planted.models = slices.Clone(n.models)
		for i, row := range planted.models {
			if row.Model+" "+row.Parameter == parameter {
				planted.models[i].Value *= 1.001
			}
		}
		if found := planted.recomputed(sample).columns[column]; found == 0 {
			t.Errorf("another %s: no %s differs", parameter, column)
		}
	}
}
