package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// ErrOverloaded says that more bytes wait to be stored than memory allows; the
// sender is to try again. It matches webhook.ErrUnavailable.
var ErrOverloaded = fmt.Errorf("lake: too much waits to be stored: %w", webhook.ErrUnavailable)

// ErrQuota says that a source has used up its room for unauthenticated bytes.
var ErrQuota = errors.New("lake: unauthenticated bytes of the source are at their limit")

// UnauthenticatedLimit is how many bytes with a bad signature are kept a source.
const UnauthenticatedLimit = 100 << 20

// RawWriter stores each delivery as an object of its own, the Lambda path. It is
// safe for concurrent use.
type RawWriter struct {
	store objstore.Store

	mu              sync.Mutex
	unauthenticated map[string]usedRoom // by source
}

// usedRoom is how many unauthenticated bytes of a source there are, counted in
// the store at a time and added up since.
type usedRoom struct {
	bytes     int64
	countedAt time.Time
}

// recountAfter is how long a count is believed: clean-up and redrive make room,
// and other processes fill it.
const recountAfter = 10 * time.Minute

// NewRawWriter makes a writer over a store.
func NewRawWriter(store objstore.Store) *RawWriter {
	return &RawWriter{store: store, unauthenticated: map[string]usedRoom{}}
}

// Store returns once the delivery is durable. Storing the same delivery again
// changes nothing; another body under the same key is stored beside the first,
// for compaction to report as an id conflict.
func (w *RawWriter) Store(ctx context.Context, row schema.RawRow) error {
	return storeGroup(ctx, w.store, []schema.RawRow{row})
}

// StoreAll returns once all of the rows, which came together, are durable, as one
// object a day of receipt. It may be called again with the same rows.
func (w *RawWriter) StoreAll(ctx context.Context, rows []schema.RawRow) error {
	return storeGroup(ctx, w.store, rows)
}

// StoreUnauthenticated keeps bytes whose signature did not verify, for redrive
// after a secret was corrected. They are never merged by themselves.
func (w *RawWriter) StoreUnauthenticated(ctx context.Context, row schema.RawRow) error {
	prefix := UnauthenticatedPrefix + row.Source + "/"
	// The time of receipt is the caller's clock.
	fresh := func(room usedRoom) bool {
		return !room.countedAt.IsZero() && row.ReceivedAt.Sub(room.countedAt) < recountAfter
	}
	w.mu.Lock()
	room := w.unauthenticated[row.Source]
	w.mu.Unlock()
	if !fresh(room) {
		room = usedRoom{countedAt: row.ReceivedAt}
		for info, err := range w.store.List(ctx, prefix, "") {
			if err != nil {
				return fmt.Errorf("lake: list %s: %w", prefix, err)
			}
			room.bytes += info.Size
		}
	}
	body, err := schema.Encode([]schema.RawRow{row})
	if err != nil {
		return err
	}
	w.mu.Lock()
	if counted := w.unauthenticated[row.Source]; fresh(counted) {
		room = counted // others may have counted and stored since
	}
	if room.bytes+int64(len(body)) > UnauthenticatedLimit {
		w.unauthenticated[row.Source] = room
		w.mu.Unlock()
		return ErrQuota
	}
	room.bytes += int64(len(body))
	w.unauthenticated[row.Source] = room
	w.mu.Unlock()
	_, err = w.store.Create(ctx, prefix+row.Key+"-"+bodyHash(row.Body)[:16]+".parquet", body)
	if err != nil && !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("lake: store unauthenticated delivery: %w", err)
	}
	return nil
}

// Group stores deliveries that arrive together as one object before any of them
// is acknowledged: on one machine a durable object costs up to some 10 ms, so one
// an arrival would end near 100 a second. On a disk that is faster, groupPace
// keeps the objects few all the same. It is safe for concurrent use.
type Group struct {
	*RawWriter
	commit chan struct{} // held by the caller that writes for all who wait

	mu      sync.Mutex
	waiting []*ticket
	bytes   int64
}

type ticket struct {
	row  schema.RawRow
	done chan struct{}
	err  error
}

const (
	// groupBytes bounds the memory of deliveries that wait.
	groupBytes = 64 << 20
	// groupRows and objectBytes bound one object, and with it the memory of writing
	// it. A single delivery may be larger.
	groupRows   = 2000
	objectBytes = 8 << 20
	// groupPace is the least time from the start of one write to that of the next
	// while deliveries come in company. An object costs a quarter of a millisecond
	// whatever is in it, here and again when it is compacted; 2 000 deliveries a
	// second on a disk that syncs in half a millisecond were 700 objects a second. A
	// delivery that comes alone is written at once, and so is the one after it.
	groupPace = 10 * time.Millisecond
)

// NewGroup makes a group-committing writer over a store.
func NewGroup(store objstore.Store) *Group {
	return &Group{RawWriter: NewRawWriter(store), commit: make(chan struct{}, 1)}
}

