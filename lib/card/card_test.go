package card_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// history is one client (x1, p1, e1) told by three sources, and a stranger (p9).
func history() (events []schema.CardEventRow, contacts []schema.ContactRow) {
	anna := []string{"x1", "p1"}
	events = []schema.CardEventRow{
		{EventID: "1", Source: "site", Kind: "lead", At: at(1, 10), Tokens: []string{"p1"}, Interests: []string{"coffee"}, Manager: "olga", Stage: "lead"},
		{EventID: "2", Source: "ads", Kind: "lead", At: at(2, 10), Tokens: []string{"p1", "e1"}, UTMSource: "yandex", UTMCampaign: "spring", Interests: []string{"tea", "coffee"}, Tags: []string{"vip"}},
		{EventID: "3", Source: "crm", Kind: "contact", At: at(3, 10), Tokens: anna, Stage: "first_contact", Manager: "boris", ExternalID: "C-1"},
		{EventID: "4", Source: "ads", Kind: "lead", At: at(4, 10), Tokens: []string{"e1"}, UTMSource: "google", UTMCampaign: "brand"},
		{EventID: "5", Source: "crm", Kind: "consent", At: at(5, 10), Tokens: anna, LoyaltyLevel: "gold", PreferredChannel: "call", Consents: []schema.ConsentRow{
			{Purpose: "ads", Given: true, At: at(5, 10), Evidence: "form 12"}, {Purpose: "sms", Given: true, At: at(5, 10)},
		}},
		{EventID: "6", Source: "crm", Kind: "unsubscribe", At: at(6, 10), Tokens: anna, Consents: []schema.ConsentRow{{Purpose: "sms", At: at(6, 10)}}},
		{EventID: "7", Source: "site", Kind: "lead", At: at(7, 10), Tokens: []string{"p9"}},
		{EventID: "8", Source: "site", Kind: "cost", At: at(8, 10)},
	}
	contacts = []schema.ContactRow{
		{EventID: "1", At: at(1, 10), Tokens: []string{"p1"}, Phones: []string{"+79995551111"}, Name: "Аня", City: "Тверь"},
		{EventID: "2", At: at(2, 10), Tokens: []string{"p1", "e1"}, Phones: []string{"+79995551111"}, Emails: []string{"anna@mail.ru"}, BirthDate: "1990-02-01"},
		{EventID: "3", At: at(3, 10), Tokens: anna, Phones: []string{"+79995552222"}, Name: "Анна Смирнова", Company: "ООО"},
		{EventID: "4", At: at(4, 10), Tokens: []string{"e1"}, Emails: []string{"anna@mail.ru"}, City: "Москва"},
	}
	return events, contacts
}

func cards(t *testing.T, events []schema.CardEventRow, contacts []schema.ContactRow) []card.Card {
	t.Helper()
	r := card.NewResolver(options(10, true))
	for _, ev := range events {
		r.Add(card.Record{At: ev.At, Tokens: ev.Tokens})
	}
	b := card.NewBuilder(r.Resolve())
	for _, ev := range events {
		b.Event(ev)
	}
	for _, row := range contacts {
		b.Contact(row)
	}
	return b.Cards()
}

