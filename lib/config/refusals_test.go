package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
)

// Every refusal of metrics: the line is that of the key that is wrong, and the reason
// says what is wanted. Beside TestFaultsNameTheLineAndTheReason, which has one of each
// kind for the whole file.
func TestEveryRefusalOfMetrics(t *testing.T) {
	covered := func(k int, instead ...string) string {
		var codes []string
		for n := range k * k * k {
			codes = append(codes, fmt.Sprintf(`"%d%d%d"`, n/(k*k)+1, n/k%k+1, n%k+1))
		}
		for i := 0; i+1 < len(instead); i += 2 {
			codes[slices.Index(codes, `"`+instead[i]+`"`)] = `"` + instead[i+1] + `"`
		}
		return strings.Join(codes, ", ")
	}
	refused := map[string]bool{}
	for _, tc := range []struct {
		text       string
		line       int
		path, want string
	}{
		{"rfm:\n    groups: 1", 3, "rfm.groups", "want at least 2, got 1"},
		{"rfm:\n    groups: 10", 3, "rfm.groups", "want at most 9, got 10"},
		{"rfm:\n    groups: 2.5", 3, "rfm.groups", "want a whole number"},
		{"rfm:\n    groups: three", 3, "rfm.groups", "want a whole number, got text"},
		{"rfm:\n    method: deciles", 3, "rfm.method", "want one of quantile, ntile, fixed"},
		{"rfm:\n    frequency: weeks", 3, "rfm.frequency", "want one of orders, days"},
		{"rfm:\n    monetary: median", 3, "rfm.monetary", "want one of sum, average"},
		{"rfm:\n    window_days: -1", 3, "rfm.window_days", "want at least 0, got -1"},
		{"rfm:\n    window_days: 40000", 3, "rfm.window_days", "want at most 36500, got 40000"},
		{"rfm:\n    window: 30", 3, "rfm.window", "unknown key; known here: f_bounds, frequency, groups"},
		{"rfm:\n    method: fixed\n    r_bounds: [90, 30]\n    f_bounds: [1, 2]\n    m_bounds: [1, 2]", 4, "rfm.r_bounds", "bounds must rise: 30 after 90"},
		{"rfm:\n    method: fixed\n    r_bounds: [30, 90]\n    f_bounds: [2, 2]\n    m_bounds: [1, 2]", 5, "rfm.f_bounds", "bounds must rise: 2 after 2"},
		{"rfm:\n    method: fixed\n    r_bounds: [30, 90]\n    f_bounds: [1, 2]\n    m_bounds: [5, 1]", 6, "rfm.m_bounds", "bounds must rise: 1 after 5"},
		{"rfm:\n    method: fixed\n    r_bounds: [30, 90, 100]\n    f_bounds: [1, 2]\n    m_bounds: [1, 2]", 4, "rfm.r_bounds", "method fixed with 3 groups needs 2 bounds, got 3"},
		{"rfm:\n    method: fixed\n    r_bounds: [a, b]\n    f_bounds: [1, 2]\n    m_bounds: [1, 2]", 4, "rfm.r_bounds.0", "want a number, got text"},
		{"rfm:\n    method: fixed", 2, "rfm.r_bounds", "needs 2 bounds, got 0"},
		{"rfm:\n    groups: 4", 2, "rfm.playbook", "every one of the 64 codes must be covered once; 0 are"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: all, codes: [" + covered(2, "212", "111") + "]}", 4, "rfm.playbook", "every one of the 8 codes must be covered once; 7 are"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: all, codes: [" + covered(2) + "]}\n      - segment: more\n        codes: [\"222\"]", 7, "rfm.playbook.1.codes", "code 222 is covered twice, by all and more"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: all, codes: [" + covered(2, "212", "213") + "]}", 5, "rfm.playbook.0.codes", `"213" is no code of 2 groups`},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: all, codes: [\"111\"]}", 4, "rfm.playbook", "every one of the 8 codes must be covered once; 1 are"},
		{"rfm:\n    playbook:\n      - {segment: all, codes: [\"333\"]}", 3, "rfm.playbook", "with 3 groups every one of the 27 codes"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: a b, codes: []}", 5, "rfm.playbook.0.segment", "want letters, digits, dot, dash and underscore"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {codes: []}", 5, "rfm.playbook.0", "needs segment"},
		{"rfm:\n    groups: 2\n    playbook:\n      - {segment: all, codes: [111]}", 5, "rfm.playbook.0.codes.0", "want text, got a number"},
		{"abc:\n    method: pareto", 3, "abc.method", "want one of money_share, rank_share"},
		{"abc:\n    a: 0", 3, "abc.a", "want more than 0, got 0"},
		{"abc:\n    a: 1", 3, "abc.a", "want less than 1, got 1"},
		{"abc:\n    b: 1.01", 3, "abc.b", "want at most 1, got 1.01"},
		{"abc:\n    a: 0.95", 2, "abc", "a (0.95) must be below b (0.95)"},
		{"xyz:\n    x: -0.1", 3, "xyz.x", "want at least 0, got -0.1"},
		{"xyz:\n    y: 0", 3, "xyz.y", "want more than 0, got 0"},
		{"xyz:\n    x: 0.25", 2, "xyz", "x (0.25) must be below y (0.25)"},
		{"xyz:\n    y: 101", 3, "xyz.y", "want at most 100, got 101"},
		{"xyz:\n    value: profit", 3, "xyz.value", "want one of revenue, quantity"},
		{"xyz:\n    period: day", 3, "xyz.period", "want one of month, week, quarter"},
		{"xyz:\n    first_period: 2026-00", 3, "xyz.first_period", "want a month or a day that exists"},
		{"xyz:\n    min_periods: 1001", 3, "xyz.min_periods", "want at most 1000, got 1001"},
		{"recency_bands: []", 2, "recency_bands", "want at least 1 entries"},
		{"recency_bands: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", 2, "recency_bands", "want at most 9 entries, got 10"},
		{"recency_bands:\n    - 30\n    - 30", 4, "recency_bands.1", "the last days of bands must rise: 30 after 30"},
		{"recency_bands:\n    - 30\n    - 7", 4, "recency_bands.1", "the last days of bands must rise: 7 after 30"},
		{"recency_bands: [-1]", 2, "recency_bands.0", "want at least 0, got -1"},
		{"recency_bands: [7.5]", 2, "recency_bands.0", "want a whole number"},
		{"active_days: 365", 2, "active_days", "want fewer days than sleeping_days (365), got 365"},
		{"sleeping_days: 60", 1, "active_days", "want fewer days than sleeping_days (60), got 90"},
		{"cohorts: open", 2, "cohorts", "want one of bounded, unbounded"},
		{"margin: 0", 2, "margin", "want more than 0, got 0"},
		{"margin: 1.5", 2, "margin", "want at most 1, got 1.5"},
		{"ltv_horizon_months: -1", 2, "ltv_horizon_months", "want at least 0, got -1"},
		{"ltv_horizon_months: 1201", 2, "ltv_horizon_months", "want at most 1200, got 1201"},
		{"link_by_email: maybe", 2, "link_by_email", "want true or false, got text"},
		{"skip_zero_orders: 1", 2, "skip_zero_orders", "want true or false, got a number"},
		{"basket:\n    min_tickets: 0", 3, "basket.min_tickets", "want at least 1, got 0"},
		{"basket:\n    max_items: 1", 3, "basket.max_items", "want at least 2, got 1"},
		{"basket:\n    max_pairs: 0", 3, "basket.max_pairs", "want at least 1, got 0"},
		{"replenishment:\n    level: client", 3, "replenishment.level", "want one of item, category"},
		{"replenishment:\n    days_ahead: -1", 3, "replenishment.days_ahead", "want at least 0, got -1"},
		{"replenishment:\n    min_purchases: 2", 3, "replenishment.min_purchases", "want at least 3, got 2"},
		{"seasons:\n    - {name: a, day: \"13-01\", days_before: 1}", 3, "seasons.0.day", "every year has"},
		{"seasons:\n    - {name: a, day: \"8 March\", days_before: 1}", 3, "seasons.0.day", "a day of the year as"},
		{"seasons:\n    - {name: a, day: \"03-08\", days_before: 181}", 3, "seasons.0.days_before", "want at most 180, got 181"},
		{"seasons:\n    - {name: a, day: \"03-08\", days_before: 100, days_after: 81}", 3, "seasons.0", "at most 180 days around the day, got 181"},
		{"lead_score:\n    observe_days: 366", 3, "lead_score.observe_days", "want at most 365, got 366"},
		{"lead_score:\n    won_days: 0", 3, "lead_score.won_days", "want at least 1, got 0"},
		{"lead_score:\n    points:\n      - {when: {source: vk}, points: 1001}", 4, "lead_score.points.0.points", "want at most 1000, got 1001"},
		{"lead_score:\n    points:\n      - {when: {source: vk}}", 4, "lead_score.points.0", "needs points"},
		{"lead_score:\n    points:\n      - {when: {}, points: 1}", 4, "lead_score.points.0.when", "want a condition"},
		{"lead_score:\n    points:\n      - {when: {stage: won}, points: 1}", 4, "lead_score.points.0.when.stage", "what the score foretells"},
		{"lead_score:\n    points:\n      - {when: {complete: false}, points: 1}", 4, "lead_score.points.0.when.complete", ""},
		{"lead_score:\n    points:\n      - {when: {within_days: -1}, points: 1}", 4, "lead_score.points.0.when.within_days", "want at least 0, got -1"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			refusedBy(t, "metrics:\n  "+tc.text+"\n", tc.line, "metrics."+tc.path, tc.want)
		})
		refused[strings.SplitN(tc.path, ".", 2)[0]] = true
	}
	// Whole numbers of days and the like: below the least, above the most.
	for key, most := range map[string]int{
		"churn_days": 3650, "active_days": 3650, "dead_days": 36500, "sleeping_days": 36500, "new_days": 36500, "newcomer_days": 36500,
		"regular_orders": 36500, "key_days": 36500, "lead_wait_days": 36500, "max_shared": 100_000, "dedupe_days": 400, "contacts_per_month": 1000,
	} {
		refusedBy(t, fmt.Sprintf("metrics:\n  margin: 1\n  %s: 0\n", key), 3, "metrics."+key, "want at least 1, got 0")
		refusedBy(t, fmt.Sprintf("metrics:\n  %s: %d\n", key, most+1), 2, "metrics."+key, fmt.Sprintf("want at most %d, got %d", most, most+1))
		refusedBy(t, fmt.Sprintf("metrics: {%s: 1.5}\n", key), 1, "metrics."+key, "want a whole number")
		refused[key] = true
	}
	// Nothing of metrics may be without a refusal here.
	_, err := config.Parse([]byte("metrics: {nothing: 1}\n"))
	_, known, _ := strings.Cut(err.Error(), "known here: ")
	for key := range strings.SplitSeq(known, ", ") {
		if !refused[key] {
			t.Errorf("no refusal of metrics.%s is tested", key)
		}
	}
}

