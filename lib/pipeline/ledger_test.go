package pipeline_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// ledgerWorld is a day with an outcome of every kind, merged, and one delivery
// that waits.
func ledgerWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.post("site", "phone=89163330001")
	w.post("site", "phone=89163330001&x=1")
	w.post("site", "name=nobody")
	w.post("till", sale("o1", "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330001"`, "100.00"))
	w.post("till", "{")
	w.now = w.now.Add(2 * time.Minute)
	w.post("site", "phone=89163330001")
	w.compact()
	w.now = w.now.Add(time.Minute)
	w.post("till", sale("o2", "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330002"`, "100.00"))
	return w
}

func day(prefix string) string { return prefix + "2026-11-01/part-0000.parquet" }

// change rewrites a table, as a fault would.
func change[T schema.Row](w *world, prefix string, how func([]T) []T) {
	w.Helper()
	table, err := lake.ReadTable[T](w.Context(), w.store, day(prefix))
	if err == nil {
		err = table.Write(w.Context(), w.store, how(table.Rows), "fault")
	}
	if err != nil {
		w.Fatal(err)
	}
}

func TestTheLedgerBalancesByID(t *testing.T) {
	w := ledgerWorld(t)
	check, err := w.CheckLedger(t.Context())
	if err != nil || check.Err() != nil {
		t.Fatal(err, check.Err())
	}
	want := []pipeline.LedgerDay{
		{Day: "2026-11-01", Source: "site", Received: 4, Events: 2, Failed: 1, FailedBy: map[string]int64{"no_contact": 1}, Duplicates: 1, Balanced: true},
		{Day: "2026-11-01", Source: "till", Received: 2, Events: 1, Failed: 1, FailedBy: map[string]int64{"malformed_json": 1}, Waiting: 1, Balanced: true},
	}
	if diff := cmp.Diff(want, check.Days); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if check.Deliveries != 6 || check.Waiting != 1 {
		t.Errorf("%d deliveries, %d wait", check.Deliveries, check.Waiting)
	}
	want[1].Waiting = 0 // the pages have no right to raw
	rows, err := pipeline.Ledger(t.Context(), w.store, []string{"2026-11-01"})
	if diff := cmp.Diff(want, rows); err != nil || diff != "" {
		t.Errorf("Ledger: %v (-want +got):\n%s", err, diff)
	}
	if rows, err := pipeline.Ledger(t.Context(), w.store, []string{"2026-11-02"}); err != nil || len(rows) != 0 {
		t.Errorf("another day: %+v, %v", rows, err)
	}
}

