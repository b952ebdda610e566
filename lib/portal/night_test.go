package portal_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

func TestSummariseByHand(t *testing.T) {
	given := schema.MapOf(map[string]string{"ads": "given"})
	rows := []schema.ClientRow{
		{ClientID: "a", Orders: 3, RevenueMinor: 900, FirstOrderDay: new("2025-03-01"), Activity: "active", Consents: given},
		{ClientID: "b", Orders: 1, RevenueMinor: 100, FirstOrderDay: new("2024-12-31"), Activity: "sleeping"},
		{ClientID: "c", Orders: 2, RevenueMinor: 50, FirstOrderDay: new("2025-01-01"), Activity: "dead", Consents: schema.MapOf(map[string]string{"ads": "withdrawn"})},
		{ClientID: "d", Activity: "dead", Consents: given}, // asked once, never bought
		{ClientID: "e", Orders: 1, RevenueMinor: 7, FirstOrderDay: new("2026-05-05"), Activity: "cooling"},
	}
	want := portal.Summary{
		Clients: 5, Buyers: 4, Repeat: 2, Orders: 7, RevenueMinor: 1057, FirstDay: "2024-12-31",
		Active: 1, Cooling: 1, Sleeping: 1, Dead: 1, SleepingMinor: 100, DeadMinor: 50, AdsConsent: 2,
	}
	if diff := cmp.Diff(want, portal.Summarise(slices.Values(rows))); diff != "" {
		t.Errorf("Summarise (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(portal.Summary{}, portal.Summarise(slices.Values([]schema.ClientRow(nil)))); diff != "" {
		t.Errorf("of nobody (-want +got):\n%s", diff)
	}
}

func TestSummariseABCByHand(t *testing.T) {
	// Five clients of 100: ⌈5/5⌉ = 1 client brings 60 %. The last one owes money.
	rows := []schema.ABCRow{
		{Entity: "client", ID: "a", RevenueMinor: 60, Share: .6, CumulativeShare: .6, Class: "A"},
		{Entity: "client", ID: "b", RevenueMinor: 25, Share: .25, CumulativeShare: .85, Class: "A"},
		{Entity: "client", ID: "c", RevenueMinor: 12, Share: .12, CumulativeShare: .97, Class: "B"},
		{Entity: "client", ID: "d", RevenueMinor: 3, Share: .03, CumulativeShare: 1, Class: "C"},
		{Entity: "client", ID: "e", RevenueMinor: -4, CumulativeShare: 1, Class: "C"},
		{Entity: "item", ID: "x", RevenueMinor: 0, Class: "C"},
	}
	got := portal.SummariseABC(rows, 2)
	want := []portal.ABCSummary{
		{
			Entity: "client", Count: 5, RevenueMinor: 96, Classes: [3]portal.ABCClass{{2, 85}, {1, 12}, {2, -1}}, TopFifthShare: .6,
			Top:   rows[:2],
			Curve: []portal.CurvePoint{{}, {.2, .6}, {.4, .85}, {.6, .97}, {.8, 1}, {1, 1}},
		},
		{Entity: "item", Count: 1, Classes: [3]portal.ABCClass{2: {1, 0}}, Top: rows[5:]},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SummariseABC (-want +got):\n%s", diff)
	}
	if got := portal.SummariseABC(nil, 5); got != nil {
		t.Errorf("of nothing = %v", got)
	}
	large := night(8000, plainNames).ABC
	for _, s := range large {
		if len(s.Curve) > 100 || s.Curve[len(s.Curve)-1].Rank != 1 {
			t.Errorf("%s: %d points, the last at %v", s.Entity, len(s.Curve), s.Curve[len(s.Curve)-1])
		}
	}
}

// words is the text of a page with single plain spaces.
func words(page string) string {
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	page = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2060", "", "&#8239;", " ", "&#43;", "+").Replace(page)
	return strings.Join(strings.Fields(page), " ")
}

func open(t *testing.T, n *portal.Night, path, lang string) string {
	t.Helper()
	auth := newAuth(t, newClock().now)
	p, _ := newPortal(t, n, func(c *portal.Config, _ *reader) { c.Auth, c.Now, c.Accounts = auth, newClock().now, nil })
	answer := ask(p, "GET", path, withCookie(tokenCookie(t, auth, "olga", portal.Owner)), inLanguage(lang))
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s = %d", path, answer.StatusCode)
	}
	return words(answer.Body)
}

