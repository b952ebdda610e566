package card_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// noPhones reads no phone at all.
type noPhones struct{}

func (noPhones) Parse(string, string) (identity.Phone, bool) { return "", false }

func (noPhones) ParseAll(raw, _ string) ([]identity.PhoneNumber, []string) { return nil, []string{raw} }

// november is the morning of a day of November.
func november(n int) time.Time { return time.Date(2026, 11, n, 9, 0, 0, 0, time.UTC) }

func qualityOptions() card.QualityOptions {
	return card.QualityOptions{
		End: time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC), Location: time.UTC, LeadWaitDays: 3,
		Funnel: []string{"lead", "first_contact", "won"}, Country: "RU", Phones: noPhones{},
		Required: map[string][]string{"crm": {"phone", "name"}},
	}
}

// nobodysRest is the rest of the night for so many clients without orders.
func nobodysRest(clients int) ([]card.Card, []schema.ClientRow) {
	return make([]card.Card, clients), make([]schema.ClientRow, clients)
}

func countOf(rows []schema.QualityRow, source, measure string) string {
	for _, row := range rows {
		if row.Source == source && row.Measure == measure {
			return fmt.Sprintf("%d of %d", row.Count, row.Of)
		}
	}
	return "none"
}

func TestAThinHookAndItsObjectAreOneLead(t *testing.T) {
	q := card.NewQuality(1, qualityOptions())
	hook := schema.CardEventRow{EventID: "1", Source: "crm", Kind: "lead", At: november(1), Entity: "deal:7", Tokens: []string{"r1"}}
	object := schema.CardEventRow{EventID: "2", Source: "crm", Kind: "lead", At: november(1), Entity: "deal:7", Tokens: []string{"p1"}}
	other := schema.CardEventRow{EventID: "3", Source: "crm", Kind: "lead", At: november(1), Entity: "deal:8"}
	q.Event(-1, &hook, nil)
	q.Event(0, &object, &schema.ContactRow{FirstName: "Анна"})
	q.Event(-1, &other, nil)
	rows := q.Rows(nobodysRest(1))
	for measure, want := range map[string]string{
		"leads": "2 of 2", "leads_without_client": "1 of 2", "missing_phone": "1 of 2", "missing_name": "1 of 2", "missing_city": "none",
	} {
		if got := countOf(rows, "crm", measure); got != want {
			t.Errorf("%s = %s, want %s", measure, got, want)
		}
	}
}

func TestValuesAreJudged(t *testing.T) {
	q := card.NewQuality(2, qualityOptions())
	q.Contact(0, &schema.ContactRow{
		Source: "site", Emails: []string{"a@gmial.com"}, Name: "Aннa",
		BadPhones: []string{"00000000", "999 123 45", "номер у Пети"}, BadEmails: []string{"TEST@mail", "not an address"}, BadBirth: "01.01.1900",
	})
	q.Contact(1, &schema.ContactRow{Source: "site", Emails: []string{"b@gmail.com"}, Name: "Анна", BirthDate: "--02-01"})
	q.Contact(1, &schema.ContactRow{Source: "crm", BadBirth: "31.02.1990"})
	rows := q.Rows(nobodysRest(2))
	for measure, want := range map[string]string{
		"phones_junk": "1 of 3", "phones_unreadable": "2 of 3", "emails_junk": "1 of 4", "emails_unreadable": "1 of 4",
		"birth_dates_junk": "1 of 3", "birth_dates_unreadable": "1 of 3", "email_typos": "1 of 2", "look_alike_names": "1 of 2",
	} {
		if got := countOf(rows, "", measure); got != want {
			t.Errorf("%s = %s, want %s", measure, got, want)
		}
	}
	if got := countOf(rows, "crm", "birth_dates_unreadable"); got != "1 of 1" {
		t.Errorf("of the CRM: %s", got)
	}
}

// The order of rows decides nothing, neither of measures nor of records.
func TestTheOrderOfRowsChangesNoMeasure(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 4))
	const clients = 40
	ids := make([]string, clients)
	for i := range ids {
		ids[i] = fmt.Sprintf("p%026d", i)
	}
	type stated struct {
		client  int
		event   schema.CardEventRow
		contact schema.ContactRow
	}
	var all []stated
	for i := range 800 {
		s := stated{client: random.IntN(clients+2) - 2}
		tokens := []string{}
		if s.client >= 0 {
			tokens = append(tokens, ids[s.client])
			if random.IntN(3) == 0 {
				tokens = append(tokens, fmt.Sprintf("e%d-%d", s.client, random.IntN(3)), "r-deal")
			}
		} else {
			s.client = -1
		}
		source := []string{"crm", "site", "till"}[random.IntN(3)]
		s.event = schema.CardEventRow{
			EventID: strconv.Itoa(i), Source: source, At: november(1 + random.IntN(9)), Tokens: tokens,
			Kind: []string{"lead", "contact", "stage", "booking"}[random.IntN(4)], Stage: []string{"", "lead", "won"}[random.IntN(3)],
			Manager: []string{"", "olga", "pavel"}[random.IntN(3)], Entity: []string{"", "d1", "d2"}[random.IntN(3)],
		}
		s.contact = schema.ContactRow{EventID: s.event.EventID, Source: source, Tokens: tokens, Name: []string{"", "Анна", "Анна Ким", "Ким Анна", "Пётр"}[random.IntN(5)]}
		all = append(all, s)
	}
	var first []schema.QualityRow
	var firstMerges []schema.MergeRow
	for round := range 8 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		q, m := card.NewQuality(clients, qualityOptions()), card.NewMerges(clients)
		for _, s := range all {
			q.Event(s.client, &s.event, &s.contact)
			q.Contact(s.client, &s.contact)
			if s.client >= 0 {
				m.Record(s.client, s.event.At, s.event.Tokens)
				m.Name(s.client, s.contact.Name)
			}
		}
		rows, merges := q.Rows(nobodysRest(clients)), m.Rows(ids)
		if round == 0 {
			first, firstMerges = rows, merges
			continue
		}
		if diff := cmp.Diff(first, rows); diff != "" {
			t.Fatalf("round %d (-first +now):\n%s", round, diff)
		}
		if diff := cmp.Diff(firstMerges, merges); diff != "" {
			t.Fatalf("merges, round %d (-first +now):\n%s", round, diff)
		}
	}
	if len(firstMerges) == 0 {
		t.Error("nothing was merged")
	}
}

