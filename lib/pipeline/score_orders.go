package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// ScoreRequest asks for the scores of the orders alone.
type ScoreRequest struct {
	AsOf string         // last day that counts, YYYY-MM-DD
	Out  objstore.Store // receives the tables
}

// ScoreReport says what was scored.
type ScoreReport struct {
	Run          lake.RunRef // under which the tables lie in Out
	Clients      int         // with a purchase
	Orders       int64       // purchases
	RevenueMinor int64
}

// scoredRun is the name of the run of scores that stand alone: they are no night.
const scoredRun = "orders"

// ScoreOrders folds the orders up to a day and scores the clients that the last night
// has found, without looking for people again: RFM, ABC, XYZ, cohorts, lifecycle and
// LTV, in the order of a night and by its code. The tables go to request.Out, under
// gold/<table>/asof=…/run=orders/; large ones in several files. Nothing is published,
// and nothing of the lake changes but the folded orders where many are new.
func (p *Pipeline) ScoreOrders(ctx context.Context, request ScoreRequest) (ScoreReport, error) {
	report := ScoreReport{Run: lake.RunRef{Run: scoredRun, AsOf: request.AsOf}}
	n, _, err := p.begin(ctx, NightRequest{AsOf: request.AsOf})
	if err != nil {
		return report, err
	}
	report.Run.AsOf = n.asOf
	asOf, err := analytics.ParseDay(n.asOf)
	if err != nil {
		return report, err
	}
	index, err := p.tokenIndex(ctx)
	if err != nil {
		return report, err
	}
	orders, err := p.foldOrders(ctx, n, index)
	if err != nil {
		return report, err
	}
	base, err := countOrders(ctx, &orders, index, analytics.Options{
		AsOf: asOf, Metrics: n.cfg.Metrics, Currency: n.cfg.Business.Currency, Convert: n.convert,
	})
	if err != nil {
		return report, err
	}
	if err := orders.stand(ctx); err != nil {
		return report, err
	}
	index.forgetTokens()
	report.Clients, report.Orders, report.RevenueMinor = base.Len(), base.Totals.Orders, base.Totals.RevenueMinor
	return report, writeScores(ctx, request.Out, report.Run, n, base)
}

// writeScores writes every table, large ones side by side.
func writeScores(ctx context.Context, store objstore.Store, run lake.RunRef, n *night, base *analytics.Base) error {
	scores := analytics.Score(base)
	small := lake.Run{RunRef: run}
	var faults [4]error
	var all sync.WaitGroup
	all.Go(func() { faults[0] = writeClients(ctx, store, run, base, scores) })
	all.Go(func() { faults[1] = writeParts[schema.ABCRow](ctx, store, run, abcBlocks(scores)) })
	all.Go(func() { faults[2] = writeParts[schema.XYZRow](ctx, store, run, xyzBlocks(scores)) })
	faults[3] = errors.Join(
		lake.AddTable(ctx, store, &small, scores.Codes),
		lake.AddTable(ctx, store, &small, scores.Thresholds),
		lake.AddTable(ctx, store, &small, scores.ABCXYZ),
		lake.AddTable(ctx, store, &small, analytics.Cohorts(base, analytics.ActivityOf(n.cfg.Metrics))),
		lake.AddTable(ctx, store, &small, analytics.LifecycleMonths(base)),
		lake.AddTable(ctx, store, &small, scores.LTV.Months),
		lake.AddTable(ctx, store, &small, scores.LTV.Models),
		lake.AddTable(ctx, store, &small, base.Other),
	)
	all.Wait()
	return errors.Join(faults[:]...)
}

func writeClients(ctx context.Context, store objstore.Store, run lake.RunRef, base *analytics.Base, scores *analytics.Scores) error {
	return writeParts[schema.ClientOrdersRow](ctx, store, run, clientBlocks(base, scores, 0, base.Len()))
}

// block is some rows of a table by columns.
type block interface {
	write(w *columnar.Writer) error
}

// partGroups is how many row groups make a file: what is held until a file is whole.
const partGroups = 4

// writeParts writes a table in files of some row groups each; one without rows for an
// empty table.
func writeParts[T schema.Row, B block](ctx context.Context, store objstore.Store, run lake.RunRef, blocks func(func(B) bool)) error {
	var row T
	var out bytes.Buffer
	var w *columnar.Writer
	part, groups := 0, 0
	var fault error
	closed := func() error {
		if err := w.Close(); err != nil {
			return err
		}
		key := lake.PartKey(row.Table(), run, part)
		if _, err := store.Put(ctx, key, out.Bytes()); err != nil {
			return fmt.Errorf("pipeline: write %s: %w", key, err)
		}
		out.Reset()
		part, groups, w = part+1, 0, nil
		return nil
	}
	open := func() (err error) {
		if w == nil {
			w, err = columnar.NewWriter[T](&out)
		}
		return err
	}
	for b := range blocks {
		if fault = open(); fault == nil {
			fault = b.write(w)
		}
		if groups++; fault == nil && groups == partGroups {
			fault = closed()
		}
		if fault != nil {
			return fault
		}
	}
	if w == nil && part > 0 {
		return nil
	}
	if err := open(); err != nil {
		return err
	}
	return closed()
}
