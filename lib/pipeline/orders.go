package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/lake/columnar"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

const orderBuckets = 64

// ordersFormat is the form of the rows of lake/orders.
const ordersFormat = 2

// ordersStateKey says which days lake/orders holds, and up to when.
const ordersStateKey = "lake/orders/state.json"

// ordersState describes what was merged into lake/orders. Merging a day again is
// harmless, so the state may lag behind the buckets but never runs ahead.
type ordersState struct {
	Format   int                 `json:"format"`   // ordersFormat; buckets of another are made anew
	AsOf     string              `json:"as_of"`    // statements after its end are not in
	Timezone string              `json:"timezone"` // business days were cut in it
	Days     map[string]orderDay `json:"days"`
}

type orderDay struct {
	Version objstore.Version `json:"version"` // of the day's events
	Later   bool             `json:"later"`   // the day had statements after AsOf
}

func bucketKey(bucket int) string {
	return fmt.Sprintf("%s%02d/part-0000.parquet", lake.OrdersPrefix, bucket)
}

func bucketOf(shop, order string) int {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(shop + "\x00" + order)) // never fails
	return int(hash.Sum32() % orderBuckets)
}

// foldedOrders is where the folded orders of a night lie. After they were read,
// done says whether they were the ones of its day.
type foldedOrders struct {
	store objstore.Store
	done  func() error
	err   error
}

// records yields the named columns of a bucket.
func (f foldedOrders) records(ctx context.Context, bucket int, columns ...string) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		body, _, err := f.store.Get(ctx, bucketKey(bucket))
		if errors.Is(err, objstore.ErrNotExist) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("pipeline: read orders: %w", err))
			return
		}
		for rec, err := range columnar.Records(ctx, body, columns...) {
			if !yield(rec, err) {
				return
			}
		}
	}
}

// foldOrders brings the folded orders up to the end of a business day: in the
// lake itself, or for a day before the one that lake/orders stands at in a store
// in memory, so that looking back changes nothing.
func (p *Pipeline) foldOrders(ctx context.Context, n *night) foldedOrders {
	store, done, err := p.fold(ctx, n)
	return foldedOrders{store: store, done: done, err: err}
}

func (p *Pipeline) fold(ctx context.Context, n *night) (orders objstore.Store, done func() error, err error) {
	state, version, err := p.readOrdersState(ctx)
	if err != nil {
		return nil, nil, err
	}
	next := ordersState{Format: ordersFormat, AsOf: n.asOf, Timezone: n.cfg.Business.Timezone, Days: map[string]orderDay{}}
	orders, done = p.store, func() error { return p.ordersStandAt(ctx, n.asOf) }
	rebuild := state.Timezone != n.cfg.Business.Timezone || state.Format != ordersFormat
	back := state.AsOf > n.asOf
	if back {
		orders, done, rebuild = new(objstore.Mem), func() error { return nil }, true
	}
	buckets := make([]map[[2]string][]schema.OrderEventRow, orderBuckets)
	collected := map[string]orderDay{}
	for _, day := range n.days {
		info := n.eventDays[day]
		old, known := state.Days[day]
		if !rebuild && known && old.Version == info && (!old.Later || state.AsOf == n.asOf) {
			next.Days[day] = old
			continue
		}
		later, err := collectOrders(ctx, n, day, buckets)
		if err != nil {
			return nil, nil, err
		}
		collected[day] = orderDay{Version: info, Later: later}
	}
	if !back && len(collected) > 0 {
		// Before a bucket is touched the state says up to when statements may be in
		// it: after a crash a night of an earlier day knows that it must look back.
		if version, err = p.writeOrdersState(ctx, state, next, version); err != nil {
			return nil, nil, err
		}
		state = next
	}
	for bucket, fresh := range buckets {
		if err := p.mergeBucket(ctx, orders, n, bucket, fresh, rebuild); err != nil {
			return nil, nil, err
		}
	}
	if back {
		return orders, done, nil
	}
	final := ordersState{Format: ordersFormat, AsOf: next.AsOf, Timezone: next.Timezone, Days: maps.Clone(next.Days)}
	maps.Copy(final.Days, collected)
	_, err = p.writeOrdersState(ctx, state, final, version)
	return orders, done, err
}

