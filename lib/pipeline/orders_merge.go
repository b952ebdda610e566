package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// mergeCount is what a merge did.
type mergeCount struct {
	statements int
	passes     uint64
	orders     int64 // rows of the base
}

// merge folds the statements into the base, and those of the further passes.
//
// An order's place depends on whose it is, and two nights may judge that by
// different days: so that no order is written to two places, one night writes at a
// time. It claims the base by the state, finds every bucket's version and the places
// of its orders, and only if its claim still stands then, it replaces buckets in the
// versions that it saw. Whoever claims a base that is claimed already changes the
// version of every bucket first: what the other one has not written by then it
// cannot write any more, and what it has is found.
func (f *folding) merge(ctx context.Context, first *statements, later map[string]bool) (mergeCount, error) {
	count := mergeCount{statements: first.count, passes: first.passes, orders: f.state.Orders}
	old := f.state
	if first.count > 0 || f.rebuild || f.state.Claim != "" {
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
		count.statements, count.orders = 0, 0
		m := merging{folding: f}
		for pass := range first.passes {
			s := first
			if pass > 0 {
				var err error
				if s, _, err = f.collect(ctx, f.p.folds.statements, pass, first.passes); err != nil {
					return count, err
				}
			}
			first = &statements{passes: first.passes} // the memory of the pass before is free
			orders, err := m.pass(ctx, s)
			if err != nil {
				return count, err
			}
			count.statements += s.count
			if f.rebuild {
				count.orders += orders // each pass counts its own
			} else {
				count.orders = orders
			}
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

// merging is a merge in its passes.
type merging struct {
	*folding

	done     uint64                         // passes
	versions [orderBuckets]objstore.Version // of the buckets of a rebuild
}

// change is what a pass does to a bucket.
type change struct {
	version objstore.Version
	known   int               // orders of the pass that it holds
	fresh   []schema.OrderRow // orders that are new to the base
}

// pass merges the statements of one pass. It returns the number of orders in the
// base, for a rebuild that of the pass.
func (m *merging) pass(ctx context.Context, s *statements) (orders int64, err error) {
	var changes [orderBuckets]change
	found := make(map[[2]string]bool)
	switch {
	case m.rebuild && m.done == 0:
		err = m.versionsNow(ctx)
		fallthrough
	case m.rebuild:
		for bucket := range changes {
			changes[bucket].version = m.versions[bucket]
		}
	default:
		orders, err = m.find(ctx, s, func(bucket int, object lake.Object[schema.OrderRow], numbers []int64) error {
			keys, err := schema.DecodeRows[orderKey](bytes.NewReader(object.Body()), int64(len(object.Body())), numbers)
			for _, key := range keys { // another order may have the hash
				if k := [2]string{key.Shop, key.OrderID}; s.of[k] != nil {
					found[k] = true
					changes[bucket].known++
				}
			}
			changes[bucket].version = object.Version()
			return err
		})
	}
	if err != nil {
		return 0, err
	}
	for key, events := range s.of {
		if !found[key] {
			row := m.folded(schema.OrderRow{}, events)
			bucket := m.bucketOf(&row)
			changes[bucket].fresh = append(changes[bucket].fresh, row)
			orders++
		}
	}
	if err := m.stands(ctx); err != nil {
		return 0, err
	}
	m.done++
	for bucket := range changes {
		if err := m.bucket(ctx, bucket, &changes[bucket], s); err != nil {
			return 0, err
		}
		changes[bucket] = change{} // its rows are written
	}
	return orders, nil
}

func (m *merging) versionsNow(ctx context.Context) error {
	for bucket := range m.versions {
		info, err := m.store.Head(ctx, bucketKey(bucket))
		if err != nil && !errors.Is(err, objstore.ErrNotExist) {
			return fmt.Errorf("pipeline: look at orders: %w", err)
		}
		m.versions[bucket] = info.Version
	}
	return nil
}

// bucket writes what a pass changes in a bucket.
func (m *merging) bucket(ctx context.Context, bucket int, c *change, s *statements) error {
	last := m.done == s.passes
	if m.rebuild {
		// The last of several passes brings the rows of all into order; without rows
		// only the first has something to do, taking out what was there before.
		if len(c.fresh) == 0 && (c.version == "" || m.done > 1 && !last) {
			return nil
		}
	} else if len(c.fresh)+c.known == 0 {
		return nil
	}
	object, err := lake.ReadObject[schema.OrderRow](ctx, m.store, bucketKey(bucket))
	if err != nil {
		return err
	}
	if object.Version() != c.version {
		return errMoved
	}
	if m.rebuild && m.done > 1 && !last {
		object, err = object.Add(ctx, m.store, c.fresh, compareRows, m.p.nonce())
	} else {
		var rows []schema.OrderRow
		if !m.rebuild || m.done > 1 {
			if rows, err = object.Rows(); err != nil {
				return err
			}
		}
		for i := range rows {
			row := &rows[i]
			anonymous(row, m.n.erased)
			if events := s.of[[2]string{row.Shop, row.OrderID}]; events != nil {
				*row = m.folded(*row, events)
			}
		}
		rows = append(rows, c.fresh...)
		slices.SortFunc(rows, func(a, b schema.OrderRow) int { return compareRows(&a, &b) })
		object, err = object.Set(ctx, m.store, rows, m.p.nonce())
	}
	m.versions[bucket] = object.Version()
	return lostIsMoved(err)
}
