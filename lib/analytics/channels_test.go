package analytics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/schema"
)

// October has 3 + 1 contacts, November 2, all time 6: 3/4, 1/4, 2/2; 5/6, 1/6.
func TestSharesOfChannelsAreOfTheirMonth(t *testing.T) {
	got := analytics.Channels([]card.ChannelCount{
		{Channel: "call", Direction: "in", Contacts: 5, Clients: 2},
		{Channel: "chat", Contacts: 1, Clients: 1},
		{Month: "2026-10", Channel: "call", Direction: "in", Contacts: 3, Clients: 2},
		{Month: "2026-10", Channel: "chat", Contacts: 1, Clients: 1},
		{Month: "2026-11", Channel: "call", Direction: "in", Contacts: 2, Clients: 1},
	})
	want := []schema.ChannelRow{
		{Channel: "call", Direction: "in", Contacts: 5, Clients: 2, Share: 0.833333333},
		{Channel: "chat", Contacts: 1, Clients: 1, Share: 0.166666667},
		{Month: "2026-10", Channel: "call", Direction: "in", Contacts: 3, Clients: 2, Share: 0.75},
		{Month: "2026-10", Channel: "chat", Contacts: 1, Clients: 1, Share: 0.25},
		{Month: "2026-11", Channel: "call", Direction: "in", Contacts: 2, Clients: 1, Share: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rows := analytics.Channels(nil); len(rows) != 0 {
		t.Errorf("no contacts: %v", rows)
	}
}

func TestRecencyAndConcentrationGolden(t *testing.T) {
	s := analytics.Score(base(t, options(t), shop(400)...))
	recency, bands := s.Recency(options(t).Metrics.RecencyBands)
	concentration, tops := analytics.ConcentrationOf(&s.ABC[0], &s.ABC[1], &s.ABC[2])
	golden(t, "marketing.golden.json", map[string]any{"recency": recency, "concentration": concentration, "thresholds": append(tops, bands)})
}
