package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
)

// manifestOf is a bundle as an export writes it now.
func (w *world) manifestOf(segment, platform string) audience.Manifest {
	w.Helper()
	for _, b := range w.export().Bundles {
		if b.Manifest.Segment == segment && b.Manifest.Platform == platform {
			return b.Manifest
		}
	}
	w.Fatalf("no bundle of %s for %s", segment, platform)
	return audience.Manifest{}
}

// fileOf is what a manifest says of the whole list or of a change.
func fileOf(m audience.Manifest, change audience.Change) audience.FileReport {
	for _, f := range m.Files {
		if f.Change == change {
			return f
		}
	}
	return audience.FileReport{}
}

// Whatever makes somebody leave after the night, he is not in the list any more and is
// in the removal of every platform that had him.
func TestWhoLeavesIsInEveryRemoval(t *testing.T) {
	statement := func(body string) func(w *world) {
		return func(w *world) {
			w.post("till", fmt.Sprintf(`{"id": "leaves", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+%s"}, %s}`, number(0), body))
			w.compact()
		}
	}
	for name, leave := range map[string]func(w *world){
		"withdraws":     statement(`"kind": "consent", "consents": [{"purpose": "ads", "given": false}]`),
		"unsubscribes":  statement(`"kind": "unsubscribe"`),
		"withdraws all": statement(`"kind": "consent", "consents": [{"purpose": "processing", "given": false}]`),
		"is erased":     func(w *world) { w.erase("+" + number(0)) },
		"asks to be erased": func(w *world) { // and is not erased yet
			w.post("crm", fmt.Sprintf(`{"id": "leaves", "kind": "erase", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+%s"}}`, number(0)))
			w.compact()
		},
		"returns what he had": func(w *world) {
			w.post("till", sale("o0", "cancelled", "2026-11-02T05:00:00Z", `"phone": "+`+number(0)+`"`, "100.00"))
			w.compact()
			w.now = at("2026-11-03T04:00:00Z")
			w.night("")
		},
		"by an address that is new": func(w *world) {
			w.post("till", fmt.Sprintf(`{"id": "l", "kind": "lead", "at": "2026-11-02T05:00:00Z", "client": {"phone": "+%s", "email": "new@kofe.ru"}}`, number(0)))
			w.post("till", `{"id": "u", "kind": "unsubscribe", "at": "2026-11-02T05:01:00Z", "client": {"email": "new@kofe.ru"}}`)
			w.compact()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := buyers(t, 3)
			w.configure(shopConfig + "exports: [{segment: buyers, platforms: [google, meta]}]\n")
			for _, file := range [][2]string{{"google", "google_customer_match"}, {"meta", "meta_customers"}} {
				request := pipeline.HandoverRequest{Segment: "buyers", Platform: file[0], File: file[1] + ".csv", Who: "olga"}
				if rows := w.rowsFor(request); len(rows) != 3 {
					t.Fatalf("%s: %d rows of three people", file[0], len(rows))
				}
			}
			leave(w)
			for _, file := range [][2]string{{"google", "google_customer_match"}, {"meta", "meta_customers"}} {
				request := pipeline.HandoverRequest{Segment: "buyers", Platform: file[0], File: file[1] + "_remove.csv", Who: "olga"}
				removed := w.rowsFor(request)
				request.File = file[1] + ".csv"
				request.Who = "petr"
				list := w.rowsFor(request)
				for row := range list {
					if strings.Contains(row, number(0)) {
						t.Errorf("%s: who left is in the list", file[0])
					}
				}
				if len(list) != 2 || len(removed) != 1 {
					t.Errorf("%s: %d rows in the list and %d in the removal, want 2 and 1", file[0], len(list), len(removed))
				}
				for row := range removed {
					if !strings.Contains(row, number(0)) {
						t.Errorf("%s: somebody else is removed", file[0])
					}
				}
			}
		})
	}
}

