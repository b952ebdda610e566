package audience_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

func sha256Hex(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
func md5Hex(s string) string    { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }

// kind is one kind of file the package writes.
type kind struct {
	platform string
	hashed   bool
}

// kinds are all of them.
var kinds = func() (all []kind) {
	for _, p := range audience.Platforms() {
		all = append(all, kind{p.Key, false})
		if p.Hash != "" {
			all = append(all, kind{p.Key, true})
		}
	}
	return all
}()

func TestGoldenFiles(t *testing.T) {
	for _, kind := range []kind{{"yandex", false}, {"yandex", true}, {"vk", false}, {"vk", true}, {"google", false}, {"google", true}, {"csv", false}, {"meta", true}} {
		contacts := crowd(120)
		contacts[3].Excluded = audience.ReasonNoConsent
		contacts[4].Phones = append(contacts[4].Phones, "+442071838750")
		contacts[4].Country, contacts[4].Zip = "de", " 10115 "
		contacts[5].Phones = []identity.Phone{"89000000005"}
		manifest, out := mustWrite(t, request(kind.platform, kind.hashed), list(contacts...))
		name := kind.platform
		if kind.hashed {
			name += "-hashed"
		}
		golden(t, name+"/"+audience.ManifestName, out.text(audience.ManifestName))
		for _, f := range manifest.Files {
			if f.Written {
				golden(t, name+"/"+f.Name, out.text(f.Name))
			}
		}
	}
}

func TestYandexRowsPairPhonesAndEmails(t *testing.T) {
	contacts := crowd(100)
	contacts[0].Phones = []identity.Phone{"+79995551111", "+442071838750", "+79995551111"}
	contacts[0].Emails = []identity.Email{"Mail@Yandex.ru"}
	_, out := mustWrite(t, request("yandex", false), list(contacts...))
	got := strings.Split(out.text("yandex_audience.csv"), "\n")
	want := []string{
		"phone,email,external_id",
		"79995551111,mail@yandex.ru," + contacts[0].ClientID,
		"442071838750,," + contacts[0].ClientID,
		"79000000001,," + contacts[1].ClientID,
	}
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Error(diff)
	}

	_, out = mustWrite(t, request("yandex", true), list(contacts...))
	got = strings.Split(out.text("yandex_audience.csv"), "\n")
	want = []string{
		"phone,email,external_id",
		// The normal forms of Yandex's own page, here under SHA-256.
		"22846ab8f79870871eb44f653419a4a5069301827d8ae75b6c2a88e4989a364e,bd93ea95f242f02313eccf0ab0bb7fe5121a052de42d2cb7bd332fb9f537cbfa," + contacts[0].ClientID,
		sha256Hex("442071838750") + ",," + contacts[0].ClientID,
	}
	if diff := cmp.Diff(want, got[:3]); diff != "" {
		t.Error(diff)
	}
}

func TestVKListsAreBareLinesOfOneKind(t *testing.T) {
	contacts := crowd(4100)
	contacts[7].VKIDs = []string{"138232696", "durov"}
	for _, hashed := range []bool{false, true} {
		manifest, out := mustWrite(t, request("vk", hashed), list(contacts...))
		phones := strings.Split(strings.TrimSuffix(out.text("vk_phones.txt"), "\n"), "\n")
		emails := strings.Split(strings.TrimSuffix(out.text("vk_emails.txt"), "\n"), "\n")
		if len(phones) != 4100 || len(emails) != 2050 {
			t.Fatalf("%d phones and %d e-mails, want 4100 and 2050", len(phones), len(emails))
		}
		wantPhone, wantEmail := "79000000000", "client.0+a@gmail.com"
		if hashed {
			wantPhone, wantEmail = md5Hex(wantPhone), md5Hex(wantEmail)
		}
		if phones[0] != wantPhone || emails[0] != wantEmail {
			t.Errorf("first lines %q, %q, want %q, %q", phones[0], emails[0], wantPhone, wantEmail)
		}
		if strings.ContainsAny(out.text("vk_phones.txt"), "\r\ufeff\"+,") {
			t.Error("vk_phones.txt has characters that are no digits and no line feeds")
		}
		if out.files["vk_ids.txt"] != nil {
			t.Error("vk_ids.txt was written with one id, fewer than the platform takes")
		}
		if manifest.Values[audience.ReasonInvalidValue] != 1 {
			t.Errorf("values refused: %v, want the page's letter name", manifest.Values)
		}
		ids := manifest.Files[2]
		if ids.Written || ids.Refused.Reason != audience.RefusedTooSmall || manifest.Refused != nil {
			t.Errorf("report on vk_ids.txt = %+v, want a refusal of this file alone", ids)
		}
	}
}

