package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
)

func read(t *testing.T, body string) (event.Event, []*event.FieldError) {
	t.Helper()
	values, err := event.ParseJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return event.FromJSON(values[0], "", event.Defaults{Currency: "RUB"})
}

// everything is the example of design §4 with all its parts.
const everything = `{"id":"ord-1001/paid","kind":"order","at":"2026-11-20T10:15:00+03:00",
 "entity":"call 9",
 "client":{"phone":"8 (999) 555-11-11","phones":["1",""],"email":"Anna@Mail.ru","emails":[],"external_id":77,"external_ids":["crm:5",6],"card_no":"c","name":"Анна Смирнова","first_name":"Анна",
  "last_name":"Смирнова","birth_date":"1990-02-01","gender":"ж","city":"Москва","country":"RU","company":"К","loyalty_level":"gold","preferred_channel":"call",
  "attributes":{"pet":"dog","pet_birth_date":"2020-05-03"},"shoe":42},
 "order":{"id":1001,"status":"paid","currency":"руб.","total":8270,"shipping":"270.00","returned":null,
  "items":[{"sku":"A1","name":"Капучино","category":"coffee","quantity":"1.500","price":250.0,"sum":"375"}]},
 "stage":"won","interests":["cleaning"],"tags":"asked for discount","manager":"olga",
 "attribution":{"utm_source":"yandex","utm_medium":"cpc","utm_campaign":"c","utm_content":"n","utm_term":"t","yclid":17408371123456789012,"referrer":"r","landing":"l","client_ids":{"ym_uid":1700000000123456789}},
 "consents":[{"purpose":"Ads","given":true,"text_version":"2026-03","at":"2026-11-20 07:00","evidence":"form 12"}],
 "contact":{"channel":"Call","direction":"in","result":"answered","seconds":67,"rating":null,"text":"hi"},
 "booking":{"id":"b","for":"2026-11-25T19:00:00+03:00","status":"booked"},"unsubscribe":{"channel":"email"},
 "coupon":"X5","extra":{"a":[1,2]},"nothing":null}`

