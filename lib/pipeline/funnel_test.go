package pipeline_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// postAll delivers native events in arrays, as a base is carried over.
func (w *world) postAll(events []string) {
	w.Helper()
	for part := range slices.Chunk(events, 1000) {
		w.post("till", "["+strings.Join(part, ",\n")+"]")
	}
}

// november makes the night of the last day of the month.
func (w *world) november() {
	w.Helper()
	w.compact()
	w.now = at("2026-12-01T03:00:00Z")
	w.night("2026-11-30")
}

// did is a native event of a person, told apart by a number.
func did(kind string, person int, when, more string) string {
	return fmt.Sprintf(`{"id": "%s-%d-%s", "kind": "%s", "at": "%s", "client": {"phone": "+7905%07d"}%s}`, kind, person, when, kind, when, 1_000_000+person, more)
}

func bought(person int, when, total, more string) string {
	return did("order", person, when, fmt.Sprintf(`, "order": {"id": "%d-%s", "status": "paid", "total": "%s"}%s`, person, when, total, more))
}

func spent(id, day, source, campaign, amount, more string) string {
	return fmt.Sprintf(`{"id": "%s", "kind": "cost", "at": "%sT20:00:00Z", "cost": {"day": "%s", "source": "%s", "campaign": "%s", "amount": "%s"%s}}`,
		id, day, day, source, campaign, amount, more)
}

// cells are rows of the funnel by "month stage interest source".
func (w *world) cells() map[string]schema.FunnelRow {
	w.Helper()
	cells := map[string]schema.FunnelRow{}
	for _, row := range rows[schema.FunnelRow](w) {
		cells[strings.Join([]string{row.Month, row.Stage, row.Interest, row.Source}, " ")] = row
	}
	return cells
}

func unknownOr[T any](value *T, format string) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprintf(format, *value)
}

// story is a row of the funnel in one line.
func story(row schema.FunnelRow) string {
	return fmt.Sprintf("entered %d current %d previous %s top %s cost %s known %s each %s", row.Entered, row.Current,
		unknownOr(row.ConversionFromPrevious, "%.4f"), unknownOr(row.ConversionFromTop, "%.4f"),
		unknownOr(row.CostMinor, "%d"), unknownOr(row.CostKnownFor, "%d"), unknownOr(row.CostPerStageMinor, "%d"))
}

