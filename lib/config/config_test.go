package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadlake/leadlake/lib/config"
)

// whole is the file of design §7, without the kind that has no adapter yet.
const whole = `business: {name: Кофейня, currency: RUB, timezone: Europe/Moscow, country: RU, language: ru, rates: {USD: "90.00"}}
sources:
  - {name: site, kind: json, secrets: [env:SITE_SECRET], origins: [https://shop.example]}   # several secrets while one is being rotated
  - name: forms
    kind: tilda
    secrets: [env:TILDA_KEY]
    shop: main
    map: {city: Город}
    stages: {"3": visited}
    orders: {done: completed}
    consents: [{purpose: ads, field: Checkbox, equals: "yes", text_version: 2026-03}]
    required: [name, phone]
  - {name: shop, kind: json, secrets: [env:SHOP_SECRET, "ssm:/shop/old"], shop: main, orders: false}
metrics: {rfm: {groups: 3, method: quantile, frequency: orders, monetary: sum, window_days: 0}, abc: {method: money_share, a: 0.80, b: 0.95}, churn_days: 90}
funnel: [lead, first_contact, visited, won]
segments:
  - {name: asleep-coffee, title: {ru: "Уснувшие, кофе", en: Asleep coffee drinkers}, rule: 'activity == "sleeping" && "coffee" in categories'}
exports:
  - {segment: asleep-coffee, platforms: [yandex, vk, google], holdout: 0.1}
canaries: {email_domain: canary.shop.example}
managers: {olga: {title: Ольга}}
sensitive: [gynaecology]
retention: {raw_days: 30, runs: 30, audiences_days: 14}
`

// Clients as overrides name them.
const (
	anna  = "p00000000000000000000000000"
	boris = "e11111111111111111111111111"
	vera  = "x22222222222222222222222222"
	gleb  = "c33333333333333333333333333"
)

// One client may stand in several lists as long as they agree.
func TestListsOfClientsMayMeet(t *testing.T) {
	c := parse(t, "identity:\n  merge: [{clients: ["+anna+", "+vera+"]}, {clients: ["+vera+", "+gleb+"]}]\n  split: [{parts: [["+anna+", "+gleb+"], ["+boris+"]]}, {parts: [["+boris+"], ["+anna+"]]}]\n")
	if len(c.Identity.Merge) != 2 || len(c.Identity.Split) != 2 || len(c.Identity.Split[0].Parts[0]) != 2 {
		t.Errorf("identity %+v", c.Identity)
	}
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return c
}

func TestTheExampleOfTheDesignParses(t *testing.T) {
	c := parse(t, whole)
	if c.Location().String() != "Europe/Moscow" || c.Business.Name != "Кофейня" {
		t.Errorf("business = %+v in %v", c.Business, c.Location())
	}
	forms, ok := c.SourceNamed("forms")
	if !ok {
		t.Fatal("no source forms")
	}
	if diff := cmp.Diff(config.Source{
		Name: "forms", Kind: "tilda", Secrets: []string{"env:TILDA_KEY"}, Shop: "main", Map: map[string]string{"city": "Город"},
		Stages: map[string]string{"3": "visited"}, Orders: config.Orders{Map: map[string]string{"done": "completed"}},
		Consents: []config.ConsentRule{{Purpose: "ads", Field: "Checkbox", Equals: "yes", TextVersion: "2026-03"}}, Required: []string{"name", "phone"},
	}, forms); diff != "" {
		t.Errorf("forms (-want +got):\n%s", diff)
	}
	shop, _ := c.SourceNamed("shop")
	if !shop.Orders.None || forms.Orders.None {
		t.Error("orders: false must say that amounts are no orders, and a map must not")
	}
	site, _ := c.SourceNamed("site")
	if site.ShopOf() != "site" || shop.ShopOf() != "main" {
		t.Errorf("shops = %q, %q", site.ShopOf(), shop.ShopOf())
	}
	if _, ok := c.SourceNamed("fax"); ok {
		t.Error("a source that is not configured was found")
	}
	rate, ok := c.Rate("USD")
	if !ok {
		t.Fatal("no rate for USD")
	}
	if minor, err := rate.Convert(100, "USD", "RUB"); err != nil || minor != 9000 {
		t.Errorf("1 USD = %d minor, %v, want 9000", minor, err)
	}
	if _, ok := c.Rate("EUR"); ok {
		t.Error("a rate for EUR out of nothing")
	}
	if c.Exports[0].Holdout != 0.1 || c.Segments[0].Title["en"] != "Asleep coffee drinkers" || c.Managers["olga"].Title != "Ольга" {
		t.Errorf("exports %+v, segments %+v, managers %+v", c.Exports, c.Segments, c.Managers)
	}
}

