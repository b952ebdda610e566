package segment_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

func coded(id, code, rfm string, aliases ...string) schema.ClientRow {
	c := client(id, 1, rfm, aliases...)
	if code != "" {
		c.RFMCode = &code
	}
	return c
}

// nights runs the nights of one client base, each with its as-of day.
func nights(days []string, bases [][]schema.ClientRow) (spans []schema.HistoryRow, members []schema.SegmentRow) {
	for i, day := range days {
		members = membership(bases[i], members, day)
		spans = segment.History(spans, bases[i], members, day)
	}
	return spans, members
}

func TestACodeThatChangesEndsItsSpan(t *testing.T) {
	got, _ := nights([]string{"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-05"}, [][]schema.ClientRow{
		{coded("p1", "333", "champions")},
		{coded("p1", "333", "champions")},
		{coded("p1", "233", "cooling_valuable")},
		{coded("p1", "333", "champions")},
	})
	want := []schema.HistoryRow{
		{ClientID: "p1", What: "rfm_code", Value: "333", FromDay: "2026-03-01", ToDay: "2026-03-03"},
		{ClientID: "p1", What: "rfm_code", Value: "233", FromDay: "2026-03-03", ToDay: "2026-03-05"},
		{ClientID: "p1", What: "rfm_code", Value: "333", FromDay: "2026-03-05"},
		{ClientID: "p1", What: "segment", Value: "buyers", FromDay: "2026-03-01"},
		{ClientID: "p1", What: "segment", Value: "champions", FromDay: "2026-03-01", ToDay: "2026-03-03"},
		{ClientID: "p1", What: "segment", Value: "cooling_valuable", FromDay: "2026-03-03", ToDay: "2026-03-05"},
		{ClientID: "p1", What: "segment", Value: "champions", FromDay: "2026-03-05"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMergedClientsKeepBothHistories(t *testing.T) {
	got, members := nights([]string{"2026-03-01", "2026-03-02", "2026-03-03"}, [][]schema.ClientRow{
		{coded("p1", "333", "champions"), coded("p2", "", "")},
		{coded("p1", "333", "champions"), coded("p2", "333", "champions"), coded("p3", "111", "lost")},
		{coded("p2", "333", "champions", "p1"), coded("p4", "111", "lost")}, // p3 was erased
	})
	want := []schema.HistoryRow{
		{ClientID: "p2", What: "rfm_code", Value: "333", FromDay: "2026-03-01"},
		{ClientID: "p2", What: "segment", Value: "buyers", FromDay: "2026-03-01"},
		{ClientID: "p2", What: "segment", Value: "champions", FromDay: "2026-03-01"},
		{ClientID: "p4", What: "rfm_code", Value: "111", FromDay: "2026-03-03"},
		{ClientID: "p4", What: "segment", Value: "buyers", FromDay: "2026-03-03"},
		{ClientID: "p4", What: "segment", Value: "lost", FromDay: "2026-03-03"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	agree(t, got, members)
	// Two codes end where the one of both begins.
	got, _ = nights([]string{"2026-03-01", "2026-03-02"}, [][]schema.ClientRow{{coded("p1", "111", ""), coded("p2", "222", "")}, {coded("p1", "223", "", "p2")}})
	open := 0
	for _, row := range got {
		if row.What == segment.HistoryCode && row.ToDay == "" {
			open++
		}
	}
	if open != 1 || len(got) != 4 {
		t.Errorf("history of the merged client: %v", got)
	}
}

// A base that had segments before it had a history begins where they did.
func TestTheFirstHistoryBeginsWithTheMembership(t *testing.T) {
	members := []schema.SegmentRow{{Segment: "buyers", ClientID: "p1", SinceDay: "2026-01-05"}}
	got := segment.History(nil, []schema.ClientRow{coded("p1", "333", "")}, members, "2026-03-01")
	want := []schema.HistoryRow{
		{ClientID: "p1", What: "rfm_code", Value: "333", FromDay: "2026-03-01"},
		{ClientID: "p1", What: "segment", Value: "buyers", FromDay: "2026-01-05"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none := segment.History(got, nil, nil, "2026-03-02"); len(none) != 0 {
		t.Errorf("history of nobody: %v", none)
	}
}

// agree checks that what is open is what holds, since the same day.
func agree(t *testing.T, spans []schema.HistoryRow, members []schema.SegmentRow) {
	t.Helper()
	since := map[[2]string]string{}
	for _, m := range members {
		since[[2]string{m.ClientID, m.Segment}] = m.SinceDay
	}
	for _, row := range spans {
		if row.What != segment.HistorySegment || row.ToDay != "" {
			continue
		}
		key := [2]string{row.ClientID, row.Value}
		if since[key] != row.FromDay {
			t.Errorf("%v in %s: since %q, history says %s", row.ClientID, row.Value, since[key], row.FromDay)
		}
		delete(since, key)
	}
	if len(since) != 0 {
		t.Errorf("memberships without an open span: %v", since)
	}
}

// Whatever happens from night to night, open spans are the memberships, a client
// has one open code at most, and no span ends before it begins.
func TestHistoryAgreesWithMembership(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	var spans []schema.HistoryRow
	var members []schema.SegmentRow
	for day := range 28 {
		asOf := time.Date(2026, 3, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		ids := []string{"p1", "p2", "p3", "p4", "p5", "p6"}
		var base []schema.ClientRow
		for len(ids) > 0 { // merged and parted anew each night
			n := 1 + random.IntN(min(2, len(ids)))
			code, named := "", ""
			if random.IntN(4) > 0 {
				code, named = []string{"111", "333"}[random.IntN(2)], []string{"lost", "champions"}[random.IntN(2)]
			}
			base = append(base, coded(ids[0], code, named, ids[1:n]...))
			ids = ids[n:]
		}
		members = membership(base, members, asOf)
		spans = segment.History(spans, base, members, asOf)
		agree(t, spans, members)
		open := map[string]int{}
		for _, row := range spans {
			if row.ToDay == "" && row.What == segment.HistoryCode {
				open[row.ClientID]++
			}
			if row.FromDay > asOf || row.ToDay != "" && row.ToDay <= row.FromDay {
				t.Errorf("span %v on %s", row, asOf)
			}
		}
		for _, c := range base {
			if want := map[bool]int{true: 1}[c.RFMCode != nil]; open[c.ClientID] != want {
				t.Errorf("%s: %s has %d open codes, want %d", asOf, c.ClientID, open[c.ClientID], want)
			}
		}
	}
	if len(spans) < 30 {
		t.Errorf("%d spans only", len(spans))
	}
}
