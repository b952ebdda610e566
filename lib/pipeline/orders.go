package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

const orderBuckets = 64

// ordersStateKey says which days lake/orders holds, and up to when.
const ordersStateKey = "lake/orders/state.json"

// ordersState describes what was merged into lake/orders. Merging a day again is
// harmless, so the state may lag behind the buckets but never runs ahead.
type ordersState struct {
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

// foldOrders brings the folded orders up to the end of a business day and returns
// the store that holds them: the lake itself, or for a day before the one that
// lake/orders stands at a store in memory, so that looking back changes nothing.
func (p *Pipeline) foldOrders(ctx context.Context, n *night) (objstore.Store, error) {
	state, version, err := p.readOrdersState(ctx)
	if err != nil {
		return nil, err
	}
	target := p.store
	rebuild := state.Timezone != n.cfg.Business.Timezone || state.AsOf == ""
	if state.AsOf > n.asOf {
		target, rebuild = new(objstore.Mem), true
	}
	next := ordersState{AsOf: n.asOf, Timezone: n.cfg.Business.Timezone, Days: map[string]orderDay{}}
	buckets := make([]map[[2]string][]schema.OrderEventRow, orderBuckets)
	for _, day := range n.days {
		info := n.eventDays[day]
		old, known := state.Days[day]
		if !rebuild && known && old.Version == info && (!old.Later || state.AsOf == n.asOf) {
			next.Days[day] = old
			continue
		}
		later, err := p.collectOrders(ctx, n, day, buckets)
		if err != nil {
			return nil, err
		}
		next.Days[day] = orderDay{Version: info, Later: later}
	}
	for bucket, orders := range buckets {
		if err := p.mergeBucket(ctx, target, n, bucket, orders, rebuild); err != nil {
			return nil, err
		}
	}
	if target != p.store {
		return target, nil
	}
	return target, p.writeOrdersState(ctx, state, next, version)
}

func (p *Pipeline) collectOrders(ctx context.Context, n *night, day string, buckets []map[[2]string][]schema.OrderEventRow) (later bool, err error) {
	table, err := lake.ReadDay[schema.OrderEventRow](ctx, p.store, lake.EventsPrefix, day)
	if err != nil {
		return false, err
	}
	for _, row := range table.Rows {
		switch {
		case !row.IsOrder || row.OrderID == "":
		case !row.At.Before(n.end):
			later = true
		default:
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
				known[[2]string{row.Shop, row.OrderID}] = row
			}
		}
		for key, events := range fresh {
			known[key] = card.FoldOrder(known[key], events, n.location)
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

func (p *Pipeline) writeOrdersState(ctx context.Context, old, next ordersState, version objstore.Version) error {
	body, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	before, err := json.MarshalIndent(old, "", "  ")
	if err != nil || string(before) == string(body) {
		return err
	}
	if version == "" {
		_, err = p.store.Create(ctx, ordersStateKey, body)
	} else {
		_, err = p.store.Swap(ctx, ordersStateKey, body, version)
	}
	if errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist) {
		return nil // another night wrote its own; what this one merged is merged again next time
	}
	if err != nil {
		return fmt.Errorf("pipeline: write state of orders: %w", err)
	}
	return nil
}

// business returns the end of a business day: the first instant that is not of it.
func endOf(asOf string, location *time.Location) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, asOf, location)
	if err != nil {
		return time.Time{}, fmt.Errorf("pipeline: as-of day %q: want YYYY-MM-DD", asOf)
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, location), nil
}
