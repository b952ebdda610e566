package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/schema"
)

// deliver posts JSON events to a source that speaks it, compacts and makes the
// night of 10 November.
func (w *world) deliver(source string, events ...string) {
	w.Helper()
	w.post(source, "["+strings.Join(events, ",")+"]")
}

func (w *world) settle() {
	w.Helper()
	w.compact()
	w.now = at("2026-11-11T09:00:00Z")
	w.night("2026-11-10")
}

// measured is a row of quality as "count of".
func measured(w *world, source, measure string) string {
	w.Helper()
	for _, row := range rows[schema.QualityRow](w) {
		if row.Source == source && row.Measure == measure {
			return fmt.Sprintf("%d of %d", row.Count, row.Of)
		}
	}
	return "none"
}

func wantMeasures(t *testing.T, w *world, want map[string]string) {
	t.Helper()
	for name, value := range want {
		source, measure, _ := strings.Cut(name, "/")
		if got := measured(w, source, measure); got != value {
			t.Errorf("%s of %q = %s, want %s", measure, source, got, value)
		}
	}
}

const qualityConfig = `
business: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: en}
sources:
  - {name: till, kind: json}
  - {name: crm, kind: json, secrets: [env:CRM], required: [name, phone, interests, consent]}
  - {name: site, kind: form}
`

func TestContactDataIsCountedByWhoStatedIt(t *testing.T) {
	w := newWorld(t)
	w.configure(qualityConfig)
	w.deliver("crm",
		`{"id":"1","kind":"lead","at":"2026-11-01T10:00:00Z","client":{"phone":"+79162220001","name":"Анна Смирнова","birth_date":"1990-02-01"},"interests":["зерно"],"consents":[{"purpose":"ads","given":true}]}`,
		`{"id":"2","kind":"lead","at":"2026-11-01T11:00:00Z","client":{"phone":"12345","email":"boris@kofe.ru"}}`,
		`{"id":"3","kind":"lead","at":"2026-11-01T12:00:00Z","client":{"phone":"8 (916) 222-00-03","email":"test@test.ru"},"interests":["зерно"],"consents":[{"purpose":"ads","given":false}]}`,
		`{"id":"4","kind":"lead","at":"2026-11-01T13:00:00Z","client":{"phone":"0000000000","email":"нет почты","name":"Некто"}}`)
	w.deliver("till",
		`{"id":"5","kind":"profile","at":"2026-11-02T10:00:00Z","client":{"phone":"+79162220001","email":"anna@kofe.ru"}}`)
	w.settle()
	// Clients: Anna, Boris and the one of 222-00-03. The fourth lead names nobody.
	wantMeasures(t, w, map[string]string{
		"/clients": "3 of 3", "crm/clients": "3 of 3", "till/clients": "1 of 3",
		"/reachable": "3 of 3", "/name": "1 of 3", "crm/name": "1 of 3", "till/name": "0 of 1",
		"/phone": "2 of 3", "crm/phone": "2 of 3", "till/phone": "1 of 1",
		"/email": "2 of 3", "crm/email": "1 of 3", "till/email": "1 of 1", // Anna's is the till's
		"/birth_date": "1 of 3", "till/birth_date": "0 of 1",
		"/ads_consent": "1 of 3", "/ads_consent_withdrawn": "1 of 3", "/ads_consent_unknown": "1 of 3",
		"till/ads_consent": "1 of 1", // what holds, whoever said it
		// Five phones came: two are junk (12345 is too short, zeros). Four addresses: test@ is junk, words are no address.
		"/phones_junk": "2 of 5", "/phones_unreadable": "0 of 5", "crm/phones_junk": "2 of 4",
		"/emails_junk": "1 of 4", "/emails_unreadable": "1 of 4", "till/emails_junk": "0 of 1",
		"/leads": "4 of 4", "crm/leads": "4 of 4", "/leads_without_client": "1 of 4",
		// The second has no name and no usable phone, the third no name, the fourth no usable phone.
		"crm/missing_name": "2 of 4", "crm/missing_phone": "2 of 4", "crm/missing_interests": "2 of 4", "crm/missing_consent": "2 of 4",
		"till/missing_name": "none", "/missing_name": "none",
	})
}

