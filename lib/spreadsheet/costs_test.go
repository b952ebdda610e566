package spreadsheet_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

var update = flag.Bool("update", false, "write the expected tables")

// costTable is what a costs file tells: what was recognised, its sums by day and
// campaign, and the rows that are none.
func costTable(t testing.TB, table *spreadsheet.Table) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(table.Describe("en"))
	var sums spreadsheet.CostSums
	for row, err := range spreadsheet.Costs(table) {
		var fault *spreadsheet.RowError
		switch {
		case errors.As(err, &fault):
			fmt.Fprintf(&b, "row %d: %s\n", fault.Row, fault.Code)
		case err != nil:
			t.Fatal(err)
		case !sums.Add(row, false):
			fmt.Fprintf(&b, "row %d: another currency\n", row.Row.Number)
		}
	}
	err := sums.Each(time.UTC, func(ev event.Event, rows []spreadsheet.Row) bool {
		c := ev.Cost
		fmt.Fprintf(&b, "%s | %s | %s | %s %s | clicks %s | rows %d | %s\n", c.Day, c.Source, c.Campaign, c.Amount, c.Currency, c.Clicks, len(rows), ev.Entity)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCabinetExports reads every sample export without an answer, but for what its
// platform does not tell at all, and holds it against its expected table.
func TestCabinetExports(t *testing.T) {
	files, err := filepath.Glob("testdata/costs/*.[ct]sv")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d sample exports: %v", len(files), err)
	}
	answers := map[string]spreadsheet.Options{
		"telegram_en.csv": {Map: mapping(t, "campaign==channel")},
		"yandex_api.tsv":  {Currency: "RUB"},
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			opts := answers[filepath.Base(file)]
			opts.Kind = spreadsheet.CostsFile
			table, err := open(t, "export.csv", string(body), opts)
			if err != nil {
				t.Fatal(err)
			}
			source, _, _ := strings.Cut(filepath.Base(file), "_")
			if table.Platform != source {
				t.Errorf("platform %q, want %q", table.Platform, source)
			}
			expect(t, strings.TrimSuffix(file, filepath.Ext(file))+".want", costTable(t, table))

			// Nobody has to say what such a file holds.
			opts.Kind = ""
			table, err = open(t, "export.csv", string(body), opts)
			if err != nil || table.Kind != spreadsheet.CostsFile {
				t.Errorf("without -kind: %v", err)
			}
		})
	}
}