func says(t *testing.T, where, page string, sentences ...string) {
	t.Helper()
	for _, s := range sentences {
		if !strings.Contains(page, s) {
			t.Errorf("%s does not say %q", where, s)
		}
	}
}

// Three buyers by hand: recency 10, 100, 400; orders 1, 2, 5; the bounds are given.
func smallNight() *portal.Night {
	n := &portal.Night{
		Run: "r1", AsOf: "2026-11-21", Groups: 3, Business: portal.Business{Name: "Shop", Currency: "RUB", Language: "ru"},
		Summary: portal.Summary{Clients: 4, Buyers: 3, Repeat: 2, Orders: 8, RevenueMinor: 1_000_000_50, FirstDay: "2025-01-02", Active: 1, Cooling: 1, Sleeping: 1, SleepingMinor: 4_100_000_00},
		Thresholds: []schema.ThresholdRow{
			{Metric: "frequency", Entity: "client", Bound1: new(1.0), Bound2: new(3.5)},
			{Metric: "monetary", Entity: "client", Bound1: new(1000_00.0), Bound2: new(5000_00.0)},
			{Metric: "recency", Entity: "client", Bound1: new(30.5), Bound2: new(90.0)},
		},
		Playbook: []portal.PlaybookSegment{{Key: "champions", Title: portal.Text{RU: "Чемпионы", EN: "Champions"}, Codes: []string{"333"}}},
		Cohorts: []schema.CohortRow{
			{CohortMonth: "2026-09", Period: 0, Clients: 40, Active: 40, Retention: 1, RevenueMinor: 100_00, CumulativeRevenueMinor: 100_00, Complete: true},
			{CohortMonth: "2026-09", Period: 1, Clients: 40, Active: 10, Retention: .25, RevenueMinor: 300_00, CumulativeRevenueMinor: 400_00, Complete: true},
			{CohortMonth: "2026-09", Period: 2, Clients: 40, Active: 4, Retention: .1, Complete: false, CumulativeRevenueMinor: 400_00},
			{CohortMonth: "2026-10", Period: 0, Clients: 12, Active: 12, Retention: 1, Complete: true},
			{CohortMonth: "2026-10", Period: 1, Clients: 12, Active: 6, Retention: .5, Complete: false},
		},
	}
	for _, r := range "123" {
		for _, f := range "123" {
			for _, m := range "123" {
				n.Codes = append(n.Codes, schema.RFMCodeRow{Code: string([]rune{r, f, m}), Segment: "other"})
			}
		}
	}
	n.Codes[26] = schema.RFMCodeRow{Code: "333", Segment: "champions", Clients: 2, Share: 2. / 3, RevenueMinor: 750_000_00}
	n.Codes[0] = schema.RFMCodeRow{Code: "111", Segment: "lost", Clients: 1, Share: 1. / 3, RevenueMinor: 250_000_00}
	return n
}

func TestOverviewOpensWithTheAnswer(t *testing.T) {
	says(t, "the overview", open(t, smallNight(), "/", "ru"),
		"1 из 3 покупателей молчит больше года; раньше они потратили 4,1 млн ₽", "Средний чек", "125 000 ₽", "8 заказов за всё время",
		"первая покупка 2 января 2025", "33,3 % покупателей", "по состоянию на 21 ноября 2026", "деньги в ₽")
	says(t, "the overview", open(t, smallNight(), "/", "en"),
		"1 of 3 buyers has been silent for over a year; they spent 4.1 M ₽ before", "as of 21 Nov 2026")
	awake := smallNight()
	awake.Summary.Sleeping = 0
	says(t, "a base that is awake", open(t, awake, "/", "en"), "1 of 3 buyers bought in the last three months")
}

