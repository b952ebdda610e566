package audience_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

const canaryDomain = "canary.shop.example"

// canariesOf are the canaries of a download of a list of so many rows.
func canariesOf(download string, rows int) audience.Canaries {
	return audience.Canaries{
		Sum: identity.NewKey([]byte("a token key that tests share")).Sum, Download: download,
		Domain: canaryDomain, Language: "ru", Count: audience.CanaryCount(rows),
	}
}

func TestCanaryCountFollowsTheRows(t *testing.T) {
	for rows, want := range map[int]int{0: 0, 1: 1, 10: 1, 11: 2, 49: 5, 50: 5, 5000: 5, 5001: 6, 90_000: 90, 100_001: 101} {
		if got := audience.CanaryCount(rows); got != want {
			t.Errorf("CanaryCount(%d) = %d, want %d", rows, got, want)
		}
	}
	// 1 − 0.95⁹⁰ = 0.990: ninety canaries are found in a random twentieth (reliability, G19);
	// 1 − 0.4⁵ = 0.98976 is just too little, 1 − 0.39⁵ = 0.991 is not.
	for n, want := range map[int]float64{0: 1, 1: 1, 5: 0.61, 90: 0.05, 1000: 0.01} {
		if got := audience.TraceableShare(n); got != want {
			t.Errorf("TraceableShare(%d) = %v, want %v", n, got, want)
		}
	}
}

func TestCanariesOfTwoDownloadsDiffer(t *testing.T) {
	of := map[identity.Email]string{}
	ids := map[string]bool{}
	for i := range 1000 {
		download := fmt.Sprintf("%016x", i)
		c := canariesOf(download, 5000)
		codes := c.Codes()
		for _, contact := range c.Contacts() {
			email := contact.Emails[0]
			if other := of[email]; other != "" {
				t.Fatalf("downloads %s and %s have a canary in common", other, download)
			}
			of[email] = download
			ids[contact.ClientID] = true
			if again, ok := identity.ParseEmail(string(email)); !ok || again != email || email.Domain() != canaryDomain || email.Junk() {
				t.Errorf("download %s has a canary whose address is in no normal form of the domain", download)
			}
			if !identity.Token(contact.ClientID).Valid() || len(contact.Phones) != 0 || contact.FirstName == "" || contact.LastName == "" {
				t.Errorf("download %s has a canary that no client looks like", download)
			}
			if !slices.Contains(codes, audience.CanaryCode(email)) {
				t.Errorf("download %s: Codes lacks that of a contact", download)
			}
		}
	}
	if len(of) != 5000 || len(ids) != 5000 {
		t.Errorf("%d addresses and %d client ids, want 5000 of each", len(of), len(ids))
	}
	other := canariesOf("0000000000000000", 5000)
	other.Sum = identity.NewKey([]byte("the token key of another shop")).Sum
	for _, contact := range other.Contacts() {
		if of[contact.Emails[0]] != "" {
			t.Error("another key gives the same address")
		}
	}
	if none := (audience.Canaries{Sum: other.Sum, Download: "x", Count: 3, Domain: "no domain"}); len(none.Contacts()) != 0 {
		t.Error("canaries in what is no domain")
	}
}

// TestPeoplesFilesCarryCanaries: rows and order of the clients stay, each canary
// stands where its id belongs and no count knows of it.
func TestPeoplesFilesCarryCanaries(t *testing.T) {
	people := crowd(60)
	for i := range people { // over all ids, so that canaries stand in between
		people[i].ClientID = "e" + string("0123456789abcdefghjkmnpqrstvwxyz"[i/2]) + fmt.Sprintf("%025d", i)
	}
	people[7].Excluded = audience.ReasonWithdrawn
	for _, platform := range []string{"csv", "xlsx"} {
		req := request(platform, false)
		req.Language, req.CanaryDomain = "ru", canaryDomain
		req.Columns = []audience.Column{{Key: "manager", Title: audience.Text{RU: "Менеджер", EN: "Manager"}}}
		plain, _ := mustWrite(t, req, list(people...))
		c := canariesOf("00000000000000aa", 59)
		manifest, out := mustWrite(t, req, c.Among(list(people...)))
		if !manifest.Canary || plain.Canary {
			t.Errorf("%s: canary is %t with and %t without canaries", platform, manifest.Canary, plain.Canary)
		}
		if manifest.Members != 60 || manifest.Clients != plain.Clients || manifest.Identifiers["email"] != plain.Identifiers["email"] {
			t.Errorf("%s: %d members, %d clients, e-mails %v; want 60, %d, %v", platform,
				manifest.Members, manifest.Clients, manifest.Identifiers["email"], plain.Clients, plain.Identifiers["email"])
		}
		if got, want := manifest.Files[0].Rows, plain.Files[0].Rows+5; got != want {
			t.Errorf("%s: %d rows, want %d", platform, got, want)
		}
		if text := manifest.Warnings[len(manifest.Warnings)-1].EN; !strings.Contains(text, "this one 5") || !strings.Contains(text, "61%") {
			t.Errorf("%s: the manifest says %q", platform, text)
		}
		if platform != "csv" {
			continue
		}
		lines := strings.Split(out.text("contacts.csv"), "\r\n")
		var ids []string
		for _, line := range lines[1 : len(lines)-1] {
			ids = append(ids, strings.Split(line, ",")[0])
			if strings.Contains(line, "@"+canaryDomain) && !strings.HasSuffix(line, `,"olga"`) {
				t.Error("a canary's further columns are empty")
			}
		}
		if !slices.IsSorted(ids) {
			t.Error("the canaries break the order of the rows")
		}
		for _, contact := range c.Contacts() {
			if !strings.Contains(out.text("contacts.csv"), `,"","`+string(contact.Emails[0])+`",`) {
				t.Error("a canary is missing in the file")
			}
		}
	}
}