func TestWhoAskedAndGotNoAnswer(t *testing.T) {
	w := newWorld(t)
	w.configure(qualityConfig)
	phone := func(n int) string { return fmt.Sprintf(`"client":{"phone":"+791622200%02d"}`, n) }
	lead := func(n int, when string) string {
		return fmt.Sprintf(`{"id":"l%d","kind":"lead","at":"%s",%s}`, n, when, phone(n))
	}
	// The night is of the 10th: a lead up to the end of the 7th, Moscow time, is three days old.
	w.deliver("crm",
		lead(1, "2026-11-05T10:00:00Z"), // nobody answered
		lead(2, "2026-11-05T10:00:00Z"), `{"id":"c2","kind":"contact","at":"2026-11-09T10:00:00Z",`+phone(2)+`,"contact":{"channel":"call"},"manager":"olga"}`,
		lead(3, "2026-11-05T10:00:00Z"), `{"id":"c3","kind":"contact","at":"2026-11-04T10:00:00Z",`+phone(3)+`,"contact":{"channel":"call"},"manager":"olga"}`, // before it
		lead(4, "2026-11-07T20:59:59Z"), // as old as it must be
		lead(5, "2026-11-07T21:00:01Z"), // not yet
		lead(6, "2026-11-05T10:00:00Z"), `{"id":"s6","kind":"stage","at":"2026-11-06T10:00:00Z",`+phone(6)+`,"stage":"visited"}`,
		lead(7, "2026-11-05T10:00:00Z"), `{"id":"s7","kind":"stage","at":"2026-11-06T10:00:00Z",`+phone(7)+`,"stage":"lead"}`,
		lead(8, "2026-11-05T10:00:00Z"), `{"id":"c8","kind":"contact","at":"2026-11-06T10:00:00Z",`+phone(8)+`,"contact":{"channel":"email_open"}}`)
	w.deliver("till",
		sale("9", "paid", "2026-11-06T10:00:00Z", `"phone":"+79162220009"`, "100.00"),
		`{"id":"l9","kind":"lead","at":"2026-11-05T10:00:00Z",`+phone(9)+`}`)
	w.settle()
	wantMeasures(t, w, map[string]string{
		"/leads_without_contact":    "5 of 8", // 1, 3, 4, 7, 8
		"crm/leads_without_contact": "5 of 7", "till/leads_without_contact": "0 of 1",
	})
}

func TestClientsContactedBySeveralManagers(t *testing.T) {
	w := newWorld(t)
	w.configure(qualityConfig)
	call := func(id string, client int, when, manager string) string {
		return fmt.Sprintf(`{"id":"%s","kind":"contact","at":"%s","client":{"phone":"+791622200%02d"},"contact":{"channel":"call"},"manager":"%s"}`, id, when, client, manager)
	}
	w.deliver("crm",
		call("1", 1, "2026-11-02T10:00:00Z", "olga"), call("2", 1, "2026-11-03T10:00:00Z", "pavel"),
		call("3", 2, "2026-11-02T10:00:00Z", "olga"), call("4", 2, "2026-11-03T10:00:00Z", "olga"),
		call("5", 3, "2026-10-01T10:00:00Z", "olga"), call("6", 3, "2026-11-03T10:00:00Z", "pavel"), // the first was longer than 30 days ago
		call("7", 4, "2026-11-03T10:00:00Z", ""), // nobody is named
		call("8", 5, "2026-11-02T10:00:00Z", "olga"))
	w.deliver("till", call("9", 5, "2026-11-03T10:00:00Z", "pavel")) // of two sources
	w.settle()
	wantMeasures(t, w, map[string]string{
		"/several_managers": "2 of 4", "crm/several_managers": "1 of 4", "till/several_managers": "0 of 1",
	})
}

