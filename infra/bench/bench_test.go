package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestALeadIsWhatASiteSends(t *testing.T) {
	cfg, err := config.Parse([]byte(configuration))
	if err != nil {
		t.Fatal(err)
	}
	source, _ := cfg.SourceNamed("site")
	l := newLeads("r", shared, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	for _, i := range []int{0, 1, 999_999, 5_000_000} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(l.request("host", "site", i)))))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) < leadBytes*9/10 || len(body) > leadBytes*5/4 {
			t.Errorf("lead %d has %d bytes, want about %d", i, len(body), leadBytes)
		}
		mac := hmac.New(sha256.New, []byte(shared))
		mac.Write(body)
		if got, want := r.Header.Get("X-Leadlake-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("lead %d: signature %s, want %s", i, got, want)
		}
		out := webhook.Decode(cfg, webhook.Delivery{Source: source, ContentType: "application/json", Body: body})
		if out.Failure != nil || len(out.Events) != 1 || out.Events[0].ID != leadID("r", i) {
			t.Errorf("lead %d becomes %d events, failure %v", i, len(out.Events), out.Failure)
		}
	}
}

func TestPercentilesAreSamples(t *testing.T) {
	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000, 0.0001: 1} {
		if got := percentile(all, share); got != want {
			t.Errorf("percentile %v = %d, want %d", share, got, want)
		}
	}
	if got := percentile(nil, 0.99); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	if got := percentile([]time.Duration{7}, 0.99); got != 7 {
		t.Errorf("of one: %d", got)
	}
}

// A server that stops for half a second is charged for all that was due meanwhile,
// not for the one request that it held.
func TestAStallIsChargedForEverythingThatWasDue(t *testing.T) {
	const stall = 500 * time.Millisecond
	var n atomic.Int64
	until := atomic.Pointer[time.Time]{}
	server, address, err := loopback(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) == 100 {
			end := time.Now().Add(stall)
			until.Store(&end)
		}
		if end := until.Load(); end != nil {
			time.Sleep(time.Until(*end))
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	o := load{address: address, source: "site", secret: shared, run: "r", rate: 500, count: 500, conns: 4}.send(t.Context())
	if len(o.acknowledged()) != 500 || o.unanswered() != 0 {
		t.Fatalf("%d of 500 acknowledged", len(o.acknowledged()))
	}
	late := 0
	for _, took := range o.took {
		if took > stall/10 {
			late++
		}
	}
	if late < 200 { // 250 were due in half a second; one connection each would show 4
		t.Errorf("%d deliveries were late, want about 225", late)
	}
}

func TestWhatIsLostOrDoubledIsFound(t *testing.T) {
	s := stored{ledger: map[string]int{}, events: map[string]int{}}
	for i := range 10 {
		s.ledger[leadID("r", i)], s.events[leadID("r", i)] = 1, 1
	}
	all := []int{0, 1, 2, 3, 4}
	if lost, twice, strange := s.check("r", all, 10); lost+twice+strange != 0 || fault(lost, twice, strange) != nil {
		t.Errorf("nothing is wrong, found %d lost, %d twice, %d strange", lost, twice, strange)
	}
	delete(s.events, leadID("r", 1))
	s.ledger[leadID("r", 2)] = 2
	s.events["other"] = 1
	lost, twice, strange := s.check("r", all, 10)
	if lost != 1 || twice != 1 || strange != 1 || fault(lost, twice, strange) == nil {
		t.Errorf("found %d lost, %d twice, %d strange; want one each", lost, twice, strange)
	}
}

// The arithmetic by hand, at 1 ms of CPU, one PUT, no GET, 512 MB and 30 ms of S3:
// the function takes 1 ms × 1769/512 + 30 ms = 33.455 ms, billed 34 ms, 0.017 GB-s,
// $0.2266678 a million; with 8 ms of SQS 12 ms, $0.0800004. The 2 000 consumers take
// 500 × 3.455 + 30 ms, billed 1758 ms: 1758 GB-s, $0.0234401.
func TestTheBillOfAMillion(t *testing.T) {
	o := costFlags{memory: 512, s3Wait: 30 * time.Millisecond, sqsWait: 8 * time.Millisecond, batch: 500}
	single, queued := o.paths(time.Millisecond, 1, 0)
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"API", single.api, 1},
		{"requests", single.invocations, 0.2},
		{"duration", single.duration, 0.2266678},
		{"PUTs", single.puts, 5},
		{"all", single.total(), 6.4266678},
		{"queued requests", queued.invocations, 0.2004},
		{"queued duration", queued.duration, 0.0800004 + 0.0234401},
		{"queued PUTs", queued.puts, 0.01},
		{"SQS", queued.queue, 0.48},
	} {
		if math.Abs(tt.got-tt.want) > 1e-6 {
			t.Errorf("%s: $%.7f, want $%.7f", tt.name, tt.got, tt.want)
		}
	}
}

// A short run of everything against the real programs.
func TestIngestLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	var out strings.Builder
	err := run(t.Context(), &out, []string{"ingest", "-rate", "500", "-duration", "2s", "-conns", "32", "-compact", "500ms"})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{"deliveries sent", "of them lost", "p99"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
}

func TestColdStartsAreAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function")
	}
	found, err := measureFunction(t.Context(), 2, 20)
	if err != nil {
		t.Fatal(err)
	}
	if found.coldMedian <= 0 || found.coldMedian > found.coldWorst || found.puts != 1 {
		t.Errorf("measured %+v, want one PUT for each delivery", found)
	}
}

func TestUsageKnowsThisProcess(t *testing.T) {
	u := usageOf(os.Getpid())
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		if u.known {
			t.Errorf("%+v without /proc", u)
		}
		return
	}
	if !u.known || u.resident < 1<<20 || u.peak < u.resident/2 {
		t.Errorf("%+v", u)
	}
}

func TestWrongUseIsTold(t *testing.T) {
	for _, args := range [][]string{{"nothing"}, {"ingest", "-rate", "0"}, {"ingest", "extra"}, {"cost", "-memory", "1"}, {"cold", "-starts", "0"}, {"identity", "-events", "0"}} {
		if err := run(t.Context(), io.Discard, args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
