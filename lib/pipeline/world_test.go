package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

const shopConfig = `
business: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: en}
sources:
  - {name: till, kind: json}
  - {name: crm, kind: json, secrets: [env:CRM]}
  - name: site
    kind: form
    consents: [{purpose: ads, always: true, text_version: "1"}]
  - name: quiz
    kind: form
    consents: [{purpose: ads, field: agree, equals: "yes"}]
`

const crmSecret = "the secret of the CRM in tests"

// world is one shop over a store in memory, with a clock that a test sets.
type world struct {
	*testing.T
	now   time.Time
	store *objstore.Mem
	in    *webhook.Handler
	*pipeline.Pipeline
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, now: at("2026-11-01T09:00:00Z"), store: &objstore.Mem{}}
	w.store.Now = w.clock
	w.configure(shopConfig)
	var err error
	w.in, err = webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(w.store, w.clock, 0).Config, Sink: lake.Sink{Raw: lake.NewRawWriter(w.store)},
		Secret: func(context.Context, string) (string, error) { return crmSecret, nil }, Now: w.clock, Logger: logtest.New(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Pipeline = w.open("a token key that tests share")
	return w
}

// copied is a world of its own that begins where w stands.
func (w *world) copied() *world {
	w.Helper()
	c := &world{T: w.T, now: w.now, store: &objstore.Mem{}}
	c.store.Now = c.clock
	for key, body := range w.objects("") {
		if _, err := c.store.Put(w.Context(), key, []byte(body)); err != nil {
			w.Fatal(err)
		}
	}
	c.Pipeline = c.open("a token key that tests share")
	return c
}

func (w *world) clock() time.Time { return w.now }