func TestNothingSaidIsTheDefaults(t *testing.T) {
	for name, text := range map[string]string{"no bytes": "", "comments": "# nothing yet\n", "a bare document": "---\n", "null": "~\n"} {
		t.Run(name, func(t *testing.T) {
			got, want := parse(t, text), config.Default()
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{})); diff != "" || got.Location().String() != want.Location().String() {
				t.Errorf("in %v (-default +parsed):\n%s", got.Location(), diff)
			}
		})
	}
	c := config.Default()
	if c.Location().String() != "Europe/Moscow" || c.Business.Currency != "RUB" || len(c.Sources) != 0 {
		t.Errorf("default business %+v in %v", c.Business, c.Location())
	}
	if diff := cmp.Diff([]string{"lead", "first_contact", "visited", "won"}, c.Funnel); diff != "" {
		t.Error(diff)
	}
	m := c.Metrics
	if m.RFM.Groups != 3 || m.ABC.A != 0.80 || m.ABC.B != 0.95 || m.ChurnDays != 90 || m.ActiveDays != 90 || m.DeadDays != 730 || m.MaxShared != 10 || !m.EmailLinks || m.DedupeDays != 35 {
		t.Errorf("default metrics = %+v", m)
	}
	if c.Retention != (config.Retention{RawDays: 30, Runs: 30, AudiencesDays: 14}) {
		t.Errorf("default retention = %+v", c.Retention)
	}
}

func TestWhatAFileLeavesOutKeepsItsDefault(t *testing.T) {
	c := parse(t, "business: {currency: USD}\nmetrics: {abc: {a: 0.7}, max_shared: 3, link_by_email: false}\nretention: {runs: 5}\nsources: [{name: s, kind: form}]\n")
	if c.Business.Timezone != "Europe/Moscow" || c.Business.Currency != "USD" || c.Metrics.ABC != (config.ABC{Method: "money_share", A: 0.7, B: 0.95}) ||
		c.Metrics.MaxShared != 3 || c.Metrics.EmailLinks || c.Metrics.DeadDays != 730 || c.Retention.RawDays != 30 || c.Retention.Runs != 5 {
		t.Errorf("config = %+v", c)
	}
	s := c.Sources[0]
	if s.BodyLimit() != 1<<20 || s.ResubmitWindow() != 10*time.Minute {
		t.Errorf("limit %d, window %v", s.BodyLimit(), s.ResubmitWindow())
	}
	s.MaxBody, s.Resubmit, s.Currency = 5<<20, 3, "EUR"
	if s.BodyLimit() != 5<<20 || s.ResubmitWindow() != 3*time.Minute || c.Defaults(s).Currency != "EUR" || c.Defaults(c.Sources[0]).Currency != "USD" {
		t.Errorf("limit %d, window %v, defaults %+v", s.BodyLimit(), s.ResubmitWindow(), c.Defaults(s))
	}
	if got := c.Defaults(s).Location; got == nil || got.String() != "Europe/Moscow" {
		t.Errorf("location of defaults = %v", got)
	}
}

