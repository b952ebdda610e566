package pipeline_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// Consents from the webhook to gold: the latest statement at a time decides.
func TestConsentsAreDecidedByTheirTime(t *testing.T) {
	b := newBase(t)
	given := func(purpose, when string, yes bool) string {
		return fmt.Sprintf(`, "consents": [{"purpose": "%s", "given": %t, "at": "%s", "text_version": "7", "evidence": "form 12"}]`, purpose, yes, when)
	}
	const first, second, third = "2026-11-03T09:00:00Z", "2026-11-04T09:00:00Z", "2026-11-05T09:00:00Z"
	b.say("left all, back by e-mail", "lead", first, given("ads", first, true))
	b.say("left all, back by e-mail", "unsubscribe", second, "")
	b.say("left all, back by e-mail", "consent", third, given("email", third, true))
	b.say("withdrew before he gave", "consent", third, given("ads", second, true))
	b.say("withdrew before he gave", "consent", third, given("ads", first, false))
	b.say("both at once", "consent", first, given("ads", first, false))
	b.say("both at once", "consent", first, given("ads", first, true))
	b.say("left mail only", "lead", first, `, "consents": [{"purpose": "ads", "given": true}, {"purpose": "email", "given": true}, {"purpose": "sms", "given": true}]`)
	b.say("left mail only", "unsubscribe", second, `, "unsubscribe": {"channel": "email"}`)
	b.say("gave in a year to come, left since", "consent", first, given("ads", "2027-11-03T09:00:00Z", true))
	b.say("gave in a year to come, left since", "unsubscribe", second, `, "unsubscribe": {"channel": "ads"}`)
	b.say("will give", "consent", first, given("ads", "2026-11-30T21:00:00Z", true))
	b.say("gave in the last second", "consent", first, given("ads", ends(0), true))
	b.say("will leave", "consent", first, given("ads", "2026-11-30T21:00:00Z", false))
	b.say("was never asked", "lead", first, "")
	clients := b.clients()
	states := map[string]map[string]string{}
	for name, c := range clients {
		states[name] = map[string]string{}
		for _, pair := range c.Consents.Pairs {
			states[name][pair.Key] = pair.Value
		}
	}
	want := map[string]map[string]string{
		"left all, back by e-mail":           {"ads": "withdrawn", "email": "given", "sms": "withdrawn", "call": "withdrawn", "messenger": "withdrawn"},
		"withdrew before he gave":            {"ads": "given"},
		"both at once":                       {"ads": "withdrawn"},
		"left mail only":                     {"ads": "given", "email": "withdrawn", "sms": "given"},
		"gave in a year to come, left since": {"ads": "withdrawn"},
		"will give":                          {}, "gave in the last second": {"ads": "given"}, "will leave": {"ads": "withdrawn"},
		"was never asked": {}, // unknown, which is no, and is no withdrawal
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("consents of clients (-want +got):\n%s", diff)
	}
	// The table says the same, with the proof.
	table := map[string]map[string]string{}
	for _, row := range rows[schema.ConsentStateRow](b.world) {
		if table[row.ClientID] == nil {
			table[row.ClientID] = map[string]string{}
		}
		table[row.ClientID][row.Purpose] = row.State
		if row.ClientID == clients["withdrew before he gave"].ClientID {
			row.EventID = ""
			proof := schema.ConsentStateRow{ClientID: row.ClientID, Purpose: "ads", State: "given", At: at(second), TextVersion: "7", Channel: "till", Evidence: "form 12"}
			if diff := cmp.Diff(proof, row); diff != "" {
				t.Errorf("proof (-want +got):\n%s", diff)
			}
		}
	}
	for name, c := range clients {
		if !maps.Equal(want[name], table[c.ClientID]) {
			t.Errorf("%s: the table says %v, want %v", name, table[c.ClientID], want[name])
		}
	}
}

