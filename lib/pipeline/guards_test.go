package pipeline_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// profile is what a client's row says of the guards, and the values of his person.
type profile struct {
	Orders, RevenueMinor, Records int64
	Phones, Emails                []string
}

// client is the client of a contact in the run in force.
func (w *world) client(contact string) schema.ClientRow {
	w.Helper()
	token, err := w.TokenOf(w.Context(), contact)
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range rows[schema.ClientRow](w) {
		if c.ClientID == string(token) || slices.Contains(c.Aliases, string(token)) {
			return c
		}
	}
	w.Fatalf("a contact has no client among %d", len(rows[schema.ClientRow](w)))
	return schema.ClientRow{}
}

func (w *world) idOf(contact string) string {
	w.Helper()
	token, err := w.TokenOf(w.Context(), contact)
	if err != nil {
		w.Fatal(err)
	}
	return string(token)
}

func (w *world) profile(contact string) profile {
	w.Helper()
	c := w.client(contact)
	s := profile{Orders: c.Orders, RevenueMinor: c.RevenueMinor, Records: c.RecordsMerged}
	for _, p := range table[schema.PersonRow](w, "lake/people/part-0000.parquet") {
		if p.ClientID == c.ClientID {
			for _, v := range p.Phones {
				s.Phones = append(s.Phones, v.Value)
			}
			for _, v := range p.Emails {
				s.Emails = append(s.Emails, v.Value)
			}
		}
	}
	slices.Sort(s.Phones)
	slices.Sort(s.Emails)
	return s
}

// explained fails unless the id still names this client.
func (w *world) explained(id string, want schema.ClientRow) {
	w.Helper()
	why, err := w.Why(w.Context(), id)
	if err != nil {
		w.Errorf("why %s: %v", id, err)
	} else if why.Client.ClientID != want.ClientID {
		w.Errorf("why %s is about %s, want %s", id, why.Client.ClientID, want.ClientID)
	}
}

// evening is the night of the next day.
func (w *world) evening() {
	w.Helper()
	w.compact()
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
}

func leadOf(id, when, client string) string {
	return fmt.Sprintf(`{"id": "lead-%s", "kind": "lead", "at": "%s", "client": {%s}}`, id, when, client)
}

// A deal is a reference: it leads its events to whom it was first stated with, and
// makes nobody one client.
func TestTwoContactsOfOneDealStayTwoClients(t *testing.T) {
	contact := func(id int, name, phone, manager string, at int) string {
		return fmt.Sprintf("account[id]=1&contacts[add][0][id]=%d&contacts[add][0][name]=%s&contacts[add][0][last_modified]=%d&contacts[add][0][responsible_user_id]=%s"+
			"&contacts[add][0][linked_leads_id][5][ID]=5&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=%s", id, name, at, manager, phone)
	}
	said := []string{
		"account[id]=1&leads[add][0][id]=5&leads[add][0][status_id]=1&leads[add][0][last_modified]=1793523600",
		contact(6, "Anna", "%2B79162220001", "11", 1793523900),
		contact(7, "Boris", "%2B79162220002", "22", 1793524000),
		"account[id]=1&leads[status][0][id]=5&leads[status][0][status_id]=142&leads[status][0][old_status_id]=1&leads[status][0][last_modified]=1793524100",
	}
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprintf("reverse %t", reverse), func(t *testing.T) {
			w := newWorld(t)
			w.configure(systemsConfig)
			all := slices.Clone(said)
			if reverse {
				slices.Reverse(all)
			}
			for _, body := range all {
				w.post("amocrm", body)
			}
			w.evening()
			if clients := rows[schema.ClientRow](w); len(clients) != 2 {
				t.Fatalf("%d clients, want the two contacts", len(clients))
			}
			anna, boris := w.client("+79162220001"), w.client("+79162220002")
			if anna.ClientID == boris.ClientID {
				t.Fatal("a deal made its contacts one client")
			}
			if anna.Stage == nil || *anna.Stage != "won" {
				t.Errorf("the first contact stands at %v, want won", anna.Stage)
			}
			if boris.Stage != nil && *boris.Stage == "won" {
				t.Error("the second contact won as well")
			}
			if anna.Manager == nil || *anna.Manager != "11" || boris.Manager == nil || *boris.Manager != "22" {
				t.Errorf("managers %v and %v, want each contact's own", anna.Manager, boris.Manager)
			}
			if a, b := w.profile("+79162220001"), w.profile("+79162220002"); !slices.Equal(a.Phones, []string{"+79162220001"}) || !slices.Equal(b.Phones, []string{"+79162220002"}) {
				t.Errorf("phones of the two: %d and %d, want one each", len(a.Phones), len(b.Phones))
			}
		})
	}
}

