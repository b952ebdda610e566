package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"

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
	left, ok := withoutParts(row.Body, false, func(part []byte) bool {
		one := row
		one.Body = part
		act, _ := e.ownerOfDelivery(one)
		return act != nil
	})
	if !ok {
		return nil
	}
	row.Body = left
	if act, others := e.ownerOfDelivery(row); act != nil || !others {
		return nil
	}
	return left
}

// withoutParts takes parts out of a body: elements of a JSON array, lines of
// NDJSON and, where table is set, lines of CSV with equally many cells. False
// where the body is none of these, or only a header would be left.
func withoutParts(body []byte, table bool, mine func(part []byte) bool) ([]byte, bool) {
	var items []json.RawMessage
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' && json.Unmarshal(trimmed, &items) == nil {
		kept := make([][]byte, 0, len(items))
		for _, item := range items {
			if !mine(item) {
				kept = append(kept, item)
			}
		}
		return slices.Concat([]byte("["), bytes.Join(kept, []byte(",")), []byte("]")), len(kept) > 0
	}
	lines := bytes.SplitAfter(body, []byte("\n"))
	objects, rows, cells := true, table, -1
	for _, line := range lines {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		objects = objects && line[0] == '{' && line[len(line)-1] == '}'
		n := bytes.Count(line, []byte(";")) + bytes.Count(line, []byte(",")) + bytes.Count(line, []byte("\t"))
		rows = rows && n > 0 && (cells < 0 || n == cells)
		cells = n
	}
	if !objects && !rows {
		return nil, false
	}
	var kept [][]byte
	left := 0
	for _, line := range lines {
		if blank := len(bytes.TrimSpace(line)) == 0; blank || !mine(line) {
			kept = append(kept, line)
			if !blank {
				left++
			}
		}
	}
	if rows && !objects {
		left-- // the header
	}
	return bytes.Join(kept, nil), left > 0
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

// shows reports whether bytes show a person.
func (e *eraser) shows(body []byte) bool { return e.find(string(body)) != nil }

// eraseInbox takes the person's lines out of dropped files; a file that is no
// text goes whole.
func (e *eraser) eraseInbox(ctx context.Context) error {
	return e.eachObject(ctx, "inbox/", func(key string, body []byte) error {
		if left, ok := withoutParts(body, true, e.shows); ok && !e.shows(left) {
			_, err := e.p.store.Put(ctx, key, left)
			return err
		}
		return e.p.store.Delete(ctx, key)
	})
}

// eraseAudiences removes every audience file that shows a person in clear, hashed
// or by his client id: the next export or download makes it again without him.
func (e *eraser) eraseAudiences(ctx context.Context) error {
	return e.eachObject(ctx, lake.AudiencesPrefix, func(key string, _ []byte) error { return e.p.store.Delete(ctx, key) })
}

// eachObject calls change for every object below prefix that shows a person.
func (e *eraser) eachObject(ctx context.Context, prefix string, change func(key string, body []byte) error) error {
	var keys []string
	for info, err := range e.p.store.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		keys = append(keys, info.Key)
	}
	for _, key := range keys {
		body, _, err := e.p.store.Get(ctx, key)
		if errors.Is(err, objstore.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		text, err := textOf(body)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		act := e.find(text)
		if act == nil {
			continue
		}
		if err := change(key, body); err != nil {
			return fmt.Errorf("rewrite %s: %w", key, err)
		}
		act.Objects[strings.TrimSuffix(prefix, "/")]++
		act.Rows[strings.TrimSuffix(prefix, "/")]++
	}
	return nil
}

// zipLimit bounds what one part of a workbook may unpack to.
const zipLimit = 64 << 20

// textOf is what an object shows: its bytes, as UTF-8 where they are the "Unicode
// text" of spreadsheet programs, or the parts of a zipped workbook.
func textOf(body []byte) (string, error) {
	if order, ok := utf16Order(body); ok {
		units := make([]uint16, len(body)/2)
		for i := range units {
			units[i] = order.Uint16(body[2*i:])
		}
		return string(utf16.Decode(units)), nil
	}
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		return string(body), nil
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return string(body), nil //nolint:nilerr // no archive after all: its bytes are all there is
	}
	var text strings.Builder
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			return "", err
		}
		_, err = io.Copy(&text, io.LimitReader(r, zipLimit))
		if err = errors.Join(err, r.Close()); err != nil {
			return "", err
		}
		text.WriteByte('\n')
	}
	return text.String(), nil
}

// utf16Order recognises UTF-16 by its mark, or by the zeros between its letters.
func utf16Order(body []byte) (binary.ByteOrder, bool) {
	switch {
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, true
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		return binary.BigEndian, true
	}
	head := body[:min(len(body), 4096)]
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch few := len(head) / 10; {
	case zeros[1] > few && zeros[0] == 0:
		return binary.LittleEndian, true
	case zeros[0] > few && zeros[1] == 0:
		return binary.BigEndian, true
	}
	return nil, false
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
	return rewrite(ctx, e, "lake/people", tokensKey, func(row *schema.TokenRow) (*Act, bool) { return e.owner[row.Token], false })
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
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.ClientRow) (*Act, bool) {
				return e.ownerOf(append([]string{row.ClientID}, row.Aliases...)), false
			})
		case "merges":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.MergeRow) (*Act, bool) {
				return e.ownerOf(append([]string{row.ClientID}, row.Tokens...)), false
			})
		case "segments":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.SegmentRow) (*Act, bool) { return e.owner[row.ClientID], false })
		case "other_revenue":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.OtherRevenueRow) (*Act, bool) { return e.owner[row.ClientID], false })
		case "abc":
			err = rewrite(ctx, e, "gold", info.Key, func(row *schema.ABCRow) (*Act, bool) { return e.owner[row.ID], false })
		}
		if err != nil {
			return err
		}
	}
	return nil
}