func TestFromJSONReadsEveryField(t *testing.T) {
	got, faults := read(t, everything)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := event.Event{
		ID: "ord-1001/paid", Kind: event.OrderChange, Entity: "call 9", At: time.Date(2026, 11, 20, 7, 15, 0, 0, time.UTC), SenderOrders: true,
		Client: event.Client{
			Phone: "8 (999) 555-11-11", Phones: []string{"1"}, Email: "Anna@Mail.ru", ExternalID: "77", ExternalIDs: []string{"crm:5", "6"}, CardNo: "c", Name: "Анна Смирнова", FirstName: "Анна", LastName: "Смирнова",
			BirthDate: "1990-02-01", Gender: "f", City: "Москва", Country: "RU", Company: "К", LoyaltyLevel: "gold", PreferredChannel: "call",
			Attributes: map[string]string{"pet": "dog", "pet_birth_date": "2020-05-03", "shoe": "42"},
		},
		Order: &event.Order{
			ID: "1001", Status: "paid", Currency: "RUB", Total: "8270.00", Shipping: "270.00",
			Items: []event.Item{{SKU: "A1", Name: "Капучино", Category: "coffee", Quantity: "1.5", Price: "250.00", Sum: "375.00"}},
		},
		Stage: "won", Interests: []string{"cleaning"}, Tags: []string{"asked for discount"}, Manager: "olga",
		Attribution: event.Attribution{
			UTMSource: "yandex", UTMMedium: "cpc", UTMCampaign: "c", UTMContent: "n", UTMTerm: "t", Referrer: "r", Landing: "l",
			ClickIDs: map[string]string{"yclid": "17408371123456789012"}, ClientIDs: map[string]string{"ym_uid": "1700000000123456789"},
		},
		Consents:    []event.Consent{{Purpose: "ads", Given: true, TextVersion: "2026-03", At: time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC), Evidence: "form 12"}},
		Contact:     &event.Contact{Channel: "call", Direction: "in", Result: "answered", Seconds: "67", Text: "hi"},
		Booking:     &event.Booking{ID: "b", For: time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC), Status: "booked"},
		Unsubscribe: &event.Unsubscription{Channel: "email"},
		Attributes:  map[string]string{"coupon": "X5", "extra": `{"a":[1,2]}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// What we write is what we read.
	body, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	again, faults := read(t, string(body))
	if diff := cmp.Diff(got, again); diff != "" || len(faults) > 0 {
		t.Errorf("not the same after a round trip: %v %s", faults, diff)
	}
}

func TestFromJSONReportsEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []string // paths
	}{
		{"no object", `5`, []string{""}},
		{"no kind", `{}`, []string{"kind"}},
		{"unknown kind", `{"kind":"call"}`, []string{"kind"}},
		{"kind of another type", `{"kind":{"a":1}}`, []string{"kind"}},
		{"order without id", `{"kind":"order","order":{"total":"1"}}`, []string{"order.id"}},
		{"order missing", `{"kind":"order"}`, []string{"order.id"}},
		{"stage missing", `{"kind":"stage"}`, []string{"stage"}},
		{"contact missing", `{"kind":"contact"}`, []string{"contact.channel"}},
		{"booking missing", `{"kind":"booking"}`, []string{"booking"}},
		{"cost missing", `{"kind":"cost"}`, []string{"cost"}},
		{"cost without its parts", `{"kind":"cost","cost":{"clicks":1}}`, []string{"cost.day", "cost.source", "cost.amount"}},
		{"consents missing", `{"kind":"consent","client":{"phone":"1"}}`, []string{"consents"}},
		{"nobody to unsubscribe", `{"kind":"unsubscribe"}`, []string{"client"}},
		{"nobody to erase", `{"kind":"erase","client":{"name":"A"}}`, []string{"client"}},
		{"nobody's profile", `{"kind":"profile","client":{}}`, []string{"client"}},
		{
			"types", `{"kind":"lead","id":[1],"at":true,"client":7,"order":"x","interests":[{}],"consents":{"a":1},"attribution":[1]}`,
			[]string{"id", "at", "client", "order", "interests[0]", "consents", "attribution"},
		},
		{"time", `{"kind":"lead","at":"yesterday"}`, []string{"at"}},
		{
			"money", `{"kind":"order","order":{"id":"1","total":"12,50","shipping":1e3,"items":[{"price":"x"},{"quantity":"two"}]}}`,
			[]string{"order.total", "order.shipping", "order.items[0].price", "order.items[1].quantity"},
		},
		{"status", `{"kind":"order","order":{"id":"1","status":"done"}}`, []string{"order.status"}},
		{"currency", `{"kind":"order","order":{"id":"1","currency":"rubles"}}`, []string{"order.currency"}},
		{"items", `{"kind":"order","order":{"id":"1","items":{"a":1}}}`, []string{"order.items"}},
		{"consent", `{"kind":"lead","consents":[{"purpose":"spam","given":"maybe","at":"x"}]}`, []string{"consents[0].given", "consents[0].at", "consents[0].purpose"}},
		{"cost's day", `{"kind":"cost","cost":{"day":"20.11.2026","source":"s","amount":"1"}}`, []string{"cost.day"}},
		{"long id", `{"kind":"lead","id":"` + strings.Repeat("x", 513) + `"}`, []string{"id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := read(t, tt.body)
			var paths []string
			for _, f := range faults {
				paths = append(paths, f.Path)
				if !errors.Is(f, event.ErrInvalid) || f.Reason == "" {
					t.Errorf("fault %+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, paths); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFromJSONForgives(t *testing.T) {
	for _, tt := range []struct{ name, body string }{
		{"null everywhere", `{"kind":"lead","id":null,"at":null,"client":null,"order":null,"consents":null,"attribution":null,"interests":null,"contact":null}`},
		{"PHP's empty map", `{"kind":"lead","client":[],"attribution":[],"attributes":[],"order":[]}`},
		{"empty texts", `{"kind":"lead","id":"","at":"","client":{"phone":"","birth_date":""},"stage":""}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev, faults := read(t, tt.body)
			if len(faults) > 0 || ev.ID != "" || ev.Client.BirthDate != "" || ev.Client.Identified() {
				t.Errorf("event %+v, faults %v", ev, faults)
			}
		})
	}
}

