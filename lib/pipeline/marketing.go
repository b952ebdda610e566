package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// marketingTables are what a marketer asks of the whole base: how long ago people
// bought, how few bring how much, how one meets them, and when to congratulate.
type marketingTables struct {
	recency       []schema.RecencyRow
	concentration []schema.ConcentrationRow
	channels      []schema.ChannelRow
	birthdays     []schema.BirthdayRow
}

// add writes the tables of the run.
func (t *marketingTables) add(ctx context.Context, store objstore.Store, run *lake.Run) error {
	return errors.Join(
		lake.AddTable(ctx, store, run, t.recency),
		lake.AddTable(ctx, store, run, t.concentration),
		lake.AddTable(ctx, store, run, t.channels),
		lake.AddTable(ctx, store, run, t.birthdays),
	)
}

// marketingOf makes the tables, and notes in the scores the bounds that were used.
func marketingOf(n *night) (marketingTables, error) {
	asOf, err := time.Parse(time.DateOnly, n.asOf)
	if err != nil {
		return marketingTables{}, err
	}
	var t marketingTables
	var bands schema.ThresholdRow
	var tops []schema.ThresholdRow
	t.recency, bands = n.scores.Recency(n.cfg.Metrics.RecencyBands)
	t.concentration, tops = analytics.ConcentrationOf(&n.scores.ABC[0], &n.scores.ABC[1], &n.scores.ABC[2])
	n.scores.AddThresholds(append(tops, bands)...)
	t.channels = analytics.Channels(n.channels)
	for i := range n.cards {
		t.birthdays = append(t.birthdays, card.Birthdays(&n.cards[i], asOf)...)
	}
	return t, nil
}