func TestHistoryIsCarriedFromNightToNight(t *testing.T) {
	w := newWorld(t)
	buy := func(phone, order, when string) {
		w.post("till", sale(order, "paid", when, `"phone": "`+phone+`"`, "100.00"))
	}
	w.now = at("2026-11-10T09:00:00Z")
	buy("+79162220001", "1", "2026-11-10T08:00:00Z")
	buy("+79162220002", "2", "2026-11-10T08:00:00Z")
	w.compact()
	night := func(day string) { w.now = at(day + "T20:00:00Z"); w.compact(); w.night(day) }
	night("2026-11-10")
	night("2026-11-11")
	first := rows[schema.HistoryRow](w)
	for _, row := range first {
		if row.FromDay != "2026-11-10" || row.ToDay != "" {
			t.Errorf("after two nights alike: %v", row)
		}
	}
	want := 2 // codes
	for _, m := range rows[schema.SegmentRow](w) {
		if m.Segment != "rfm_311" { // has the spans of the code
			want++
		}
	}
	if len(first) != want || want < 6 { // a segment of the playbook and the buyers at least
		t.Errorf("%d spans, want %d: %v", len(first), want, first)
	}
	// The two turn out to be one, and he buys again: what was of either is his.
	w.post("till", `{"id": "m", "kind": "profile", "at": "2026-11-12T09:00:00Z", "client": {"phones": ["+79162220001", "+79162220002"]}}`)
	buy("+79162220001", "3", "2026-11-12T08:00:00Z")
	buy("+79162220003", "4", "2026-11-12T08:00:00Z")
	buy("+79162220003", "5", "2026-11-12T08:00:00Z")
	night("2026-11-12")
	merged, open := rows[schema.HistoryRow](w), map[string]int{}
	clients := rows[schema.ClientRow](w)
	since := map[string]string{}
	for _, m := range rows[schema.SegmentRow](w) {
		since[m.ClientID+m.Segment] = m.SinceDay
	}
	for _, row := range merged {
		if row.ToDay == "" {
			open[row.ClientID+" "+row.What]++
			if row.What == "segment" && since[row.ClientID+row.Value] != row.FromDay {
				t.Errorf("%v, but a member since %q", row, since[row.ClientID+row.Value])
			}
		}
		if row.ClientID != clients[0].ClientID && row.ClientID != clients[1].ClientID {
			t.Errorf("history of nobody: %v", row)
		}
	}
	if len(clients) != 2 || open[clients[0].ClientID+" rfm_code"] != 1 || open[clients[1].ClientID+" rfm_code"] != 1 {
		t.Errorf("%d clients with open codes %v", len(clients), open)
	}
	// The same night again is compared with the same predecessor.
	w.post("till", `{"id": "c", "kind": "profile", "at": "2026-11-12T10:00:00Z", "client": {"phone": "+79162220003", "name": "Пётр"}}`)
	w.compact()
	w.night("2026-11-12")
	if diff := cmp.Diff(merged, rows[schema.HistoryRow](w)); diff != "" {
		t.Errorf("the same day again (-first +second):\n%s", diff)
	}
	// Who is erased leaves the history of every run and is not carried on.
	before := len(rows[schema.HistoryRow](w))
	w.erase("+79162220003")
	erased := rows[schema.HistoryRow](w)
	if len(erased) >= before || len(erased) == 0 {
		t.Errorf("%d spans after an erasure, %d before", len(erased), before)
	}
	night("2026-11-13")
	for _, row := range rows[schema.HistoryRow](w) {
		if row.ClientID != rows[schema.ClientRow](w)[0].ClientID {
			t.Errorf("an erased client is carried on: %v", row)
		}
	}
}

// A run of a version that kept no history is a predecessor all the same.
func TestARunWithoutHistoryIsCarriedOn(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-11-10T20:00:00Z")
	w.post("till", sale("1", "paid", "2026-11-10T08:00:00Z", `"phone": "+79162220001"`, "100.00"))
	w.compact()
	w.night("2026-11-10")
	strip(t, w, "history")
	w.now = w.now.Add(24 * time.Hour)
	if _, err := w.Analyse(t.Context(), pipeline.NightRequest{AsOf: "2026-11-11"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[schema.HistoryRow](w) {
		want := map[string]string{"segment": "2026-11-10", "rfm_code": "2026-11-11"}[row.What] // members knew their day
		if row.FromDay != want || row.ToDay != "" {
			t.Errorf("%v, want it to begin on %s", row, want)
		}
	}
}

// strip takes a table out of the manifests of all runs.
func strip(t *testing.T, w *world, table string) {
	t.Helper()
	for key, body := range w.objects(lake.GoldPrefix) {
		if key != lake.CurrentKey && !strings.HasPrefix(key, lake.GoldPrefix+"runs/") {
			continue
		}
		var run lake.Run
		if err := json.Unmarshal([]byte(body), &run); err != nil {
			t.Fatal(err)
		}
		delete(run.Tables, table)
		without, err := json.Marshal(run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Put(t.Context(), key, without); err != nil {
			t.Fatal(err)
		}
	}
}
