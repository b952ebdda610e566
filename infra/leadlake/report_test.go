package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
)

// outcome is what a run of the program left on its streams.
type outcome struct {
	status         int
	stdout, stderr string
}

// callProgram runs the program with a clock that stands still.
func callProgram(t testing.TB, stdin string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	sys := &system{
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) },
	}
	status := run(t.Context(), sys, args)
	return outcome{status, out.String(), errs.String()}
}

// runReport runs the command on files given by name and content.
func runReport(t testing.TB, files map[string]string, flags ...string) (outcome, string) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := append([]string{"report", "-out", out}, flags...)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	return callProgram(t, "", args...), out
}

// csvRows reads a CSV file of a report as rows by the names of columns.
func csvRows(t testing.TB, parts ...string) []map[string]string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, 0, len(records))
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func resultOf(t testing.TB, o outcome) reportResult {
	t.Helper()
	if o.status != exitDone {
		t.Fatalf("status %d: %s", o.status, o.stderr)
	}
	var result reportResult
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	return result
}

// A shop's export as a Russian program writes it. Anna: order 1001 is 250.00 +
// 150.50 = 400.50, 1004 is 99.50; 1003 came back whole and is no purchase.
// Pyotr's only order was cancelled.
const russianExport = `Номер заказа;Дата заказа;ФИО;Телефон;Сумма;Статус;Товар;Категория;Согласие на рекламу
1001;05.01.2026;Анна;8 (999) 555-11-11;250,00;Выполнен;Капучино;Кофе;да
1001;05.01.2026;Анна;+7 999 555 11 11;150,50;Выполнен;Круассан;Выпечка;да
1002;20.01.2026;Пётр;8 999 555 22 22;1 000,00;Отменён;Зёрна;Кофе;
1003;21.01.2026;Анна;89995551111;300,00;Возврат;Зёрна;Кофе;да
1004;25.01.2026;Анна;89995551111;99,50;оплачена;Капучино;Кофе;да
`

func TestReportReadsAnExportInWindows1251(t *testing.T) {
	text, err := charmap.Windows1251.NewEncoder().String(russianExport)
	if err != nil {
		t.Fatal(err)
	}
	o, out := runReport(t, map[string]string{"заказы.csv": text}, "-currency", "RUB", "-json")
	result := resultOf(t, o)
	if result.Clients != 2 || result.Buyers != 1 || result.Orders != 2 || result.RevenueMinor != 50000 || result.AsOf != "2026-01-25" {
		t.Errorf("result = %+v, want 2 clients, 1 buyer, 2 orders, 50000, as of 2026-01-25", result)
	}
	for _, said := range []string{"WINDOWS-1251", `";"`, "Сумма", "Номер заказа"} {
		if !strings.Contains(o.stderr, said) {
			t.Errorf("what was recognised lacks %s:\n%s", said, o.stderr)
		}
	}
	clients := csvRows(t, out, "clients.csv")
	got := map[string]string{}
	for _, c := range clients {
		if c["orders"] == "2" {
			for _, column := range []string{"revenue_minor", "categories", "consents", "first_order_day", "last_order_day", "recency_days", "cohort_month"} {
				got[column] = c[column]
			}
		}
	}
	want := map[string]string{
		"revenue_minor": "50000", "categories": "Кофе;Выпечка", "consents": "ads=given", "first_order_day": "2026-01-05",
		"last_order_day": "2026-01-25", "recency_days": "0", "cohort_month": "2026-01",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the buyer (-want +got):\n%s", diff)
	}
	for _, name := range []string{"report.html", "report.en.html", "clients.parquet", "rfm_codes.csv", "thresholds.csv", "ledger.csv"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	ledger := csvRows(t, out, "ledger.csv")
	if len(ledger) != 1 || ledger[0]["received"] != "5" || ledger[0]["events"] != "5" || ledger[0]["balanced"] != "true" {
		t.Errorf("ledger = %v, want 5 rows received, 5 events, balanced", ledger)
	}
}

func TestReportReadsAWorkbook(t *testing.T) {
	f := excelize.NewFile()
	for i, row := range [][]any{
		{"Дата", "Email", "Сумма, руб", "Город"},
		{time.Date(2026, 1, 13, 0, 0, 0, 0, time.UTC), "anna@shop.example", 100.5, "Казань"},
		{time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC), "Anna@shop.example", 200, "Казань"},
		{time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC), "oleg@shop.example", 0, "Тверь"},
	} {
		if err := f.SetSheetRow("Sheet1", "A"+string(rune('1'+i)), &row); err != nil {
			t.Fatal(err)
		}
	}
	var body bytes.Buffer
	if err := f.Write(&body); err != nil {
		t.Fatal(err)
	}
	o, out := runReport(t, map[string]string{"sales.xlsx": body.String()}, "-currency", "RUB", "-json", "-kind", "orders")
	result := resultOf(t, o)
	if result.Clients != 2 || result.Buyers != 2 || result.Orders != 3 || result.RevenueMinor != 30050 {
		t.Errorf("result = %+v, want 2 clients, 3 orders, 30050", result)
	}
	cities := map[string]bool{}
	for _, c := range csvRows(t, out, "clients.csv") {
		cities[c["city"]] = true
	}
	if !cities["Казань"] || !cities["Тверь"] {
		t.Errorf("cities = %v, want those of the sheet", cities)
	}
}