// Every fault names the line it stands on, where it is, and what is wanted.
func TestFaultsNameTheLineAndTheReason(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		line       int
		path, want string
	}{
		{"unknown key", "business:\n  name: A\n  curency: RUB\n", 3, "business.curency", "unknown key; known here: country, currency, language, name, rates, timezone"},
		{"unknown key at the top", "shops: {}\n", 1, "shops", "unknown key"},
		{"unknown key in a list", "sources:\n  - name: a\n    kind: json\n  - name: b\n    kind: json\n    secret: x\n", 6, "sources.1.secret", "unknown key"},
		{"text for a number", "metrics:\n  churn_days: ninety\n", 2, "metrics.churn_days", "want a whole number, got text"},
		{"a value for a section", "business: Кофейня\n", 1, "business", "want keys with values, got text"},
		{"a section left empty", "business:\nfunnel: [a]\n", 1, "business", "want keys with values, got nothing"},
		{"a number that is none", "metrics: {abc: {a: .nan}}\n", 1, "file", "numbers finite"},
		{"unknown time zone", "funnel: [a]\nbusiness:\n  timezone: Moscow\n", 3, "business.timezone", "unknown time zone; want a name such as Europe/Moscow"},
		{"the machine's own time zone", "business: {timezone: Local}\n", 1, "business.timezone", "unknown time zone"},
		{"unknown currency", "business: {currency: rubles}\n", 1, "business.currency", "want a currency code"},
		{"unknown language", "business: {language: de}\n", 1, "business.language", "want one of ru, en"},
		{"bad rate", "business:\n  rates:\n    USD: \"-90\"\n", 3, "business.rates.USD", "want a positive decimal"},
		{"canaries in no domain", "canaries:\n  email_domain: canaries\n", 2, "canaries.email_domain", "want a domain in Latin letters such as canary.shop.example"},
		{"canaries where clients have addresses", "canaries: {email_domain: Mail.ru}\n", 1, "canaries.email_domain", "clients have their addresses there"},
		{"rate of the own currency", "business: {currency: RUB, rates: {RUB: \"2\"}}\n", 1, "business.rates.RUB", "own currency has no rate"},
		{"a kind without an adapter", "sources:\n  - {name: s, kind: tiktok}\n", 2, "sources.0.kind", "this version has no adapter for the kind; want one of form, json, spreadsheet, tilda, retailcrm"},
		{"a source without a kind", "sources:\n  - {name: s}\n", 2, "sources.0", "needs kind"},
		{"a name that is no part of an address", "sources:\n  - {name: a/b, kind: json}\n", 2, "sources.0.name", "want letters, digits, dot, dash and underscore"},
		{"a shop with a colon", "sources: [{name: s, kind: json, shop: 'a:b'}]\n", 1, "sources.0.shop", "want letters, digits"},
		{"a source twice", "sources:\n  - {name: s, kind: json}\n  - {name: s, kind: form}\n", 3, "sources.1.name", `source "s" is configured twice`},
		{"a secret as a value", "sources:\n  - name: s\n    kind: json\n    secrets: [hunter2hunter2]\n", 4, "sources.0.secrets.0", "want references, never values: env:NAME"},
		{"an unknown order status", "sources:\n  - name: s\n    kind: json\n    orders: {done: finished}\n", 4, "sources.0.orders", `unknown order status "finished"; one of new, paid`},
		{"orders that are neither", "sources: [{name: s, kind: json, orders: none}]\n", 1, "sources.0.orders", "or false where its amounts are no orders"},
		{"a consent without a field", "sources: [{name: s, kind: json, consents: [{purpose: ads}]}]\n", 1, "sources.0.consents.0", "want a field, or always: true"},
		{"an unknown purpose", "sources: [{name: s, kind: json, consents: [{purpose: spam, always: true}]}]\n", 1, "sources.0.consents.0.purpose", "want one of processing, ads"},
		{"a body over 5 MiB", "sources: [{name: s, kind: json, max_body_bytes: 6000000}]\n", 1, "sources.0.max_body_bytes", "want at most 5242880, got 6000000"},
		{"a share over 1", "metrics:\n  abc: {a: 0.8, b: 95}\n", 2, "metrics.abc.b", "want at most 1, got 95"},
		{"shares that do not rise", "metrics:\n  abc: {a: 0.95, b: 0.8}\n", 2, "metrics.abc", "a (0.95) must be below b (0.8)"},
		{"a holdout over 0.9", "exports: [{segment: s, platforms: [vk], holdout: 1.5}]\n", 1, "exports.0.holdout", "want at most 0.9, got 1.5"},
		{"a header of a column that a file has not", "platforms: {meta: {columns: {shoe_size: Size}}}\n", 1, "platforms.meta.columns.shoe_size", "unknown key; known here: birth_date, city, country, email, first_name, gender, last_name, madid, phone, state, value, zip"},
		{"a header that is empty", "platforms:\n  meta: {columns: {email: ''}}\n", 2, "platforms.meta.columns.email", "want the name of a column, 1 to 64 characters"},
		{"an unknown platform", "exports: [{segment: s, platforms: [myspace]}]\n", 1, "exports.0.platforms.0", "want one of vk, yandex, google, meta, tiktok, vk-old, linkedin, microsoft, pinterest, x, snapchat, tads, unisender, mailchimp, sendpulse, mindbox, csv, xlsx, dialler"},
		{"thresholds that do not rise", "metrics:\n  rfm:\n    method: fixed\n    r_bounds: [30, 90]\n    f_bounds: [3, 1]\n    m_bounds: [1000, 5000]\n", 5, "metrics.rfm.f_bounds", "bounds must rise: 1 after 3"},
		{"thresholds missing", "metrics: {rfm: {method: fixed, r_bounds: [30, 90], f_bounds: [1], m_bounds: [1, 2]}}\n", 1, "metrics.rfm.f_bounds", "needs 2 bounds, got 1"},
		{"x above y", "metrics:\n  xyz: {x: 0.3}\n", 2, "metrics.xyz", "x (0.3) must be below y (0.25)"},
		{"an unknown period", "metrics:\n  xyz:\n    period: day\n", 3, "metrics.xyz.period", "want one of month, week, quarter"},
		{"a first period of no month", "metrics:\n  xyz:\n    first_period: 2026-13\n", 3, "metrics.xyz.first_period", "want a month or a day that exists"},
		{"a first period of no day", "metrics: {xyz: {first_period: 2026-02-30}}\n", 1, "metrics.xyz.first_period", "want a month or a day that exists"},
		{"a first period in words", "metrics: {xyz: {first_period: spring}}\n", 1, "metrics.xyz.first_period", "want a month or a day of the first period"},
		{"one period", "metrics: {xyz: {min_periods: 1}}\n", 1, "metrics.xyz.min_periods", "want at least 2, got 1"},
		{"no margin", "metrics: {margin: 0}\n", 1, "metrics.margin", "want more than 0, got 0"},
		{"a margin in per cent", "metrics: {margin: 40}\n", 1, "metrics.margin", "want at most 1, got 40"},
		{"a horizon of the past", "metrics: {ltv_horizon_months: -1}\n", 1, "metrics.ltv_horizon_months", "want at least 0, got -1"},
		{"unknown cohorts", "metrics: {cohorts: open}\n", 1, "metrics.cohorts", "want one of bounded, unbounded"},
		{"ten groups", "metrics: {rfm: {groups: 10}}\n", 1, "metrics.rfm.groups", "want at most 9, got 10"},
		{"four groups without a playbook", "metrics:\n  rfm: {groups: 4}\n", 2, "metrics.rfm.playbook", "every one of the 64 codes must be covered once; 0 are"},
		{"a stage twice", "funnel: [lead, lead]\n", 1, "funnel", "want every entry once"},
		{"an empty funnel", "funnel: []\n", 1, "funnel", "want at least 1 entries"},
		{"a segment twice", "segments:\n  - {name: s, rule: a}\n  - {name: s, rule: b}\n", 3, "segments.1.name", `segment "s" is configured twice`},
		{"a key twice", "funnel: [a]\nfunnel: [b]\n", 2, "yaml", "already defined"},
		{"no YAML at all", "business: {\n", 1, "yaml", "did not find"},
		{"a client in two parts of a split", "identity:\n  split:\n    - parts: [[" + anna + ", " + boris + "],\n              [" + vera + ", " + anna + "]]\n", 4, "identity.split.0.parts.1.1", "stands in part 1 of the same split, too"},
		{"a merge across a split", "identity:\n  split: [{parts: [[" + anna + "], [" + boris + "]]}]\n  merge:\n    - {clients: [" + vera + ", " + gleb + "]}\n    - {clients: [" + anna + ", " + boris + "]}\n", 5, "identity.merge.1.clients.1", "unites clients that a split keeps apart"},
		{"merges across a split one after another", "identity:\n  merge:\n    - {clients: [" + anna + ", " + vera + "]}\n    - {clients: [" + boris + ", " + gleb + "]}\n    - clients: [" + gleb + ",\n                " + vera + "]\n  split: [{parts: [[" + anna + "], [" + boris + "]]}]\n", 6, "identity.merge.2.clients.1", "unites clients that a split keeps apart"},
		{"a merge of one", "identity: {merge: [{clients: [" + anna + "]}]}\n", 1, "identity.merge.0.clients", "want at least 2 entries"},
		{"a merge of what is no client", "identity: {merge: [{clients: [" + anna + ", anna]}]}\n", 1, "identity.merge.0.clients.1", "as `leadlake why` prints it"},
		{"a pair of no purchases", "metrics: {basket: {min_tickets: 0}}\n", 1, "metrics.basket.min_tickets", "at least 1"},
		{"replenishment of clients", "metrics:\n  replenishment:\n    level: client\n", 3, "metrics.replenishment.level", "want one of item, category"},
		{"an interval of one", "metrics:\n  replenishment: {min_purchases: 2}\n", 2, "metrics.replenishment.min_purchases", "at least 3"},
		{"a season without days", "metrics:\n  seasons:\n    - {name: x, day: \"03-08\"}\n", 3, "metrics.seasons.0", "needs days_before"},
		{"a season of leap years", "metrics:\n  seasons:\n    - {name: x, day: \"02-29\", days_before: 3}\n", 3, "metrics.seasons.0.day", "every year has"},
		{"a season of a year", "metrics:\n  seasons:\n    - {name: x, day: \"03-08\", days_before: 100, days_after: 100}\n", 3, "metrics.seasons.0", "at most 180 days around"},
		{"a season twice", "metrics:\n  seasons:\n    - {name: x, day: \"03-08\", days_before: 1}\n    - {name: x, day: \"05-01\", days_before: 1}\n", 4, "metrics.seasons.1.name", "configured twice"},
		{"points for everybody", "metrics:\n  lead_score: {points: [{when: {}, points: 5}]}\n", 2, "metrics.lead_score.points.0.when", "want a condition"},
		{"points of no stage", "metrics:\n  lead_score:\n    points:\n      - {when: {stage: dance}, points: 5}\n", 4, "metrics.lead_score.points.0.when.stage", "a stage of the funnel"},
		{"points of the last stage", "metrics:\n  lead_score:\n    points:\n      - {when: {stage: won}, points: 5}\n", 4, "metrics.lead_score.points.0.when.stage", "what the score foretells"},
		{"points for what is not known", "metrics:\n  lead_score:\n    points:\n      - {when: {colour: red}, points: 5}\n", 4, "metrics.lead_score.points.0.when.colour", "unknown key"},
		{"two documents", "funnel: [a]\n---\nfunnel: [b]\n", 2, "file", "a second document"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := config.Parse([]byte(tc.text))
			if !errors.Is(err, config.ErrInvalid) {
				t.Fatalf("error %v, want one that matches ErrInvalid", err)
			}
			fault, _ := errors.AsType[*config.Fault](err)
			if fault.Line != tc.line || fault.Path != tc.path || !strings.Contains(fault.Reason, tc.want) {
				t.Errorf("fault = %d %q %q\nwant    %d %q …%q…", fault.Line, fault.Path, fault.Reason, tc.line, tc.path, tc.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnceInTheOrderOfLines(t *testing.T) {
	_, err := config.Parse([]byte("metrics:\n  churn_days: 0\nbusiness:\n  language: de\nsources:\n  - {name: s, kind: telex}\n"))
	lines := strings.Split(err.Error(), "\n")
	want := []string{"config/leadlake.yaml:2: metrics.churn_days: ", "config/leadlake.yaml:4: business.language: ", "config/leadlake.yaml:6: sources.0.kind: "}
	if len(lines) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(lines), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("fault %d = %q, want it to begin with %q", i, lines[i], want[i])
		}
	}
}

// Errors are logged and shown; a secret written in place of a reference must not
// travel with them.
func TestNoFaultQuotesASecret(t *testing.T) {
	for _, text := range []string{
		"sources: [{name: s, kind: json, secrets: [hunter2hunter2]}]\n",
		"sources: [{name: s, kind: json, secrets: hunter2hunter2}]\n",
		"sources: [{name: s, kind: json, redirect: hunter2hunter2}]\n",
		"sources: [{name: s, kind: json, orders: hunter2hunter2}]\n",
	} {
		_, err := config.Parse([]byte(text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}

func playbook(skip, twice string) string {
	var b strings.Builder
	b.WriteString("metrics:\n  rfm:\n    groups: 2\n    playbook:\n      - segment: all\n        codes: [")
	for r := '1'; r <= '2'; r++ {
		for f := '1'; f <= '2'; f++ {
			for m := '1'; m <= '2'; m++ {
				if code := string([]rune{r, f, m}); code != skip {
					b.WriteString("\"" + code + "\", ")
				}
			}
		}
	}
	b.WriteString("]\n")
	if twice != "" {
		b.WriteString("      - segment: more\n        codes: [\"" + twice + "\"]\n")
	}
	return b.String()
}

func TestAPlaybookCoversEveryCodeOnce(t *testing.T) {
	parse(t, playbook("", ""))
	for _, tc := range []struct{ name, text, want string }{
		{"one missing", playbook("212", ""), "every one of the 8 codes must be covered once; 7 are"},
		{"one twice", playbook("", "111"), "metrics.rfm.playbook.1.codes: code 111 is covered twice, by all and more"},
		{"one of other groups", playbook("", "113"), `"113" is no code of 2 groups`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := config.Parse([]byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want …%s…", err, tc.want)
			}
		})
	}
}

func TestFixedThresholdsParse(t *testing.T) {
	c := parse(t, "metrics: {rfm: {method: fixed, r_bounds: [30, 90.5], f_bounds: [1, 3], m_bounds: [1000, 5000]}}\n")
	if diff := cmp.Diff([]float64{30, 90.5}, c.Metrics.RFM.RBounds); diff != "" {
		t.Error(diff)
	}
}

func TestTheTimeZoneCanBeSetByACommand(t *testing.T) {
	c := config.Default()
	if err := c.SetTimezone("Asia/Yekaterinburg"); err != nil || c.Location().String() != "Asia/Yekaterinburg" || c.Business.Timezone != "Asia/Yekaterinburg" {
		t.Errorf("error %v, location %v", err, c.Location())
	}
	for _, name := range []string{"", "Local", "Mars/Olympus", "../etc"} {
		if err := c.SetTimezone(name); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("SetTimezone(%q) = %v, want ErrInvalid", name, err)
		}
	}
	if c.Location().String() != "Asia/Yekaterinburg" {
		t.Error("a refused zone changed the location")
	}
}

func TestThePublishedSchemaIsOne(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config.Schema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	meta, err := compiler.Compile("https://json-schema.org/draft/2020-12/schema")
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(document); err != nil {
		t.Errorf("the schema breaks the rules for schemas: %v", err)
	}
	config.Schema()[0] = 'x' // a copy: what a caller does to it changes nothing
	if config.Schema()[0] != '{' {
		t.Error("callers share the schema's bytes")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("sources: &a [*a]\n")
	f.Add("? [1]\n: 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse([]byte(text))
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		if err != nil && !errors.Is(err, config.ErrInvalid) {
			t.Errorf("error %v does not match ErrInvalid", err)
		}
	})
}

func TestSourcesOfTheInboxAreThereWithoutAnEntry(t *testing.T) {
	c := parse(t, "sources: [{name: inbox-leads, kind: spreadsheet, shop: crm}]")
	for _, kind := range config.InboxKinds() {
		s, ok := c.SourceNamed(config.InboxSource(kind))
		want := "inbox"
		if kind == "leads" {
			want = "crm"
		}
		if !ok || s.Kind != config.SheetKind || s.ShopOf() != want {
			t.Errorf("%s: %+v, %v, shop %s; want kind spreadsheet and shop %s", kind, s, ok, s.ShopOf(), want)
		}
	}
	if _, ok := c.SourceNamed("inbox-dances"); ok {
		t.Error("a folder that there is not has a source")
	}
	for _, bad := range []string{
		"sources: [{name: inbox-leads, kind: json}]", "sources: [{name: sheet, kind: spreadsheet}]", "sources: [{name: inbox-leads, kind: spreadsheet, secrets: [env:X]}]",
	} {
		if _, err := config.Parse([]byte(bad)); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("Parse(%s) = %v, want ErrInvalid", bad, err)
		}
	}
}

func TestRequiredFieldsAreKnownNames(t *testing.T) {
	c := parse(t, "sources: [{name: crm, kind: json, required: [name, phone, interests, consent]}]")
	if got := c.Sources[0].Required; len(got) != 4 {
		t.Errorf("required = %v", got)
	}
	for _, bad := range []string{"[shoe_size]", "[name, name]", "name"} {
		_, err := config.Parse([]byte("business: {name: Shop}\nsources:\n  - name: crm\n    kind: json\n    required: " + bad + "\n"))
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), ":5:") {
			t.Errorf("required: %s: %v, want a fault in line 5", bad, err)
		}
		if bad == "[shoe_size]" && !strings.Contains(err.Error(), "want one of phone, email, external_id,") {
			t.Errorf("the fault does not list the fields: %v", err)
		}
	}
}

