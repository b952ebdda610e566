package pipeline_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// drop puts a file into the inbox and lets it settle.
func (w *world) drop(key, text string) {
	w.Helper()
	if _, err := w.store.Put(w.Context(), "inbox/"+key, []byte(text)); err != nil {
		w.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
}

// keys lists what stands below a prefix.
func (w *world) keys(prefix string) []string {
	w.Helper()
	return slices.Sorted(maps.Keys(w.objects(prefix)))
}

func (w *world) reasons() map[string]int {
	w.Helper()
	counts := map[string]int{}
	days, err := lake.Days(w.Context(), w.store, lake.DeliveriesPrefix)
	if err != nil {
		w.Fatal(err)
	}
	for _, day := range days {
		for _, row := range table[schema.DeliveryRow](w, lake.DeliveriesPrefix+day+"/part-0000.parquet") {
			if row.Outcome == schema.OutcomeFailed {
				counts[row.Source+" "+row.Reason]++
			}
		}
	}
	return counts
}

const someOrders = "Номер заказа;Дата заказа;Телефон;Клиент;Сумма, руб.;Статус;Цвет\n" +
	"1001;20.10.2026;8 916 222-00-01;Анна Иванова;1 234,50;Выполнен;синий\n" +
	"1002;21.10.2026;8 916 222-00-02;Пётр Петров;900,00;Отменён;\n" +
	"1003;32.10.2026;8 916 222-00-03;Без Даты;10,00;Выполнен;\n" +
	"1004;22.10.2026;;;10,00;Выполнен;\n" +
	"1005;23.10.2026;8 916 222-00-05;;сто;Выполнен;\n" +
	"1006;24.10.2026;8 916 222-00-06;;50,00;На согласовании у юриста;\n" +
	";;;;;;\n" +
	"Итого;;;;2 194,50;;\n"

func TestADroppedFileBecomesDeliveries(t *testing.T) {
	w := newWorld(t)
	w.drop("orders/Заказы.csv", someOrders)
	report := w.compact()
	if diff := cmp.Diff(pipeline.InboxReport{Files: 1, Stored: 6}, report.Inbox); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"events": 2, "failed": 4}, w.outcomes()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{
		"inbox-orders row_date": 1, "inbox-orders row_no_client": 1, "inbox-orders row_amount": 1, "inbox-orders row_status": 1,
	}, w.reasons()); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if check, err := w.CheckLedger(t.Context()); err != nil || check.Err() != nil || check.Deliveries != 6 || check.Waiting != 0 {
		t.Errorf("CheckLedger = %+v, %v, want 6 deliveries in balance", check, err)
	}
	got := map[string]string{}
	for _, ev := range w.events() {
		got[ev.OrderID] = fmt.Sprint(ev.Kind, " ", ev.Status, " ", *ev.TotalMinor, " ", ev.Shop, " ", ev.At.Format(time.DateOnly))
	}
	// 20 October 00:00 in Moscow is 19 October in UTC.
	if diff := cmp.Diff(map[string]string{
		"1001": "order completed 123450 inbox 2026-10-19", "1002": "order cancelled 90000 inbox 2026-10-20",
	}, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"inbox/done/orders/Заказы.csv", "inbox/done/orders/Заказы.csv.report.json", "inbox/register/orders.ids",
	}, w.keys("inbox/")); diff != "" {
		t.Errorf("inbox holds (-want +got):\n%s", diff)
	}
	if body := w.objects("inbox/done/orders/Заказы.csv")["inbox/done/orders/Заказы.csv"]; body != someOrders {
		t.Error("the finished file is not what was dropped")
	}
	for _, row := range table[schema.ContactRow](w, lake.ContactsPrefix+lake.Day(w.now)+"/part-0000.parquet") {
		if row.Name == "Анна Иванова" {
			if diff := cmp.Diff([]schema.Pair{{Key: "Цвет", Value: "синий"}}, row.Attributes.Pairs); diff != "" {
				t.Errorf("unused columns (-want +got):\n%s", diff)
			}
		}
	}
	var told pipeline.SheetReport
	if err := json.Unmarshal([]byte(w.objects("inbox/done/orders/Заказы.csv.report.json")["inbox/done/orders/Заказы.csv.report.json"]), &told); err != nil {
		t.Fatal(err)
	}
	if told.Records != 6 || told.Stored != 6 || told.Faults["row_status"] != 1 || len(told.Faults) != 4 {
		t.Errorf("report = %+v", told)
	}
}