const ordersHeader = "order_id,date,client,amount,currency\n"

func TestReportSaysWhatItCannotRead(t *testing.T) {
	tests := []struct {
		name, body string
		flags      []string
		status     int
		says       []string
	}{
		{"empty file", "", nil, exitFailed, []string{"t.csv", "empty"}},
		{"header only", ordersHeader, nil, exitFailed, []string{"no rows"}},
		{"a needed column is missing", "date,client\n2026-01-02,C1\n", []string{"-kind", "orders"}, exitFailed, []string{"t.csv", "amount", "-map"}},
		{"day and month may be swapped", "date,client,amount,currency\n02/03/2026,C1,5,RUB\n04/05/2026,C2,6,RUB\n", nil, exitFailed, []string{"t.csv", `"date"`, "-date"}},
		{"no currency", "date,client,amount\n2026-01-02,C1,5\n", nil, exitFailed, []string{"-currency"}},
		{"several currencies", ordersHeader + "1,2026-01-02,C1,5,USD\n2,2026-01-02,C1,5,EUR\n", nil, exitUsage, []string{"EUR, USD", "-currency"}},
		{"a status without a known meaning", "date,client,amount,currency,status\n2026-01-02,C1,5,RUB,В архиве\n", nil, exitFailed, []string{"t.csv", `"status"`, "В архиве", "-status"}},
		{"not one good row", ordersHeader + "1,2026-01-32,C1,5,RUB\n", []string{"-date", "dmy"}, exitFailed, []string{"t.csv", "date"}},
		{"total or sum of a line", "order_id,date,client,amount,currency\n1,2026-01-02,C1,5,RUB\n1,2026-01-02,C1,5,RUB\n", nil, exitFailed, []string{"t.csv", `"amount"`, "item_sum"}},
		{"a purpose that is none", ordersHeader + "1,2026-01-02,C1,5,RUB\n", []string{"-consent", "spam=yes"}, exitUsage, []string{"spam", "ads"}},
		{"a time zone that is none", ordersHeader + "1,2026-01-02,C1,5,RUB\n", []string{"-timezone", "Mars/Base"}, exitUsage, []string{"Mars/Base"}},
		{"a day that is none", ordersHeader + "1,2026-01-02,C1,5,RUB\n", []string{"-as-of", "yesterday"}, exitUsage, []string{"-as-of", "YYYY-MM-DD"}},
		{"a kind that is none", ordersHeader, []string{"-kind", "people"}, exitUsage, []string{"orders, leads, costs"}},
		{"a map to no column", ordersHeader + "1,2026-01-02,C1,5,RUB\n", []string{"-map", "city=town"}, exitFailed, []string{"t.csv", "town"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, _ := runReport(t, map[string]string{"t.csv": test.body}, test.flags...)
			if o.status != test.status {
				t.Errorf("status %d, want %d", o.status, test.status)
			}
			lines := strings.Split(strings.TrimSpace(o.stderr), "\n")
			for _, said := range test.says {
				if !strings.Contains(o.stderr, said) {
					t.Errorf("%q is not said in:\n%s", said, o.stderr)
				}
			}
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "leadlake: ") {
				t.Errorf("the last line is %q, want the error", last)
			}
			if o.stdout != "" {
				t.Errorf("standard output has %q", o.stdout)
			}
		})
	}
	if o := callProgram(t, "", "report", filepath.Join(t.TempDir(), "nothing.csv")); o.status != exitFailed || !strings.Contains(o.stderr, "nothing.csv") {
		t.Errorf("a file that is not there: %+v", o)
	}
}

