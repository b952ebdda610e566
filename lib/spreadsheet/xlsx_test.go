package spreadsheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/leadlake/leadlake/lib/spreadsheet"
)

func workbook(t *testing.T, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var buf bytes.Buffer
	if err := f.Write(&buf); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func set(t *testing.T, f *excelize.File, sheet string, row int, cells ...any) {
	t.Helper()
	at, err := excelize.CoordinatesToCellName(1, row)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetSheetRow(sheet, at, &cells); err != nil {
		t.Fatal(err)
	}
}

func shopBook(t *testing.T) []byte {
	return workbook(t, func(f *excelize.File) {
		for _, name := range []string{"Заказы", "Прочее"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		set(t, f, "Заказы", 1, "Выгрузка за ноябрь")
		set(t, f, "Заказы", 3, "Номер заказа", "Дата", "Телефон", "Сумма", "Валюта", "Согласие на рекламу")
		set(t, f, "Заказы", 4, 1001, time.Date(2026, 11, 20, 10, 15, 0, 0, time.UTC), 79995551111, 8270.1, "RUB", true)
		set(t, f, "Заказы", 5, 1002, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), "8 999 555-22-22", 1e3/3, "руб.", "нет")
		set(t, f, "Заказы", 6, 1003, "22.11.2026", "8 999 555-33-33", "1 234,50", "RUB")
		set(t, f, "Заказы", 8, "Итого", nil, nil, 9000)
		set(t, f, "Прочее", 1, "заметка")
	})
}

func TestWorkbook(t *testing.T) {
	data := shopBook(t)
	table, err := spreadsheet.Open("shop.xlsx", bytes.NewReader(data), int64(len(data)), spreadsheet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if table.Sheet != "Заказы" || table.HeaderRow != 3 || cmp.Diff([]string{"Прочее"}, table.Others) != "" {
		t.Errorf("sheet %q, header in %d, others %q", table.Sheet, table.HeaderRow, table.Others)
	}
	rows, faults := orders(t, table)
	if len(faults) != 1 || !strings.Contains(faults[0], "row 8") {
		t.Errorf("faults = %q", faults)
	}
	type line struct {
		ID, At  string
		DayOnly bool
		Phone   string
		Minor   int64
		Consent []spreadsheet.Consent
	}
	var got []line
	for _, o := range rows {
		got = append(got, line{o.ID, o.At.Format(time.RFC3339), o.DayOnly, o.Person.Phones[0], o.Amount.Minor, o.Person.Consents})
	}
	want := []line{
		{"1001", "2026-11-20T10:15:00Z", false, "79995551111", 827010, []spreadsheet.Consent{{Purpose: "ads", Given: true}}},
		{"1002", "2026-11-21T00:00:00Z", true, "8 999 555-22-22", 33333, []spreadsheet.Consent{{Purpose: "ads", Given: false}}},
		{"1003", "2026-11-22T00:00:00Z", true, "8 999 555-33-33", 123450, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders differ (-want +got):\n%s", diff)
	}
}

func TestSheetByName(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		set(t, f, "Sheet1", 1, "note")
		if _, err := f.NewSheet("leads"); err != nil {
			t.Fatal(err)
		}
		set(t, f, "leads", 1, "Phone", "Date")
		set(t, f, "leads", 2, "+1 202 555 0100", "2026-11-20")
	})
	table, err := spreadsheet.Open("x.xlsx", bytes.NewReader(data), int64(len(data)), spreadsheet.Options{Sheet: "leads"})
	if err != nil {
		t.Fatal(err)
	}
	if table.Kind != spreadsheet.LeadsFile || cmp.Diff([]string{"Sheet1"}, table.Others) != "" {
		t.Errorf("kind %s, others %q", table.Kind, table.Others)
	}
	_, err = spreadsheet.Open("x.xlsx", bytes.NewReader(data), int64(len(data)), spreadsheet.Options{Sheet: "clients"})
	if !errors.Is(err, spreadsheet.ErrOption) || !strings.Contains(err.Error(), `"leads"`) {
		t.Errorf("unknown sheet = %v", err)
	}
}

func TestWorkbookRefusals(t *testing.T) {
	archive := func(files map[string]string) []byte {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		for name, text := range files {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	damaged := shopBook(t)
	damaged = damaged[:len(damaged)/2]
	tests := []struct {
		name string
		data []byte
		says string
	}{
		{"empty", workbook(t, func(*excelize.File) {}), "no cells"},
		{"bomb", archive(map[string]string{"xl/workbook.xml": strings.Repeat(" ", 5<<20)}), "more than 1 MiB"},
		{"OpenDocument", archive(map[string]string{"content.xml": "<x/>"}), "OpenDocument"},
		{"other archive", archive(map[string]string{"orders.csv": "1"}), "no workbook"},
		{"no parts", archive(map[string]string{"xl/workbook.xml": "<x"}), ""},
		{"cut", damaged, "cut off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := spreadsheet.Open("x.xlsx", bytes.NewReader(tt.data), int64(len(tt.data)), spreadsheet.Options{MaxUnzipped: 1 << 20})
			if !errors.Is(err, spreadsheet.ErrFormat) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open = %v, want ErrFormat with %q", err, tt.says)
			}
		})
	}
}