func TestChangesAreShownBesideNumbers(t *testing.T) {
	n := smallNight()
	n.Previous = &portal.Previous{AsOf: "2026-11-20", Summary: portal.Summary{Buyers: 1, RevenueMinor: 1_100_000_50, Active: 1}}
	says(t, "the overview", open(t, n, "/", "en"), "+2 since 20 Nov 2026", "-100,000 ₽ since 20 Nov 2026", "unchanged since 20 Nov 2026")
}

func TestRFMAxesAreTheRealBounds(t *testing.T) {
	page := open(t, smallNight(), "/rfm", "en")
	// v > bound scores higher: 1 order, 2–3 orders, from 4; up to 30 whole days, 31–90, from 91.
	says(t, "the matrix", page, "F3 4 orders or more", "F2 2–3 orders", "F1 1 order", "R3 0–30 days", "R2 31–90 days", "R1 91 days or more",
		"M = 3 over 5,000 ₽", "M = 2 1,000 ₽ – 5,000 ₽", "M = 1 up to 1,000 ₽", "333 2 66.7%", "2 clients buy recently, often and for large sums: 750,000 ₽, 75% of revenue",
		"Recency: only 2 groups are possible")
	equal := smallNight()
	equal.Thresholds[0].Bound2 = new(1.0)
	says(t, "equal bounds", open(t, equal, "/rfm", "ru"), "F2 такой группы нет", "F1 1 заказ", "F3 от 2 заказов")
}

func TestCohortViews(t *testing.T) {
	// 10 of 40 came back; the cohort of October has no whole month after yet.
	page := open(t, smallNight(), "/cohorts", "en")
	says(t, "cohorts", page, "25% of new clients buy again in the month after", "Average 100% 25% Sep 2026 40 100% 25% 10% Oct 2026 few: 12 100% 50%")
	says(t, "clients", open(t, smallNight(), "/cohorts?show=clients", "en"), "Sep 2026 40 40 10 4")
	// 100 ₽ and 400 ₽ of 40 clients: 2.5 and 10 ₽ each.
	says(t, "cumulative", open(t, smallNight(), "/cohorts?show=cumulative", "en"), "Sep 2026 40 3 10 10")
	says(t, "an unknown view", open(t, smallNight(), "/cohorts?show=x", "en"), "Sep 2026 40 100% 25% 10%")
}

func TestEmptyStatesTeach(t *testing.T) {
	says(t, "no night", open(t, nil, "/", "ru"), "подключите сайт или загрузите таблицу заказов", "http://localhost/in/site", "leadlake report orders.xlsx", "consents: [{purpose: ads")
	says(t, "no night, ledger", open(t, nil, "/ledger", "en"), "Describe a source", "malformed_json")
	empty := &portal.Night{Run: "r0", AsOf: "2026-11-21", Groups: 3, Business: portal.Business{Currency: "RUB"}}
	for path, sentence := range map[string]string{
		"/": "The base has 0 clients and no purchases yet", "/rfm": "nobody yet buys recently, often", "/cohorts": "It is too early to speak of retention",
		"/abc": "There is no revenue yet", "/segments": "Segments appear with the first purchases", "/ledger": "The ledger is empty",
		"/quality": "Not a single client is known yet",
	} {
		page := open(t, empty, path, "en")
		says(t, "an empty base, "+path, page, sentence)
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s divides by nothing: %s", path, page)
		}
	}
	nobody := night(60, plainNames)
	nobody.Summary.AdsConsent = 0
	says(t, "no consent", open(t, nobody, "/exports", "en"), "How to record consent")
	says(t, "a segment without files", open(t, nobody, "/exports?segment=lost", "en"), "{segment: lost, platforms: [yandex, vk, google]}")
}

func TestExportsSayWhatWasLeftOutAndWhy(t *testing.T) {
	says(t, "exports", open(t, night(60, plainNames), "/exports", "ru"), "3 файла готовы к загрузке для 1 сегмента", "удалить", "18 строк ждут, самая давняя с", "list-1a2b3c4d", "в файлах 871 из 1 204", "Не вошли: 333",
		"288 Нет согласия на эту цель.", "Не записан. В файле меньше 100 строк", "Файла нет. Никто из сегмента не разрешил рекламу.", "871 строка · 56,2 КБ",
		"Последний раз отдан 20 ноября 2026, 09:30 UTC")
}

