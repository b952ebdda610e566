package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// dealWorld is a shop whose CRM has two contacts on one deal, 5.
func dealWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.configure(shopConfig + "  - {name: amocrm, kind: amocrm, stages: {\"142\": won}}\n")
	contact := func(id int, name, phone string) string {
		return fmt.Sprintf("account[id]=1&contacts[add][0][id]=%d&contacts[add][0][name]=%s&contacts[add][0][last_modified]=%d&contacts[add][0][linked_leads_id][5][ID]=5"+
			"&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=%s", id, name, 1793523600+id, phone)
	}
	w.post("amocrm", "account[id]=1&leads[add][0][id]=5&leads[add][0][status_id]=7&leads[add][0][last_modified]=1793523500")
	w.post("amocrm", contact(6, "Anna", "%2B79162220006"))
	w.post("amocrm", contact(7, "Boris", "%2B79162220007"))
	w.post("amocrm", "account[id]=1&leads[status][0][id]=5&leads[status][0][status_id]=142&leads[status][0][last_modified]=1793523800")
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("2026-11-01")
	return w
}

func (w *world) tokenOf(contact string) string {
	w.Helper()
	token, err := w.TokenOf(w.Context(), contact)
	if err != nil {
		w.Fatal(err)
	}
	return string(token)
}

// holds counts the events and the contact rows that hold a token.
func (w *world) holds(token string) (events, contacts int) {
	w.Helper()
	for _, ev := range w.events() {
		if slices.Contains(ev.Tokens, token) {
			events++
		}
	}
	days, err := lake.Days(w.Context(), w.store, lake.ContactsPrefix)
	if err != nil {
		w.Fatal(err)
	}
	for _, day := range days {
		for _, row := range table[schema.ContactRow](w, lake.ContactsPrefix+day+"/part-0000.parquet") {
			if slices.Contains(row.Tokens, token) {
				contacts++
			}
		}
	}
	return events, contacts
}

// An erasure takes nothing of who has part in the same deal, and the deal's later
// life does not bring the erased one back. The deal is with Anna, who had it
// first: erasing either must leave the other.
func TestErasingOneContactOfADealLeavesTheOther(t *testing.T) {
	for _, tc := range []struct{ name, gone, stays string }{
		{"who had it first", "+79162220006", "+79162220007"},
		{"who had it second", "+79162220007", "+79162220006"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := dealWorld(t)
			gone, stays := w.tokenOf(tc.gone), w.tokenOf(tc.stays)
			if clients := rows[schema.ClientRow](w); len(clients) != 2 {
				t.Fatalf("%d clients, want two contacts of one deal", len(clients))
			}
			if acts := w.erase(tc.gone).Acts; len(acts) != 1 || acts[0].Tokens != 2 {
				t.Fatalf("acts %+v, want one of two tokens: phone and contact, not the deal", acts)
			}
			for when := range 2 {
				if events, contacts := w.holds(gone); events+contacts != 0 {
					t.Errorf("the erased one is still in %d events and %d contact rows", events, contacts)
				}
				if events, contacts := w.holds(stays); events != 1 || contacts != 1 {
					t.Errorf("the other has %d events and %d contact rows, want 1 and 1", events, contacts)
				}
				for key, text := range w.everything() {
					if strings.HasPrefix(key, "gold/") && strings.Contains(text, gone) {
						t.Errorf("%s still shows the erased one", key)
					}
				}
				if when > 0 {
					break
				}
				w.post("amocrm", "account[id]=1&leads[status][0][id]=5&leads[status][0][status_id]=143&leads[status][0][last_modified]=1793533800")
				w.compact()
				w.now = at("2026-11-03T04:00:00Z")
				w.night("2026-11-02")
			}
			clients := rows[schema.ClientRow](w)
			if len(clients) != 1 || !slices.Contains(append(clients[0].Aliases, clients[0].ClientID), stays) {
				t.Fatalf("clients %+v, want the other alone", clients)
			}
			if stage := clients[0].Stage; stage == nil || *stage != "won" {
				t.Error("the deal's stages are not the other's, who alone has part in it now")
			}
			people := table[schema.PersonRow](w, lake.PeoplePrefix+"part-0000.parquet")
			if len(people) != 1 || len(people[0].Phones) != 1 || people[0].Phones[0].Value != tc.stays {
				t.Errorf("people %+v", people)
			}
		})
	}
}

// officeWorld is a shop where twelve people left the office's phone, each with an
// e-mail of his own; the till tells the phone first.
func officeWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for i := range 12 {
		client := fmt.Sprintf(`"phone": "+74952220000", "email": "p%d@kofe.ru", "name": "Person %d"`, i, i)
		w.post("till", fmt.Sprintf(`{"id": "l%d", "kind": "lead", "at": "2026-11-01T07:00:00+03:00", "client": {%s}}`, i, client))
		w.post("till", sale(fmt.Sprintf("t-%d", i), "paid", "2026-11-01T08:00:00+03:00", client, fmt.Sprintf("%d.00", 100+i)))
		w.post("crm", sale(fmt.Sprintf("c-%d", i), "paid", "2026-11-01T09:00:00+03:00", client, fmt.Sprintf("%d.00", 100+i)))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	return w
}

