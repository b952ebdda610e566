package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// rewrite filters a table object and swaps it in; an object that loses nothing is
// not touched. judge returns whose a row is, nil for a row that stays as it is,
// and whether the row stays; it may change a row that stays.
func rewrite[T schema.Row](ctx context.Context, e *eraser, prefix, key string, judge func(*T) (act *Act, stays bool)) error {
	for {
		table, err := lake.ReadTable[T](ctx, e.p.store, key)
		if err != nil || table.Version == "" {
			return err
		}
		touched := map[*Act]int{}
		rows := table.Rows[:0]
		for i := range table.Rows {
			act, stays := judge(&table.Rows[i])
			if act != nil {
				touched[act]++
			}
			if act == nil || stays {
				rows = append(rows, table.Rows[i])
			}
		}
		if len(touched) == 0 {
			return nil
		}
		err = table.Write(ctx, e.p.store, rows, e.nonce)
		if err == nil {
			for act, n := range touched {
				act.Objects[prefix]++
				act.Rows[prefix] += n
			}
			return nil
		}
		if !errors.Is(err, objstore.ErrChanged) {
			return err
		}
	}
}

// eraseRaw cuts deliveries out of raw objects. What compaction has not merged
// yet stays: it is marked suppressed there, and cut by the next run. Of a batch
// with other people in it only the person's part goes.
func (e *eraser) eraseRaw(ctx context.Context) error {
	var day string
	var merged map[string]bool
	for info, err := range e.p.store.List(ctx, "raw/", "") {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(info.Key, "raw/")
		if rest, ok := strings.CutPrefix(info.Key, lake.RawPrefix); ok {
			of, _, _ := strings.Cut(rest, "/")
			if of != day {
				ledger, err := lake.ReadDay[schema.DeliveryRow](ctx, e.p.store, lake.DeliveriesPrefix, of)
				if err != nil {
					return err
				}
				day, merged = of, make(map[string]bool, len(ledger.Rows))
				for _, row := range ledger.Rows {
					merged[row.RawObject] = true
				}
			}
			if !merged[name] {
				continue
			}
		}
		if err := rewrite(ctx, e, "raw", info.Key, func(row *schema.RawRow) (*Act, bool) {
			act, others := e.ownerOfDelivery(*row)
			if act == nil {
				return nil, true
			}
			if others {
				if body := e.without(*row); body != nil {
					row.Body = body
					return act, true
				}
			}
			e.cut[[2]string{name, row.Key}] = act
			return act, false
		}); err != nil {
			return err
		}
	}
	return nil
}

// without is the body of a batch without the person's parts. Nil where the body
// has no parts, or nothing of others would be left: then it goes whole.
func (e *eraser) without(row schema.RawRow) []byte {
	left, ok := withoutParts(row.Body, false, func(part []byte) bool { return e.ownerOfPart(row, part) != nil })
	if !ok {
		return nil
	}
	row.Body = left
	if act, others := e.ownerOfDelivery(row); act != nil || !others {
		return nil
	}
	return left
}

// eraseFailed cuts deliveries that could not be understood. One that names
// several people on lines or in an array loses the person's part alone.
func (e *eraser) eraseFailed(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.FailedPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		if err := rewrite(ctx, e, "lake/failed", dayPart(lake.FailedPrefix, day), func(row *schema.FailedRow) (*Act, bool) {
			act := e.find(string(row.Body), row.Query)
			if act == nil {
				return nil, true
			}
			if left, ok := withoutParts(row.Body, false, e.shows); ok && !e.shows(left) {
				row.Body = left
				return act, true
			}
			e.cut[[2]string{row.RawObject, row.Key}] = act
			return act, false
		}); err != nil {
			return err
		}
	}
	return nil
}

// eraseInbox takes the person's lines out of dropped files; a file that is no
// text goes whole.
func (e *eraser) eraseInbox(ctx context.Context) error {
	return e.changeObjects(ctx, "inbox/", func(key string, body []byte) error {
		if left, ok := withoutParts(body, true, e.shows); ok && !e.shows(left) {
			_, err := e.p.store.Put(ctx, key, left)
			return err
		}
		return e.p.store.Delete(ctx, key)
	})
}

// eraseAudiences removes every audience file that shows a person in clear, hashed
// or by his client id: the next export or download makes it again without him. What
// else lies there is looked through row by row.
func (e *eraser) eraseAudiences(ctx context.Context) error {
	for _, prefix := range []string{lake.AudiencesPrefix + "asof=", downloadsPrefix} {
		if err := e.changeObjects(ctx, prefix, func(key string, _ []byte) error { return e.p.store.Delete(ctx, key) }); err != nil {
			return err
		}
	}
	return e.eraseGiven(ctx)
}