func TestAFamilyOnOnePhoneIsOneCardOfTwoNames(t *testing.T) {
	w := newWorld(t)
	w.deliver("till",
		sale("10", "paid", "2026-11-01T10:00:00Z", `"phone":"+79162220001","email":"anna@kofe.ru","name":"Анна Смирнова"`, "100.00"),
		sale("11", "paid", "2026-11-02T10:00:00Z", `"phone":"+79162220001","email":"petr@kofe.ru","name":"Пётр Смирнов"`, "40.00"),
		sale("12", "paid", "2026-11-03T10:00:00Z", `"phone":"+79162220001","email":"petr@kofe.ru","name":"петр  СМИРНОВ"`, "2.00"),
		sale("13", "paid", "2026-11-03T10:00:00Z", `"phone":"+79162220005","email":"vera@kofe.ru","name":"Вера Ким"`, "7.00"),
		sale("14", "paid", "2026-11-04T10:00:00Z", `"phone":"+79162220005","name":"Вера"`, "1.00"), // the same person, written briefly
		sale("15", "paid", "2026-11-04T10:00:00Z", `"phone":"+79162220007","name":"Один Раз"`, "50.00"))
	w.settle()
	type record struct {
		names, orders, revenue int64
		tokens                 int
		since                  string
	}
	var got []record
	for _, row := range rows[schema.MergeRow](w) {
		got = append(got, record{row.Names, row.Orders, row.RevenueMinor, len(row.Tokens), row.Since.Format("01-02")})
	}
	slices.SortFunc(got, func(a, b record) int { return strings.Compare(a.since, b.since) })
	want := []record{{2, 1, 100_00, 2, "11-01"}, {2, 2, 42_00, 2, "11-02"}, {1, 1, 7_00, 2, "11-03"}, {1, 1, 1_00, 1, "11-04"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
		t.Errorf("merges (-want +got):\n%s", diff)
	}
	wantMeasures(t, w, map[string]string{
		"/clients": "3 of 3", "/more_than_one_record": "2 of 3", "/more_than_one_record_minor": "15000 of 20000", "/several_names": "1 of 3",
	})
}

// A month of a shop: the records of a client have all of his orders between them.
func TestRecordsHoldTheOrdersOfTheirClient(t *testing.T) {
	w := newWorld(t)
	_, bodies := month(7, 60)
	for _, body := range bodies {
		w.post("till", body)
	}
	for i := range 20 { // some come back with another phone, or by a deal alone
		w.deliver("till", fmt.Sprintf(`{"id":"p%d","kind":"profile","at":"2026-11-03T10:00:00Z","client":{"phone":"+7916222%04d","external_id":"%d","references":["deal:%d"]}}`, i, i, i, i),
			sale(fmt.Sprintf("9%d", i), "paid", "2026-11-05T10:00:00Z", fmt.Sprintf(`"external_id":"%d"`, i), "10.00"),
			sale(fmt.Sprintf("8%d", i), "paid", "2026-11-06T10:00:00Z", fmt.Sprintf(`"references":["deal:%d"]`, i), "3.00"))
	}
	w.compact()
	w.now = at("2026-12-02T09:00:00Z")
	w.night("2026-11-30")
	clients := map[string]schema.ClientRow{}
	for _, c := range rows[schema.ClientRow](w) {
		clients[c.ClientID] = c
	}
	merges := rows[schema.MergeRow](w)
	orders, revenue, records := map[string]int64{}, map[string]int64{}, map[string]int{}
	for _, row := range merges {
		orders[row.ClientID] += row.Orders
		revenue[row.ClientID] += row.RevenueMinor
		records[row.ClientID]++
	}
	if len(orders) < 20 {
		t.Fatalf("%d clients of several records", len(orders))
	}
	for id := range orders {
		if c := clients[id]; orders[id] != c.Orders || revenue[id] != c.RevenueMinor || records[id] < 2 {
			t.Errorf("%s: %d orders of %d in %d records, the client has %d of %d", id, orders[id], revenue[id], records[id], c.Orders, c.RevenueMinor)
		}
	}
}

func TestListsThatNameUnknownClientsAreCounted(t *testing.T) {
	w := newWorld(t)
	w.deliver("till", `{"id":"1","kind":"lead","at":"2026-11-01T10:00:00Z","client":{"phone":"+79162220001"}}`)
	w.settle()
	id := rows[schema.ClientRow](w)[0].ClientID
	wantMeasures(t, w, map[string]string{"/unknown_overrides": "0 of 0"})
	w.configure(shopConfig + "identity:\n  merge:\n    - clients: [" + id + ", p" + strings.Repeat("0", 26) + "]\n")
	w.night("2026-11-10")
	wantMeasures(t, w, map[string]string{"/unknown_overrides": "1 of 2"})
}

func TestAnEmptyBaseIsMeasuredToo(t *testing.T) {
	w := newWorld(t)
	w.configure(qualityConfig)
	w.settle()
	for _, row := range rows[schema.QualityRow](w) {
		if row.Count != 0 || row.Of != 0 {
			t.Errorf("%+v of nothing", row)
		}
	}
	wantMeasures(t, w, map[string]string{"/clients": "0 of 0", "/reachable": "0 of 0", "/leads": "0 of 0", "crm/clients": "none"})
	if merges := rows[schema.MergeRow](w); len(merges) != 0 {
		t.Errorf("merges of nobody: %v", merges)
	}
}

// The run is another one when what must be stated changes.
func TestRequiredFieldsAreAnInputOfTheNight(t *testing.T) {
	w := newWorld(t)
	w.configure(qualityConfig)
	w.settle()
	first := w.night("2026-11-10")
	w.configure(strings.Replace(qualityConfig, "[name, phone, interests, consent]", "[name]", 1))
	if second := w.night("2026-11-10"); second.Run == first.Run {
		t.Error("the same run for other required fields")
	}
}
