package pipeline

import (
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// leadScoresOf scores the leads, and notes the scores in the clients' rows and the
// rules among the thresholds. A lead is a client who reached a stage by what events
// state; a purchase alone makes none.
func leadScoresOf(n *night) (analytics.LeadScores, error) {
	asOf, err := analytics.ParseDay(n.asOf)
	if err != nil {
		return analytics.LeadScores{}, err
	}
	c := n.cfg.Metrics.LeadScore
	var leads []analytics.Lead
	var rows []*schema.ClientRow
	for i := range n.cards {
		one, row := &n.cards[i], &n.rows[i]
		if len(one.Reached) == 0 {
			continue
		}
		entry := slices.MinFunc(one.Reached, func(a, b card.Reach) int { return a.At.Compare(b.At) }).At.In(n.location)
		year, month, day := entry.Date()
		landmark := time.Date(year, month, day+c.ObserveDays+1, 0, 0, 0, 0, n.location)
		if landmark.After(n.end) {
			landmark = n.end
		}
		lead := analytics.Lead{
			ClientID: one.ClientID, Day: analytics.DayOf(entry), Bought: row.Orders > 0,
			Now: leadFacts(one, n.cfg.Funnel, n.end), Then: leadFacts(one, n.cfg.Funnel, landmark),
		}
		if row.FirstOrderDay != nil {
			if lead.FirstBuy, err = analytics.ParseDay(*row.FirstOrderDay); err != nil {
				return analytics.LeadScores{}, err
			}
		}
		leads, rows = append(leads, lead), append(rows, row)
	}
	scores := analytics.ScoreLeads(leads, c, n.cfg.Funnel, asOf)
	n.scores.AddThresholds(scores.Thresholds...)
	at := 0
	for _, row := range rows { // both are ordered by client
		if at < len(scores.Rows) && scores.Rows[at].ClientID == row.ClientID {
			row.LeadScore = &scores.Rows[at].Score
			at++
		}
	}
	return scores, nil
}

// leadFacts are what was known of a lead before an instant.
func leadFacts(c *card.Card, funnel []string, end time.Time) analytics.LeadFacts {
	var f analytics.LeadFacts
	if c.SourceAt.Before(end) {
		f.Source = c.Source
	}
	for _, r := range c.Reached {
		if !r.At.Before(end) {
			continue
		}
		if stage := slices.Index(funnel, r.Stage); stage < len(funnel)-1 {
			f.Stage = max(f.Stage, stage)
			if r.Interest != "" {
				f.Interests = append(f.Interests, r.Interest)
			}
		}
	}
	p := &c.Person
	f.Complete = knownBy(p.Names, end) && knownBy(p.Phones, end) && knownBy(p.Emails, end)
	f.Contacted = c.Contacted && c.ContactedAt.Before(end)
	return f
}

// knownBy tells whether any of the values was stated before an instant.
func knownBy(values []schema.ValueRow, end time.Time) bool {
	return slices.ContainsFunc(values, func(v schema.ValueRow) bool { return v.Since.Before(end) })
}
