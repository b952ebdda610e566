package handover_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/segment"
)

var update = flag.Bool("update", false, "write the golden file anew")

// everything uses every key that says who is handed over.
const everything = `
metrics: {contacts_per_month: 4}
sensitive: [piercing]
exclude: [employees]
segments:
  - {name: employees, rule: '"employee" in tags'}
  - {name: asleep-coffee, title: {ru: "Уснувшие, кофе", en: Asleep coffee drinkers}, rule: 'activity == "sleeping" && "coffee" in categories'}
  - {name: pierced, title: {ru: Пирсинг, en: Piercing}, rule: '"piercing" in categories'}
  - {name: clinic, rule: '"Онкология" in interests'}
exports:
  - {segment: asleep-coffee, platforms: [yandex, vk, dialler], hashed: true, holdout: 0.1, exclude: [loyal], priority: 2}
  - {segment: champions, platforms: [yandex, xlsx, unisender], priority: 1, purpose: sms}
  - {segment: pierced, platforms: [yandex, mailchimp], priority: 1}
  - {segment: clinic, platforms: [yandex, tads], unlock: true, priority: 3}
  - {segment: buyers, platforms: [yandex, csv, meta]}
  - {segment: tag_vip, platforms: [csv], purpose: messenger}
`

func parsed(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(text), segment.Check)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// catalogue is what a night says of the owner's segments and of some built-in ones.
func catalogue(cfg *config.Config) []schema.SegmentCatalogueRow {
	var rows []schema.SegmentCatalogueRow
	for _, s := range cfg.Segments {
		rows = append(rows, schema.SegmentCatalogueRow{Segment: s.Name, Family: segment.FamilyOwn, TitleRU: s.Title["ru"], TitleEN: s.Title["en"], Rule: s.Rule})
	}
	return append(rows,
		schema.SegmentCatalogueRow{Segment: "champions", Family: segment.FamilyRFM, TitleRU: "Чемпионы", TitleEN: "Champions", Rule: `rfm_segment == "champions"`},
		schema.SegmentCatalogueRow{Segment: segment.Buyers, Family: segment.Buyers, TitleRU: "Все покупатели", TitleEN: "All buyers", Rule: "orders >= 1"},
		schema.SegmentCatalogueRow{Segment: "rfm_333", Family: segment.FamilyCodes, Rule: `rfm_code == "333"`}, // nobody asks for it
	)
}

func sum(kind, text string) [32]byte {
	return identity.NewKey([]byte("a key of the plan's tests.......")).Sum(kind, text)
}

func planOf(t *testing.T, text string) []handover.Export {
	t.Helper()
	cfg := parsed(t, text)
	return handover.Plan(cfg, handover.Segments(cfg, sum, catalogue(cfg)))
}

func find(t *testing.T, plan []handover.Export, segment, platform string) handover.Export {
	t.Helper()
	i := slices.IndexFunc(plan, func(e handover.Export) bool { return e.Segment == segment && e.Platform == platform })
	if i < 0 {
		t.Fatalf("no bundle of %s for %s", segment, platform)
	}
	return plan[i]
}

