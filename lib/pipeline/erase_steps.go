package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// rewrite filters a table object and swaps it in; an object that loses nothing is
// not touched. keep returns false for rows that go and may change those that stay.
func rewrite[T schema.Row](ctx context.Context, e *eraser, prefix, key string, keep func(*T) (bool, bool)) error {
	for {
		table, err := lake.ReadTable[T](ctx, e.p.store, key)
		if err != nil || table.Version == "" {
			return err
		}
		touched := 0
		rows := table.Rows[:0]
		for i := range table.Rows {
			stays, changed := keep(&table.Rows[i])
			if !stays || changed {
				touched++
			}
			if stays {
				rows = append(rows, table.Rows[i])
			}
		}
		if touched == 0 {
			return nil
		}
		err = table.Write(ctx, e.p.store, rows, e.nonce)
		if err == nil {
			e.count(prefix, touched)
			return nil
		}
		if !errors.Is(err, objstore.ErrChanged) {
			return err
		}
	}
}

// eraseEvents drops the person's contacts, replaces his tokens in events by
// nothing (totals stay right, the person is gone) and marks his deliveries.
func (e *eraser) eraseEvents(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.EventsPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		part := day + "/part-0000.parquet"
		erased := map[[2]string]bool{}
		if err := rewrite(ctx, e, "lake/events", lake.EventsPrefix+part, func(row *schema.EventRow) (bool, bool) {
			if !e.mine(row.Tokens) {
				return true, false
			}
			erased[[2]string{row.Source, row.EventID}] = true
			row.Tokens, row.ExternalID, row.Consents, row.ClickIDs = nil, "", nil, nil
			return true, true
		}); err != nil {
			return err
		}
		if err := rewrite(ctx, e, "lake/contacts", lake.ContactsPrefix+part, func(row *schema.ContactRow) (bool, bool) {
			return !e.mine(row.Tokens) && !erased[[2]string{row.Source, row.EventID}], false
		}); err != nil {
			return err
		}
	}
	failed, err := lake.Days(ctx, e.p.store, lake.FailedPrefix)
	if err != nil {
		return err
	}
	for _, day := range failed {
		if err := rewrite(ctx, e, "lake/failed", lake.FailedPrefix+day+"/part-0000.parquet", func(row *schema.FailedRow) (bool, bool) {
			return !e.holds(row.Body, row.Query), false
		}); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether raw bytes show one of the person's values in a usual
// spelling. Phones are looked for by their last ten digits among the digits of
// the bytes, e-mails without regard to case and to the coding of @.
func (e *eraser) holds(body []byte, query string) bool {
	text := strings.ToLower(string(body) + "\n" + query)
	text = strings.NewReplacer("%40", "@", `\u0040`, "@", "%2b", "+", "%28", "(", "%29", ")", "%20", " ", "+", " ").Replace(text)
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-' || r == '(' || r == ')':
			return -1
		default:
			return '.'
		}
	}, text)
	for value := range e.values {
		if strings.Contains(value, "@") {
			if strings.Contains(text, value) {
				return true
			}
		} else if number := strings.TrimPrefix(value, "+"); len(number) >= 10 && strings.Contains(digits, number[len(number)-10:]) {
			return true
		}
	}
	return false
}

// eraseRaw cuts the person's deliveries out of raw objects.
func (e *eraser) eraseRaw(ctx context.Context) error {
	for info, err := range e.p.store.List(ctx, "raw/", "") {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(info.Key, "raw/")
		keys := map[string]bool{}
		if err := rewrite(ctx, e, "raw", info.Key, func(row *schema.RawRow) (bool, bool) {
			if !e.holds(row.Body, row.Query) {
				return true, false
			}
			keys[row.Key] = true
			return false, true
		}); err != nil {
			return err
		}
		if len(keys) == 0 || !strings.HasPrefix(info.Key, lake.RawPrefix) {
			continue
		}
		day, _, _ := strings.Cut(strings.TrimPrefix(info.Key, lake.RawPrefix), "/")
		if err := rewrite(ctx, e, "lake/deliveries", lake.DeliveriesPrefix+day+"/part-0000.parquet", func(row *schema.DeliveryRow) (bool, bool) {
			if row.RawObject != name || !keys[row.Key] || len(row.EventIDs) > 1 {
				return true, false
			}
			row.Outcome, row.ContentHash = schema.OutcomeErased, ""
			return true, true
		}); err != nil {
			return err
		}
	}
	return e.removeObjects(ctx, "inbox/", func(body []byte) bool { return e.holds(body, "") })
}

