package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

const orderBuckets = 64

// ordersFormat is the form of the rows of lake/orders and of their places.
const ordersFormat = 3

// ordersStateKey says which days lake/orders holds, and up to when.
const ordersStateKey = "lake/orders/state.json"

// ordersState describes what was merged into lake/orders, the base. Merging a day
// again is harmless, so the state may lag behind the buckets but never runs ahead.
type ordersState struct {
	Format   int    `json:"format"`   // ordersFormat; buckets of another are made anew
	AsOf     string `json:"as_of"`    // statements after its end are not in
	Timezone string `json:"timezone"` // business days were cut in it
	Orders   int64  `json:"orders"`   // rows of all buckets
	// Claim is fresh text of a night that writes buckets, or was killed while it did.
	Claim string `json:"claim,omitempty"`
	// Rebuild says that the night of Claim makes all buckets anew: what they hold
	// may be of another format, or a part.
	Rebuild bool                `json:"rebuild,omitempty"`
	Days    map[string]orderDay `json:"days"`
}

type orderDay struct {
	Version objstore.Version `json:"version"` // of the day's events
	Later   bool             `json:"later"`   // the day had statements after AsOf
}

// orderSettings are the sizes by which orders are folded.
type orderSettings struct {
	// overlayFrom is from how many orders in the base on a night may leave the base
	// alone. A smaller one is written in seconds, and then every reader finds all
	// in one place.
	overlayFrom int64
	// overlayShare: a night leaves the base alone while what came since is less than
	// one statement to so many orders. To fold that on top costs little beside
	// reading the base, and at a usual three statements an order the base is
	// rewritten about twice in 3 % growth.
	overlayShare int64
	// overlayDays is how many days of events a night reads again before it merges
	// them, however few orders they hold.
	overlayDays int
	// memory is how many bytes of packed statements are held in memory at once, of
	// which one has some 70; more lie in temporary files meanwhile. What is made of
	// them takes two or three times as much besides.
	memory int
	hash   func(shop, order string) int64
}

func defaultOrderSettings() orderSettings {
	return orderSettings{overlayFrom: 300_000, overlayShare: 32, overlayDays: 31, memory: 128 << 20, hash: schema.OrderHash}
}

// clientOf tells whose an order is. card.Clients is one, the index of the last
// night another.
type clientOf interface {
	OfEvent(tokens []string) string
}

// folding brings orders up to the end of a business day.
type folding struct {
	p        *Pipeline
	n        *night
	clients  clientOf
	store    objstore.Store   // of the buckets: the lake, or memory for a day before the state's
	state    ordersState      // as it was found
	version  objstore.Version // of the state as it is now
	rebuild  bool
	inMemory bool
	days     []string // whose statements are to be read
	kept     map[string]orderDay
}

func bucketKey(bucket int) string {
	return fmt.Sprintf("%s%02d/part-0000.parquet", lake.OrdersPrefix, bucket)
}

// foldOrders brings the orders up to the end of the night's day: in the lake
// itself, over it where little is new, or for a day before the one that lake/orders
// stands at in a store in memory, so that looking back changes nothing.
func (p *Pipeline) foldOrders(ctx context.Context, n *night, clients clientOf) (orders foldedOrders, err error) {
	f, err := p.newFolding(ctx, n, clients)
	if err != nil {
		return foldedOrders{}, err
	}
	statements, later, err := f.collect(ctx, p.folds.memory)
	if err != nil {
		return foldedOrders{}, err
	}
	defer func() { err = errors.Join(err, statements.piles.close()) }()
	if f.mayLeaveBase(statements) {
		over, err := f.overlay(ctx, statements)
		return foldedOrders{p: p, store: f.store, version: f.version, over: over, pinned: true}, err
	}
	if _, err := f.merge(ctx, statements, later); err != nil {
		return foldedOrders{}, err
	}
	return foldedOrders{p: p, store: f.store, version: f.version, pinned: !f.inMemory}, nil
}

// newFolding finds out what of a night's days the base does not hold yet.
func (p *Pipeline) newFolding(ctx context.Context, n *night, clients clientOf) (*folding, error) {
	state, version, err := p.readOrdersState(ctx)
	if err != nil {
		return nil, err
	}
	f := &folding{p: p, n: n, clients: clients, store: p.store, state: state, version: version, kept: map[string]orderDay{}}
	f.rebuild = state.Rebuild || state.Timezone != n.cfg.Business.Timezone || state.Format != ordersFormat
	if state.AsOf > n.asOf {
		f.store, f.rebuild, f.inMemory = new(objstore.Mem), true, true
	}
	for _, day := range n.days {
		old, known := state.Days[day]
		if !f.rebuild && known && old.Version == n.eventDays[day] && (!old.Later || state.AsOf == n.asOf) {
			f.kept[day] = old
			continue
		}
		f.days = append(f.days, day)
	}
	return f, nil
}

// mayLeaveBase decides whether the statements are folded on top of the base instead
// of being merged into it.
func (f *folding) mayLeaveBase(s *statements) bool {
	size := f.p.folds
	return !f.rebuild && f.state.Claim == "" && f.state.Orders >= size.overlayFrom && !s.piles.files &&
		int64(s.count)*size.overlayShare < f.state.Orders && len(f.days) <= size.overlayDays
}

// folded adds statements to what is known of an order.
func (f *folding) folded(known schema.OrderRow, events []schema.OrderEventRow) schema.OrderRow {
	row := card.FoldOrder(known, events, f.n.location)
	// No statement told a currency: the amounts were read as the business's own.
	row.Currency = cmp.Or(row.Currency, f.n.cfg.Business.Currency)
	row.OrderHash = f.p.folds.hash(row.Shop, row.OrderID)
	return row
}

// bucketOf is where an order is put that the base does not hold: beside the others
// of its client, but for those of clients that were one only later.
func (f *folding) bucketOf(row *schema.OrderRow) int {
	hash := row.OrderHash
	if row.Token != "" {
		if client := f.clients.OfEvent(append([]string{row.Token}, row.MoreTokens...)); client != "" {
			hash = schema.OrderHash("", client)
		}
	}
	return int(uint64(hash) % orderBuckets) //nolint:gosec // G115: any 64 bits
}

// compareRows is the order within a bucket.
func compareRows(a, b *schema.OrderRow) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Shop, b.Shop), strings.Compare(a.OrderID, b.OrderID))
}

// stands is errMoved unless the state is the one that this folding wrote or found.
func (f *folding) stands(ctx context.Context) error {
	if f.inMemory {
		return nil
	}
	return f.p.ordersStand(ctx, f.version)
}

// ordersStand finds out whether another night has merged orders since the state was
// in some version.
func (p *Pipeline) ordersStand(ctx context.Context, version objstore.Version) error {
	info, err := p.store.Head(ctx, ordersStateKey)
	if errors.Is(err, objstore.ErrNotExist) {
		info.Version, err = "", nil
	}
	if err != nil {
		return fmt.Errorf("pipeline: look at the state of orders: %w", err)
	}
	if info.Version != version {
		return errMoved
	}
	return nil
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