func TestPlanOfAConfigurationWithEverything(t *testing.T) {
	const golden = "testdata/plan.json"
	var body bytes.Buffer
	for _, e := range planOf(t, everything) {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		body.Write(append(line, '\n'))
	}
	if *update {
		if err := os.WriteFile(golden, body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(body.String(), "\n")); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// By hand: without an export, the four platforms that are not on request.
func TestPlanOfNothingConfigured(t *testing.T) {
	var got []string
	for _, e := range planOf(t, "") {
		got = append(got, e.Segment+"/"+e.Platform)
		if !slices.Equal(e.Purposes, []consent.Purpose{consent.Ads}) || e.Message || e.Locked != nil || e.Above != nil || e.Exclude != nil || e.Name != e.Segment || e.Budget != 3 {
			t.Errorf("%+v", e)
		}
	}
	if want := []string{"buyers/yandex", "buyers/vk", "buyers/google", "buyers/csv", "champions/yandex", "champions/vk", "champions/google", "champions/csv"}; !slices.Equal(got, want) {
		t.Errorf("bundles %v, want %v", got, want)
	}
}

func TestThePurposeGoesByThePlatformUnlessItIsSaid(t *testing.T) {
	for _, tc := range []struct {
		platform, purpose string
		want              []consent.Purpose
		message           bool
	}{
		{"yandex", "", []consent.Purpose{consent.Ads}, false},
		{"yandex", "ads", []consent.Purpose{consent.Ads}, false},
		{"yandex", "email", []consent.Purpose{consent.Ads, consent.Email}, false}, // letters allowed are no advertising allowed
		{"tads", "", []consent.Purpose{consent.Ads}, false},
		{"csv", "", []consent.Purpose{consent.Ads}, false},
		{"xlsx", "sms", []consent.Purpose{consent.SMS}, true},
		{"csv", "call", []consent.Purpose{consent.Call}, true},
		{"dialler", "", []consent.Purpose{consent.Call}, true},
		{"dialler", "messenger", []consent.Purpose{consent.Messenger}, true},
		{"unisender", "", []consent.Purpose{consent.Email}, true},
		{"mailchimp", "", []consent.Purpose{consent.Email}, true},
		{"sendpulse", "sms", []consent.Purpose{consent.SMS}, true},
		{"mindbox", "ads", []consent.Purpose{consent.Ads}, true},
	} {
		words := map[int]string{1: string(tc.want[0])}[len(tc.want)]
		if len(tc.want) == 2 {
			words = "ads, email"
		}
		text := "exports: [{segment: buyers, platforms: [" + tc.platform + "]"
		if tc.purpose != "" {
			text += ", purpose: " + tc.purpose
		}
		got := find(t, planOf(t, text+"}]\n"), "buyers", tc.platform)
		if !slices.Equal(got.Purposes, tc.want) || got.Purpose() != words || got.Message != tc.message {
			t.Errorf("%s with purpose %q: %v, message %v; want %v, %v", tc.platform, tc.purpose, got.Purposes, got.Message, tc.want, tc.message)
		}
	}
}

// Of a person in several exported segments of a platform the first by priority has
// him. Bundles that no export names take no part, nor do locked ones.
func TestPriorities(t *testing.T) {
	plan := planOf(t, `
segments:
  - {name: a, rule: orders > 1}
  - {name: b, rule: orders > 2}
  - {name: c, rule: orders > 3}
  - {name: d, rule: orders > 4}
  - {name: health, rule: orders > 5}
exports:
  - {segment: d, platforms: [yandex, vk]}
  - {segment: c, platforms: [yandex], priority: 2}
  - {segment: b, platforms: [yandex], priority: 2}
  - {segment: a, platforms: [yandex, csv], priority: 1}
  - {segment: health, platforms: [yandex, csv], priority: 1}
`)
	for _, tc := range []struct {
		segment, platform string
		want              []string
	}{
		{"a", "yandex", nil},
		{"b", "yandex", []string{"a"}},
		{"c", "yandex", []string{"a"}},
		{"d", "yandex", []string{"a", "b", "c"}},
		{"d", "vk", nil},
		{"d", "csv", nil},
		{"champions", "yandex", nil},
		{"a", "csv", nil},
	} {
		if got := find(t, plan, tc.segment, tc.platform).Above; !slices.Equal(got, tc.want) {
			t.Errorf("before %s for %s come %v, want %v", tc.segment, tc.platform, got, tc.want)
		}
	}
}

// What leaves bears no sensitive word: the name of a list is keyed and says nothing.
func TestSensitiveSegmentsHaveNeutralNames(t *testing.T) {
	plan := planOf(t, everything)
	for _, key := range []string{"pierced", "clinic"} {
		for _, platform := range []string{"yandex", "csv"} {
			e := find(t, plan, key, platform)
			if e.Name != handover.NeutralName(sum, key) || !strings.HasPrefix(e.Name, "list-") || len(e.Name) != len("list-")+8 {
				t.Errorf("%s for %s is called %q", key, platform, e.Name)
			}
		}
	}
	if e := find(t, plan, "pierced", "yandex"); e.Locked == nil || e.LockedBy != audience.ReasonSensitive || e.Unlocked || strings.Contains(strings.ToLower(e.Locked.RU+e.Locked.EN), "pierc") {
		t.Errorf("pierced for yandex: %+v", e)
	}
	for _, platform := range []string{"mailchimp", "csv"} {
		if e := find(t, plan, "pierced", platform); e.Locked != nil || e.Unlocked {
			t.Errorf("pierced for %s: %+v", platform, e)
		}
	}
	for _, platform := range []string{"yandex", "tads"} {
		if e := find(t, plan, "clinic", platform); e.Locked != nil || !e.Unlocked {
			t.Errorf("clinic for %s: %+v", platform, e)
		}
	}
	if e := find(t, plan, "clinic", "vk"); e.Locked == nil { // unlocked for what its export names, not beyond
		t.Errorf("clinic for vk: %+v", e)
	}
	if handover.NeutralName(sum, "pierced") == handover.NeutralName(sum, "clinic") {
		t.Error("two segments of one name")
	}
}

// An exclusion that the night has not counted as it is now would keep out the wrong
// people or nobody: there is no file until it is.
func TestNothingLeavesBeforeTheExclusionIsCounted(t *testing.T) {
	cfg := parsed(t, "exclude: [employees]\nsegments:\n  - {name: employees, rule: '\"employee\" in tags'}\n")
	for name, tc := range map[string]struct {
		rows   []schema.SegmentCatalogueRow
		locked bool
	}{
		"counted":     {catalogue(cfg), false},
		"new":         {catalogue(cfg)[1:], true},
		"of old rule": {append([]schema.SegmentCatalogueRow{{Segment: "employees", Family: segment.FamilyOwn, Rule: `"staff" in tags`}}, catalogue(cfg)[1:]...), true},
	} {
		for _, e := range handover.Plan(cfg, handover.Segments(cfg, sum, tc.rows)) {
			if (e.Locked != nil) != tc.locked || tc.locked && (e.LockedBy != audience.ReasonExcluded || e.Decide(client("ads", "given"), handover.Standing{}) != audience.ReasonExcluded) {
				t.Errorf("%s: %s for %s: locked %v by %q, want %v", name, e.Segment, e.Platform, e.Locked != nil, e.LockedBy, tc.locked)
			}
		}
	}
}

// The plan goes by what the segments are, not by how they are listed.
func TestPlanDoesNotDependOnTheOrderOfSegments(t *testing.T) {
	cfg := parsed(t, everything)
	rows := catalogue(cfg)
	want := handover.Plan(cfg, handover.Segments(cfg, sum, rows))
	slices.Reverse(rows)
	segments := handover.Segments(cfg, sum, rows)
	slices.Reverse(segments)
	if diff := cmp.Diff(want, handover.Plan(cfg, segments)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsExported(t *testing.T) {
	cfg := parsed(t, everything)
	var got []string
	for _, s := range handover.Segments(cfg, sum, catalogue(cfg)) {
		got = append(got, s.Key)
		if (s.Sensitive != "") != (s.Neutral != "") || s.Title.RU == "" || s.Title.EN == "" {
			t.Errorf("%+v", s)
		}
	}
	if want := []string{"asleep-coffee", "buyers", "champions", "clinic", "employees", "pierced", "tag_vip"}; !slices.Equal(got, want) {
		t.Errorf("segments %v, want %v", got, want)
	}
}