func (w *world) told(want map[string]string) {
	w.Helper()
	cells, got := w.cells(), map[string]string{}
	for key := range want {
		if row, ok := cells[key]; ok {
			got[key] = story(row)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("funnel (-want +got):\n%s", diff)
	}
}

// metrics.md, worked 1: 1200 leads, 450 first contacts, 280 visits, 189 buyers for
// 238 000. 450/1200 = 0.3750, 280/450 = 0.6222, 189/280 = 0.6750; from the top
// 280/1200 = 0.2333, 189/1200 = 0.1575. 238 000/280 = 850, /189 = 1259.26, /450 =
// 528.89, /1200 = 198.33. 1200-450 = 750 stand at lead, 450-280 = 170 at first
// contact, 280-189 = 91 at visited.
func TestTwelveHundredLeads(t *testing.T) {
	w := newWorld(t)
	ad := `, "attribution": {"utm_source": "yandex", "utm_medium": "cpc", "utm_campaign": "autumn"}`
	events := []string{spent("c1", "2026-11-02", "yandex", "autumn", "200000.00", ""), spent("c2", "2026-11-09", "yandex", "autumn", "38000.00", "")}
	for i := range 1200 {
		events = append(events, did("lead", i, "2026-11-02T10:00:00Z", ad))
		if i < 450 {
			events = append(events, did("stage", i, "2026-11-03T10:00:00Z", `, "stage": "first_contact"`))
		}
		if i < 280 {
			events = append(events, did("stage", i, "2026-11-05T10:00:00Z", `, "stage": "visited"`))
		}
		if i < 189 {
			events = append(events, bought(i, "2026-11-09T10:00:00Z", "1000.00", ""))
		}
	}
	w.postAll(events)
	w.november()
	want := map[string]string{}
	for _, month := range []string{"", "2026-11"} {
		for _, source := range []string{"", "yandex"} {
			want[month+" lead  "+source] = "entered 1200 current 750 previous - top 1.0000 cost 23800000 known 1200 each 19833"
			want[month+" first_contact  "+source] = "entered 450 current 170 previous 0.3750 top 0.3750 cost 23800000 known 450 each 52889"
			want[month+" visited  "+source] = "entered 280 current 91 previous 0.6222 top 0.2333 cost 23800000 known 280 each 85000"
			want[month+" won  "+source] = "entered 189 current 189 previous 0.6750 top 0.1575 cost 23800000 known 189 each 125926"
		}
	}
	w.told(want)
	if got := len(rows[schema.FunnelRow](w)); got != len(want) {
		t.Errorf("%d rows of the funnel, want %d", got, len(want))
	}
	number := func(x int64) *int64 { return &x }
	back := 0.794117647 // 189 × 1000 by 238 000
	brought := []schema.SourceRow{{
		Month: "2026-11", Source: "yandex", Campaign: "autumn", Leads: 1200, Clients: 189, Orders: 189, RevenueMinor: 18_900_000,
		CostMinor: number(23_800_000), CostPerLeadMinor: number(19_833), CostPerClientMinor: number(125_926), ReturnOnSpend: &back,
	}}
	if diff := cmp.Diff(brought, rows[schema.SourceRow](w)); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// metrics.md, worked 2: a clinic with 300 + 400 + 100 requests, of which 100 + 150
// + 30 were treated. What a treatment was about is told in three ways: the order
// names it, a line's category is it, or the patient has asked about nothing else.
func TestSixBasesOfAClinic(t *testing.T) {
	w := newWorld(t)
	var events []string
	person := 0
	for _, interest := range []struct {
		name              string
		requests, treated int
		order             string
	}{
		{"Имплантация", 300, 100, `, "interests": ["Имплантация"]`},
		{"отбеливание", 400, 150, ``},
		{"checkup", 100, 30, ``},
	} {
		for i := range interest.requests {
			person++
			events = append(events, did("lead", person, "2026-11-02T10:00:00Z", `, "interests": ["`+interest.name+`"]`))
			if i >= interest.treated {
				continue
			}
			if interest.name == "отбеливание" { // they ask about something else too: only the line tells
				events = append(events, did("contact", person, "2026-11-03T10:00:00Z", `, "contact": {"channel": "chat"}, "interests": ["checkup"]`),
					did("order", person, "2026-11-10T10:00:00Z", fmt.Sprintf(`, "order": {"id": "o%d", "status": "paid", "total": "500.00", "items": [{"sku": "s", "category": " Отбеливание", "sum": "500.00"}]}`, person)))
				continue
			}
			events = append(events, bought(person, "2026-11-10T10:00:00Z", "500.00", interest.order))
		}
	}
	w.postAll(events)
	w.november()
	want := []schema.BaseRow{
		{Interest: "checkup", Base: "client", Clients: 30, RevenueMinor: 30 * 50_000},
		{Interest: "checkup", Base: "potential", Clients: 70},
		{Interest: "Имплантация", Base: "client", Clients: 100, RevenueMinor: 100 * 50_000},
		{Interest: "Имплантация", Base: "potential", Clients: 200},
		{Interest: "отбеливание", Base: "client", Clients: 150, RevenueMinor: 150 * 50_000},
		{Interest: "отбеливание", Base: "potential", Clients: 250},
	}
	got, together := rows[schema.BaseRow](w), int64(0)
	for _, row := range got {
		together += row.Clients
	}
	if diff := cmp.Diff(want, got); diff != "" || together != 800 {
		t.Errorf("%d together, want 800 (-want +got):\n%s", together, diff)
	}
	w.told(map[string]string{
		"2026-11 lead  ":            "entered 800 current 520 previous - top 1.0000 cost - known 0 each -",
		"2026-11 won  ":             "entered 280 current 280 previous 1.0000 top 0.3500 cost - known 0 each -",
		"2026-11 lead отбеливание ": "entered 400 current 250 previous - top 1.0000 cost - known - each -",
		"2026-11 won отбеливание ":  "entered 150 current 150 previous 1.0000 top 0.3750 cost - known - each -",
		"2026-11 won checkup till":  "entered 30 current 30 previous 1.0000 top 0.3000 cost - known - each -",
	})
}

// metrics.md, worked 3: 12 000 clients, 300 of them by ads for 990 000. One of the
// 300 cost 3300; what the other 11 700 cost is not known. 990 000/12 000 = 82.50
// would spread the ads over people who came by themselves.
func TestUnknownCostIsNeverAveragedIn(t *testing.T) {
	w := newWorld(t)
	events := []string{spent("c", "2026-11-01", "Yandex ", "search", "990000", "")}
	for i := range 12_000 {
		ad := ""
		if i%40 == 0 {
			ad = `, "attribution": {"utm_source": "yandex", "utm_campaign": "Search"}`
		}
		events = append(events, bought(i, "2026-11-07T10:00:00Z", "100.00", ad))
	}
	w.postAll(events)
	w.november()
	w.told(map[string]string{
		"2026-11 lead  ":       "entered 12000 current 0 previous - top 1.0000 cost 99000000 known 300 each 330000",
		"2026-11 won  ":        "entered 12000 current 12000 previous 1.0000 top 1.0000 cost 99000000 known 300 each 330000",
		" won  yandex":         "entered 300 current 300 previous 1.0000 top 1.0000 cost 99000000 known 300 each 330000",
		" won  till":           "entered 11700 current 11700 previous 1.0000 top 1.0000 cost - known 0 each -",
		"2026-11 won  till":    "entered 11700 current 11700 previous 1.0000 top 1.0000 cost - known 0 each -",
		"2026-11 visited  ":    "entered 12000 current 0 previous 1.0000 top 1.0000 cost 99000000 known 300 each 330000",
		" first_contact  till": "entered 11700 current 0 previous 1.0000 top 1.0000 cost - known 0 each -",
	})
	sources := rows[schema.SourceRow](w)
	if len(sources) != 2 || sources[0].Source != "till" || sources[0].Leads != 11_700 || sources[0].CostPerClientMinor != nil || *sources[1].CostPerClientMinor != 330_000 {
		t.Errorf("sources = %+v, want till without a cost and yandex with 3300 each", sources)
	}
	run, err := lake.Current(t.Context(), w.store)
	if err != nil {
		t.Fatal(err)
	}
	wrong := regexp.MustCompile(`\b8250\b|\b82\.50?\b`)
	tables := map[string]func() any{
		"clients": func() any { return rows[schema.ClientRow](w) }, "rfm_codes": func() any { return rows[schema.RFMCodeRow](w) },
		"rfm_moves": func() any { return rows[schema.RFMMoveRow](w) }, "thresholds": func() any { return rows[schema.ThresholdRow](w) },
		"abc": func() any { return rows[schema.ABCRow](w) }, "cohorts": func() any { return rows[schema.CohortRow](w) },
		"lifecycle": func() any { return rows[schema.LifecycleRow](w) }, "other_revenue": func() any { return rows[schema.OtherRevenueRow](w) },
		"segments": func() any { return rows[schema.SegmentRow](w) }, "ledger": func() any { return rows[schema.LedgerRow](w) },
		"quality": func() any { return rows[schema.QualityRow](w) }, "funnel": func() any { return rows[schema.FunnelRow](w) },
		"sources": func() any { return rows[schema.SourceRow](w) }, "bases": func() any { return rows[schema.BaseRow](w) },
		"merges": func() any { return rows[schema.MergeRow](w) },
	}
	for name := range run.Tables {
		read, ok := tables[name]
		if !ok {
			continue // without numbers
		}
		body, err := json.Marshal(read())
		if err != nil {
			t.Fatal(err)
		}
		if found := wrong.Find(body); found != nil {
			t.Errorf("table %s has %s", name, found)
		}
	}
}

const funnelConfig = `
business: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: ru, rates: {USD: "90.00"}}
sources:
  - {name: till, kind: json}
  - name: site
    kind: form
    map: {stage: Этап, interests: Услуга}
    stages: {приехал: visited, купил: won}
  - {name: amocrm, kind: amocrm, stages: {"142": won, "7": visited}}
`

// A source's own words for stages become ours; a word that nobody knows leaves the
// client where he stood.
func TestASourcesWordsForStages(t *testing.T) {
	w := newWorld(t)
	w.configure(funnelConfig)
	w.now = at("2026-11-02T09:00:00Z")
	w.post("site", "phone=89051000001&Этап=приехал&Услуга=Ремонт")
	w.post("site", "phone=89051000002&Этап=думает")
	w.post("amocrm", "account[id]=1&contacts[add][0][id]=30&contacts[add][0][type]=contact&contacts[add][0][last_modified]=1793610000"+
		"&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=89051000003&contacts[add][0][linked_leads_id][10][ID]=10")
	w.post("amocrm", "account[id]=1&leads[status][0][id]=10&leads[status][0][status_id]=142&leads[status][0][pipeline_id]=6&leads[status][0][last_modified]=1793610001")
	w.november()
	w.told(map[string]string{
		" lead  ":              "entered 3 current 1 previous - top 1.0000 cost - known 0 each -",
		" visited  ":           "entered 2 current 1 previous 1.0000 top 0.6667 cost - known 0 each -",
		" won  ":               "entered 1 current 1 previous 0.5000 top 0.3333 cost - known 0 each -",
		" won  amocrm":         "entered 1 current 1 previous 1.0000 top 1.0000 cost - known 0 each -",
		" visited Ремонт site": "entered 1 current 1 previous 1.0000 top 1.0000 cost - known - each -",
	})
}

// Letter case makes no other word of a stage, as it makes none of an order's status.
func TestAStageInOtherLetters(t *testing.T) {
	w := newWorld(t)
	w.configure(funnelConfig)
	w.now = at("2026-11-02T09:00:00Z")
	w.post("site", "phone=89051000001&Этап=ПРИЕХАЛ")
	w.post("till", did("stage", 2, "2026-11-02T08:00:00Z", `, "stage": "Visited"`))
	w.november()
	w.told(map[string]string{" visited  ": "entered 2 current 2 previous 1.0000 top 1.0000 cost - known 0 each -"})
}

// A stage that names no interest is one of the client's interest where he has one;
// of two it is not known which.
func TestAStageWithoutAnInterest(t *testing.T) {
	w := newWorld(t)
	w.postAll([]string{
		did("stage", 1, "2026-11-03T10:00:00Z", `, "stage": "visited"`),
		did("lead", 1, "2026-11-04T10:00:00Z", `, "interests": ["чай"]`),
		did("stage", 2, "2026-11-03T10:00:00Z", `, "stage": "visited"`),
		did("lead", 2, "2026-11-04T10:00:00Z", `, "interests": ["чай", "кофе"]`),
	})
	w.november()
	w.told(map[string]string{
		" visited  ":     "entered 2 current 2 previous 1.0000 top 1.0000 cost - known 0 each -",
		" lead чай ":     "entered 2 current 1 previous - top 1.0000 cost - known - each -",
		" visited чай ":  "entered 1 current 1 previous 1.0000 top 0.5000 cost - known - each -",
		" visited кофе ": "entered 0 current 0 previous - top 0.0000 cost - known - each -",
	})
}

// 22:30 in Greenwich on 31 October is 1:30 on 1 November in Moscow: the lead is of
// November, and it is November's cost that brought it.
func TestMonthsAreCutWhereTheBusinessIs(t *testing.T) {
	w := newWorld(t)
	ad := `, "attribution": {"utm_source": "vk"}`
	w.postAll([]string{
		did("lead", 1, "2026-10-31T22:30:00Z", ad),
		did("lead", 2, "2026-10-31T20:30:00Z", ad),
		spent("c", "2026-11-01", "vk", "", "70.00", ""),
	})
	w.november()
	w.told(map[string]string{
		"2026-10 lead  ":   "entered 1 current 1 previous - top 1.0000 cost - known 0 each -",
		"2026-11 lead  vk": "entered 1 current 1 previous - top 1.0000 cost 7000 known 1 each 7000",
		" lead  vk":        "entered 2 current 2 previous - top 1.0000 cost 7000 known 1 each 7000",
	})
}

// Statements of one entity replace each other, whichever comes first; others add
// up. A cost of a day after the as-of day, or stated after it, does not count yet.
func TestCostsAreRestatedAndAddedUp(t *testing.T) {
	entity := func(id, when, amount string) string {
		return fmt.Sprintf(`{"id": "%s", "kind": "cost", "entity": "vk of 5 November", "at": "%s", "cost": {"day": "2026-11-05", "source": "vk", "amount": "%s"}}`, id, when, amount)
	}
	statements := []string{
		entity("first", "2026-11-05T21:00:00Z", "100.00"),
		entity("second", "2026-11-06T09:00:00Z", "130.00"),
		spent("more", "2026-11-07", "vk", "", "5.00", ""),
		spent("and more", "2026-11-07", "VK", "", "5.00", ""),
		entity("in December", "2026-12-01T00:30:00Z", "999.00"),
		spent("of December", "2026-12-01", "vk", "", "40.00", ""),
	}
	var before map[string]string
	for _, reverse := range []bool{false, true} {
		w := newWorld(t)
		if reverse {
			slices.Reverse(statements)
		}
		w.now = at("2026-12-01T02:00:00Z")
		w.post("till", did("lead", 1, "2026-11-08T10:00:00Z", `, "attribution": {"utm_source": "vk"}`))
		for i, statement := range statements {
			w.post("till", statement)
			if i%2 == 0 {
				w.compact()
			}
		}
		w.november()
		w.told(map[string]string{"2026-11 lead  vk": "entered 1 current 1 previous - top 1.0000 cost 14000 known 1 each 14000"})
		if before != nil && !cmp.Equal(before, w.gold()) {
			t.Error("the order of arrival changed a table")
		}
		before = w.gold()
	}
}

// Money of a currency with a rate is counted at the rate; without one it stands
// apart, and whom it brought is of unknown cost.
func TestCostsInOtherCurrencies(t *testing.T) {
	w := newWorld(t)
	w.configure(funnelConfig)
	w.postAll([]string{
		did("lead", 1, "2026-11-03T10:00:00Z", `, "attribution": {"utm_source": "google"}`),
		did("lead", 2, "2026-11-03T10:00:00Z", `, "attribution": {"utm_source": "tiktok"}`),
		spent("a", "2026-11-02", "google", "", "10.00", `, "currency": "USD"`),
		spent("b", "2026-11-02", "google", "", "1.00", `, "currency": "RUB"`),
		spent("c", "2026-11-02", "tiktok", "", "10.00", `, "currency": "KZT"`),
	})
	w.november()
	w.told(map[string]string{
		"2026-11 lead  ":       "entered 2 current 2 previous - top 1.0000 cost 90100 known 1 each 90100",
		"2026-11 lead  google": "entered 1 current 1 previous - top 1.0000 cost 90100 known 1 each 90100",
		"2026-11 lead  tiktok": "entered 1 current 1 previous - top 1.0000 cost - known 0 each -",
	})
	if quality := rows[schema.QualityRow](w); !slices.Contains(quality, schema.QualityRow{Measure: "costs_in_other_currencies", Count: 1, Of: 3}) {
		t.Errorf("quality %+v, want 1 of 3 costs in other currencies", quality)
	}
}

// An order of nothing is no purchase where the owner says so: it wins nobody.
func TestAnOrderOfNothingWinsNobodyWhereItIsSkipped(t *testing.T) {
	for skip, want := range map[bool]string{
		false: "entered 1 current 1 previous 1.0000 top 1.0000 cost - known - each -",
		true:  "entered 0 current 0 previous - top 0.0000 cost - known - each -",
	} {
		w := newWorld(t)
		w.configure(shopConfig + fmt.Sprintf("metrics: {skip_zero_orders: %t}\n", skip))
		w.postAll([]string{did("lead", 1, "2026-11-02T10:00:00Z", `, "interests": ["tea"]`), bought(1, "2026-11-03T10:00:00Z", "0.00", "")})
		w.november()
		w.told(map[string]string{"2026-11 won tea ": want})
		if bases := rows[schema.BaseRow](w); len(bases) != 2 || bases[0].Clients+bases[1].Clients != 1 || bases[1].Clients == 1 != skip {
			t.Errorf("skipped %t: bases %+v", skip, bases)
		}
	}
}

func TestANightWithoutAnybodyHasNoFunnel(t *testing.T) {
	w := newWorld(t)
	w.november()
	if funnel, sources, bases := rows[schema.FunnelRow](w), rows[schema.SourceRow](w), rows[schema.BaseRow](w); len(funnel)+len(sources)+len(bases) != 0 {
		t.Errorf("tables of nobody: %v, %v, %v", funnel, sources, bases)
	}
}
