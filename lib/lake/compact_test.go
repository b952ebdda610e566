package lake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

const anna, boris = "+79995551111", "+79995552222"

func TestADeliveryBecomesEventContactAndLedgerLine(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.store1(row("site", "d1", `{"id":"d1","kind":"lead","at":"2026-03-10T10:00:00+03:00","client":{"phone":"+79995551111","email":"Anna@Mail.ru","external_id":"C-7","name":"Анна"},
		"attribution":{"utm_source":"yandex","utm_content":"anna@mail.ru","landing":"https://shop.example/a?utm_source=yandex&phone=79995551111"}}`, noon))
	report := w.compact()
	if diff := cmp.Diff(lake.CompactReport{Objects: 1, Deliveries: 1, Events: 1}, report); diff != "" {
		t.Error(diff)
	}
	events, contacts := w.events(), w.contacts()
	if len(events) != 1 || len(contacts) != 1 {
		t.Fatalf("%d events, %d contacts", len(events), len(contacts))
	}
	k := key()
	want := []string{string(k.External("site", "C-7")), string(k.Phone(anna)), string(k.Email("anna@mail.ru"))}
	if diff := cmp.Diff(want, events[0].Tokens); diff != "" {
		t.Error(diff)
	}
	if !events[0].At.Equal(time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)) || !events[0].ReceivedAt.Equal(noon) || events[0].ExternalID != "C-7" || events[0].UTMSource != "yandex" {
		t.Errorf("event = %+v", events[0])
	}
	if text := fmt.Sprintf("%+v", events[0]); strings.Contains(text, "999555") || strings.Contains(text, "@") || strings.Contains(text, "Анна") {
		t.Errorf("the event shows a person: %s", text)
	}
	if c := contacts[0]; c.Name != "Анна" || c.Phones[0] != anna || c.Emails[0] != "anna@mail.ru" || c.EventID != "d1" {
		t.Errorf("contact = %+v", c)
	}
	if diff := cmp.Diff([]string{"events"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	w.balance()
	if again := w.compact(); again != (lake.CompactReport{}) {
		t.Errorf("a second run found %+v", again)
	}
}

func TestDuplicates(t *testing.T) {
	day := 24 * time.Hour
	type delivery struct {
		source, id, body string
		after            time.Duration
	}
	flat := `{"phone":"+79995551111"}`
	for _, tc := range []struct {
		name   string
		given  []delivery
		want   []string
		events int
	}{
		{"the same id and body on one day are one raw object", []delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", anna), 5 * time.Hour}}, []string{"events"}, 1},
		{"across midnight", []delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", anna), 13 * time.Hour}}, []string{"events", "duplicate"}, 1},
		{"on the last day of 35", []delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", anna), 35 * day}}, []string{"events", "duplicate"}, 1},
		{"after it an id is forgotten", []delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", anna), 36 * day}}, []string{"events", "events"}, 2},
		{"one id of two sources is two", []delivery{{"site", "d", lead("d", anna), 0}, {"crm", "d", lead("d", anna), time.Hour}}, []string{"events", "events"}, 2},
		{"the same id, another body", []delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", boris), time.Hour}}, []string{"events", "failed id_conflict"}, 1},
		{
			"… and each of the two once more",
			[]delivery{{"site", "d", lead("d", anna), 0}, {"site", "d", lead("d", boris), day}, {"site", "d", lead("d", anna), 2 * day}, {"site", "d", lead("d", boris), 3 * day}},
			[]string{"events", "failed id_conflict", "duplicate", "duplicate"},
			1,
		},
		{"an event in another batch", []delivery{{"site", "", "[" + lead("a", anna) + "," + lead("b", boris) + "]", 0}, {"site", "", "[" + lead("b", boris) + "," + lead("c", boris) + "]", day}}, []string{"events", "events"}, 3},
		{"a batch of nothing new", []delivery{{"site", "", "[" + lead("a", anna) + "," + lead("b", boris) + "]", 0}, {"site", "", "[" + lead("b", boris) + "," + lead("a", anna) + "]", day}}, []string{"events", "duplicate"}, 2},
		{"an event twice in a batch", []delivery{{"site", "", "[" + lead("a", anna) + "," + lead("a", anna) + "]", 0}}, []string{"events"}, 1},
		{"a batch that contradicts itself", []delivery{{"site", "", "[" + lead("a", anna) + "," + lead("a", boris) + "]", 0}}, []string{"events id_conflict"}, 1},
		{"an equal form within ten minutes", []delivery{{"forms", "", flat, 0}, {"forms", "", flat, 9*time.Minute + 59*time.Second}}, []string{"events", "duplicate"}, 1},
		{"ten minutes later he asks again", []delivery{{"forms", "", flat, 0}, {"forms", "", flat, 10 * time.Minute}}, []string{"events", "events"}, 2},
		{"the window runs from the last that was kept", []delivery{{"forms", "", flat, 0}, {"forms", "", flat, 6 * time.Minute}, {"forms", "", flat, 12 * time.Minute}}, []string{"events", "duplicate", "events"}, 2},
		{"an equal form across midnight", []delivery{{"forms", "", flat, 12*time.Hour - time.Minute}, {"forms", "", flat, 12*time.Hour + time.Minute}}, []string{"events", "duplicate"}, 1},
		{"three weeks later it is a new lead", []delivery{{"forms", "", flat, 0}, {"forms", "", flat, 21 * day}}, []string{"events", "events"}, 2},
		{"an equal form through another source", []delivery{{"forms", "", flat, 0}, {"site", "", flat, time.Minute}}, []string{"events", "events"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rows := make([]schema.RawRow, len(tc.given))
			for i, d := range tc.given {
				rows[i] = row(d.source, d.id, d.body, noon.Add(d.after))
			}
			check := func(t *testing.T, w *world) {
				t.Helper()
				if diff := cmp.Diff(tc.want, w.outcomes()); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if n := len(w.events()); n != tc.events {
					t.Errorf("%d events, want %d", n, tc.events)
				}
				w.balance()
			}
			t.Run("compacted at once", func(t *testing.T) {
				w := newWorld(t, new(objstore.Mem))
				w.store1(rows...)
				w.now = rows[len(rows)-1].ReceivedAt
				w.compact()
				check(t, w)
			})
			t.Run("compacted one by one, raw deleted in between", func(t *testing.T) {
				mem := new(objstore.Mem)
				w := newWorld(t, mem)
				for _, r := range rows {
					for info := range mem.List(t.Context(), lake.RawPrefix, "") {
						if strings.Contains(info.Key, lake.Day(r.ReceivedAt)) {
							continue // raw objects outlive their day
						}
						if err := mem.Delete(t.Context(), info.Key); err != nil {
							t.Fatal(err)
						}
					}
					w.store1(r)
					w.now = r.ReceivedAt
					w.compact()
				}
				check(t, w)
			})
			t.Run("by one compactor that remembers", func(t *testing.T) {
				w := newWorld(t, new(objstore.Mem))
				c := w.compactor(w.store)
				for _, r := range rows {
					w.store1(r)
					w.now = r.ReceivedAt
					if _, err := c.Run(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				check(t, w)
			})
		})
	}
}

// What arrives late is compared with what was merged before it, too.
func TestAnIDIsKnownInAnyOrderOfArrival(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.now = noon.AddDate(0, 0, 20)
	w.store1(row("site", "d", lead("d", anna), noon.AddDate(0, 0, 20)), row("forms", "", `{"phone":"+79995551111"}`, noon.Add(time.Hour)))
	w.compact()
	w.store1(row("site", "d", lead("d", anna), noon), row("forms", "", `{"phone":"+79995551111"}`, noon.Add(55*time.Minute)))
	w.compact()
	if n := len(w.events()); n != 2 {
		t.Errorf("%d events, want 2: %v", n, w.outcomes())
	}
	w.balance()
}

// A clock that ran ahead must not make compaction blind for the days it skipped.
func TestTheClockNeverDecides(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	c := w.compactor(w.store)
	run := func() {
		t.Helper()
		if _, err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.store1(row("site", "d", lead("d", anna), noon))
	run()
	w.now = noon.AddDate(0, 0, 3)
	run()
	run() // the day is closed
	w.now = time.Unix(0, 0)
	w.store1(row("site", "e", lead("e", anna), noon.Add(time.Minute)), row("site", "d", lead("d", anna), noon.Add(24*time.Hour)))
	run()
	if diff := cmp.Diff([]string{"events", "events", "duplicate"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	w.balance()
}

// T15: one poison in a hundred, of every kind; the others arrive in the same
// cycle, and what failed is there bit for bit with its reason.
func TestPoisonDoesNotHoldUpItsNeighbours(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	poison := map[string]string{
		"{": "malformed_json", "\xff\xfe\x00": "not_utf8", `{"kind":"lead","kind":"order"}`: "duplicate_key",
		strings.Repeat("[", 100) + strings.Repeat("]", 100): "json_too_deep", `{"kind":"order","client":{}}`: "invalid_event",
		`{"id":"big","kind":"order","order":{"id":"1","status":"paid","items":[{"price":"90000000000000000","quantity":"10000"}]},"client":{"phone":"+79995551111"}}`: "amount",
	}
	good := 0
	for text := range poison {
		w.store1(row("site", "", text, noon.Add(time.Duration(good)*time.Second)))
		for range 99 {
			good++
			id := fmt.Sprint("g", good)
			w.store1(row("site", id, lead(id, anna), noon.Add(time.Duration(good)*time.Second)))
		}
	}
	w.store1(row("gone", "x", lead("x", anna), noon))
	w.compact()
	if n := len(w.events()); n != good {
		t.Errorf("%d of %d good events arrived", n, good)
	}
	failed := w.failed()
	if len(failed) != len(poison)+1 {
		t.Fatalf("%d failed, want %d: %v", len(failed), len(poison)+1, w.outcomes())
	}
	for _, f := range failed {
		if f.Source == "gone" {
			if f.Reason != lake.ReasonUnknownSource {
				t.Errorf("a source that is not configured failed for %q", f.Reason)
			}
			continue
		}
		reason, ok := poison[string(f.Body)]
		if !ok || f.Reason != reason || f.Detail == "" || strings.Contains(f.Detail, "555") {
			t.Errorf("failed %q for %q (%q), want %q", f.Body, f.Reason, f.Detail, reason)
		}
	}
	w.balance()
	if again := w.compact(); again.Deliveries != 0 {
		t.Errorf("poison is visited again: %+v", again)
	}
}

// A raw object whose bytes are broken is our own trouble: it is told, and the
// others go on.
func TestAnUnreadableRawObjectHoldsUpNobody(t *testing.T) {
	mem := new(objstore.Mem)
	w := newWorld(t, mem)
	w.store1(row("site", "a", lead("a", anna), noon))
	if _, err := mem.Create(t.Context(), lake.RawPrefix+"2026-03-10/0000.parquet", []byte("PAR1 torn")); err != nil {
		t.Fatal(err)
	}
	empty, err := schema.Encode[schema.RawRow](nil) // what an erasure may leave
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mem.Create(t.Context(), lake.RawPrefix+"2026-03-10/0001.parquet", empty); err != nil {
		t.Fatal(err)
	}
	report, err := w.compactor(mem).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "0000.parquet") || strings.Contains(err.Error(), "0001") {
		t.Errorf("error %v, want one that names the broken object alone", err)
	}
	if report.Events != 1 || len(w.events()) != 1 {
		t.Errorf("report %+v, %d events", report, len(w.events()))
	}
}

// A delivery that failed may come again, corrected, under its id.
func TestWhatFailedMayComeAgainUnderItsID(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	order := `{"id":"o","kind":"order","order":{"id":"1","status":"paid","items":[{"price":"90000000000000000","quantity":"%s"}]},"client":{"phone":"+79995551111"}}`
	w.store1(row("site", "o", fmt.Sprintf(order, "10000"), noon))
	w.compact()
	w.store1(row("site", "o", fmt.Sprintf(order, "1"), noon.Add(time.Hour)))
	w.compact()
	if diff := cmp.Diff([]string{"failed amount", "events"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	w.balance()
}

func TestDeliveriesThatTravelInTheQueryAreToldApart(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	for i, phone := range []string{anna, boris, anna} {
		r := row("forms", "", "phone=%2B7"+phone[2:], noon.Add(time.Duration(i)*time.Second))
		r.Body, r.Query, r.ContentType = nil, string(r.Body), ""
		w.store1(r)
	}
	w.compact()
	if n := len(w.events()); n != 2 {
		t.Errorf("%d events, want 2: %v", n, w.outcomes())
	}
}

// Senders count their attempts in the body, or write the time of sending into it:
// other bytes, the same statement. Another statement under the id is a conflict.
func TestAnAttemptThatSaysTheSameIsADuplicate(t *testing.T) {
	call := func(id, event, sent string) string {
		return `{"type":"track","messageId":"` + id + `","userId":"u","event":"` + event + `","originalTimestamp":"2026-03-10T11:00:00.000Z","sentAt":"` + sent + `"}`
	}
	chat := `{"type":"notification_event","app_id":"a","id":"notif_1","topic":"contact.lead.created","created_at":1773140400,"delivery_attempts":%d,"data":{"item":{"id":"7","phone":"+79995551111"}}}`
	for _, tt := range []struct {
		name, source, id, first, again, other string
	}{
		{"a library", "app", "segment:m", call("m", "Lead", "2026-03-10T11:00:01.000Z"), call("m", "Lead", "2026-03-10T11:00:07.003Z"), ""},
		{
			"its batch", "app", "", `{"batch":[` + call("m", "Lead", "2026-03-10T11:00:01.000Z") + `,` + call("n", "Lead", "2026-03-10T11:00:01.000Z") + `]}`,
			`{"batch":[` + call("m", "Lead", "2026-03-10T11:00:09.070Z") + `,` + call("n", "Lead", "2026-03-10T11:00:09.070Z") + `]}`, "",
		},
		{"a chat", "chat", "intercom:notif_1", fmt.Sprintf(chat, 1), fmt.Sprintf(chat, 2), strings.Replace(fmt.Sprintf(chat, 3), "1111", "2222", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, new(objstore.Mem))
			want := []string{"events"}
			for i, body := range []string{tt.first, tt.again, tt.other} {
				if body == "" {
					continue
				}
				w.store1(row(tt.source, tt.id, body, noon.AddDate(0, 0, i).Add(time.Duration(i)*time.Second)))
				w.compact()
			}
			want = append(want, "duplicate")
			if tt.other != "" {
				want = append(want, "failed "+lake.ReasonConflict)
			}
			if diff := cmp.Diff(want, w.outcomes()); diff != "" {
				t.Error(diff)
			}
			w.balance()
		})
	}
}

// Of a batch whose sender cannot correct it the good ones count, and the bytes of
// the others wait for a fix.
func TestAPartOfABatchIsKept(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.store1(row("forms", "", `[{"mail_of_client":"b@shop.example"},{"phone":"+79995551111"}]`, noon))
	w.compact()
	w.compact()
	if diff := cmp.Diff([]string{"events no_contact"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	failed := w.failed()
	if len(w.events()) != 1 || len(failed) != 1 || failed[0].Reason != webhook.ReasonNoContact || !bytes.Contains(failed[0].Body, []byte("b@shop")) {
		t.Errorf("%d events, failed %+v", len(w.events()), failed)
	}
	w.balance()
	again := func(why string, outcome string, events, left int) {
		t.Helper()
		if _, err := w.compactor(w.store).Redrive(t.Context(), lake.RedriveFilter{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{outcome}, w.outcomes()); diff != "" || len(w.events()) != events || len(w.failed()) != left {
			t.Errorf("%s: %d events, %d failed, %s", why, len(w.events()), len(w.failed()), diff)
		}
		w.balance()
	}
	again("nothing has changed", "events no_contact", 1, 1)
	var err error
	if w.cfg, err = config.Parse([]byte(strings.Replace(settings, "kind: form}", "kind: form, map: {email: mail_of_client}}", 1))); err != nil {
		t.Fatal(err)
	}
	again("the map names the field", "events", 2, 0)
}

func suppress(t *testing.T, w *world, request string, erasedAt time.Time, tokens ...string) {
	t.Helper()
	if err := lake.WriteSuppression(t.Context(), w.store, lake.Suppression{Request: request, ErasedAt: erasedAt, Tokens: tokens}); err != nil {
		t.Fatal(err)
	}
}

func TestAnErasedPersonStaysAway(t *testing.T) {
	token, email := string(key().Phone(anna)), string(key().Email("anna@mail.ru"))
	withConsent := func(at string) string {
		return `{"id":"c","kind":"lead","client":{"phone":"+79995551111"},"consents":[{"purpose":"processing","given":true,"at":"` + at + `"}]}`
	}
	for _, tc := range []struct {
		name   string
		body   string
		at     time.Time
		want   string
		lifted bool
	}{
		{"a late retry", lead("c", anna), noon.Add(time.Hour), "suppressed", false},
		{"a delivery from before the erasure, merged after it", lead("c", anna), noon.Add(-time.Hour), "suppressed", false},
		{"on the last day of 35", lead("c", anna), noon.AddDate(0, 0, 35).Add(-time.Second), "suppressed", false},
		{"after them he comes back by himself", lead("c", anna), noon.AddDate(0, 0, 35), "events", true},
		{"a newer consent brings him back at once", withConsent("2026-03-10T12:00:01Z"), noon.Add(time.Hour), "events", true},
		{"an older consent does not", withConsent("2026-03-10T12:00:00Z"), noon.Add(time.Hour), "suppressed", false},
		{"somebody else is not concerned", lead("c", boris), noon.Add(time.Hour), "events", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, new(objstore.Mem))
			suppress(t, w, "r1", noon, token, email)
			suppress(t, w, "r9", noon.AddDate(-1, 0, 0), token) // erased once before: the later erasure counts
			w.store1(row("site", "c", tc.body, tc.at))
			w.compact()
			if diff := cmp.Diff([]string{tc.want}, w.outcomes()); diff != "" {
				t.Error(diff)
			}
			if tc.want == "suppressed" && len(w.events())+len(w.contacts())+len(w.failed()) != 0 {
				t.Error("something of the person was kept")
			}
			body, _, err := w.store.Get(t.Context(), lake.SuppressPrefix+"r1.json")
			if err != nil {
				t.Fatal(err)
			}
			var s lake.Suppression
			if err := json.Unmarshal(body, &s); err != nil || s.LiftedAt.IsZero() == tc.lifted {
				t.Errorf("lifted at %v, %v", s.LiftedAt, err)
			}
		})
	}
}

// A conflict keeps the bytes; those of an erased person may not be kept.
func TestAConflictKeepsNothingOfAnErasedPerson(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.store1(row("site", "d", lead("d", boris), noon.Add(-time.Hour)), row("site", "", "["+lead("e", boris)+"]", noon.Add(-time.Hour)))
	w.compact()
	suppress(t, w, "r", noon, string(key().Phone(anna)))
	w.store1(row("site", "d", lead("d", anna), noon.Add(time.Hour)), row("site", "", "["+lead("e", anna)+"]", noon.Add(time.Hour)))
	w.compact()
	if diff := cmp.Diff([]string{"events", "events", "suppressed", "suppressed"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	for _, f := range w.failed() {
		if bytes.Contains(f.Body, []byte(anna)) {
			t.Error("lake/failed holds the erased person")
		}
	}
	w.balance()
}

func TestAWishToBeForgottenIsFiled(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	body := `{"id":"f","kind":"erase","client":{"phone":"+79995551111"}}`
	w.store1(row("site", "f", body, noon), row("crm", "f", body, noon))
	open := row("forms", "f", body, noon)
	w.store1(open)
	w.compact()
	w.compact()
	states := map[string]string{}
	for info := range w.store.List(t.Context(), lake.ErasuresPrefix, "") {
		text, _, err := w.store.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		var r lake.ErasureRequest
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if info.Key != lake.ErasuresPrefix+r.ID+"/request.json" || len(r.Tokens) != 1 || r.Tokens[0] != string(key().Phone(anna)) || !r.Deadline.Equal(noon.AddDate(0, 0, 10)) ||
			bytes.Contains(text, []byte("555")) {
			t.Errorf("%s = %s", info.Key, text)
		}
		states[r.By] = r.State
	}
	want := map[string]string{"site": lake.ErasureReceived, "crm": lake.ErasureReceived, "forms": lake.ErasureUnverified}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// More waits than one chunk holds: what is merged first is what came first,
// whatever the names of the objects.
func TestChunksComeInTheOrderOfReceipt(t *testing.T) {
	mem := new(objstore.Mem)
	w := newWorld(t, mem)
	mem.Now = func() time.Time { return w.now }
	body := `{"phone":"+79995552222","text":"` + strings.Repeat("x", 9<<20) + `"}`
	for _, at := range []time.Duration{0, 6 * time.Minute, 12 * time.Minute} {
		w.now = noon.Add(at)
		w.store1(row("forms", "", body, w.now))
	}
	w.compact()
	if diff := cmp.Diff([]string{"events", "duplicate", "events"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
}
