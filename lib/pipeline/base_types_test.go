package pipeline_test

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// The as-of day of these tests, and its end in Moscow: 21:00 UTC.
const lastDayOf = "2026-11-30"

// begins and ends are the first and the last second of the business day so many
// days before the last one. Both lie on another day of UTC: 21:00:00 of the day
// before and 20:59:59.
func begins(daysAgo int) string {
	return at("2026-11-29T21:00:00Z").AddDate(0, 0, -daysAgo).Format(time.RFC3339)
}

func ends(daysAgo int) string {
	return at("2026-11-30T20:59:59Z").AddDate(0, 0, -daysAgo).Format(time.RFC3339)
}

// base posts what people did, each under a phone of his own, and returns the
// clients of the night by the names that the test gave them.
type base struct {
	*world
	phones map[string]string
	n      int
}

func newBase(t *testing.T) *base {
	w := newWorld(t)
	w.now = at("2026-12-01T09:00:00Z")
	return &base{world: w, phones: map[string]string{}}
}

func (b *base) phone(name string) string {
	if b.phones[name] == "" {
		b.phones[name] = fmt.Sprintf("+7916444%04d", len(b.phones))
	}
	return b.phones[name]
}

// say posts an event of a kind; rest continues the JSON object.
func (b *base) say(name, kind, when, rest string) {
	b.Helper()
	b.n++
	b.post("till", fmt.Sprintf(`{"id": "e%d", "kind": "%s", "at": "%s", "client": {"phone": "%s"}%s}`, b.n, kind, when, b.phone(name), rest))
}

// buy posts a paid order of 100.00, or of another total.
func (b *base) buy(name, when string, total ...string) {
	b.Helper()
	b.n++
	b.post("till", sale(fmt.Sprintf("o%d", b.n), "paid", when, fmt.Sprintf(`"phone": "%s"`, b.phone(name)), cmp.Or(strings.Join(total, ""), "100.00")))
}

// clients runs the night of lastDayOf.
func (b *base) clients() map[string]schema.ClientRow {
	b.Helper()
	b.compact()
	b.night(lastDayOf)
	byID := map[string]schema.ClientRow{}
	for _, row := range rows[schema.ClientRow](b.world) {
		byID[row.ClientID] = row
		for _, alias := range row.Aliases {
			byID[alias] = row
		}
	}
	named := map[string]schema.ClientRow{}
	for name, phone := range b.phones {
		token, err := b.TokenOf(b.Context(), phone)
		if err != nil {
			b.Fatal(err)
		}
		row, ok := byID[string(token)]
		if !ok {
			b.Fatalf("no client for %q", name)
		}
		named[name] = row
	}
	return named
}

