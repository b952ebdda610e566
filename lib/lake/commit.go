package lake

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// The protocol by which compactions and redrives, any number of them at once,
// change the four tables of a day.
//
//  1. Claim: swap the ledger that was decided by for the same rows under a nonce
//     that says "claim". It fails if the ledger has changed since.
//  2. Read the other tables, then find the claim still standing, and the ledgers
//     of all other days of the window as they were when this one decided by them.
//  3. Write contacts, failed and events, in any order, each swapped by what was
//     read in step 2.
//  4. Write the ledger with the new lines under a plain nonce: the commit.
//
// Who finds a claim when he reads a ledger settles the day before he decides
// anything: he claims it himself, drops from the other tables what no line of the
// ledger stands for, and writes every one of them anew, changed or not. So a
// ledger without a claim means that the tables hold just what its lines say, and
// that nobody who claimed before can still write: his swaps are of objects that
// are no more. That is how a day recovers from a process that was killed, and
// why a chunk is appended without looking at the rows that are there.
//
// Two who work on different days (an id that comes on both sides of midnight)
// cannot both commit without knowing of each other: the later claim comes before
// its own look at the other's ledger, which has then either changed, or was read
// with the claim in it and settled, which ends the other, or with the commit.

// tables are the objects of one day that is being changed.
type tables struct {
	day      string
	nonce    string
	ledger   dayObject[schema.DeliveryRow]
	contacts dayObject[schema.ContactRow]
	failed   dayObject[schema.FailedRow]
	events   dayObject[schema.EventRow]
}

// claim does steps 1 and 2. decided is the version of the day's ledger that the
// caller decided by.
func (c *Compactor) claim(ctx context.Context, day string, decided objstore.Version) (*tables, error) {
	t := &tables{day: day, nonce: c.Nonce()}
	var err error
	if t.ledger, err = readObject[schema.DeliveryRow](ctx, c.Store, DeliveriesPrefix, day); err != nil {
		return nil, err
	}
	if t.ledger.version != decided {
		return nil, fmt.Errorf("%w: the ledger of %s grew", objstore.ErrChanged, day)
	}
	if t.ledger, err = t.ledger.add(ctx, c.Store, nil, compareDeliveries, t.nonce+claimed); err != nil {
		return nil, err
	}
	if t.contacts, err = readObject[schema.ContactRow](ctx, c.Store, ContactsPrefix, day); err != nil {
		return nil, err
	}
	if t.failed, err = readObject[schema.FailedRow](ctx, c.Store, FailedPrefix, day); err != nil {
		return nil, err
	}
	if t.events, err = readObject[schema.EventRow](ctx, c.Store, EventsPrefix, day); err != nil {
		return nil, err
	}
	if info, err := c.Store.Head(ctx, t.ledger.key); err != nil {
		return nil, fmt.Errorf("look at the claim: %w", err)
	} else if info.Version != t.ledger.version {
		return nil, fmt.Errorf("%w: %s was claimed by another compaction", objstore.ErrChanged, day)
	}
	return t, nil
}

// undisturbed finds the ledgers of the other days as they were decided by, and no
// new one among them.
func (c *Compactor) undisturbed(ctx context.Context, day string) error {
	now, err := Days(ctx, c.Store, DeliveriesPrefix)
	if err != nil {
		return err
	}
	for _, other := range now {
		if c.memory.days[other] == nil && other >= c.memory.first {
			return fmt.Errorf("%w: %s has a ledger now", objstore.ErrChanged, other)
		}
	}
	for _, other := range c.memory.stored() {
		if other == day {
			continue
		}
		version, err := versionOf(ctx, c.Store, dayKey(DeliveriesPrefix, other))
		if err != nil {
			return fmt.Errorf("look at another day: %w", err)
		}
		if version != c.memory.days[other].version {
			return fmt.Errorf("%w: the ledger of %s grew", objstore.ErrChanged, other)
		}
	}
	return nil
}

// commit adds what a chunk became to a day.
func (c *Compactor) commit(ctx context.Context, day string, m *merger) error {
	t, err := c.claim(ctx, day, c.memory.days[day].version)
	if err != nil {
		return err
	}
	if err := c.undisturbed(ctx, day); err != nil {
		return err
	}
	if err := c.putRequests(ctx, m); err != nil {
		return err
	}
	// The tables are independent of each other; only the ledger is last.
	var ledger []byte
	if err := together(t.atOnce(),
		func() error { return addTo(ctx, c.Store, &t.contacts, m.contacts, compareContacts, t.nonce) },
		func() error { return addTo(ctx, c.Store, &t.failed, m.failed, compareFailed, t.nonce) },
		func() error { return addTo(ctx, c.Store, &t.events, m.events, compareEvents, t.nonce) },
		func() (err error) {
			ledger, err = t.ledger.with(m.deliveries, compareDeliveries, t.nonce)
			t.ledger.body = nil
			return err
		},
	); err != nil {
		return err
	}
	written, err := t.ledger.put(ctx, c.Store, ledger, t.nonce)
	if err != nil {
		return err
	}
	// What was written is known, so the ledger need not be read again.
	c.memory.days[day].take(c.memory.chunk, written.version)
	return nil
}

// addTo appends rows if there are any. The bytes that it read are not needed any
// more then.
func addTo[T schema.Row](ctx context.Context, store objstore.Store, o *dayObject[T], rows []T, compare func(a, b *T) int, nonce string) error {
	defer func() { o.body = nil }()
	if len(rows) == 0 {
		return nil
	}
	_, err := o.add(ctx, store, rows, compare, nonce)
	return err
}

