package segment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// What a span of a client's history is of.
const (
	HistoryCode    = "rfm_code"
	HistorySegment = "segment"
)

// codePrefix begins the keys of the segments of single codes.
const codePrefix = "rfm_"

// History carries on the spans of the predecessor run (nil: none) to the night of
// asOf, ordered by (client_id, what, from_day, value). clients and members are the
// night's own. A span that still holds stays open; one that does not ends on asOf,
// the first day without it; what is new begins on asOf, a segment on the day that
// its membership counts from.
//
// A client has the spans of all ids he was ever known by, so of merged clients the
// history of both stands. Where both were in one segment, or had one code, the
// longer of the two goes on. Spans of clients who are no more are dropped. The
// segments of single codes have no spans beside those of the codes.
func History(before []schema.HistoryRow, clients []schema.ClientRow, members []schema.SegmentRow, asOf string) []schema.HistoryRow {
	now := make(map[string]string, len(clients)) // any id → the client's
	for i := range clients {
		now[clients[i].ClientID] = clients[i].ClientID
		for _, alias := range clients[i].Aliases {
			now[alias] = clients[i].ClientID
		}
	}
	type state struct{ client, what, value string }
	holds := make(map[state]string, len(clients)+len(members)) // the day it counts from
	for i := range clients {
		if c := &clients[i]; c.RFMCode != nil {
			holds[state{c.ClientID, HistoryCode, *c.RFMCode}] = asOf
		}
	}
	for _, m := range members {
		if code, ok := strings.CutPrefix(m.Segment, codePrefix); ok && len(code) == 3 && strings.Trim(code, "123456789") == "" {
			continue
		}
		holds[state{m.ClientID, HistorySegment, m.Segment}] = m.SinceDay
	}
	var rows []schema.HistoryRow
	for _, row := range before {
		if row.ClientID = now[row.ClientID]; row.ClientID == "" {
			continue
		}
		key := state{row.ClientID, row.What, row.Value}
		since, ok := holds[key]
		switch {
		case row.ToDay != "":
			rows = append(rows, row)
		case ok:
			holds[key] = min(since, row.FromDay)
		default:
			row.ToDay = asOf
			rows = append(rows, row)
		}
	}
	for s, since := range holds {
		rows = append(rows, schema.HistoryRow{ClientID: s.client, What: s.what, Value: s.value, FromDay: since})
	}
	slices.SortFunc(rows, func(a, b schema.HistoryRow) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.What, b.What), strings.Compare(a.FromDay, b.FromDay),
			strings.Compare(a.Value, b.Value), strings.Compare(a.ToDay, b.ToDay))
	})
	return slices.Compact(rows)
}