// A day may stand without quotes, which YAML reads as a time.
func TestXYZAndLTVParse(t *testing.T) {
	for text, want := range map[string]string{"2026-03-09": "2026-03-09", `"2026-03-09"`: "2026-03-09", "2026-03": "2026-03-01"} {
		c := parse(t, "metrics: {xyz: {period: week, value: quantity, first_period: "+text+", y: 0.3}, cohorts: unbounded, margin: 0.4, ltv_horizon_months: 0}\n")
		x := c.Metrics.XYZ
		if first, ok := x.First(); !ok || first.Format(time.DateOnly) != want || x.Period != "week" || x.Value != "quantity" || x.X != 0.10 || x.Y != 0.3 || x.MinPeriods != 6 {
			t.Errorf("%s: xyz = %+v from %v, want weeks of pieces from %s", text, x, first, want)
		}
		if m := c.Metrics; m.Cohorts != "unbounded" || m.Margin != 0.4 || m.LTVHorizon != 0 {
			t.Errorf("metrics = %+v", m)
		}
	}
	m := config.Default().Metrics
	if want := (config.XYZ{Period: "month", Value: "revenue", X: 0.10, Y: 0.25, MinPeriods: 6}); m.XYZ != want || m.Cohorts != "bounded" || m.Margin != 1 || m.LTVHorizon != 60 {
		t.Errorf("default metrics = %+v", m)
	}
}

