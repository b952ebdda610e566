package lib_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

const shop = "../testdata/shop"

// delivery is one file of testdata/shop/requests.
type delivery struct {
	name string
	at   time.Time
	*http.Request
}

func deliveries(t *testing.T) []delivery {
	t.Helper()
	files, err := filepath.Glob(shop + "/requests/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests: %v", err)
	}
	slices.Sort(files)
	var all []delivery
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := bytes.Cut(text, []byte("\n\n"))
		if !ok {
			t.Fatalf("%s: no empty line after the headers", file)
		}
		line, headers, _ := strings.Cut(string(head), "\n")
		var method, target string
		if _, err := fmt.Sscanf(line, "%s %s HTTP/1.1", &method, &target); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		d := delivery{name: filepath.Base(file), Request: httptest.NewRequest(method, target, bytes.NewReader(body))}
		for header := range strings.SplitSeq(headers, "\n") {
			key, value, _ := strings.Cut(header, ": ")
			d.Header.Set(key, value)
		}
		if d.at, err = time.Parse(time.RFC3339, d.Header.Get("Date")); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// machine is the whole system over one store, with a clock that a test sets.
type machine struct {
	now   time.Time
	store objstore.Store
	in    *webhook.Handler
	steps *pipeline.Pipeline
	pages http.Handler
	token string
}

func newMachine(t *testing.T, store objstore.Store) *machine {
	t.Helper()
	m := &machine{now: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), store: store}
	configuration, err := os.ReadFile(shop + "/config/leadlake.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), config.Key, configuration); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return m.now }
	log := logtest.New(t)
	m.in, err = webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(store, now, 0).Config, Sink: lake.Sink{Raw: lake.NewGroup(store)}, Now: now, Logger: log,
		Secret: func(context.Context, string) (string, error) { return "the till of the coffee shop", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.steps, err = pipeline.New(pipeline.Config{Store: store, Now: now, Logger: log, TokenKey: []byte("a token key of the flow test....")})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := portal.NewAuth(portal.AuthConfig{Issuer: "leadlake", Audience: "portal", Now: now, Signer: ed25519.NewKeyFromSeed(make([]byte, 32))})
	if err != nil {
		t.Fatal(err)
	}
	if m.pages, err = m.steps.PortalHandler(t.Context(), pipeline.PortalConfig{Auth: auth}); err != nil {
		t.Fatal(err)
	}
	m.now = time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	if m.token, _, err = auth.Issue(portal.Account{Name: "owner", Role: portal.Owner}, "a-session"); err != nil {
		t.Fatal(err)
	}
	return m
}

// send posts a delivery and returns the status of the answer.
func (m *machine) send(d delivery) int {
	m.now = d.at
	w := httptest.NewRecorder()
	m.in.ServeHTTP(w, d.Request)
	return w.Code
}

func (m *machine) page(t *testing.T, path string) (int, []byte) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	r.AddCookie(&http.Cookie{Name: "id", Value: m.token})
	w := httptest.NewRecorder()
	m.pages.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, body
}

func TestTheShopFromWebhookToDownload(t *testing.T) {
	directory, err := filestore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = directory.Close() })
	for name, store := range map[string]objstore.Store{"memory": new(objstore.Mem), "directory": directory} {
		t.Run(name, func(t *testing.T) { walk(t, newMachine(t, store)) })
	}
}