func TestEveryImbalanceIsFoundAndNamed(t *testing.T) {
	firstEvent := func(rows []schema.EventRow) int {
		return slices.IndexFunc(rows, func(r schema.EventRow) bool { return r.Source == "till" })
	}
	for _, tc := range []struct {
		name, source, kind, key string
		plant                   func(*world)
	}{
		{"an event is lost", "till", pipeline.FaultEventMissing, "o1/paid", func(w *world) {
			change(w, lake.EventsPrefix, func(rows []schema.EventRow) []schema.EventRow {
				return slices.Delete(rows, firstEvent(rows), firstEvent(rows)+1)
			})
		}},
		{"an event is there twice", "till", pipeline.FaultEventDoubled, "o1/paid", func(w *world) {
			change(w, lake.EventsPrefix, func(rows []schema.EventRow) []schema.EventRow { return append(rows, rows[firstEvent(rows)]) })
		}},
		{"an event of nobody's", "till", pipeline.FaultEventExtra, "ghost", func(w *world) {
			change(w, lake.EventsPrefix, func(rows []schema.EventRow) []schema.EventRow {
				ghost := rows[firstEvent(rows)]
				ghost.EventID = "ghost"
				return append(rows, ghost)
			})
		}},
		{"an id that looks like a phone is not shown", "till", pipeline.FaultEventExtra, "…", func(w *world) {
			change(w, lake.EventsPrefix, func(rows []schema.EventRow) []schema.EventRow {
				ghost := rows[firstEvent(rows)]
				ghost.EventID = "+79163330009"
				return append(rows, ghost)
			})
		}},
		{"the bytes of a failure are lost", "till", pipeline.FaultFailedMissing, "", func(w *world) {
			change(w, lake.FailedPrefix, func(rows []schema.FailedRow) []schema.FailedRow {
				return slices.DeleteFunc(rows, func(r schema.FailedRow) bool { return r.Source == "till" })
			})
		}},
		{"bytes of a failure twice", "till", pipeline.FaultFailedExtra, "", func(w *world) {
			change(w, lake.FailedPrefix, func(rows []schema.FailedRow) []schema.FailedRow {
				return append(rows, rows[slices.IndexFunc(rows, func(r schema.FailedRow) bool { return r.Source == "till" })])
			})
		}},
		{"a line is lost from a group", "site", pipeline.FaultLineMissing, "", func(w *world) {
			change(w, lake.DeliveriesPrefix, func(rows []schema.DeliveryRow) []schema.DeliveryRow {
				return slices.DeleteFunc(rows, func(r schema.DeliveryRow) bool { return r.Key == "lost" })
			})
		}},
		{"a line twice", "till", pipeline.FaultLineExtra, "", func(w *world) {
			change(w, lake.DeliveriesPrefix, func(rows []schema.DeliveryRow) []schema.DeliveryRow {
				return append(rows, rows[slices.IndexFunc(rows, func(r schema.DeliveryRow) bool { return r.Source == "till" && r.Outcome == "failed" })])
			})
		}},
		{"a line whose raw object is gone", "till", pipeline.FaultRawMissing, "", func(w *world) {
			rows := table[schema.DeliveryRow](w, day(lake.DeliveriesPrefix))
			at := slices.IndexFunc(rows, func(r schema.DeliveryRow) bool { return r.Source == "till" })
			if err := w.store.Delete(w.Context(), "raw/"+rows[at].RawObject); err != nil {
				w.Fatal(err)
			}
		}},
		{"a line without a known outcome", "till", pipeline.FaultOutcome, "", func(w *world) {
			change(w, lake.DeliveriesPrefix, func(rows []schema.DeliveryRow) []schema.DeliveryRow {
				rows[slices.IndexFunc(rows, func(r schema.DeliveryRow) bool { return r.Source == "till" })].Outcome = "lost"
				return rows
			})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := ledgerWorld(t)
			if tc.kind == pipeline.FaultLineMissing { // a group commit of three, merged
				group := make([]schema.RawRow, 3)
				for i, k := range []string{"kept1", "kept2", "lost"} {
					group[i] = schema.RawRow{Key: k, Source: "site", ReceivedAt: w.now, Method: "POST", Body: []byte("phone=8916333010" + k[len(k)-1:]), ContentType: "application/x-www-form-urlencoded"}
				}
				body, err := schema.Encode(group)
				if err == nil {
					_, err = w.store.Create(t.Context(), lake.RawPrefix+"2026-11-01/gabc.parquet", body)
				}
				if err != nil {
					t.Fatal(err)
				}
				w.compact()
			}
			before, err := w.CheckLedger(t.Context())
			if err != nil || before.Err() != nil {
				t.Fatal(err, before.Err())
			}
			tc.plant(w)
			check, err := w.CheckLedger(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(check.Faults, func(f pipeline.LedgerFault) bool { return f.Source == tc.source && f.Kind == tc.kind })
			if at < 0 {
				t.Fatalf("faults %+v, want %s of %s", check.Faults, tc.kind, tc.source)
			}
			if f := check.Faults[at]; f.Count != 1 || len(f.Keys) != 1 || tc.key != "" && f.Keys[0] != tc.key {
				t.Errorf("%+v, want one of key %q", f, tc.key)
			}
			if err := check.Err(); !errors.Is(err, pipeline.ErrImbalance) || !strings.Contains(err.Error(), tc.kind) || !strings.Contains(err.Error(), check.Faults[at].Keys[0]) {
				t.Errorf("error %v does not name it", err)
			}
			for _, d := range check.Days {
				if d.Balanced == (d.Source == tc.source) {
					t.Errorf("%s is balanced: %t", d.Source, d.Balanced)
				}
			}
		})
	}
}

// Raw objects that were removed at the end of their retention are missed by
// nobody, nor what an erasure takes.
func TestRetentionAndErasureLeaveTheLedgerBalanced(t *testing.T) {
	w := ledgerWorld(t)
	w.compact()
	w.erase("+79163330001")
	if check, err := w.CheckLedger(t.Context()); err != nil || check.Err() != nil {
		t.Errorf("after an erasure: %v, %v", err, check.Err())
	}
	w.now = w.now.AddDate(0, 0, 31)
	if report := w.erase(""); report.Cleanup.Raw == 0 {
		t.Fatal("nothing was cleaned up")
	}
	if check, err := w.CheckLedger(t.Context()); err != nil || check.Err() != nil || check.Deliveries != 7 {
		t.Errorf("after retention: %+v, %v", check, err)
	}
}

func TestTheFirstTenKeysOfAFaultAreNamed(t *testing.T) {
	w := newWorld(t)
	for i := range 30 {
		w.post("till", sale(string(rune('a'+i%26))+"-"+string(rune('a'+i/26)), "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330001"`, "100.00"))
	}
	w.compact()
	change(w, lake.EventsPrefix, func([]schema.EventRow) []schema.EventRow { return nil })
	check, err := w.CheckLedger(t.Context())
	if err != nil || len(check.Faults) != 1 {
		t.Fatal(err, check.Faults)
	}
	if f := check.Faults[0]; f.Count != 30 || len(f.Keys) != 10 || f.Keys[0] != "a-a/paid" || !slices.IsSorted(f.Keys) {
		t.Errorf("%+v, want the first ten of 30", f)
	}
}

func TestRedriveThroughThePipeline(t *testing.T) {
	w := newWorld(t)
	w.post("till", `{"id":"o9","kind":"order","client":{"phone":"+79163330001"},"order":{"id":"9","status":"gekauft","total":"5.00"}}`)
	w.compact()
	w.configure(strings.Replace(shopConfig, "{name: till, kind: json}", "{name: till, kind: json, orders: {gekauft: paid}}", 1))
	report, err := w.Redrive(t.Context(), pipeline.RedriveRequest{Reason: "invalid_event"})
	want := lake.RedriveCounts{{Source: "till", Reason: "invalid_event", Tried: 1, Events: 1}}
	if diff := cmp.Diff(want, report.Counts); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if check, err := w.CheckLedger(t.Context()); err != nil || check.Err() != nil || check.Days[0].Events != 1 || check.Days[0].Failed != 0 {
		t.Errorf("%+v, %v", check, err)
	}
	if _, err := w.Redrive(t.Context(), pipeline.RedriveRequest{Day: "yesterday"}); !errors.Is(err, pipeline.ErrRedrive) {
		t.Errorf("a day that is none: %v", err)
	}
	if _, err := w.Redrive(t.Context(), pipeline.RedriveRequest{Reason: pipeline.ReasonNotFetched, Source: "till"}); !errors.Is(err, pipeline.ErrRedrive) {
		t.Errorf("objects of one source: %v", err)
	}
	if report, err := w.Redrive(t.Context(), pipeline.RedriveRequest{Reason: pipeline.ReasonNotFetched}); err != nil || report.Asked != 0 {
		t.Errorf("nothing was given up: %+v, %v", report, err)
	}
}

// An imbalance cannot be overlooked: the page compares by id, not by sums.
func TestThePageShowsAnImbalanceAtOnce(t *testing.T) {
	w := ledgerWorld(t)
	auth, err := portal.NewAuth(portal.AuthConfig{Issuer: "t", Audience: "t", Signer: ed25519.NewKeyFromSeed(make([]byte, 32)), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := auth.Issue(portal.Account{Name: "dev", Role: portal.Developer}, "id")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := w.PortalHandler(t.Context(), pipeline.PortalConfig{Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	balanced := func() (days map[string]bool) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/ledger", nil)
		for _, name := range []string{"id", "__Host-id"} { // over http and https
			r.AddCookie(&http.Cookie{Name: name, Value: token})
		}
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, r)
		var body struct {
			Ledger []struct {
				Source   string
				Balanced bool
			}
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Code != http.StatusOK {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		days = map[string]bool{}
		for _, row := range body.Ledger {
			days[row.Source] = row.Balanced
		}
		return days
	}
	if diff := cmp.Diff(map[string]bool{"site": true, "till": true}, balanced()); diff != "" {
		t.Error(diff)
	}
	change(w, lake.EventsPrefix, func(rows []schema.EventRow) []schema.EventRow {
		return slices.DeleteFunc(rows, func(r schema.EventRow) bool { return r.Source == "till" })
	})
	if diff := cmp.Diff(map[string]bool{"site": true, "till": false}, balanced()); diff != "" {
		t.Error(diff)
	}
}
