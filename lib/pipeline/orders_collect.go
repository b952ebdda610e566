package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// statements are what events say about orders, by (shop, order id). Where they are
// more than memory should hold, they are taken in several passes over the days: an
// order is of the pass that its hash says.
type statements struct {
	of     map[[2]string][]schema.OrderEventRow
	count  int
	pass   uint64
	passes uint64 // a power of two
	bound  int
	limit  int
	hash   func(shop, order string) int64
}

// passOf uses other bits of the hash than buckets do. With twice as many passes
// those of the first are a part of what it was before.
func (s *statements) passOf(key [2]string) uint64 {
	return uint64(s.hash(key[0], key[1])) >> 32 % s.passes //nolint:gosec // G115: any 64 bits
}

func (s *statements) add(row schema.OrderEventRow) {
	key := [2]string{row.Shop, row.OrderID}
	if s.passes > 1 && s.passOf(key) != s.pass {
		return
	}
	s.of[key] = append(s.of[key], row)
	s.count++
	if s.pass > 0 || s.count <= s.bound {
		return // how many passes there are is settled by the first
	}
	s.passes *= 2
	for key, events := range s.of {
		if s.passOf(key) != 0 {
			delete(s.of, key)
			s.count -= len(events)
		}
	}
	// What does not part, as thousands of statements of one order, is held.
	s.bound = max(s.limit, 2*s.count)
}

// collect reads the statements of a pass up to the night's end, and says which of
// the days have later ones. The first pass may find that more are needed.
func (f *folding) collect(ctx context.Context, limit int, pass, passes uint64) (*statements, map[string]bool, error) {
	s := &statements{
		of: map[[2]string][]schema.OrderEventRow{}, pass: pass, passes: passes, bound: limit, limit: limit, hash: f.p.folds.hash,
	}
	later := map[string]bool{}
	for _, day := range f.days {
		rows, err := lake.ReadDayWhere[schema.OrderEventRow](ctx, f.n.store, lake.EventsPrefix, day, "kind", string(event.OrderChange))
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			switch {
			case !row.IsOrder || row.OrderID == "":
			case !row.At.Before(f.n.end):
				later[day] = true
			default:
				if f.n.forgotten(row.Tokens) {
					row.Tokens = nil
				}
				s.add(row)
			}
		}
	}
	return s, later, nil
}
