package card_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/schema"
)

// person is what contact rows of p1 make of his values.
func person(options card.Options, rows ...schema.ContactRow) schema.PersonRow {
	r := card.NewResolver(rules(10, true))
	r.Add(card.Record{At: at(1, 1), Tokens: []string{"p1"}})
	b := card.NewBuilder(r.Resolve(), options)
	for _, row := range rows {
		row.Tokens = []string{"p1"}
		b.Contact(row)
	}
	return b.Cards()[0].Person
}

func TestEveryValueKeepsItsTimes(t *testing.T) {
	got := person(card.Options{},
		schema.ContactRow{At: at(1, 1), City: "Тверь", CardNo: "77", Attributes: schema.MapOf(map[string]string{"pet": "dog", "children": "1"})},
		schema.ContactRow{At: at(2, 1), City: "Москва", Attributes: schema.MapOf(map[string]string{"children": "2"})},
		schema.ContactRow{At: at(3, 1), City: "Тверь", Address: "Тверская, 1", Company: "ООО"},
	)
	want := schema.PersonRow{
		ClientID: "p1", Tokens: []string{"p1"}, City: "Тверь", Address: "Тверская, 1", Company: "ООО",
		Cities:    []schema.ValueRow{{Value: "Тверь", Since: at(1, 1), Last: at(3, 1)}, {Value: "Москва", Since: at(2, 1), Last: at(2, 1)}},
		Addresses: []schema.ValueRow{{Value: "Тверская, 1", Since: at(3, 1), Last: at(3, 1)}},
		Companies: []schema.ValueRow{{Value: "ООО", Since: at(3, 1), Last: at(3, 1)}},
		Cards:     []schema.ValueRow{{Value: "77", Since: at(1, 1), Last: at(1, 1)}},
		Attributes: []schema.AttributeRow{
			{Key: "children", Value: "2", Since: at(2, 1), Last: at(2, 1)},
			{Key: "children", Value: "1", Since: at(1, 1), Last: at(1, 1)},
			{Key: "pet", Value: "dog", Since: at(1, 1), Last: at(1, 1)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAYearOfBirthIsNotForgotten(t *testing.T) {
	for _, tc := range []struct{ first, second, want, day string }{
		{"1990-02-01", "--02-03", "1990-02-01", "02-01"},
		{"--02-03", "--04-05", "--04-05", "04-05"},
		{"1990-02-01", "1991-02-01", "1991-02-01", "02-01"},
		{"--02-03", "", "--02-03", "02-03"},
		{"", "", "", ""},
		{"весной", "", "весной", ""},
	} {
		got := person(card.Options{}, schema.ContactRow{At: at(1, 1), BirthDate: tc.first}, schema.ContactRow{At: at(2, 1), BirthDate: tc.second})
		if day := card.BirthMonthDay(got.BirthDate); got.BirthDate != tc.want || day != tc.day {
			t.Errorf("%q then %q: %q, %q, want %q, %q", tc.first, tc.second, got.BirthDate, day, tc.want, tc.day)
		}
	}
}

func TestNamesAreTakenApartOnlyWhereNobodyDid(t *testing.T) {
	options := card.Options{ParseName: func(full string) (first, last string) {
		last, first, _ = strings.Cut(full, " ")
		return first, last
	}}
	got := person(options, schema.ContactRow{At: at(1, 1), Name: "Смирнова Анна"})
	if got.FirstName != "Анна" || got.LastName != "Смирнова" {
		t.Errorf("first name %q, last name %q", got.FirstName, got.LastName)
	}
	got = person(options, schema.ContactRow{At: at(1, 1), FirstName: "Аня"}, schema.ContactRow{At: at(2, 1), Name: "Смирнова Анна"})
	if got.FirstName != "Аня" || got.LastName != "" || got.Name != "Смирнова Анна" {
		t.Errorf("first name %q, last name %q, name %q", got.FirstName, got.LastName, got.Name)
	}
	got = person(options, schema.ContactRow{At: at(1, 1), FirstName: "Анна", LastName: "Смирнова"})
	if got.Name != "Анна Смирнова" || len(got.Names) != 1 {
		t.Errorf("name of who stated its parts: %q", got.Name)
	}
}

// A source that states a new value with every event must not fill the card.
func TestTheLatestValuesOfAnAttributeStandInTheCard(t *testing.T) {
	var rows []schema.ContactRow
	for i := range 50 {
		rows = append(rows, schema.ContactRow{At: at(1, 0).Add(time.Duration(i) * time.Minute), Attributes: schema.MapOf(map[string]string{
			"session": fmt.Sprint("s", i), "a": "one", "z": "one",
		})})
	}
	got := person(card.Options{}, rows...).Attributes
	if len(got) != 22 || got[0].Key != "a" || got[1].Value != "s49" || got[20].Value != "s30" || got[21].Key != "z" {
		t.Errorf("%d attributes: %v", len(got), got)
	}
}

// random rows of few people who share values, at few instants, with few ids, so
// that every tie there can be is there.
func crowd(seed uint64, n int) (events []schema.CardEventRow, contacts []schema.ContactRow) {
	random := rand.New(rand.NewPCG(seed, 5))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	for range n {
		tokens := []string{pick("p1", "p2", "p3", "e1", "e2", "x1", "r1")}
		if random.IntN(6) == 0 {
			tokens = append(tokens, pick("p2", "e1", "x2", "r1", "r2"))
		}
		when := at(1+random.IntN(28), random.IntN(3))
		id, source := pick("1", "2", "3", "4", "5", "6", "7", "8"), pick("site", "crm", "ads")
		rating := float64(random.IntN(3))
		ev := schema.CardEventRow{
			EventID: id, Source: source, Shop: pick("a", "b"), Kind: pick("lead", "order", "contact", "stage", "profile", "consent"), At: when,
			Tokens: slices.Compact(slices.Sorted(slices.Values(tokens))), ExternalID: pick("", "A", "B"), Entity: pick("", "deal:1", "deal:2", "call:1"),
			OrderID: pick("1", "2", "3", "4"), Stage: pick("", "lead", "visited", "won", "142"), Manager: pick("", "olga", "boris"),
			UTMSource: pick("", "", "vk", "yandex"), UTMCampaign: pick("", "spring"), Referrer: pick("", "ya.ru", "forum.example"),
			Channel: pick("call", "chat", "review"), Direction: pick("in", "out", ""), Result: pick("", "missed", "answered"), Rating: &rating,
			LoyaltyLevel: pick("", "gold", "silver"), PreferredChannel: pick("", "", "", "call"),
		}
		ev.IsOrder = ev.Kind == "order"
		if random.IntN(3) == 0 {
			ev.Interests, ev.Tags, ev.ClickIDs = []string{pick("tea", "coffee")}, []string{pick("vip", "new")}, []string{pick("yclid=1", "gclid=2")}
		}
		if random.IntN(3) == 0 {
			ev.Consents = []schema.ConsentRow{{Purpose: pick("ads", "email"), Given: random.IntN(2) == 0, At: when, TextVersion: pick("1", "2"), Evidence: pick("form", "call")}}
		}
		events = append(events, ev)
		contacts = append(contacts, schema.ContactRow{
			EventID: id, Source: source, At: when, Tokens: ev.Tokens, Phones: []string{pick("+79995551111", "+79995552222")}, Emails: []string{pick("a@kofe.ru", "b@kofe.ru")},
			Name: pick("", "Анна", "Аня"), FirstName: pick("", "Анна"), BirthDate: pick("", "--02-01", "1990-02-01"), City: pick("", "Тверь", "Москва"),
			Attributes: schema.MapOf(map[string]string{"pet": pick("dog", "cat"), "session": strconv.Itoa(random.IntN(60))}),
		})
	}
	return events, contacts
}

func TestCardsDoNotDependOnTheOrderOfRows(t *testing.T) {
	for seed := range uint64(5) {
		events, contacts := crowd(seed, 400)
		build := func() ([]card.Card, map[[2]string][]string) {
			r := card.NewResolver(rules(10, true))
			for _, ev := range events {
				r.Add(card.Record{At: ev.At, Tokens: ev.Tokens})
			}
			b := card.NewBuilder(r.Resolve(), card.Options{Funnel: []string{"lead", "visited", "won"}, End: at(29, 0)})
			for i := range events {
				b.Event(events[i])
			}
			for i := range contacts {
				b.Contact(contacts[i])
			}
			return b.Cards(), b.OrderInterests()
		}
		want, wantOrders := build()
		if len(want) == 0 || len(want[0].Reached) == 0 || want[0].PreferredHours == "" || want[0].Rating == nil || len(wantOrders) == 0 {
			t.Fatalf("seed %d tells too little: %+v", seed, want)
		}
		random := rand.New(rand.NewPCG(seed, 6))
		for range 10 {
			random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			random.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
			got, gotOrders := build()
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(consent.Ledger{})); diff != "" {
				t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
			}
			if diff := cmp.Diff(wantOrders, gotOrders); diff != "" {
				t.Fatalf("seed %d, interests of orders (-want +got):\n%s", seed, diff)
			}
		}
	}
}