func TestReportKeepsUnreadableRowsWithTheirText(t *testing.T) {
	o, out := runReport(t, map[string]string{
		"t.csv": ordersHeader + "1,2026-01-15,C1,5,RUB\n2,2026-01-45,C1,7,RUB\n3,2026-01-16,,9,RUB\n4,2026-01-17,C2,many,RUB\n",
	}, "-json")
	result := resultOf(t, o)
	if result.Orders != 1 || len(result.Inputs) != 1 || result.Inputs[0].Rows != 1 || result.Inputs[0].Failed != 3 {
		t.Errorf("result = %+v, want 1 order and 3 failed rows", result)
	}
	var got [][3]string
	for _, row := range csvRows(t, out, "failed.csv") {
		got = append(got, [3]string{row["row"], row["column"], row["text"]})
	}
	want := [][3]string{{"3", "date", "2,2026-01-45,C1,7,RUB"}, {"4", "client", "3,2026-01-16,,9,RUB"}, {"5", "amount", "4,2026-01-17,C2,many,RUB"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failed.csv (-want +got):\n%s", diff)
	}
	for _, place := range []string{`t.csv, row 3, column "date": `, `t.csv, row 5, column "amount": `} {
		if !strings.Contains(o.stderr, place) {
			t.Errorf("%q is not said in:\n%s", place, o.stderr)
		}
	}
	if strings.Contains(o.stderr, "many") {
		t.Error("a message repeats a cell's value")
	}
	if ledger := csvRows(t, out, "ledger.csv"); ledger[0]["failed"] != "3" || ledger[0]["received"] != "4" {
		t.Errorf("ledger = %v, want 3 of 4 failed", ledger)
	}
}

func TestReportOfOneClient(t *testing.T) {
	o, out := runReport(t, map[string]string{"t.csv": ordersHeader + "1,2026-01-15,C1,5.00,EUR\n"}, "-lang", "en")
	if o.status != exitDone || !strings.Contains(o.stdout, "5.00 EUR") || !strings.Contains(o.stdout, "consent_ads") {
		t.Errorf("outcome = %+v, want the revenue and why there are no audiences", o)
	}
	clients := csvRows(t, out, "clients.csv")
	if len(clients) != 1 || clients[0]["external_ids"] != "C1" || clients[0]["orders"] != "1" || clients[0]["abc"] != "A" {
		t.Errorf("clients = %v, want C1 with one order in class A", clients)
	}
	readme, err := os.ReadFile(filepath.Join(out, "audiences", "README.txt"))
	if err != nil || !bytes.Contains(readme, []byte("neither phones nor e-mail")) {
		t.Errorf("README.txt = %s, %v", readme, err)
	}
}

func TestOwnersStatementOfConsent(t *testing.T) {
	body := "date,phone,amount,currency,consent_ads\n" +
		"2026-01-15,+79995551111,5,RUB,\n2026-01-16,+79995552222,6,RUB,no\n2026-01-17,+79995552222,6,RUB,\n"
	o, out := runReport(t, map[string]string{"t.csv": body}, "-json", "-consent", "ads=paper forms of 2025")
	if result := resultOf(t, o); result.Audiences == 0 {
		t.Fatalf("result = %+v, want audience files", result)
	}
	states := map[string]int{}
	for _, c := range csvRows(t, out, "clients.csv") {
		states[c["consents"]]++
	}
	if diff := cmp.Diff(map[string]int{"ads=given": 1, "ads=withdrawn": 1}, states); diff != "" {
		t.Errorf("consents (-want +got):\n%s", diff)
	}
	folder := filepath.Join(out, "audiences", "buyers", "csv")
	manifest, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil || !bytes.Contains(manifest, []byte("ads: paper forms of 2025")) {
		t.Errorf("the manifest lacks the statement: %s, %v", manifest, err)
	}
	var all strings.Builder
	for name := range treeSums(t, folder) {
		if strings.HasSuffix(name, ".csv") {
			body, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			all.Write(body)
		}
	}
	if !strings.Contains(all.String(), "7 999 555-11-11") || strings.Contains(all.String(), "555-22-22") {
		t.Errorf("the file for people has %q, want only who agreed", all.String())
	}
}

func TestReportOfLeadsCostsAndOrdersTogether(t *testing.T) {
	o, out := runReport(t, map[string]string{
		"costs.csv":  "day,source,campaign,cost,currency,clicks\n2026-01-13,yandex,winter,100.00,RUB,5\n2026-01-13,yandex,winter,50.00,RUB,2\n2026-01-14,vk,,70.00,RUB,\n",
		"leads.csv":  "lead_id,created_at,phone,utm_source,stage\n1,2026-01-13,+79995551111,yandex,visited\n2,2026-01-14,+79995552222,vk,lead\n",
		"orders.csv": "order_id,date,phone,amount,currency\n7,2026-01-20,8 999 555-11-11,500,RUB\n",
	}, "-json")
	result := resultOf(t, o)
	if result.Leads != 2 || result.Clients != 2 || result.Buyers != 1 || result.RevenueMinor != 50000 || result.AsOf != "2026-01-20" {
		t.Errorf("result = %+v, want 2 leads, 2 clients, 1 buyer", result)
	}
	var kinds []string
	for _, in := range result.Inputs {
		kinds = append(kinds, in.Name+" "+in.Kind)
	}
	if diff := cmp.Diff([]string{"costs.csv costs", "leads.csv leads", "orders.csv orders"}, kinds); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	for _, c := range csvRows(t, out, "clients.csv") {
		if c["orders"] == "1" && (c["source"] != "yandex" || c["stage"] != "won") { // a purchase is the last stage
			t.Errorf("the buyer came from %q at stage %q, want yandex at won", c["source"], c["stage"])
		}
	}
}

func TestLinesOfOneOrder(t *testing.T) {
	const header = "order_id,date,client,amount,currency,item\n"
	var repeated strings.Builder
	repeated.WriteString(header)
	for _, order := range []string{"1", "2", "3"} {
		repeated.WriteString(order + ",2026-01-15,C" + order + ",100,RUB,tea\n" + order + ",2026-01-15,C" + order + ",100,RUB,cup\n")
	}
	tests := []struct {
		name, body string
		flags      []string
		revenue    int
		says       string
	}{
		{"different amounts are sums of lines", header + "1,2026-01-15,C1,100,RUB,tea\n1,2026-01-15,C1,50,RUB,cup\n", nil, 15000, "added up"},
		{"a total in every row counts once", repeated.String(), nil, 30000, "counts once"},
		{"the user says that it is a total", header + "1,2026-01-15,C1,100,RUB,tea\n1,2026-01-15,C1,100,RUB,cup\n", []string{"-map", "amount=amount"}, 10000, "counts once"},
		{"the user says that it is a sum of the line", header + "1,2026-01-15,C1,100,RUB,tea\n1,2026-01-15,C1,100,RUB,cup\n", []string{"-map", "item_sum=amount,amount=-"}, 20000, ""},
		{"prices prove a total", "order_id,date,client,amount,currency,item,price,quantity\n1,2026-01-15,C1,100,RUB,tea,30,2\n1,2026-01-15,C1,100,RUB,cup,40,1\n", nil, 10000, "counts once"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, out := runReport(t, map[string]string{"t.csv": test.body}, append(test.flags, "-lang", "en")...)
			if o.status != exitDone || !strings.Contains(o.stderr, test.says) {
				t.Fatalf("outcome = %+v, want %q said", o, test.says)
			}
			sum := 0
			for _, c := range csvRows(t, out, "clients.csv") {
				minor, err := strconv.Atoi(c["revenue_minor"])
				if err != nil {
					t.Fatal(err)
				}
				sum += minor
			}
			if sum != test.revenue {
				t.Errorf("revenue %d, want %d", sum, test.revenue)
			}
		})
	}
}

