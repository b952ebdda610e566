package audience_test

import (
	"encoding/csv"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

// once is a sequence of contacts that can be read a single time.
func once(t *testing.T, contacts []audience.Contact) iter.Seq2[audience.Contact, error] {
	read := false
	return func(yield func(audience.Contact, error) bool) {
		if read {
			t.Error("the contacts were read twice")
		}
		read = true
		list(contacts...)(yield)
	}
}

func TestAllPlatformsAreWrittenInOneReading(t *testing.T) {
	contacts := rich(2500)
	var jobs []audience.Job
	var folders []*folder
	for _, k := range kinds {
		folders = append(folders, newFolder())
		jobs = append(jobs, audience.Job{Request: request(k.platform, k.hashed), Create: folders[len(folders)-1].create})
	}
	manifests, err := audience.WriteAll(jobs, once(t, contacts))
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kinds {
		alone, out := mustWrite(t, request(k.platform, k.hashed), list(contacts...))
		if diff := cmp.Diff(alone, manifests[i]); diff != "" {
			t.Errorf("%v: manifest alone and among all (-alone +all):\n%s", k, diff)
		}
		if alone.Refused != nil {
			t.Errorf("%v: nothing was written: %s", k, alone.Refused.Text.EN)
		}
		for _, name := range out.order {
			if out.text(name) != folders[i].text(name) {
				t.Errorf("%v: %s differs", k, name)
			}
		}
	}
}

// rich makes contacts with everything a platform may take.
func rich(n int) []audience.Contact {
	contacts := crowd(n)
	for i := range contacts {
		c := &contacts[i]
		c.Emails = append(c.Emails, identity.Email(fmt.Sprintf("second-%d@mail.ru", i)))
		c.VKIDs, c.TelegramIDs = []string{strconv.Itoa(100_000 + i)}, []string{strconv.Itoa(7_000_000 + i)}
		c.MobileIDs = []string{fmt.Sprintf("38400000-8cf0-11bd-b23e-%012x", i+1)}
		c.Country, c.Zip, c.State, c.Gender, c.Company, c.Value = "RU", "115088", "Moscow", "f", "ООО «Ромашка»", "1500.50"
	}
	return contacts
}

// The first lines of every file, for people to compare with a template.
func TestFirstLinesOfEveryFile(t *testing.T) {
	contacts := rich(2500)
	contacts[0].Emails = append(contacts[0].Emails, "third@shop.ru", "fourth@shop.ru")
	contacts[0].FirstName = "=Анна"
	var text strings.Builder
	for _, k := range kinds {
		if k.platform == "xlsx" {
			continue // no text
		}
		manifest, out := mustWrite(t, request(k.platform, k.hashed), list(contacts...))
		for _, f := range manifest.Files {
			fmt.Fprintf(&text, "# %s, hashed: %t, %s\n", k.platform, manifest.Hashed, f.Name)
			lines := strings.SplitAfterN(out.text(f.Name), "\n", 5)
			text.WriteString(strings.Join(lines[:4], ""))
		}
	}
	golden(t, "first_lines.txt", text.String())
}

func TestSelectKeepsAJobToItsOwn(t *testing.T) {
	contacts := crowd(300)
	all, even := newFolder(), newFolder()
	manifests, err := audience.WriteAll([]audience.Job{
		{Request: request("yandex", false), Create: all.create},
		{Request: request("yandex", true), Create: even.create, Select: func(c *audience.Contact) (bool, audience.Reason) {
			last := c.ClientID[len(c.ClientID)-1]
			if last == '0' {
				return true, audience.ReasonContactBudget
			}
			return last%2 == 0, ""
		}},
		{Request: request("yandex", true), Select: func(*audience.Contact) (bool, audience.Reason) { return true, "" }},
	}, once(t, contacts))
	if err != nil {
		t.Fatal(err)
	}
	got := [][3]int{}
	for _, m := range manifests {
		got = append(got, [3]int{m.Members, m.Clients, m.Excluded[audience.ReasonContactBudget]})
	}
	if diff := cmp.Diff([][3]int{{300, 300, 0}, {150, 120, 30}, {300, 300, 0}}, got); diff != "" {
		t.Error(diff)
	}
	if f := manifests[2].Files[0]; f.Written || f.Rows != 300 || f.Bytes == 0 || f.Refused != nil {
		t.Errorf("measured only: %+v, want the rows of a file that was not written", f)
	}
}

func TestWhatWasHandedOverIsRemovedByteForByte(t *testing.T) {
	for _, k := range kinds {
		if p, _ := audience.Lookup(k.platform); p.Human {
			continue
		}
		contacts := rich(2500)
		given := map[string][]audience.Line{}
		out := newFolder()
		if _, err := audience.WriteAll([]audience.Job{{Request: request(k.platform, k.hashed), Create: out.create, Handed: func(id, file string, _ uint64, line []byte) {
			given[id] = append(given[id], audience.Line{File: file, Text: string(line)})
		}}}, list(contacts...)); err != nil {
			t.Fatal(err)
		}
		// They are erased since: nothing is left of them but what was given.
		erased := make([]audience.Contact, len(contacts))
		for i, c := range contacts {
			erased[i] = audience.Contact{ClientID: c.ClientID, Given: given[c.ClientID]}
			if got := fmt.Sprintf("%v", erased[i].Given); strings.Contains(got, "7900") {
				t.Fatal("a given line shows itself")
			}
		}
		req := request(k.platform, k.hashed)
		req.Change = audience.Remove
		manifest, removal := mustWrite(t, req, list(erased...))
		if manifest.Clients != len(contacts) || manifest.Change != audience.Remove {
			t.Errorf("%v: %d of %d removed: %v", k, manifest.Clients, len(contacts), manifest.Refused)
		}
		for _, name := range out.order {
			if name == audience.ManifestName {
				continue
			}
			want := out.text(name)
			if k.platform == "microsoft" {
				want = strings.Replace(want, ",Add,", ",Remove,", 1)
			}
			if got := removal.text(strings.Replace(name, ".", "_remove.", 1)); got != want {
				t.Errorf("%v: %s to remove has %d bytes, want the %d given", k, name, len(got), len(want))
			}
		}
	}
}

func TestChangesHaveTheirOwnMinimum(t *testing.T) {
	for _, c := range []struct {
		platform string
		change   audience.Change
		contacts int
		written  bool
		says     string
	}{
		{"vk", audience.Remove, 24, false, "wait until"},
		{"vk", audience.Remove, 25, true, "base = -<id"},
		{"vk", audience.Add, 25, true, "base = <id"},
		{"vk", audience.Replace, 1999, false, "Widen"},
		{"vk", audience.Remove, 0, false, "nothing to change"},
		{"yandex", audience.Remove, 100, true, "subtraction"},
		{"yandex", audience.Add, 100, true, "modification_type=addition"},
		{"yandex", audience.Replace, 100, true, "modification_type=replace"},
		{"google", audience.Remove, 1, true, "remove customers"},
		{"meta", audience.Remove, 1, true, "DELETE"},
		{"tiktok", audience.Remove, 1000, true, "Remove"},
	} {
		req := request(c.platform, false)
		req.Change = c.change
		manifest, _ := mustWrite(t, req, list(crowd(c.contacts)...))
		said := fmt.Sprint(manifest.Advice, manifest.BeforeUpload)
		if manifest.Files[0].Written != c.written || !strings.Contains(said, c.says) {
			t.Errorf("%s, %s of %d: written %t, said %q", c.platform, c.change, c.contacts, manifest.Files[0].Written, said)
		}
	}
}

func TestPreflightSaysWhatToDo(t *testing.T) {
	contacts := crowd(400)
	for i := range 100 {
		contacts[i].Phones = []identity.Phone{identity.Phone(fmt.Sprintf("8900%07d", i))}
	}
	req := request("yandex", true)
	manifests, err := audience.WriteAll([]audience.Job{{Request: req}}, list(contacts...))
	if err != nil {
		t.Fatal(err)
	}
	m := manifests[0]
	if got, want := m.Identifiers["phone"], (audience.Identifiers{Given: 400, Valid: 300, Share: 0.75}); got != want {
		t.Errorf("phones = %+v, want %+v", got, want)
	}
	if want := "the platform takes only 300 of 400 phones"; !strings.Contains(m.Advice.EN, want) || !strings.Contains(m.Advice.RU, "300 из 400 телефонов") {
		t.Errorf("advice = %q, want %q", m.Advice.EN, want)
	}
	if m.KnownAnswers < 2 {
		t.Errorf("%d known answers were asked for, want both kinds", m.KnownAnswers)
	}
}

// Random contacts with everything that could break a row are read back by
// encoding/csv, cell by cell, and no value stands in an error or a manifest.
func TestRandomContactsReadBackFromEveryPlatform(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	pieces := []string{"Анна", "=1+1", "\"", "'", ",", ";", "\n", "\r\n", "\t", "@", "+", "-", " ", "ё", "\u200b", "\u2028", "\x00", "|", "O'Neil", "𝓐", "\xff", "x"}
	word := func() string {
		var b strings.Builder
		for range random.IntN(5) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 2 {
		contacts := rich(2200)
		for i := range contacts {
			c := &contacts[i]
			c.FirstName, c.LastName, c.City, c.Company, c.Zip, c.State, c.Value = word(), word(), word(), word(), word(), word(), word()
			c.BirthDay, c.Gender, c.Fields = word(), word(), map[string]string{"note": word()}
			c.ClientID += word()
			if random.IntN(4) == 0 {
				c.Phones, c.Emails = append(c.Phones, identity.Phone(word())), append(c.Emails, identity.Email(word()))
			}
		}
		for _, k := range kinds {
			req := request(k.platform, k.hashed)
			p, _ := audience.Lookup(k.platform)
			if p.Human {
				req.Columns = []audience.Column{{Key: "note", Title: audience.Text{RU: "Заметка", EN: "Note"}}}
			}
			type given struct{ file, line string }
			var handed []given
			out := newFolder()
			manifests, err := audience.WriteAll([]audience.Job{{Request: req, Create: out.create, Handed: func(_, file string, _ uint64, line []byte) {
				handed = append(handed, given{file, string(line)})
			}}}, list(contacts...))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range manifests[0].Files {
				if !f.Written {
					continue
				}
				var rows [][]string
				if k.platform == "xlsx" {
					rows = sheetRowsOf(t, out.files[f.Name].Bytes())
				} else {
					rows = rowsOf(t, k.platform, out.text(f.Name))
				}
				// Every row by itself reads as it does in the file.
				var want [][]string
				for _, g := range handed {
					if g.file == f.Name {
						want = append(want, rowsOf(t, k.platform, g.line)[0])
					}
				}
				rows = rows[len(rows)-f.Rows:]
				if k.platform == "xlsx" { // a sheet forgets empty cells at the end of a row
					for i := range want {
						want[i] = slices.Clip(want[i][:len(rows[i])])
					}
				}
				if diff := cmp.Diff(want, rows); diff != "" {
					t.Fatalf("%v: %s read back (-written +read):\n%.600s", k, f.Name, diff)
				}
				for i, row := range rows {
					for _, cell := range row {
						switch {
						case p.Human && dangerous.MatchString(cell):
							t.Fatalf("%v: row %d has a cell that begins a formula", k, i)
						case !p.Human && strings.ContainsFunc(cell, func(r rune) bool { return r < ' ' && k.platform != "yandex" }):
							t.Fatalf("%v: row %d has a control", k, i)
						}
					}
				}
			}
		}
	}
}

// rowsOf reads rows in the dialect of a platform.
func rowsOf(t *testing.T, platform, text string) [][]string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	if platform == "mindbox" {
		reader.Comma = ';'
	}
	if platform == "microsoft" {
		reader.FieldsPerRecord = 13
	}
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func sheetRowsOf(t *testing.T, body []byte) [][]string {
	t.Helper()
	book, err := excelize.OpenReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPhonesOfAWorkbookAreTexts(t *testing.T) {
	manifest, out := mustWrite(t, request("xlsx", false), list(crowd(3)...))
	body := out.files["contacts.xlsx"].Bytes()
	if f := manifest.Files[0]; f.Bytes != int64(len(body)) || f.SHA256 != sha256Hex(string(body)) || f.Rows != 3 {
		t.Errorf("report %+v is not of the %d bytes written", f, len(body))
	}
	book, err := excelize.OpenReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	sheet := book.GetSheetName(0)
	for _, at := range []string{"A1", "D2", "D4"} {
		kind, err := book.GetCellType(sheet, at)
		formula, _ := book.GetCellFormula(sheet, at)
		if err != nil || kind != excelize.CellTypeInlineString || formula != "" {
			t.Errorf("cell %s is of type %d, formula %q, %v, want an inline text", at, kind, formula, err)
		}
	}
	if got, _ := book.GetCellValue(sheet, "D2"); got != "7 900 000-00-00" {
		t.Errorf("D2 = %q", got)
	}
}
