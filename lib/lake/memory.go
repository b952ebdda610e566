package lake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// memory is what compaction remembers of the last dedupe_days of the ledger: the
// ids that were seen and what they stood for. It is read from lake/deliveries,
// never written beside it, so a crash cannot make it remember what was not
// stored (reliability L1).
type memory struct {
	days map[string]*dayMemory
}

type dayMemory struct {
	version objstore.Version
	objects map[string]bool          // raw objects merged into the day
	keys    map[string][]seenBody    // delivery key with a sender's id → what came under it
	events  map[[16]byte]int64       // (source, event id) → content hash
	bodies  map[[16]byte][]time.Time // (source, body) without an id → when it was kept
}

// seenBody is a body that came under a delivery id; another one than the first
// is a conflict.
type seenBody struct {
	hash     string
	conflict bool
}

func newDayMemory(version objstore.Version) *dayMemory {
	return &dayMemory{
		version: version, objects: map[string]bool{}, keys: map[string][]seenBody{}, events: map[[16]byte]int64{},
		bodies: map[[16]byte][]time.Time{},
	}
}

// load brings the memory up to date with the ledger of the given days; days that
// have not changed since are not read again.
func (m *memory) load(ctx context.Context, store objstore.Store, days []string) error {
	fresh := make(map[string]*dayMemory, len(days))
	for _, day := range days {
		key := dayKey(DeliveriesPrefix, day)
		if old := m.days[day]; old != nil {
			info, err := store.Head(ctx, key)
			if err == nil && info.Version == old.version && old.version != "" {
				fresh[day] = old
				continue
			}
		}
		table, err := ReadTable[schema.DeliveryRow](ctx, store, key)
		if err != nil {
			return fmt.Errorf("lake: remember deliveries: %w", err)
		}
		dm := newDayMemory(table.Version)
		for _, row := range table.Rows {
			dm.add(row)
		}
		fresh[day] = dm
	}
	m.days = fresh
	return nil
}

func (d *dayMemory) add(row schema.DeliveryRow) {
	d.objects[row.RawObject] = true
	if row.Outcome == schema.OutcomeDuplicate || row.Outcome == schema.OutcomeErased {
		return // the original of a duplicate is remembered; of an erased one nothing is
	}
	conflict := row.Reason == ReasonConflict
	switch {
	case row.HasID && (row.Outcome != schema.OutcomeFailed || conflict):
		// What failed for another reason may come again, corrected, under its id.
		d.keys[row.Key] = append(d.keys[row.Key], seenBody{hash: row.ContentHash, conflict: conflict})
	case !row.HasID && (row.Outcome == schema.OutcomeEvents || row.Outcome == schema.OutcomeFailed):
		key := fingerprint(row.Source, row.ContentHash)
		d.bodies[key] = append(d.bodies[key], row.ReceivedAt)
	}
	for i, id := range row.EventIDs[:min(len(row.EventIDs), len(row.EventHashes))] {
		d.events[fingerprint(row.Source, id)] = row.EventHashes[i]
	}
}

func (m *memory) merged(day, object string) bool {
	dm := m.days[day]
	return dm != nil && dm.objects[object]
}

// since reports whether a remembered day still counts for a delivery received at
// t: ids are forgotten after the window, by the calendar of UTC days.
func since(t time.Time, dedupeDays int) string { return Day(t.AddDate(0, 0, -dedupeDays)) }

// key reports whether a delivery id was seen, and whether it was with this body.
func (m *memory) key(key, hash, from string) (seen, equal bool) {
	for day, dm := range m.days {
		if day < from {
			continue
		}
		for _, body := range dm.keys[key] {
			seen = seen || !body.conflict
			equal = equal || body.hash == hash
		}
	}
	return seen, equal
}

func (m *memory) event(id [16]byte, from string) (hash int64, ok bool) {
	for day, dm := range m.days {
		if hash, ok := dm.events[id]; ok && day >= from {
			return hash, true
		}
	}
	return 0, false
}

// body reports whether an equal body without an id was kept less than window
// away from t. Both directions count, since objects are not merged in the order
// of receipt.
func (m *memory) body(source, hash string, t time.Time, window time.Duration) bool {
	key := fingerprint(source, hash)
	for _, dm := range m.days {
		for _, at := range dm.bodies[key] {
			if t.Sub(at).Abs() < window {
				return true
			}
		}
	}
	return false
}

func fingerprint(parts ...string) [16]byte {
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	var sum [sha256.Size]byte
	hash.Sum(sum[:0])
	return [16]byte(sum[:16])
}

// contentHash tells two statements under one id apart. The id itself and the way
// it was found do not count.
func contentHash(ev event.Event) (int64, error) {
	ev.ID = ""
	if ev.EstimatedAt {
		ev.At = time.Time{}
	}
	body, err := json.Marshal(ev)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:8])), nil //nolint:gosec // G115: the bits count, not the number
}