func TestAnOfficeEmailLinksNobody(t *testing.T) {
	const people = 30
	w := newWorld(t)
	phone := func(i int) string { return fmt.Sprintf("+7916222%04d", i) }
	for i := range people {
		client := fmt.Sprintf(`"phone": "%s", "email": "office@kofe.ru", "name": "Colleague %c"`, phone(i), 'A'+i)
		w.post("crm", leadOf(strconv.Itoa(i), fmt.Sprintf("2026-11-01T05:%02d:00Z", i), client))
		w.post("till", sale(strconv.Itoa(i), "paid", fmt.Sprintf("2026-11-01T06:%02d:00Z", i), fmt.Sprintf(`"email": "office@kofe.ru", "phone": "%s"`, phone(i)), fmt.Sprintf("%d.00", 100+i)))
	}
	w.evening()
	ids := map[string]bool{}
	for i := range people {
		got := w.profile(phone(i))
		want := profile{Orders: 1, RevenueMinor: int64(100+i) * 100, Records: got.Records, Phones: []string{phone(i)}, Emails: got.Emails}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("colleague %d (-want +got):\n%s", i, diff)
		}
		ids[w.client(phone(i)).ClientID] = true
	}
	if len(ids) != people {
		t.Errorf("%d clients own the phones, want %d", len(ids), people)
	}
}

func TestJunkLinksNobodyAndLosesNothing(t *testing.T) {
	w := newWorld(t)
	const junk = `"phone": "0000000000", "email": "test@test.ru"`
	for i := range 3 {
		w.post("crm", leadOf(strconv.Itoa(i), "2026-11-01T05:00:00Z", junk+fmt.Sprintf(`, "external_id": "C-%d", "name": "Guest %d"`, i, i)))
	}
	w.post("crm", leadOf("nobody", "2026-11-01T05:00:00Z", junk+`, "name": "Guest"`))
	w.post("site", "name=Guest&phone=0000000000&email=test@test.ru")
	w.evening()
	clients := rows[schema.ClientRow](w)
	if len(clients) != 3 {
		t.Fatalf("%d clients, want one for each external id", len(clients))
	}
	for _, c := range clients {
		if len(c.ExternalIDs) != 1 || len(c.Aliases) > 1 {
			t.Errorf("client of %q has %d aliases, want only himself", c.ExternalIDs, len(c.Aliases))
		}
	}
	// What identifies nobody is kept: as an event of nobody's, with what was typed.
	events, typed := 0, 0
	for _, ev := range w.events() {
		if ev.Kind == "lead" && len(ev.Tokens) == 0 {
			events++
		}
	}
	days, err := lake.Days(t.Context(), w.store, lake.ContactsPrefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		for _, row := range table[schema.ContactRow](w, lake.ContactsPrefix+day+"/part-0000.parquet") {
			if slices.Equal(row.BadPhones, []string{"0000000000"}) && slices.Equal(row.BadEmails, []string{"test@test.ru"}) {
				typed++
			}
		}
	}
	if events != 2 || typed != 5 {
		t.Errorf("%d leads of nobody's and %d rows with what was typed, want 2 and 5; outcomes %v", events, typed, w.outcomes())
	}
}

