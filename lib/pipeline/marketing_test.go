package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// From the webhook to gold: who bought when, what the best bring, how people are met
// and when they are congratulated; then one of them is forgotten.
func TestMarketingFromWebhookToGold(t *testing.T) {
	b := newBase(t)
	b.configure(shopConfig + "metrics: {recency_bands: [10, 100]}\n")
	b.buy("lately", begins(10), "300.00")
	b.buy("before", ends(11), "100.00")
	b.say("lately", "contact", begins(3), `, "contact": {"channel": "call", "direction": "in"}`)
	b.say("before", "contact", begins(3), `, "contact": {"channel": "call", "direction": "in", "result": "missed"}`)
	b.say("before", "contact", ends(200), `, "contact": {"channel": "chat", "direction": "out"}`)
	b.n++
	b.post("till", fmt.Sprintf(`{"id": "e%d", "kind": "profile", "at": "%s", "client": {"phone": "%s", "birth_date": "1990-12-01", "attributes": {"child_birth_date": "2020-02-29", "pet_birth_date": "2021-01-02"}}}`,
		b.n, begins(2), b.phone("lately")))
	clients := b.clients()
	lately := clients["lately"].ClientID

	ten, hundred := int64(10), int64(100)
	if diff := gocmp.Diff([]schema.RecencyRow{
		{FromDays: 0, ToDays: &ten, Clients: 1, Share: 0.5, RevenueMinor: 30_000},
		{FromDays: 11, ToDays: &hundred, Clients: 1, Share: 0.5, RevenueMinor: 10_000},
		{FromDays: 101},
	}, rows[schema.RecencyRow](b.world)); diff != "" {
		t.Errorf("recency (-want +got):\n%s", diff)
	}
	// Of 300 and 100: the better one has 0.75; Gini (−1·100 + 1·300) / (2·400) = 0.25.
	var tops []schema.ConcentrationRow
	for _, row := range rows[schema.ConcentrationRow](b.world) {
		if row.Entity == "client" {
			tops = append(tops, row)
		}
	}
	if want := (schema.ConcentrationRow{Entity: "client", TopShare: 0.5, Entities: 1, RevenueMinor: 30_000, Share: 0.75, Gini: 0.25}); len(tops) != 5 || tops[4] != want {
		t.Errorf("concentration %+v, want five rows, the last one %+v", tops, want)
	}
	if diff := gocmp.Diff([]schema.ChannelRow{
		{Channel: "call", Direction: "in", Contacts: 1, Clients: 1, Share: 0.5},
		{Channel: "chat", Direction: "out", Contacts: 1, Clients: 1, Share: 0.5},
		{Month: "2026-05", Channel: "chat", Direction: "out", Contacts: 1, Clients: 1, Share: 1},
		{Month: "2026-11", Channel: "call", Direction: "in", Contacts: 1, Clients: 1, Share: 1},
	}, rows[schema.ChannelRow](b.world)); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]schema.BirthdayRow{
		{ClientID: lately, Who: "child", MonthDay: "02-29", NextDay: "2027-03-01", DaysUntil: 91},
		{ClientID: lately, Who: "client", MonthDay: "12-01", NextDay: "2026-12-01", DaysUntil: 1},
		{ClientID: lately, Who: "pet", MonthDay: "01-02", NextDay: "2027-01-02", DaysUntil: 33},
	}, rows[schema.BirthdayRow](b.world)); diff != "" {
		t.Errorf("birthdays (-want +got):\n%s", diff)
	}
	metrics := map[string]int{}
	for _, row := range rows[schema.ThresholdRow](b.world) {
		metrics[row.Metric]++
	}
	for metric, n := range map[string]int{"recency_bands": 1, "concentration": 3, "rfm": 1, "activity": 1, "lifecycle": 1, "purchase": 1, "identity": 2, "quality": 1} {
		if metrics[metric] != n {
			t.Errorf("%d thresholds of %s, want %d", metrics[metric], metric, n)
		}
	}
	if c := clients["before"]; text(c.FirstEventDay) != "2026-05-14" || text(c.LastEventDay) != "2026-11-27" {
		t.Errorf("first and last event on %s and %s", text(c.FirstEventDay), text(c.LastEventDay))
	}

	run, err := lake.Current(t.Context(), b.store)
	if err != nil {
		t.Fatal(err)
	}
	b.erase(b.phone("lately"))
	left := table[schema.BirthdayRow](b.world, run.Tables["birthdays"].Key)
	if slices.ContainsFunc(left, func(row schema.BirthdayRow) bool { return row.ClientID == lately }) {
		t.Error("a forgotten client still has birthdays")
	}
}

// Nothing was ever posted: the tables stand, and nothing is in them.
func TestMarketingOfNobody(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-12-01T09:00:00Z")
	w.compact()
	w.night("2026-11-30")
	if n := len(rows[schema.RecencyRow](w)) + len(rows[schema.ConcentrationRow](w)) + len(rows[schema.ChannelRow](w)) + len(rows[schema.BirthdayRow](w)); n != 0 {
		t.Errorf("%d rows of nobody", n)
	}
}
