package lake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// commit writes what a chunk became: contacts, failed and events first, the
// ledger last, which is the commit. A crash before it leaves rows that the next
// run replaces, since they name the raw object they came from.
//
// Two compactions at once may decide differently about one raw object, because
// one of them has also seen an earlier copy of the delivery. So that their writes
// never mix, each claims the day first, by swapping the ledger it decided by for
// the same rows under a new nonce: from then on nobody who claimed before can
// commit. The other tables are read after the claim and before it is found to
// stand still, and swapped by what was read: a write of somebody overtaken comes
// either before that read, and is replaced, or fails. Whoever claimed last always
// gets through. What is not guarded is an id that comes on both sides of midnight
// to two compactions of different days at the same instant.
func (c *Compactor) commit(ctx context.Context, day string, names map[string]bool, m *merger) error {
	nonce := c.Nonce()
	ledger, err := ReadDay[schema.DeliveryRow](ctx, c.Store, DeliveriesPrefix, day)
	if err != nil {
		return err
	}
	if ledger.Version != c.memory.days[day].version {
		return fmt.Errorf("%w: the ledger of %s grew", objstore.ErrChanged, day)
	}
	if ledger, err = ledger.write(ctx, c.Store, ledger.Rows, nonce+"-claim"); err != nil {
		return err
	}
	contacts, err := ReadDay[schema.ContactRow](ctx, c.Store, ContactsPrefix, day)
	if err != nil {
		return err
	}
	failed, err := ReadDay[schema.FailedRow](ctx, c.Store, FailedPrefix, day)
	if err != nil {
		return err
	}
	events, err := ReadDay[schema.EventRow](ctx, c.Store, EventsPrefix, day)
	if err != nil {
		return err
	}
	if info, err := c.Store.Head(ctx, ledger.Key); err != nil {
		return fmt.Errorf("look at the claim: %w", err)
	} else if info.Version != ledger.Version {
		return fmt.Errorf("%w: %s was claimed by another compaction", objstore.ErrChanged, day)
	}
	if err := c.putRequests(ctx, m); err != nil {
		return err
	}
	if err := merge(ctx, c.Store, contacts, nonce, m.contacts, func(r schema.ContactRow) bool { return names[r.RawObject] }, compareContacts); err != nil {
		return err
	}
	if err := merge(ctx, c.Store, failed, nonce, m.failed, func(r schema.FailedRow) bool { return names[r.RawObject] }, compareFailed); err != nil {
		return err
	}
	if err := merge(ctx, c.Store, events, nonce, m.events, func(r schema.EventRow) bool { return names[r.RawObject] }, compareEvents); err != nil {
		return err
	}
	return merge(ctx, c.Store, ledger, nonce, m.deliveries, func(r schema.DeliveryRow) bool { return names[r.RawObject] }, compareDeliveries)
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

// merge replaces a day object by what it holds without the rows of the raw
// objects being merged (left by a run that did not commit) and with the new ones.
func merge[T schema.Row](ctx context.Context, store objstore.Store, table Table[T], nonce string, fresh []T, stale func(T) bool, compare func(a, b T) int) error {
	before := len(table.Rows)
	rows := slices.DeleteFunc(table.Rows, stale)
	if len(fresh) == 0 && len(rows) == before {
		return nil
	}
	rows = append(rows, fresh...)
	slices.SortStableFunc(rows, compare)
	return table.Write(ctx, store, rows, nonce)
}

func compareContacts(a, b schema.ContactRow) int {
	return cmp.Or(strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func compareFailed(a, b schema.FailedRow) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.RawObject, b.RawObject))
}

func compareEvents(a, b schema.EventRow) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), a.At.Compare(b.At), strings.Compare(a.EventID, b.EventID), strings.Compare(a.Source, b.Source))
}

func compareDeliveries(a, b schema.DeliveryRow) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.RawObject, b.RawObject))
}