func TestVKFilesAreRefusedOneByOne(t *testing.T) {
	contacts := crowd(2000) // 2000 phones, 1000 e-mails
	contacts[0].Phones = nil
	contacts = append(contacts, audience.Contact{ClientID: "one more", Phones: []identity.Phone{"+79995551111"}})
	manifest, out := mustWrite(t, request("vk", true), list(contacts...))
	if out.text("vk_phones.txt") == "" || out.files["vk_emails.txt"] != nil {
		t.Errorf("files committed: %v, want phones without e-mails", out.order)
	}
	// Client 0 has nothing but an e-mail, which no written file holds.
	if got := manifest.Excluded[audience.ReasonFileNotWritten]; got != 1 || manifest.Clients != 2000 {
		t.Errorf("clients %d, in no written file %d, want 2000 and 1", manifest.Clients, got)
	}
}

func TestGoogleHasTheColumnsOfItsTemplate(t *testing.T) {
	anna := audience.Contact{
		ClientID: "a", Phones: []identity.Phone{"+18005550100", "+442071838750"},
		Emails:    []identity.Email{"cloudy.sanfrancisco+shopping@gmail.com"},
		FirstName: " Mrs. Zoë ", LastName: "O'Neil-Pérez Jr.", Country: "us", Zip: "94035-1234", Signals: true,
	}
	boris := audience.Contact{ClientID: "b", Emails: []identity.Email{"user.name+nyc@example.com"}, FirstName: "Борис", LastName: "Ким", Zip: "115088"}
	_, out := mustWrite(t, request("google", false), list(anna, boris))
	header := "Email,Email,Phone,Phone,First Name,Last Name,Country,Zip\n" // as in the platform's template
	want := header +
		"cloudysanfrancisco@gmail.com,,+18005550100,+442071838750,zoë,oneilpérez,US,94035-1234\n" +
		"user.name+nyc@example.com,,,,,,,\n" // no country: the name could not match and is not given away
	if diff := cmp.Diff(want, out.text("google_customer_match.csv")); diff != "" {
		t.Error(diff)
	}

	manifest, out := mustWrite(t, request("google", true), list(anna, boris))
	granted := header + strings.Join([]string{
		sha256Hex("cloudysanfrancisco@gmail.com"), "", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30", sha256Hex("+442071838750"),
		sha256Hex("zoë"), sha256Hex("oneilpérez"), "US", "94035-1234",
	}, ",") + "\n"
	if diff := cmp.Diff(granted, out.text("google_customer_match_consent_granted.csv")); diff != "" {
		t.Error(diff)
	}
	noSignal := header + sha256Hex("user.name+nyc@example.com") + ",,,,,,,\n"
	if diff := cmp.Diff(noSignal, out.text("google_customer_match_no_signal.csv")); diff != "" {
		t.Error(diff)
	}
	if len(manifest.Warnings) != 1 {
		t.Errorf("warnings %v, want one on the short list", manifest.Warnings)
	}
}

func TestGoogleGivesFurtherRowsForManyValues(t *testing.T) {
	c := audience.Contact{ClientID: "a", Emails: []identity.Email{"a1@shop.ru", "a2@shop.ru", "a3@shop.ru", "a4@shop.ru"}, Phones: []identity.Phone{"+79000000001"}}
	_, out := mustWrite(t, request("google", false), list(c))
	want := "Email,Email,Phone,Phone,First Name,Last Name,Country,Zip\n" +
		"a1@shop.ru,a2@shop.ru,+79000000001,,,,,\n" +
		"a3@shop.ru,a4@shop.ru,,,,,,\n"
	if diff := cmp.Diff(want, out.text("google_customer_match.csv")); diff != "" {
		t.Error(diff)
	}
}

