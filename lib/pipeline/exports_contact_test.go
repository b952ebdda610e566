package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/pipeline"
)

// Files hold what the lake knows beside phones and e-mails: ids of messengers and
// devices, what a client is worth, and Google's consent signals where they were stated.
func TestFilesHoldWhatTheLakeKnows(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + "exports: [{segment: buyers, platforms: [meta, tads]}, {segment: buyers, platforms: [google], hashed: true}]\n")
	for i := range 3 {
		person := fmt.Sprintf(`"phone": "+%s", "attributes": {"telegram_id": "7770%d", "pet": "dog"}`, number(i), i)
		signal := ""
		if i == 0 {
			signal = `, {"purpose": "ad_user_data", "given": true}, {"purpose": "ad_personalization", "given": true}`
		}
		w.post("till", fmt.Sprintf(`{"id": "c%d", "kind": "consent", "at": "2026-11-01T09:00:00Z", "client": {%s}, "consents": [{"purpose": "ads", "given": true}%s]}`, i, person, signal))
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", `"phone": "+`+number(i)+`"`, fmt.Sprintf("%d00.50", i+1)))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	for row := range w.rowsFor(pipeline.HandoverRequest{Segment: "buyers", Platform: "meta", File: "meta_customers.csv"}) {
		i := int(row[strings.Index(row, "7916333")+10] - '0')
		if want := fmt.Sprintf(",%d00.50", i+1); !strings.HasSuffix(row, want) {
			t.Errorf("the row of person %d does not end with what he paid, %s", i, want)
		}
	}
	m := w.manifestOf("buyers", "tads")
	if got := m.Identifiers["telegram_id"]; got.Given != 3 || got.Valid != 3 {
		t.Errorf("ids of Telegram: %+v, want those of three people", got)
	}
	google := func(file string) int {
		return len(w.rowsFor(pipeline.HandoverRequest{Segment: "buyers", Platform: "google", File: "google_customer_match_" + file + ".csv"}))
	}
	if granted, silent := google("consent_granted"), google("no_signal"); granted != 1 || silent != 2 {
		t.Errorf("%d people with both signals and %d without, want 1 and 2", granted, silent)
	}
	// One of both signals withdrawn since the night: the consent to advertising stays.
	w.post("till", fmt.Sprintf(`{"id": "w", "kind": "consent", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+%s"}, "consents": [{"purpose": "ad_user_data", "given": false}]}`, number(0)))
	w.compact()
	if granted, silent := google("consent_granted"), google("no_signal"); granted != 0 || silent != 3 {
		t.Errorf("after a signal was withdrawn: %d with both and %d without, want 0 and 3", granted, silent)
	}
}