func walk(t *testing.T, m *machine) {
	statuses := map[string]int{
		"30-till-sends-broken-json.http": 400, "31-till-sends-no-status.http": 422, "32-till-with-a-wrong-key.http": 401,
	}
	compact := func() (total pipeline.CompactReport) {
		t.Helper()
		report, err := m.steps.Compact(t.Context(), pipeline.CompactRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	all := deliveries(t)
	var sum pipeline.CompactReport
	night := time.Date(2026, 11, 21, 0, 30, 0, 0, time.UTC)
	for i, d := range all {
		if d.at.After(night) {
			break
		}
		want := 200
		if status, ok := statuses[d.name]; ok {
			want = status
		}
		if got := m.send(d); got != want {
			t.Errorf("%s: answered %d, want %d", d.name, got, want)
		}
		if i%7 == 6 {
			tally(&sum, compact())
		}
	}
	m.now = night
	tally(&sum, compact())
	// 35 requests before the night. One has a wrong key, one is an order sent twice under
	// its id, which lies in raw once: 33 deliveries. Clicked twice: 1 duplicate. A form without contact, an id with another
	// total, broken JSON, an unknown status: 4 failed. One test of Tilda's: 1 ping. The
	// other 27 are one event each but for a batch of two: 28.
	if got, want := (lake.CompactReport{Deliveries: sum.Deliveries, Events: sum.Events, Pings: sum.Pings, Failed: sum.Failed, Duplicates: sum.Duplicates}),
		(lake.CompactReport{Deliveries: 33, Events: 28, Pings: 1, Failed: 4, Duplicates: 1}); got != want {
		t.Errorf("compaction = %+v, want %+v", got, want)
	}
	check, err := m.steps.CheckLedger(t.Context())
	if err != nil || check.Err() != nil || check.Deliveries != 33 || check.Waiting != 0 {
		t.Errorf("CheckLedger = %+v, %v, want 33 deliveries that balance", check, err)
	}

	report, err := m.steps.Analyse(t.Context(), pipeline.NightRequest{})
	if err != nil {
		t.Fatal(err)
	}
	checkNight(t, report)
	checkClients(t, m)
	checkExports(t, m, all)
}

func tally(sum *pipeline.CompactReport, r pipeline.CompactReport) {
	sum.Deliveries += r.Deliveries
	sum.Events += r.Events
	sum.Pings += r.Pings
	sum.Failed += r.Failed
	sum.Duplicates += r.Duplicates
}

func checkNight(t *testing.T, got pipeline.NightReport) {
	t.Helper()
	// Purchases: Anna 1000 + 500 + 700 = 2200; Boris 3270 − 270 shipping = 3000; Vera
	// 900 − 400 returned = 500; Zhanna 1500; Kira 400 + 450 = 850; Lev's 10 USD without a
	// rate; 250 without a client. Gleb cancelled, Dina returned all of it, Anna's order 13
	// is of the 21st in Moscow. 10 purchases of 6 buyers; 2200 + 3000 + 500 + 1500 + 850 +
	// 250 = 8300 roubles. Leads: Anna, Boris, Egor, Zhanna, Igor.
	want := pipeline.NightReport{
		Run: got.Run, AsOf: "2026-11-20", InForce: true, Leads: 5, Clients: 10, Buyers: 6, Orders: 10, RevenueMinor: 830000,
		Currency: "RUB", Segments: got.Segments,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Analyse (-want +got):\n%s", diff)
	}
	members := int64(0)
	for _, segment := range []string{"champions", "loyal", "growing", "new", "big_new", "cooling_valuable", "steady", "cooling_once", "cant_lose", "dormant", "lost"} {
		members += got.Segments[segment]
	}
	if got.Segments["buyers"] != 6 || members != 6 {
		t.Errorf("segments = %v, want 6 buyers and each of them in one segment of the playbook", got.Segments)
	}
}

func checkClients(t *testing.T, m *machine) {
	t.Helper()
	run, err := lake.Current(t.Context(), m.store)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := lake.ReadRunTable[schema.ClientRow](t.Context(), m.store, run)
	if err != nil {
		t.Fatal(err)
	}
	client := func(contact string) schema.ClientRow {
		t.Helper()
		token, err := m.steps.TokenOf(t.Context(), contact)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.ClientID == string(token) || slices.Contains(row.Aliases, string(token)) {
				return row
			}
		}
		t.Fatal("a person is no client")
		return schema.ClientRow{}
	}
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	type figures struct {
		orders, revenue               int64
		recency, code, ads, lifecycle string
	}
	// R: the last purchases are 0 (Anna), 2 (Kira, Lev), 6 (Zhanna) and 8 (Boris, Vera)
	// days ago; sorted 0 2 2 6 8 8 the type-7 quantiles at 1/3 and 2/3 stand at places
	// 5/3 and 10/3: 2 and 6 + 2/3 = 6.67. Exceeded: 0, 0, 0, 1, 2, 2: R 3 3 3 2 1 1.
	// F: 1 1 1 1 2 3: bounds 1 and 4/3; once gives 1, two and three purchases 3.
	// M in roubles: Lev 0, 500, 850, 1500, 2200, 3000: bounds 500 + 2/3 of 350 = 733.33 and
	// 1500 + 1/3 of 700 = 1733.33: Vera 1, Kira 2, Zhanna 2, Anna 3, Boris 3.
	for contact, want := range map[string]figures{
		"anna@kofe.ru":   {3, 220000, "0", "333", "given", "developing"},
		"+79161110002":   {1, 300000, "8", "113", "given", "working"},
		"vera@kofe.ru":   {1, 50000, "8", "111", "given", "working"},
		"+79161110004":   {0, 0, "-", "-", "", "lead"},
		"+79161110005":   {0, 0, "-", "-", "", "lead"},
		"+79161110006":   {0, 0, "-", "-", "withdrawn", "lead"},
		"zhanna@kofe.ru": {1, 150000, "6", "212", "given", "working"},
		"+79161110008":   {0, 0, "-", "-", "", "potential"},
		"kira@kofe.ru":   {2, 85000, "2", "332", "", "developing"},
	} {
		row := client(contact)
		got := figures{row.Orders, row.RevenueMinor, "-", text(row.RFMCode), row.Consents.Get("ads"), row.Lifecycle}
		if row.RecencyDays != nil {
			got.recency = strconv.FormatInt(*row.RecencyDays, 10)
		}
		if got != want {
			t.Errorf("client %s: %+v, want %+v", contact[len(contact)-4:], got, want)
		}
	}
	if kira, phone := client("kira@kofe.ru"), client("+79161110009"); kira.ClientID != phone.ClientID {
		t.Error("one external id with an e-mail and a phone is two clients, want one")
	}
	if boris := client("+79161110002"); text(boris.City) != "Тула" || text(boris.BirthMonthDay) != "02-01" {
		t.Errorf("profile of the 20th: city %s, birthday %s, want Тула, 02-01", text(boris.City), text(boris.BirthMonthDay))
	}
}

func checkExports(t *testing.T, m *machine, all []delivery) {
	t.Helper()
	report, err := m.steps.Export(t.Context(), pipeline.ExportRequest{Consent: "box under the form"})
	if err != nil {
		t.Fatal(err)
	}
	var bundle pipeline.BundleReport
	for _, b := range report.Bundles {
		excluded := 0
		for _, n := range b.Manifest.Excluded {
			excluded += n
		}
		if b.Manifest.Members != b.Manifest.Clients+excluded {
			t.Errorf("%s for %s: %d members, %d in files, %d left out", b.Manifest.Segment, b.Manifest.Platform, b.Manifest.Members, b.Manifest.Clients, excluded)
		}
		if b.Manifest.Segment == "buyers" && b.Manifest.Platform == "csv" {
			bundle = b
		}
		if b.Manifest.Platform == "yandex" && b.Manifest.Refused == nil {
			t.Errorf("%s for Yandex has a file of %d people, its minimum is 100", b.Manifest.Segment, b.Manifest.Clients)
		}
	}
	// Six buyers: Anna, Boris, Vera and Zhanna gave consent to ads, Kira and Lev said nothing.
	if got := bundle.Manifest; got.Members != 6 || got.Clients != 4 || !maps.Equal(got.Excluded, map[audience.Reason]int{audience.ReasonNoConsent: 2}) {
		t.Errorf("buyers: %d members, %d written, left out %v; want 6, 4 and 2 without consent", got.Members, got.Clients, got.Excluded)
	}
	path := "/exports/" + bundle.ID + "/contacts.csv"
	if got, want := names(t, m, path), []string{"Анна Смирнова", "Борис", "Вера", "Жанна"}; !slices.Equal(got, want) {
		t.Errorf("downloaded %q, want %q", got, want)
	}

	// Zhanna unsubscribes and Kira agrees after the night: the next download is without
	// the one and not yet with the other.
	for _, d := range all[len(all)-2:] {
		if got := m.send(d); got != http.StatusOK {
			t.Errorf("%s: answered %d", d.name, got)
		}
	}
	if _, err := m.steps.Compact(t.Context(), pipeline.CompactRequest{}); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, m, path), []string{"Анна Смирнова", "Борис", "Вера"}; !slices.Equal(got, want) {
		t.Errorf("downloaded after the withdrawal %q, want %q", got, want)
	}
	if status, body := m.page(t, "/exports/"+bundle.ID+"/yandex_audience.csv"); status != http.StatusNotFound {
		t.Errorf("a file of another bundle: %d %s", status, body)
	}
	if rows, err := m.steps.CheckAudit(t.Context()); err != nil || rows != 2 {
		t.Errorf("CheckAudit = %d, %v, want two downloads", rows, err)
	}
	status, body := m.page(t, "/api/v1/night")
	var shown map[string]any
	if err := json.Unmarshal(body, &shown); err != nil || status != http.StatusOK || !strings.Contains(string(body), "2026-11-20") {
		t.Errorf("the night as JSON: %d, %v", status, err)
	}
	if status, body := m.page(t, "/"); status != http.StatusOK || !bytes.Contains(body, []byte("Кофейня")) {
		t.Errorf("the overview: %d", status)
	}
}

// names downloads a people's file and returns its column of full names, sorted.
func names(t *testing.T, m *machine, path string) []string {
	t.Helper()
	status, body := m.page(t, path)
	if status != http.StatusOK {
		t.Fatalf("GET %s = %d %s", path, status, body)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "Имя полностью")
	if column < 0 {
		t.Fatalf("no column of full names in %q", rows[0])
	}
	var found []string
	for _, row := range rows[1:] {
		found = append(found, row[column])
	}
	slices.Sort(found)
	return found
}
