package pipeline

import (
	"context"
	"errors"
	"maps"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// mergeCount is what a merge did.
type mergeCount struct {
	statements int
	spilled    bool
	orders     int64 // rows of the base
}

// merge folds the statements into the base.
//
// An order's place depends on whose it is, and two nights may judge that by
// different days: so that no order is written to two places, one night writes at a
// time. It claims the base by the state, finds every bucket's version and the places
// of its orders, and only if its claim still stands then, it replaces buckets in the
// versions that it saw. Whoever claims a base that is claimed already changes the
// version of every bucket first: what the other one has not written by then it
// cannot write any more, and what it has is found.
func (f *folding) merge(ctx context.Context, s *statements, later map[string]bool) (mergeCount, error) {
	count := mergeCount{statements: s.count, spilled: s.piles.files, orders: f.state.Orders}
	old := f.state
	if s.count > 0 || f.rebuild || f.state.Claim != "" {
		if !f.inMemory {
			// The state says beforehand up to when statements may be in a bucket: after a
			// crash a night of an earlier day knows that it must look back.
			claimed := f.stateWith(f.kept, f.state.Orders)
			claimed.Claim, claimed.Rebuild = f.p.nonce(), f.rebuild
			if err := f.write(ctx, old, claimed); err != nil {
				return count, err
			}
			if old.Claim != "" {
				if err := f.fence(ctx); err != nil {
					return count, err
				}
			}
			old = claimed
		}
		var err error
		if count.orders, err = f.place(ctx, s); err != nil {
			return count, err
		}
	}
	if f.inMemory {
		return count, nil
	}
	days := maps.Clone(f.kept)
	for _, day := range f.days {
		days[day] = orderDay{Version: f.n.eventDays[day], Later: later[day]}
	}
	return count, f.write(ctx, old, f.stateWith(days, count.orders))
}

func (f *folding) stateWith(days map[string]orderDay, orders int64) ordersState {
	return ordersState{Format: ordersFormat, AsOf: f.n.asOf, Timezone: f.n.cfg.Business.Timezone, Orders: orders, Days: days}
}

func (f *folding) write(ctx context.Context, old, next ordersState) error {
	version, err := f.p.writeOrdersState(ctx, old, next, f.version)
	if err == nil {
		f.version = version
	}
	return err
}

// fence changes the version of every bucket and nothing in it.
func (f *folding) fence(ctx context.Context) error {
	for bucket := range orderBuckets {
		object, err := lake.ReadObject[schema.OrderRow](ctx, f.store, bucketKey(bucket))
		if err != nil {
			return err
		}
		if _, err := object.Add(ctx, f.store, nil, compareRows, f.p.nonce()); err != nil {
			return lostIsMoved(err)
		}
	}
	return nil
}

// lostIsMoved is errMoved for a conditional write that was lost: to another night,
// or to an erasure.
func lostIsMoved(err error) error {
	if errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist) {
		return errMoved
	}
	return err
}
