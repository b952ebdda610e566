package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
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
	report.Clients, report.Orders, report.RevenueMinor = base.Len(), base.Totals.Orders, base.Totals.RevenueMinor
	return report, writeScores(ctx, request.Out, report.Run, n, base)
}

// writeScores writes every table, as many large ones side by side as there are workers:
// each has a buffer, and holds a file in it.
func writeScores(ctx context.Context, store objstore.Store, run lake.RunRef, n *night, base *analytics.Base) error {
	scores := analytics.Score(base)
	buffers := make(chan *bytes.Buffer, workers())
	for range cap(buffers) {
		buffers <- new(bytes.Buffer)
	}
	var faults [4]error
	var all sync.WaitGroup
	side := func(table int, write func(out *bytes.Buffer) error) {
		out := <-buffers
		all.Go(func() {
			faults[table] = write(out)
			buffers <- out
		})
	}
	side(0, func(out *bytes.Buffer) error {
		return writeParts[schema.ClientOrdersRow](ctx, store, run, out, clientBlocks(base, scores))
	})
	side(1, func(out *bytes.Buffer) error {
		return writeParts[schema.ABCRow](ctx, store, run, out, abcBlocks(scores))
	})
	side(2, func(out *bytes.Buffer) error {
		return writeParts[schema.XYZRow](ctx, store, run, out, xyzBlocks(scores))
	})
	small := lake.Run{RunRef: run}
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

// partGroups is how many row groups make a file: what is held until a file is whole.
const partGroups = 4

// writeParts writes a table in files of some row groups each, which it makes in the
// memory of out.
func writeParts[T schema.Row, B block](ctx context.Context, store objstore.Store, run lake.RunRef, out *bytes.Buffer, blocks iter.Seq[B]) error {
	return writeFiles[T](out, blocks, partGroups, func(part int, body []byte, _ int) error {
		var row T
		key := lake.PartKey(row.Table(), run, part)
		if _, err := store.Put(ctx, key, body); err != nil {
			return fmt.Errorf("pipeline: write %s: %w", key, err)
		}
		return nil
	})
}
