package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// killDeliveries is the size of the shop; `make kills` takes 100 000.
var killDeliveries = flag.Int("kills.deliveries", 10_000, "deliveries that TestAShopSurvivesKills posts")

// mail is one delivery to be sent until it is acknowledged.
type mail struct {
	id     string // of its event; empty for poison
	body   string
	poison bool
}

// poison is the i-th delivery that nobody can understand; every one is unlike the
// others.
func poison(i int) string {
	note := fmt.Sprintf("poison %d", i)
	shapes := []string{
		`{"id":"` + note + `","kind":"lead","client":{"name":"Анна"`,
		`{"kind":"lead","client":[["` + note + `"]]}`,
		`{"kind":"order","order":{"total":"1.00"},"note":"` + note + `"}`,
		`{"kind":"order","order":{"id":"` + note + `","total":"eight"}}`,
		`{"kind":"order","order":{"id":"` + note + `","total":1e999999}}`,
		`{"kind":{"` + note + `":null}}`,
		`{"kind":"lead","kind":"` + note + `"}`,
		`{"kind":"lead","client":{"name":"` + note + "\xff\xfe" + `"}}`,
		`["` + note + `",null,[],{}]`,
		strings.Repeat(`{"kind":`, 90) + `"` + note + `"` + strings.Repeat("}", 90),
		`{"kind":"cost","cost":{"day":"the ` + note + `","amount":"1"}}`,
		note,
	}
	return shapes[i%len(shapes)]
}

// killShop is the post of a shop: of 100 deliveries one is poison and ten were
// delivered before, the last ten of every thousand of these one and the same
// delivery. Some of the repeats come before what they repeat.
func killShop(n int, random *rand.Rand) (post []mail, ids map[string]bool, broken map[string]bool) {
	ids, broken = map[string]bool{}, map[string]bool{}
	for i := range n / 100 {
		body := poison(i)
		broken[body] = true
		post = append(post, mail{body: body, poison: true})
	}
	repeats := n / 10
	for i := range n - len(post) - repeats {
		id := fmt.Sprintf("lead-%06d", i)
		ids[id] = true
		post = append(post, mail{id: id, body: fmt.Sprintf(
			`{"id":%q,"kind":"lead","at":"2026-11-20T10:15:00+03:00","client":{"external_id":"C-%d","phone":"+7 (999) %03d-%02d-%02d","name":"Анна Соколова"},"attributes":{"comment":"Перезвоните, пожалуйста, после шести"}}`,
			id, i%5000, i%1000, i/1000%100, i/100000%100)})
	}
	first := n / 100
	for i := range repeats {
		one := first + random.IntN(len(ids))
		if i%1000 >= 990 { // ten times over
			one = first + i/1000
		}
		post = append(post, post[one])
	}
	random.Shuffle(len(post), func(i, j int) { post[i], post[j] = post[j], post[i] })
	return post, ids, broken
}

// TestAShopSurvivesKills posts a shop with repeats and poison, has it compacted all
// the while, and kills the process three times in the middle of both. Clients send
// again what was not acknowledged, as they do. Afterwards every acknowledged
// delivery is in the ledger, the ledger balances by id, and the events are exactly
// the distinct valid ids.
func TestAShopSurvivesKills(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and posts 10 000 deliveries")
	}
	program, data := buildShop(t)
	random := rand.New(rand.NewPCG(3, 100))
	post, ids, broken := killShop(*killDeliveries, random)
	cfg, err := config.Parse([]byte(shopConfiguration))
	if err != nil {
		t.Fatal(err)
	}
	for body := range broken {
		source, _ := cfg.SourceNamed("site")
		if out := webhook.Decode(cfg, webhook.Delivery{Source: source, ContentType: "application/json", Body: []byte(body)}); out.Failure == nil {
			t.Fatalf("%q is no poison", body)
		}
	}

	server := startChild(t, program, data)
	office := &postOffice{compactEvery: time.Duration(*killDeliveries) * 20 * time.Microsecond}
	office.address.Store(&server.address)
	reached := office.open(t, data, post, []int{len(post) / 4, len(post) / 2, len(post) * 3 / 4})
	killedAtWork := 0
	for n, threshold := range reached {
		<-threshold
		if n == 1 { // what follows meets ids that are in the lake already
			office.holdUntilCompacted(t)
		}
		if n > 0 { // the first comes while posting, the others while compacting as well
			office.waitForCompaction(t)
		}
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		if office.compacting.Load() {
			killedAtWork++
		}
		_ = server.Process.Kill() // SIGKILL: no handler runs
		_ = server.Wait()
		server = startChild(t, program, data)
		office.address.Store(&server.address)
	}
	office.close()
	if killedAtWork == 0 {
		t.Error("no kill came while a compaction was under way")
	}
	t.Logf("%d deliveries, %d attempts without an answer, %d compactions, %d of 3 kills during one",
		len(post), office.unanswered.Load(), office.compactions.Load(), killedAtWork)
	balance(t, data, ids, broken)

	// All is compacted; a few hundred come ten times over once more.
	again := make([]mail, 0, 1000)
	for _, m := range post[:min(100, len(post))] {
		again = append(again, slices.Repeat([]mail{m}, 10)...)
	}
	random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	office = &postOffice{}
	office.address.Store(&server.address)
	office.open(t, data, again, nil)
	office.close()
	balance(t, data, ids, broken)
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("an interrupted serve: %v", err)
	}
}