// largeDay is from how many bytes on the tables of a day are written one after
// the other: each is in memory twice while it is.
const largeDay = 64 << 20

// atOnce is how many tables may be written at the same time.
func (t *tables) atOnce() int {
	if len(t.ledger.body)+len(t.contacts.body)+len(t.failed.body)+len(t.events.body) > largeDay {
		return 1
	}
	return 4
}

// together runs functions, some at once, and returns their first error in their
// order; one of the store before one that says that somebody else had written,
// which is tried again.
func together(atOnce int, run ...func() error) error {
	errs := make([]error, len(run))
	inParallel(len(run), atOnce, func(i int) { errs[i] = run[i]() })
	var first error
	for _, err := range errs {
		if err != nil && (first == nil || lost(first) && !lost(err)) {
			first = err
		}
	}
	return first
}

// settle ends a claim of somebody who was killed or is slow: see above.
func (c *Compactor) settle(ctx context.Context, day string, seen objstore.Version) error {
	t, err := c.claim(ctx, day, seen)
	if err != nil {
		return err
	}
	lines, err := t.ledger.rows()
	if err != nil {
		return err
	}
	known := linesOf(lines)
	if err := keepOnly(ctx, c.Store, t.contacts, t.nonce, func(r *schema.ContactRow) bool {
		// An erasure under way needs the values until its end, and removes them then.
		return known.names(r.Source, r.EventID, r.RawObject) || known.erased[r.RawObject]
	}); err != nil {
		return err
	}
	if err := keepOnly(ctx, c.Store, t.failed, t.nonce, known.keeps); err != nil {
		return err
	}
	if err := keepOnly(ctx, c.Store, t.events, t.nonce, func(r *schema.EventRow) bool {
		// An erased event stays, without its people, though its line names it no more.
		return known.names(r.Source, r.EventID, r.RawObject) || known.erased[r.RawObject] && len(r.Tokens) == 0
	}); err != nil {
		return err
	}
	_, err = t.ledger.add(ctx, c.Store, nil, compareDeliveries, t.nonce)
	return err
}

// keepOnly drops rows and writes the object anew, changed or not.
func keepOnly[T schema.Row](ctx context.Context, store objstore.Store, o dayObject[T], nonce string, keep func(*T) bool) error {
	rows, err := o.rows()
	if err != nil {
		return err
	}
	kept := rows[:0]
	for i := range rows {
		if keep(&rows[i]) {
			kept = append(kept, rows[i])
		}
	}
	_, err = o.set(ctx, store, kept, nonce)
	return err
}

// putRequests files the erasures that were asked for and lifts from the list who
// came back. Both may be done again.
func (c *Compactor) putRequests(ctx context.Context, m *merger) error {
	for _, request := range m.erasures {
		if err := RequestErasure(ctx, c.Store, request); err != nil {
			return err
		}
	}
	for _, lift := range m.lifted {
		if err := WriteSuppression(ctx, c.Store, lift); err != nil {
			return err
		}
	}
	return nil
}

// lines is what the lines of a ledger stand for.
type lines struct {
	events map[[16]byte]bool // source, event and raw object
	erased map[string]bool   // raw objects of which a line was erased: such a line names its events no more
	failed map[failedKey]int // how many rows of lake/failed it may have
	reason map[failedKey]string
}

// failedKey tells deliveries of one raw object apart. Equal keys may stand for
// several: the same bytes twice in one group commit.
type failedKey struct {
	object, key string
	receivedAt  int64
}

func keyOfLine(d *schema.DeliveryRow) failedKey {
	return failedKey{d.RawObject, d.Key, d.ReceivedAt.UnixMicro()}
}

func keyOfFailed(f *schema.FailedRow) failedKey {
	return failedKey{f.RawObject, f.Key, f.ReceivedAt.UnixMicro()}
}

func linesOf(rows []schema.DeliveryRow) *lines {
	l := &lines{events: make(map[[16]byte]bool, len(rows)), erased: map[string]bool{}, failed: map[failedKey]int{}, reason: map[failedKey]string{}}
	for i := range rows {
		d := &rows[i]
		switch d.Outcome {
		case schema.OutcomeErased:
			l.erased[d.RawObject] = true
		case schema.OutcomeFailed:
			l.failed[keyOfLine(d)]++
			l.reason[keyOfLine(d)] = d.Reason
		case schema.OutcomeEvents:
			if d.Reason != "" { // for a part of it
				l.failed[keyOfLine(d)]++
				l.reason[keyOfLine(d)] = d.Reason
			}
		}
		for _, id := range d.EventIDs {
			l.events[fingerprint(d.Source, id, d.RawObject)] = true
		}
	}
	return l
}

// names reports whether an event is of a line.
func (l *lines) names(source, id, object string) bool {
	return l.events[fingerprint(source, id, object)]
}

// keeps reports whether a failed row is of a line that failed. Its reason
// follows the line's, which a redrive may have renewed before it was killed.
func (l *lines) keeps(f *schema.FailedRow) bool {
	key := keyOfFailed(f)
	if l.failed[key] == 0 {
		return false
	}
	l.failed[key]--
	if reason := l.reason[key]; reason != f.Reason {
		f.Reason, f.Detail = reason, ""
	}
	return true
}

func compareContacts(a, b *schema.ContactRow) int {
	return cmp.Or(strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func compareFailed(a, b *schema.FailedRow) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.RawObject, b.RawObject))
}

func compareEvents(a, b *schema.EventRow) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), a.At.Compare(b.At), strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func compareDeliveries(a, b *schema.DeliveryRow) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.RawObject, b.RawObject))
}
