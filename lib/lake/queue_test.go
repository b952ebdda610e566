package lake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// line is a queue in memory.
type line struct{ texts []string }

func (l *line) send(_ context.Context, text string) error {
	l.texts = append(l.texts, text)
	return nil
}

// batch hands out messages by number, as often and in the order asked for.
func (l *line) batch(numbers ...int) lake.Batch {
	var b lake.Batch
	for i, n := range numbers {
		b.Records = append(b.Records, lake.Message{ID: fmt.Sprintf("m%d-%d", n, i), Text: l.texts[n]})
	}
	return b
}

func take(t *testing.T, store objstore.Store, b lake.Batch) lake.BatchReport {
	t.Helper()
	report, err := lake.Consumer{Store: store, Logger: logtest.New(t)}.Take(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func rawKeys(t *testing.T, store objstore.Store) []string {
	t.Helper()
	var keys []string
	for info, err := range store.List(t.Context(), "raw/", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func TestABatchIsOneObjectADay(t *testing.T) {
	var l line
	store := &objstore.Mem{}
	queue := lake.NewQueue(store, l.send)
	var numbers []int
	for n := range 50 {
		at := noon.Add(time.Duration(n) * 30 * time.Minute) // across midnight
		if err := queue.Store(t.Context(), row("site", fmt.Sprint("d", n), lead("", "+79000000001"), at)); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if got := rawKeys(t, store); len(got) != 0 {
		t.Fatalf("the writer itself stored %v", got)
	}
	if report := take(t, store, l.batch(numbers...)); len(report.Failures) != 0 || report.Failures == nil {
		t.Errorf("failures %v, want an empty list", report.Failures)
	}
	keys := rawKeys(t, store)
	if len(keys) != 2 {
		t.Fatalf("objects %v, want one for each of two days", keys)
	}
	// Any order and every repetition of the same messages is the same object.
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		again := append(slices.Clone(numbers), numbers[:random.IntN(50)]...)
		random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		take(t, store, l.batch(again...))
	}
	if diff := cmp.Diff(keys, rawKeys(t, store)); diff != "" {
		t.Errorf("the same messages made other objects (-first +now):\n%s", diff)
	}
}

func TestOnlyWhatWasNotStoredComesAgain(t *testing.T) {
	var l line
	mem := &objstore.Mem{}
	queue := lake.NewQueue(mem, l.send)
	for n, at := range []time.Time{noon, noon.AddDate(0, 0, 1), noon} {
		if err := queue.Store(t.Context(), row("site", fmt.Sprint("d", n), lead("", "+79000000001"), at)); err != nil {
			t.Fatal(err)
		}
	}
	l.texts = append(l.texts, "a stranger's text with +79995551111", "raw2:AAAA")
	var log bytes.Buffer
	consumer := lake.Consumer{Store: &refusing{Store: mem, below: "raw/day=2026-03-11/"}, Logger: logtest.To(t, &log)}
	report, err := consumer.Take(t.Context(), l.batch(0, 3, 1, 4, 2))
	want := lake.BatchReport{Failures: []lake.BatchFailure{{ID: "m3-1"}, {ID: "m1-2"}, {ID: "m4-3"}}}
	if diff := cmp.Diff(want, report); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if keys := rawKeys(t, mem); len(keys) != 1 {
		t.Errorf("objects %v, want the one of the day that could be written", keys)
	}
	if strings.Contains(log.String(), "5551111") || !strings.Contains(log.String(), "m3-1") {
		t.Errorf("the log names not the message, or what it held: %s", log.String())
	}
	if _, err := consumer.Take(t.Context(), lake.Batch{}); err == nil {
		t.Error("an event that is no batch was taken for an empty one")
	}
	if _, err := consumer.Take(t.Context(), lake.Batch{Records: []lake.Message{{Text: l.texts[0]}}}); err == nil {
		t.Error("a message that cannot be named as failed was taken")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if report, err := consumer.Take(canceled, l.batch(0, 2)); err != nil || len(report.Failures) != 2 {
		t.Errorf("without time: %v, %v, want both to come again", report, err)
	}
}

// refusing is a store that takes nothing below a prefix.
type refusing struct {
	objstore.Store
	below string
}

func (s *refusing) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if strings.HasPrefix(key, s.below) {
		return "", objstore.ErrDenied
	}
	return s.Store.Create(ctx, key, body)
}

func TestWhatIsTooLargeForAMessageGoesToTheStore(t *testing.T) {
	noise := make([]byte, 300<<10)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, c := range map[string]struct {
		body string
		sent int
	}{
		"a lead":                              {lead("1", "+79000000001"), 1},
		"a megabyte that packs well":          {strings.Repeat(" ", 1<<20), 1},
		"300 KiB that do not":                 {string(noise), 0},
		"more than is unpacked, packing well": {strings.Repeat(" ", 5<<20), 0},
	} {
		var l line
		mem := &objstore.Mem{}
		r := row("site", "", c.body, noon)
		if err := lake.NewQueue(mem, l.send).Store(t.Context(), r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if stored := len(rawKeys(t, mem)); len(l.texts) != c.sent || stored != 1-c.sent {
			t.Errorf("%s: %d sent, %d stored", name, len(l.texts), stored)
		}
		for _, text := range l.texts {
			if len(text) > lake.MaxMessage {
				t.Errorf("%s: a message of %d bytes", name, len(text))
			}
			take(t, mem, l.batch(0))
		}
		w := newWorld(t, mem)
		w.compact()
		if rows := all[schema.DeliveryRow](w, lake.DeliveriesPrefix); len(rows) != 1 || rows[0].Key != r.Key {
			t.Errorf("%s: ledger %v", name, rows)
		}
	}
	down := errors.New("down")
	mem := &objstore.Mem{}
	err := lake.NewQueue(mem, func(context.Context, string) error { return down }).Store(t.Context(), row("site", "", "{}", noon))
	if !errors.Is(err, down) || len(rawKeys(t, mem)) != 0 {
		t.Errorf("a queue that is down: %v, want its error", err)
	}
}

// A batch that unpacks to far more than a function has memory for is stored in parts.
func TestABatchThatUnpacksToGigabytesIsStoredInParts(t *testing.T) {
	var l line
	mem := &objstore.Mem{}
	queue := lake.NewQueue(mem, l.send)
	var numbers []int
	for n := range 80 {
		r := row("site", fmt.Sprint("d", n), strings.Repeat(" ", 1<<20), noon)
		if err := queue.Store(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if report := take(t, mem, l.batch(numbers...)); len(report.Failures) != 0 {
		t.Errorf("failures %v", report.Failures)
	}
	if keys := rawKeys(t, mem); len(keys) != 3 {
		t.Errorf("%d objects, want 80 MB in parts of 32", len(keys))
	}
}

// The same deliveries, one object each or through a queue that repeats, reorders and
// regroups them, are the same lake.
func TestTheQueueMakesTheSameLakeAsDirectWriting(t *testing.T) {
	var rows []schema.RawRow
	for n := range 120 {
		at := noon.Add(time.Duration(n) * 13 * time.Minute)
		switch n % 4 {
		case 0:
			rows = append(rows, row("site", fmt.Sprint("d", n/8), lead(fmt.Sprint("d", n/8), fmt.Sprintf("+7900000%04d", n/8)), at)) // every id comes twice
		case 1:
			rows = append(rows, row("crm", "", lead("", fmt.Sprintf("+7900001%04d", n)), at))
		case 2:
			rows = append(rows, row("crm", "", `{"kind":`, at)) // unreadable
		case 3:
			rows = append(rows, row("site", fmt.Sprint("e", n/40), lead(fmt.Sprint("e", n/40), fmt.Sprintf("+7900002%04d", n)), at)) // one id, several bodies
		}
	}
	direct := newWorld(t, &objstore.Mem{})
	direct.store1(rows...)
	direct.now = noon.AddDate(0, 0, 3)
	direct.compact()

	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 7))
		var l line
		queued := newWorld(t, &objstore.Mem{})
		queued.now = noon.AddDate(0, 0, 3)
		queue := lake.NewQueue(queued.store, l.send)
		for _, r := range rows {
			if err := queue.Store(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		var order []int
		for n := range l.texts {
			for range 1 + random.IntN(3) { // at least once
				order = append(order, n)
			}
		}
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for len(order) > 0 {
			n := min(1+random.IntN(40), len(order))
			take(t, queued.store, l.batch(order[:n]...))
			order = order[n:]
		}
		queued.compact()
		queued.compact()
		ids := func(e schema.EventRow) string { return e.Source + " " + e.EventID }
		same(t, seed, direct, queued, lake.EventsPrefix, ids, cmpopts.IgnoreFields(schema.EventRow{}, "RawObject"))
		same(t, seed, direct, queued, lake.ContactsPrefix, func(c schema.ContactRow) string { return c.Source + " " + c.EventID }, cmpopts.IgnoreFields(schema.ContactRow{}, "RawObject"))
		same(t, seed, direct, queued, lake.FailedPrefix, func(f schema.FailedRow) string { return f.Key + string(f.Body) }, cmpopts.IgnoreFields(schema.FailedRow{}, "RawObject"))
	}
}

// same compares a table of two lakes row by row, whatever raw objects the rows came from.
func same[T schema.Row](t *testing.T, seed uint64, want, got *world, prefix string, id func(T) string, options ...cmp.Option) {
	t.Helper()
	sorted := func(w *world) []T {
		rows := all[T](w, prefix)
		slices.SortStableFunc(rows, func(a, b T) int { return strings.Compare(id(a), id(b)) })
		return rows
	}
	if diff := cmp.Diff(sorted(want), sorted(got), options...); diff != "" {
		t.Errorf("seed %d: %s (-direct +queue):\n%s", seed, prefix, diff)
	}
}

// BenchmarkConsumer is a full batch: 6 MB of an SQS event are some 3 000 leads of 1.5 KB.
func BenchmarkConsumer(b *testing.B) {
	var l line
	queue := lake.NewQueue(&objstore.Mem{}, l.send)
	random := rand.New(rand.NewPCG(1, 2))
	var numbers []int
	for n := range 3000 {
		var note strings.Builder
		for note.Len() < 1350 {
			fmt.Fprintf(&note, "%x ", random.Uint32())
		}
		body := fmt.Sprintf(`{"id":"d%d","kind":"lead","client":{"phone":"+7900%07d"},"text":%q}`, n, n, note.String())
		if err := queue.Store(b.Context(), row("site", fmt.Sprint("d", n), body, noon.Add(time.Duration(n)*time.Millisecond))); err != nil {
			b.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	batch := l.batch(numbers...)
	texts := 0
	for _, text := range l.texts {
		texts += len(text)
	}
	b.ReportMetric(float64(texts)/3000, "text-B/delivery")
	for b.Loop() {
		store := &objstore.Mem{}
		report, err := lake.Consumer{Store: store, Logger: logtest.New(b)}.Take(b.Context(), batch)
		if err != nil || len(report.Failures) > 0 {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(3000*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(texts)/3000, "text-B/delivery")
}
