package lake_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// noon is the middle of the tests' first day.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const settings = `
business: {currency: RUB, timezone: Europe/Moscow}
sources:
  - {name: site, kind: json, secrets: [env:S]}
  - {name: crm, kind: json, secrets: [env:S], shop: main}
  - {name: forms, kind: form}
  - {name: app, kind: segment, secrets: [env:S], options: {Lead: lead}}
  - {name: chat, kind: intercom, secrets: [env:S]}
`

func key() identity.Key { return identity.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

// numbers reads +7 and ten digits, enough for a test: the real reader has tests
// of its own.
type numbers struct{}

func (numbers) Parse(raw, _ string) (identity.Phone, bool) {
	return identity.Phone(raw), strings.HasPrefix(raw, "+7") && len(raw) == 12
}

func (n numbers) ParseAll(raw, country string) ([]identity.PhoneNumber, []string) {
	if number, ok := n.Parse(raw, country); ok {
		return []identity.PhoneNumber{{Phone: number}}, nil
	}
	return nil, []string{raw}
}

// world is one store with a clock, its configuration and a compactor.
type world struct {
	t     *testing.T
	store objstore.Store
	cfg   *config.Config
	now   time.Time
	calls atomic.Int64
}

func newWorld(t *testing.T, store objstore.Store) *world {
	t.Helper()
	cfg, err := config.Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, store: store, cfg: cfg, now: noon}
}

func (w *world) compactor(store objstore.Store) *lake.Compactor {
	return lake.NewCompactor(lake.CompactorConfig{
		Store: store, Sources: func(context.Context) (*config.Config, error) { return w.cfg, nil },
		Refiner: lake.Refiner{Key: key(), Phones: numbers{}}, Now: func() time.Time { return w.now },
		Nonce: func() string { return fmt.Sprint("n", w.calls.Add(1)) }, Logger: logtest.New(w.t),
	})
}

// compact runs a compactor that remembers nothing of earlier ones.
func (w *world) compact() lake.CompactReport {
	w.t.Helper()
	report, err := w.compactor(w.store).Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// row is a delivery as ingest would store it; id may be empty.
func row(source, id, body string, at time.Time) schema.RawRow {
	return schema.RawRow{
		Key: webhook.RawKey(source, id, []byte(body), at), Source: source, HasID: id != "", ReceivedAt: at,
		Method: "POST", ContentType: "application/json", Body: []byte(body), Trusted: source != "forms",
	}
}

func (w *world) store1(rows ...schema.RawRow) {
	w.t.Helper()
	for _, r := range rows {
		if err := lake.NewRawWriter(w.store).Store(w.t.Context(), r); err != nil {
			w.t.Fatal(err)
		}
	}
}

// lead is a native lead; without an id it has none of its own.
func lead(id, phone string) string {
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	return fmt.Sprintf(`{%s"kind":"lead","client":{"phone":%q,"name":"Анна"}}`, id, phone)
}

func all[T schema.Row](w *world, prefix string) []T {
	w.t.Helper()
	days, err := lake.Days(w.t.Context(), w.store, prefix)
	if err != nil {
		w.t.Fatal(err)
	}
	var rows []T
	for _, day := range days {
		table, err := lake.ReadDay[T](w.t.Context(), w.store, prefix, day)
		if err != nil {
			w.t.Fatal(err)
		}
		rows = append(rows, table.Rows...)
	}
	return rows
}

func (w *world) events() []schema.EventRow { return all[schema.EventRow](w, lake.EventsPrefix) }

func (w *world) ledger() []schema.DeliveryRow {
	return all[schema.DeliveryRow](w, lake.DeliveriesPrefix)
}

func (w *world) failed() []schema.FailedRow { return all[schema.FailedRow](w, lake.FailedPrefix) }

func (w *world) contacts() []schema.ContactRow {
	return all[schema.ContactRow](w, lake.ContactsPrefix)
}

// outcomes lists the ledger's outcomes in the order of receipt.
func (w *world) outcomes() []string {
	w.t.Helper()
	rows := w.ledger()
	slices.SortStableFunc(rows, func(a, b schema.DeliveryRow) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.Outcome, b.Outcome))
	})
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = strings.TrimSuffix(r.Outcome+" "+r.Reason, " ")
	}
	return list
}

// balance is the ledger identity by id: every raw delivery has one line, every
// event of a line is in the lake once with a line of its own, and nothing else.
func (w *world) balance() {
	w.t.Helper()
	lines := map[string]int{}
	named := map[string]int{}
	for _, d := range w.ledger() {
		lines[d.RawObject+" "+d.Key]++
		if (d.Outcome == schema.OutcomeEvents) != (len(d.EventIDs) > 0) || len(d.EventIDs) != len(d.EventHashes) {
			w.t.Errorf("outcome %s with %d events", d.Outcome, len(d.EventIDs))
		}
		for _, id := range d.EventIDs {
			named[d.Source+" "+id+" "+d.RawObject]++
		}
	}
	for info, err := range w.store.List(w.t.Context(), lake.RawPrefix, "") {
		if err != nil {
			w.t.Fatal(err)
		}
		body, _, err := w.store.Get(w.t.Context(), info.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		rows, err := schema.Decode[schema.RawRow](body)
		if err != nil {
			w.t.Fatal(err)
		}
		received := map[string]int{}
		for _, r := range rows {
			received[strings.TrimPrefix(info.Key, "raw/")+" "+r.Key]++
		}
		for k, n := range received {
			if lines[k] != n {
				w.t.Errorf("%d ledger lines for %d deliveries of %s", lines[k], n, k)
			}
		}
	}
	for _, ev := range w.events() {
		named[ev.Source+" "+ev.EventID+" "+ev.RawObject]--
	}
	bytes := map[string]int{}
	for _, d := range w.ledger() {
		if d.Outcome == schema.OutcomeFailed || d.Outcome == schema.OutcomeEvents && d.Reason != "" {
			bytes[d.RawObject+" "+d.Key+" "+d.Reason]++
		}
	}
	for _, f := range w.failed() {
		bytes[f.RawObject+" "+f.Key+" "+f.Reason]--
	}
	for k, n := range bytes {
		if n != 0 {
			w.t.Errorf("%+d failed lines more than failed rows of %s", n, k)
		}
	}
	for k, n := range named {
		if n != 0 {
			w.t.Errorf("the ledger names event %s %+d times more than the lake has it", k, n)
		}
	}
}

// errBroken is what a faulty store answers.
var errBroken = errors.New("the network is down")

// faulty fails every write that fail picks, before it or after it happened.
type faulty struct {
	objstore.Store
	mu     sync.Mutex
	writes int
	fail   func(n int) (before, after bool)
}

func (f *faulty) step(write func() (objstore.Version, error)) (objstore.Version, error) {
	f.mu.Lock()
	f.writes++
	before, after := f.fail(f.writes)
	f.mu.Unlock()
	if before {
		return "", fmt.Errorf("%w: %w", objstore.ErrRefused, errBroken)
	}
	version, err := write()
	if after && err == nil {
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, errBroken)
	}
	return version, err
}

func (f *faulty) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	return f.step(func() (objstore.Version, error) { return f.Store.Create(ctx, key, body) })
}

func (f *faulty) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	return f.step(func() (objstore.Version, error) { return f.Store.Swap(ctx, key, body, old) })
}

func (f *faulty) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	return f.step(func() (objstore.Version, error) { return f.Store.Put(ctx, key, body) })
}

func (f *faulty) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	return objstore.Buffered(func(body []byte) (objstore.Version, error) { return f.Put(ctx, key, body) }), nil
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	_, err := f.step(func() (objstore.Version, error) { return "", f.Store.Delete(ctx, key) })
	return err
}