func TestACardHoldsWhatIsKnownOfAClient(t *testing.T) {
	got := cards(t, eventsOf(history()), contactsOf(history()))
	if len(got) != 2 {
		t.Fatalf("%d cards, want 2", len(got))
	}
	anna := got[0]
	for purpose, want := range map[consent.Purpose]consent.State{consent.Ads: consent.Given, consent.SMS: consent.Withdrawn, consent.Email: ""} {
		if state := anna.Consents.State(purpose); state != want {
			t.Errorf("consent %s = %q, want %q", purpose, state, want)
		}
	}
	if s, _ := anna.Consents.Latest(consent.Ads); s.Channel != "crm" || s.Evidence != "form 12" || s.EventID != "5" {
		t.Errorf("proof of consent = %+v", s)
	}
	anna.Consents = consent.Ledger{}
	want := card.Card{
		ClientID: "p1", Tokens: []string{"e1", "p1", "x1"}, ExternalIDs: []string{"C-1"}, FirstAt: at(1, 10), LastAt: at(6, 10),
		Leads: 3, LastLeadAt: at(4, 10), Contacted: true, LastContactAt: at(3, 10), Stage: "first_contact",
		Interests: []string{"coffee", "tea"}, Tags: []string{"vip"}, Manager: "boris", LoyaltyLevel: "gold", PreferredChannel: "call",
		Source: "yandex", Campaign: "spring", // the first touch that names one, not the later google
		Records: 4, // p1 · p1 e1 · p1 x1 · e1
		Person: schema.PersonRow{
			ClientID: "p1", Tokens: []string{"e1", "p1", "x1"},
			Phones: []schema.ValueRow{
				{Value: "+79995552222", Since: at(3, 10), Last: at(3, 10)}, // latest seen first
				{Value: "+79995551111", Since: at(1, 10), Last: at(2, 10)},
			},
			Emails: []schema.ValueRow{{Value: "anna@mail.ru", Since: at(2, 10), Last: at(4, 10)}},
			Name:   "Анна Смирнова", BirthDate: "1990-02-01", City: "Москва", Company: "ООО",
		},
	}
	if diff := cmp.Diff(want, anna, cmp.AllowUnexported(consent.Ledger{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if stranger := got[1]; stranger.ClientID != "p9" || stranger.Source != "site" || stranger.Campaign != "" || stranger.Contacted || stranger.Records != 1 {
		t.Errorf("stranger = %+v", stranger)
	}
}

func eventsOf(events []schema.CardEventRow, _ []schema.ContactRow) []schema.CardEventRow {
	return events
}

func contactsOf(_ []schema.CardEventRow, contacts []schema.ContactRow) []schema.ContactRow {
	return contacts
}

func TestTheOrderOfRowsDoesNotChangeCards(t *testing.T) {
	events, contacts := history()
	// Two sources that use one event id at one instant must not leave it to chance.
	events = append(events, schema.CardEventRow{EventID: "5", Source: "erp", Kind: "profile", At: at(5, 10), Tokens: []string{"x1", "p1"}, LoyaltyLevel: "silver"},
		schema.CardEventRow{EventID: "2", Source: "ads2", Kind: "lead", At: at(2, 10), Tokens: []string{"p1"}, UTMSource: "yandex", UTMCampaign: "autumn"})
	want := cards(t, events, contacts)
	if want[0].LoyaltyLevel != "silver" || want[0].Campaign != "autumn" {
		t.Errorf("level %q, campaign %q", want[0].LoyaltyLevel, want[0].Campaign)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		random.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
		if diff := cmp.Diff(want, cards(t, events, contacts), cmp.AllowUnexported(consent.Ledger{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestAClientOfATokenAloneHasAnEmptyCard(t *testing.T) {
	r := card.NewResolver(options(10, true))
	r.Add(card.Record{At: at(1, 1), Tokens: []string{"p1"}})
	got := card.NewBuilder(r.Resolve()).Cards()
	if len(got) != 1 || got[0].ClientID != "p1" || got[0].Records != 0 || !got[0].FirstAt.IsZero() {
		t.Errorf("cards = %+v", got)
	}
	if none := card.NewBuilder(card.NewResolver(options(10, true)).Resolve()).Cards(); len(none) != 0 {
		t.Errorf("nobody has %d cards", len(none))
	}
}

func TestLifecycle(t *testing.T) {
	contacted := card.Card{Contacted: true}
	for _, tc := range []struct {
		card      card.Card
		purchases int64
		want      string
	}{
		{card.Card{}, 0, "lead"},
		{contacted, 0, "potential"},
		{card.Card{}, 1, "working"},
		{contacted, 1, "working"},
		{contacted, 2, "developing"},
		{contacted, 3, "developing"},
		{contacted, 4, "regular"},
		{card.Card{}, 400, "regular"},
	} {
		if got := card.Lifecycle(tc.card, tc.purchases); got != tc.want {
			t.Errorf("Lifecycle(contacted %t, %d) = %s, want %s", tc.card.Contacted, tc.purchases, got, tc.want)
		}
	}
}

// Several deliveries may describe one request: the hook, the object fetched for it,
// a form sent in parts.
func TestLeadsOfOneEntityAreOne(t *testing.T) {
	lead := func(id, entity string) schema.CardEventRow {
		return schema.CardEventRow{EventID: id, Kind: "lead", Entity: entity, At: at(5, 10), Tokens: []string{"p1"}, MoreExternalIDs: []string{"crm:" + id}}
	}
	got := cards(t, []schema.CardEventRow{lead("1", "deal:7"), lead("2", "deal:7"), lead("3", "deal:8"), lead("4", ""), lead("5", "")}, nil)[0]
	if got.Leads != 4 {
		t.Errorf("%d leads, want 4", got.Leads)
	}
	if diff := cmp.Diff([]string{"crm:1", "crm:2", "crm:3", "crm:4", "crm:5"}, got.ExternalIDs); diff != "" {
		t.Errorf("external ids: %s", diff)
	}
}

// A contact counts only from the first lead on: before it nobody had asked.
func TestOnlyAContactAfterTheLeadMakesAPotentialClient(t *testing.T) {
	lead := schema.CardEventRow{EventID: "l", Kind: "lead", At: at(5, 10), Tokens: []string{"p1"}}
	for _, tc := range []struct {
		name string
		day  int
		want bool
	}{{"before", 4, false}, {"at the same instant", 5, true}, {"after", 6, true}} {
		contact := schema.CardEventRow{EventID: "c", Kind: "contact", At: at(tc.day, 10), Tokens: []string{"p1"}}
		for _, events := range [][]schema.CardEventRow{{lead, contact}, {contact, lead}} {
			got := cards(t, events, nil)[0]
			if got.Contacted != tc.want || !got.LastContactAt.Equal(at(tc.day, 10)) {
				t.Errorf("%s: contacted %t, want %t", tc.name, got.Contacted, tc.want)
			}
		}
	}
}

// The boundaries of metrics.md, "Base types", on both sides of the day.
func TestActivity(t *testing.T) {
	for _, tc := range []struct {
		name                string
		recency, idle, age  int64
		activeDays, deadEnd int
		want                string
	}{
		{"bought today", 0, 0, 0, 90, 730, "active"},
		{"90 days ago", 90, 90, 90, 90, 730, "active"},
		{"91 days ago", 91, 91, 91, 90, 730, "cooling"},
		{"365 days ago", 365, 365, 400, 90, 730, "cooling"},
		{"366 days ago", 366, 366, 400, 90, 730, "sleeping"},
		{"729 days without anything", 729, 729, 800, 90, 730, "sleeping"},
		{"730 days without anything", 730, 730, 800, 90, 730, "dead"},
		{"730 days without a purchase, but he wrote", 730, 10, 800, 90, 730, "sleeping"},
		{"never bought, first seen 30 days ago", -1, 30, 30, 90, 730, "new"},
		{"never bought, first seen 31 days ago", -1, 0, 31, 90, 730, "waiting"},
		{"never bought, 729 days without a word", -1, 729, 900, 90, 730, "waiting"},
		{"never bought, 730 days without a word", -1, 730, 900, 90, 730, "dead"},
		{"another definition of active", 30, 30, 30, 30, 730, "active"},
		{"another definition of active, a day later", 31, 31, 31, 30, 730, "cooling"},
		{"another definition of dead", 100, 100, 100, 90, 100, "dead"},
	} {
		if got := card.Activity(tc.recency, tc.idle, tc.age, tc.activeDays, tc.deadEnd); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
