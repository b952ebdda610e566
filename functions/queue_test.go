package functions_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/functions/internal/runtimeapi"
	"github.com/leadlake/leadlake/functions/internal/sqstest"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

const siteSource = "sources: [{name: site, kind: json, secrets: [env:SITE_SECRET]}]\n"

// queued is a deployment with IngestPath: queue.
func queued(t *testing.T) (cloud, *sqstest.Queue) {
	t.Helper()
	c := deploy(t, siteSource)
	queue := sqstest.New(t, c.env["AWS_SECRET_ACCESS_KEY"])
	c.env["LEADLAKE_QUEUE"] = queue.URL
	return c, queue
}

// deliver hands one batch to the consumer and does with it what Lambda would.
func deliver(t *testing.T, queue *sqstest.Queue, consumer *runtimeapi.Function, limit int) (events.SQSEventResponse, error) {
	t.Helper()
	batch := queue.Batch(limit)
	var answer events.SQSEventResponse
	err := consumer.Invoke(t.Context(), batch, &answer)
	queue.Settle(batch, answer, err)
	return answer, err
}

// empty delivers batches until nothing waits.
func empty(t *testing.T, queue *sqstest.Queue, consumer *runtimeapi.Function, limit int) {
	t.Helper()
	for len(queue.Waiting()) > 0 {
		if answer, err := deliver(t, queue, consumer, limit); err != nil || len(answer.BatchItemFailures) > 0 {
			t.Fatalf("batch: %d failed, %v", len(answer.BatchItemFailures), err)
		}
	}
}

// table reads all days of a table.
func table[T schema.Row](t *testing.T, c cloud, prefix string) []T {
	t.Helper()
	days, err := lake.Days(t.Context(), c.store, prefix)
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	for _, day := range days {
		read, err := lake.ReadDay[T](t.Context(), c.store, prefix, day)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, read.Rows...)
	}
	return rows
}

// content is what a lake holds, but for the times and the raw objects of this run.
func content(t *testing.T, c cloud) []string {
	t.Helper()
	var lines []string
	for _, e := range table[schema.EventRow](t, c, lake.EventsPrefix) {
		lines = append(lines, fmt.Sprint("event ", e.EventID, e.Kind, e.At.Unix(), e.Tokens, e.OrderID, e.Status, e.Tags))
	}
	for _, p := range table[schema.ContactRow](t, c, lake.ContactsPrefix) {
		lines = append(lines, fmt.Sprint("contact ", p.EventID, p.Phones, p.Name))
	}
	for _, f := range table[schema.FailedRow](t, c, lake.FailedPrefix) {
		lines = append(lines, fmt.Sprintf("failed %s %q", f.Reason, f.Body))
	}
	slices.Sort(lines)
	return lines
}