// max_shared is 10: that many still link, one more does not.
func TestAValueOfTenLinksAndOfElevenDoesNot(t *testing.T) {
	for name, client := range map[string]func(i int) string{
		"names":        func(i int) string { return fmt.Sprintf(`"name": "Guest %c", "email": "p%d@kofe.ru"`, 'A'+i, i) },
		"external ids": func(i int) string { return fmt.Sprintf(`"external_id": "C-%d", "email": "p%d@kofe.ru"`, i, i) },
	} {
		for sharers, clients := range map[int]int{10: 1, 11: 11} {
			t.Run(fmt.Sprintf("%d %s", sharers, name), func(t *testing.T) {
				w := newWorld(t)
				for i := range sharers {
					w.post("crm", leadOf(strconv.Itoa(i), fmt.Sprintf("2026-11-01T05:%02d:00Z", i), `"phone": "+79162220000", `+client(i)))
				}
				w.evening()
				ids := map[string]bool{}
				for i := range sharers {
					ids[w.client(fmt.Sprintf("p%d@kofe.ru", i)).ClientID] = true
				}
				if len(ids) != clients {
					t.Errorf("%d share a phone: %d clients, want %d", sharers, len(ids), clients)
				}
			})
		}
	}
}

// familyPhone is one phone of two people with an e-mail, two orders and a word about
// ads each.
const familyPhone = "+79162220007"

func (w *world) family() {
	w.Helper()
	for i, who := range []struct{ name, email, total, ads string }{{"Vera", "vera@kofe.ru", "100.00", "true"}, {"Gleb", "gleb@kofe.ru", "30.00", "false"}} {
		client := fmt.Sprintf(`"phone": "%s", "email": "%s", "name": "%s"`, familyPhone, who.email, who.name)
		w.post("crm", leadOf(who.name, fmt.Sprintf("2026-10-2%dT05:00:00Z", i+1), client))
		for n := range 2 {
			w.post("till", sale(fmt.Sprintf("%s-%d", who.name, n), "paid", fmt.Sprintf("2026-10-2%dT1%d:00:00Z", i+1, n), client, who.total))
		}
		w.post("crm", fmt.Sprintf(`{"id": "ads-%s", "kind": "consent", "at": "2026-10-2%dT07:00:00Z", "client": {"email": "%s"}, "consents": [{"purpose": "ads", "given": %s}]}`, who.name, i+5, who.email, who.ads))
	}
}

func TestAFamilyOnOnePhoneIsOneClient(t *testing.T) {
	w := newWorld(t)
	w.family()
	w.evening()
	if clients := rows[schema.ClientRow](w); len(clients) != 1 {
		t.Fatalf("%d clients, want 1", len(clients))
	}
	got := w.profile("gleb@kofe.ru")
	want := profile{Orders: 4, RevenueMinor: 26000, Records: got.Records, Phones: []string{familyPhone}, Emails: []string{"gleb@kofe.ru", "vera@kofe.ru"}}
	if diff := cmp.Diff(want, got); diff != "" || got.Records < 2 {
		t.Errorf("%d records (-want +got):\n%s", got.Records, diff)
	}
}

func adsOf(t *testing.T, c schema.ClientRow) string {
	t.Helper()
	for _, pair := range c.Consents.Pairs {
		if pair.Key == "ads" {
			return pair.Value
		}
	}
	return ""
}

// A split list parts a family: orders and consents follow their people, what stands
// in no part goes with whom it was first stated with; without the list they are one
// again, and an id that was ever shown names somebody all the while.
func TestASplitPartsAndIsUndone(t *testing.T) {
	w := newWorld(t)
	w.family()
	w.evening()
	before, one := w.gold(), w.client("vera@kofe.ru")
	vera, gleb := w.idOf("vera@kofe.ru"), w.idOf("gleb@kofe.ru")

	w.configure(shopConfig + fmt.Sprintf("identity: {split: [{parts: [[%s], [%s]], note: a couple}]}\n", vera, gleb))
	w.night("")
	if clients := rows[schema.ClientRow](w); len(clients) != 2 {
		t.Fatalf("%d clients, want 2", len(clients))
	}
	for _, tc := range []struct {
		who, ads string
		want     profile
	}{
		{"vera@kofe.ru", "given", profile{Orders: 2, RevenueMinor: 20000, Phones: []string{familyPhone}, Emails: []string{"vera@kofe.ru"}}},
		{"gleb@kofe.ru", "withdrawn", profile{Orders: 2, RevenueMinor: 6000, Emails: []string{"gleb@kofe.ru"}}},
	} {
		got := w.profile(tc.who)
		tc.want.Records = got.Records
		if tc.who == "gleb@kofe.ru" { // his own statements hold the phone: the card may show it
			tc.want.Phones = got.Phones
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s after the split (-want +got):\n%s", tc.who[:4], diff)
		}
		if ads := adsOf(t, w.client(tc.who)); ads != tc.ads {
			t.Errorf("ads of %s: %q, want %q", tc.who[:4], ads, tc.ads)
		}
	}
	if phone, first := w.client(familyPhone), w.client("vera@kofe.ru"); phone.ClientID != first.ClientID {
		t.Error("the phone went to the one who came with it later")
	}
	w.explained(one.ClientID, w.client("vera@kofe.ru")) // the oldest token of both is hers or the phone's
	for _, alias := range one.Aliases {
		if _, err := w.Why(t.Context(), alias); err != nil {
			t.Errorf("an alias shown before the split: %v", err)
		}
	}
	shown := w.client("gleb@kofe.ru").ClientID

	w.configure(shopConfig)
	w.night("")
	if diff := cmp.Diff(before, w.gold()); diff != "" {
		t.Errorf("tables after the split was undone (-before +after):\n%s", diff)
	}
	w.explained(shown, w.client("vera@kofe.ru"))
}