func TestQualitySaysWhatToMendFirst(t *testing.T) {
	n := smallNight()
	row := func(source, measure string, count, of int64) {
		n.Quality = append(n.Quality, schema.QualityRow{Source: source, Measure: measure, Count: count, Of: of})
	}
	row("", "clients", 1000, 1000)
	row("", "reachable", 900, 1000)
	row("", "phones_unreadable", 49, 1000) // below five in a hundred: it may wait
	says(t, "a good base", open(t, n, "/quality", "en"), "900 of 1,000 clients can be reached; nothing is urgent", "Unreadable phones")
	row("crm", "clients", 400, 1000)
	row("crm", "missing_city", 30, 100)
	row("crm", "missing_name", 60, 100)
	row("crm", "name", 100, 400)
	row("crm", "birth_date", 0, 0)
	page := open(t, n, "/quality", "ru")
	says(t, "a source", page, "Сначала исправьте в источнике crm: «Заявки, где нет поля «имя полностью»», 60 %", "crm 400 — — 25 % — — — —", "crm: что исправить (2)")
	row("", "leads_without_contact", 1, 100)
	says(t, "an unanswered lead", open(t, n, "/quality", "en"), "Mend first: “Asked and got no answer”, 1%", "(metrics.lead_wait_days, usually 3 days)")
	row("", "more_than_one_record_minor", 41_000_00, 100_000_00)
	row("", "of_another_version", 1, 2)
	n.Merges = portal.MergeSummary{Clients: 2, Records: 5, Suspects: 1, RevenueMinor: 41_000_00, Top: []portal.MergedClient{{ClientID: "pabcdefghijkl", Records: 3, Names: 2, Orders: 4, RevenueMinor: 41_000_00}}}
	page = open(t, n, "/quality", "en")
	says(t, "merges", page, "41,000 100,000 41%", "2 clients of 5 records; with different names: 1", "pabcdefghi… 3 2 4 41,000")
	if strings.Contains(page, "of_another_version") {
		t.Error("a measure without a meaning is shown")
	}
}

func TestLedgerSumsSourcesByDay(t *testing.T) {
	n := night(60, plainNames)
	says(t, "the ledger", open(t, n, "/ledger", "en"), "all accounted for", "✓ balances", "21 Nov 2026 139 136 0 0 3 0 0")
	n.Ledger[4].Balanced = false
	says(t, "a ledger that is off", open(t, n, "/ledger", "en"), "The ledger does not balance on 1 day: call the developer on duty", "✗ is off")
}

func TestLanguageIsChosen(t *testing.T) {
	p, _ := newPortal(t, nil, func(c *portal.Config, _ *reader) { c.Language = "ru" })
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Accept-Language", value) }
	}
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		want   string
	}{
		"the business's own":          {"/login", func(*http.Request) {}, "ru"},
		"the browser's":               {"/login", header("en-GB,en;q=0.9"), "en"},
		"the browser's second":        {"/login", header("ja, en;q=0.5"), "en"},
		"nothing the browser speaks":  {"/login", header("ja"), "ru"},
		"nonsense":                    {"/login", header(";;;q=,"), "ru"},
		"the switch before":           {"/login", inLanguage("en"), "en"},
		"the switch now":              {"/login?lang=en", inLanguage("ru"), "en"},
		"a language there is not":     {"/login?lang=fr", func(*http.Request) {}, "ru"},
		"a cookie with something odd": {"/login", inLanguage("fr"), "ru"},
	} {
		answer := ask(p, "GET", c.path, c.change)
		if got := answer.Header.Get("Content-Language"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if set := cookieNamed(answer, "lang"); (set != nil) != (c.path == "/login?lang=en") {
			t.Errorf("%s: cookie %v", name, set)
		}
	}
	page := ask(p, "GET", "/login?next=%2Frfm").Body
	if !strings.Contains(page, `href="/login?lang=en&amp;next=%2Frfm"`) {
		t.Error("the switch loses where the reader was")
	}
}

