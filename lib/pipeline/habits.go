package pipeline

import (
	"context"
	"errors"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// habitTables are what goes together, what comes again, and who may come.
type habitTables struct {
	basket        []schema.BasketRow
	replenishment []schema.ReplenishmentRow
	seasonality   []schema.SeasonalityRow
	leads         analytics.LeadScores
}

// add writes the tables of the run.
func (t *habitTables) add(ctx context.Context, store objstore.Store, run *lake.Run) error {
	return errors.Join(
		lake.AddTable(ctx, store, run, t.basket),
		lake.AddTable(ctx, store, run, t.replenishment),
		lake.AddTable(ctx, store, run, t.seasonality),
		lake.AddTable(ctx, store, run, t.leads.Rows),
	)
}

// habitsOf makes the tables, and notes in the scores the bounds that were used and
// in the clients' rows when each is expected next.
func habitsOf(n *night) (habitTables, error) {
	var t habitTables
	var basket, seasons []schema.ThresholdRow
	var due schema.ThresholdRow
	t.basket, basket = analytics.Basket(n.base)
	t.replenishment, due = analytics.Replenishment(n.base)
	t.seasonality, seasons = analytics.Seasonality(n.base)
	n.scores.AddThresholds(append(append(basket, seasons...), due)...)
	for place, day := range analytics.ExpectedNextDays(n.base) {
		n.rows[n.base.Number(place)].ExpectedNextDay = known(day)
	}
	var err error
	t.leads, err = leadScoresOf(n)
	return t, err
}
