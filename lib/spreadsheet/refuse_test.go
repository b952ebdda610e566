package spreadsheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// repeat gives a table of many rows under a header.
func repeat(header string, rows ...string) string {
	return header + "\n" + strings.Join(rows, "\n") + "\n"
}

// TestRefusals holds that every refusal is one line that names the file, says
// what to do, and shows no value of a row.
func TestRefusals(t *testing.T) {
	ole := "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 600)
	var encrypted strings.Builder
	for _, c := range "EncryptedPackage" {
		encrypted.WriteString(string(c) + "\x00")
	}
	koi8, err := charmap.KOI8R.NewEncoder().String(strings.Repeat("Телефон;Дата;Сумма;Имя\n", 1) + strings.Repeat("1;2026-11-20;5;Проверкина Анна\n", 5))
	if err != nil {
		t.Fatal(err)
	}
	dos, err := charmap.CodePage866.NewEncoder().String(koi8[:0] + strings.Repeat("Телефон;Дата;Сумма;Имя Проверкина\n", 5))
	if err != nil {
		t.Fatal(err)
	}
	west, err := charmap.Windows1252.NewEncoder().String("client;date;amount;name\n1;2026-11-20;5;José Peña Muñoz\n")
	if err != nil {
		t.Fatal(err)
	}
	const plain = "client,date,amount\nsecret1,2026-11-20,5\n"
	tests := []struct {
		name string
		text string
		opts spreadsheet.Options
		kind error
		says string
	}{
		{"empty", "", spreadsheet.Options{}, spreadsheet.ErrFormat, "is empty"},
		{"blank lines only", "\xEF\xBB\xBF\r\n \r\n", spreadsheet.Options{}, spreadsheet.ErrFormat, "is empty"},
		{"header only", "client,date,amount\n", spreadsheet.Options{Currency: "RUB"}, spreadsheet.ErrFormat, "no rows"},
		{"old workbook", ole, spreadsheet.Options{}, spreadsheet.ErrFormat, ".xls workbook"},
		{"encrypted workbook", ole + encrypted.String(), spreadsheet.Options{}, spreadsheet.ErrFormat, "password"},
		{"web page", "\n <HTML><table><tr><td>secret1", spreadsheet.Options{}, spreadsheet.ErrFormat, "web page"},
		{"PDF", "%PDF-1.7 secret1", spreadsheet.Options{}, spreadsheet.ErrFormat, "PDF"},
		{"cut workbook", "PK\x03\x04 secret1", spreadsheet.Options{}, spreadsheet.ErrFormat, "damaged or cut off"},
		{"picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0DIHDR\x00\x01\x02\x00", spreadsheet.Options{}, spreadsheet.ErrFormat, "not a text table"},
		{"KOI8-R", koi8, spreadsheet.Options{}, spreadsheet.ErrAmbiguous, "-charset"},
		{"IBM 866", dos, spreadsheet.Options{}, spreadsheet.ErrAmbiguous, "-charset"},
		{"Windows-1252", west, spreadsheet.Options{}, spreadsheet.ErrAmbiguous, "-charset"},
		{"unknown charset", plain, spreadsheet.Options{Charset: "latin"}, spreadsheet.ErrOption, "windows-1251"},
		{"unknown kind", plain, spreadsheet.Options{Kind: "goods"}, spreadsheet.ErrOption, "-kind"},
		{"no currency", plain, spreadsheet.Options{}, spreadsheet.ErrMissing, "-currency"},
		{"no date column", repeat("client,when?,amount", "secret1,2026-11-20,5"), spreadsheet.Options{Kind: "orders", Currency: "RUB"}, spreadsheet.ErrMissing, `columns found: "client", "when?", "amount"`},
		{"no header", repeat("secret1,2026-11-20,5", "secret1,2026-11-21,5"), spreadsheet.Options{Kind: "orders"}, spreadsheet.ErrMissing, "1 to 3"},
		{"no source of costs", repeat("day,amount,clicks", "2026-11-20,5,1"), spreadsheet.Options{Currency: "RUB"}, spreadsheet.ErrMissing, "source==yandex"},
		{"kind cannot be told", repeat("client,amount", "secret1,5"), spreadsheet.Options{}, spreadsheet.ErrAmbiguous, "-kind"},
		{"two dates", repeat("client,date,Order Date,amount", "secret1,2026-11-20,2026-11-21,5"), spreadsheet.Options{}, spreadsheet.ErrAmbiguous, `-map date="Order Date"`},
		{"namesakes", repeat("Клиент,Дата,Сумма", "Проверкина secret1x Анна,2026-11-20,5", "Проверкин Олег,2026-11-20,5", "Проверкин Ян,2026-11-20,5"), spreadsheet.Options{}, spreadsheet.ErrAmbiguous, "namesakes"},
		{"day or month", repeat("client,date,amount", "1,05/06/2026,5", "2,07/08/2026,5"), spreadsheet.Options{Currency: "RUB"}, spreadsheet.ErrAmbiguous, `column "date": every date reads both`},
		{"day and month", repeat("client,date,amount", "1,25/06/2026,5", "2,07/28/2026,5"), spreadsheet.Options{Currency: "RUB"}, spreadsheet.ErrAmbiguous, "-date dmy or -date mdy"},
		{"thousand or fraction", repeat("client;date;amount", "1;2026-11-20;1,234", "2;2026-11-20;700"), spreadsheet.Options{Currency: "RUB"}, spreadsheet.ErrAmbiguous, "-decimal comma or -decimal point"},
		{"thousands in the header", repeat("client;date;Сумма, тыс. руб.", "1;2026-11-20;5"), spreadsheet.Options{Map: mapping(t, "amount=3")}, spreadsheet.ErrMissing, "thousands"},
		{"map to no column", plain, spreadsheet.Options{Map: mapping(t, "date=created")}, spreadsheet.ErrOption, `columns found`},
		{"map to no number", plain, spreadsheet.Options{Map: mapping(t, "date=7")}, spreadsheet.ErrOption, `3 columns`},
		{"map of no field", plain, spreadsheet.Options{Kind: "orders", Map: mapping(t, "dates=2")}, spreadsheet.ErrOption, `"dates"`},
		{"endless row", "client,date,amount\n1,2026-11-20," + strings.Repeat("5", 3<<20), spreadsheet.Options{Kind: "orders", Currency: "RUB"}, spreadsheet.ErrFormat, "longer than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := open(t, "export.csv", tt.text, tt.opts)
			if err == nil {
				t.Fatalf("Open accepted it as:\n%s", table.Describe("en"))
			}
			var fault *spreadsheet.FileError
			if !errors.As(err, &fault) || !errors.Is(err, tt.kind) {
				t.Errorf("Open = %v, want %v", err, tt.kind)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "export.csv") || !strings.Contains(text, tt.says) || strings.Contains(text, "\n") || strings.Contains(text, "secret1") {
				t.Errorf("error = %q, want one line about export.csv with %q and no value", text, tt.says)
			}
		})
	}
}