// Every boundary of metrics.md, "Base types", by the day and in the business's time
// zone, from the webhook to gold/clients.
func TestBaseTypesByTheDay(t *testing.T) {
	b := newBase(t)
	want := map[string]string{} // lifecycle activity labels
	expect := func(name, types string) { want[name] = types }

	for _, c := range []struct {
		name, when, want string
	}{
		{"bought in the last second", ends(0), "working active newcomer"},
		{"bought 30 days ago", begins(30), "working active newcomer"},
		{"bought 31 days ago", ends(31), "working active"},
		{"bought 90 days ago", begins(90), "working active"},
		{"bought 91 days ago", ends(91), "working cooling"},
		{"bought 365 days ago", begins(365), "working cooling"},
		{"bought 366 days ago", ends(366), "working sleeping"},
		{"bought 729 days ago", begins(729), "working sleeping"},
		{"bought 730 days ago", ends(730), "working dead"},
	} {
		b.buy(c.name, c.when)
		expect(c.name, c.want)
	}
	b.buy("bought 730 days ago and called since", ends(730))
	b.say("bought 730 days ago and called since", "contact", begins(729), `, "contact": {"channel": "call"}`)
	expect("bought 730 days ago and called since", "working sleeping")

	for _, c := range []struct {
		name, when, want string
	}{
		{"asked 30 days ago", begins(30), "lead new"},
		{"asked 31 days ago", ends(31), "lead waiting"},
		{"asked 729 days ago", begins(729), "lead waiting"},
		{"asked 730 days ago", ends(730), "lead dead"},
	} {
		b.say(c.name, "lead", c.when, "")
		expect(c.name, c.want)
	}
	b.say("asked long ago, wrote 729 days ago", "lead", ends(1000), "")
	b.say("asked long ago, wrote 729 days ago", "profile", begins(729), "")
	expect("asked long ago, wrote 729 days ago", "lead waiting")

	// Who was answered.
	call := `, "contact": {"channel": "call", "direction": "out"}`
	b.say("answered", "lead", begins(5), "")
	b.say("answered", "contact", begins(4), call)
	expect("answered", "potential new")
	b.say("called before he asked", "lead", begins(5), "")
	b.say("called before he asked", "contact", begins(6), call)
	expect("called before he asked", "lead new")
	b.say("missed", "lead", begins(5), "")
	b.say("missed", "contact", begins(4), `, "contact": {"channel": "call", "result": "missed"}`)
	expect("missed", "lead new")
	b.n++
	b.post("till", sale(fmt.Sprintf("o%d", b.n), "new", begins(5), fmt.Sprintf(`"phone": "%s"`, b.phone("ordered, never paid")), "1.00"))
	expect("ordered, never paid", "lead new")
	b.n++
	b.post("till", sale(fmt.Sprintf("o%d", b.n), "new", begins(5), fmt.Sprintf(`"phone": "%s"`, b.phone("ordered, was called")), "1.00"))
	b.say("ordered, was called", "contact", begins(4), call)
	expect("ordered, was called", "potential new")
	b.say("came to see us", "lead", begins(5), "")
	b.say("came to see us", "stage", begins(4), `, "stage": "visited"`)
	expect("came to see us", "potential new")
	b.say("came again after he asked", "stage", begins(9), `, "stage": "visited"`)
	b.say("came again after he asked", "lead", begins(5), "")
	b.say("came again after he asked", "stage", begins(4), `, "stage": "visited"`)
	expect("came again after he asked", "potential new")
	b.say("came before he asked", "stage", begins(6), `, "stage": "visited"`)
	b.say("came before he asked", "lead", begins(5), "")
	expect("came before he asked", "lead new")
	b.say("stands at the first stage", "lead", begins(5), "")
	b.say("stands at the first stage", "stage", begins(4), `, "stage": "lead"`)
	b.say("stands at the first stage", "stage", begins(3), `, "stage": "somewhere else"`)
	expect("stands at the first stage", "lead new")
	b.say("only called", "contact", begins(4), call)
	expect("only called", "potential new")

	// How often, and since when.
	often := func(name string, first string, n int, last string, types string) {
		b.buy(name, first)
		for range n - 1 {
			b.buy(name, last)
		}
		expect(name, types)
	}
	often("two orders", begins(100), 2, begins(60), "developing active")
	often("three orders", begins(100), 3, begins(60), "developing active")
	often("four orders", begins(100), 4, begins(60), "regular active active_base")
	often("four orders, cooling", begins(100), 4, ends(91), "regular cooling")
	often("four orders, the first 730 days ago", begins(730), 4, begins(60), "regular active active_base")
	often("four orders, the first 731 days ago", ends(731), 4, begins(60), "regular active active_base key")
	often("four orders, the first 731 days ago, asleep", ends(731), 4, begins(400), "regular sleeping key")
	often("four orders within 30 days", begins(30), 4, begins(3), "regular active newcomer")
	often("four orders within 31 days", ends(31), 4, begins(3), "regular active active_base")

	// By hand, and by money. Two whales have nearly all the revenue: of the first
	// nothing, of the second half stands before them, so both are class A.
	b.say("by tag", "lead", begins(3), `, "tags": ["VIP", "Партнёр"]`)
	expect("by tag", "lead new key partner vip")
	b.buy("a whale of today", begins(0), "900000.00")
	expect("a whale of today", "working active key newcomer vip")
	b.buy("a whale of long ago", begins(300), "900000.00")
	expect("a whale of long ago", "working cooling")

	got := map[string]string{}
	for name, c := range b.clients() {
		got[name] = strings.Join(append([]string{c.Lifecycle, c.Activity}, c.Labels...), " ")
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("base types (-want +got):\n%s", diff)
	}
}

func TestTheOwnerMovesTheBoundaries(t *testing.T) {
	b := newBase(t)
	b.buy("cooling", begins(10))
	for range 2 {
		b.buy("regular", begins(3))
	}
	b.buy("regular", begins(20))
	b.buy("asleep", begins(21))
	b.say("partner", "lead", begins(8), `, "tags": ["опт"]`)
	token, err := b.TokenOf(t.Context(), b.phone("by id"))
	if err != nil {
		t.Fatal(err)
	}
	b.say("by id", "lead", begins(7), "")
	b.configure(shopConfig + `
metrics: {active_days: 9, sleeping_days: 20, dead_days: 40, new_days: 7, newcomer_days: 5, regular_orders: 2, key_days: 19}
labels: {vip: {clients: [` + string(token) + `], rule: false}, partner: {tags: [ОПТ]}}
`)
	got := map[string]string{}
	for name, c := range b.clients() {
		got[name] = strings.Join(append([]string{c.Lifecycle, c.Activity}, c.Labels...), " ")
	}
	want := map[string]string{
		"cooling": "working cooling", "regular": "regular active active_base key", "asleep": "working sleeping",
		"partner": "lead waiting partner", "by id": "lead new key vip",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("base types (-want +got):\n%s", diff)
	}
	// The lists are an input of the night.
	before := b.night(lastDayOf)
	b.configure(shopConfig)
	if after := b.night(lastDayOf); after.Run == before.Run {
		t.Error("other labels gave the same run")
	}
}