// Two clients who turn out to be one, and a client who gets another id, are no
// difference to a platform whose rows stay what they are.
func TestAMergeIsNoDifference(t *testing.T) {
	w := buyers(t, 3)
	w.configure(shopConfig + "exports: [{segment: buyers, platforms: [meta]}]\n")
	request := pipeline.HandoverRequest{Segment: "buyers", Platform: "meta", File: "meta_customers.csv", Who: "olga"}
	before := w.rowsFor(request)
	w.post("till", fmt.Sprintf(`{"id": "m", "kind": "lead", "at": "2026-10-01T05:00:00Z", "client": {"phone": "+%s", "external_id": "C-1"}}`, number(2)))
	w.compact()
	w.now = at("2026-11-03T04:00:00Z")
	w.night("")
	m := w.manifestOf("buyers", "meta")
	if add, remove := fileOf(m, audience.Add), fileOf(m, audience.Remove); add.Rows != 0 || remove.Rows != 0 || len(before) != 3 {
		t.Errorf("after a client got another id: %d rows to add, %d to remove", add.Rows, remove.Rows)
	}
	// Now two are one: the rows change, since a row holds all phones of a client.
	w.post("till", fmt.Sprintf(`{"id": "m2", "kind": "lead", "at": "2026-11-03T05:00:00Z", "client": {"phones": ["+%s", "+%s"]}}`, number(0), number(1)))
	w.compact()
	w.now = at("2026-11-04T04:00:00Z")
	w.night("")
	m = w.manifestOf("buyers", "meta")
	if add, remove := fileOf(m, audience.Add), fileOf(m, audience.Remove); add.Rows != 1 || remove.Rows != 2 {
		t.Errorf("after two became one: %d rows to add, %d to remove, want 1 and 2", add.Rows, remove.Rows)
	}
}

func TestChangesWaitUntilThereAreEnough(t *testing.T) {
	w := buyers(t, 103)
	request := pipeline.HandoverRequest{Segment: "buyers", Platform: "yandex", File: "yandex_audience.csv", Who: "olga"}
	if m := w.manifestOf("buyers", "yandex"); fileOf(m, audience.Add).Refused.Reason != audience.RefusedNothingGiven {
		t.Errorf("changes of what was never given: %+v", fileOf(m, audience.Add))
	}
	if rows := w.rowsFor(request); len(rows) != 103 {
		t.Fatalf("%d rows", len(rows))
	}
	leave := func(i int) {
		w.post("till", fmt.Sprintf(`{"id": "u%d", "kind": "unsubscribe", "client": {"phone": "+%s"}}`, i, number(i)))
		w.compact()
	}
	leave(0)
	if f := fileOf(w.manifestOf("buyers", "yandex"), audience.Remove); f.Written || f.Waiting == nil || *f.Waiting != (audience.Waiting{Rows: 1, SinceDay: "2026-11-02"}) {
		t.Errorf("one who left: %+v", f)
	}
	w.now = w.now.AddDate(0, 0, 2)
	leave(1)
	if f := fileOf(w.manifestOf("buyers", "yandex"), audience.Remove); f.Waiting == nil || *f.Waiting != (audience.Waiting{Rows: 2, SinceDay: "2026-11-02"}) {
		t.Errorf("another one two days later: %+v", f.Waiting)
	}
}

// A list that is hashed from now on takes the place of the plain one before there are
// changes again.
func TestAnotherFormNeedsTheWholeList(t *testing.T) {
	w := buyers(t, 105)
	request := pipeline.HandoverRequest{Segment: "buyers", Platform: "google", File: "google_customer_match.csv", Who: "olga"}
	if rows := w.rowsFor(request); len(rows) != 105 {
		t.Fatalf("%d rows", len(rows))
	}
	w.configure(shopConfig + "exports: [{segment: buyers, platforms: [google], hashed: true}]\n")
	if f := fileOf(w.manifestOf("buyers", "google"), audience.Remove); f.Refused == nil || f.Refused.Reason != audience.RefusedFormChanged {
		t.Errorf("a removal of plain rows from a hashed list: %+v", f)
	}
	request.File = "google_customer_match_no_signal.csv"
	if rows := w.rowsFor(request); len(rows) != 105 {
		t.Fatalf("%d hashed rows", len(rows))
	}
	if f := fileOf(w.manifestOf("buyers", "google"), audience.Remove); f.Rows != 0 || f.Refused != nil && f.Refused.Reason != audience.RefusedNoRows {
		t.Errorf("after the hashed list was given: %+v", f)
	}
}