func TestTooSmallWritesNoFile(t *testing.T) {
	for _, c := range []struct {
		platform string
		contacts int
		reason   string
	}{
		{"yandex", 99, audience.RefusedTooSmall},
		{"yandex", 0, audience.RefusedNoRows},
		{"vk", 1999, audience.RefusedTooSmall},
		{"google", 0, audience.RefusedNoRows},
		{"csv", 0, audience.RefusedNoRows},
	} {
		for _, hashed := range []bool{false, true} {
			if hashed && c.platform == "csv" {
				continue
			}
			manifest, out := mustWrite(t, request(c.platform, hashed), list(crowd(c.contacts)...))
			if !slices.Equal(out.order, []string{audience.ManifestName}) {
				t.Errorf("%s, %d contacts: committed %v, want the manifest alone", c.platform, c.contacts, out.order)
			}
			if manifest.Refused == nil || manifest.Refused.Reason != c.reason || manifest.Refused.Text.RU == "" || manifest.Refused.Text.EN == "" {
				t.Errorf("%s, %d contacts: refused %+v, want %s with a sentence in both languages", c.platform, c.contacts, manifest.Refused, c.reason)
			}
			if manifest.Clients != 0 || manifest.Members != c.contacts {
				t.Errorf("%s: clients %d of %d, want 0 of %d", c.platform, manifest.Clients, manifest.Members, c.contacts)
			}
		}
	}
	manifest, _ := mustWrite(t, request("vk", false), list(crowd(1999)...))
	if text := manifest.Refused.Text.EN; !strings.Contains(text, "1,999") || !strings.Contains(text, "2,000") {
		t.Errorf("%q does not say how many there are and how many are needed", text)
	}
	manifest, out := mustWrite(t, request("yandex", false), list(crowd(100)...))
	if manifest.Refused != nil || out.text("yandex_audience.csv") == "" {
		t.Error("100 records were refused by Yandex's minimum of 100")
	}
}

func TestDuplicatesStandOnce(t *testing.T) {
	contacts := crowd(2000)
	again := contacts[10]
	again.ClientID = "a second card with the same contacts"
	shared := audience.Contact{ClientID: "another", Phones: contacts[11].Phones, Emails: []identity.Email{"b@shop.ru"}}
	contacts = append(contacts, again, shared)
	manifest, out := mustWrite(t, request("vk", false), list(contacts...))
	lines := strings.Split(strings.TrimSuffix(out.text("vk_phones.txt"), "\n"), "\n")
	if slices.Sort(lines); len(slices.Compact(lines)) != 2000 {
		t.Errorf("%d different phones, want 2000", len(slices.Compact(lines)))
	}
	if manifest.Files[0].Rows != 2000 || manifest.Duplicates != 3 {
		t.Errorf("rows %d, duplicate rows %d, want 2000 and 3", manifest.Files[0].Rows, manifest.Duplicates)
	}
	if manifest.Excluded[audience.ReasonDuplicate] != 1 || manifest.Clients != 2000 {
		t.Errorf("clients %d, duplicates %d, want 2000 and 1", manifest.Clients, manifest.Excluded[audience.ReasonDuplicate])
	}
}

