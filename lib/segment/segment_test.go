package segment_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

func client(id string, orders int64, rfm string, aliases ...string) schema.ClientRow {
	c := schema.ClientRow{ClientID: id, Orders: orders, Aliases: aliases}
	if rfm != "" {
		c.RFMSegment = &rfm
	}
	return c
}

// membership is that of the playbook's segments and of the buyers.
func membership(clients []schema.ClientRow, before []schema.SegmentRow, asOf string) []schema.SegmentRow {
	var few []segment.Segment
	for _, s := range segmentsOf(config.Default(), clients, asOf) {
		if s.Family == segment.FamilyRFM || s.Key == segment.Buyers {
			few = append(few, s)
		}
	}
	rows, _ := segment.Membership(few, clients, before, before == nil, asOf)
	return rows
}

func segmentsOf(cfg *config.Config, clients []schema.ClientRow, asOf string) []segment.Segment {
	all, err := segment.Segments(cfg, clients, asOf)
	if err != nil {
		panic(err)
	}
	return all
}

func TestMembersKeepTheDayTheyJoined(t *testing.T) {
	clients := []schema.ClientRow{
		client("p3", 0, ""), client("p2", 1, "new"), client("p1", 5, "champions", "x1", "e1"), client("p4", 2, "lost", "p0"), client("p5", 0, "lost"),
	}
	before := []schema.SegmentRow{
		{Segment: "buyers", ClientID: "p1", SinceDay: "2026-02-10"},
		{Segment: "buyers", ClientID: "e1", SinceDay: "2026-01-05"}, // merged since: the earlier day of the two stays
		{Segment: "champions", ClientID: "x1", SinceDay: "2026-02-01"},
		{Segment: "loyal", ClientID: "p4", SinceDay: "2025-01-01"}, // another segment's day does not count
		{Segment: "lost", ClientID: "p0", SinceDay: "2026-02-20"},
		{Segment: "buyers", ClientID: "gone", SinceDay: "2025-01-01"},
	}
	want := []schema.SegmentRow{
		{Segment: "buyers", ClientID: "p1", SinceDay: "2026-01-05"},
		{Segment: "buyers", ClientID: "p2", SinceDay: "2026-03-01"},
		{Segment: "buyers", ClientID: "p4", SinceDay: "2026-03-01"},
		{Segment: "champions", ClientID: "p1", SinceDay: "2026-02-01"},
		{Segment: "lost", ClientID: "p4", SinceDay: "2026-02-20"},
		{Segment: "lost", ClientID: "p5", SinceDay: "2026-03-01"},
		{Segment: "new", ClientID: "p2", SinceDay: "2026-03-01"},
	}
	if diff := cmp.Diff(want, membership(clients, before, "2026-03-01")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	slices.Reverse(clients)
	slices.Reverse(before)
	if diff := cmp.Diff(want, membership(clients, before, "2026-03-01")); diff != "" {
		t.Errorf("in another order (-want +got):\n%s", diff)
	}
}

func TestTheFirstNightJoinsEverybodyOnItsDay(t *testing.T) {
	got := membership([]schema.ClientRow{client("p1", 1, "")}, nil, "2026-03-01")
	if diff := cmp.Diff([]schema.SegmentRow{{Segment: segment.Buyers, ClientID: "p1", SinceDay: "2026-03-01"}}, got); diff != "" {
		t.Error(diff)
	}
	if none := membership(nil, got, "2026-03-02"); len(none) != 0 {
		t.Errorf("segments of nobody: %v", none)
	}
}