// What the configuration does not export any more can still be taken off the platform.
func TestWhatIsNotExportedAnyMoreCanBeRemoved(t *testing.T) {
	w := newWorld(t)
	const own = "segments: [{name: kofe, title: {ru: Кофе, en: Coffee}, rule: 'orders >= 1'}]\n"
	w.configure(shopConfig + own + "exports: [{segment: kofe, platforms: [meta]}]\n")
	for i := range 3 {
		w.post("site", "phone=8"+number(i)[1:])
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", `"phone": "+`+number(i)+`"`, "100.00"))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	request := pipeline.HandoverRequest{Segment: "kofe", Platform: "meta", File: "meta_customers.csv", Who: "olga"}
	if rows := w.rowsFor(request); len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	w.configure(shopConfig)
	w.now = at("2026-11-03T04:00:00Z")
	w.night("")
	m := w.manifestOf("kofe", "meta")
	if list := fileOf(m, ""); list.Written || list.Refused.Reason != audience.RefusedRetired || fileOf(m, audience.Remove).Rows != 3 {
		t.Errorf("an export that is no more: %+v", m.Files)
	}
	request.File = "meta_customers_remove.csv"
	if rows := w.rowsFor(request); len(rows) != 3 {
		t.Errorf("%d rows to remove, want all", len(rows))
	}
}

// An exclusion that no night has counted yet holds a list back, and the manifest says
// that it is this and no sensitive subject.
func TestAnExclusionThatIsNotCountedHoldsTheListBack(t *testing.T) {
	w := buyers(t, 3)
	w.configure(shopConfig + "exclude: [staff]\nsegments: [{name: staff, title: {ru: Свои, en: Staff}, rule: '\"staff\" in tags'}]\n")
	if list := fileOf(w.manifestOf("buyers", "google"), ""); list.Written || list.Refused.Reason != audience.RefusedExcluded {
		t.Errorf("a list before the exclusion was counted: %+v", list)
	}
	w.now = at("2026-11-03T04:00:00Z")
	w.night("")
	if list := fileOf(w.manifestOf("buyers", "google"), ""); !list.Written || list.Rows != 3 {
		t.Errorf("a list after the next night: %+v", list)
	}
}

// Of a sensitive segment an advertising platform gets nothing unless the owner says so,
// and what leaves bears no word of it.
func TestASensitiveSegmentLeavesWithoutItsName(t *testing.T) {
	w := newWorld(t)
	sensitive := shopConfig + "sensitive: [gynaecology]\nsegments: [{name: gynaecology, title: {ru: Гинекология, en: Gynaecology}, rule: 'orders >= 1'}]\n"
	w.configure(sensitive + "exports: [{segment: gynaecology, platforms: [tads, csv, meta]}]\n")
	for i := range 3 {
		w.post("till", fmt.Sprintf(`{"id": "c%d", "kind": "consent", "at": "2026-11-01T09:00:00Z", "client": {"phone": "+%s", "attributes": {"telegram_id": "%d"}}, "consents": [{"purpose": "ads", "given": true}]}`, i, number(i), 77700+i))
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", `"phone": "+`+number(i)+`"`, "100.00"))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	if list := fileOf(w.manifestOf("gynaecology", "meta"), ""); list.Written || list.Refused.Reason != audience.RefusedSensitive {
		t.Errorf("a locked list: %+v", list)
	}
	for _, file := range []string{"meta_customers.csv", "meta_customers_add.csv"} {
		request := pipeline.HandoverRequest{Segment: "gynaecology", Platform: "meta", File: file, Who: "olga"}
		if _, err := w.HandOver(t.Context(), request); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("%s of a locked segment: %v, want ErrNotFound", file, err)
		}
	}
	audits := w.count(lake.AuditPrefix)
	w.configure(sensitive + "exports: [{segment: gynaecology, platforms: [tads, csv, meta], unlock: true}]\n")
	w.export()
	if got := w.count(lake.AuditPrefix) - audits; got < 1 || got > 2 { // meta, and the list for Telegram where it is one of advertising
		t.Errorf("%d audit rows for what was unlocked", got)
	}
	audits = w.count(lake.AuditPrefix)
	if w.export(); w.count(lake.AuditPrefix) != audits {
		t.Error("what is unlocked is audited every night")
	}
	for _, request := range []pipeline.HandoverRequest{
		{Platform: "meta", File: "meta_customers.csv"},
		{Platform: "csv", File: "contacts.csv"},
		{Platform: "meta", File: audience.ManifestName},
		{Platform: "tads", File: fileOf(w.manifestOf("gynaecology", "tads"), "").Name},
	} {
		request.Segment, request.Who = "gynaecology", "olga"
		out, err := w.HandOver(t.Context(), request)
		if err != nil {
			t.Fatalf("%s for %s: %v", request.File, request.Platform, err)
		}
		body, _, err := w.store.Get(t.Context(), out.Key)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{out.Name, string(body)} {
			if lower := strings.ToLower(text); strings.Contains(lower, "gyn") || strings.Contains(lower, "гинекол") {
				t.Errorf("%s for %s tells what the segment is about", request.File, request.Platform)
			}
		}
	}
	if names := w.objects(lake.AudiencesPrefix + "names.json"); len(names) != 1 || !strings.Contains(names[lake.AudiencesPrefix+"names.json"], "gynaecology") {
		t.Error("the owner's dictionary does not know the segment")
	}
}