func TestABirthdayIsPassedOnAsWritten(t *testing.T) {
	for _, day := range []string{"1990-02-29", "01.02.1990", "1 февраля"} {
		if ev, faults := read(t, `{"kind":"lead","client":{"birth_date":"`+day+`"}}`); len(faults) > 0 || ev.Client.BirthDate != day {
			t.Errorf("%s: %q, faults %v", day, ev.Client.BirthDate, faults)
		}
	}
}

func TestParseTime(t *testing.T) {
	moscow := time.FixedZone("MSK", 3*3600)
	want := time.Date(2026, 5, 1, 6, 30, 0, 0, time.UTC)
	for _, s := range []string{"2026-05-01T09:30:00+03:00", "2026-05-01T09:30:00+0300", "2026-05-01T06:30:00Z", "2026-05-01 09:30:00", "2026-05-01T09:30", "2026-05-01 09:30:00+0300", "2026-05-01T09:30+03:00"} {
		if got, ok := event.ParseTime(s, moscow); !ok || !got.Equal(want) {
			t.Errorf("ParseTime(%s) = %v, %t, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "x", "1746081000", "01.05.2026", "2026-02-30", "0001-01-01T00:00:00Z", "9999-01-01"} {
		if got, ok := event.ParseTime(s, nil); ok {
			t.Errorf("ParseTime(%s) = %v", s, got)
		}
	}
}

func TestQuantity(t *testing.T) {
	for in, want := range map[string]string{"1": "1", "1.500": "1.5", "2.0": "2", "-1": "-1", "0.25": "0.25"} {
		if got, ok := event.Quantity(in); !ok || got != want {
			t.Errorf("Quantity(%s) = %s, %t, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "two", "1e3", "1,5", "1 kg"} {
		if got, ok := event.Quantity(in); ok {
			t.Errorf("Quantity(%s) = %s", in, got)
		}
	}
}

func TestDeriveID(t *testing.T) {
	at := time.Date(2026, 11, 20, 7, 15, 30, 0, time.UTC)
	id := func(source string, minute time.Time, ev event.Event) string {
		ev.DeriveID(source, minute)
		return ev.ID
	}
	lead := event.Event{Kind: event.Lead, Client: event.Client{Phone: "1"}, Attributes: map[string]string{"a": "1", "b": "2"}}
	dated := lead
	dated.At = at
	if id("s", at, lead) != id("s", at.Add(20*time.Second), lead) {
		t.Error("the same lead of one minute has two ids")
	}
	if id("s", at, dated) != id("s", at.AddDate(0, 1, 0), dated) {
		t.Error("a dated statement depends on when it comes")
	}
	other := lead
	other.Client.Phone = "2"
	seen := map[string]string{id("s", at, lead): "the lead"}
	for name, got := range map[string]string{
		"a minute later": id("s", at.Add(time.Minute), lead), "another source": id("t", at, lead),
		"another client": id("s", at, other), "with a time": id("s", at, dated),
	} {
		if twin, ok := seen[got]; ok {
			t.Errorf("%s has the id of %s", name, twin)
		}
		seen[got] = name
	}
	own := event.Event{ID: "x"}
	own.DeriveID("s", at)
	if own.ID != "x" || own.DerivedID {
		t.Error("a sender's id was replaced")
	}
}

func TestAllPhonesDropsRepetition(t *testing.T) {
	c := event.Client{Phone: "1", Phones: []string{"2", "1", "", "2"}, Emails: []string{"a", "a"}}
	if diff := cmp.Diff([]string{"1", "2"}, c.AllPhones()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a"}, c.AllEmails()); diff != "" {
		t.Error(diff)
	}
}