func TestAnswersResolveAmbiguity(t *testing.T) {
	dates := repeat("client,date,amount", "1,05/06/2026,5", "2,07/08/2026,5")
	for order, want := range map[spreadsheet.DateOrder]string{"dmy": "2026-06-05", "mdy": "2026-05-06"} {
		rows, _ := orders(t, mustOpen(t, dates, spreadsheet.Options{Currency: "RUB", DateOrder: order}))
		if got := rows[0].At.Format("2006-01-02"); got != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
	sums := repeat("client;date;amount", "1;2026-11-20;1,234", "2;2026-11-20;700")
	for style, want := range map[spreadsheet.DecimalStyle]int64{"point": 123400, "comma": 123} {
		rows, _ := orders(t, mustOpen(t, sums, spreadsheet.Options{Currency: "RUB", Decimal: style}))
		if rows[0].Amount.Minor != want {
			t.Errorf("%s: %d, want %d", style, rows[0].Amount.Minor, want)
		}
	}
	// Another column of the same file answers too, and that is said.
	text := repeat("client;date;amount;quantity;birthday", "1;25/11/2026;10,50;1,000;01/02/1990", "2;05/11/2026;7;2,500;03/04/1991")
	table := mustOpen(t, text, spreadsheet.Options{Currency: "RUB"})
	rows, faults := orders(t, table)
	if len(faults) > 0 || rows[0].Quantity != "1.000" || rows[1].Quantity != "2.500" || rows[0].Person.BirthDay != "1990-02-01" {
		t.Errorf("quantity %q %q, birth day %q, faults %v", rows[0].Quantity, rows[1].Quantity, rows[0].Person.BirthDay, faults)
	}
	if !strings.Contains(table.Describe("en"), `style as in "amount"`) {
		t.Errorf("the borrowed style is not told:\n%s", table.Describe("en"))
	}
}

// TestLateEvidenceDecides holds that a style is not guessed from the first rows: a
// file sorted by date may bring the first day above 12 far behind.
func TestLateEvidenceDecides(t *testing.T) {
	rows := make([]string, 0, 20001)
	for i := range 20000 {
		rows = append(rows, fmt.Sprintf("%d,01/%02d/2026,5", i, i%11+2))
	}
	rows = append(rows, "20000,01/13/2026,5")
	table := mustOpen(t, repeat("client,date,amount", rows...), spreadsheet.Options{Currency: "RUB"})
	got, faults := orders(t, table)
	if len(got) != 20001 || len(faults) != 0 || got[0].At.Month() != 1 || got[0].At.Day() != 2 {
		t.Errorf("%d rows, first at %v, faults %v", len(got), got[0].At, faults)
	}
}

func TestBadRowsAreKeptAndCounted(t *testing.T) {
	text := repeat("client,date,amount,currency,note",
		"1,2026-11-20,5,RUB,ok",
		"2,20th of May,5,RUB,",
		"3,2026-11-20,five,RUB,",
		"4,2026-11-20,5 ₽,USD,",
		"5,2026-11-20,5,RUB,one,two",
		"client,date,amount,currency,note",
		",2026-11-20,5,RUB,",
		"7,2026-11-20,5,RUB,\"open",
		"8,2026-11-20,99999999999999999999,RUB,",
		"9,2026-11-20,-5.00,rub,last")
	table := mustOpen(t, text, spreadsheet.Options{})
	var codes []string
	good := 0
	for row, err := range spreadsheet.Orders(table) {
		if fault, ok := errors.AsType[*spreadsheet.RowError](err); ok {
			codes = append(codes, fmt.Sprint(fault.Row, fault.Code))
			if !strings.Contains(text, row.Row.Raw+"\n") {
				t.Errorf("row %d: kept text %q is not the file's", fault.Row, row.Row.Raw)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		good++
	}
	want := "[3date 4amount 5currency 6width 7header 8client 9quote 10amount]"
	if got := fmt.Sprint(codes); got != want || good != 2 {
		t.Errorf("codes = %s and %d good, want %s and 2", got, good, want)
	}
	if want := (spreadsheet.Count{Rows: 2, Errors: 8}); table.Count() != want {
		t.Errorf("count = %+v, want %+v", table.Count(), want)
	}
}

func TestWrongKindIsAnError(t *testing.T) {
	table := mustOpen(t, "client,date,amount\n1,2026-11-20,5\n", spreadsheet.Options{Currency: "RUB"})
	n := 0
	for _, err := range spreadsheet.Leads(table) {
		n++
		if !errors.Is(err, spreadsheet.ErrOption) {
			t.Errorf("Leads of orders = %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d pairs, want 1", n)
	}
}

type brokenAt struct{ err error }

func (b brokenAt) ReadAt([]byte, int64) (int, error) { return 0, b.err }

func TestReaderFailureIsPassedOn(t *testing.T) {
	_, err := spreadsheet.Open("x.csv", brokenAt{iotest.ErrTimeout}, 100, spreadsheet.Options{})
	if !errors.Is(err, iotest.ErrTimeout) || errors.Is(err, spreadsheet.ErrFormat) {
		t.Errorf("Open = %v, want the reader's own error", err)
	}
}

func TestParseMap(t *testing.T) {
	m, err := spreadsheet.ParseMap(`client=1, amount="Сумма, руб" ,source==yandex,city=-`)
	if err != nil {
		t.Fatal(err)
	}
	want := spreadsheet.Map{{Field: "client", Column: "1"}, {Field: "amount", Column: "Сумма, руб"}, {Field: "source", Value: "yandex"}, {Field: "city", Column: "-"}}
	if fmt.Sprint(m) != fmt.Sprint(want) {
		t.Errorf("ParseMap = %v, want %v", m, want)
	}
	for _, bad := range []string{"client", "=1", "client=", "source=="} {
		if _, err := spreadsheet.ParseMap(bad); !errors.Is(err, spreadsheet.ErrOption) {
			t.Errorf("ParseMap(%q) = %v, want ErrOption", bad, err)
		}
	}
}

// FuzzOpen holds that no file makes the reader panic or lose a row: every line
// that is not blank is the header, above it, given out, or part of a row.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(russianShop))
	f.Add([]byte("client date amount\n1 20260101 5\n2 20260102 6\n"))
	f.Add([]byte("sep=;\nphone;date\n\"8 999\";05/06/2026\n"))
	f.Add([]byte("\xFF\xFEp\x00h\x00o\x00n\x00e\x00\n\x001\x002\x00"))
	f.Add([]byte("PK\x03\x04"))
	exports, err := filepath.Glob("testdata/costs/*.[ct]sv")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range exports {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := spreadsheet.Open("f.csv", bytes.NewReader(data), int64(len(data)), spreadsheet.Options{Currency: "RUB", MaxUnzipped: 1 << 20})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("an error of several lines: %q", err)
			}
			return
		}
		given := 0
		for _, err := range table.Rows() {
			if err != nil && !errors.Is(err, spreadsheet.ErrRow) {
				return
			}
			given++
		}
		if c := table.Count(); c.Rows+c.Errors != given {
			t.Fatalf("count %+v, given out %d", c, given)
		}
		switch table.Kind {
		case spreadsheet.OrdersFile:
			for _, err := range spreadsheet.Orders(table) {
				_ = errors.Is(err, io.EOF)
			}
		case spreadsheet.LeadsFile:
			for _, err := range spreadsheet.Leads(table) {
				_ = errors.Is(err, io.EOF)
			}
		case spreadsheet.CostsFile:
			for _, err := range spreadsheet.Costs(table) {
				_ = errors.Is(err, io.EOF)
			}
		}
		if table.Describe("ru") == "" {
			t.Fatal("nothing is described")
		}
		costs, err := spreadsheet.Open("vk.csv", bytes.NewReader(data), int64(len(data)), spreadsheet.Options{Kind: spreadsheet.CostsFile, Currency: "RUB", MaxUnzipped: 1 << 20})
		if err != nil {
			return
		}
		for row, err := range spreadsheet.Costs(costs) {
			if err == nil && (row.Source == "" || len(row.Day) != len("2006-01-02") || row.Amount.Currency == "") {
				t.Fatalf("a cost without source, day or currency: %+v", row)
			}
		}
	})
}