// What a card tells of a client besides his base types.
func TestClientColumnsOfACard(t *testing.T) {
	b := newBase(t)
	visit := func(when, attribution, rest string) {
		b.say("anna", "lead", when, `, "attribution": {`+attribution+`}`+rest)
	}
	visit("2026-11-03T20:30:00Z", `"utm_source": "vk", "utm_medium": "cpc", "utm_campaign": "Весна"`, `, "interests": ["tea"], "manager": "olga"`)
	visit("2026-11-10T15:10:00Z", `"yclid": "1"`, "")
	visit("2026-11-11T15:10:00Z", `"referrer": "https://shop.example/a", "landing": "https://shop.example/b"`, "")
	for i, result := range []string{"", "answered", ""} { // one call in three phases
		b.say("anna", "contact", fmt.Sprintf("2026-11-12T15:1%d:00Z", i), `, "entity": "call:1", "contact": {"channel": "call", "direction": "in", "result": "`+result+`"}`)
	}
	b.say("anna", "contact", "2026-10-20T09:00:00Z", `, "contact": {"channel": "review", "rating": 2}`)
	b.say("anna", "contact", "2026-11-20T20:59:59Z", `, "contact": {"channel": "review", "rating": "4.5"}`)
	b.say("anna", "stage", "2026-11-21T09:00:00Z", `, "stage": "visited", "manager": "boris"`)
	b.say("anna", "profile", "2026-11-22T09:00:00Z", `, "stage": "142"`)
	b.buy("buyer", "2026-10-31T22:30:00Z") // the first of November in Moscow
	b.say("buyer", "stage", "2026-11-05T09:00:00Z", `, "stage": "first_contact"`)
	got := b.clients()
	anna, buyer := got["anna"], got["buyer"]
	text := func(p *string) string {
		if p == nil {
			return "-"
		}
		return *p
	}
	for name, pair := range map[string][2]string{
		"source": {text(anna.Source), "vk"}, "medium": {text(anna.Medium), "cpc"}, "campaign": {text(anna.Campaign), "Весна"},
		"last source": {text(anna.LastSource), "yandex"}, "last medium": {text(anna.LastMedium), "cpc"}, "last campaign": {text(anna.LastCampaign), "-"},
		"lead day": {text(anna.LeadDay), "2026-11-03"}, "hours": {text(anna.PreferredHours), "17-20"}, "stage": {text(anna.Stage), "visited"},
		"manager": {text(anna.Manager), "boris"}, "last contact": {text(anna.LastContactDay), "2026-11-20"},
		"contacts": {strconv.FormatInt(anna.Contacts30d, 10), "2"}, "rating": {fmt.Sprint(*anna.Rating), "4.5"},
		"source of who came from nowhere": {text(buyer.Source), "till"}, "medium of nowhere": {text(buyer.Medium), "-"},
		"last source of nowhere": {text(buyer.LastSource), "-"}, "stage of a buyer": {text(buyer.Stage), "won"},
		"a purchase is an entry": {text(buyer.LeadDay), "2026-11-01"}, "rating of nobody's review": {strconv.FormatBool(buyer.Rating == nil), "true"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
}

// A client belongs to one manager; who took him over has him alone.
func TestReassignmentMovesTheClient(t *testing.T) {
	b := newBase(t)
	b.say("anna", "lead", "2026-11-03T09:00:00Z", `, "manager": "olga"`)
	b.say("anna", "profile", "2026-11-05T09:00:00Z", `, "manager": "boris"`)
	b.say("anna", "contact", "2026-11-06T09:00:00Z", `, "contact": {"channel": "call"}`) // names nobody
	b.say("vera", "lead", "2026-11-03T09:00:00Z", `, "manager": "olga"`)
	b.say("vera", "profile", "2026-11-02T09:00:00Z", `, "manager": "boris"`) // told later of an earlier day
	b.say("nobody's", "lead", "2026-11-03T09:00:00Z", "")
	clients := b.clients()
	of := map[string][]string{}
	for _, row := range rows[schema.ClientRow](b.world) {
		if row.Manager != nil {
			of[*row.Manager] = append(of[*row.Manager], row.ClientID)
		}
	}
	want := map[string][]string{"boris": {clients["anna"].ClientID}, "olga": {clients["vera"].ClientID}}
	if diff := gocmp.Diff(want, of); diff != "" {
		t.Errorf("clients of managers (-want +got):\n%s", diff)
	}
}
