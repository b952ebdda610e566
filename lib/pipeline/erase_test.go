package pipeline_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/parquet-go/parquet-go"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// plain is everything an object shows: its bytes, and for Parquet each value of
// each column and the footer, so that statistics and metadata are seen, too.
func plain(t *testing.T, body string) string {
	t.Helper()
	if !strings.HasPrefix(body, "PAR1") {
		return body
	}
	file, err := parquet.OpenFile(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		buffer := make([]parquet.Row, 64)
		for {
			n, err := reader.ReadRows(buffer)
			for _, row := range buffer[:n] {
				for _, value := range row {
					text.WriteString(value.String() + "\n")
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return text.String() + body
}

// traces are the ways in which a person of the test could still be seen.
func (w *world) traces(i int) []string {
	w.Helper()
	number, mail := fmt.Sprintf("7916333%04d", i), fmt.Sprintf("client%d@kofe.ru", i)
	all := []string{number[1:], fmt.Sprintf("333-%02d-%02d", i/100, i%100), mail, strings.ReplaceAll(mail, "@", "%40"), fmt.Sprintf("C-%d\n", i), fmt.Sprintf("Familia%d.", i)}
	for _, form := range []string{number, "+" + number, mail} {
		m, s := md5.Sum([]byte(form)), sha256.Sum256([]byte(form))
		all = append(all, hex.EncodeToString(m[:]), hex.EncodeToString(s[:]))
	}
	for _, contact := range []string{"+" + number, mail} {
		token, err := w.TokenOf(w.Context(), contact)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, string(token))
	}
	key := identity.NewKey([]byte("a token key that tests share"))
	return append(all, string(key.External("till", fmt.Sprintf("C-%d", i))))
}

// seen lists the objects that show a person, without the suppression list.
func (w *world) seen(i int, objects map[string]string) []string {
	w.Helper()
	var keys []string
	traces := w.traces(i)
	for key, text := range objects {
		if strings.HasPrefix(key, lake.SuppressPrefix) {
			continue
		}
		lower := strings.ToLower(text)
		for _, trace := range traces {
			if strings.Contains(lower, strings.ToLower(trace)) {
				keys = append(keys, key)
				break
			}
		}
	}
	slices.Sort(keys)
	return keys
}

func (w *world) everything() map[string]string {
	w.Helper()
	all := w.objects("")
	for key, body := range all {
		all[key] = plain(w.T, body)
	}
	return all
}

// plant puts 50 people everywhere a person can be.
func plant(t *testing.T) *world {
	w := newWorld(t)
	w.configure(shopConfig + "exports: [{segment: buyers, platforms: [google, yandex], hashed: true}]\n")
	for i := range 50 {
		number, mail := fmt.Sprintf("7916333%04d", i), fmt.Sprintf("client%d@kofe.ru", i)
		spelled := fmt.Sprintf("8+(916)+333-%02d-%02d", i/100, i%100)
		w.post("site", "phone="+spelled+"&name=Familia"+strconv.Itoa(i)+".&email="+strings.ReplaceAll(mail, "@", "%40"))
		client := fmt.Sprintf(`"phone": "+%s", "external_id": "C-%d"`, number, i)
		w.post("till", sale(fmt.Sprintf("o%d", i), "paid", "2026-11-01T12:00:00+03:00", client, "100.00"))
		w.post("till", fmt.Sprintf(`{"id": "c%d", "kind": "contact", "at": "2026-11-01T13:00:00+03:00", "client": {"email": "%s"}, "contact": {"channel": "chat", "text": "call me: %s"}}`, i, mail, number))
		w.post("till", fmt.Sprintf(`{"broken": "%s", "phone": "%s"`, mail, number)) // failed
		w.now = w.now.Add(1e9)
	}
	var batch, failed []string
	for i := range 50 {
		batch = append(batch, fmt.Sprintf(`{"id": "b%d", "kind": "profile", "at": "2026-11-01T14:00:00+03:00", "client": {"phone": "+7916333%04d", "city": "Tula"}}`, i, i))
		failed = append(failed, fmt.Sprintf(`{"kind": "order", "client": {"phone": "8916333%04d"}}`, i))
	}
	w.post("till", "["+strings.Join(batch, ",")+"]")
	w.post("till", strings.Join(failed, "\n"))
	w.compact()
	var csv strings.Builder
	csv.WriteString("phone;email\n")
	for i := range 50 {
		fmt.Fprintf(&csv, "8 916 333-%02d-%02d;CLIENT%d@kofe.ru\n", i/100, i%100, i)
	}
	for key, body := range map[string]string{
		"inbox/done/leads/summer.csv": csv.String(), "inbox/done/one.txt": "client3@kofe.ru", "inbox/done/other.txt": "client30@kofe.ru",
	} {
		if _, err := w.store.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	w.now = at("2026-11-02T04:00:00Z")
	w.night("")
	var log []schema.AssignmentRow
	for i, row := range rows[schema.ClientRow](w) {
		log = append(log, schema.AssignmentRow{ClientID: row.ClientID, Held: i%5 == 0, SinceDay: "2026-11-02"})
	}
	w.assign("vk", "buyers", log...)
	w.export()
	for _, b := range w.export().Bundles {
		if b.Manifest.Segment == "buyers" && b.Manifest.Platform == "csv" {
			if _, err := w.Export(t.Context(), pipeline.ExportRequest{HandoverRequest: pipeline.HandoverRequest{Bundle: b.ID, File: "contacts.csv"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A download that was rendered anew.
	body := w.objects(lake.AudiencesPrefix + "asof=2026-11-01/buyers/csv/")["audiences/asof=2026-11-01/buyers/csv/contacts.csv"]
	if _, err := w.store.Put(t.Context(), lake.AudiencesPrefix+"downloads/x/contacts.csv", []byte(body)); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestErasedPeopleAreNowhereAndOthersComplete(t *testing.T) {
	w := plant(t)
	before := w.everything()
	for _, prefix := range []string{
		"raw/", "lake/events/", "lake/contacts/", "lake/failed/", "lake/orders/", "lake/people/", "gold/clients/", "gold/segments/", "gold/abc/",
		"audiences/asof=2026-11-01/buyers/csv/", "audiences/asof=2026-11-01/buyers/google/", "audiences/downloads/", "audiences/holdout/", "inbox/",
	} {
		if !slices.ContainsFunc(w.seen(3, before), func(key string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("the plant shows nobody under %s: the scan would prove nothing", prefix)
		}
	}
	totals := w.night("")
	gone := []int{3, 11, 22, 33, 44}
	for i, who := range gone {
		contact := fmt.Sprintf("8 916 333-00-%02d", who)
		if i%2 == 1 {
			contact = fmt.Sprintf("Client%d@kofe.ru", who)
		}
		report := w.erase(contact)
		if len(report.Acts) != 1 || report.Acts[0].State != "done" || report.Acts[0].Tokens != 3 {
			t.Fatalf("erase %d: acts %+v, want one, done, with three tokens (phone, e-mail, external id)", who, report.Acts)
		}
		if rows := report.Acts[0].Rows; rows["lake/events"] != 4 || rows["lake/contacts"] != 4 || rows["raw"] < 5 || rows["lake/failed"] != 2 || rows["lake/orders"] != 1 {
			t.Errorf("erase %d: rows %v, want 4 events, 4 contacts, 2 failed, 1 order and all of raw", who, rows)
		}
	}
	check := func(when string) {
		t.Helper()
		after := w.everything()
		for _, who := range gone {
			if keys := w.seen(who, after); len(keys) > 0 {
				t.Fatalf("%s: person %d is still seen in %q", when, who, keys)
			}
		}
		for who := range 50 {
			if slices.Contains(gone, who) {
				continue
			}
			for _, key := range w.seen(who, before) {
				if strings.HasPrefix(key, "raw/") || strings.HasPrefix(key, "lake/") || strings.HasPrefix(key, "inbox/") || strings.HasPrefix(key, "audiences/holdout/") {
					if text := after[key]; !slices.Contains(w.seen(who, map[string]string{key: text}), key) {
						t.Fatalf("%s: person %d, who stays, is gone from %s", when, who, key)
					}
				}
			}
		}
	}
	check("after the erasure")
	if got := w.outcomes(); got["events"]+got["failed"]+got["erased"] != 202 || got["erased"] != 5*4 {
		t.Errorf("outcomes = %v, want 202 in all, 20 of them erased", got)
	}
	w.now = w.now.AddDate(0, 0, 1)
	next := w.night("")
	if next.Orders != totals.Orders || next.RevenueMinor != totals.RevenueMinor || next.Clients != totals.Clients-5 || next.Buyers != totals.Buyers-5 {
		t.Errorf("after: %d orders, %d, %d clients; before: %d, %d, %d; want the same totals and five clients fewer",
			next.Orders, next.RevenueMinor, next.Clients, totals.Orders, totals.RevenueMinor, totals.Clients)
	}
	w.export()
	check("after the next night and export")
	stored := w.objects("")
	delete(stored, "config/token_key.json")
	if report := w.erase(""); len(report.Acts) != 0 || report.Again != nil {
		t.Errorf("the second run found %+v", report)
	}
	again := w.objects("")
	delete(again, "config/token_key.json")
	if !maps.Equal(stored, again) {
		t.Error("a run that found nothing to erase wrote something")
	}
	if checked, err := w.CheckLedger(t.Context()); err != nil || checked.Err() != nil || checked.Waiting != 0 {
		t.Errorf("CheckLedger = %+v, %v", checked, err)
	}
	for key, body := range w.objects(lake.ErasuresPrefix) {
		if strings.HasSuffix(key, "request.json") && strings.Contains(body, `"tokens": [`) {
			t.Errorf("%s keeps tokens after it was carried out", key)
		}
	}
}

func TestWhoWasErasedIsSuppressedUntilHeComesBack(t *testing.T) {
	w := newWorld(t)
	lead := "phone=89163330001&email=client1%40kofe.ru"
	w.post("site", lead)
	w.compact()
	w.now = w.now.AddDate(0, 0, 1)
	w.erase("client1@kofe.ru")
	redeliver := func() {
		t.Helper()
		w.post("site", lead)
		w.compact()
		w.erase("")
	}
	redeliver()
	if got := w.outcomes(); got["suppressed"] != 1 || got["erased"] != 1 {
		t.Errorf("the same lead a day later: %v, want it suppressed", got)
	}
	if keys := w.seen(1, w.everything()); len(keys) > 0 {
		t.Errorf("the suppressed delivery is still seen in %q", keys)
	}
	// Broken bytes cannot be told apart by compaction; the next run finds them.
	w.post("till", `{"phone": "8 (916) 333-00-01"`)
	w.compact()
	if report := w.erase(""); report.Again["lake/failed"] != 1 {
		t.Errorf("a broken delivery of the person: found %v, want one under lake/failed", report.Again)
	}
	if keys := w.seen(1, w.everything()); len(keys) > 0 {
		t.Errorf("the broken delivery is still seen in %q", keys)
	}
	w.now = w.now.AddDate(0, 0, 36)
	redeliver()
	if got := w.outcomes(); got["events"] != 1 {
		t.Errorf("36 days later: %v, want a lead again", got)
	}
	if report := w.erase("+79163330001"); report.Acts[0].Rows["lake/events"] != 1 {
		t.Errorf("erased again: %+v, want one event", report.Acts[0])
	}
	w.now = w.now.Add(1e9)
	w.post("till", `{"id": "n1", "kind": "lead", "at": "`+w.now.Add(1e9).Format("2006-01-02T15:04:05Z")+`", "client": {"phone": "89163330001"}, "consents": [{"purpose": "processing", "given": true}]}`)
	w.compact()
	if got := w.outcomes(); got["events"] != 1 {
		t.Errorf("a new processing consent: %v, want a lead again", got)
	}
}

func TestWhoSharesAPhoneIsNotErasedWithIt(t *testing.T) {
	w := newWorld(t)
	// Twelve people left their office's number: it is shared by more than ten names.
	for i := range 12 {
		w.post("till", fmt.Sprintf(`{"id": "s%d", "kind": "lead", "client": {"phones": ["+7916333%04d", "+74951234567"], "name": "Person %d"}}`, i, i, i))
	}
	w.compact()
	report := w.erase("+79163330004")
	if rows := report.Acts[0].Rows; report.Acts[0].Tokens != 1 || rows["lake/events"] != 1 || rows["lake/contacts"] != 1 || rows["raw"] != 1 {
		t.Errorf("act %+v, want one token and one event, contact and delivery", report.Acts[0])
	}
}

func TestAnEmailInsideAnotherIsAnotherPerson(t *testing.T) {
	w := newWorld(t)
	for _, mail := range []string{"anna@kofe.ru", "joanna@kofe.ru", "anna@kofe.ru.com"} {
		w.post("till", `{"broken": "`+mail+`"`)
	}
	w.post("site", "email=anna@kofe.ru")
	w.compact()
	w.erase("anna@kofe.ru")
	var left []string
	for _, row := range table[schema.FailedRow](w, lake.FailedPrefix+"2026-11-01/part-0000.parquet") {
		left = append(left, string(row.Body))
	}
	slices.Sort(left)
	if want := []string{`{"broken": "anna@kofe.ru.com"`, `{"broken": "joanna@kofe.ru"`}; !slices.Equal(left, want) {
		t.Errorf("failed deliveries left: %q, want %q", left, want)
	}
}

func TestAnUnknownContactGivesAnEmptyAct(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89163330001")
	w.compact()
	report := w.erase("nobody@kofe.ru")
	if len(report.Acts) != 1 || len(report.Acts[0].Rows) != 0 || report.Acts[0].Tokens != 1 {
		t.Errorf("acts %+v, want one without rows", report.Acts)
	}
	var act pipeline.Act
	body := w.objects(lake.ErasuresPrefix + report.Acts[0].Request)[lake.ErasuresPrefix+report.Acts[0].Request+"/act.json"]
	if err := json.Unmarshal([]byte(body), &act); err != nil || act.Request != report.Acts[0].Request || len(act.Searched) == 0 {
		t.Errorf("stored act %q, %v", body, err)
	}
	if _, err := w.Erase(t.Context(), pipeline.EraseRequest{Contact: "neither"}); !errors.Is(err, pipeline.ErrContact) {
		t.Errorf("erase of no contact: %v, want ErrContact", err)
	}
}

func TestOnlyAVerifiedRequestIsActedOn(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		w.post("site", fmt.Sprintf("phone=8916333%04d&email=client%d%%40kofe.ru", i, i))
	}
	w.compact()
	ask := func(source string, i int) {
		w.post(source, fmt.Sprintf(`{"id": "e%d", "kind": "erase", "at": "2026-11-01T12:00:00Z", "client": {"phone": "+7916333%04d"}}`, i, i))
	}
	ask("till", 0) // anybody may post there
	ask("crm", 1)
	ask("crm", 2)
	if report := w.erase(""); len(report.Acts) != 0 { // not merged yet, so nobody has asked
		t.Errorf("acts %+v before compaction", report.Acts)
	}
	w.compact()
	report := w.erase("")
	if len(report.Acts) != 2 {
		t.Fatalf("acts %+v, want those of the two verified requests", report.Acts)
	}
	for _, act := range report.Acts {
		// The lead and the request itself, both anonymous now.
		if act.Tokens != 2 || act.Rows["lake/events"] != 2 || act.Rows["lake/contacts"] != 2 || act.By != "crm" {
			t.Errorf("act %+v, want two tokens, events and contacts", act)
		}
	}
	everything := w.everything()
	for i, want := range []bool{true, false, false, true} {
		if got := len(w.seen(i, everything)) > 0; got != want {
			t.Errorf("person %d is seen: %t, want %t", i, got, want)
		}
	}
}

func TestPagesForgetAsSoonAsTheStoreDoes(t *testing.T) {
	w := buyers(t, 3)
	before, err := w.NightOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.open("a token key that tests share").Erase(t.Context(), pipeline.EraseRequest{Contact: "+" + number(1)}); err != nil {
		t.Fatal(err)
	}
	after, err := w.NightOf(t.Context())
	if err != nil || before.Summary.Clients != 3 || after.Summary.Clients != 2 {
		t.Errorf("pages show %d clients, then %d, %v; want 3 and 2", before.Summary.Clients, after.Summary.Clients, err)
	}
}

func TestAnInterruptedErasureIsFinished(t *testing.T) {
	begin := newWorld(t)
	begin.post("site", "phone=89163330001&email=client1%40kofe.ru")
	begin.post("till", sale("o1", "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330001"`, "100.00"))
	begin.post("till", `{"broken": "8 916 333 00 01"`)
	begin.compact()
	begin.now = at("2026-11-02T04:00:00Z")
	begin.night("")
	begin.export()
	for fail := 1; ; fail++ {
		w := begin.copied()
		flaky := &failing{Store: w.store, left: fail}
		p, err := pipeline.New(pipeline.Config{Store: flaky, Now: w.clock, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Erase(t.Context(), pipeline.EraseRequest{Contact: "client1@kofe.ru"})
		if err == nil && flaky.left > 0 {
			if fail < 8 {
				t.Errorf("an erasure wrote %d times only", fail-1)
			}
			return // every write has failed once
		}
		contact := "client1@kofe.ru"
		if len(w.objects(lake.ErasuresPrefix)) > 0 {
			contact = "" // the request was put down: the next run goes on
		}
		w.erase(contact)
		if keys := w.seen(1, w.everything()); len(keys) > 0 {
			t.Errorf("interrupted at write %d and run again: still seen in %q", fail, keys)
		}
	}
}

// failing refuses one write.
type failing struct {
	objstore.Store
	mu   sync.Mutex
	left int
}

func (f *failing) refuse() error {
	f.mu.Lock() // buckets are written side by side
	defer f.mu.Unlock()
	if f.left--; f.left == 0 {
		return fmt.Errorf("write: %w", objstore.ErrRefused)
	}
	return nil
}

func TestANightThatRanDuringAnErasureBringsNobodyBack(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89163330001&email=client1%40kofe.ru")
	w.post("till", sale("o1", "paid", "2026-11-01T12:00:00+03:00", `"phone": "+79163330001"`, "100.00"))
	w.post("site", "phone=89163330002")
	w.compact()
	w.now = at("2026-11-02T04:00:00Z")
	// The person is erased at each of the night's first writes in turn.
	for n := 1; n <= 20; n++ {
		u := w.copied()
		during := &meanwhile{Store: u.store, left: n, do: func() { u.erase("client1@kofe.ru") }}
		p, err := pipeline.New(pipeline.Config{Store: during, Now: u.clock, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Analyse(t.Context(), pipeline.NightRequest{}); err != nil {
			t.Fatalf("erased at write %d: %v", n, err)
		}
		if during.left > 0 {
			u.erase("client1@kofe.ru") // the night wrote less than that
		}
		run, err := lake.Current(t.Context(), u.store)
		if err != nil {
			t.Fatal(err)
		}
		inForce := map[string]string{}
		for _, file := range run.Tables {
			inForce[file.Key] = plain(t, u.objects(file.Key)[file.Key])
		}
		if keys := u.seen(1, inForce); len(keys) > 0 {
			t.Errorf("erased at write %d: the run in force shows him in %q", n, keys)
		}
		u.erase("") // tables of the attempt that was given up
		if keys := u.seen(1, u.everything()); len(keys) > 0 {
			t.Errorf("erased at write %d: seen in %q after the next clean-up", n, keys)
		}
		if !bytes.Contains([]byte(fmt.Sprint(u.seen(2, u.everything()))), []byte("lake/people")) {
			t.Errorf("erased at write %d: the other client is gone", n)
		}
	}
}