// eraseOrders makes the person's orders anonymous.
func (e *eraser) eraseOrders(ctx context.Context) error {
	for bucket := range orderBuckets {
		if err := rewrite(ctx, e, "lake/orders", bucketKey(bucket), func(row *schema.OrderRow) (bool, bool) {
			changed := e.tokens[row.Token]
			if changed {
				row.Token = ""
			}
			for i := range row.Statements {
				if e.tokens[row.Statements[i].Token] {
					row.Statements[i].Token, changed = "", true
				}
			}
			return true, changed
		}); err != nil {
			return err
		}
	}
	return nil
}

func (e *eraser) erasePeople(ctx context.Context) error {
	if err := rewrite(ctx, e, "lake/people", peopleKey, func(row *schema.PersonRow) (bool, bool) {
		return !e.mine(row.Tokens), false
	}); err != nil {
		return err
	}
	return rewrite(ctx, e, "lake/people", tokensKey, func(row *schema.TokenRow) (bool, bool) { return !e.tokens[row.Token], false })
}

// eraseGold takes the person out of the tables of clients and segments of every
// run. Their manifests keep the old digests; the erasure's act explains them, and
// the next night publishes a run without the person.
func (e *eraser) eraseGold(ctx context.Context) error {
	for info, err := range e.p.store.List(ctx, lake.GoldPrefix, "") {
		if err != nil {
			return err
		}
		table, _, _ := strings.Cut(strings.TrimPrefix(info.Key, lake.GoldPrefix), "/")
		switch table {
		case "clients":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.ClientRow) (bool, bool) {
				return !e.tokens[row.ClientID] && !e.mine(row.Aliases), false
			})
		case "segments":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.SegmentRow) (bool, bool) { return !e.tokens[row.ClientID], false })
		case "other_revenue":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.OtherRevenueRow) (bool, bool) { return !e.tokens[row.ClientID], false })
		case "abc":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.ABCRow) (bool, bool) { return !e.tokens[row.ID], false })
		}
		if err != nil {
			return err
		}
	}
	e.p.nights.forget()
	return nil
}

// eraseAudiences removes every audience file that shows a value of the person in
// clear or hashed: machine files are made again by the next export.
func (e *eraser) eraseAudiences(ctx context.Context) error {
	forms := e.hashedForms()
	return e.removeObjects(ctx, lake.AudiencesPrefix, func(body []byte) bool {
		if e.holds(body, "") {
			return true
		}
		for _, form := range forms {
			if bytes.Contains(body, form) {
				return true
			}
		}
		return false
	})
}

// hashedForms are the digests of the person's values that audience files may
// hold: MD5 and SHA-256 of phones with and without the plus sign, and of e-mails.
func (e *eraser) hashedForms() [][]byte {
	var forms [][]byte
	for value := range e.values {
		for _, form := range []string{value, strings.TrimPrefix(value, "+")} {
			for _, hash := range []audience.Hash{audience.MD5, audience.SHA256} {
				forms = append(forms, []byte(hash.Sum(form)))
			}
		}
	}
	return forms
}

func (e *eraser) removeObjects(ctx context.Context, prefix string, has func([]byte) bool) error {
	var keys []string
	for info, err := range e.p.store.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		body, _, err := e.p.store.Get(ctx, info.Key)
		if errors.Is(err, objstore.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", info.Key, err)
		}
		if has(body) {
			keys = append(keys, info.Key)
		}
	}
	for _, key := range slices.Backward(keys) {
		if err := e.p.store.Delete(ctx, key); err != nil {
			return fmt.Errorf("remove %s: %w", key, err)
		}
		e.count(strings.TrimSuffix(prefix, "/"), 1)
	}
	return nil
}