func TestAPIIsWhatThePagesShow(t *testing.T) {
	auth := newAuth(t, newClock().now)
	p, _ := newPortal(t, smallNight(), func(c *portal.Config, _ *reader) { c.Auth, c.Now, c.Accounts = auth, newClock().now, nil })
	owner := withCookie(tokenCookie(t, auth, "olga", portal.Owner))
	get := func(path string) map[string]any {
		answer := ask(p, "GET", path, owner)
		var out map[string]any
		if err := json.Unmarshal([]byte(answer.Body), &out); err != nil || answer.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %v, %s", path, err, answer.Header.Get("Content-Type"))
		}
		return out
	}
	n := get("/api/v1/night")
	if n["as_of"] != "2026-11-21" || n["summary"].(map[string]any)["buyers"] != 3.0 {
		t.Errorf("night = %v", n)
	}
	rfm := get("/api/v1/rfm")
	if codes := rfm["codes"].([]any); len(codes) != 27 || codes[26].(map[string]any)["revenue_minor"] != 75_000_000.0 {
		t.Errorf("rfm = %v", rfm)
	}
	bounds := rfm["thresholds"].([]any)[0].(map[string]any)["bounds"]
	if diff := cmp.Diff([]any{1.0, 3.5}, bounds); diff != "" {
		t.Errorf("bounds (-want +got):\n%s", diff)
	}
	if got := get("/api/v1/cohorts")["cohorts"].([]any); len(got) != 5 {
		t.Errorf("%d cohort cells", len(got))
	}
	for _, path := range []string{"/api/v1/abc", "/api/v1/segments"} {
		for key, v := range get(path) {
			if v == nil {
				t.Errorf("%s: %s is null", path, key)
			}
		}
	}
	exports := get("/api/v1/exports")["exports"].([]any)
	file := exports[0].(map[string]any)["files"].([]any)[0].(map[string]any)
	if answer := ask(p, "GET", file["href"].(string), owner); answer.StatusCode != http.StatusOK {
		t.Errorf("the file's address answers %d", answer.StatusCode)
	}
	empty, _ := newPortal(t, nil, func(c *portal.Config, _ *reader) { c.Auth, c.Now, c.Accounts = auth, newClock().now, nil })
	answer := ask(empty, "GET", "/api/v1/night", owner)
	var problem struct {
		Type   string
		Status int
	}
	if err := json.Unmarshal([]byte(answer.Body), &problem); err != nil || problem.Status != 404 || problem.Type != "urn:leadlake:problem:not_found" {
		t.Errorf("no night: %+v, %v", problem, err)
	}
}

func TestReportStandsAlone(t *testing.T) {
	n := night(400, plainNames)
	var b strings.Builder
	if err := portal.Report(&b, n, "ru", reportFiles()); err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	if err := portal.Report(&again, night(400, plainNames), "ru", reportFiles()); err != nil || again.String() != b.String() {
		t.Errorf("the same night gives another report, %v", err)
	}
	page := b.String()
	for _, loads := range []string{"<script", "src=", "@import", "url(", "http://", "https://", "{{", "ZgotmplZ"} {
		if strings.Contains(page, loads) {
			t.Errorf("the report holds %q", loads)
		}
	}
	says(t, "the report", words(page), "Отчёт о клиентской базе · Кофейня на Мясницкой", "В файле нет столбца с согласием на рекламу.",
		"CSV, windows-1251, «;»", "21 340 строк, не прочитано: 3", "csv", "parquet", "8 640", "не использован",
		"Свои сегменты · 1", "1 204 350")
	if !strings.Contains(page, `href="clients.parquet"`) || !strings.Contains(page, `href="report.en.html"`) {
		t.Error("the report does not link its files and its other language")
	}
	var nothing strings.Builder
	if err := portal.Report(&nothing, &portal.Night{AsOf: "2026-11-21", Groups: 3, Business: portal.Business{Currency: "RUB"}}, "en", nil); err != nil {
		t.Fatal(err)
	}
	says(t, "an empty report", words(nothing.String()), "no purchases yet")
}
