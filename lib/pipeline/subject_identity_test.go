package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// deal makes two contacts of one deal of a CRM, and what happened to the deal.
func deal(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.configure(shopConfig + "  - {name: amo, kind: amocrm, stages: {\"7\": visited, \"142\": won}}\n")
	contact := func(id int, name, phone, when string) {
		w.post("amo", fmt.Sprintf("account[id]=1&contacts[add][0][id]=%d&contacts[add][0][name]=%s&contacts[add][0][last_modified]=%s&contacts[add][0][linked_leads_id][10][ID]=10"+
			"&contacts[add][0][custom_fields][0][code]=PHONE&contacts[add][0][custom_fields][0][values][0][value]=%%2B%s", id, name, when, phone))
		w.now = w.now.Add(1e9)
	}
	contact(30, "Anna", "79165550101", "1793523600")
	contact(31, "Boris", "79165550202", "1793523700")
	w.post("amo", "account[id]=1&leads[status][0][id]=10&leads[status][0][status_id]=7&leads[status][0][old_status_id]=1&leads[status][0][last_modified]=1793523800")
	w.post("site", "phone=89165550202&comment=only+his+words")
	w.compact()
	return w
}

func TestSubjectOfADealThatTwoHavePartIn(t *testing.T) {
	w := deal(t)
	for range 2 { // before the first night and after it
		anna, text := w.ask("89165550101")
		tells(t, "the answer to the first", text, []string{"Anna", "+79165550101", "visited"}, []string{"Boris", "9165550202", "only his words"})
		_, text = w.ask("89165550202")
		tells(t, "the answer to the second", text, []string{"Boris", "+79165550202", "only his words"}, []string{"Anna", "9165550101", "visited"})
		if len(anna.Apart) != 1 || anna.Apart[0].Why != schema.LinkShared {
			t.Errorf("apart = %+v, want the deal", anna.Apart)
		}
		w.now = w.now.AddDate(0, 0, 1)
		w.night("")
	}
	why, err := w.Why(t.Context(), "89165550202")
	if err != nil {
		t.Fatal(err)
	}
	if len(why.Chronology) != 2 || len(why.Apart) != 1 {
		t.Errorf("why tells %d events of the second and %d identifiers apart, want 2 and 1", len(why.Chronology), len(why.Apart))
	}
}

func TestSubjectAfterASplitLeavesTheOtherOut(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89165550101&email=anna@kofe.ru&name=Anna")
	w.now = w.now.Add(1e9)
	w.post("site", "phone=89165550202&email=boris@kofe.ru&name=Boris")
	w.now = w.now.Add(1e9)
	w.post("till", `{"id": "both", "kind": "profile", "client": {"phones": ["+79165550101", "+79165550202"]}}`)
	w.compact()
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	if s, _ := w.ask("anna@kofe.ru"); len(s.Contacts.Phones) != 2 || len(s.Night) != 1 {
		t.Fatalf("before the split: %d phones and %d cards, want the two as one", len(s.Contacts.Phones), len(s.Night))
	}
	var tokens []string
	for _, contact := range []string{"89165550101", "89165550202"} {
		token, err := w.TokenOf(t.Context(), contact)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, string(token))
	}
	w.configure(shopConfig + fmt.Sprintf("identity: {split: [{parts: [[%s], [%s]]}]}\n", tokens[0], tokens[1]))
	w.Pipeline = w.open("a token key that tests share") // the configuration is cached
	s, text := w.ask("anna@kofe.ru")
	tells(t, "the answer to the first", text, []string{"+79165550101", "anna@kofe.ru"}, []string{"9165550202", "boris@kofe.ru", "Boris"})
	withheld := 0
	for _, ev := range s.Chronology {
		if ev.Stated != nil {
			withheld += ev.Stated.ValuesOfOthers
		}
	}
	if withheld != 1 || len(s.Night) != 0 {
		t.Errorf("%d values withheld and %d cards of the old night, want 1 and none", withheld, len(s.Night))
	}
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	if s, _ = w.ask("anna@kofe.ru"); len(s.Night) != 1 {
		t.Errorf("after the next night: %d cards, want her own", len(s.Night))
	}
}

func TestWhyTellsTheCardWithoutContactValues(t *testing.T) {
	w := plantAnna(t)
	why, err := w.Why(t.Context(), "89165550101")
	if err != nil {
		t.Fatal(err)
	}
	body, err := why.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	tells(t, "why", string(body), []string{"C-77", "Kettle", "olga", "v7", "o1", "B-5"}, []string{
		"9165550101", "anna@kofe.ru", "Anna Sorokina", "whistles", "Lesnaya", "parrot", "5500", "9165550202", "Perm", "Tula",
	})
	if len(why.Chronology) != 7 { // what came after the night is not in it
		t.Errorf("%d events, want the 7 that the night counted", len(why.Chronology))
	}
	if why.ManagerSince != at("2026-11-01T10:10:00Z") {
		t.Errorf("manager since %s, want when she was first named", why.ManagerSince)
	}
	sms := pipeline.ConsentState{Purpose: "sms", State: "withdrawn", At: at("2026-11-01T10:30:00Z"), Channel: "crm", Evidence: "unsubscribe", EventID: "no-1"}
	ads := pipeline.ConsentState{Purpose: "ads", State: "given", At: at("2026-11-01T09:00:00Z"), TextVersion: "1", Channel: "site"}
	for _, c := range why.Consents {
		if c.Purpose == "sms" && c != sms || c.Purpose == "ads" && (c.EventID == "" || c.State != ads.State || c.At != ads.At || c.TextVersion != ads.TextVersion || c.Channel != ads.Channel) {
			t.Errorf("consent %+v", c)
		}
	}
	if why.Lifecycle.Rule != "orders == 1" || why.Activity.Rule != "recency_days <= 90" {
		t.Errorf("lifecycle %+v, activity %+v", why.Lifecycle, why.Activity)
	}
}