// Every refusal of what says who is handed over.
func TestEveryRefusalOfExports(t *testing.T) {
	const two = "segments:\n  - {name: a, rule: orders > 1}\n  - {name: b, rule: orders > 2}\n" // lines 1 to 3
	for _, tc := range []struct {
		text       string
		line       int
		path, want string
	}{
		{"exports:\n  - {segment: a, platforms: [vk], exclude: b}", 2, "exports.0.exclude", "want a list, got text"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    exclude: [b, b]", 4, "exports.0.exclude", "want every entry once"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    exclude:\n      - b\n      - a", 6, "exports.0.exclude.1", "without the members of its own segment is empty"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    priority: 0", 4, "exports.0.priority", "want at least 1, got 0"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    priority: 1001", 4, "exports.0.priority", "want at most 1000, got 1001"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    priority: first", 4, "exports.0.priority", "want a whole number, got text"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    purpose: fax", 4, "exports.0.purpose", "want one of ads, email, sms, call, messenger"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    purpose: processing", 4, "exports.0.purpose", "want one of ads, email, sms, call, messenger"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    unlock: please", 4, "exports.0.unlock", "want true or false, got text"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    unlocked: true", 4, "exports.0.unlocked", "known here: exclude, hashed, holdout, platforms, priority, purpose, segment, unlock"},
		{"exports:\n  - segment: a\n    platforms: [vk]\n    holdout: 0.95", 4, "exports.0.holdout", "want at most 0.9, got 0.95"},
		{"exports:\n  - {segment: a, platforms: [vk, vk]}", 2, "exports.0.platforms.1", "segment a is exported to vk twice"},
		{"exports:\n  - {segment: a, platforms: [yandex, vk]}\n  - segment: a\n    hashed: true\n    platforms:\n      - csv\n      - vk", 7, "exports.1.platforms.1", "segment a is exported to vk twice"},
		{"exclude: employees", 1, "exclude", "want a list, got text"},
		{"exclude: [a, a]", 1, "exclude", "want every entry once"},
		{"exclude:\n  - 7", 2, "exclude.0", "want text, got a number"},
		{"exclude: [b]\n" + two + "exports:\n  - {segment: a, platforms: [vk]}\n  - {segment: b, platforms: [vk]}", 7, "exports.1.segment", "the members of b are in no file at all"},
		{"sensitive: gynaecology", 1, "sensitive", "want a list, got text"},
		{"sensitive: [бады, бады]", 1, "sensitive", "want every entry once"},
		{"sensitive:\n  - гинекология\n  - \"\"", 3, "sensitive.1", "want a word of at least one letter or digit"},
		{"sensitive: [\"--\"]", 1, "sensitive.0", "want a word of at least one letter or digit"},
		{"canaries:\n  email_domain: a@shop.example", 2, "canaries.email_domain", "want a domain in Latin letters such as canary.shop.example"},
		{"canaries:\n  email_domain: \"\"", 2, "canaries.email_domain", "want a domain"},
		{"canaries:\n  email_domain: localhost", 2, "canaries.email_domain", "want a domain"},
		{"canaries:\n  domain: shop.example", 2, "canaries.domain", "unknown key; known here: email_domain"},
	} {
		t.Run(tc.text, func(t *testing.T) { refusedBy(t, tc.text+"\n", tc.line, tc.path, tc.want) })
	}
}

// What the file says of exports is what the program reads, and nothing said is the
// defaults.
func TestConditionsOfExportsParse(t *testing.T) {
	c := parse(t, "metrics: {contacts_per_month: 5}\nexclude: [employees]\nsensitive: [gynaecology, \"18+\", Вейпы]\ncanaries: {email_domain: xn--80aswg.canary.shop.example}\n"+
		"exports:\n  - {segment: asleep-coffee, platforms: [yandex, vk], hashed: true, holdout: 0.1, exclude: [champions], priority: 1, purpose: sms, unlock: true}\n  - {segment: asleep-coffee, platforms: [csv]}\n")
	want := []config.Export{
		{Segment: "asleep-coffee", Platforms: []string{"yandex", "vk"}, Hashed: true, Holdout: 0.1, Exclude: []string{"champions"}, Priority: 1, Purpose: "sms", Unlock: true},
		{Segment: "asleep-coffee", Platforms: []string{"csv"}},
	}
	if diff := cmp.Diff(want, c.Exports); diff != "" || c.Metrics.ContactsMonth != 5 || !slices.Equal(c.Exclude, []string{"employees"}) || len(c.Sensitive) != 3 {
		t.Errorf("metrics %+v, exclude %v, sensitive %v, exports (-want +got):\n%s", c.Metrics, c.Exclude, c.Sensitive, diff)
	}
	for _, text := range []string{"", "metrics: {margin: 1}\n"} {
		if got := parse(t, text).Metrics.ContactsMonth; got != 3 {
			t.Errorf("%q: %d contacts in 30 days, want 3", text, got)
		}
	}
}

func refusedBy(t *testing.T, text string, line int, path, want string) {
	t.Helper()
	_, err := config.Parse([]byte(text))
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatalf("error %v, want one that matches ErrInvalid", err)
	}
	fault, _ := errors.AsType[*config.Fault](err)
	if fault.Line != line || fault.Path != path || !strings.Contains(fault.Reason, want) {
		t.Errorf("%s\nfault = %d %q %q\nwant    %d %q …%q…", text, fault.Line, fault.Path, fault.Reason, line, path, want)
	}
}

func TestBandsOfTheFileReplaceTheBuiltIn(t *testing.T) {
	if c := parse(t, "metrics: {recency_bands: [0, 14]}\n"); !slices.Equal(c.Metrics.RecencyBands, []int{0, 14}) {
		t.Errorf("bands %v", c.Metrics.RecencyBands)
	}
	if c := parse(t, "metrics: {margin: 1}\n"); !slices.Equal(c.Metrics.RecencyBands, []int{7, 30, 60, 90, 180, 365, 730}) {
		t.Errorf("bands %v", c.Metrics.RecencyBands)
	}
}