func TestTheSameFileChangesNothing(t *testing.T) {
	for kind, text := range map[string]string{
		"orders":  someOrders,
		"leads":   "Дата;Телефон;Имя\n20.10.2026;89162220001;Анна\n20.10.2026;89162220001;Анна\nчушь;89162220001;Анна\nчушь;89162220001;Анна\n",
		"costs":   "day,source,campaign,cost,clicks\n2026-10-20,yandex,a,100.00,5\n2026-10-20,yandex,a,50.00,\n2026-10-20,vk,b,70.00,1\n",
		"clients": "Имя;Телефон;Город\nАнна;89162220001;Москва\nПётр;89162220002;\n",
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.drop(kind+"/first.csv", text)
			first := w.compact()
			if first.Inbox.Files != 1 || first.Inbox.Stored == 0 {
				t.Fatalf("first import: %+v", first.Inbox)
			}
			before, raw := w.objects("lake/"), w.keys("raw/")
			// Again, renamed, in another character set, and long after compaction has forgotten.
			w.drop(kind+"/first.csv", text)
			w.drop(kind+"/second.csv", "\xef\xbb\xbf"+text)
			again := w.compact()
			w.now = w.now.AddDate(0, 0, 60)
			w.drop(kind+"/third.csv", strings.ReplaceAll(text, "\n", "\r\n"))
			late := w.compact()
			if again.Inbox.Files != 2 || again.Inbox.Stored != 0 || late.Inbox.Files != 1 || late.Inbox.Stored != 0 {
				t.Errorf("again: %+v, late: %+v", again.Inbox, late.Inbox)
			}
			if diff := cmp.Diff(raw, w.keys("raw/")); diff != "" {
				t.Errorf("raw (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before, w.objects("lake/")); diff != "" {
				t.Error("the lake has changed")
			}
		})
	}
}

func TestAppendedRowsAreNewAndOldOnesAreNot(t *testing.T) {
	w := newWorld(t)
	head := "Дата;Телефон;Сумма\n"
	w.drop("orders/a.csv", head+"20.10.2026;89162220001;10,00\n20.10.2026;89162220001;10,00\n")
	w.compact()
	w.now = w.now.AddDate(0, 2, 0)
	w.drop("orders/b.csv", head+"21.10.2026;89162220002;20,00\n20.10.2026;89162220001;10,00\n20.10.2026;89162220001;10,00\n20.10.2026;89162220001;10,00\n")
	if report := w.compact(); report.Inbox.Stored != 2 || report.Inbox.Known != 2 {
		t.Errorf("inbox = %+v, want the new row and the third equal one stored", report.Inbox)
	}
	orders := map[string]bool{}
	for _, ev := range w.events() {
		orders[ev.OrderID] = true
	}
	if len(orders) != 4 {
		t.Errorf("%d orders, want 4", len(orders))
	}
}

// TestALaterExportChangesTheOrder: the file says when an order was made and not
// when it was paid, so the statements have one time and the later file must win.
func TestALaterExportChangesTheOrder(t *testing.T) {
	head := "id;date;phone;total;status\n"
	for _, totals := range [][2]string{{"100.00", "250.00"}, {"250.00", "100.00"}} {
		w := newWorld(t)
		w.drop("orders/a.csv", head+"1;2026-10-20;89162220001;"+totals[0]+";paid\n")
		w.compact()
		w.now = w.now.Add(time.Hour)
		w.drop("orders/a.csv", head+"1;2026-10-20;89162220001;"+totals[1]+";paid\n")
		w.compact()
		w.now = w.now.AddDate(0, 0, 1)
		w.night("")
		want, _, _ := strings.Cut(totals[1], ".")
		if got := rows[schema.ClientRow](w)[0].RevenueMinor; strconv.FormatInt(got, 10) != want+"00" {
			t.Errorf("%v: revenue %d, want that of the later file", totals, got)
		}
		if n := len(w.keys("inbox/done/orders/")); n != 4 {
			t.Errorf("%d objects in done, want both files with their reports: %q", n, w.keys("inbox/done/orders/"))
		}
	}
}

func TestLinesOfOneOrderAreOneStatement(t *testing.T) {
	w := newWorld(t)
	w.drop("orders/lines.csv", "Номер;Дата;Телефон;Товар;Сумма\n"+
		"7;20.10.2026;89162220001;Чай;100,00\n8;20.10.2026;89162220002;Кофе;50,00\n7;20.10.2026;89162220001;Мёд;30,00\n")
	if report := w.compact(); report.Inbox.Stored != 2 {
		t.Errorf("inbox = %+v, want one delivery an order", report.Inbox)
	}
	for _, ev := range w.events() {
		if ev.OrderID == "7" && (*ev.TotalMinor != 13000 || len(ev.Items) != 2) {
			t.Errorf("order 7: total %d with %d items", *ev.TotalMinor, len(ev.Items))
		}
	}
}