// The same deliveries, through real programs, make the same lake on both paths,
// although the queue hands them out in another order, in batches, and twice.
func TestBothIngestPathsMakeTheSameLake(t *testing.T) {
	direct := deploy(t, siteSource)
	c, queue := queued(t)
	writer, sender, consumer := direct.start(t, "ingest"), c.start(t, "ingest"), c.start(t, "queue")
	for n := range 60 {
		body := fmt.Sprintf(`{"id":"d%d","kind":"lead","at":"2026-11-20T10:15:00+03:00","client":{"phone":"+7900000%04d","name":"Покупатель %d"},"tags":["t%d"]}`, n-n%6/5, n, n, n)
		status := http.StatusOK
		if n%10 == 9 {
			body, status = fmt.Sprintf("{\"id\":\"d%d\",\x00\xff", n), http.StatusBadRequest // kept with its bytes
		}
		for _, function := range []*runtimeapi.Function{writer, sender} {
			if answer, text := call(t, function, delivery("site", body)); answer.StatusCode != status {
				t.Fatalf("delivery %d = %d %s, want %d", n, answer.StatusCode, text, status)
			}
		}
	}
	if raw := c.keys(t, "raw/"); len(raw) != 0 || len(queue.Waiting()) != 60 {
		t.Fatalf("%d objects and %d messages, want only 60 messages", len(raw), len(queue.Waiting()))
	}
	for _, m := range queue.Waiting() {
		if strings.Contains(m.Text, "7900000") || strings.Contains(m.Text, "Покупатель") {
			t.Error("a message shows a person")
		}
	}
	// The first batch is stored, but Lambda forgets to delete it.
	first := queue.Batch(25)
	if err := consumer.Invoke(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	empty(t, queue, consumer, 40)
	if raw := len(c.keys(t, "raw/")); raw < 3 || raw > 4 { // three batches, and midnight may be among them
		t.Errorf("%d raw objects of three batches", raw)
	}
	for _, lakes := range []cloud{direct, c} {
		if err := lakes.start(t, "compact").Invoke(t.Context(), struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := content(t, direct)
	if len(want) < 80 {
		t.Fatalf("the direct lake holds only %d rows", len(want))
	}
	if diff := cmp.Diff(want, content(t, c)); diff != "" {
		t.Errorf("lakes (-direct +queue):\n%s", diff)
	}
	if log := consumer.Log(); !strings.Contains(log, `"batch stored"`) || strings.Contains(log, "7900000") {
		t.Errorf("log of the consumer:\n%s", log)
	}
}

// An answer of the queue that is lost is 503 to the sender, who comes again; the
// messages that were stored all the same change nothing.
func TestALostAnswerOfTheQueueIsHarmless(t *testing.T) {
	c, queue := queued(t)
	ingest, consumer := c.start(t, "ingest"), c.start(t, "queue")
	body := `{"id":"d1","kind":"lead","client":{"phone":"+79000000001"}}`
	for _, faults := range [][]sqstest.Fault{
		{sqstest.Lost, sqstest.Silent, sqstest.Lost},
		{sqstest.Throttled, sqstest.Throttled, sqstest.Throttled},
		{sqstest.Denied},
	} {
		queue.Fail(faults...)
		answer, text := call(t, ingest, delivery("site", body))
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Retry-After"] == "" {
			t.Errorf("%v: %d %s, want 503 with Retry-After", faults, answer.StatusCode, text)
		}
	}
	queue.Fail(sqstest.Broken, sqstest.Lost) // these the sender does not notice
	post(t, ingest, "site", body)
	if waiting := len(queue.Waiting()); waiting != 5 {
		t.Errorf("%d messages of one delivery, want 3 of the lost answers and 2 of the last attempt", waiting)
	}
	empty(t, queue, consumer, 2)
	report := map[string]any{}
	if err := c.start(t, "compact").Invoke(t.Context(), struct{}{}, &report); err != nil {
		t.Fatal(err)
	}
	if report["events"] != float64(1) || report["failed"] != float64(0) {
		t.Errorf("compact reports %v, want one event", report)
	}
	if log := ingest.Log(); !strings.Contains(log, "AmazonSQS.SendMessage") || strings.Contains(log, "79000000001") || strings.Contains(log, "raw1:") {
		t.Errorf("the log says not what failed, or what was in it:\n%s", log)
	}
}

// What cannot be read is parked and holds up no other; what the bucket refused is
// parked too, and comes back with a redrive.
func TestPoisonIsParkedAndARefusedDeliveryComesBack(t *testing.T) {
	c, queue := queued(t)
	ingest, consumer := c.start(t, "ingest"), c.start(t, "queue")
	post(t, ingest, "site", `{"id":"d1","kind":"lead","client":{"phone":"+79000000001"}}`)
	queue.Put("not of ours")
	post(t, ingest, "site", `{"id":"d2","kind":"lead","client":{"phone":"+79000000002"}}`)
	answer, err := deliver(t, queue, consumer, 10)
	if err != nil || len(answer.BatchItemFailures) != 1 || len(queue.Waiting()) != 1 || len(c.keys(t, "raw/")) != 1 {
		t.Errorf("%v, %v: %d wait, objects %v; want only the poison to come again", answer, err, len(queue.Waiting()), c.keys(t, "raw/"))
	}
	for range 2 {
		_, _ = deliver(t, queue, consumer, 10)
	}
	if dead := queue.Dead(); len(dead) != 1 || dead[0].Text != "not of ours" || len(queue.Waiting()) != 0 {
		t.Errorf("parked %v, want the poison alone", dead)
	}

	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	env := maps.Clone(c.env)
	env["LEADLAKE_S3"] = "s3://bucket?region=us-east-1&path_style=true&endpoint=" + url.QueryEscape(down.URL)
	helpless := runtimeapi.Start(t, filepath.Join(programs, "queue"), env)
	post(t, ingest, "site", `{"id":"d3","kind":"lead","client":{"phone":"+79000000003"}}`)
	for range queue.MaxReceives {
		if answer, err := deliver(t, queue, helpless, 10); err != nil || len(answer.BatchItemFailures) != 1 {
			t.Errorf("without a bucket: %v, %v, want the message to come again", answer, err)
		}
	}
	if dead := queue.Dead(); len(dead) != 2 {
		t.Fatalf("%d parked, want the poison and the delivery", len(dead))
	}
	queue.Redrive()
	_, _ = deliver(t, queue, consumer, 10)
	if waiting := queue.Waiting(); len(waiting) != 1 || waiting[0].Text != "not of ours" {
		t.Errorf("after the redrive %v wait, want the poison alone", waiting)
	}
	var report map[string]any
	if err := c.start(t, "compact").Invoke(t.Context(), struct{}{}, &report); err != nil || report["events"] != float64(3) {
		t.Errorf("compact reports %v, %v, want 3 events", report, err)
	}
}

func TestWhatIsTooLargeForTheQueueGoesToTheBucket(t *testing.T) {
	c, queue := queued(t)
	ingest := c.start(t, "ingest")
	random := rand.New(rand.NewPCG(1, 2))
	note := make([]byte, 500<<10)
	for i := range note {
		note[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"[random.IntN(64)]
	}
	post(t, ingest, "site", fmt.Sprintf(`{"id":"large","kind":"lead","client":{"phone":"+79000000001"},"text":%q}`, note))
	if raw := c.keys(t, "raw/"); len(raw) != 1 || queue.Requests() != 0 {
		t.Errorf("objects %v and %d requests to the queue, want one object", raw, queue.Requests())
	}
	var report map[string]any
	if err := c.start(t, "compact").Invoke(t.Context(), struct{}{}, &report); err != nil || report["events"] != float64(1) {
		t.Errorf("compact reports %v, %v, want one event", report, err)
	}
	// A bad signature is no business of the queue either.
	wrong := delivery("site", `{"kind":"lead"}`)
	wrong.Header.Set("X-Leadlake-Key", "another secret of 24 bytes")
	if answer, text := call(t, ingest, wrong); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong secret = %d %s", answer.StatusCode, text)
	}
	if kept := c.keys(t, "raw/unauthenticated/"); len(kept) != 1 || queue.Requests() != 0 {
		t.Errorf("unauthenticated objects %v, %d requests to the queue", kept, queue.Requests())
	}
}

// The consumer may be killed at any time: what was in its hands comes again and is
// there once in the end.
func TestAKilledConsumerLosesNothing(t *testing.T) {
	c, queue := queued(t)
	queue.MaxReceives = 1000
	ingest, consumer := c.start(t, "ingest"), c.start(t, "queue")
	deliveries := 0
	fill := func() {
		for range 15 {
			post(t, ingest, "site", fmt.Sprintf(`{"id":"d%d","kind":"lead","client":{"phone":"+7900000%04d"}}`, deliveries, deliveries))
			deliveries++
		}
	}
	kills := 0
	for round := 0; kills < 3 && round < 40; round++ {
		fill()
		fill()
		// The first batch starts the instance if it is gone; the second takes as long as
		// the work itself does, and the kill comes inside of the third.
		var took time.Duration
		for range 2 {
			begin := time.Now()
			if _, err := deliver(t, queue, consumer, 8); err != nil {
				t.Fatal(err)
			}
			took = time.Since(begin)
		}
		killer := time.AfterFunc(took*time.Duration(1+round%7)/8, consumer.Kill)
		_, _ = deliver(t, queue, consumer, 8) // a fresh instance is given the batch again, or the queue keeps it
		if !killer.Stop() {
			kills++
		}
	}
	if kills == 0 {
		t.Error("the consumer was never killed at its work")
	}
	for len(queue.Waiting()) > 0 {
		if _, err := deliver(t, queue, consumer, 15); err != nil {
			t.Log("killed once more: ", err) // by a timer of the last round
		}
	}
	var report map[string]any
	if err := c.start(t, "compact").Invoke(t.Context(), struct{}{}, &report); err != nil || report["events"] != float64(deliveries) || report["failed"] != float64(0) {
		t.Errorf("compact reports %v, %v, want %d events", report, err, deliveries)
	}
}