func (w *world) open(key string) *pipeline.Pipeline {
	w.Helper()
	p, err := pipeline.New(pipeline.Config{Store: w.store, Now: w.clock, Logger: logtest.New(w.T), TokenKey: []byte(key)})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) configure(text string) {
	w.Helper()
	if _, err := w.store.Put(w.Context(), config.Key, []byte(text)); err != nil {
		w.Fatal(err)
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// post delivers a body; the till speaks JSON, the others forms.
func (w *world) post(source, body string) {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, "/in/"+source, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if source == "till" || source == "crm" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Leadlake-Key", crmSecret)
	}
	answer := httptest.NewRecorder()
	w.in.ServeHTTP(answer, r)
	if answer.Code >= 500 {
		w.Fatalf("POST /in/%s = %d %s", source, answer.Code, answer.Body)
	}
	if answer.Header().Get("Content-Type") == "application/problem+json" {
		logtest.Expect(w, "the problem that answers "+source, answer.Body.String())
	}
}

func (w *world) compact() pipeline.CompactReport {
	w.Helper()
	report, err := w.Compact(w.Context(), pipeline.CompactRequest{})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

func (w *world) night(asOf string) pipeline.NightReport {
	w.Helper()
	report, err := w.Analyse(w.Context(), pipeline.NightRequest{AsOf: asOf})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

func (w *world) export() pipeline.ExportReport {
	w.Helper()
	report, err := w.Export(w.Context(), pipeline.ExportRequest{})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

func (w *world) erase(contact string) pipeline.EraseReport {
	w.Helper()
	report, err := w.Erase(w.Context(), pipeline.EraseRequest{Contact: contact, By: "owner"})
	if err != nil {
		w.Fatal(err)
	}
	return report
}

// objects is every object of the store below a prefix.
func (w *world) objects(prefix string) map[string]string {
	w.Helper()
	all := map[string]string{}
	for info, err := range w.store.List(w.Context(), prefix, "") {
		if err != nil {
			w.Fatal(err)
		}
		body, _, err := w.store.Get(w.Context(), info.Key)
		if err != nil {
			w.Fatal(err)
		}
		all[info.Key] = string(body)
	}
	return all
}

// gold is the tables of the run in force by name, without those that the order
// of arrival may change.
func (w *world) gold() map[string]string {
	w.Helper()
	run, err := lake.Current(w.Context(), w.store)
	if err != nil {
		w.Fatal(err)
	}
	tables := map[string]string{}
	for name, file := range run.Tables {
		if name != "ledger" && name != "quality" {
			tables[name] = file.SHA256
		}
	}
	return tables
}

func table[T schema.Row](w *world, key string) []T {
	w.Helper()
	t, err := lake.ReadTable[T](w.Context(), w.store, key)
	if err != nil {
		w.Fatal(err)
	}
	return t.Rows
}

func rows[T schema.Row](w *world) []T {
	w.Helper()
	run, err := lake.Current(w.Context(), w.store)
	if err != nil {
		w.Fatal(err)
	}
	rows, err := lake.ReadRunTable[T](w.Context(), w.store, run)
	if err != nil {
		w.Fatal(err)
	}
	return rows
}

// events are all events of the lake, sorted as they are stored.
func (w *world) events() []schema.EventRow {
	w.Helper()
	days, err := lake.Days(w.Context(), w.store, lake.EventsPrefix)
	if err != nil {
		w.Fatal(err)
	}
	var all []schema.EventRow
	for _, day := range days {
		all = append(all, table[schema.EventRow](w, lake.EventsPrefix+day+"/part-0000.parquet")...)
	}
	return all
}

func (w *world) outcomes() map[string]int {
	w.Helper()
	counts := map[string]int{}
	days, err := lake.Days(w.Context(), w.store, lake.DeliveriesPrefix)
	if err != nil {
		w.Fatal(err)
	}
	for _, day := range days {
		for _, row := range table[schema.DeliveryRow](w, lake.DeliveriesPrefix+day+"/part-0000.parquet") {
			counts[row.Outcome]++
		}
	}
	return counts
}

// sale is an order statement of the till.
func sale(order, status, when, client, total string) string {
	return fmt.Sprintf(`{"id": "%s/%s", "kind": "order", "at": "%s", "client": {%s}, "order": {"id": "%s", "status": "%s", "total": "%s", "items": [{"sku": "S%c", "category": "c", "sum": "%s"}]}}`,
		order, status, when, client, order, status, total, order[len(order)-1], total)
}

// month is what a shop hears in November: each delivery with its time.
func month(seed uint64, people int) (times []time.Time, bodies []string) {
	random := rand.New(rand.NewPCG(seed, 0))
	begin := at("2026-11-01T00:00:00Z")
	type said struct {
		at   time.Time
		body string
	}
	var all []said
	add := func(when time.Time, body string) { all = append(all, said{when, body}) }
	for i := range people {
		client := fmt.Sprintf(`"phone": "+7916222%04d"`, i)
		if i%3 == 0 {
			client += fmt.Sprintf(`, "email": "p%d@kofe.ru", "name": "Person %d"`, i, i)
		}
		first := begin.Add(time.Duration(random.IntN(25*24)) * time.Hour)
		add(first, fmt.Sprintf(`{"id": "lead-%d", "kind": "lead", "at": "%s", "client": {%s}, "consents": [{"purpose": "ads", "given": %t}]}`,
			i, first.Format(time.RFC3339), client, i%4 != 0))
		for k := range random.IntN(4) {
			paid := first.Add(time.Duration(random.IntN(96)) * time.Hour)
			order := fmt.Sprintf("%d-%d", i, k)
			total := fmt.Sprintf("%d.50", 100+random.IntN(5000))
			add(paid, sale(order, "paid", paid.Format(time.RFC3339), client, total))
			switch random.IntN(5) {
			case 0:
				add(paid.Add(30*time.Hour), fmt.Sprintf(`{"id": "%s/returned", "kind": "order", "at": "%s", "order": {"id": "%s", "status": "returned", "returned": "50.00"}}`, order, paid.Add(30*time.Hour).Format(time.RFC3339), order))
			case 1:
				add(paid.Add(5*time.Hour), fmt.Sprintf(`{"id": "%s/cancelled", "kind": "order", "at": "%s", "order": {"id": "%s", "status": "cancelled"}}`, order, paid.Add(5*time.Hour).Format(time.RFC3339), order))
			}
		}
	}
	slices.SortFunc(all, func(a, b said) int { return a.at.Compare(b.at) })
	for _, s := range all {
		times, bodies = append(times, s.at), append(bodies, s.body)
	}
	return times, bodies
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]pipeline.Config{
		"nothing":   {},
		"short key": {Store: new(objstore.Mem), Now: time.Now, Logger: logtest.New(t), TokenKey: []byte("short")},
	} {
		if _, err := pipeline.New(c); !errors.Is(err, pipeline.ErrConfig) {
			t.Errorf("New with %s: %v, want ErrConfig", name, err)
		}
	}
}

func TestAnotherTokenKeyIsRefusedByEveryStep(t *testing.T) {
	w := newWorld(t)
	w.post("site", "phone=89162220001")
	w.compact()
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	other := w.open("another key, as after a restore")
	for name, step := range map[string]func() error{
		"compact": func() error { _, err := other.Compact(t.Context(), pipeline.CompactRequest{}); return err },
		"night":   func() error { _, err := other.Analyse(t.Context(), pipeline.NightRequest{}); return err },
		"export":  func() error { _, err := other.Export(t.Context(), pipeline.ExportRequest{}); return err },
		"erase":   func() error { _, err := other.Erase(t.Context(), pipeline.EraseRequest{}); return err },
	} {
		if err := step(); !errors.Is(err, pipeline.ErrTokenKey) {
			t.Errorf("%s with another key: %v, want ErrTokenKey", name, err)
		}
	}
	if err := w.CheckTokenKey(t.Context()); err != nil {
		t.Errorf("the right key: %v", err)
	}
}