// changeObjects calls change for every object below prefix that shows a person.
func (e *eraser) changeObjects(ctx context.Context, prefix string, change func(key string, body []byte) error) error {
	return e.eachObject(ctx, prefix, func(info objstore.Info, body []byte, act *Act) error {
		if act == nil {
			return nil
		}
		if err := change(info.Key, body); err != nil {
			return fmt.Errorf("rewrite: %w", err)
		}
		of, _, _ := strings.Cut(prefix, "/")
		act.Objects[of]++
		act.Rows[of]++
		return nil
	})
}

func dayPart(prefix, day string) string { return prefix + day + "/part-0000.parquet" }

// eraseEvents takes the person out of events, which stay so that totals stay
// right, and marks deliveries of which nothing else is left as erased. Such a
// line forgets ids and hashes: the same delivery sent again is to be met by the
// suppression list, not kept as a duplicate.
func (e *eraser) eraseEvents(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.DeliveriesPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		erased := map[[2]string]*Act{}
		if err := rewrite(ctx, e, "lake/events", dayPart(lake.EventsPrefix, day), func(row *schema.EventRow) (*Act, bool) {
			act := e.ownerOf(row.Tokens)
			if act == nil {
				return nil, true
			}
			erased[[2]string{row.Source, row.EventID}] = act
			row.Tokens, row.ExternalID, row.Consents, row.ClickIDs, row.Tags, row.BookingID = nil, "", nil, nil, nil, ""
			row.MoreExternalIDs, row.Entity, row.Fetch = nil, "", ""
			return act, true
		}); err != nil {
			return err
		}
		if err := rewrite(ctx, e, "lake/deliveries", dayPart(lake.DeliveriesPrefix, day), func(row *schema.DeliveryRow) (*Act, bool) {
			act := e.cut[[2]string{row.RawObject, row.Key}]
			switch row.Outcome {
			case schema.OutcomeErased, schema.OutcomeSuppressed:
				return nil, true
			case schema.OutcomeEvents:
				act = nil
				for _, id := range row.EventIDs {
					if act = erased[[2]string{row.Source, id}]; act == nil {
						return nil, true
					}
				}
			}
			if act == nil {
				return nil, true
			}
			row.Outcome, row.Reason, row.ContentHash, row.HasID, row.EventIDs, row.EventHashes = schema.OutcomeErased, "", "", false, nil, nil
			return act, true
		}); err != nil {
			return err
		}
	}
	return nil
}

func (e *eraser) eraseContacts(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.ContactsPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		if err := rewrite(ctx, e, "lake/contacts", dayPart(lake.ContactsPrefix, day), func(row *schema.ContactRow) (*Act, bool) {
			return e.ownerOf(row.Tokens), false
		}); err != nil {
			return err
		}
	}
	return nil
}

// eraseOrders makes the person's orders anonymous.
func (e *eraser) eraseOrders(ctx context.Context) error {
	for bucket := range orderBuckets {
		if err := rewrite(ctx, e, "lake/orders", bucketKey(bucket), func(row *schema.OrderRow) (*Act, bool) {
			return anonymous(row, e.owner), true
		}); err != nil {
			return err
		}
	}
	return nil
}

// anonymous takes tokens out of an order and returns what the first of them
// stands for in the list; the zero value where there is none.
func anonymous[V comparable](row *schema.OrderRow, list map[string]V) V {
	var found, none V
	if v := list[row.Token]; v != none {
		row.Token, found = "", v
	}
	whose := func(token string) bool {
		v := list[token]
		if v != none {
			found = v
		}
		return v != none
	}
	row.MoreTokens = slices.DeleteFunc(row.MoreTokens, whose)
	for i := range row.Statements {
		row.Statements[i].Tokens = slices.DeleteFunc(row.Statements[i].Tokens, whose)
	}
	return found
}

func (e *eraser) erasePeople(ctx context.Context) error {
	if err := rewrite(ctx, e, "lake/people", peopleKey, func(row *schema.PersonRow) (*Act, bool) {
		return e.ownerOf(row.Tokens), false
	}); err != nil {
		return err
	}
	return rewrite(ctx, e, "lake/people", tokensKey, func(row *schema.TokenRow) (*Act, bool) {
		return e.ownerOf([]string{row.Token, row.ClientID}), false
	})
}
