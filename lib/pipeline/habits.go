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
	noteHabits(n, t)
	var err error
	t.leads, err = leadScoresOf(n)
	return t, err
}

// noteHabits notes in the clients' rows when they are due to buy something again,
// and the seasons in which they buy. All are ordered by client.
func noteHabits(n *night, t habitTables) {
	due, season := t.replenishment, t.seasonality
	for i := range n.rows {
		row := &n.rows[i]
		for ; len(due) > 0 && due[0].ClientID <= row.ClientID; due = due[1:] {
			if due[0].ClientID != row.ClientID {
				continue
			}
			day := &row.ReplenishDueDay
			if due[0].DueDay < n.asOf {
				day = &row.ReplenishOverdueDay
			}
			if *day == nil || due[0].DueDay < **day {
				*day = known(due[0].DueDay)
			}
		}
		for ; len(season) > 0 && season[0].ClientID <= row.ClientID; season = season[1:] {
			if season[0].ClientID == row.ClientID {
				row.Seasons = append(row.Seasons, season[0].Window)
			}
		}
	}
}