// A merge list joins strangers, whatever the rules say, and is undone likewise.
func TestAMergeJoinsAndIsUndone(t *testing.T) {
	w := newWorld(t)
	w.post("till", sale("1", "paid", "2026-10-21T10:00:00Z", `"phone": "+79162220001", "name": "Vera"`, "100.00"))
	w.post("till", sale("2", "paid", "2026-10-22T10:00:00Z", `"email": "vera@kofe.ru", "name": "V. S."`, "30.00"))
	w.post("till", sale("3", "paid", "2026-10-23T10:00:00Z", `"phone": "+79162220003", "name": "Gleb"`, "7.00"))
	w.evening()
	before := w.gold()
	phone, email := w.client("+79162220001"), w.client("vera@kofe.ru")
	if phone.ClientID == email.ClientID {
		t.Fatal("strangers are one client before the list says so")
	}
	w.configure(shopConfig + fmt.Sprintf("identity: {merge: [{clients: [%s, %s]}]}\n", phone.ClientID, email.ClientID))
	w.night("")
	got := w.profile("vera@kofe.ru")
	want := profile{Orders: 2, RevenueMinor: 13000, Records: got.Records, Phones: []string{"+79162220001"}, Emails: []string{"vera@kofe.ru"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	one := w.client("vera@kofe.ru")
	if len(rows[schema.ClientRow](w)) != 2 || one.ClientID != phone.ClientID {
		t.Errorf("%d clients, want two, the merged one by his oldest token", len(rows[schema.ClientRow](w)))
	}
	w.explained(phone.ClientID, one)
	w.explained(email.ClientID, one)
	w.configure(shopConfig)
	w.night("")
	if diff := cmp.Diff(before, w.gold()); diff != "" {
		t.Errorf("tables after the merge was undone (-before +after):\n%s", diff)
	}
	w.explained(phone.ClientID, phone)
	w.explained(email.ClientID, email)
}

// The id stays with newer events and changes only through an older one; the former
// id still names the client.
func TestAnIDIsStableAndOldOnesResolve(t *testing.T) {
	w := newWorld(t)
	w.post("crm", leadOf("1", "2026-10-20T05:00:00Z", `"phone": "+79162220001"`))
	w.evening()
	first := w.client("+79162220001")
	w.post("crm", leadOf("2", "2026-10-25T05:00:00Z", `"phone": "+79162220001", "email": "vera@kofe.ru"`))
	w.post("crm", leadOf("3", "2026-10-20T05:00:00.000001Z", `"email": "vera@kofe.ru", "external_id": "C-1"`))
	w.evening()
	if got := w.client("vera@kofe.ru"); got.ClientID != first.ClientID {
		t.Errorf("newer events changed the id from %s to %s", first.ClientID, got.ClientID)
	}
	w.post("crm", leadOf("0", "2026-10-19T05:00:00Z", `"email": "vera@kofe.ru"`))
	w.evening()
	got := w.client("+79162220001")
	if got.ClientID != w.idOf("vera@kofe.ru") {
		t.Errorf("id %s, want that of the token that is now the oldest", got.ClientID)
	}
	w.explained(first.ClientID, got)
	if len(got.Aliases) < 2 {
		t.Errorf("%d aliases, want all other tokens", len(got.Aliases))
	}
}