func TestAnOrderWithASharedPhoneIsOfWhoElseItNames(t *testing.T) {
	w := officeWorld(t)
	clients := rows[schema.ClientRow](w)
	if len(clients) != 12 {
		t.Fatalf("%d clients, want twelve: the phone is nobody's", len(clients))
	}
	office := w.tokenOf("+74952220000")
	for i := range 12 {
		why, err := w.Why(t.Context(), fmt.Sprintf("p%d@kofe.ru", i))
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(2 * (100 + i) * 100); why.Client.Orders != 2 || why.Client.RevenueMinor != want {
			t.Errorf("client %d has %d orders for %d, want 2 for %d", i, why.Client.Orders, why.Client.RevenueMinor, want)
		}
		if len(why.Orders) != 2 || why.Orders[0].OrderID != fmt.Sprintf("t-%d", i) {
			t.Errorf("why shows %+v, want the client's own two orders", why.Orders)
		}
	}
	for _, c := range clients {
		if c.ClientID == office && c.Orders != 0 {
			t.Errorf("the phone has %d orders", c.Orders)
		}
	}
	got, err := w.DoubleReports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pipeline.DoubleReport{{A: "crm", B: "till", Alike: 12, OrdersA: 12, OrdersB: 12}}, got); diff != "" {
		t.Error(diff)
	}
	shared := 0
	for _, link := range rows[schema.LinkRow](w) {
		if link.Why == schema.LinkShared {
			shared++
			if link.Token != office {
				t.Errorf("%+v is no shared value", link)
			}
		}
	}
	if shared != 1 {
		t.Errorf("%d links say that a value is shared, want the phone's", shared)
	}
}

// Names stand in other objects than events, and a day that grew is not in order:
// all twelve must be found, or the phone would link.
func TestNamesAreFoundHoweverADayGrew(t *testing.T) {
	w := newWorld(t)
	i := 12
	for _, size := range []int{7, 3, 1, 1} {
		for range size {
			i--
			w.post("till", fmt.Sprintf(`{"id": "lead-%02d", "kind": "lead", "at": "2026-11-01T07:00:00+03:00", "client": {"phone": "+74952220000", "email": "p%d@kofe.ru", "first_name": "Person", "last_name": "Number %d"}}`, (i*5)%12, i, i))
		}
		w.compact()
	}
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	if clients := rows[schema.ClientRow](w); len(clients) != 12 {
		t.Errorf("%d clients, want twelve: the phone is nobody's", len(clients))
	}
}

// A list of the owner makes another run of the same day, and taking it back gives
// the first run again.
func TestTheOwnersListsDecide(t *testing.T) {
	w := newWorld(t)
	w.post("till", `{"id": "1", "kind": "lead", "at": "2026-11-01T07:00:00+03:00", "client": {"phone": "+79162220001", "email": "anna@kofe.ru"}}`)
	w.post("till", `{"id": "2", "kind": "lead", "at": "2026-11-01T07:01:00+03:00", "client": {"phone": "+79162220001", "email": "boris@kofe.ru"}}`)
	w.post("till", `{"id": "3", "kind": "lead", "at": "2026-11-01T07:02:00+03:00", "client": {"phone": "+79162220003"}}`)
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	anna, boris, vera := w.tokenOf("anna@kofe.ru"), w.tokenOf("boris@kofe.ru"), w.tokenOf("+79162220003")
	owners := func() []string {
		var ids []string
		of := map[string]string{}
		for _, c := range rows[schema.ClientRow](w) {
			for _, token := range append(c.Aliases, c.ClientID) {
				of[token] = c.ClientID
			}
		}
		for _, token := range []string{anna, boris, vera} {
			ids = append(ids, of[token])
		}
		return ids
	}
	plain := w.night("")
	if ids := owners(); ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("by the rules %v, want a couple and a stranger", ids)
	}
	w.configure(shopConfig + "identity:\n  split: [{parts: [[" + anna + "], [" + boris + "]], note: a couple}]\n  merge: [{clients: [" + boris + ", " + vera + "]}]\n")
	decided := w.night("")
	if ids := owners(); ids[0] == ids[1] || ids[1] != ids[2] || decided.Run == plain.Run {
		t.Errorf("by the lists %v in run %s after %s, want the last two to be one", ids, decided.Run, plain.Run)
	}
	w.configure(shopConfig)
	if again := w.night(""); again.Run != plain.Run {
		t.Errorf("without the lists run %s, want %s again", again.Run, plain.Run)
	}
	if ids := owners(); ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("without the lists %v", ids)
	}
}
