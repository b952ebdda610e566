package segment

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/schema"
)

// Membership lists the members of every segment among the clients of a night,
// ordered by (segment, client_id), and describes the segments in their own order
// (schema.SegmentCatalogueRow). before is the membership of the predecessor run, of
// which there is none where first is set: who was in a segment there, under this id
// or an alias, keeps his day; everybody else joined on asOf. Clients who are no more
// have not left.
func Membership(segments []Segment, clients []schema.ClientRow, before []schema.SegmentRow, first bool, asOf string) ([]schema.SegmentRow, []schema.SegmentCatalogueRow) {
	now := make(map[string]int32, len(clients)) // any id → the client
	for i := range clients {
		now[clients[i].ClientID] = int32(i) // clients are fewer than 2^31
		for _, alias := range clients[i].Aliases {
			now[alias] = int32(i)
		}
	}
	before = slices.Clone(before)
	slices.SortFunc(before, bySegment)
	members := match(segments, clients)
	var rows []schema.SegmentRow
	catalogue := make([]schema.SegmentCatalogueRow, 0, len(segments))
	since := make([]string, len(clients))
	for s := range segments {
		key := segments[s].Key
		clear(since)
		from, _ := slices.BinarySearchFunc(before, key, func(row schema.SegmentRow, key string) int { return strings.Compare(row.Segment, key) })
		were := int64(0) // clients of this night who were in it
		for _, row := range before[from:] {
			if row.Segment != key {
				break
			}
			i, ok := now[row.ClientID]
			if !ok {
				continue
			}
			if since[i] == "" {
				were++
			}
			if since[i] == "" || row.SinceDay < since[i] {
				since[i] = row.SinceDay
			}
		}
		line := schema.SegmentCatalogueRow{
			Segment: key, Family: segments[s].Family, Rule: segments[s].Rule.Text, Clients: int64(len(members[s])),
			TitleRU: segments[s].Title.RU, TitleEN: segments[s].Title.EN, AboutRU: segments[s].About.RU, AboutEN: segments[s].About.EN,
		}
		stayed := int64(0)
		for _, i := range members[s] {
			day := asOf
			if since[i] != "" {
				day = min(day, since[i])
				stayed++
			}
			line.RevenueMinor += clients[i].RevenueMinor
			rows = append(rows, schema.SegmentRow{Segment: key, ClientID: clients[i].ClientID, SinceDay: day})
		}
		entered, left := line.Clients-stayed, were-stayed
		if !first {
			line.Entered, line.Left = &entered, &left
		}
		if line.Clients > 0 || left > 0 || line.Family == FamilyOwn {
			catalogue = append(catalogue, line)
		}
	}
	slices.SortFunc(rows, bySegment)
	return rows, catalogue
}

func bySegment(a, b schema.SegmentRow) int {
	return cmp.Or(strings.Compare(a.Segment, b.Segment), strings.Compare(a.ClientID, b.ClientID))
}

// match evaluates every rule of every client: the numbers of the members of each
// segment, rising. Two halves are worked on at once; the result does not depend on
// it.
func match(segments []Segment, clients []schema.ClientRow) [][]int32 {
	half := len(clients) / 2
	var parts [2][][]int32
	var both sync.WaitGroup
	for side, span := range [2][2]int{{0, half}, {half, len(clients)}} {
		both.Go(func() {
			found := make([][]int32, len(segments))
			for i := span[0]; i < span[1]; i++ {
				for s := range segments {
					if segments[s].Rule.Match(&clients[i]) {
						found[s] = append(found[s], int32(i)) //nolint:gosec // G115: clients are fewer than 2^31
					}
				}
			}
			parts[side] = found
		})
	}
	both.Wait()
	members := parts[0]
	for s := range members {
		members[s] = append(members[s], parts[1][s]...)
	}
	return members
}
