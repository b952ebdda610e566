package pipeline

import (
	"context"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// eraseGold takes the person out of every run's tables that know single clients.
// Their manifests keep the old digests; the erasure's act explains them, and the
// next night publishes a run without the person.
func (e *eraser) eraseGold(ctx context.Context) error {
	gone, err := e.goneFromGold(ctx)
	if err != nil {
		return err
	}
	for info, err := range e.p.store.List(ctx, lake.GoldPrefix, "") {
		if err != nil {
			return err
		}
		table, run, _ := strings.Cut(strings.TrimPrefix(info.Key, lake.GoldPrefix), "/")
		clients := gone[run]
		switch table {
		case "segments":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.SegmentRow) []string { return []string{row.ClientID} })
		case "other_revenue":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.OtherRevenueRow) []string { return []string{row.ClientID} })
		case "abc":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.ABCRow) []string { return []string{row.ID} })
		case "xyz":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.XYZRow) []string { return []string{row.ID} })
		case "links":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.LinkRow) []string { return []string{row.ClientID, row.Token, row.WithToken} })
		case "merges":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.MergeRow) []string { return append([]string{row.ClientID}, row.Tokens...) })
		case "consents":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.ConsentStateRow) []string { return []string{row.ClientID} })
		case "replenishment":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.ReplenishmentRow) []string { return []string{row.ClientID} })
		case "seasonality":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.SeasonalityRow) []string { return []string{row.ClientID} })
		case "scores":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.ScoreRow) []string { return []string{row.ClientID} })
		case "birthdays":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.BirthdayRow) []string { return []string{row.ClientID} })
		case "history":
			err = rewriteClients(ctx, e, info.Key, clients, func(row *schema.HistoryRow) []string { return []string{row.ClientID} })
		}
		if err != nil {
			return err
		}
	}
	// Last, since an erasure that is interrupted learns from them who is to go.
	for run := range gone {
		if err := rewriteClients(ctx, e, goldClients+run, gone[run], func(row *schema.ClientRow) []string {
			return append([]string{row.ClientID}, row.Aliases...)
		}); err != nil {
			return err
		}
	}
	return nil
}

const goldClients = lake.GoldPrefix + "clients/"

// goneFromGold is the clients of each run, by the end of its keys, that are to
// go. A client's id may be a shared token, which is not the person's own and says
// nothing in another run.
func (e *eraser) goneFromGold(ctx context.Context) (map[string]map[string]*Act, error) {
	gone := map[string]map[string]*Act{}
	for info, err := range e.p.store.List(ctx, goldClients, "") {
		if err != nil {
			return nil, err
		}
		clients, err := lake.ReadTable[schema.ClientRow](ctx, e.p.store, info.Key)
		if err != nil {
			return nil, err
		}
		run := map[string]*Act{}
		for _, row := range clients.Rows {
			if act := e.ownerOf(append([]string{row.ClientID}, row.Aliases...)); act != nil {
				run[row.ClientID] = act
			}
		}
		gone[strings.TrimPrefix(info.Key, goldClients)] = run
	}
	return gone, nil
}

// rewriteClients removes the rows of a run's table that name somebody who is to
// go; the first of a row's tokens is his client's id.
func rewriteClients[T schema.Row](ctx context.Context, e *eraser, key string, gone map[string]*Act, tokens func(*T) []string) error {
	return rewrite(ctx, e, "gold", key, func(row *T) (*Act, bool) {
		of := tokens(row)
		if act := gone[of[0]]; act != nil {
			return act, false
		}
		return e.ownerOf(of), false
	})
}