func TestAStageOfALeadMovesOn(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + "  - {name: inbox-leads, kind: spreadsheet, stages: {новая: lead, визит: visited}}\n")
	head := "ID;Дата создания;Телефон;Стадия;Ответственный\n"
	w.drop("leads/a.csv", head+"5;20.10.2026;89162220001;новая;Ольга\n")
	w.drop("leads/b.csv", head+"5;20.10.2026;89162220001;визит;Ирина\n")
	w.compact()
	got := map[string]int{}
	for _, ev := range w.events() {
		got[ev.Kind+" "+ev.Stage+" "+ev.Manager]++
	}
	if diff := cmp.Diff(map[string]int{"lead  ": 1, "stage lead Ольга": 1, "stage visited Ирина": 1}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if failed := w.reasons(); len(failed) != 0 {
		t.Errorf("failed: %v", failed)
	}
}

func TestClientsBringConsentsNoYoungerThanThemselves(t *testing.T) {
	w := newWorld(t)
	w.drop("clients/base.csv", "ID,Имя,Телефон,Теги,Дата регистрации,consent_ads\n77,Анна,89162220001,\"вип, кофе\",2025-01-02,да\n")
	w.compact()
	ev := w.events()[0]
	if ev.Kind != "profile" || ev.ExternalID != "77" || ev.Shop != "inbox" || !slices.Equal(ev.Tags, []string{"вип", "кофе"}) {
		t.Errorf("event = %+v", ev)
	}
	if len(ev.Consents) != 1 || ev.Consents[0].At.Format(time.DateOnly) != "2025-01-01" || !ev.Consents[0].Given {
		t.Errorf("consents = %+v, want a yes of midnight in Moscow of 2 January 2025", ev.Consents)
	}
}

