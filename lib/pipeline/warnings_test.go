package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExportWarnings(t *testing.T) {
	w := newWorld(t)
	warned := func(want ...string) {
		t.Helper()
		warnings, err := w.ExportWarnings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range warnings {
			got = append(got, one.Says)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	}
	warned()
	exports := "segments:\n  - {name: clinic, rule: '\"Онкология\" in categories'}\nexports:\n  - {segment: clinic, platforms: [yandex]}\n  - {segment: buyers, platforms: [csv, unisender]}\n"
	w.configure(shopConfig + exports)
	locked := "export of clinic to yandex is locked: the segment is sensitive by “онколог”"
	warned(locked) // before any night nobody knows who allowed what
	w.post("till", sale("1", "paid", "2026-10-30T12:00:00+03:00", `"phone": "+79161110001"`, "100.00"))
	w.compact()
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	warned(
		locked, "no client has given consent to ads, which the export of buyers to csv asks for",
		"no client has given consent to email, which the export of buyers to unisender asks for",
	)
	// A segment to keep out that the night has not seen holds everything back.
	w.configure(shopConfig + "exclude: [staff]\n" + "segments:\n  - {name: staff, rule: '\"staff\" in tags'}\nexports:\n  - {segment: buyers, platforms: [csv]}\n")
	warned("export of buyers to csv waits: a segment that it excludes is new or has a new rule")
	w.night("")
	warned("no client has given consent to ads, which the export of buyers to csv asks for")
}