// TestCountsBalance: members = clients + excluded, whatever the contacts are, and
// rows, bytes and digests in the manifest are those of the files.
func TestCountsBalance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	phones := []identity.Phone{"", "+7", "8 900 000-00-00", "+79000000001", "+79000000002", "+0000000000", "+3", "+49301234567"}
	emails := []identity.Email{"", "nobody", "a@b.ru", "c@gmail.com", "почта@пример.рф", " A@B.ru", "...@gmail.com"}
	reasons := []audience.Reason{"", "", "", audience.ReasonHoldout, audience.ReasonWithdrawn}
	for range 8 {
		contacts := crowd(random.IntN(2500))
		for range 50 {
			c := audience.Contact{ClientID: "x", Excluded: reasons[random.IntN(len(reasons))], Signals: random.IntN(2) == 0}
			for range random.IntN(4) {
				c.Phones = append(c.Phones, phones[random.IntN(len(phones))])
				c.Emails = append(c.Emails, emails[random.IntN(len(emails))])
			}
			contacts = append(contacts, c)
		}
		random.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
		for _, kind := range kinds {
			m, out := mustWrite(t, request(kind.platform, kind.hashed), list(contacts...))
			sum := m.Clients
			for _, n := range m.Excluded {
				sum += n
			}
			if sum != m.Members || m.Members != len(contacts) {
				t.Errorf("%s: clients %d + excluded %v are not the members %d", kind.platform, m.Clients, m.Excluded, m.Members)
			}
			for _, f := range m.Files {
				text := out.text(f.Name)
				if f.Written != (text != "") {
					t.Errorf("%s: written %v, file of %d bytes", f.Name, f.Written, len(text))
				}
				if f.Written && (int64(len(text)) != f.Bytes || sha256Hex(text) != f.SHA256) {
					t.Errorf("%s: the manifest's bytes or digest are not the file's", f.Name)
				}
			}
		}
	}
}

func TestWriteIsStable(t *testing.T) {
	for _, kind := range kinds {
		_, first := mustWrite(t, request(kind.platform, kind.hashed), list(crowd(2100)...))
		_, second := mustWrite(t, request(kind.platform, kind.hashed), list(crowd(2100)...))
		for _, name := range first.order {
			if first.text(name) != second.text(name) {
				t.Errorf("%s of %s differs between two equal requests", name, kind.platform)
			}
		}
		if last := first.order[len(first.order)-1]; last != audience.ManifestName {
			t.Errorf("%s: the last file committed is %s, want the manifest", kind.platform, last)
		}
	}
}

// TestNothingEmptyIsHashed: the digests of "" must never stand in a file.
func TestNothingEmptyIsHashed(t *testing.T) {
	contacts := crowd(4000)
	for i := range contacts {
		contacts[i].Phones = append(contacts[i].Phones, "", "+0000000000")
		contacts[i].Emails = append(contacts[i].Emails, "", " ", "+@gmail.com", ".@gmail.com")
		contacts[i].FirstName, contacts[i].LastName, contacts[i].Country, contacts[i].Zip = " ", "-", "RU", "115088"
	}
	for _, kind := range kinds {
		_, out := mustWrite(t, request(kind.platform, kind.hashed), list(contacts...))
		for _, name := range out.order {
			if name == audience.ManifestName {
				continue
			}
			if text := out.text(name); strings.Contains(text, sha256Hex("")) || strings.Contains(text, md5Hex("")) {
				t.Errorf("%s holds the hash of an empty value", name)
			}
		}
	}
	if audience.SHA256.Sum("") != "" || audience.MD5.Sum("") != "" {
		t.Error("Sum of an empty text is not empty")
	}
}

func TestMachineFilesAreExactBytes(t *testing.T) {
	contacts := crowd(4000)
	contacts[2].Emails = []identity.Email{"+plus@shop.ru", "-dash@shop.ru", "=equals@shop.ru"}
	for _, kind := range kinds {
		if p, _ := audience.Lookup(kind.platform); p.Human {
			continue
		}
		manifest, out := mustWrite(t, request(kind.platform, kind.hashed), list(contacts...))
		for _, f := range manifest.Files {
			text := out.text(f.Name)
			if strings.ContainsAny(text, "\r\ufeff'\"") || f.Written && !strings.HasSuffix(text, "\n") {
				t.Errorf("%s of %s has a byte order mark, CR, quote or apostrophe, or no final line feed", f.Name, kind.platform)
			}
			mails := !strings.Contains(f.Name, "phones") && kind.platform != "tads"
			if !manifest.Hashed && f.Written && mails && !strings.Contains(text, "+plus@shop.ru") {
				t.Errorf("%s: an address that begins with a formula character was altered", f.Name)
			}
		}
	}
}

