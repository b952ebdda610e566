package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/leadlake/leadlake/lib/lake"
)

// noBound is for those who read orders and cannot merge them.
const noBound = math.MaxInt

// firstToken takes each first token for a client.
type firstToken struct{}

// OfEvent implements clientOf.
func (firstToken) OfEvent(tokens []string) string { return tokens[0] }

// readingOrders calls read with the orders as they are on the day of the run in
// force, for those who ask between the nights: what came since the base was merged
// is folded on top of it, as a night does. A base that every night merges is read as
// it lies there. read is called again if the base is merged meanwhile.
func (p *Pipeline) readingOrders(ctx context.Context, read func(orders *foldedOrders) error) error {
	for range nightAttempts {
		orders, err := p.ordersNow(ctx)
		if err == nil {
			err = read(&orders)
		}
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return fmt.Errorf("pipeline: read orders: %w %d times in a row", errMoved, nightAttempts)
}

func (p *Pipeline) ordersNow(ctx context.Context) (foldedOrders, error) {
	orders := foldedOrders{p: p, store: p.store}
	state, _, err := p.readOrdersState(ctx)
	if err != nil || state.Orders < p.folds.overlayFrom {
		return orders, err
	}
	run, err := lake.Current(ctx, p.store)
	if err != nil && !errors.Is(err, lake.ErrNoRun) {
		return orders, err
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return orders, err
	}
	n := &night{cfg: cfg, location: cfg.Location(), asOf: state.AsOf}
	if run != nil {
		n.asOf = max(n.asOf, run.AsOf)
	}
	if n.end, err = endOf(n.asOf, n.location); err != nil {
		return orders, err
	}
	if n.erased, err = p.erasedTokens(ctx); err != nil {
		return orders, err
	}
	if n.store, err = p.pinOf(ctx, lake.EventsPrefix); err != nil {
		return orders, err
	}
	n.findEventDays()
	f, err := p.newFolding(ctx, n, firstToken{})
	if err != nil || f.rebuild {
		return orders, err // of another format or time zone until the next night
	}
	statements, _, err := f.collect(ctx, noBound)
	if err != nil {
		return orders, err
	}
	orders.over, err = f.overlay(ctx, statements)
	return orders, err
}
