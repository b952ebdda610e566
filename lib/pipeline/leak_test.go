package pipeline_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/logtest"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

const canaryConfig = shopConfig + "canaries: {email_domain: Canary.Shop.example}\n"

// leaky is a world with n downloads in its ledger and the canaries of each.
func leaky(t *testing.T, n, count int) (w *world, canaries [][]audience.Contact) {
	t.Helper()
	w = newWorld(t)
	w.configure(canaryConfig)
	for i := range n {
		row := handover(i)
		row.Canaries = count
		if err := w.LogHandover(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		c, err := w.CanariesOf(t.Context(), row.ID, count)
		if err != nil {
			t.Fatal(err)
		}
		canaries = append(canaries, c.Contacts())
	}
	return w, canaries
}

func (w *world) leak(text string) pipeline.LeakReport {
	w.Helper()
	report, err := w.Leak(w.Context(), text)
	if err != nil {
		w.Fatal(err)
	}
	body, err := json.Marshal(report)
	if err != nil {
		w.Fatal(err)
	}
	logtest.Expect(w, "a leak report", string(body))
	return report
}

// TestLeakNamesEachOfAThousandDownloads by one canary of each, all in one text and
// some alone, as people write addresses.
func TestLeakNamesEachOfAThousandDownloads(t *testing.T) {
	w, canaries := leaky(t, 1000, 5)
	var text strings.Builder
	for i, contacts := range canaries {
		fmt.Fprintf(&text, "%d;%s;x\n", i, string(contacts[i%5].Emails[0]))
	}
	report := w.leak(text.String())
	if len(report.Downloads) != 1000 || report.Addresses != 1000 || report.Unknown+report.Foreign != 0 {
		t.Fatalf("%d downloads named of %d addresses, %d unknown, %d foreign; want 1000 of 1000", len(report.Downloads), report.Addresses, report.Unknown, report.Foreign)
	}
	for i, d := range report.Downloads {
		if want := handover(i); d.ID != want.ID || d.Found != 1 || d.Who != "olga" || d.File != "contacts.csv" || !d.At.Equal(want.At) {
			t.Fatalf("download %d is told as %s with %d found", i, d.ID, d.Found)
		}
	}
	for i, form := range []string{"%s", "  %s\n", "mailto:%s", "<%s>", `"A B" <%s>, `, "https://shop.example/?to=%s&x=1", "%s."} {
		address := string(canaries[17*i][0].Emails[0])
		local, domain, _ := strings.Cut(address, "@")
		for _, spelling := range []string{address, strings.ToUpper(address), local + "+news@" + domain, local + "%40" + domain} {
			report := w.leak(fmt.Sprintf(form, spelling))
			if len(report.Downloads) != 1 || report.Downloads[0].ID != handover(17*i).ID {
				t.Errorf("spelling %d of form %q names %d downloads, want its own", i, form, len(report.Downloads))
			}
		}
	}
}

func TestLeakSaysWhatItDoesNotKnow(t *testing.T) {
	w, canaries := leaky(t, 3, 5)
	for _, test := range []struct {
		text                        string
		addresses, unknown, foreign int
	}{
		{"anna.k7q2m9xw@canary.shop.example", 1, 1, 0},
		{"anna@canary.shop.example", 1, 1, 0},
		{"anna@shop.example", 1, 0, 1},
		{"anna@other.canary.shop.example", 1, 0, 1},
		{"8 999 555-11-11", 0, 0, 0},
		{"a@@b, @canary.shop.example", 0, 0, 0},
		{"anna@shop.example ANNA+x@shop.example boris@canary.shop.example", 2, 1, 1},
	} {
		r := w.leak(test.text)
		if len(r.Downloads) != 0 || r.Addresses != test.addresses || r.Unknown != test.unknown || r.Foreign != test.foreign {
			t.Errorf("%d downloads, %d addresses, %d unknown, %d foreign; want none, %d, %d, %d",
				len(r.Downloads), r.Addresses, r.Unknown, r.Foreign, test.addresses, test.unknown, test.foreign)
		}
	}
	// A changed domain or language hides no canary of before; another key makes others.
	w.configure(strings.Replace(shopConfig, "language: en", "language: ru", 1))
	w.Pipeline = w.open("a token key that tests share")
	if r := w.leak(string(canaries[1][2].Emails[0])); len(r.Downloads) != 1 || r.Downloads[0].ID != handover(1).ID || r.Domain != "" {
		t.Errorf("without a domain %d downloads are named, want that of before", len(r.Downloads))
	}
	if r := w.leak("anna@shop.example"); r.Foreign != 1 || r.Domain != "" {
		t.Errorf("without a domain: %d foreign, want 1", r.Foreign)
	}
}

// TestARandomTwentiethOfALargeFileIsTraced: of files of 90 000 rows 99 in 100 leaks
// of 5 % name the download (reliability, G19), and a mix of two names both.
func TestARandomTwentiethOfALargeFileIsTraced(t *testing.T) {
	const rows, leaks = 90_000, 200
	w, canaries := leaky(t, 2, audience.CanaryCount(rows))
	random := rand.New(rand.NewPCG(19, 5))
	traced := 0
	for range leaks {
		var text []string
		for _, at := range random.Perm(rows + len(canaries[0]))[:rows/20] {
			if at < len(canaries[0]) { // the canaries stand somewhere among the rows
				text = append(text, string(canaries[0][at].Emails[0]))
			}
		}
		r := w.leak(strings.Join(text, "\n"))
		if len(r.Downloads) == 1 && r.Downloads[0].ID == handover(0).ID {
			traced++
		} else if len(r.Downloads) > 0 {
			t.Fatal("another download is named")
		}
	}
	if traced < leaks*99/100 {
		t.Errorf("%d of %d leaks were traced, want 99 %%", traced, leaks)
	}
	var mixed []string
	for i := range canaries[0] {
		mixed = append(mixed, string(canaries[i%2][i].Emails[0]))
	}
	if r := w.leak(strings.Join(mixed, ",")); len(r.Downloads) != 2 || r.Downloads[0].Found != 45 || r.Downloads[1].Found != 45 {
		t.Errorf("a mix of two files names %d downloads, want both with 45 canaries each", len(r.Downloads))
	}
}

// TestACanaryThatComesBackIsNobody: neither as a lead nor as a subscription does an
// address of the domain make a client.
func TestACanaryThatComesBackIsNobody(t *testing.T) {
	w, canaries := leaky(t, 1, 5)
	address := string(canaries[0][0].Emails[0])
	w.post("site", "email="+address)
	w.post("till", sale("o1", "paid", "2026-11-01T12:00:00+03:00", `"email": "`+strings.ToUpper(address)+`"`, "100.00"))
	w.post("till", sale("o2", "paid", "2026-11-01T12:00:00+03:00", `"email": "anna.petrova@shop.example"`, "100.00"))
	w.post("till", sale("o3", "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330001", "email": "`+address+`"`, "100.00"))
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	for _, person := range table[schema.PersonRow](w, "lake/people/part-0000.parquet") {
		for _, email := range person.Emails {
			if email.Value == address {
				t.Error("somebody has the canary's address")
			}
		}
	}
	// o2's and o3's clients; o3's two values are not linked through the canary.
	if clients := rows[schema.ClientRow](w); len(clients) != 2 {
		t.Errorf("%d clients, want the two who are somebody", len(clients))
	}
}
