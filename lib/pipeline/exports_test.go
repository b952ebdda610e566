package pipeline_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// bundleOf is an export of the buyers for a platform.
func (w *world) bundleOf(platform string) pipeline.BundleReport {
	w.Helper()
	for _, b := range w.export().Bundles {
		if b.Manifest.Segment == "buyers" && b.Manifest.Platform == platform {
			return b
		}
	}
	w.Fatalf("no bundle for %s", platform)
	return pipeline.BundleReport{}
}

// download is what a marketer gets of a bundle now.
func (w *world) download(id, file string) (string, error) {
	w.Helper()
	report, err := w.Export(w.Context(), pipeline.ExportRequest{HandoverRequest: pipeline.HandoverRequest{Bundle: id, File: file}})
	if err != nil {
		return "", err
	}
	body, _, err := w.store.Get(w.Context(), report.Key)
	return string(body), err
}

// buyers is a shop with people 0…n-1, each of whom agreed to ads and bought once.
func buyers(t *testing.T, n int) *world {
	w := newWorld(t)
	for i := range n {
		w.post("site", fmt.Sprintf("phone=8916333%04d", i))
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", fmt.Sprintf(`"phone": "+7916333%04d"`, i), "100.00"))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	return w
}

func number(i int) string { return fmt.Sprintf("7916333%04d", i) }

func TestOnlyGivenConsentIsHandedOver(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89163330000")           // always: true
	w.post("quiz", "phone=89163330001&agree=yes") // ticked
	w.post("quiz", "phone=89163330002&agree=no")
	w.post("quiz", "phone=89163330003")
	w.post("site", "phone=89163330004")
	w.post("till", `{"id": "p4", "kind": "consent", "at": "2026-11-01T10:00:00Z", "client": {"phone": "+79163330004"}, "consents": [{"purpose": "processing", "given": false}]}`)
	for i := range 5 {
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", fmt.Sprintf(`"phone": "+%s"`, number(i)), "100.00"))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	b := w.bundleOf("csv")
	if want := map[audience.Reason]int{audience.ReasonNoConsent: 1, audience.ReasonWithdrawn: 2}; b.Manifest.Clients != 2 || !maps.Equal(b.Manifest.Excluded, want) {
		t.Errorf("%d written, left out %v; want 2 and %v", b.Manifest.Clients, b.Manifest.Excluded, want)
	}
	file, err := w.download(b.ID, "contacts.csv")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false, false, false} {
		if got := strings.Contains(file, fmt.Sprintf("7 916 333-00-0%d", i)); got != want {
			t.Errorf("person %d in the file: %t, want %t", i, got, want)
		}
	}
}

func TestWhoLeavesAfterTheNightIsNotInTheDownload(t *testing.T) {
	w := buyers(t, 104)
	b := w.bundleOf("yandex")
	file := b.Manifest.Files[0].Name
	before, err := w.download(b.ID, file)
	if err != nil {
		t.Fatal(err)
	}
	say := func(id, kind, when, rest string, i int) {
		w.post("till", fmt.Sprintf(`{"id": "%s", "kind": "%s", "at": "%s", "client": {"phone": "+%s"}%s}`, id, kind, when, number(i), rest))
	}
	say("w0", "consent", "2026-11-02T05:00:00Z", `, "consents": [{"purpose": "ads", "given": false}]`, 0)
	say("u1", "unsubscribe", "2026-11-02T05:00:00Z", "", 1)
	// Withdrew and agreed again, both after the night: the later statement counts.
	say("w2", "consent", "2026-11-02T05:00:00Z", `, "consents": [{"purpose": "ads", "given": false}]`, 2)
	say("g2", "consent", "2026-11-02T06:00:00Z", `, "consents": [{"purpose": "ads", "given": true}]`, 2)
	// A consent dated years from now does not outlive a withdrawal.
	say("g5", "consent", "2026-11-02T05:00:00Z", `, "consents": [{"purpose": "ads", "given": true, "at": "2029-11-02T05:00:00Z"}]`, 5)
	say("u5", "unsubscribe", "2026-11-02T06:00:00Z", "", 5)
	w.compact()
	w.erase("+" + number(3))
	after, err := w.download(b.ID, file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 104 {
		if was := strings.Contains(before, number(i)); !was {
			t.Errorf("person %d is not in the first download", i)
		}
		if got, want := strings.Contains(after, number(i)), i != 0 && i != 1 && i != 3 && i != 5; got != want {
			t.Errorf("person %d in the second download: %t, want %t", i, got, want)
		}
	}
	// Below the platform's minimum there is no file, and none is left from before.
	w.post("till", fmt.Sprintf(`{"id": "u4", "kind": "unsubscribe", "client": {"phone": "+%s"}}`, number(4)))
	w.compact()
	if body, err := w.download(b.ID, file); !errors.Is(err, pipeline.ErrNotFound) {
		t.Errorf("99 people for Yandex: %d bytes, %v, want ErrNotFound", len(body), err)
	}
	if b = w.bundleOf("yandex"); b.Manifest.Refused == nil {
		t.Error("99 people for Yandex are not refused")
	}
	for key, body := range w.objects(lake.AudiencesPrefix) {
		// What was handed over earlier lies there until the next day.
		if strings.Contains(body, number(4)) && strings.Contains(key, "yandex") && !strings.Contains(key, "/downloads/") {
			t.Errorf("%s shows who unsubscribed", key)
		}
	}
}

func TestAWithdrawalTheNightKnewDoesNotCountTwice(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone="+number(0))
	for i, given := range []bool{false, true} {
		w.post("till", fmt.Sprintf(`{"id": "c%d", "kind": "consent", "at": "2026-11-01T1%d:00:00Z", "client": {"phone": "+%s"}, "consents": [{"purpose": "ads", "given": %t}]}`, i, i, number(0), given))
	}
	w.post("till", sale("1", "paid", "2026-11-01T09:00:00Z", `"phone": "+`+number(0)+`"`, "100.00"))
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	if b := w.bundleOf("csv"); b.Manifest.Clients != 1 {
		t.Errorf("agreed again on the same day: left out %v", b.Manifest.Excluded)
	}
}

func TestExportsAreStableAndBalance(t *testing.T) {
	w := buyers(t, 120)
	if _, err := newWorld(t).Export(t.Context(), pipeline.ExportRequest{}); !errors.Is(err, lake.ErrNoRun) {
		t.Errorf("export before the first night: %v, want ErrNoRun", err)
	}
	w.export()
	first := w.objects(lake.AudiencesPrefix)
	for _, b := range w.export().Bundles {
		out := 0
		for _, n := range b.Manifest.Excluded {
			out += n
		}
		if b.Manifest.Members != b.Manifest.Clients+out {
			t.Errorf("%s for %s: %d members = %d written + %d left out", b.Manifest.Segment, b.Manifest.Platform, b.Manifest.Members, b.Manifest.Clients, out)
		}
		if b.Manifest.Refused != nil && (b.Manifest.Refused.Text.RU == "" || b.Manifest.Refused.Text.EN == "" || b.Manifest.Clients != 0) {
			t.Errorf("%s for %s is refused without a sentence, or with people", b.Manifest.Segment, b.Manifest.Platform)
		}
		if b.Manifest.Platform == "vk" && b.Manifest.Segment == "buyers" && b.Manifest.Refused == nil {
			t.Error("120 people for VK are not refused")
		}
	}
	if second := w.objects(lake.AudiencesPrefix); !maps.Equal(first, second) {
		t.Error("the same run exported again gave other bytes")
	}
	for _, id := range []string{"", "0", "../config"} {
		if _, err := w.download(id+"x", "contacts.csv"); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("bundle %q: %v, want ErrNotFound", id, err)
		}
	}
	if _, err := w.download(w.bundleOf("csv").ID, "../../config/leadlake.yaml"); !errors.Is(err, pipeline.ErrNotFound) {
		t.Errorf("a file above the bundle: %v, want ErrNotFound", err)
	}
}