func expect(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// TestEveryCabinetHasAPageAndASample: the page tells where to press and what is
// read, and a sample shows it.
func TestEveryCabinetHasAPageAndASample(t *testing.T) {
	page, err := os.ReadFile("../webhook/sources/costs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range spreadsheet.Platforms() {
		samples, err := filepath.Glob("testdata/costs/" + source + "_*.want")
		if err != nil || len(samples) == 0 || !strings.Contains(string(page), "| `"+source+"` |") {
			t.Errorf("%s: %d samples, %v, or no line in the page", source, len(samples), err)
		}
	}
}

// TestCabinetExportAsWorkbook: the same rows in a sheet, sums as numbers and days
// as serials, make the same costs.
func TestCabinetExportAsWorkbook(t *testing.T) {
	body, err := os.ReadFile("testdata/costs/google_period_en.csv")
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(bytes.NewReader(body))
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := excelize.NewFile()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var book bytes.Buffer
	if err := f.Write(&book); err != nil {
		t.Fatal(err)
	}
	sums := func(name, text string) string {
		table, err := open(t, name, text, spreadsheet.Options{Kind: "costs"})
		if err != nil {
			t.Fatal(err)
		}
		_, lines, _ := strings.Cut(costTable(t, table), "row ")
		return lines
	}
	if diff := cmp.Diff(sums("a.csv", string(body)), sums("a.xlsx", book.String())); diff != "" {
		t.Errorf("costs of the workbook (-text +workbook):\n%s", diff)
	}
}

// TestSourceOfCosts: a column or the user's word, then the cabinet that the
// headers show, then the file's name; what contradicts itself is asked about.
func TestSourceOfCosts(t *testing.T) {
	const meta = "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR),Link clicks,Platform\n2026-11-01,2026-11-01,x,10.00,1,instagram\n"
	const own = "day,campaign,cost\n2026-11-01,x,10.00\n"
	for _, tt := range []struct {
		name, file, text, answer string
		want                     string
	}{
		{"the headers", "export.csv", meta, "", "facebook"},
		{"the headers and the file's name agree", "Meta 2026-11.csv", meta, "", "facebook"},
		{"the user goes first", "export.csv", meta, "source==ads", "ads"},
		{"a column goes first", "export.csv", meta, "source=Platform", "instagram"},
		{"an own column goes first", "yandex.csv", "day,source,cost\n2026-11-01,radio,10\n", "", "radio"},
		{"a channel is the source of an own table", "yandex.csv", "day,channel,cost\n2026-11-01,radio,10\n", "", "radio"},
		{"the file's name", "yandex-2026-11.csv", own, "", "yandex"},
		{"the file's name in Russian", "ВК ноябрь.csv", own, "", "vk"},
		{"a name that only begins so", "googles.csv", own, "", "begin the file's name with it"},
		{"nothing", "export.csv", own, "", "-map source==yandex"},
		{"a contradiction", "google-2026-11.csv", meta, "", "-map source==facebook or -map source==google"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := open(t, tt.file, tt.text, spreadsheet.Options{Kind: "costs", Currency: "EUR", Map: mapping(t, tt.answer)})
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			for row, err := range spreadsheet.Costs(table) {
				if err != nil || row.Source != tt.want {
					t.Errorf("source %q, %v, want %q", row.Source, err, tt.want)
				}
			}
		})
	}
}

// TestCampaignOfCosts: what clients bring along, then the name, then the number.
func TestCampaignOfCosts(t *testing.T) {
	const head, row = "day,source,cost,Campaign ID,Campaign name,UTM campaign\n", "2026-11-01,vk,1,77,Осень,autumn\n"
	for answer, want := range map[string]string{"": "autumn", "campaign=Campaign name": "Осень", "campaign=Campaign ID": "77", "campaign=-": ""} {
		for c, err := range spreadsheet.Costs(mustOpen(t, head+row, spreadsheet.Options{Kind: "costs", Currency: "RUB", Map: mapping(t, answer)})) {
			if err != nil || c.Campaign != want {
				t.Errorf("-map %s: campaign %q, %v, want %q", answer, c.Campaign, err, want)
			}
		}
	}
	for c := range spreadsheet.Costs(mustOpen(t, "day,source,cost,Campaign ID\n2026-11-01,vk,1,77\n", spreadsheet.Options{Kind: "costs", Currency: "RUB"})) {
		if c.Campaign != "77" {
			t.Errorf("campaign %q, want the number where no name is", c.Campaign)
		}
	}
}

