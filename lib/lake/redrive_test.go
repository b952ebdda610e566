package lake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// fixed is the configuration after the owner corrected it.
const fixed = `
business: {currency: RUB, timezone: Europe/Moscow}
sources:
  - {name: site, kind: json, secrets: [env:S], orders: {gekauft: paid}}
  - {name: crm, kind: json, secrets: [env:S], shop: main}
  - {name: forms, kind: form, map: {phone: nummer}}
  - {name: new, kind: json, secrets: [env:S]}
`

func (w *world) configure(text string) {
	w.t.Helper()
	cfg, err := config.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	w.cfg = cfg
}

func (w *world) redrive(filter lake.RedriveFilter) lake.RedriveCounts {
	w.t.Helper()
	counts, err := w.compactor(w.store).Redrive(w.t.Context(), filter)
	if err != nil {
		w.t.Fatal(err)
	}
	return counts
}

func order(id, status string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"order","client":{"phone":%q},"order":{"id":"7","status":%q,"total":"10.00"}}`, id, anna, status)
}

// failures is a day with every kind of failure, and neighbours that did not fail.
func failures() []schema.RawRow {
	rows := []schema.RawRow{
		row("site", "good", lead("good", anna), noon),
		row("new", "n1", lead("n1", boris), noon.Add(time.Minute)),
		row("new", "n2", lead("n2", anna), noon.Add(2*time.Minute)),
		row("forms", "", "nummer=%2B79995552222", noon.Add(3*time.Minute)),
		row("forms", "", "nummer=%2B79995552222", noon.Add(4*time.Minute)), // clicked twice
		row("site", "", order("o1", "gekauft"), noon.Add(5*time.Minute)),
		row("site", "", "{", noon.Add(6*time.Minute)),
		row("site", "o2", strings.Replace(order("o2", "paid"), `"total":"10.00"`, `"items":[{"price":"90000000000000000","quantity":"10000"}]`, 1), noon.Add(7*time.Minute)),
		row("site", "good", lead("good", boris), noon.Add(8*time.Minute)),
		row("site", "", "["+lead("good", boris)+","+lead("part", anna)+"]", noon.Add(9*time.Minute)),
		row("new", "n3", lead("n3", boris), noon.AddDate(0, 0, 1)),
	}
	for i := range rows {
		if rows[i].Source == "forms" {
			rows[i].ContentType = "application/x-www-form-urlencoded"
		}
	}
	return rows
}

func failedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, new(objstore.Mem))
	w.now = noon.AddDate(0, 0, 2)
	w.store1(failures()...)
	w.compact()
	w.balance()
	w.configure(fixed)
	return w
}

func TestFailedDeliveriesRunAgainAfterAFix(t *testing.T) {
	w := failedWorld(t)
	before := []string{
		"events", "failed unknown_source", "failed unknown_source", "failed no_contact", "duplicate", "failed invalid_event", "failed malformed_json",
		"failed amount", "failed id_conflict", "events id_conflict", "failed unknown_source",
	}
	if diff := cmp.Diff(before, w.outcomes()); diff != "" {
		t.Fatalf("before (-want +got):\n%s", diff)
	}
	counts := w.redrive(lake.RedriveFilter{})
	want := lake.RedriveCounts{
		{Source: "forms", Reason: "no_contact", Tried: 1, Events: 1},
		{Source: "new", Reason: "unknown_source", Tried: 3, Events: 3},
		{Source: "site", Reason: "amount", Tried: 1, Failed: 1, Reasons: map[string]int{"amount": 1}},
		{Source: "site", Reason: "id_conflict", Tried: 2, Failed: 2, Reasons: map[string]int{"id_conflict": 2}},
		{Source: "site", Reason: "invalid_event", Tried: 1, Events: 1},
		{Source: "site", Reason: "malformed_json", Tried: 1, Failed: 1, Reasons: map[string]int{"malformed_json": 1}},
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	after := []string{
		"events", "events", "events", "events", "duplicate", "events", "failed malformed_json", "failed amount", "failed id_conflict",
		"events id_conflict", "events",
	}
	if diff := cmp.Diff(after, w.outcomes()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if n := len(w.failed()); n != 4 {
		t.Errorf("%d rows in lake/failed, want the 4 that fail again", n)
	}
	// Nine events of seven deliveries; each with its contact.
	if events, contacts := len(w.events()), len(w.contacts()); events != 7 || contacts != 7 {
		t.Errorf("%d events with %d contacts, want 7 of each", events, contacts)
	}
	for _, ev := range w.events() {
		if ev.EventID == "n3" && lake.Day(ev.ReceivedAt) != lake.Day(noon.AddDate(0, 0, 1)) {
			t.Errorf("n3 was received %v: the time of receipt changed", ev.ReceivedAt)
		}
	}
	w.balance()

	stood := state(w)
	again := w.redrive(lake.RedriveFilter{})
	for _, c := range again {
		if c.Failed != c.Tried {
			t.Errorf("the second run counts %+v", c)
		}
	}
	if diff := cmp.Diff(stood, state(w)); diff != "" {
		t.Errorf("the second run changed something:\n%s", diff)
	}
	if report := w.compact(); report != (lake.CompactReport{}) {
		t.Errorf("a compaction after it did %+v", report)
	}
	// What the senders send again is known.
	w.store1(row("new", "n1", lead("n1", boris), noon.AddDate(0, 0, 2)), row("site", "o1", order("o1", "gekauft"), noon.AddDate(0, 0, 2)))
	if report := w.compact(); report.Duplicates != 2 {
		t.Errorf("redelivered: %+v, want 2 duplicates", report)
	}
}

func TestRedriveChooses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		filter lake.RedriveFilter
		tried  int
	}{
		{"a reason", lake.RedriveFilter{Reason: "unknown_source"}, 3},
		{"a day", lake.RedriveFilter{Day: "2026-03-11"}, 1},
		{"a source", lake.RedriveFilter{Source: "site"}, 5},
		{"all of them", lake.RedriveFilter{Source: "new", Reason: "unknown_source", Day: "2026-03-10"}, 2},
		{"nothing", lake.RedriveFilter{Source: "new", Reason: "amount"}, 0},
		{"never what has a bad signature", lake.RedriveFilter{Reason: "bad_signature"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := failedWorld(t)
			tried := 0
			for _, c := range w.redrive(tc.filter) {
				tried += c.Tried
			}
			if tried != tc.tried {
				t.Errorf("%d tried, want %d", tried, tc.tried)
			}
			w.balance()
		})
	}
}

func TestAReasonIsRenewed(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.store1(row("new", "", "{", noon))
	w.compact()
	w.configure(fixed)
	w.redrive(lake.RedriveFilter{Reason: lake.ReasonUnknownSource})
	failed := w.failed()
	if diff := cmp.Diff([]string{"failed malformed_json"}, w.outcomes()); diff != "" || len(failed) != 1 || failed[0].Reason != "malformed_json" || string(failed[0].Body) != "{" {
		t.Errorf("%v, failed %+v", w.outcomes(), failed)
	}
	w.balance()
}

// The sender has corrected the delivery and sent it again under its id, before
// the configuration was mended: it may not count twice.
func TestACorrectedTwinMakesTheFirstADuplicate(t *testing.T) {
	for name, twin := range map[string]string{
		"the same statement":    order("o1", "paid"),
		"another, in its place": strings.Replace(order("o1", "paid"), "10.00", "12.00", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, new(objstore.Mem))
			w.store1(row("site", "", order("o1", "gekauft"), noon))
			w.compact()
			w.store1(row("site", "o1", twin, noon.Add(time.Hour)))
			w.compact()
			w.configure(fixed)
			w.redrive(lake.RedriveFilter{})
			if diff := cmp.Diff([]string{"duplicate", "events"}, w.outcomes()); diff != "" {
				t.Error(diff)
			}
			if len(w.events()) != 1 || len(w.failed()) != 0 {
				t.Errorf("%d events, %d failed, want one and none", len(w.events()), len(w.failed()))
			}
			w.balance()
		})
	}
}

func TestRedriveBringsNoErasedPersonBack(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	w.store1(row("new", "n1", lead("n1", anna), noon), row("new", "n2", lead("n2", boris), noon))
	w.compact()
	suppress(t, w, "r", noon.Add(time.Hour), string(key().Phone(anna)))
	w.configure(fixed)
	w.redrive(lake.RedriveFilter{})
	if diff := cmp.Diff([]string{"events", "suppressed"}, w.outcomes()); diff != "" || len(w.contacts()) != 1 || len(w.failed()) != 0 {
		t.Errorf("%d contacts, %d failed; %s", len(w.contacts()), len(w.failed()), diff)
	}
	w.balance()
}

// moody panics on one number until it is mended.
type moody struct{ mended *bool }

func (m moody) Parse(raw, country string) (identity.Phone, bool) {
	if raw == boris && !*m.mended {
		panic("boom")
	}
	return numbers{}.Parse(raw, country)
}

func (m moody) ParseAll(raw, country string) ([]identity.PhoneNumber, []string) {
	if number, ok := m.Parse(raw, country); ok {
		return []identity.PhoneNumber{{Phone: number}}, nil
	}
	return nil, []string{raw}
}

func TestWhatPanicsStaysFailedAndItsNeighboursGoOn(t *testing.T) {
	w := newWorld(t, new(objstore.Mem))
	mended := false
	c := w.compactor(w.store)
	c.Refiner.Phones = moody{&mended}
	w.store1(row("site", "a", lead("a", anna), noon), row("site", "b", lead("b", boris), noon.Add(time.Second)), row("new", "c", lead("c", boris), noon.Add(2*time.Second)),
		row("new", "d", lead("d", anna), noon.Add(3*time.Second)))
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"events", "failed decoder_panic", "failed unknown_source", "failed unknown_source"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	w.configure(fixed)
	if _, err := c.Redrive(t.Context(), lake.RedriveFilter{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"events", "failed decoder_panic", "failed decoder_panic", "events"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	mended = true
	if _, err := c.Redrive(t.Context(), lake.RedriveFilter{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"events", "events", "events", "events"}, w.outcomes()); diff != "" {
		t.Error(diff)
	}
	w.balance()
}

// A wish to be forgotten that failed at first is as trusted as when it came.
func TestARedrivenErasureKeepsItsTrust(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		w := newWorld(t, new(objstore.Mem))
		wish := row("new", "e", `{"id":"e","kind":"erase","client":{"phone":"+79995551111"}}`, noon)
		wish.Trusted = trusted
		w.store1(wish)
		w.compact()
		w.configure(fixed)
		w.redrive(lake.RedriveFilter{})
		asked := 0
		for info := range w.store.List(t.Context(), lake.ErasuresPrefix, "") {
			body, _, err := w.store.Get(t.Context(), info.Key)
			if err != nil {
				t.Fatal(err)
			}
			asked++
			if strings.Contains(string(body), `"state": "`+lake.ErasureReceived+`"`) != trusted {
				t.Errorf("trusted %t: %s", trusted, body)
			}
		}
		if asked != 1 {
			t.Errorf("%d requests, want 1", asked)
		}
	}
}

// Whichever write of a redrive fails, before it or after it happened, the lake
// balances after the next compaction, and after the next redrive it is the one
// that nothing disturbed.
func TestAnyOneWriteOfARedriveMayFail(t *testing.T) {
	want := failedWorld(t)
	count := &faulty{Store: want.store, fail: func(int) (bool, bool) { return false, false }}
	if _, err := want.compactor(count).Redrive(t.Context(), lake.RedriveFilter{}); err != nil {
		t.Fatal(err)
	}
	if count.writes < 10 { // two days: a claim, two tables, the ledger, failed, the claim away
		t.Fatalf("only %d writes to fail", count.writes)
	}
	for n := 1; n <= count.writes; n++ {
		for _, after := range []bool{false, true} {
			for _, next := range []string{"redrive", "compaction", "delivery"} {
				w := failedWorld(t)
				c := w.compactor(&faulty{Store: w.store, fail: func(i int) (bool, bool) { return i == n && !after, i == n && after }})
				if _, err := c.Redrive(t.Context(), lake.RedriveFilter{}); !errors.Is(err, errBroken) {
					t.Errorf("write %d: error %v, want that of the store", n, err)
				}
				if next == "delivery" { // another process merges something new, and settles on its way
					w.store1(row("crm", "late", lead("late", anna), noon.AddDate(0, 0, 1).Add(time.Hour)))
				}
				if next != "redrive" {
					w.compact()
					w.balance()
				}
				w.redrive(lake.RedriveFilter{})
				w.balance()
				if next == "delivery" {
					if n := len(w.events()); n != 8 {
						t.Errorf("write %d failed, after it happened: %t: %d events, want 8", n, after, n)
					}
					continue
				}
				if diff := cmp.Diff(state(want), state(w)); diff != "" {
					t.Errorf("write %d failed, after it happened: %t, then a %s (-undisturbed +got):\n%s", n, after, next, diff)
				}
			}
		}
	}
}

// Between any two requests of a redrive a compaction comes with the corrected
// twin of what is redriven, and may break off; and the other way round.
func TestARedriveBesideACompaction(t *testing.T) {
	for _, redriveFirst := range []bool{true, false} {
		for at := 1; at <= 24; at += 2 {
			for _, breaks := range []int{0, 3} {
				w := newWorld(t, new(objstore.Mem))
				w.now = noon.AddDate(0, 0, 2)
				w.store1(row("site", "", order("o1", "gekauft"), noon), row("new", "n1", lead("n1", boris), noon.Add(time.Minute)))
				w.compact()
				w.configure(fixed)
				compaction := func(store objstore.Store) error {
					_, err := w.compactor(store).Run(t.Context())
					return err
				}
				redrive := func(store objstore.Store) error {
					_, err := w.compactor(store).Redrive(t.Context(), lake.RedriveFilter{})
					return err
				}
				first, second := redrive, compaction
				if !redriveFirst {
					first, second = compaction, redrive
				}
				twin := row("site", "o1", order("o1", "paid"), noon.Add(time.Hour))
				if !redriveFirst {
					w.store1(twin)
				}
				store := &hooked{Store: w.store, at: at, hook: func() {
					if redriveFirst {
						w.store1(twin)
					}
					err := second(&faulty{Store: w.store, fail: func(n int) (bool, bool) { return n == breaks, false }})
					if err != nil && !errors.Is(err, errBroken) && !errors.Is(err, lake.ErrBusy) {
						t.Errorf("the second: %v", err)
					}
				}}
				if err := first(store); err != nil && !errors.Is(err, lake.ErrBusy) {
					t.Errorf("the first: %v", err)
				}
				w.compact()
				w.balance()
				w.store1(twin) // if the first ended before the hook
				w.compact()
				w.redrive(lake.RedriveFilter{})
				w.balance()
				if diff := cmp.Diff([]string{"new n1", "site o1"}, idsOf(w)); diff != "" || len(w.failed()) != 0 || len(w.contacts()) != 2 {
					t.Errorf("redrive first %t, the second came before request %d and broke at %d: %d failed, %d contacts (-want +got):\n%s",
						redriveFirst, at, breaks, len(w.failed()), len(w.contacts()), diff)
				}
			}
		}
	}
}

// signed is a delivery as the handler keeps it when no secret fits.
func (w *world) refused(source, secret, body string, at time.Time) {
	w.t.Helper()
	r := row(source, "", body, at)
	r.Trusted = false
	r.Headers = schema.MapOf(map[string]string{"x-leadlake-key": secret})
	if err := lake.NewRawWriter(w.store).StoreUnauthenticated(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(prefix string) (n int) {
	for _, err := range w.store.List(w.t.Context(), prefix, "") {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

const newSecret = "the secret after the rotation"

func verify(_ context.Context, source config.Source) ([]string, error) {
	if source.Name == "crm" {
		return nil, errors.New("the vault is closed")
	}
	return []string{newSecret}, nil
}

func TestABadSignatureIsVerifiedAgain(t *testing.T) {
	for broken := range 9 {
		w := newWorld(t, new(objstore.Mem))
		w.now = noon.AddDate(0, 0, 1)
		w.refused("site", newSecret, lead("a", anna), noon)
		w.refused("site", newSecret, lead("b", boris), noon.Add(time.Minute))
		w.refused("site", "forged", lead("c", boris), noon.Add(2*time.Minute))
		w.refused("crm", newSecret, lead("d", boris), noon)
		w.refused("gone", newSecret, lead("e", boris), noon)
		w.store1(row("site", "b", lead("b", boris), noon.Add(time.Hour))) // sent again since, with the right key
		store := &faulty{Store: w.store, fail: func(n int) (bool, bool) { return n == broken, false }}
		counts, err := w.compactor(store).RedriveUnauthenticated(t.Context(), lake.RedriveFilter{Reason: webhook.ReasonBadSignature}, verify)
		if err == nil || !strings.Contains(err.Error(), "crm: secrets: the vault is closed") {
			t.Errorf("error %v, want that of the vault", err)
		}
		if broken == 0 {
			want := lake.RedriveCounts{
				{Source: "gone", Reason: "bad_signature", Tried: 1, Failed: 1, Reasons: map[string]int{"unknown_source": 1}},
				{Source: "site", Reason: "bad_signature", Tried: 3, Stored: 2, Failed: 1, Reasons: map[string]int{"bad_signature": 1}},
			}
			if diff := cmp.Diff(want, counts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		w.compact()
		if _, err := w.compactor(w.store).RedriveUnauthenticated(t.Context(), lake.RedriveFilter{Source: "site"}, verify); err != nil {
			t.Error(err)
		}
		w.compact()
		w.balance()
		if diff := cmp.Diff([]string{"site a", "site b"}, idsOf(w)); diff != "" {
			t.Errorf("broken at %d (-want +got):\n%s", broken, diff)
		}
		if n := w.count(lake.UnauthenticatedPrefix); n != 3 {
			t.Errorf("broken at %d: %d objects stay unauthenticated, want 3", broken, n)
		}
		// The day of receipt is that of the attempt, and the secret is nowhere.
		if n := w.count(lake.RawPrefix + lake.Day(noon) + "/"); n != 2 {
			t.Errorf("broken at %d: %d raw objects, want a and b, which came twice under one key", broken, n)
		}
		_, rows := rawRows(t, w.store)
		for _, r := range rows {
			if r.Headers.Get("x-leadlake-key") == newSecret || !r.Trusted || !r.HasID {
				t.Errorf("stored %v, trusted %t, with an id %t", r.Headers, r.Trusted, r.HasID)
			}
		}
	}
}
