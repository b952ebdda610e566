package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// basketOf posts a paid order of several items.
func (b *base) basketOf(name, when string, items ...string) {
	b.Helper()
	b.n++
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = fmt.Sprintf(`{"sku": "%s", "category": "of %s", "sum": "10.00"}`, item, item)
	}
	b.post("till", fmt.Sprintf(`{"id": "e%d", "kind": "order", "at": "%s", "client": {"phone": "%s"}, "order": {"id": "o%d", "status": "paid", "total": "%d.00", "items": [%s]}}`,
		b.n, when, b.phone(name), b.n, 10*len(items), strings.Join(lines, ", ")))
}

// From the webhook to gold: who buys beans every 20 days, the pair that goes with
// them, the season, and the days cut in the business's time zone.
func TestHabitsFromWebhookToGold(t *testing.T) {
	b := newBase(t)
	// 20 days apart, the last 15 days ago: due in 5. The instants are the last of
	// their business days, and of another day in UTC.
	for _, ago := range []int{95, 75, 55, 35, 15} {
		b.basketOf("every 20 days", begins(ago), "beans", "filters")
	}
	b.basketOf("once", ends(0), "beans")
	b.basketOf("in March", "2025-03-08T20:59:59Z", "mimosa") // 23:59:59 in Moscow
	b.basketOf("in March", "2026-02-21T21:00:00Z", "mimosa") // 00:00:00 of the 22nd
	b.basketOf("in May", "2025-05-09T10:00:00Z", "mimosa")
	b.basketOf("in May", "2026-05-09T10:00:00Z", "mimosa")
	// Without a purchase: complete and met yesterday; only asked, long ago.
	b.n++
	b.post("till", fmt.Sprintf(`{"id": "e%d", "kind": "lead", "at": "%s", "client": {"phone": "%s", "email": "anna@kofe.ru", "name": "Анна"}, "utm": {"source": "yandex"}}`, b.n, begins(1), b.phone("complete")))
	b.say("complete", "contact", ends(1), `, "contact": {"channel": "call"}`)
	b.say("asked", "lead", ends(300), "")
	b.say("met first", "contact", begins(2), `, "contact": {"channel": "call"}`)
	clients := b.clients()

	beans := schema.ReplenishmentRow{ClientID: clients["every 20 days"].ClientID, Item: "beans", LastDay: "2026-11-15", MedianDays: 20, DueDay: "2026-12-05"}
	filters := beans
	filters.Item = "filters"
	if diff := gocmp.Diff([]schema.ReplenishmentRow{beans, filters}, rows[schema.ReplenishmentRow](b.world)); diff != "" {
		t.Errorf("replenishment (-want +got):\n%s", diff)
	}
	if next := clients["every 20 days"].ExpectedNextDay; next == nil || *next != "2026-12-05" || clients["once"].ExpectedNextDay != nil {
		t.Errorf("expected next on %v", next)
	}
	// 10 purchases; beans in 6, filters in 5: lift 5·10/(6·5) = 1.666….
	item := schema.BasketRow{Level: "item", A: "beans", B: "filters", Tickets: 5, Support: 0.5, ConfidenceAB: 0.833333333, ConfidenceBA: 1, Lift: 1.66666667}
	category := item
	category.Level, category.A, category.B = "category", "of beans", "of filters"
	if diff := gocmp.Diff([]schema.BasketRow{category, item}, rows[schema.BasketRow](b.world)); diff != "" {
		t.Errorf("basket (-want +got):\n%s", diff)
	}
	// The 22nd is in the window before 23 February, too: that client's first one.
	february := schema.SeasonalityRow{ClientID: clients["in March"].ClientID, Window: "23-february", Years: []int64{2026}}
	march := schema.SeasonalityRow{ClientID: clients["in March"].ClientID, Window: "8-march", Years: []int64{2025, 2026}}
	if diff := gocmp.Diff([]schema.SeasonalityRow{february, march}, rows[schema.SeasonalityRow](b.world)); diff != "" {
		t.Errorf("seasonality (-want +got):\n%s", diff)
	}

	// complete 20, contacted 10, within 30 days 15, within 7 days 15.
	scores := map[string]schema.ScoreRow{}
	for _, row := range rows[schema.ScoreRow](b.world) {
		scores[row.ClientID] = row
	}
	if len(scores) != 2 {
		t.Errorf("scores %v, want those of the two who asked", scores)
	}
	want := schema.ScoreRow{
		ClientID: clients["complete"].ClientID, Score: 60, Model: "points",
		Contributions: schema.MapOf(map[string]string{"complete": "20", "contacted": "10", "within_days=30": "15", "within_days=7": "15"}),
	}
	if diff := gocmp.Diff(want, scores[want.ClientID]); diff != "" {
		t.Errorf("score (-want +got):\n%s", diff)
	}
	for name, want := range map[string]any{"complete": 60.0, "asked": 0.0, "met first": nil, "once": nil} {
		got := any(nil)
		if score := clients[name].LeadScore; score != nil {
			got = *score
		}
		if got != want {
			t.Errorf("%s: lead_score %v, want %v", name, got, want)
		}
	}
	refused := false
	for _, row := range rows[schema.ModelRow](b.world) {
		refused = refused || row == schema.ModelRow{Model: "lead_score", Parameter: "refused:leads", Value: 1}
	}
	if !refused {
		t.Errorf("models %v, want the refusal of one lead whose outcome is known", rows[schema.ModelRow](b.world))
	}
	metrics := map[string]int{}
	for _, row := range rows[schema.ThresholdRow](b.world) {
		metrics[row.Metric]++
	}
	for metric, n := range map[string]int{"basket": 2, "replenishment": 1, "season": 3, "lead_score": 6} {
		if metrics[metric] != n {
			t.Errorf("%d thresholds of %s, want %d", metrics[metric], metric, n)
		}
	}
}