func TestAConfigurationSaysWhatWordsMean(t *testing.T) {
	w := newWorld(t)
	w.configure(shopConfig + `
  - name: inbox-orders
    kind: spreadsheet
    shop: till
    map: {date: Оплачено}
    orders: {"на согласовании у юриста": new, выполнен: paid}
`)
	text := strings.Replace(someOrders, "Дата заказа", "Оплачено", 1)
	w.drop("orders/a.csv", text)
	w.compact()
	got := map[string]string{}
	for _, ev := range w.events() {
		got[ev.OrderID] = ev.Status + " " + ev.Shop
	}
	if diff := cmp.Diff(map[string]string{"1001": "paid till", "1002": "cancelled till", "1006": "new till"}, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

// TestWhatFailedComesInAgainOnceItIsUnderstood: nothing has to be run again by
// hand but the file.
func TestWhatFailedComesInAgainOnceItIsUnderstood(t *testing.T) {
	w := newWorld(t)
	w.drop("orders/a.csv", someOrders)
	w.compact()
	w.configure(shopConfig + "  - {name: inbox-orders, kind: spreadsheet, orders: {На согласовании у юриста: new}}\n")
	w.drop("orders/a.csv", someOrders)
	if report := w.compact(); report.Inbox.Stored != 1 || report.Events != 1 {
		t.Errorf("%+v, want the one order that is understood now", report)
	}
}

func TestAFileThatIsNotUnderstoodIsPutAside(t *testing.T) {
	for _, tt := range []struct{ key, text, reason string }{
		{"orders/empty.csv", "  \n", "unreadable"},
		{"orders/old.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "unreadable"},
		{"orders/zip.xlsx", "PK\x03\x04 and no more", "unreadable"},
		{"orders/dates.csv", "id,date,phone,amount\n1,01/02/2026,89162220001,10\n", "ambiguous"},
		{"orders/columns.csv", "id,when,phone,amount\n1,2026-01-02,89162220001,10\n", "column_missing"},
		{"leads/purpose.csv", "phone,consent_everything\n89162220001,yes\n", "wrong_option"},
		{"sales/a.csv", someOrders, "unknown_folder"},
		{"a.csv", someOrders, "unknown_folder"},
	} {
		t.Run(tt.key, func(t *testing.T) {
			w := newWorld(t)
			w.drop(tt.key, tt.text)
			if report := w.compact(); report.Inbox != (pipeline.InboxReport{Failed: 1}) {
				t.Errorf("inbox = %+v", report.Inbox)
			}
			aside := w.objects("inbox/")
			if len(aside) != 2 {
				t.Fatalf("inbox holds %q", w.keys("inbox/"))
			}
			for key, body := range aside {
				if !strings.HasPrefix(key, "inbox/failed/") {
					t.Errorf("%s is not aside", key)
				}
				if strings.HasSuffix(key, ".error.json") {
					if !strings.Contains(body, `"reason": "`+tt.reason+`"`) || strings.Contains(body, "8916") {
						t.Errorf("told: %s", body)
					}
				} else if body != tt.text {
					t.Errorf("%s is not what was dropped", key)
				}
			}
			if raw := w.keys("raw/"); len(raw) != 0 {
				t.Errorf("raw holds %q", raw)
			}
		})
	}
}

func TestAnAnswerBesideTheFileIsTaken(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.Put(t.Context(), "inbox/orders/d.csv.options.json", []byte(`{"date": "mdy", "map": "date=when"}`)); err != nil {
		t.Fatal(err)
	}
	w.drop("orders/d.csv", "id,when,phone,amount\n1,01/02/2026,89162220001,10\n")
	w.compact()
	if ev := w.events(); len(ev) != 1 || ev[0].At.Format(time.DateOnly) != "2026-01-01" {
		t.Errorf("events = %+v, want one of 2 January in Moscow", ev)
	}
	if left := w.keys("inbox/orders/"); len(left) != 0 {
		t.Errorf("left in the inbox: %q", left)
	}
	w.drop("orders/e.csv.options.json", `{"dates": "mdy"}`)
	w.drop("orders/e.csv", "id,date,phone,amount\n1,2026-01-02,89162220001,10\n")
	if report := w.compact(); report.Inbox.Failed != 1 {
		t.Errorf("options with an unknown key: %+v", report.Inbox)
	}
}

func TestAFileIsLeftToSettle(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.Put(t.Context(), "inbox/orders/a.csv", []byte(someOrders)); err != nil {
		t.Fatal(err)
	}
	if report := w.compact(); report.Inbox != (pipeline.InboxReport{Waiting: 1}) {
		t.Errorf("at once: %+v", report.Inbox)
	}
	w.now = w.now.Add(11 * time.Second)
	if report := w.compact(); report.Inbox.Files != 1 {
		t.Errorf("after a while: %+v", report.Inbox)
	}
}

func TestNobodyPostsToTheInbox(t *testing.T) {
	w := newWorld(t)
	w.post("inbox-orders", `{"id": "x"}`)
	if raw := w.keys("raw/"); len(raw) != 0 {
		t.Errorf("a post was stored: %q", raw)
	}
}

// unicodeText is what spreadsheet programs save as "Unicode text".
func unicodeText(text string) string {
	body := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(text)) {
		body = append(body, byte(unit), byte(unit>>8))
	}
	return string(body)
}

func TestAnErasedPersonOfAFileIsNowhere(t *testing.T) {
	w := newWorld(t)
	w.drop("leads/wide.txt", unicodeText("Телефон\tИмя\tДата\n89163330001\tАнна\t20.10.2026\n89163330002\tПётр\t20.10.2026\n"))
	w.drop("leads/plain.csv", "Телефон;Имя;Дата\n8 (916) 333-00-01;Анна;чушь\n8 (916) 333-00-02;Пётр;21.10.2026\n")
	w.compact()
	w.erase("+7 916 333-00-01")
	stays := 0
	for key, body := range w.objects("") {
		text := plain(t, body)
		if strings.HasPrefix(body, "\xff\xfe") {
			text = strings.ReplaceAll(body, "\x00", "")
		}
		for _, trace := range []string{"9163330001", "333-00-01", "Анна"} {
			if strings.Contains(text, trace) {
				t.Errorf("%s still shows the person", key)
			}
		}
		if strings.Contains(text, "333-00-02") {
			stays++
		}
	}
	if stays < 2 {
		t.Errorf("who stays is seen in %d objects, want the finished file and raw at least", stays)
	}
	// The same file again brings nobody back.
	w.now = w.now.AddDate(0, 2, 0)
	w.drop("leads/plain.csv", "Телефон;Имя;Дата\n8 (916) 333-00-01;Анна;чушь\n8 (916) 333-00-02;Пётр;21.10.2026\n")
	if report := w.compact(); report.Inbox.Stored != 0 {
		t.Errorf("after the erasure: %+v", report.Inbox)
	}
}

// TestFinishedFilesGoWithRawDeliveries: they hold the same people.
func TestFinishedFilesGoWithRawDeliveries(t *testing.T) {
	w := newWorld(t)
	w.drop("orders/a.csv", someOrders)
	w.drop("orders/b.csv", "no table")
	w.compact()
	w.now = w.now.AddDate(0, 0, 29)
	w.erase("+7 916 000-00-00")
	if left := w.keys("inbox/"); len(left) != 5 {
		t.Errorf("after 29 days: %q", left)
	}
	w.now = w.now.AddDate(0, 0, 2)
	w.erase("+7 916 000-00-00")
	if diff := cmp.Diff([]string{"inbox/register/orders.ids"}, w.keys("inbox/")); diff != "" {
		t.Errorf("after 31 days (-want +got):\n%s", diff)
	}
}