func TestAListOfCanariesAloneIsNoList(t *testing.T) {
	gone := crowd(20)
	for i := range gone {
		gone[i].Excluded = audience.ReasonNoConsent
	}
	req := request("csv", false)
	req.CanaryDomain = canaryDomain
	manifest, out := mustWrite(t, req, canariesOf("00000000000000aa", 20).Among(list(gone...)))
	if manifest.Refused == nil || manifest.Canary || manifest.Members != 20 || manifest.Clients != 0 || out.text("contacts.csv") != "" {
		t.Errorf("refused %v, canary %t, %d members, %d clients", manifest.Refused, manifest.Canary, manifest.Members, manifest.Clients)
	}
}

// TestNoCanaryIsInAnyOtherFile walks all platforms, plain and hashed.
func TestNoCanaryIsInAnyOtherFile(t *testing.T) {
	c := canariesOf("00000000000000aa", 2500)
	for _, platform := range audience.Platforms() {
		if platform.Key == "csv" || platform.Key == "xlsx" {
			continue
		}
		for _, hashed := range []bool{false, true} {
			if hashed && platform.Hash == "" {
				continue
			}
			req := request(platform.Key, hashed)
			req.CanaryDomain = canaryDomain
			plain, want := mustWrite(t, req, list(crowd(2500)...))
			with, got := mustWrite(t, req, c.Among(list(crowd(2500)...)))
			for name, file := range want.files {
				if got.text(name) != file.String() {
					t.Errorf("%s, hashed %t: %s differs where canaries were offered", platform.Key, hashed, name)
				}
			}
			if with.Canary || plain.Members != with.Members || len(want.files) != len(got.files) {
				t.Errorf("%s, hashed %t: canaries were counted", platform.Key, hashed)
			}
		}
	}
}

func TestPeoplesManifestSaysWhatCanBeTraced(t *testing.T) {
	for _, test := range []struct{ platform, domain, want string }{
		{"csv", "", "carries no canary addresses"},
		{"xlsx", "", "carries no canary addresses"},
		{"csv", canaryDomain, "a leak of 61% of the rows"},
		{"dialler", canaryDomain, "A list of phones carries no canary"},
		{"yandex", "", ""},
	} {
		req := request(test.platform, false)
		req.CanaryDomain = test.domain
		manifest, _ := mustWrite(t, req, list(crowd(120)...))
		var all []string
		for _, w := range manifest.Warnings {
			all = append(all, w.EN)
		}
		text := strings.Join(all, "\n")
		if !strings.Contains(text, test.want) || test.want == "" && strings.Contains(text, "canary") {
			t.Errorf("%s with domain %q: warnings %q, want %q", test.platform, test.domain, text, test.want)
		}
	}
}

func TestAmongEndsWithItsReader(t *testing.T) {
	c := canariesOf("00000000000000aa", 50)
	broken := errors.New("broken")
	var failing iter.Seq2[audience.Contact, error] = func(yield func(audience.Contact, error) bool) {
		_ = yield(audience.Contact{ClientID: "a"}, nil) && yield(audience.Contact{}, broken)
	}
	var last error
	for _, err := range c.Among(failing) {
		last = err
	}
	if !errors.Is(last, broken) {
		t.Errorf("the last pair holds %v, want the reader's error", last)
	}
	for stop := range 12 {
		seen := 0
		for range c.Among(list(crowd(6)...)) {
			if seen == stop {
				break
			}
			seen++
		}
		if want := min(stop, 11); seen != want {
			t.Errorf("left after %d pairs, saw %d", want, seen)
		}
	}
}