// TestPeriodsOfCosts: a period in one month counts on its first day, a longer one
// counts nowhere.
func TestPeriodsOfCosts(t *testing.T) {
	above := func(line string) string { return line + "\ncampaign;source;cost\nTotal Tea;vk;5,50\nTotal;;5,50\n" }
	rows := func(values string) string {
		return "source;date start;date end;campaign;cost\nvk;" + values + ";a;5,50\n"
	}
	for _, tt := range []struct {
		name, text, answer string
		want               string
	}{
		{"English words", above(`"November 1, 2026 - November 30, 2026"`), "", "2026-11-01"},
		{"days first", above("1 November 2026 – 30 November 2026"), "", "2026-11-01"},
		{"Russian words", above("Отчёт за период с 1 ноября 2026 г. по 30 ноября 2026 г."), "", "2026-11-01"},
		{"numbers", above("Период: 03.11.2026-30.11.2026"), "", "2026-11-03"},
		{"ISO", above("Costs (2026-11-01 - 2026-11-30)"), "", "2026-11-01"},
		{"one day", above("Nov 7, 2026 - Nov 7, 2026"), "", "2026-11-07"},
		{"two months", above("2026-10-31 - 2026-11-01"), "", "several months"},
		{"two years", above("2025-11-01 - 2026-11-30"), "", "several months"},
		{"day or month", above("03/11/2026 - 05/11/2026"), "", "-map date==2026-11"},
		{"all time", above("All time"), "", "-map date==2026-11"},
		{"the user says the month", above("All time"), "date==2026-11", "2026-11-01"},
		{"the user says the day", above("All time"), "date==2026-11-05", "2026-11-05"},
		{"the user says nonsense", above("All time"), "date==November", "one value for all rows"},
		{"rows in one month", rows("01.11.2026;30.11.2026"), "", "2026-11-01"},
		{"rows of one day", rows("2026-11-05;2026-11-05"), "", "2026-11-05"},
		{"rows without an end", rows("2026-11-05;"), "", "2026-11-05"},
		{"rows in two months", rows("2026-10-31;2026-11-01"), "", "more than one month"},
		{"rows that end before they begin", rows("2026-11-02;2026-11-01"), "", "ends before it begins"},
		{"a month", "source,Month,cost\nvk,Nov 2026,5.50\n", "", "2026-11-01"},
		{"a month in numbers", "source,Месяц,cost\nvk,11.2026,5.50\n", "", "2026-11-01"},
		{"a month by its first day", "source,Month,cost\nvk,2026-11-01,5.50\n", "", "2026-11-01"},
		{"no month", "source,Month,cost\nvk,13.2026,5.50\n", "", "not a month"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := open(t, "a.csv", tt.text, spreadsheet.Options{Kind: "costs", Currency: "RUB", Map: mapping(t, tt.answer)})
			var got []string
			if err != nil {
				got = append(got, err.Error())
			} else {
				for row, err := range spreadsheet.Costs(table) {
					switch fault := new(spreadsheet.RowError); {
					case errors.As(err, &fault) && fault.Code == spreadsheet.Total:
					case err != nil:
						got = append(got, err.Error())
					default:
						got = append(got, fmt.Sprint(row.Day, " ", row.Amount))
					}
				}
			}
			if len(got) != 1 || !strings.Contains(got[0], tt.want) || strings.Contains(got[0], "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRefusalsOfCosts: what could be read in two ways is asked about, row by row or
// for the file.
func TestRefusalsOfCosts(t *testing.T) {
	for _, tt := range []struct {
		name, text, answer string
		want               string
	}{
		{"sums with and without tax", "День;Источник;Расход с НДС, ₽;Расход без НДС, ₽\n01.11.2026;vk;120,00;100,00\n", "", "both look like amount"},
		{"the user chooses", "День;Источник;Расход с НДС, ₽;Расход без НДС, ₽\n01.11.2026;vk;120,00;100,00\n", `amount="Расход без НДС, ₽"`, "100.00 RUB"},
		{"a sum without tax is taken as it stands", "День;Источник;Расход (без НДС), руб.\n01.11.2026;vk;100,00\n", "", "100.00 RUB"},
		{"thousands", "День;Источник;Расход, тыс. руб.\n01.11.2026;vk;1,5\n", "amount=3", "thousands"},
		{"millionths", "Date\tCampaignName\tAdNetworkType\tCost\n2026-11-01\ta\tSEARCH\t1020500000\n2026-11-02\ta\tSEARCH\t0\n", "", "-map amount_micros=Cost"},
		{"they are", "Date\tCampaignName\tAdNetworkType\tCost\n2026-11-01\ta\tSEARCH\t1020500000\n", "amount_micros=Cost,amount=-", "1020.50 RUB"},
		{"they are not", "Date\tCampaignName\tAdNetworkType\tCost\n2026-11-01\ta\tSEARCH\t20000\n", "amount=Cost", "20000.00 RUB"},
		{"millionths with a fraction", "day,source,cost_micros\n2026-11-01,vk,12.5\n", "", "not a number of millionths"},
		{"which ad of Telegram", "date\tSpent budget, EUR\n1 Nov 2026\t1,5\n", "", "-map campaign==NAME"},
		{"the whole account of Telegram", "date\tSpent budget, EUR\n1 Nov 2026\t1,5\n", "campaign=-", "1.50 EUR"},
		{"two currencies of a day", "day,source,campaign,cost,currency\n2026-11-01,vk,a,1.00,RUB\n2026-11-01,vk,a,2.00,USD\n", "", "another currency"},
		{"an empty cost of a day with clicks", "Day,Campaign,Currency code,Cost,Clicks\n2026-11-01,a,EUR,--,3\n", "", "amount is empty"},
		{"a budget is no cost in a cabinet's report", "Day,Campaign,Budget,Currency code,Interactions,Avg. cost\n2026-11-01,a,50,EUR,3,1\n", "source==google", "there is no column for the amount"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := open(t, "a.csv", tt.text, spreadsheet.Options{Kind: "costs", Currency: "RUB", Map: mapping(t, tt.answer)})
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				var sums spreadsheet.CostSums
				for row, err := range spreadsheet.Costs(table) {
					switch {
					case err != nil:
						got += err.Error()
					case !sums.Add(row, false):
						got += "another currency"
					default:
						got += row.Amount.String() + " "
					}
				}
			}
			if !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSumOfAllCampaigns: Meta writes the sum of all campaigns as a row without one;
// a row without a campaign that is no such sum is a cost of its own.
func TestSumOfAllCampaigns(t *testing.T) {
	const head = "Reporting starts,Reporting ends,Campaign name,Amount spent (USD),Impressions,Link clicks\n"
	const campaigns = "2026-11-01,2026-11-30,a,10.01,100,1\n2026-11-01,2026-11-30,b,20.00,200,2\n"
	for row, costs := range map[string]int{
		"2026-11-01,2026-11-30,,30.01,300,3\n": 2, // the sum
		"2026-11-01,2026-11-30,,30.02,300,3\n": 2, // the sum of what was not rounded
		"2026-11-01,2026-11-30,,30.05,300,3\n": 3,
		"2026-11-01,2026-11-30,,30.01,299,3\n": 3,
		"2026-11-01,2026-11-30,,10.01,,\n":     3,
	} {
		for _, text := range []string{head + row + campaigns, head + campaigns + row} {
			n := 0
			for _, err := range spreadsheet.Costs(mustOpen(t, text, spreadsheet.Options{})) {
				if err == nil {
					n++
				}
			}
			if n != costs {
				t.Errorf("%q: %d costs, want %d", row, n, costs)
			}
		}
	}
}

// TestEntityOfCosts: one for a day, source, campaign and account, whatever stands
// in their names, and never one for two.
func TestEntityOfCosts(t *testing.T) {
	parts := []string{"a", "b:c", "b", "c:", "x@y", "x%40y", "", "Осень"}
	seen := map[string]bool{}
	var sums spreadsheet.CostSums
	n := 0
	for _, source := range parts {
		for _, campaign := range parts {
			for _, account := range parts {
				row := spreadsheet.CostRow{Day: "2026-11-01", Source: source, Campaign: campaign, Account: account}
				sums.Add(row, false)
				sums.Add(row, false)
				n++
			}
		}
	}
	if err := sums.Each(time.UTC, func(ev event.Event, rows []spreadsheet.Row) bool {
		if seen[ev.Entity] || len(rows) != 2 || strings.Contains(ev.Entity, "@") {
			t.Errorf("entity %q of %d rows, seen %v", ev.Entity, len(rows), seen[ev.Entity])
		}
		seen[ev.Entity] = true
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != n {
		t.Errorf("%d entities, want %d", len(seen), n)
	}
}
