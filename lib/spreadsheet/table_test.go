package spreadsheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/leadlake/leadlake/lib/money"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

func open(t testing.TB, name, text string, opts spreadsheet.Options) (*spreadsheet.Table, error) {
	t.Helper()
	return spreadsheet.Open(name, strings.NewReader(text), int64(len(text)), opts)
}

func mustOpen(t testing.TB, text string, opts spreadsheet.Options) *spreadsheet.Table {
	t.Helper()
	table, err := open(t, "file.csv", text, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return table
}

func mapping(t testing.TB, s string) spreadsheet.Map {
	t.Helper()
	m, err := spreadsheet.ParseMap(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// orders reads a table whose rows are all good but those in faults.
func orders(t testing.TB, table *spreadsheet.Table) (rows []spreadsheet.OrderRow, faults []string) {
	t.Helper()
	for row, err := range spreadsheet.Orders(table) {
		var fault *spreadsheet.RowError
		switch {
		case err == nil:
			rows = append(rows, row)
		case errors.As(err, &fault):
			if row.Row.Raw == "" {
				t.Errorf("%v: the row's own text is lost", err)
			}
			faults = append(faults, err.Error())
		default:
			t.Fatal(err)
		}
	}
	return rows, faults
}

const russianShop = `Отчёт по заказам;;;;
Период: ноябрь;;;;

№ заказа;Дата заказа;Телефон;ФИО;Сумма, руб.;Согласие на рекламу;Любимый цвет
А-1;20.11.2026 10:15;8 (999) 555-11-11;Проверкина Анна;"1 234,56";да;синий
А-2;03.11.2026;+7 999 555-22-22;Проверкин Олег;12 500;;
А-3;;+7 999 555-33-33;Проверкина Ия;300,00;нет;
Итого;;;;14 034,56;;
`

func TestRussianExport(t *testing.T) {
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	moscow := time.FixedZone("MSK", 3*3600)
	for _, tt := range []struct {
		charset string
		enc     encoding.Encoding
		before  string
	}{
		{spreadsheet.UTF8, encoding.Nop, ""},
		{spreadsheet.UTF8, encoding.Nop, "\xEF\xBB\xBF"},
		{spreadsheet.Windows1251, charmap.Windows1251, ""},
		{spreadsheet.UTF16LE, utf16, ""},
		{spreadsheet.UTF16BE, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), ""},
	} {
		t.Run(tt.charset, func(t *testing.T) {
			encoded, err := tt.enc.NewEncoder().String(russianShop)
			if err != nil {
				t.Fatal(err)
			}
			table := mustOpen(t, tt.before+encoded, spreadsheet.Options{Location: moscow})
			if table.Charset != tt.charset || table.Delimiter != ';' || table.Kind != spreadsheet.OrdersFile || table.HeaderRow != 4 {
				t.Errorf("recognised %s %q %s, header in %d", table.Charset, table.Delimiter, table.Kind, table.HeaderRow)
			}
			rows, faults := orders(t, table)
			wantFaults := []string{
				`file.csv, row 7, column "Дата заказа": the date is empty; fill the cell`,
				`file.csv, row 8: this is a line of sums and not a record; nothing needs to be done`,
			}
			if diff := cmp.Diff(wantFaults, faults); diff != "" {
				t.Errorf("faults differ (-want +got):\n%s", diff)
			}
			if len(rows) != 2 {
				t.Fatalf("got %d orders, want 2", len(rows))
			}
			o := rows[0]
			if o.ID != "А-1" || !o.IDGiven || o.DayOnly || !o.At.Equal(time.Date(2026, 11, 20, 7, 15, 0, 0, time.UTC)) {
				t.Errorf("order = %s %v %v %v", o.ID, o.IDGiven, o.At, o.DayOnly)
			}
			if want := (money.Amount{Minor: 123456, Currency: "RUB"}); o.Amount != want {
				t.Errorf("amount = %v, want %v", o.Amount, want)
			}
			if diff := cmp.Diff([]spreadsheet.Consent{{Purpose: "ads", Given: true}}, o.Person.Consents); diff != "" {
				t.Errorf("consents differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]spreadsheet.Value{{Name: "Любимый цвет", Text: "синий"}}, table.Attributes(o.Row)); diff != "" {
				t.Errorf("attributes differ (-want +got):\n%s", diff)
			}
			if rows[1].Person.Consents != nil || !rows[1].DayOnly || !rows[1].At.Equal(time.Date(2026, 11, 2, 21, 0, 0, 0, time.UTC)) || rows[1].Amount.Minor != 1250000 {
				t.Errorf("second order = %v %v %v", rows[1].At, rows[1].DayOnly, rows[1].Amount)
			}
			if want := (spreadsheet.Count{Rows: 2, Errors: 2}); table.Count() != want {
				t.Errorf("count = %+v, want %+v", table.Count(), want)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	table := mustOpen(t, russianShop, spreadsheet.Options{Map: mapping(t, "source==retail")})
	want := `file.csv: заказы, UTF-8, разделитель ";", заголовок в строке 4
  phone ← 3 "Телефон"
  name ← 4 "ФИО"
  date ← 2 "Дата заказа" (DD.MM.YYYY)
  order_id ← 1 "№ заказа"
  amount ← 5 "Сумма, руб." (1 234,56; RUB)
  source ← всегда "retail" (-map)
  consent_ads ← 6 "Согласие на рекламу"
  не используются: Любимый цвет
`
	if diff := cmp.Diff(want, table.Describe("ru")); diff != "" {
		t.Errorf("description differs (-want +got):\n%s", diff)
	}
	if got := table.Describe("en"); !strings.Contains(got, `orders, UTF-8, delimiter ";", header in row 4`) {
		t.Errorf("English description = %s", got)
	}
}

func TestDelimiters(t *testing.T) {
	for _, delim := range []string{",", ";", "\t", "|"} {
		text := strings.ReplaceAll("client_id|date|amount|note\nc1|2026-11-20|10.50|\"x|y\"\nc2|2026-11-21|7|plain text, with; marks\n", "|", delim)
		text = strings.ReplaceAll(text, "plain text, with; marks", "\"plain text, with; marks\"")
		for _, text := range []string{text, "sep=" + delim + "\r\n" + text, strings.ReplaceAll(text, "\n", "\r")} {
			table := mustOpen(t, text, spreadsheet.Options{Currency: "EUR"})
			rows, faults := orders(t, table)
			if len(rows) != 2 || len(faults) != 0 || rows[0].Amount.Minor != 1050 || rows[1].Row.Cells[3] != "plain text, with; marks" {
				t.Errorf("delimiter %q of %q: %d rows, faults %v", delim, text, len(rows), faults)
			}
		}
	}
}

func TestLeads(t *testing.T) {
	text := "Имя,Фамилия,Телефон,Мобильный телефон,Email,Дата заявки,Источник,utm_source,Стадия,Комментарий,consent_ads,consent_email\n" +
		"Анна,Проверкина,\"8 999 555-11-11, 8 999 555-11-12\",=\"79995551113\",,05.11.2026,сайт,yandex,Новая,\"первая\nвторая\",может быть,+\n" +
		"Олег,,,,,06.11.2026,,,,,,\n" +
		"Ия,,,,probe@example.com,,,,,,,\n"
	table := mustOpen(t, text, spreadsheet.Options{})
	if table.Kind != spreadsheet.LeadsFile {
		t.Fatalf("kind = %s", table.Kind)
	}
	var rows []spreadsheet.LeadRow
	var faults []string
	for row, err := range spreadsheet.Leads(table) {
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		rows = append(rows, row)
	}
	if diff := cmp.Diff([]string{"file.csv, row 4: the row names no client; fill in an id, a phone or an e-mail"}, faults); diff != "" {
		t.Errorf("faults differ (-want +got):\n%s", diff)
	}
	if len(rows) != 2 {
		t.Fatalf("got %d leads, want 2", len(rows))
	}
	p := rows[0].Person
	if diff := cmp.Diff([]string{"8 999 555-11-11", "8 999 555-11-12", "79995551113"}, p.Phones); diff != "" {
		t.Errorf("phones differ (-want +got):\n%s", diff)
	}
	if p.FirstName != "Анна" || p.LastName != "Проверкина" || p.Name != "" || rows[0].Comment != "первая\nвторая" || rows[0].Stage != "Новая" {
		t.Errorf("lead = %q %q %q, %q, %q", p.FirstName, p.LastName, p.Name, rows[0].Comment, rows[0].Stage)
	}
	if rows[0].Attribution.Source != "сайт" || rows[0].Attribution.UTMSource != "yandex" {
		t.Errorf("attribution = %+v", rows[0].Attribution)
	}
	if diff := cmp.Diff([]spreadsheet.Consent{{Purpose: "email", Given: true}}, p.Consents); diff != "" {
		t.Errorf("consents differ (-want +got):\n%s", diff)
	}
	if len(rows[0].Notes) != 1 || rows[0].Notes[0].Column != "consent_ads" || rows[0].Notes[0].Code != spreadsheet.BadValue {
		t.Errorf("notes = %v", rows[0].Notes)
	}
	if !rows[1].At.IsZero() || rows[1].IDGiven || !strings.HasPrefix(rows[1].ID, "row-") {
		t.Errorf("lead without a date or id = %v %s", rows[1].At, rows[1].ID)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("rows read", "row", rows[0].Row, "lead", rows[0], "person", p)
	if s := fmt.Sprintf("%v %v", p, rows[0].Row) + log.String(); strings.Contains(s, "555") || strings.Contains(s, "Анна") || strings.Contains(s, "вторая") {
		t.Errorf("a person was printed: %s", s)
	}
}

func TestCosts(t *testing.T) {
	text := "Campaign performance\tReport\n\nDay\tCampaign\tCost\tCurrency code\tClicks\tImpr.\n" +
		"2026-11-20\tbrand\t1,200.50\tUSD\t1,040\t 9,000\n2026-11-21\tbrand\t --\tUSD\t3\t0\n2026-11-22\tbrand\t --\tUSD\t0\t0\nTotal: Account\t\t1,200.50\tUSD\t1,040\t9,000\n"
	table := mustOpen(t, text, spreadsheet.Options{Map: mapping(t, "source==google")})
	var rows []spreadsheet.CostRow
	var codes []spreadsheet.Code
	for row, err := range spreadsheet.Costs(table) {
		if fault, ok := errors.AsType[*spreadsheet.RowError](err); ok {
			codes = append(codes, fault.Code)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if diff := cmp.Diff([]spreadsheet.Code{spreadsheet.BadAmount, spreadsheet.Total}, codes); diff != "" {
		t.Errorf("codes differ (-want +got):\n%s", diff)
	}
	if len(rows) != 2 || rows[1].Day != "2026-11-22" || rows[1].Amount.Minor != 0 || rows[0].Day != "2026-11-20" || rows[0].Source != "google" || rows[0].Campaign != "brand" ||
		rows[0].Amount != (money.Amount{Minor: 120050, Currency: "USD"}) || *rows[0].Clicks != 1040 || *rows[0].Impressions != 9000 {
		t.Errorf("costs = %+v", rows)
	}

	meta := "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR),Link clicks\n2026-10-31,2026-11-30,x,10.00,1\n2026-11-02,2026-11-02,x,11.00,1\n"
	table = mustOpen(t, meta, spreadsheet.Options{Map: mapping(t, "source==meta")})
	var got []string
	for row, err := range spreadsheet.Costs(table) {
		got = append(got, fmt.Sprint(row.Day, " ", row.Amount.Minor, " ", row.Amount.Currency, " ", err))
	}
	want := []string{`2026-11-02 1100 EUR <nil>`}
	if diff := cmp.Diff(want, got[1:]); diff != "" || !strings.Contains(got[0], "several days of more than one month") {
		t.Errorf("costs of Meta = %q", got)
	}
}

func TestEqualRowsStayTwoOrders(t *testing.T) {
	text := "client,date,amount\n1,2026-11-20,5\n1,2026-11-20,5\n2,2026-11-20,5\n"
	ids := func(text string, key string) []string {
		var out []string
		rows, _ := orders(t, mustOpen(t, text, spreadsheet.Options{Currency: "RUB", IDKey: []byte(key)}))
		for _, o := range rows {
			out = append(out, o.ID)
		}
		return out
	}
	first := ids(text, "key")
	if len(first) != 3 || first[0] == first[1] || first[0] == first[2] || !strings.HasSuffix(first[1], "-2") {
		t.Errorf("ids = %v", first)
	}
	if diff := cmp.Diff(first, ids(strings.ReplaceAll(text, ",", ";"), "key")); diff != "" {
		t.Errorf("the same rows have other ids (-first +second):\n%s", diff)
	}
	if other := ids(text, "other"); other[0] == first[0] {
		t.Error("ids do not depend on the key")
	}
}

// cdnow reads the file that Fader and Hardie published; it is not in the repository.
func cdnow(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "CDNOW_master.txt"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("SKIPPED: shared/data/CDNOW_master.txt is not beside the project; the numbers of CDNOW are NOT checked")
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The numbers are those of the data's README and of Fader and Hardie: 69 659
// purchases of 23 570 customers for 2 500 315.63 dollars.
func TestCDNOW(t *testing.T) {
	data := cdnow(t)
	opts := spreadsheet.Options{Kind: spreadsheet.OrdersFile, Currency: "USD", Map: mapping(t, "client=1,date=2,amount=4")}
	table, err := spreadsheet.Open("CDNOW_master.txt", bytes.NewReader(data), int64(len(data)), opts)
	if err != nil {
		t.Fatal(err)
	}
	clients, ids := map[string]bool{}, map[string]bool{}
	var sum int64
	rows, zero, repeated := 0, 0, 0
	for row, err := range spreadsheet.Orders(table) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		clients[row.Person.Client], ids[row.ID] = true, true
		sum += row.Amount.Minor
		if row.Amount.Minor == 0 {
			zero++
		}
		if !strings.HasSuffix(row.ID, "-1") {
			repeated++
		}
	}
	if rows != 69659 || len(clients) != 23570 || sum != 250031563 || zero != 80 || repeated != 255 || len(ids) != rows {
		t.Errorf("CDNOW: %d rows, %d clients, %d cents, %d of zero, %d repeated, %d ids", rows, len(clients), sum, zero, repeated, len(ids))
	}
	want := `CDNOW_master.txt: orders, UTF-8, columns of blanks, header in row 1
  client ← 1 "customer_id" (-map)
  date ← 2 "date" (-map; YYYYMMDD)
  amount ← 4 "dollar_value" (-map; 1234.56)
  not used: number_of_cds
`
	if diff := cmp.Diff(want, table.Describe("en")); diff != "" {
		t.Errorf("description differs (-want +got):\n%s", diff)
	}
}

func BenchmarkCDNOW(b *testing.B) {
	data := cdnow(b)
	opts := spreadsheet.Options{Kind: spreadsheet.OrdersFile, Currency: "USD", Map: mapping(b, "client=1,date=2,amount=4")}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		table, err := spreadsheet.Open("CDNOW_master.txt", bytes.NewReader(data), int64(len(data)), opts)
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for _, err := range spreadsheet.Orders(table) {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != 69659 {
			b.Fatalf("%d rows", rows)
		}
	}
}
