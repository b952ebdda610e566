package handover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/schema"
)

func TestWarnings(t *testing.T) {
	everybody := map[consent.Purpose]int64{consent.Ads: 5, consent.Email: 4, consent.SMS: 3, consent.Call: 2, consent.Messenger: 1}
	for _, tc := range []struct {
		name, text string
		given      map[consent.Purpose]int64
		uncounted  bool // the night knows nothing of the owner's segments
		want       []string
	}{
		{"nothing exported", "", everybody, false, nil},
		{"nothing wrong", "exports: [{segment: buyers, platforms: [yandex, unisender]}]", everybody, false, nil},
		{"a locked export", "segments: [{name: a, rule: '\"Онкология\" in categories'}]\nexports: [{segment: a, platforms: [yandex, unisender, vk]}]", everybody, false, []string{
			"export of a to yandex, vk is locked: the segment is sensitive by “онколог”",
		}},
		{"an unlocked export", "segments: [{name: a, rule: '\"Онкология\" in categories'}]\nexports: [{segment: a, platforms: [yandex], unlock: true}]", everybody, false, nil},
		{"all buyers before the best", "exports: [{segment: buyers, platforms: [vk], priority: 1}, {segment: champions, platforms: [vk, yandex], priority: 2}]", everybody, false, []string{
			"export of champions to vk is always empty: all its members are in buyers, which comes before",
		}},
		{"the best before all buyers", "exports: [{segment: buyers, platforms: [vk], priority: 2}, {segment: champions, platforms: [vk], priority: 1}]", everybody, false, nil},
		{"one rule twice", "segments: [{name: a, rule: orders > 5}, {name: b, rule: orders > 5}]\nexports: [{segment: a, platforms: [vk]}, {segment: b, platforms: [vk], priority: 1}]", everybody, false, []string{
			"export of a to vk is always empty: all its members are in b, which comes before",
		}},
		{"its own rule excluded", "exclude: [b]\nsegments: [{name: a, rule: orders > 5}, {name: b, rule: orders > 5}]\nexports: [{segment: a, platforms: [vk]}]", everybody, false, []string{
			"export of a to vk is always empty: all its members are in b, which is excluded",
		}},
		{"buyers excluded", "exclude: [buyers]\nexports: [{segment: champions, platforms: [csv]}]", everybody, false, []string{
			"export of champions to csv is always empty: all its members are in buyers, which is excluded",
		}},
		{"an exclusion not counted", "exclude: [b]\nsegments: [{name: b, rule: orders > 5}]\nexports: [{segment: buyers, platforms: [csv, vk]}]", everybody, true, []string{
			"export of buyers to vk, csv waits: a segment that it excludes is new or has a new rule",
		}},
		{"nobody allows letters", "exports: [{segment: buyers, platforms: [yandex, unisender]}, {segment: champions, platforms: [mindbox]}]", map[consent.Purpose]int64{consent.Ads: 5}, false, []string{
			"no client has given consent to email, which the export of buyers to unisender, champions to mindbox asks for",
		}},
		{"nobody allows anything", "exports: [{segment: buyers, platforms: [yandex], purpose: sms}]", map[consent.Purpose]int64{}, false, []string{
			"no client has given consent to ads, which the export of buyers to yandex asks for", "no client has given consent to sms, which the export of buyers to yandex asks for",
		}},
		{"no night yet", "exports: [{segment: buyers, platforms: [unisender]}]", nil, false, nil},
	} {
		cfg := parsed(t, tc.text+"\n")
		rows := catalogue(cfg)
		if tc.uncounted {
			rows = rows[len(cfg.Segments):]
		}
		var got []string
		for _, w := range handover.Warnings(cfg, handover.Segments(cfg, sum, rows), tc.given) {
			if got = append(got, w.Says); w.Do == "" || strings.HasSuffix(w.Says, ".") {
				t.Errorf("%s: %+v", tc.name, w)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// A growing segment that is empty tonight is planned under its key, and its key
// alone may lock it.
func TestAnAskedSegmentWithoutMembersIsPlanned(t *testing.T) {
	cfg := parsed(t, "exports: [{segment: interest_ginekologiya_clients, platforms: [yandex]}, {segment: interest_kofe_clients, platforms: [yandex]}]\n")
	plan := handover.Plan(cfg, handover.Segments(cfg, sum, []schema.SegmentCatalogueRow{}))
	if e := find(t, plan, "interest_ginekologiya_clients", "yandex"); e.Locked == nil {
		t.Errorf("%+v", e)
	}
	if e := find(t, plan, "interest_kofe_clients", "yandex"); e.Locked != nil || e.Name != "interest_kofe_clients" {
		t.Errorf("%+v", e)
	}
}
