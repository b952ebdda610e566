package pipeline_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/pipeline"
)

var canaryAddress = regexp.MustCompile(`[a-z0-9.]+@canary\.shop\.example`)

const everyList = canaryConfig + `exports:
  - {segment: buyers, platforms: [xlsx, dialler, unisender, mailchimp, yandex, csv]}
`

// handed is a file as a person gets it, and what the ledger then says of it.
func (w *world) handed(platform, file, who string) (string, pipeline.LedgerRow) {
	w.Helper()
	out, err := w.HandOver(w.Context(), pipeline.HandoverRequest{Segment: "buyers", Platform: platform, File: file, Who: who})
	if err != nil {
		w.Fatal(err)
	}
	body, _, err := w.store.Get(w.Context(), out.Key)
	if err != nil {
		w.Fatal(err)
	}
	rows, err := w.Handovers(w.Context(), "", "")
	if err != nil {
		w.Fatal(err)
	}
	for _, row := range rows {
		if strings.Contains(out.Key, row.ID) {
			return string(body), row
		}
	}
	w.Fatalf("the ledger has no row of the file of %s", platform)
	return "", pipeline.LedgerRow{}
}

// TestADownloadForPeopleCanBeTraced: two people take the same list, a sheet pulls it
// by a link, and an address of any of them names whose it was. The night's files, the
// counts of the manifest and what the platform was given know no canary.
func TestADownloadForPeopleCanBeTraced(t *testing.T) {
	w := buyers(t, 60)
	w.configure(everyList)
	w.Pipeline = w.open("a token key that tests share")
	b := w.bundleOf("csv")
	if b.Manifest.Canary || b.Manifest.Clients != 60 {
		t.Errorf("the night: canary %t, %d clients", b.Manifest.Canary, b.Manifest.Clients)
	}
	for key, body := range w.objects("audiences/") {
		if canaryAddress.MatchString(body) {
			t.Errorf("%s holds canaries before anybody took it", key)
		}
	}
	taken := map[string][]string{}
	for _, who := range []string{"olga", "masha"} {
		body, row := w.handed("csv", "contacts.csv", who)
		taken[who] = canaryAddress.FindAllString(body, -1)
		if len(taken[who]) != 5 || row.Canaries != 5 || row.Rows != 65 || row.Who != who || strings.Count(body, "7 916 333-") != 60 {
			t.Errorf("%s: %d canaries in the file, %d in the ledger, %d rows", who, len(taken[who]), row.Canaries, row.Rows)
		}
		if ids := firstCells(body); !slices.IsSorted(ids) {
			t.Errorf("%s: the canaries break the order of the rows", who)
		}
	}
	_, path := w.link(sheet)
	var log bytes.Buffer
	answer := get(w.pages(&log), http.MethodGet, path)
	taken["link:sheet"] = canaryAddress.FindAllString(answer.Body.String(), -1)
	all := map[string]bool{}
	for who, addresses := range taken {
		for _, address := range addresses {
			if all[address] {
				t.Error("two downloads have a canary in common")
			}
			all[address] = true
			report := w.leak(address)
			if len(report.Downloads) != 1 || report.Downloads[0].Who != who || report.Downloads[0].Found != 1 {
				t.Errorf("a canary of %s names %d downloads", who, len(report.Downloads))
			}
		}
		if report := w.leak(strings.Join(addresses, " ")); len(report.Downloads) != 1 || report.Downloads[0].Found != 5 {
			t.Errorf("all canaries of %s name %d downloads", who, len(report.Downloads))
		}
	}
	if len(all) != 15 {
		t.Errorf("%d canaries, want 15", len(all))
	}
	if rows, err := w.Handovers(t.Context(), "", ""); err != nil || len(rows) != 3 || rows[2].Link != "sheet" && rows[1].Link != "sheet" && rows[0].Link != "sheet" {
		t.Errorf("%d rows in the ledger, %v", len(rows), err)
	}
	links, err := w.PullLinks(t.Context())
	if err != nil || len(links) != 1 || links[0].Pulls != 1 || links[0].PulledAt == nil {
		t.Errorf("the link tells of %+v, %v", links, err)
	}
	for key, body := range w.objects("audiences/") {
		if !strings.HasPrefix(key, "audiences/downloads/") && canaryAddress.MatchString(body) {
			t.Errorf("%s holds canaries", key)
		}
	}
	manifest, err := w.HandOver(t.Context(), pipeline.HandoverRequest{Segment: "buyers", Platform: "csv", File: audience.ManifestName, Who: "olga"})
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := w.store.Get(t.Context(), manifest.Key)
	var m audience.Manifest
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || m.Clients != 60 || m.Members != 60 {
		t.Errorf("the manifest counts %d clients of %d members, %v", m.Clients, m.Members, err)
	}
}

// firstCells are the client ids of a table for people.
func firstCells(body string) []string {
	var ids []string
	for i, line := range strings.Split(strings.TrimSpace(body), "\r\n") {
		if cell, _, _ := strings.Cut(line, ","); i > 0 {
			ids = append(ids, cell)
		}
	}
	return ids
}

// TestNoOtherDownloadCarriesCanaries: what a machine reads, and a list of phones.
func TestNoOtherDownloadCarriesCanaries(t *testing.T) {
	w := newWorld(t)
	w.configure(everyList)
	for i := range 120 {
		w.post("till", `{"id": "l`+number(i)+`", "kind": "lead", "client": {"phone": "+`+number(i)+`", "email": "c`+number(i)+`@shop.example"},
			"consents": [{"purpose": "ads", "given": true}, {"purpose": "email", "given": true}, {"purpose": "call", "given": true}]}`)
		w.post("till", sale("o"+number(i), "paid", "2026-11-01T12:00:00+03:00", `"phone": "+`+number(i)+`"`, "100.00"))
	}
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	w.export()
	for platform, file := range map[string]string{"yandex": "yandex_audience.csv", "unisender": "unisender.csv", "mailchimp": "mailchimp.csv", "dialler": "dialler.csv"} {
		body, row := w.handed(platform, file, "olga")
		if row.Canaries != 0 || row.Rows != 120 || strings.Contains(body, "canary") {
			t.Errorf("%s: %d canaries in the ledger, %d rows, canaries in the file: %t", platform, row.Canaries, row.Rows, strings.Contains(body, "canary"))
		}
	}
	if _, row := w.handed("xlsx", "contacts.xlsx", "olga"); row.Canaries != 5 || row.Rows != 125 {
		t.Errorf("xlsx: %d canaries, %d rows", row.Canaries, row.Rows)
	}
}
