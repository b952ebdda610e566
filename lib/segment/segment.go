// Package segment says who belongs to which segment on a night. A segment is a
// rule's members with the day each of them joined; audiences are made of them.
// The built-in ones are those of the RFM playbook and "buyers", everybody who has
// ever bought.
package segment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// Buyers is the built-in segment of everybody with at least one purchase.
const Buyers = "buyers"

// Membership lists, for every built-in segment, its members among the clients of
// a night, ordered by (segment, client_id). before is the membership of the
// predecessor run (nil: none): who was in a segment there, under this id or an
// alias, keeps his day; everybody else joined on asOf.
func Membership(clients []schema.ClientRow, before []schema.SegmentRow, asOf string) []schema.SegmentRow {
	since := make(map[[2]string]string, len(before))
	for _, row := range before {
		since[[2]string{row.Segment, row.ClientID}] = row.SinceDay
	}
	var rows []schema.SegmentRow
	join := func(segment string, c *schema.ClientRow) {
		day := asOf
		for _, id := range append([]string{c.ClientID}, c.Aliases...) {
			if old, ok := since[[2]string{segment, id}]; ok && old < day {
				day = old
			}
		}
		rows = append(rows, schema.SegmentRow{Segment: segment, ClientID: c.ClientID, SinceDay: day})
	}
	for i := range clients {
		c := &clients[i]
		if c.Orders > 0 {
			join(Buyers, c)
		}
		if c.RFMSegment != nil {
			join(*c.RFMSegment, c)
		}
	}
	slices.SortFunc(rows, func(a, b schema.SegmentRow) int {
		return cmp.Or(strings.Compare(a.Segment, b.Segment), strings.Compare(a.ClientID, b.ClientID))
	})
	return rows
}
