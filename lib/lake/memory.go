package lake

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// memory is what compaction remembers of the last dedupe_days of the ledger: the
// ids that were seen and what they stood for. It is read from lake/deliveries,
// never written beside it, so a crash cannot make it remember what was not
// stored (reliability L1). What it holds of a delivery has no pointers and some
// 100 bytes.
type memory struct {
	days  map[string]*dayMemory
	first string // day of the window
	// chunk is what the chunk being decided adds; nil between chunks.
	chunk *dayMemory
}

type dayMemory struct {
	version objstore.Version
	objects map[[16]byte]struct{}    // raw objects merged into the day
	keys    map[[16]byte]seenBody    // delivery key with a sender's id → what came first under it
	others  map[[16]byte][]seenBody  // what else came under it
	events  map[[16]byte]seenEvent   // (source, event id) → what it said
	bodies  map[[16]byte][]time.Time // (source, body) without an id → when it was kept
}

// seenBody is a body that came under a delivery id; another one than the first
// is a conflict.
type seenBody struct {
	hash     uint64 // of the body, shortened
	conflict bool
}

// seenEvent is the content of an event and when its delivery was received, in
// microseconds.
type seenEvent struct{ hash, at int64 }

func newDayMemory(version objstore.Version) *dayMemory {
	return &dayMemory{
		version: version, objects: map[[16]byte]struct{}{}, keys: map[[16]byte]seenBody{}, others: map[[16]byte][]seenBody{},
		events: map[[16]byte]seenEvent{}, bodies: map[[16]byte][]time.Time{},
	}
}

// shortHash is the beginning of a body's hash.
func shortHash(bodyHash string) uint64 {
	var b [8]byte
	_, _ = hex.Decode(b[:], []byte(bodyHash[:min(16, len(bodyHash)&^1)])) // an erased line has none
	return binary.BigEndian.Uint64(b[:])
}

func (d *dayMemory) add(row *schema.DeliveryRow) {
	d.objects[fingerprint(row.RawObject)] = struct{}{}
	if row.Outcome == schema.OutcomeDuplicate || row.Outcome == schema.OutcomeErased {
		return // the original of a duplicate is remembered; of an erased one nothing is
	}
	conflict := row.Outcome == schema.OutcomeFailed && row.Reason == ReasonConflict
	switch {
	case row.HasID && (row.Outcome != schema.OutcomeFailed || conflict):
		// What failed for another reason may come again, corrected, under its id.
		d.sawBody(fingerprint(row.Key), seenBody{hash: shortHash(row.ContentHash), conflict: conflict})
	case !row.HasID && (row.Outcome == schema.OutcomeEvents || row.Outcome == schema.OutcomeFailed):
		key := fingerprint(row.Source, row.ContentHash)
		d.bodies[key] = append(d.bodies[key], row.ReceivedAt)
	}
	d.addEvents(row)
}

func (d *dayMemory) addEvents(row *schema.DeliveryRow) {
	for i, id := range row.EventIDs[:min(len(row.EventIDs), len(row.EventHashes))] {
		d.events[fingerprint(row.Source, id)] = seenEvent{hash: row.EventHashes[i], at: row.ReceivedAt.UnixMicro()}
	}
}

func (d *dayMemory) sawBody(key [16]byte, body seenBody) {
	if _, ok := d.keys[key]; ok {
		d.others[key] = append(d.others[key], body)
		return
	}
	d.keys[key] = body
}

// take adds what a chunk wrote to the day that it was written to.
func (d *dayMemory) take(chunk *dayMemory, version objstore.Version) {
	d.version = version
	maps.Copy(d.objects, chunk.objects)
	for key, body := range chunk.keys {
		d.sawBody(key, body)
		for _, other := range chunk.others[key] {
			d.sawBody(key, other)
		}
	}
	maps.Copy(d.events, chunk.events)
	for key, times := range chunk.bodies {
		d.bodies[key] = append(d.bodies[key], times...)
	}
}

// stored lists the remembered days, oldest first.
func (m *memory) stored() []string { return slices.Sorted(maps.Keys(m.days)) }

func (m *memory) merged(day, object string) bool {
	dm := m.days[day]
	if dm == nil {
		return false
	}
	_, ok := dm.objects[fingerprint(object)]
	return ok
}

// since reports whether a remembered day still counts for a delivery received at
// t: ids are forgotten after the window, by the calendar of UTC days.
func since(t time.Time, dedupeDays int) string { return Day(t.AddDate(0, 0, -dedupeDays)) }

// each visits the chunk and the days that count.
func (m *memory) each(from string, visit func(*dayMemory)) {
	if m.chunk != nil {
		visit(m.chunk)
	}
	for day, dm := range m.days {
		if day >= from {
			visit(dm)
		}
	}
}

// key reports whether a delivery id was seen, and whether it was with this body.
func (m *memory) key(key, bodyHash, from string) (seen, equal bool) {
	name, hash := fingerprint(key), shortHash(bodyHash)
	see := func(body seenBody) {
		seen = seen || !body.conflict
		equal = equal || body.hash == hash
	}
	m.each(from, func(dm *dayMemory) {
		if body, ok := dm.keys[name]; ok {
			see(body)
			for _, other := range dm.others[name] {
				see(other)
			}
		}
	})
	return seen, equal
}

// event finds what an event id said; of several the first that came.
func (m *memory) event(id [16]byte, from string) (first seenEvent, ok bool) {
	m.each(from, func(dm *dayMemory) {
		if seen, there := dm.events[id]; there && (!ok || seen.at < first.at) {
			first, ok = seen, true
		}
	})
	return first, ok
}

// body reports whether an equal body without an id was kept less than window
// away from t. Both directions count, since objects are not merged in the order
// of receipt.
func (m *memory) body(source, hash string, t time.Time, window time.Duration) (kept bool) {
	key := fingerprint(source, hash)
	m.each("", func(dm *dayMemory) {
		for _, at := range dm.bodies[key] {
			kept = kept || t.Sub(at).Abs() < window
		}
	})
	return kept
}