// ordersStandAt finds out whether a night of a later day has merged its orders
// while this one read them.
func (p *Pipeline) ordersStandAt(ctx context.Context, asOf string) error {
	state, _, err := p.readOrdersState(ctx)
	if err == nil && state.AsOf != asOf {
		return errMoved
	}
	return err
}

func collectOrders(ctx context.Context, n *night, day string, buckets []map[[2]string][]schema.OrderEventRow) (later bool, err error) {
	table, err := lake.ReadDay[schema.OrderEventRow](ctx, n.store, lake.EventsPrefix, day)
	if err != nil {
		return false, err
	}
	for _, row := range table.Rows {
		switch {
		case !row.IsOrder || row.OrderID == "":
		case !row.At.Before(n.end):
			later = true
		default:
			if n.forgotten(row.Tokens) {
				row.Tokens = nil
			}
			b := bucketOf(row.Shop, row.OrderID)
			if buckets[b] == nil {
				buckets[b] = map[[2]string][]schema.OrderEventRow{}
			}
			key := [2]string{row.Shop, row.OrderID}
			buckets[b][key] = append(buckets[b][key], row)
		}
	}
	return later, nil
}

// mergeBucket folds new statements into a bucket. Two nights at once may both
// write it: whoever loses the swap reads again.
func (p *Pipeline) mergeBucket(ctx context.Context, store objstore.Store, n *night, bucket int, fresh map[[2]string][]schema.OrderEventRow, rebuild bool) error {
	if len(fresh) == 0 && !rebuild {
		return nil
	}
	for {
		table, err := lake.ReadTable[schema.OrderRow](ctx, store, bucketKey(bucket))
		if err != nil {
			return err
		}
		if len(fresh) == 0 && len(table.Rows) == 0 {
			return nil
		}
		known := make(map[[2]string]schema.OrderRow, len(table.Rows))
		if !rebuild {
			for _, row := range table.Rows {
				anonymous(&row, n.erased)
				known[[2]string{row.Shop, row.OrderID}] = row
			}
		}
		for key, events := range fresh {
			row := card.FoldOrder(known[key], events, n.location)
			// No statement told a currency: the amounts were read as the business's own.
			row.Currency = cmp.Or(row.Currency, n.cfg.Business.Currency)
			known[key] = row
		}
		rows := slices.SortedFunc(maps.Values(known), func(a, b schema.OrderRow) int {
			return cmp.Or(strings.Compare(a.Shop, b.Shop), strings.Compare(a.OrderID, b.OrderID))
		})
		err = table.Write(ctx, store, rows, p.nonce())
		if !errors.Is(err, objstore.ErrChanged) && !errors.Is(err, objstore.ErrExist) {
			return err
		}
	}
}

func (p *Pipeline) readOrdersState(ctx context.Context) (ordersState, objstore.Version, error) {
	var state ordersState
	body, info, err := p.store.Get(ctx, ordersStateKey)
	if errors.Is(err, objstore.ErrNotExist) {
		return state, "", nil
	}
	if err != nil {
		return state, "", fmt.Errorf("pipeline: read state of orders: %w", err)
	}
	if err := json.Unmarshal(body, &state); err != nil {
		return state, "", fmt.Errorf("pipeline: read %s: %w", ordersStateKey, err)
	}
	return state, info.Version, nil
}

// writeOrdersState replaces the state unless it says the same already. Another
// night that was faster is errMoved.
func (p *Pipeline) writeOrdersState(ctx context.Context, old, next ordersState, version objstore.Version) (objstore.Version, error) {
	body, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return version, err
	}
	before, err := json.MarshalIndent(old, "", "  ")
	if err != nil || string(before) == string(body) {
		return version, err
	}
	if version == "" {
		version, err = p.store.Create(ctx, ordersStateKey, body)
	} else {
		version, err = p.store.Swap(ctx, ordersStateKey, body, version)
	}
	if errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist) {
		return "", errMoved
	}
	if err != nil {
		return "", fmt.Errorf("pipeline: write state of orders: %w", err)
	}
	return version, nil
}

// endOf returns the end of a business day: the first instant that is not of it.
func endOf(asOf string, location *time.Location) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, asOf)
	if err != nil {
		return time.Time{}, fmt.Errorf("pipeline: as-of day %q: want YYYY-MM-DD", asOf)
	}
	return card.DayBegins(day.Year(), day.Month(), day.Day()+1, location), nil
}
