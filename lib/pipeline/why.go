package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNoClient says that the run in force has no client of that name.
var ErrNoClient = errors.New("pipeline: no such client in the run in force")

// Why is what a night knew of one client, and by which bounds it judged. Nothing
// in it is a contact value.
type Why struct {
	Run      string           `json:"run"`
	AsOf     string           `json:"as_of"`
	Currency string           `json:"currency"`
	Client   schema.ClientRow `json:"client"`
	Orders   []WhyOrder       `json:"orders"` // every order of the client, oldest first
	Scores   []WhyScore       `json:"scores"` // recency, frequency, monetary; empty without a code
	ABC      *WhyABC          `json:"abc"`    // nil for who never bought
	Segments []WhySegment     `json:"segments"`
	// ActiveDays and DeadDays are what the activity was judged by.
	ActiveDays int `json:"active_days"`
	DeadDays   int `json:"dead_days"`
}

// WhyOrder is one order as the night saw it.
type WhyOrder struct {
	Shop         string `json:"shop"`
	OrderID      string `json:"order_id"`
	Status       string `json:"status"`
	Day          string `json:"day"` // of the purchase; empty for none
	Purchase     bool   `json:"purchase"`
	Currency     string `json:"currency"`
	RevenueMinor int64  `json:"revenue_minor"`
	// Counted says that the order stands behind the scores: it is a purchase, and
	// of the window if there is one.
	Counted bool `json:"counted"`
}

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

// WhySegment is a segment that the client is in, and the rule that says so.
type WhySegment struct {
	Segment  string `json:"segment"`
	SinceDay string `json:"since_day"`
	Rule     string `json:"rule"`
}

// orderGlance is the part of an order that Why reads.
type orderGlance struct {
	Shop         string    `parquet:"shop,dict"`
	OrderID      string    `parquet:"order_id"`
	Token        string    `parquet:"token,dict"`
	MoreTokens   []string  `parquet:"more_tokens,list"`
	Status       string    `parquet:"status,dict"`
	Purchase     bool      `parquet:"purchase"`
	Day          string    `parquet:"day,dict"`
	At           time.Time `parquet:"at,timestamp(microsecond),delta"`
	Currency     string    `parquet:"currency,dict"`
	RevenueMinor int64     `parquet:"revenue_minor,delta"`
}

// Table implements schema.Row.
func (orderGlance) Table() string { return "orders" }

// Personal implements schema.Row.
func (orderGlance) Personal() []string { return nil }

// Why explains a client of the run in force. client is his id or an alias, a phone
// or an e-mail, or the id he has in a source's own system. Nobody of that name is
// ErrNoClient.
func (p *Pipeline) Why(ctx context.Context, client string) (Why, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return Why{}, err
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil {
		return Why{}, err
	}
	var clients []schema.ClientRow
	var thresholds []schema.ThresholdRow
	var abc []schema.ABCRow
	var members []schema.SegmentRow
	if err := errors.Join(
		into(ctx, p, run, &clients), into(ctx, p, run, &thresholds), into(ctx, p, run, &abc), into(ctx, p, run, &members),
	); err != nil {
		return Why{}, err
	}
	row, err := p.findClient(ctx, clients, client)
	if err != nil {
		return Why{}, err
	}
	w := Why{
		Run: run.Run, AsOf: run.AsOf, Currency: cfg.Business.Currency, Client: row,
		ActiveDays: cfg.Metrics.ActiveDays, DeadDays: cfg.Metrics.DeadDays,
	}
	if w.Orders, err = p.ordersOf(ctx, run, row, cfg.Metrics.RFM.WindowDays); err != nil {
		return Why{}, err
	}
	w.score(cfg, thresholds)
	w.classify(abc, thresholds)
	for _, m := range members {
		if m.ClientID != row.ClientID {
			continue
		}
		rule := "orders >= 1"
		if row.RFMSegment != nil && m.Segment == *row.RFMSegment {
			rule = "rfm_code == " + *row.RFMCode
		}
		for _, s := range cfg.Segments {
			if s.Name == m.Segment {
				rule = s.Rule
			}
		}
		w.Segments = append(w.Segments, WhySegment{Segment: m.Segment, SinceDay: m.SinceDay, Rule: rule})
	}
	return w, nil
}

// findClient finds the client who is called so.
func (p *Pipeline) findClient(ctx context.Context, clients []schema.ClientRow, name string) (schema.ClientRow, error) {
	name = strings.TrimSpace(name)
	token := strings.ToLower(name)
	if !identity.Token(token).Valid() {
		token = ""
		contact, err := p.TokenOf(ctx, name)
		if err != nil && !errors.Is(err, ErrContact) {
			return schema.ClientRow{}, err
		}
		if err == nil {
			if err := p.CheckTokenKey(ctx); err != nil {
				return schema.ClientRow{}, err
			}
			token = string(contact)
		}
	}
	var found []schema.ClientRow
	for _, c := range clients {
		if token != "" && (c.ClientID == token || slices.Contains(c.Aliases, token)) {
			return c, nil
		}
		if slices.Contains(c.ExternalIDs, name) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return schema.ClientRow{}, ErrNoClient
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ClientID
	}
	return schema.ClientRow{}, fmt.Errorf("%w: several sources give that id to different clients: %s; take one of these", ErrNoClient, strings.Join(ids, ", "))
}

// ordersOf reads the client's orders out of all buckets.
func (p *Pipeline) ordersOf(ctx context.Context, run *lake.Run, c schema.ClientRow, window int) ([]WhyOrder, error) {
	deciders, err := p.decidersOf(ctx, run)
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{c.ClientID: true}
	for _, alias := range c.Aliases {
		mine[alias] = true
	}
	first := ""
	if last, err := time.Parse(time.DateOnly, run.AsOf); err == nil && window > 0 {
		first = last.AddDate(0, 0, 1-window).Format(time.DateOnly)
	}
	var found []orderGlance
	for bucket := range orderBuckets {
		table, err := lake.ReadTable[orderGlance](ctx, p.store, bucketKey(bucket))
		if err != nil {
			return nil, err
		}
		for _, row := range table.Rows {
			if mine[deciders.of(row.Token, row.MoreTokens)] {
				found = append(found, row)
			}
		}
	}
	slices.SortFunc(found, func(a, b orderGlance) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Shop, b.Shop), strings.Compare(a.OrderID, b.OrderID))
	})
	orders := make([]WhyOrder, len(found))
	for i, row := range found {
		orders[i] = WhyOrder{
			Shop: row.Shop, OrderID: row.OrderID, Status: row.Status, Day: row.Day, Purchase: row.Purchase, Currency: row.Currency,
			RevenueMinor: row.RevenueMinor, Counted: row.Purchase && row.Day >= first,
		}
	}
	return orders, nil
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