// Store returns once the delivery is durable, together with all that arrived
// while the write before it went on. A caller that gives up (ctx) does not know
// whether its delivery was stored.
func (g *Group) Store(ctx context.Context, row schema.RawRow) error {
	t := &ticket{row: row, done: make(chan struct{})}
	g.mu.Lock()
	if g.bytes+int64(len(row.Body)) > groupBytes {
		g.mu.Unlock()
		return ErrOverloaded
	}
	g.waiting = append(g.waiting, t)
	g.bytes += int64(len(row.Body))
	g.mu.Unlock()
	for {
		select {
		case <-t.done:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		case g.commit <- struct{}{}:
			pace := time.NewTimer(groupPace)
			// The writer works for others too, so its own client's leaving must
			// not spoil their write.
			if g.write(context.WithoutCancel(ctx)) > 1 {
				go func() {
					<-pace.C
					<-g.commit
				}()
				continue
			}
			<-g.commit
		}
	}
}

// take takes the deliveries of the next object off the queue.
func (g *Group) take() []*ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, bytes := 0, int64(0)
	for n < min(len(g.waiting), groupRows) {
		more := int64(len(g.waiting[n].row.Body))
		if n > 0 && bytes+more > objectBytes {
			break
		}
		bytes += more
		n++
	}
	batch := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n) // clears what it moves, so no body is kept longer than it waits
	g.bytes -= bytes
	return batch
}

// write stores the next object and returns how many deliveries are in it.
func (g *Group) write(ctx context.Context) int {
	batch := g.take()
	if len(batch) == 0 {
		return 0
	}
	rows := make([]schema.RawRow, len(batch))
	for i, t := range batch {
		rows[i] = t.row
	}
	err := storeGroup(ctx, g.store, rows)
	for _, t := range batch {
		t.err = err
		close(t.done)
	}
	return len(batch)
}

// storeGroup writes rows as one object a UTC day of receipt.
func storeGroup(ctx context.Context, store objstore.Store, rows []schema.RawRow) error {
	days := map[string][]schema.RawRow{}
	for _, row := range rows {
		day := Day(row.ReceivedAt)
		days[day] = append(days[day], row)
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if err := storeDay(ctx, store, day, days[day]); err != nil {
			return fmt.Errorf("lake: store raw: %w", err)
		}
	}
	return nil
}

func storeDay(ctx context.Context, store objstore.Store, day string, rows []schema.RawRow) error {
	slices.SortStableFunc(rows, func(a, b schema.RawRow) int { return strings.Compare(a.Key, b.Key) })
	body, err := schema.Encode(rows)
	if err != nil {
		return err
	}
	name := rows[0].Key
	if len(rows) > 1 {
		name = "g" + bodyHash(body)
	}
	key := RawPrefix + day + "/" + name + ".parquet"
	_, err = store.Create(ctx, key, body)
	if !errors.Is(err, objstore.ErrExist) {
		return err
	}
	if len(rows) > 1 {
		return nil // the name is the hash of the bytes: they are there
	}
	stored, _, err := store.Get(ctx, key)
	if err != nil {
		return err
	}
	old, err := schema.Decode[schema.RawRow](stored)
	if err != nil {
		return err
	}
	if len(old) == 1 && string(content(old[0])) == string(content(rows[0])) {
		return nil
	}
	_, err = store.Create(ctx, RawPrefix+day+"/"+name+"-"+bodyHash(content(rows[0]))[:16]+".parquet", body)
	if errors.Is(err, objstore.ErrExist) {
		return nil
	}
	return err
}

// content is what makes two deliveries without an id equal; see
// webhook.Delivery.Content.
func content(row schema.RawRow) []byte {
	return webhook.Delivery{Body: row.Body, Query: row.Query}.Content()
}

// Sink stores the deliveries of a webhook handler through a raw writer.
type Sink struct {
	Raw interface {
		Store(ctx context.Context, row schema.RawRow) error
		StoreUnauthenticated(ctx context.Context, row schema.RawRow) error
	}
}

var _ webhook.Sink = Sink{}

// Store implements webhook.Sink.
func (s Sink) Store(ctx context.Context, d webhook.Delivery) error {
	return s.Raw.Store(ctx, rawRow(d))
}

// StoreUnauthenticated implements webhook.Sink.
func (s Sink) StoreUnauthenticated(ctx context.Context, d webhook.Delivery) error {
	return s.Raw.StoreUnauthenticated(ctx, rawRow(d))
}

func rawRow(d webhook.Delivery) schema.RawRow {
	return schema.RawRow{
		Key: d.Key, Source: d.Source.Name, HasID: d.HasID, ReceivedAt: schema.Times(d.ReceivedAt), Method: d.Method, ContentType: d.ContentType,
		Suffix: d.Suffix, Query: d.Query, Headers: schema.MapOf(d.Header), Body: d.Body, Trusted: d.Trusted,
	}
}
