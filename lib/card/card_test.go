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
		{EventID: "2", Source: "ads", Kind: "lead", At: at(2, 10), Tokens: []string{"p1", "e1"}, UTMSource: "yandex", UTMMedium: "cpc", UTMCampaign: "spring", Interests: []string{"tea", "coffee"}, Tags: []string{"vip"}},
		{EventID: "3", Source: "crm", Kind: "contact", At: at(3, 10), Tokens: anna, Stage: "first_contact", Manager: "boris", ExternalID: "C-1", Channel: "call", Direction: "in"},
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
	r := card.NewResolver(rules(10, true))
	for _, ev := range events {
		r.Add(card.Record{At: ev.At, Tokens: ev.Tokens})
	}
	b := card.NewBuilder(r.Resolve(), card.Options{Funnel: []string{"lead", "first_contact", "visited", "won"}, End: at(31, 0)})
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
		Leads: 3, LastLeadAt: at(4, 10), Contacted: true, ContactedAt: at(3, 10), LastContactAt: at(3, 10), Contacts30d: 1, Stage: "first_contact",
		PreferredHours: "9-12", // three leads and a call at ten
		Medium:         "cpc", Last: card.Touch{Source: "google", Campaign: "brand"},
		Reached: []card.Reach{
			{Stage: "lead", At: at(1, 10)},
			{Stage: "first_contact", At: at(3, 10)}, // of which of two interests is not told
			{Interest: "coffee", Stage: "lead", At: at(1, 10)},
			{Interest: "tea", Stage: "lead", At: at(2, 10)},
		},
		Interests: []string{"coffee", "tea"}, Tags: []string{"vip"}, Manager: "boris", LoyaltyLevel: "gold", PreferredChannel: "call",
		Source: "yandex", SourceAt: at(2, 10), Campaign: "spring", // the first touch that names one, not the later google
		Records: 4, // p1 · p1 e1 · p1 x1 · e1
		Person: schema.PersonRow{
			ClientID: "p1", Tokens: []string{"e1", "p1", "x1"},
			Phones: []schema.ValueRow{
				{Value: "+79995552222", Since: at(3, 10), Last: at(3, 10)}, // latest seen first
				{Value: "+79995551111", Since: at(1, 10), Last: at(2, 10)},
			},
			Emails: []schema.ValueRow{{Value: "anna@mail.ru", Since: at(2, 10), Last: at(4, 10)}},
			Name:   "Анна Смирнова", BirthDate: "1990-02-01", City: "Москва", Company: "ООО",
			Names:      []schema.ValueRow{{Value: "Анна Смирнова", Since: at(3, 10), Last: at(3, 10)}, {Value: "Аня", Since: at(1, 10), Last: at(1, 10)}},
			BirthDates: []schema.ValueRow{{Value: "1990-02-01", Since: at(2, 10), Last: at(2, 10)}},
			Cities:     []schema.ValueRow{{Value: "Москва", Since: at(4, 10), Last: at(4, 10)}, {Value: "Тверь", Since: at(1, 10), Last: at(1, 10)}},
			Companies:  []schema.ValueRow{{Value: "ООО", Since: at(3, 10), Last: at(3, 10)}},
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
	r := card.NewResolver(rules(10, true))
	r.Add(card.Record{At: at(1, 1), Tokens: []string{"p1"}})
	got := card.NewBuilder(r.Resolve(), card.Options{}).Cards()
	if len(got) != 1 || got[0].ClientID != "p1" || got[0].Records != 0 || !got[0].FirstAt.IsZero() {
		t.Errorf("cards = %+v", got)
	}
	if none := card.NewBuilder(card.NewResolver(rules(10, true)).Resolve(), card.Options{}).Cards(); len(none) != 0 {
		t.Errorf("nobody has %d cards", len(none))
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