// Seasons of the file stand in for the built-in ones; none is an answer, too.
func TestSeasonsReplaceTheBuiltIn(t *testing.T) {
	if c := parse(t, "metrics: {basket: {min_tickets: 9}, replenishment: {days_ahead: 3}}\n"); len(c.Metrics.Seasons) != 3 ||
		c.Metrics.Basket != (config.Basket{MinTickets: 9, MaxItems: 50, MaxPairs: 10_000}) || c.Metrics.Replenishment != (config.Replenishment{Level: "item", DaysAhead: 3, MinPurchases: 3}) {
		t.Errorf("metrics %+v", c.Metrics)
	}
	want := []config.Season{{Name: "easter-goods", Day: "04-20", DaysBefore: 30, DaysAfter: 5}}
	if c := parse(t, "metrics: {seasons: [{name: easter-goods, day: \"04-20\", days_before: 30, days_after: 5}]}\n"); !cmp.Equal(want, c.Metrics.Seasons) {
		t.Errorf("seasons %+v, want %+v", c.Metrics.Seasons, want)
	}
	if c := parse(t, "metrics: {seasons: []}\n"); len(c.Metrics.Seasons) != 0 {
		t.Errorf("seasons %+v, want none", c.Metrics.Seasons)
	}
}

// The built-in points go by the file's own funnel.
func TestBuiltInPointsFitTheFunnel(t *testing.T) {
	stages := func(text string) (stages []string) {
		for _, rule := range parse(t, text).Metrics.LeadScore.Points {
			if rule.When.Stage != "" {
				stages = append(stages, rule.When.Stage)
			}
		}
		return stages
	}
	for text, want := range map[string][]string{
		"": {"visited"}, "funnel: [asked, met, tried, offered, paid]\n": {"offered"}, "funnel: [asked, paid]\n": nil,
		"metrics: {lead_score: {points: []}}\n":                                           nil,
		"metrics: {lead_score: {points: [{when: {stage: first_contact}, points: -3}]}}\n": {"first_contact"},
	} {
		if got := stages(text); !cmp.Equal(want, got) {
			t.Errorf("%q: points for %v, want %v", text, got, want)
		}
	}
	if n := len(parse(t, "metrics: {lead_score: {points: []}}\n").Metrics.LeadScore.Points); n != 0 {
		t.Errorf("%d rules, want none", n)
	}
}