func TestPartOfAnOrderComesBack(t *testing.T) {
	// 1000 paid with 100 for the delivery, 300 of the goods came back: 600.
	o, _ := runReport(t, map[string]string{
		"t.csv": "order_id,date,client,amount,shipping,refund,currency,status\n1,2026-01-15,C1,1000,100,300,RUB,paid\n2,2026-01-15,C2,50,0,0,RUB,refunded\n",
	}, "-json")
	if result := resultOf(t, o); result.RevenueMinor != 60000 || result.Orders != 1 || result.Clients != 2 {
		t.Errorf("result = %+v, want one order of 60000", result)
	}
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	body := "date,client,amount,currency\n2026-01-15,C1,5,RUB\n2026-01-15,C1,5,RUB\n2026-01-16,C2,7,RUB\n"
	once, _ := runReport(t, map[string]string{"a.csv": body}, "-json")
	twice, out := runReport(t, map[string]string{"a.csv": body, "b.csv": body}, "-json")
	one, two := resultOf(t, once), resultOf(t, twice)
	if one.Orders != 3 || two.Orders != 3 || one.RevenueMinor != two.RevenueMinor || one.Clients != two.Clients {
		t.Errorf("once %+v, twice %+v, want 3 orders each: equal rows of one file are different orders", one, two)
	}
	if ledger := csvRows(t, out, "ledger.csv"); ledger[0]["duplicates"] != "3" || ledger[0]["balanced"] != "true" {
		t.Errorf("ledger = %v, want 3 duplicates", ledger)
	}
}

