package analytics

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// Models of the scores of leads.
const (
	ModelPoints   = "points"
	ModelLogistic = "logistic"
)

// MetricLead in the thresholds has the rule landmark: bound_1 is the days after its
// entry at which a model looks at a lead, bound_2 those within which it asks for a
// purchase after that; and the rules points:NAME, whose bound_1 is the points.
const MetricLead = "lead_score"

// Lead is a client who entered the funnel.
type Lead struct {
	ClientID string
	Day      Day // of the entry
	Bought   bool
	FirstBuy Day // of the first purchase, if Bought

	Now  LeadFacts // known at the end of the as-of day
	Then LeadFacts // known at the end of the landmark: Day + observe_days, or the as-of day before that
}

// after is the day so many days after the entry.
func (l *Lead) after(days int) Day { return l.Day + Day(min(days, longestWindow)) } //nolint:gosec // G115: bounded

// LeadFacts are what is known of a lead at an instant. What is filled in after a
// sale has no place here: purchases, the stage that a purchase reaches, and, for
// Then, whatever was stated after the landmark.
type LeadFacts struct {
	Source    string   // of the first touch
	Interests []string // that came with a stage
	Complete  bool     // a name, a phone and an e-mail
	Contacted bool
	Stage     int // furthest of the funnel, the last one excepted
}

// LeadScores are the scores of the leads who have not bought.
type LeadScores struct {
	Rows       []schema.ScoreRow     // ordered by client_id
	Models     []schema.ModelRow     // what a model learned and how it fared, or why there is none
	Thresholds []schema.ThresholdRow // the rules
}

// ScoreLeads scores the leads without a purchase up to asOf (metrics.md, "Lead
// score"); funnel is the stages in their order. Leads may stand in any order.
//
// By points every rule that a lead meets by what is known now adds its points, and
// the score is their sum. A model takes their place where it foretells purchases
// better (leadmodel.go): its score is the probability of a purchase within won_days
// after the landmark. A lead for whom those days are over has the answer and gets no
// score from a model; points are for every lead.
func ScoreLeads(leads []Lead, c config.LeadScore, funnel []string, asOf Day) LeadScores {
	rules := pointRules(c.Points, funnel)
	var out LeadScores
	landmark := schema.ThresholdRow{Metric: MetricLead, Entity: EntityClient, Rule: "landmark"}
	setBounds(&landmark, []float64{float64(c.ObserveDays), float64(c.WonDays)})
	landmark.Note = "a model looks at a lead bound_1 days after its entry and asks whether it buys within bound_2 days after that"
	out.Thresholds = append(out.Thresholds, landmark)
	for i, rule := range rules {
		row := schema.ThresholdRow{Metric: MetricLead, Entity: EntityClient, Rule: "points:" + rule.name, Note: "points where the lead meets the rule"}
		setBounds(&row, []float64{float64(c.Points[i].Points)})
		out.Thresholds = append(out.Thresholds, row)
	}
	leads = slices.Clone(leads)
	slices.SortFunc(leads, func(x, y Lead) int { return cmp.Or(cmp.Compare(x.Day, y.Day), strings.Compare(x.ClientID, y.ClientID)) })
	var m *leadModel
	m, out.Models = modelOf(leads, c, rules, funnel, asOf)
	for i := range leads {
		lead := &leads[i]
		if lead.Bought {
			continue
		}
		row := schema.ScoreRow{ClientID: lead.ClientID, Model: ModelPoints}
		parts := map[string]string{}
		if m != nil {
			if lead.after(c.ObserveDays+c.WonDays) <= asOf {
				continue
			}
			row.Model = ModelLogistic
			mask := m.features.mask(lead.Then)
			row.Score = m.probability(mask)
			parts["base"] = decimal(m.weights[0])
			for left := mask; left != 0; left &= left - 1 {
				at := bits.TrailingZeros64(left)
				parts[m.features.names[at]] = decimal(m.weights[at+1])
			}
		} else {
			for _, rule := range rules {
				if rule.holds(lead.Now, int64(asOf-lead.Day)) {
					row.Score += float64(rule.points)
					parts[rule.name] = strconv.Itoa(rule.points)
				}
			}
		}
		row.Contributions = schema.MapOf(parts)
		out.Rows = append(out.Rows, row)
	}
	slices.SortFunc(out.Rows, func(x, y schema.ScoreRow) int { return strings.Compare(x.ClientID, y.ClientID) })
	return out
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// pointRule is a rule ready to be asked.
type pointRule struct {
	name             string
	points           int
	source, interest string // folded
	when             config.LeadCondition
	stage            int
}

// pointRules names every rule by its conditions; a second rule of the same ones is
// told apart by its number.
func pointRules(configured []config.PointRule, funnel []string) []pointRule {
	rules := make([]pointRule, len(configured))
	seen := map[string]int{}
	for i, of := range configured {
		rule := pointRule{points: of.Points, when: of.When, source: folded(of.When.Source), interest: folded(of.When.Interest), stage: slices.Index(funnel, of.When.Stage)}
		var parts []string
		for _, part := range [][2]string{{"source", rule.source}, {"interest", rule.interest}} {
			if part[1] != "" {
				parts = append(parts, part[0]+"="+part[1])
			}
		}
		if of.When.Complete {
			parts = append(parts, featureComplete)
		}
		if of.When.Contacted {
			parts = append(parts, featureContacted)
		}
		if of.When.Stage != "" {
			parts = append(parts, "stage="+of.When.Stage)
		}
		if of.When.WithinDays != nil {
			parts = append(parts, "within_days="+strconv.Itoa(*of.When.WithinDays))
		}
		rule.name = strings.Join(parts, "+")
		if seen[rule.name]++; seen[rule.name] > 1 {
			rule.name += " #" + strconv.Itoa(seen[rule.name])
		}
		rules[i] = rule
	}
	return rules
}

// holds tells whether all conditions are met by a lead of so many days.
func (r *pointRule) holds(f LeadFacts, days int64) bool {
	return (r.source == "" || r.source == folded(f.Source)) &&
		(r.interest == "" || slices.ContainsFunc(f.Interests, func(i string) bool { return folded(i) == r.interest })) &&
		(!r.when.Complete || f.Complete) && (!r.when.Contacted || f.Contacted) &&
		(r.when.Stage == "" || r.stage >= 0 && f.Stage >= r.stage) &&
		(r.when.WithinDays == nil || days <= int64(*r.when.WithinDays))
}