// Once a list was handed over, its changes can be asked for although the night knew of
// none; and who asks in vain learns why.
func TestChangesCanBeAskedForAfterAHandOver(t *testing.T) {
	w := buyers(t, 3)
	changes := func() (bundle string, files []string) {
		bundles, err := w.PortalReader().Exports(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bundles {
			if b.Segment != "buyers" || b.Platform != "google" {
				continue
			}
			bundle = b.ID
			for _, f := range b.Files {
				if f.OnRequest {
					files = append(files, f.Name)
				}
			}
		}
		return bundle, files
	}
	w.export()
	bundle, files := changes()
	if files != nil {
		t.Errorf("changes of what was never given: %v", files)
	}
	ask := func(file string) error {
		d, err := w.PortalReader().OpenExport(t.Context(), bundle, file, portal.Caller{Name: "olga"})
		if err == nil {
			err = d.Body.Close()
		}
		return err
	}
	if err := ask("google_customer_match.csv"); err != nil {
		t.Fatal(err)
	}
	if _, files = changes(); !slices.Equal(files, []string{"google_customer_match_add.csv", "google_customer_match_remove.csv"}) {
		t.Errorf("changes that can be asked for: %v", files)
	}
	var why portal.NotNow
	if err := ask("google_customer_match_remove.csv"); !errors.As(err, &why) || !strings.Contains(why.Why.EN, "nothing to change") || !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("removals when nobody left: %v", err)
	}
	w.post("till", fmt.Sprintf(`{"id": "leaves", "kind": "unsubscribe", "client": {"phone": "+%s"}}`, number(0)))
	w.compact()
	if err := ask("google_customer_match_remove.csv"); err != nil {
		t.Errorf("removals when somebody left: %v", err)
	}
	if err := ask("nothing.csv"); errors.As(err, &why) || !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a file of no bundle: %v", err)
	}
}