func TestReportAgainInTheSameFolder(t *testing.T) {
	body := "date,phone,amount,currency\n2026-01-15,+79995551111,5,RUB\n"
	dir := t.TempDir()
	file, out := filepath.Join(dir, "t.csv"), filepath.Join(dir, "out")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := callProgram(t, "", "report", "-out", out, "-consent", "ads=said so", file); o.status != exitDone {
		t.Fatal(o.stderr)
	}
	with := treeSums(t, filepath.Join(out, "audiences"))
	if o := callProgram(t, "", "report", "-out", out, file); o.status != exitDone {
		t.Fatal(o.stderr)
	}
	without := treeSums(t, filepath.Join(out, "audiences"))
	for name := range without {
		if strings.HasSuffix(name, ".csv") {
			t.Errorf("%s is left from the report before", name)
		}
	}
	if len(with) <= len(without)-1 {
		t.Errorf("%d files with consents, %d without", len(with), len(without))
	}
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(filepath.Join(other, "audiences"), 0o700); err != nil {
		t.Fatal(err)
	}
	if o := callProgram(t, "", "report", "-out", other, file); o.status != exitFailed || !strings.Contains(o.stderr, "-out") {
		t.Errorf("a foreign folder: %+v, want it left alone", o)
	}
}

func TestConfigurationOfAReport(t *testing.T) {
	dir := t.TempDir()
	settings := filepath.Join(dir, "shop.yaml")
	text := "business: {name: Кофейня, currency: RUB, rates: {USD: \"90.00\"}}\nsources:\n  - {name: report, kind: json, orders: {В архиве: completed}}\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	body := "date,client,amount,currency,status\n2026-01-15,C1,2.00,USD,В архиве\n2026-01-15,C2,10,,В архиве\n"
	o, out := runReport(t, map[string]string{"t.csv": body}, "-json", "-config", settings)
	if result := resultOf(t, o); result.RevenueMinor != 19000 || result.Currency != "RUB" {
		t.Errorf("result = %+v, want 2 USD × 90 + 10 RUB = 190.00 RUB", result)
	}
	html, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil || !bytes.Contains(html, []byte("Кофейня")) {
		t.Errorf("report.html lacks the name of the business: %v", err)
	}
}
