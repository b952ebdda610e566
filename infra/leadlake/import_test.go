package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/schema"
)

const importTable = "Номер;Дата;Телефон;Сумма;Статус\n1;20.10.2026;8 999 555-11-11;1 234,50;Выполнен\n2;21.13.2026;8 999 555-22-22;10,00;Выполнен\n" +
	"3;22.10.2026;8 999 555-33-33;10,00;В раздумьях\nИтого;;;1 254,50;\n"

func importFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// dataFiles lists the files of a directory but keys and locks.
func dataFiles(t *testing.T, data string) []string {
	t.Helper()
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var keys []string
	for info, err := range store.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func TestADryRunShowsColumnsAndFaultsAndNoValues(t *testing.T) {
	sys := newSystem()
	if status := run(t.Context(), sys.system, []string{"import", "-dry-run", "-data", filepath.Join(t.TempDir(), "nowhere"), importFile(t, "Заказы.csv", importTable)}); status != exitDone {
		t.Fatalf("status %d: %s", status, sys.err.String())
	}
	out := sys.out.String()
	for _, want := range []string{
		`Заказы.csv: заказы, UTF-8, разделитель ";", заголовок в строке 1`, `order_id ← 1 "Номер"`, `date ← 2 "Дата" (DD.MM.YYYY)`, `phone ← 3 "Телефон"`,
		`amount ← 4 "Сумма" (1 234,56)`, "строк: 3, записей: 3, из них понятны: 1", "row_date: 1", "row_status: 1",
		`строка 3: row_date: column "Дата": this is not a date`, "строка 4: row_status", "-dry-run",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	for _, value := range []string{"555", "234,50 ", "раздумьях", "21.13"} {
		if strings.Contains(out+sys.err.String(), value) {
			t.Errorf("the output shows the value %q", value)
		}
	}
}

func TestImportAsksForWhatIsAmbiguous(t *testing.T) {
	path := importFile(t, "a.csv", "id,date,phone,total\n1,01/02/2026,89995551111,10\n")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-dry-run", path}, exitFailed, "-date dmy or -date mdy"},
		{[]string{"-dry-run", "-date", "dmy", path}, exitDone, ""},
		{[]string{"-dry-run", "-kind", "dances", path}, exitUsage, "orders, leads, costs, clients"},
		{[]string{"-dry-run", "-now", path}, exitUsage, "-now"},
		{[]string{"-dry-run", path + "x"}, exitFailed, "a.csvx"},
		{[]string{"-data", filepath.Join(t.TempDir(), "nowhere"), path}, exitFailed, "no store at"},
		{nil, exitUsage, "FILE"},
	} {
		sys := newSystem()
		if status := run(t.Context(), sys.system, append([]string{"import"}, c.args...)); status != c.status || !strings.Contains(sys.err.String(), c.says) {
			t.Errorf("import %q: status %d, %s; want %d and %q", c.args, status, sys.err.String(), c.status, c.says)
		}
	}
}

func TestImportWithNobodyServing(t *testing.T) {
	data := t.TempDir()
	path := importFile(t, "Заказы.csv", importTable)
	for round, want := range []string{"1 files, 3 new deliveries, 0 records known", "1 files, 0 new deliveries, 3 records known"} {
		sys := newSystem()
		if status := run(t.Context(), sys.system, []string{"import", "-now", "-json", "-data", data, path}); status != exitDone {
			t.Fatalf("round %d: status %d: %s", round, status, sys.err.String())
		}
		if !strings.Contains(sys.err.String(), want) {
			t.Errorf("round %d said %s, want %s", round, sys.err.String(), want)
		}
		var results []importResult
		if err := json.Unmarshal(sys.out.Bytes(), &results); err != nil {
			t.Fatal(err)
		}
		if len(results) != 1 || results[0].Kind != "orders" || results[0].Good != 1 || !results[0].Dropped {
			t.Errorf("round %d: %+v", round, results)
		}
	}
	var inbox []string
	for _, key := range dataFiles(t, data) {
		if strings.HasPrefix(key, "inbox/") {
			inbox = append(inbox, key)
		}
	}
	if diff := cmp.Diff([]string{"inbox/done/orders/Заказы.csv", "inbox/done/orders/Заказы.csv.report.json", "inbox/register/orders.ids"}, inbox); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
}

// TestImportReachesTheRunningServe: the directory belongs to serve, and the
// ledger is in order afterwards. A file dropped by hand is taken as well.
func TestImportReachesTheRunningServe(t *testing.T) {
	s := startServe(t)
	s.command(t, exitDone, "", "import", "-kind", "clients", importFile(t, "base.csv", "Имя;Телефон\nАнна;89995551111\n"))
	if keys := dataFiles(t, s.data); !slices.Contains(keys, "inbox/clients/base.csv") {
		t.Errorf("the file is not in the inbox: %q", keys)
	}
	s.command(t, exitDone, "", "invoke", "compact")
	store, err := filestore.OpenReadOnly(s.data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	days, err := lake.Days(t.Context(), store, lake.DeliveriesPrefix)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, day := range days {
		ledger, err := lake.ReadDay[schema.DeliveryRow](t.Context(), store, lake.DeliveriesPrefix, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range ledger.Rows {
			found = found || row.Source == "inbox-clients" && row.Outcome == schema.OutcomeEvents
		}
	}
	if !found {
		t.Error("no delivery of the source inbox-clients became an event")
	}
}
