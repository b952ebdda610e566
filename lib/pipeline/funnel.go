package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// funnelTables are how far clients came and what it cost.
type funnelTables struct {
	rows    []schema.FunnelRow
	sources []schema.SourceRow
	bases   []schema.BaseRow
	costs   analytics.CostTotals
}

// add writes the tables of the run.
func (t *funnelTables) add(ctx context.Context, store objstore.Store, run *lake.Run) error {
	return errors.Join(
		lake.AddTable(ctx, store, run, t.rows),
		lake.AddTable(ctx, store, run, t.sources),
		lake.AddTable(ctx, store, run, t.bases),
	)
}

// funnelOf joins the cards, the purchases that the clients' rows count and the
// costs. Orders are read a second time only where interests are known: nothing
// else of a purchase is asked for that the rows do not say.
func funnelOf(ctx context.Context, n *night, orders *foldedOrders) (funnelTables, error) {
	var t funnelTables
	var err error
	if t.costs, err = readCosts(ctx, n); err != nil {
		return t, err
	}
	clients, err := funnelClients(n)
	if err != nil {
		return t, err
	}
	funnel := analytics.NewFunnel(n.cfg.Funnel, clients)
	if funnel.Topics() || len(n.orderInterests) > 0 {
		if err := readPurchases(ctx, n, orders, funnel); err != nil {
			return t, err
		}
	}
	funnel.BasesOf(func(client int, interest string, bought bool) {
		list := &n.rows[client].InterestsOpen
		if bought {
			list = &n.rows[client].InterestsBought
		}
		*list = append(*list, interest)
	})
	for i := range n.rows {
		slices.Sort(n.rows[i].InterestsBought)
		slices.Sort(n.rows[i].InterestsOpen)
	}
	t.rows, t.sources, t.bases = funnel.Rows(t.costs.Costs), funnel.Sources(t.costs.Costs), funnel.Bases()
	return t, nil
}

// funnelClients are the clients of the funnel in the order of the cards.
func funnelClients(n *night) ([]analytics.FunnelClient, error) {
	clients := make([]analytics.FunnelClient, len(n.cards))
	for i := range n.cards {
		c, row := &n.cards[i], &n.rows[i]
		clients[i] = analytics.FunnelClient{
			Source: c.Source, Campaign: c.Campaign, Interests: c.Interests,
			Reached: make([]analytics.Reached, len(c.Reached)), Orders: row.Orders, RevenueMinor: row.RevenueMinor,
		}
		for j, r := range c.Reached {
			clients[i].Reached[j] = analytics.Reached{Interest: r.Interest, Stage: r.Stage, Day: analytics.DayOf(r.At.In(n.location))}
		}
		if row.FirstOrderDay != nil {
			day, err := analytics.ParseDay(*row.FirstOrderDay)
			if err != nil {
				return nil, err
			}
			clients[i].FirstOrder = day
		}
	}
	return clients, nil
}

// readPurchases tells the funnel what every purchase was about.
func readPurchases(ctx context.Context, n *night, orders *foldedOrders, funnel *analytics.Funnel) error {
	var categories []string
	for bucket := range orderBuckets {
		rows, err := readOrders[schema.OrderInterestRow](ctx, orders, bucket)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if !row.Purchase || row.Day > n.asOf || row.RevenueMinor == 0 && n.cfg.Metrics.SkipZeroOrders {
				continue
			}
			id := n.clients.OfEvent(append([]string{row.Token}, row.MoreTokens...))
			client, found := slices.BinarySearchFunc(n.cards, id, func(c card.Card, id string) int { return strings.Compare(c.ClientID, id) })
			if !found {
				continue // nobody's
			}
			day, err := analytics.ParseDay(row.Day)
			if err != nil {
				return fmt.Errorf("pipeline: bucket %d: %w", bucket, err)
			}
			categories = categories[:0]
			for _, line := range row.Lines {
				categories = append(categories, line.Category)
			}
			funnel.Purchase(client, day, n.orderInterests[[2]string{row.Shop, row.OrderID}], categories)
		}
	}
	return orders.stand(ctx)
}

// readCosts folds what was stated by the end of the as-of day.
func readCosts(ctx context.Context, n *night) (analytics.CostTotals, error) {
	asOf, err := analytics.ParseDay(n.asOf)
	if err != nil {
		return analytics.CostTotals{}, err
	}
	costs := analytics.NewCosts(asOf, n.cfg.Business.Currency, n.convert)
	for _, day := range n.days {
		rows, err := lake.ReadDayWhere[schema.CostEventRow](ctx, n.store, lake.EventsPrefix, day, "kind", string(event.CostSpent))
		if err != nil {
			return analytics.CostTotals{}, err
		}
		for _, row := range rows {
			if row.At.Before(n.end) {
				costs.Add(row)
			}
		}
	}
	return costs.Result()
}

// convert changes money of another currency into the business's.
func (n *night) convert(minor int64, currency string) (int64, bool) {
	rate, ok := n.cfg.Rate(currency)
	if !ok {
		return 0, false
	}
	converted, err := rate.Convert(minor, currency, n.cfg.Business.Currency)
	return converted, err == nil
}
