package spreadsheet_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/leadlake/leadlake/lib/spreadsheet"
)

func TestDates(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text  string
		order spreadsheet.DateOrder
		sheet bool
		want  string // UTC; empty = refused
		day   bool
	}{
		{"2026-11-20", "", false, "2026-11-19T21:00:00Z", true}, // Moscow is UTC+3
		{"20261120", "", false, "2026-11-19T21:00:00Z", true},
		{"20.11.2026", "dmy", false, "2026-11-19T21:00:00Z", true},
		{"20.11.26", "dmy", false, "2026-11-19T21:00:00Z", true},
		{"11/20/2026", "mdy", false, "2026-11-19T21:00:00Z", true},
		{"11/20/2026", "dmy", false, "", false},
		{"05/06/2026", "", false, "", false},
		{"2026/11/20 10:15", "", false, "2026-11-20T07:15:00Z", false},
		{"20.11.2026 10:15:30", "dmy", false, "2026-11-20T07:15:30Z", false},
		{"20.11.2026, 10:15", "dmy", false, "2026-11-20T07:15:00Z", false},
		{"20.11.2026 в 9:05", "dmy", false, "2026-11-20T06:05:00Z", false},
		{"11/20/2026 9:05 PM", "mdy", false, "2026-11-20T18:05:00Z", false},
		{"11/20/2026 12:05 a.m.", "mdy", false, "2026-11-19T21:05:00Z", false},
		{"2026-11-20T10:15:00+05:00", "", false, "2026-11-20T05:15:00Z", false},
		{"2026-11-20T10:15:00.250Z", "", false, "2026-11-20T10:15:00.25Z", false},
		{"20 ноября 2026 г.", "", false, "2026-11-19T21:00:00Z", true},
		{"20 ноября 2026 г. 10:15", "", false, "2026-11-20T07:15:00Z", false},
		{"Nov 20, 2026", "", false, "2026-11-19T21:00:00Z", true},
		{"20-Nov-26", "", false, "2026-11-19T21:00:00Z", true},
		{"1763628900", "", false, "2025-11-20T08:55:00Z", false},
		{"46346", "", true, "2026-11-19T21:00:00Z", true}, // serial 46346 = 2026-11-20
		{"46346.4270833333", "", true, "2026-11-20T07:15:00Z", false},
		{"46346", "", false, "", false},
		{"2026", "", true, "", false},
		{"31.02.2026", "dmy", false, "", false},
		{"20.11", "dmy", false, "", false},
		{"20.11.2026 25:00", "dmy", false, "", false},
		{"20.11.2026 10:15 и ещё", "dmy", false, "", false},
		{"завтра", "", false, "", false},
		{"", "", false, "", false},
	}
	for _, tt := range tests {
		at, day, ok := spreadsheet.ReadDate(tt.text, tt.order, tt.sheet, moscow)
		got := ""
		if ok {
			got = at.Format(time.RFC3339Nano)
		}
		if got != tt.want || day != tt.day {
			t.Errorf("date %q (%s) = %q, day only %v, want %q, %v", tt.text, tt.order, got, day, tt.want, tt.day)
		}
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		text  string
		style spreadsheet.DecimalStyle
		want  string // empty = refused
		unit  string
	}{
		{"1234.56", "", "1234.56", ""},
		{"1234,56", "", "1234.56", ""},
		{"1 234,56 ₽", "", "1234.56", "₽"},
		{"1\u00a0234\u202f567,5 руб.", "", "1234567.5", "РУБ"},
		{"1.234,56", "", "1234.56", ""},
		{"1,234.56", "", "1234.56", ""},
		{"1'234.56", "", "1234.56", ""},
		{"1.234.567", "", "1234567", ""},
		{"(12.00)", "", "-12.00", ""},
		{"−5", "", "-5", ""},
		{"5-", "", "-5", ""},
		{"$1,200.50", "", "1200.50", "$"},
		{"USD 7", "", "7", "USD"},
		{"0,500", "", "0.500", ""},
		{"1,234", "comma", "1.234", ""},
		{"1,234", "point", "1234", ""},
		{"1.234", "comma", "1234", ""},
		{"1,234", "", "", ""},
		{".5", "", "0.5", ""},
		{"12 34", "", "", ""},
		{"1,23,456.00", "", "", ""},
		{"5-6", "", "", ""},
		{"2 x 500", "", "", ""},
		{"10%", "", "", ""},
		{"1e5", "", "", ""},
		{"руб", "", "", ""},
		{"(5", "", "", ""},
		{"", "", "", ""},
	}
	for _, tt := range tests {
		got, unit, ok := spreadsheet.ReadNumber(tt.text, tt.style)
		if !ok {
			got, unit = "", ""
		}
		if got != tt.want || unit != tt.unit {
			t.Errorf("number %q (%s) = %q %q, want %q %q", tt.text, tt.style, got, unit, tt.want, tt.unit)
		}
	}
}

func TestStoredNumbersOfSheets(t *testing.T) {
	for text, want := range map[string]string{
		"7.9995551111E10":     "79995551111",
		"1001.0":              "1001",
		"8270.1000000000004":  "8270.1",
		"0.30000000000000004": "0.3",
		"8270.5":              "8270.5",
		"1E5":                 "1E5", // a code of goods
		"10.11.2026":          "10.11.2026",
		"v1.0":                "v1.0",
		"1.0000000000E400":    "1.0000000000E400",
	} {
		if got := spreadsheet.TidyNumber(text); got != want {
			t.Errorf("stored number %q = %q, want %q", text, got, want)
		}
	}
}

// TestHeadersLeadToTheirFields holds that no header of the table is taken by
// another field, and that spelling does not matter.
func TestHeadersLeadToTheirFields(t *testing.T) {
	for _, tt := range []struct {
		kind   spreadsheet.Kind
		header string
		want   spreadsheet.Field
	}{
		{spreadsheet.OrdersFile, "номерзаказа", spreadsheet.OrderID},
		{spreadsheet.OrdersFile, "телефон", spreadsheet.Phone},
		{spreadsheet.OrdersFile, "датарождения", spreadsheet.BirthDate},
		{spreadsheet.OrdersFile, "согласиенарекламу", "consent_ads"},
		{spreadsheet.LeadsFile, "статус", spreadsheet.Stage},
		{spreadsheet.CostsFile, "расход", spreadsheet.Amount},
		{spreadsheet.CostsFile, "impr", spreadsheet.Impressions},
	} {
		if got := spreadsheet.Synonyms(tt.kind)[tt.header]; got != tt.want {
			t.Errorf("%s header %q leads to %q, want %q", tt.kind, tt.header, got, tt.want)
		}
	}
}
