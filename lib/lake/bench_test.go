package lake_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/schema"
)

const (
	benchDeliveries = 100_000
	benchGroup      = 500
)

// benchLead is a lead of 1.5 KB as a shop's site posts it; every tenth is one
// that came before.
func benchLead(i int) (id, body string) {
	id = fmt.Sprintf("lead-%08d", i)
	return id, fmt.Sprintf(`{"id":%q,"kind":"lead","at":"2026-03-10T%02d:%02d:%02dZ","client":{"phone":"8 (9%02d) %03d-%02d-%02d","email":"client%d@mail.ru","name":"Анна Смирнова %d","city":"Москва","attributes":{"pet":"dog","size":"%d"}},`+
		`"interests":["cleaning","repair"],"manager":"olga","attribution":{"utm_source":"yandex","utm_medium":"cpc","utm_campaign":"spring-%d","utm_content":"banner-%d","utm_term":"кофе с собой","yclid":"1234567890%08d","referrer":"https://yandex.ru/search/?text=coffee","landing":"https://shop.example/catalog/coffee/?utm_source=yandex&utm_campaign=spring-%d&yclid=1234567890%08d","client_ids":{"ym_uid":"169%015d","ga":"GA1.2.%d.1700000000"}},`+
		`"consents":[{"purpose":"ads","given":true,"text_version":"2026-03","at":"2026-03-10T08:00:00Z","evidence":"form 12"}],"comment":%q}`,
		id, i/3600%24, i/60%60, i%60, i%100, i/100%1000, i/7%100, i/13%100, i, i, i%50, i%40, i%9, i, i%40, i, i, i, strings.Repeat("Позвоните после шести, пожалуйста. ", 9))
}

// fillRaw stores deliveries in groups, as one machine's group commit does.
func fillRaw(b testing.TB, store objstore.Store, deliveries, group int) {
	b.Helper()
	rows := make([]schema.RawRow, 0, group)
	flush := func() {
		if err := lake.StoreRows(b.Context(), store, rows); err != nil {
			b.Fatal(err)
		}
		rows = rows[:0]
	}
	begin := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	for i := range deliveries {
		n := i
		if i%10 == 9 {
			n = i - 9
		}
		id, body := benchLead(n)
		rows = append(rows, row("site", id, body, begin.Add(time.Duration(i)*24*time.Hour/time.Duration(deliveries))))
		if len(rows) == group {
			flush()
		}
	}
	if len(rows) > 0 {
		flush()
	}
}

func benchCompactor(b testing.TB, store objstore.Store) *lake.Compactor {
	b.Helper()
	cfg, err := config.Parse([]byte(settings))
	if err != nil {
		b.Fatal(err)
	}
	var calls atomic.Int64
	return lake.NewCompactor(lake.CompactorConfig{
		Store: store, Sources: func(context.Context) (*config.Config, error) { return cfg, nil },
		Refiner: lake.Refiner{Key: key(), Phones: phone.Parser{}}, Now: func() time.Time { return noon.AddDate(0, 0, 1) },
		Nonce: func() string { return fmt.Sprint("n", calls.Add(1)) }, Logger: logtest.New(b),
	})
}

// BenchmarkCompact merges a day of 100 000 deliveries with ids, 1.5 KB of JSON
// each, in raw objects of 500. deliveries/s is the figure; peak-MiB is the
// largest heap seen at 20 ms distance, the store in memory counted in.
func BenchmarkCompact(b *testing.B) {
	for _, kind := range []string{"mem", "file"} {
		b.Run(kind, func(b *testing.B) {
			raw := new(objstore.Mem)
			fillRaw(b, raw, benchDeliveries, benchGroup)
			var peak uint64
			var used time.Duration
			for b.Loop() {
				b.StopTimer()
				var store objstore.Store = new(objstore.Mem)
				if kind == "file" {
					files, err := filestore.Open(b.TempDir())
					if err != nil {
						b.Fatal(err)
					}
					defer files.Close()
					store = files
				}
				copyStore(b, store, raw)
				runtime.GC()
				stop := watchHeap(&peak)
				before := cpuTime()
				b.StartTimer()
				report, err := benchCompactor(b, store).Run(b.Context())
				b.StopTimer()
				used += cpuTime() - before
				stop()
				if err != nil || report.Deliveries != benchDeliveries || report.Duplicates != benchDeliveries/10 {
					b.Fatalf("%+v, %v", report, err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(benchDeliveries)*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(float64(used.Microseconds())/float64(benchDeliveries)/float64(b.N), "cpu-µs/delivery")
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
		})
	}
}

func copyStore(b testing.TB, to, from objstore.Store) {
	b.Helper()
	for info, err := range from.List(b.Context(), "", "") {
		if err != nil {
			b.Fatal(err)
		}
		body, _, err := from.Get(b.Context(), info.Key)
		if err == nil {
			_, err = to.Create(b.Context(), info.Key, body)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// watchHeap notes the largest live heap until it is stopped.
func watchHeap(peak *uint64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				*peak = slices.Max([]uint64{*peak, m.HeapInuse})
			}
		}
	}()
	return func() { close(done); <-ended }
}

// BenchmarkCompactDay is a day of steady traffic, compacted every two minutes by
// one process, in memory. $LEADLAKE_DAY sets its deliveries; a tenth of a million
// is the default. With the cost of a day that is rewritten whole this grows with
// the square; the figure to look at is cpu-µs/delivery for 100 000 and 1 000 000.
func BenchmarkCompactDay(b *testing.B) {
	deliveries, err := strconv.Atoi(cmp.Or(os.Getenv("LEADLAKE_DAY"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	const runs = 720
	for b.Loop() {
		b.StopTimer()
		raw, store := new(objstore.Mem), new(objstore.Mem)
		group := max(1, deliveries/runs)
		fillRaw(b, raw, deliveries, group)
		var objects []objstore.Info
		for info, err := range raw.List(b.Context(), "", "") {
			if err != nil {
				b.Fatal(err)
			}
			objects = append(objects, info)
		}
		compactor := benchCompactor(b, store)
		var peak uint64
		var used time.Duration
		stop := watchHeap(&peak)
		for _, info := range objects {
			body, _, err := raw.Get(b.Context(), info.Key)
			if err == nil {
				_, err = store.Create(b.Context(), info.Key, body)
			}
			if err != nil {
				b.Fatal(err)
			}
			if err := raw.Delete(b.Context(), info.Key); err != nil {
				b.Fatal(err)
			}
			before := cpuTime()
			b.StartTimer()
			_, err = compactor.Run(b.Context())
			b.StopTimer()
			used += cpuTime() - before
			if err != nil {
				b.Fatal(err)
			}
		}
		stop()
		held, written := 0.0, 0.0
		for info, err := range store.List(b.Context(), "", "") {
			if err != nil {
				b.Fatal(err)
			}
			held += float64(info.Size)
			if strings.HasPrefix(info.Key, "lake/") {
				written += float64(info.Size)
			}
		}
		b.ReportMetric(used.Seconds(), "cpu-s/day")
		b.ReportMetric(float64(used.Microseconds())/float64(deliveries), "cpu-µs/delivery")
		b.ReportMetric(written/(1<<20), "lake-MiB")
		b.ReportMetric((float64(peak)-held)/(1<<20), "peak-without-store-MiB")
		b.StartTimer()
	}
}