func TestFilesReadBackAsTheSameRows(t *testing.T) {
	contacts := crowd(300)
	contacts[5].ClientID = "id, with \"quotes\"\nand a line"
	_, out := mustWrite(t, request("yandex", false), list(contacts...))
	rows, err := csv.NewReader(strings.NewReader(out.text("yandex_audience.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 301 {
		t.Fatalf("%d rows read back, want 301", len(rows))
	}
	for i, c := range contacts {
		email := ""
		if len(c.Emails) > 0 {
			email = string(c.Emails[0])
		}
		want := []string{string(c.Phones[0][1:]), email, c.ClientID}
		if diff := cmp.Diff(want, rows[i+1]); diff != "" {
			t.Errorf("row %d: %s", i+1, diff)
		}
	}
}

func TestFaultsLeaveNoFile(t *testing.T) {
	broken := errors.New("lake is away")
	for _, c := range []struct {
		name     string
		contacts iter.Seq2[audience.Contact, error]
		fail     string
		want     error
	}{
		{name: "contacts fail at once", want: broken, contacts: func(yield func(audience.Contact, error) bool) {
			yield(audience.Contact{}, broken)
		}},
		{name: "contacts fail while being written", want: broken, contacts: func(yield func(audience.Contact, error) bool) {
			for i, contact := range crowd(200) {
				if i == 150 {
					yield(audience.Contact{}, broken)
					return
				}
				if !yield(contact, nil) {
					return
				}
			}
		}},
		{name: "a full disk", want: errDisk, contacts: list(crowd(200)...), fail: "yandex_audience.csv"},
		{name: "no room for the manifest", want: errDisk, contacts: list(crowd(200)...), fail: audience.ManifestName},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := newFolder()
			out.failWrite = c.fail
			if _, err := audience.Write(request("yandex", false), c.contacts, out.create); !errors.Is(err, c.want) {
				t.Errorf("Write = %v, want %v", err, c.want)
			}
			for name, file := range out.files {
				if file.committed || !file.discarded {
					t.Errorf("%s: committed %v, discarded %v, want it discarded", name, file.committed, file.discarded)
				}
			}
		})
	}
}

func TestRequestsAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(*audience.Request){
		"unknown platform":         func(r *audience.Request) { r.Platform = "fax" },
		"run is missing":           func(r *audience.Request) { r.Run = "" },
		"segment is missing":       func(r *audience.Request) { r.Segment = "" },
		"purpose is missing":       func(r *audience.Request) { r.Purpose = "" },
		"as-of is not a day":       func(r *audience.Request) { r.AsOf = "yesterday" },
		"expiry is not a day":      func(r *audience.Request) { r.ExpiresDay = "2026-02-30" },
		"files are never hashed":   func(r *audience.Request) { r.Platform, r.Hashed = "csv", true },
		"language is neither":      func(r *audience.Request) { r.Language = "de" },
		"separator is neither com": func(r *audience.Request) { r.Separator = '\t' },
	} {
		req := request("yandex", false)
		spoil(&req)
		out := newFolder()
		_, err := audience.Write(req, list(), out.create)
		if !errors.Is(err, audience.ErrInvalidRequest) || !strings.Contains(err.Error(), name) || len(out.files) > 0 {
			t.Errorf("Write = %v, want ErrInvalidRequest with %q and no file", err, name)
		}
	}
}

func TestManifestIsReadableJSON(t *testing.T) {
	manifest, out := mustWrite(t, request("google", true), list(crowd(150)...))
	var back audience.Manifest
	if err := json.Unmarshal([]byte(out.text(audience.ManifestName)), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(manifest, back); diff != "" {
		t.Error(diff)
	}
}

func TestContactsRedactThemselves(t *testing.T) {
	c := crowd(1)[0]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, c); got != "[contact "+c.ClientID+"]" {
			t.Errorf("Sprintf(%q) shows %q", verb, got)
		}
	}
	if got := c.LogValue().String(); got != "[contact "+c.ClientID+"]" {
		t.Errorf("LogValue = %q", got)
	}
}

// nowhere drops what is written.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Commit() error               { return nil }
func (nowhere) Discard()                    {}

func BenchmarkWriteYandexHashed(b *testing.B) {
	contacts := crowd(100_000)
	for b.Loop() {
		if _, err := audience.Write(request("yandex", true), list(contacts...), func(string) (audience.Output, error) { return nowhere{}, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
