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
	objects map[string]bool       // raw objects merged into the day
	keys    map[string]string     // delivery key with a sender's id → body hash
	events  map[[16]byte]int64    // (source, event id) → content hash
	bodies  map[[16]byte]lastSeen // (source, body) without an id → when it was last kept
}

type lastSeen struct{ at time.Time }

func newDayMemory(version objstore.Version) *dayMemory {
	return &dayMemory{
		version: version, objects: map[string]bool{}, keys: map[string]string{}, events: map[[16]byte]int64{},
		bodies: map[[16]byte]lastSeen{},
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
	if row.Outcome == schema.OutcomeDuplicate {
		return // its original is remembered
	}
	if row.HasID {
		d.keys[row.Key] = row.ContentHash
	} else if row.Outcome == schema.OutcomeEvents || row.Outcome == schema.OutcomeFailed {
		key := fingerprint(row.Source, row.ContentHash)
		if row.ReceivedAt.After(d.bodies[key].at) {
			d.bodies[key] = lastSeen{at: row.ReceivedAt}
		}
	}
	for i, id := range row.EventIDs {
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

func (m *memory) key(key, from string) (hash string, ok bool) {
	for day, dm := range m.days {
		if hash, ok := dm.keys[key]; ok && day >= from {
			return hash, true
		}
	}
	return "", false
}

func (m *memory) event(id [16]byte, from string) (hash int64, ok bool) {
	for day, dm := range m.days {
		if hash, ok := dm.events[id]; ok && day >= from {
			return hash, true
		}
	}
	return 0, false
}

// body is when an equal body was last kept before or at t.
func (m *memory) body(source, hash string, t time.Time) (time.Time, bool) {
	var last time.Time
	key := fingerprint(source, hash)
	for _, dm := range m.days {
		if seen, ok := dm.bodies[key]; ok && !seen.at.After(t) && seen.at.After(last) {
			last = seen.at
		}
	}
	return last, !last.IsZero()
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
	body, err := json.Marshal(ev)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:8])), nil //nolint:gosec // G115: the bits count, not the number
}
