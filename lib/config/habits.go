package config

import (
	"fmt"
	"slices"
	"time"
)

// Basket says which pairs of goods are shown (metrics, "Basket").
type Basket struct {
	MinTickets int `yaml:"min_tickets"` // purchases with both; default 5
	MaxItems   int `yaml:"max_items"`   // a purchase of more different ones makes no pairs; default 50
	MaxPairs   int `yaml:"max_pairs"`   // of a level, those in most purchases; default 10 000
}

// Replenishment says when a client is due to buy a thing again (metrics,
// "Replenishment").
type Replenishment struct {
	Level        string `yaml:"level"`         // item or category; default item
	DaysAhead    int    `yaml:"days_ahead"`    // due within so many days after the as-of day; default 14
	MinPurchases int    `yaml:"min_purchases"` // purchase days; default and least 3
}

// Season is a window of days that comes every year (metrics, "Seasonality"): the
// day, DaysBefore days before it and DaysAfter after it.
type Season struct {
	Name       string `yaml:"name"`
	Day        string `yaml:"day"` // MM-DD, any but 02-29
	DaysBefore int    `yaml:"days_before"`
	DaysAfter  int    `yaml:"days_after"`
}

// Date is the month and the day of the month of the season's day; false for what
// is no day of every year.
func (s Season) Date() (time.Month, int, bool) {
	at, err := time.Parse("2006-01-02", "2001-"+s.Day) // 2001 has no 29 February
	return at.Month(), at.Day(), err == nil
}

// longestSeason keeps the windows of one season apart from year to year.
const longestSeason = 180

func defaultSeasons() []Season {
	return []Season{
		{Name: "23-february", Day: "02-23", DaysBefore: 14},
		{Name: "8-march", Day: "03-08", DaysBefore: 14},
		{Name: "new-year", Day: "12-31", DaysBefore: 14},
	}
}

// LeadScore says how likely a lead is to buy (metrics, "Lead score").
type LeadScore struct {
	Points      []PointRule `yaml:"points"`       // empty list: none; absent: the built-in rules
	ObserveDays int         `yaml:"observe_days"` // a model looks at a lead so many days after its entry; default 3
	WonDays     int         `yaml:"won_days"`     // and asks whether it buys within so many days after that; default 90
}

// PointRule gives points, which may be below zero, to the leads that meet all of
// its conditions.
type PointRule struct {
	When   LeadCondition `yaml:"when"`
	Points int           `yaml:"points"`
}

// LeadCondition is met where everything that it names holds; what is empty is not
// asked for.
type LeadCondition struct {
	Source     string `yaml:"source"`      // of the first touch; letter case does not count
	Interest   string `yaml:"interest"`    // likewise
	Complete   bool   `yaml:"complete"`    // a name, a phone and an e-mail are known
	Contacted  bool   `yaml:"contacted"`   // somebody has spoken with the lead
	Stage      string `yaml:"stage"`       // reached it or a later one
	WithinDays *int   `yaml:"within_days"` // entered the funnel at most so many days ago
}

// defaultPoints are rules that need no knowledge of the business: who can be
// reached, who is met, who has come further than an answer, who asked just now.
func defaultPoints(funnel []string) []PointRule {
	week, month := 7, 30
	rules := []PointRule{
		{LeadCondition{Complete: true}, 20},
		{LeadCondition{Contacted: true}, 10},
		{LeadCondition{WithinDays: &month}, 15},
		{LeadCondition{WithinDays: &week}, 15},
	}
	if n := len(funnel); n > 3 {
		rules = append(rules, PointRule{LeadCondition{Stage: funnel[n-2]}, 40})
	}
	return rules
}

func (c *Config) checkPoints(fault func(path, format string, args ...any)) {
	for i, rule := range c.Metrics.LeadScore.Points {
		path := fmt.Sprintf("metrics.lead_score.points.%d", i)
		if rule.When == (LeadCondition{}) {
			fault(path+".when", "want a condition: source, interest, complete, contacted, stage or within_days")
		}
		switch stage := rule.When.Stage; {
		case stage == "":
		case !slices.Contains(c.Funnel, stage):
			fault(path+".when.stage", "want a stage of the funnel")
		case stage == c.Funnel[len(c.Funnel)-1]:
			fault(path+".when.stage", "the last stage is what the score foretells")
		}
	}
}

func (c *Config) checkSeasons(fault func(path, format string, args ...any)) {
	names := map[string]bool{}
	for i, s := range c.Metrics.Seasons {
		path := fmt.Sprintf("metrics.seasons.%d", i)
		if names[s.Name] {
			fault(path+".name", "season %q is configured twice", s.Name)
		}
		names[s.Name] = true
		if _, _, ok := s.Date(); !ok {
			fault(path+".day", "want a day that every year has, as \"03-08\" for 8 March")
		}
		if s.DaysBefore+s.DaysAfter > longestSeason {
			fault(path, "want a window of at most %d days around the day, got %d", longestSeason, s.DaysBefore+s.DaysAfter)
		}
	}
}
