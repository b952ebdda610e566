package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// A rule of the owner's, from the configuration to the page, the file and `why`.
func TestAnOwnSegmentFromRuleToWhy(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + `
segments:
  - {name: kofe, title: {ru: "Кофе"}, rule: '"кофе" in tags && recency_days >= 1 && consents.ads == "given"'}
`)
	w.now = at("2026-11-10T09:00:00Z")
	buy := func(order, when, client string) { w.post("till", sale(order, "paid", when, client, "100.00")) }
	buy("1", "2026-11-10T08:00:00Z", `"phone": "+79162220001"`)
	buy("2", "2026-11-10T08:00:00Z", `"phone": "+79162220002"`)
	w.post("till", `{"id": "p", "kind": "profile", "at": "2026-11-10T08:30:00Z", "tags": ["кофе"], "consents": [{"purpose": "ads", "given": true}],
		"client": {"phone": "+79162220001", "attributes": {"child_birth_date": "2020-11-15"}}}`)
	w.post("till", sale("3", "new", "2026-11-11T08:00:00Z", `"phone": "+79162220001"`, "50.00"))
	night := func(day string) pipeline.NightReport {
		w.now = at(day + "T20:00:00Z")
		w.compact()
		return w.night(day)
	}
	if got := night("2026-11-10").Segments["kofe"]; got != 0 {
		t.Errorf("on the day of the purchase: %d members", got)
	}
	report := night("2026-11-12")
	for key, want := range map[string]int64{"kofe": 1, "unfinished_order": 1, "birthday_child": 1, "birthday_pet": 0, "buyers": 2} {
		if got := report.Segments[key]; got != want {
			t.Errorf("%s: %d members, want %d", key, got, want)
		}
	}
	why, err := w.Why(t.Context(), "+79162220001")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(why.Segments, func(s pipeline.WhySegment) bool { return s.Segment == "kofe" })
	if i < 0 || why.Segments[i].SinceDay != "2026-11-12" || len(why.Segments[i].Reasons) != 3 || why.Segments[i].Reasons[1].String() != "recency_days >= 1 (recency_days = 2)" {
		t.Errorf("why: %+v", why.Segments)
	}
	not, err := w.WhySegment(t.Context(), "+79162220002", "kofe")
	if err != nil || not.SinceDay != "" || len(not.Reasons) != 2 || not.Reasons[0].Holds || not.Reasons[0].String() != `"кофе" in tags (tags = [])` {
		t.Errorf("why not: %+v, %v", not, err)
	}
	if _, err := w.WhySegment(t.Context(), "+79162220002", "nobody-knows"); !errors.Is(err, pipeline.ErrNoSegment) {
		t.Errorf("a segment that is none: %v", err)
	}
	shown, err := w.NightOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s := shown.Segments[0]; s.Key != "kofe" || s.Clients != 1 || s.Entered == nil || *s.Entered != 1 || *s.Left != 0 || s.Title.RU != "Кофе" {
		t.Errorf("the page shows first: %+v", s)
	}
	if rows := rows[schema.SegmentCatalogueRow](w); len(rows) < 10 || rows[0].Segment != "kofe" {
		t.Errorf("catalogue: %v", rows)
	}
	if !slices.ContainsFunc(w.export().Bundles, func(b pipeline.BundleReport) bool { return b.Manifest.Segment == "kofe" && b.Manifest.Members == 1 }) {
		t.Error("no audience files of the owner's segment")
	}
}

// A rule that is wrong stops the night and is never left out of it; webhooks go on.
func TestABadRuleStopsTheNight(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + "\nsegments: [{name: a, rule: recency_day > 90}]\n")
	if _, err := w.Analyse(t.Context(), pipeline.NightRequest{}); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "did you mean recency_days") {
		t.Errorf("a night with a bad rule: %v", err)
	}
	w.post("till", sale("1", "paid", "2026-11-01T08:00:00Z", `"phone": "+79162220001"`, "100.00"))
	w.configure(shopConfig)
	if report := w.compact(); report.Events != 1 {
		t.Errorf("deliveries of the meantime: %+v", report)
	}
}