func TestRecordsOfAClient(t *testing.T) {
	m := card.NewMerges(3)
	m.Record(1, november(3), []string{"p1", "e1"})
	m.Record(1, november(2), []string{"e1", "p1", "r9"}) // the same set: a deal is no part of a person
	m.Record(1, november(5), []string{"p1"})
	m.Record(0, november(1), []string{"p0"})
	m.Record(2, november(1), []string{"r9"}) // no record at all
	m.Order(1, []string{"e1", "p1"}, 100)
	m.Order(1, []string{"p1"}, 20)
	m.Order(1, []string{"r9"}, 3) // by the deal alone: with the first record
	m.Order(0, []string{"p0"}, 7)
	for _, name := range []string{"Анна", "анна ким", "Ким Анна", "А. Ким", "Семён", "Семен"} {
		m.Name(1, name)
	}
	want := []schema.MergeRow{
		{ClientID: "b", Record: "e1", Tokens: []string{"e1", "p1"}, Names: 2, Since: november(2), Orders: 2, RevenueMinor: 103},
		{ClientID: "b", Record: "p1", Tokens: []string{"p1"}, Names: 2, Since: november(5), Orders: 1, RevenueMinor: 20},
	}
	if diff := cmp.Diff(want, m.Rows([]string{"a", "b", "c"})); diff != "" {
		t.Errorf("Rows (-want +got):\n%s", diff)
	}
	if m.Merged(0) || !m.Merged(1) || m.Merged(2) {
		t.Error("Merged is of who has several records")
	}
	if rows := card.NewMerges(0).Rows(nil); rows != nil {
		t.Errorf("of nobody: %v", rows)
	}
}

// No measure is shown without saying what it means, in both languages.
func TestEveryMeasureHasItsMeaning(t *testing.T) {
	q := card.NewQuality(1, qualityOptions())
	q.Event(0, &schema.CardEventRow{Source: "crm", Kind: "lead", At: november(1), Tokens: []string{"p1"}}, nil)
	q.Event(0, &schema.CardEventRow{Source: "crm", Kind: "contact", At: november(9), Tokens: []string{"p1", "e1"}, Manager: "olga"}, nil)
	q.Contact(0, &schema.ContactRow{Source: "crm", Emails: []string{"a@b.ru"}, Name: "Анна"})
	names := []string{
		card.MeasureNames, card.MeasureOverrides, card.MeasureAnonymous, card.MeasureAnonymousSum, card.MeasureOtherOrders,
		card.MeasureOtherCosts, card.MeasureFailed + "malformed_json",
	}
	for _, row := range q.Rows(nobodysRest(1)) {
		names = append(names, row.Measure)
	}
	for _, field := range card.LeadFields() {
		names = append(names, card.MeasureMissing+field)
	}
	seen := map[string]string{}
	for _, name := range names {
		m, ok := card.DescribeMeasure(name)
		if !ok || m.Name != name || m.Group == "" || m.Of == "" {
			t.Errorf("%s is not described: %+v", name, m)
		}
		for language, words := range map[string][2]string{"ru": {m.Title.RU, m.Meaning.RU}, "en": {m.Title.EN, m.Meaning.EN}} {
			if words[0] == "" || words[1] == "" || strings.ContainsAny(words[0]+words[1], "{}") {
				t.Errorf("%s in %s: %q", name, language, words)
			}
			if other, taken := seen[language+words[0]]; taken && other != name {
				t.Errorf("%s and %s have the same title %q", name, other, words[0])
			}
			seen[language+words[0]] = name
		}
	}
	for _, name := range []string{"", "missing_", "missing_shoe_size", "failed_", "of_no_meaning"} {
		if m, ok := card.DescribeMeasure(name); ok {
			t.Errorf("%q is described: %+v", name, m)
		}
	}
}

// The schema of the configuration names the same fields.
func TestRequiredFieldsAreThoseOfTheConfiguration(t *testing.T) {
	body, err := os.ReadFile("../config/leadlake.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Properties struct {
			Sources struct {
				Items struct {
					Properties struct {
						Required struct {
							Items struct{ Enum []string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(body, &document); err != nil {
		t.Fatal(err)
	}
	if got := document.Properties.Sources.Items.Properties.Required.Items.Enum; !slices.Equal(got, card.LeadFields()) {
		t.Errorf("the schema has %v, the night %v", got, card.LeadFields())
	}
}