// postOffice sends mail over many connections and has the lake compacted
// meanwhile.
type postOffice struct {
	compactEvery time.Duration // 0: not at all
	address      atomic.Pointer[string]
	unanswered   atomic.Int64
	compactions  atomic.Int64
	compacting   atomic.Bool
	hold         sync.RWMutex // held for writing: nobody sends
	senders      sync.WaitGroup
	stopCompact  context.CancelFunc
	side         sync.WaitGroup
}

// open begins; each returned channel closes once so many were acknowledged.
func (o *postOffice) open(t *testing.T, data string, post []mail, thresholds []int) []chan struct{} {
	t.Helper()
	const senders = 64
	reached := make([]chan struct{}, len(thresholds))
	for i := range reached {
		reached[i] = make(chan struct{})
	}
	queue := make(chan mail, len(post))
	for _, m := range post {
		queue <- m
	}
	close(queue)
	var done atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}, Timeout: 20 * time.Second}
	for range senders {
		o.senders.Go(func() {
			for m := range queue {
				o.hold.RLock()
				o.hold.RUnlock() //nolint:staticcheck // SA2001: a gate, nothing is guarded
				for status := 0; status != 200 && (status < 400 || status >= 429); {
					if status = o.deliver(t.Context(), client, m); status == 0 {
						o.unanswered.Add(1)
						time.Sleep(20 * time.Millisecond) // a sender waits, and sends again
					}
					if t.Context().Err() != nil {
						return
					}
				}
				n := int(done.Add(1))
				if i := slices.Index(thresholds, n); i >= 0 {
					close(reached[i])
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.stopCompact = cancel
	if o.compactEvery > 0 {
		o.side.Go(func() {
			for ctx.Err() == nil {
				o.compacting.Store(true)
				// A killed server breaks it off: the next one goes on.
				if _, err := perform(ctx, newSystem().system, place{data: data}, "invoke", invocation{Function: "compact", Event: json.RawMessage("{}")}); err == nil {
					o.compactions.Add(1)
				}
				o.compacting.Store(false)
				time.Sleep(o.compactEvery)
			}
		})
	}
	return reached
}

// deliver returns the status of the answer, 0 without one.
func (o *postOffice) deliver(ctx context.Context, client *http.Client, m mail) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, *o.address.Load()+"/in/site", strings.NewReader(m.body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode >= 500 {
		return 0
	}
	return response.StatusCode
}

// holdUntilCompacted lets nobody send until a whole compaction is done.
func (o *postOffice) holdUntilCompacted(t *testing.T) {
	t.Helper()
	o.hold.Lock()
	defer o.hold.Unlock()
	before := o.compactions.Load()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if o.compactions.Load() > before {
			return
		}
	}
	t.Fatal("no compaction came to its end within three minutes")
}

func (o *postOffice) waitForCompaction(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if o.compacting.Load() {
			return
		}
	}
	t.Fatal("no compaction began within a minute")
}

// close waits until all mail is acknowledged.
func (o *postOffice) close() {
	o.senders.Wait()
	o.stopCompact()
	o.side.Wait()
}

// balance compacts what is left and compares the lake with what was sent.
func balance(t *testing.T, data string, ids, broken map[string]bool) {
	t.Helper()
	listed := compacted(t, data) // also compares ledger and events by id
	for id := range ids {
		if listed[id] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", id, listed[id])
		}
	}
	if len(listed) != len(ids) {
		t.Errorf("%d distinct events, want the %d valid ids and nothing else", len(listed), len(ids))
	}
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	type line struct{ object, key string }
	raw := map[line]int{}
	for info, err := range store.List(t.Context(), lake.RawPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := store.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := schema.Decode[schema.RawRow](body)
		if err != nil {
			t.Fatalf("%s: %v", info.Key, err)
		}
		for _, row := range rows {
			raw[line{strings.TrimPrefix(info.Key, "raw/"), row.Key}]++
		}
	}
	outcomes, failed := map[string]int{}, map[string]int{}
	ledger := map[line]int{}
	days, err := lake.Days(t.Context(), store, lake.DeliveriesPrefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		deliveries, err := lake.ReadDay[schema.DeliveryRow](t.Context(), store, lake.DeliveriesPrefix, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range deliveries.Rows {
			outcomes[row.Outcome]++
			ledger[line{row.RawObject, row.Key}]++
		}
		rows, err := lake.ReadDay[schema.FailedRow](t.Context(), store, lake.FailedPrefix, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows.Rows {
			failed[string(row.Body)]++
		}
	}
	for l, n := range raw {
		if ledger[l] != n {
			t.Errorf("%s of %s is %d times in raw and %d times in the ledger", l.key, l.object, n, ledger[l])
		}
	}
	if len(ledger) != len(raw) {
		t.Errorf("%d deliveries in the ledger, %d in raw", len(ledger), len(raw))
	}
	for body := range broken {
		if failed[body] != 1 {
			t.Errorf("poison %q is %d times among the failed", body, failed[body])
		}
	}
	if outcomes[schema.OutcomeEvents] != len(ids) || outcomes[schema.OutcomeFailed] != len(broken) || len(failed) != len(broken) {
		t.Errorf("outcomes %v and %d failed bodies, want %d with events and %d failed", outcomes, len(failed), len(ids), len(broken))
	}
	t.Logf("ledger: %v of %d raw rows", outcomes, len(raw))
}
