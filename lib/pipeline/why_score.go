package pipeline

import (
	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// WhyScore is one digit of the code: the value, and the bounds it was held
// against.
type WhyScore struct {
	Metric string    `json:"metric"` // recency, frequency or monetary
	Value  int64     `json:"value"`  // days, purchases (or days with one), minor units
	Score  int64     `json:"score"`
	Groups int       `json:"groups"`
	Rule   string    `json:"rule"` // quantile, ntile or fixed
	Bounds []float64 `json:"bounds"`
	Note   string    `json:"note"`
}

// WhyABC is the client's place in the list by revenue.
type WhyABC struct {
	Rank            int     `json:"rank"` // from 1
	Of              int     `json:"of"`
	Share           float64 `json:"share"`
	Before          float64 `json:"cumulative_share_before"`
	CumulativeShare float64 `json:"cumulative_share"`
	Class           string  `json:"class"`
	Rule            string  `json:"rule"`
	A               float64 `json:"a"`
	B               float64 `json:"b"`
}

// WhyXYZ is how evenly the client comes: the days between days with a purchase.
type WhyXYZ struct {
	Intervals int64   `json:"intervals"`
	MeanDays  float64 `json:"mean_days"`
	SigmaDays float64 `json:"sigma_days"`
	CV        float64 `json:"cv"`
	Class     string  `json:"class,omitempty"` // empty: fewer than Least intervals
	X         float64 `json:"x"`               // largest CV of the class
	Y         float64 `json:"y"`
	Least     int64   `json:"least_intervals"`
}

// score puts the values beside the bounds that they were held against.
func (w *Why) score(cfg *config.Config, thresholds []schema.ThresholdRow) {
	c, rfm := w.Client, cfg.Metrics.RFM
	if c.R == nil || c.F == nil || c.M == nil || c.RecencyDays == nil {
		return
	}
	frequency, money := c.Orders, c.RevenueMinor
	days, priced := c.OrderDays, int64(0)
	if rfm.WindowDays > 0 { // the client's row counts all of his life
		frequency, money, days = 0, 0, 0
		last := ""
		for _, o := range w.Orders {
			if !o.Counted {
				continue
			}
			frequency++
			if o.Day != last {
				days, last = days+1, o.Day
			}
			minor, ok := o.RevenueMinor, o.Currency == w.Currency
			if rate, known := cfg.Rate(o.Currency); !ok && known {
				converted, err := rate.Convert(minor, o.Currency, w.Currency)
				minor, ok = converted, err == nil
			}
			if ok {
				money, priced = money+minor, priced+1
			}
		}
	}
	if rfm.Frequency == "days" {
		frequency = days
	}
	switch {
	case rfm.Monetary != "average":
	case rfm.WindowDays == 0 && c.AverageOrderMinor != nil:
		money = *c.AverageOrderMinor
	case priced > 0:
		money /= priced
	}
	w.Scores = []WhyScore{
		{Metric: analytics.MetricRecency, Value: *c.RecencyDays, Score: *c.R},
		{Metric: analytics.MetricFrequency, Value: frequency, Score: *c.F},
		{Metric: analytics.MetricMonetary, Value: money, Score: *c.M},
	}
	for i := range w.Scores {
		s := &w.Scores[i]
		s.Groups = rfm.Groups
		for _, row := range thresholds {
			if row.Metric == s.Metric && row.Entity == analytics.EntityClient && row.Rule == rfm.Method {
				s.Rule, s.Note, s.Bounds = row.Rule, row.Note, boundsOf(row)
			}
		}
	}
}

// classify finds the client's place in the list by revenue.
func (w *Why) classify(abc []schema.ABCRow, thresholds []schema.ThresholdRow) {
	place := WhyABC{}
	before := 0.0
	for _, row := range abc {
		if row.Entity != analytics.EntityClient {
			continue
		}
		place.Of++
		if row.ID == w.Client.ClientID {
			place.Rank, place.Share, place.Before = place.Of, row.Share, before
			place.CumulativeShare, place.Class = row.CumulativeShare, row.Class
		}
		before = row.CumulativeShare
	}
	if place.Rank == 0 {
		return
	}
	for _, row := range thresholds {
		if bounds := boundsOf(row); row.Metric == analytics.MetricABC && row.Entity == analytics.EntityClient && len(bounds) == 2 {
			place.Rule, place.A, place.B = row.Rule, bounds[0], bounds[1]
		}
	}
	w.ABC = &place
}

// even finds the client's row of XYZ and the bounds that it was held against.
func (w *Why) even(xyz []schema.XYZRow, thresholds []schema.ThresholdRow) {
	for _, row := range xyz {
		if row.Entity != analytics.EntityClient || row.ID != w.Client.ClientID || row.CV == nil || row.Mean == nil || row.Sigma == nil {
			continue
		}
		w.XYZ = &WhyXYZ{Intervals: row.Periods, MeanDays: *row.Mean, SigmaDays: *row.Sigma, CV: *row.CV, Class: row.Class}
		for _, of := range thresholds {
			if bounds := boundsOf(of); of.Metric == analytics.MetricXYZ && of.Entity == analytics.EntityClient && len(bounds) == 3 {
				w.XYZ.X, w.XYZ.Y, w.XYZ.Least = bounds[0], bounds[1], int64(bounds[2])
			}
		}
	}
}

// boundsOf is the bounds of a threshold that are there.
func boundsOf(row schema.ThresholdRow) []float64 {
	var bounds []float64
	for _, bound := range []*float64{
		row.Bound1, row.Bound2, row.Bound3, row.Bound4, row.Bound5, row.Bound6, row.Bound7, row.Bound8, row.Bound9,
	} {
		if bound != nil {
			bounds = append(bounds, *bound)
		}
	}
	return bounds
}
