package pipeline_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// unisender asks for a file of the buyers for the sender, as somebody.
func unisender(who, change string) pipeline.HandoverRequest {
	return pipeline.HandoverRequest{Segment: "buyers", Platform: "unisender", File: "unisender" + change + ".csv", Who: who}
}

// rowsFor hands a file over and returns its rows; none where there is no file.
func (w *world) rowsFor(request pipeline.HandoverRequest) map[string]bool {
	w.Helper()
	return rowsOfHandover(w, w.Pipeline, request)
}

func rowsOfHandover(w *world, p *pipeline.Pipeline, request pipeline.HandoverRequest) map[string]bool {
	w.Helper()
	out, err := p.HandOver(w.Context(), request)
	if errors.Is(err, pipeline.ErrNotFound) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	body, _, err := w.store.Get(w.Context(), out.Key)
	if err != nil {
		w.Fatal(err)
	}
	rows := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")[1:] {
		rows[line] = true
	}
	return rows
}

// letters is a shop of n people who agree to letters, with a list handed over, and then
// one who withdrew, one whose address is another and one who is new.
func letters(t *testing.T, n int) (*world, map[string]bool) {
	w := newWorld(t)
	w.configure(shopConfig + "exports: [{segment: buyers, platforms: [unisender]}]\n")
	buy := func(i int) {
		person := fmt.Sprintf(`"phone": "+%s", "email": "p%d@kofe.ru"`, number(i), i)
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", person, "100.00"))
		w.post("till", fmt.Sprintf(`{"id": "c%d", "kind": "consent", "at": "2026-11-01T12:00:00Z", "client": {%s}, "consents": [{"purpose": "email", "given": true}]}`, i, person))
	}
	for i := range n {
		buy(i)
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	has := w.rowsFor(unisender("olga", ""))
	if len(has) != n {
		t.Fatalf("%d rows of %d people", len(has), n)
	}
	buy(n)
	w.post("till", fmt.Sprintf(`{"id": "new", "kind": "profile", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+%s", "email": "other@kofe.ru"}}`, number(1)))
	w.compact()
	w.now = at("2026-11-03T04:00:00Z")
	w.night("")
	w.post("till", fmt.Sprintf(`{"id": "w0", "kind": "unsubscribe", "at": "2026-11-03T05:00:00Z", "client": {"phone": "+%s"}}`, number(0)))
	w.compact()
	w.now = at("2026-11-03T06:00:00Z")
	return w, has
}

// A hand-over that breaks off at any of its writes was not answered: whoever asks next,
// and however late, what must go is in the next removal and what is new in the next
// addition.
func TestAHandOverMayBreakOffAnywhere(t *testing.T) {
	whole, has := letters(t, 12)
	for _, change := range []string{"_remove", "_add", ""} {
		broken := 0
		for n := 1; n < 40; n++ {
			w := whole.copied()
			w.T = t
			if _, err := w.over(&failing{Store: w.store, left: n}).HandOver(t.Context(), unisender("olga", change)); err == nil {
				break
			}
			broken++
			w.now = w.now.Add(time.Duration(n) * 5 * time.Minute) // soon, or when nothing is done again any more
			platform := maps.Clone(has)
			removed, added := w.rowsFor(unisender("petr", "_remove")), w.rowsFor(unisender("petr", "_add"))
			for row := range removed {
				delete(platform, row)
			}
			maps.Copy(platform, added)
			list := w.rowsFor(unisender("petr", ""))
			if !maps.Equal(platform, list) {
				t.Errorf("%q broke off at write %d: the platform has %d rows after %d removed and %d added, the list has %d",
					change, n, len(platform), len(removed), len(added), len(list))
			}
			rows, err := w.Handovers(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) < 4 {
				t.Errorf("%q broke off at write %d: %d rows in the ledger of downloads, want each that was answered", change, n, len(rows))
			}
		}
		if broken < 5 {
			t.Errorf("%q: %d writes that may fail, want those of every step", change, broken)
		}
	}
}

// Somebody else hands over the same bundle at each of the writes in turn.
func TestTwoHandOversAtTheSameTime(t *testing.T) {
	whole, has := letters(t, 12)
	for _, first := range []string{"_remove", "_add", ""} {
		for _, second := range []string{"_remove", "_add", ""} {
			for n := 1; n < 12; n++ {
				w := whole.copied()
				w.T = t
				var other map[string]bool
				during := &meanwhile{Store: w.store, left: n, do: func() { other = w.rowsFor(unisender("petr", second)) }}
				mine := rowsOfHandover(w, w.over(during), unisender("olga", first))
				platform := maps.Clone(has)
				take := func(change string, rows map[string]bool) {
					switch {
					case rows == nil:
					case change == "_remove":
						for row := range rows {
							delete(platform, row)
						}
					case change == "":
						platform = maps.Clone(rows)
					default:
						maps.Copy(platform, rows)
					}
				}
				take(second, other)
				take(first, mine)
				w.now = w.now.Add(time.Hour)
				take("_remove", w.rowsFor(unisender("anna", "_remove")))
				take("_add", w.rowsFor(unisender("anna", "_add")))
				if list := w.rowsFor(unisender("anna", "")); !maps.Equal(platform, list) {
					t.Errorf("%q and at its write %d %q: the platform has %d rows, the list %d", first, n, second, len(platform), len(list))
				}
			}
		}
	}
}

func TestTheSamePersonAsksAgain(t *testing.T) {
	w, _ := letters(t, 12)
	for _, change := range []string{"_remove", "_add", ""} {
		first := w.rowsFor(unisender("olga", change))
		if len(first) == 0 {
			t.Fatalf("%q gives no rows", change)
		}
		w.now = w.now.Add(10 * time.Minute)
		if again := w.rowsFor(unisender("olga", change)); !maps.Equal(first, again) {
			t.Errorf("%q again after ten minutes: %d rows, want the %d of before", change, len(again), len(first))
		}
		if change == "" {
			break
		}
		if other := w.rowsFor(unisender("petr", change)); len(other) != 0 {
			t.Errorf("%q of somebody else: %d rows, want none", change, len(other))
		}
		w.now = w.now.Add(16 * time.Minute)
		if late := w.rowsFor(unisender("olga", change)); len(late) != 0 {
			t.Errorf("%q after 26 minutes: %d rows, want none", change, len(late))
		}
	}
	// Who left between both is in neither.
	w.post("till", fmt.Sprintf(`{"id": "w5", "kind": "consent", "at": "2026-11-03T09:00:00Z", "client": {"phone": "+%s"}, "consents": [{"purpose": "processing", "given": false}]}`, number(5)))
	w.compact()
	for row := range w.rowsFor(unisender("olga", "")) {
		if strings.Contains(row, number(5)) {
			t.Error("who left meanwhile is in the file that is given again")
		}
	}
	if removed := w.rowsFor(unisender("olga", "_remove")); len(removed) != 0 {
		t.Errorf("%d rows to remove after the whole list, which takes the place of all", len(removed))
	}
	// One contact for each person, however often the file was asked for.
	counts := map[string]int{}
	for key := range w.objects(lake.AudiencesPrefix + "contacted/") {
		for _, row := range table[schema.ContactedRow](w, key) {
			counts[row.ClientID]++
		}
	}
	for id, n := range counts {
		if n != 1 {
			t.Errorf("%s was contacted %d times, want once", id, n)
		}
	}
	if len(counts) != 13 {
		t.Errorf("%d people were contacted, want 13", len(counts))
	}
}

func TestAnErasureWaitsForTheRemoval(t *testing.T) {
	w, _ := letters(t, 12)
	report := w.erase("p7@kofe.ru")
	if len(report.Acts) != 1 || report.Acts[0].Waiting != 1 {
		t.Fatalf("acts %+v, want one of which one row waits", report.Acts)
	}
	key := lake.ErasuresPrefix + report.Acts[0].Request + "/remove/unisender/buyers.parquet"
	if rows := table[schema.RemovalRow](w, key); len(rows) != 1 || !strings.Contains(rows[0].Line, number(7)) {
		t.Fatalf("%d rows wait, want that of the erased person", len(rows))
	}
	for _, row := range table[schema.GivenRow](w, lake.AudiencesPrefix+"given/unisender/buyers.parquet") {
		if strings.Contains(row.Line, number(7)) || row.ClientID == w.idOf("p7@kofe.ru") {
			t.Error("what was given still knows the erased person")
		}
	}
	// The night counts the row and does not store it once more.
	if f := fileOf(w.manifestOf("buyers", "unisender"), audience.Remove); f.Rows == 0 || !f.Written {
		t.Errorf("the manifest says of the removal: %+v", f)
	}
	for key, body := range w.objects(lake.AudiencesPrefix + "asof=2026-11-02") {
		if strings.Contains(body, number(7)) {
			t.Errorf("%s shows the erased person", key)
		}
	}
	removed := w.rowsFor(unisender("olga", "_remove"))
	found := 0
	for row := range removed {
		if strings.Contains(row, number(7)) {
			found++
		}
	}
	if found != 1 {
		t.Errorf("the removal holds the erased person %d times, want once", found)
	}
	if rows := w.rowsFor(unisender("petr", "_remove")); len(rows) != 0 {
		t.Errorf("%d rows are removed twice", len(rows))
	}
	if w.erase(""); w.count(key) != 1 {
		t.Error("the removal is gone on the day it was handed over")
	}
	w.now = w.now.AddDate(0, 0, 1)
	if got := w.erase("").Cleanup; got.Removals != 1 || w.count(key) != 0 {
		t.Errorf("a day later: %+v, want the removal gone", got)
	}
}
