package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/webhook"
)

const compressedConfig = `sources:
  - {name: site, kind: json, compressed: true, secrets: ["env:` + newSecret + `"]}
  - {name: open, kind: json, compressed: true}
  - {name: small, kind: json, compressed: true, max_body_bytes: 2048}
  - {name: plain, kind: json}
`

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestACompressedBodyIsStoredAsItWasBefore(t *testing.T) {
	in := start(t, compressedConfig)
	for _, coding := range []string{"gzip", "GZIP", "x-gzip"} {
		before := in.sink.count()
		if got := in.send(t, "POST", "/in/open", gzipped(t, lead), "Content-Encoding", coding); got.status != 200 || in.sink.count() != before+1 {
			t.Fatalf("%s: status %d: %s", coding, got.status, got.body)
		}
		if got := in.sink.last(t); string(got.Body) != lead || got.Sent != nil && got.Trusted {
			t.Errorf("%s: stored %q", coding, got.Body)
		}
	}
	two := gzipped(t, lead[:20]) + gzipped(t, lead[20:]) // RFC 1952 allows several members
	if got := in.send(t, "POST", "/in/open", two, "Content-Encoding", "gzip"); got.status != 200 || string(in.sink.last(t).Body) != lead {
		t.Errorf("two members: status %d", got.status)
	}
	for _, tt := range []struct{ source, coding string }{{"plain", "gzip"}, {"open", "br"}, {"open", "gzip, gzip"}, {"open", "deflate"}} {
		if got := in.send(t, "POST", "/in/"+tt.source, gzipped(t, lead), "Content-Encoding", tt.coding); got.status != 415 {
			t.Errorf("%s to %s: status %d, want 415", tt.coding, tt.source, got.status)
		}
	}
}

func TestACompressedBodyIsSignedInEitherForm(t *testing.T) {
	in := start(t, compressedConfig)
	sent := gzipped(t, lead)
	for _, tt := range []struct {
		name, signature string
		status          int
	}{
		{"what was compressed", sign(newSecret, lead), 200},
		{"what was sent", sign(newSecret, sent), 200},
		{"another body", sign(newSecret, lead+" "), 401},
		{"with another secret", sign(oldSecret, sent), 401},
	} {
		if got := in.send(t, "POST", "/in/site", sent, "Content-Encoding", "gzip", "X-Leadlake-Signature", tt.signature); got.status != tt.status {
			t.Errorf("signed %s: status %d, want %d", tt.name, got.status, tt.status)
		}
	}
	if got := in.sink.last(t); !got.Trusted || string(got.Body) != lead || got.Sent != nil {
		t.Errorf("stored trusted=%t %q with %d bytes beside it", got.Trusted, got.Body, len(got.Sent))
	}
}

func TestBrokenCompressionIsRefused(t *testing.T) {
	in := start(t, compressedConfig)
	whole := gzipped(t, lead)
	for n := range len(whole) {
		if got := in.send(t, "POST", "/in/open", whole[:n], "Content-Encoding", "gzip"); got.status != 400 {
			t.Errorf("cut after %d of %d bytes: status %d, want 400", n, len(whole), got.status)
		}
	}
	checksum := []byte(whole)
	checksum[len(checksum)-8] ^= 1
	for name, body := range map[string]string{"plain text": lead, "wrong checksum": string(checksum), "more behind it": whole + "more"} {
		if got := in.send(t, "POST", "/in/open", body, "Content-Encoding", "gzip"); got.status != 400 {
			t.Errorf("%s: status %d, want 400", name, got.status)
		}
	}
	if in.sink.count() != 0 {
		t.Errorf("%d were stored", in.sink.count())
	}
}

// A gibibyte of zeros is a mebibyte of gzip.
func TestABombCostsBoundedMemory(t *testing.T) {
	in := start(t, compressedConfig)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 1000 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, source := range []string{"open", "small"} {
		if got := in.send(t, "POST", "/in/"+source, bomb.String(), "Content-Encoding", "gzip"); got.status != 413 {
			t.Errorf("%s: status %d, want 413", source, got.status)
		}
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20 {
		t.Errorf("two bombs of %d bytes cost %d MiB, want at most 16", bomb.Len(), spent>>20)
	}
	// A body within the source's limit, but a thousand times what was sent.
	if got := in.send(t, "POST", "/in/open", gzipped(t, strings.Repeat(" ", 1<<20)), "Content-Encoding", "gzip"); got.status != 413 {
		t.Errorf("expanded a thousand times: status %d, want 413", got.status)
	}
	if in.sink.count() != 0 {
		t.Errorf("%d were stored", in.sink.count())
	}
}

// slowSink holds every write until it is let go.
type slowSink struct {
	sink

	entered, release chan struct{}
}

func (s *slowSink) Store(ctx context.Context, d webhook.Delivery) error {
	s.entered <- struct{}{}
	<-s.release
	return s.sink.Store(ctx, d)
}

// headOnly sends the head of a request that promises bytes, and nothing of them.
func headOnly(t *testing.T, in *ingest, path string, promised int) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", in.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(promised)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func refusedAtOnce(t *testing.T, in *ingest, promised int) {
	t.Helper()
	_, reader := headOnly(t, in, "/in/site-json", promised) // no byte of the body ever comes
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(string(text), "overloaded") {
		t.Errorf("status %d, Retry-After %q: %s", res.StatusCode, res.Header.Get("Retry-After"), text)
	}
}

func TestTooManyAtOnceAreRefusedBeforeTheBody(t *testing.T) {
	slow := &slowSink{entered: make(chan struct{}), release: make(chan struct{})}
	in := start(t, sampleConfig, func(c *webhook.Config) { c.Sink, c.Requests = slow, 2 })
	answers := make(chan int)
	for range 2 {
		go func() { answers <- in.send(t, "POST", "/in/site-json", lead).status }()
		<-slow.entered
	}
	refusedAtOnce(t, in, 100)
	close(slow.release)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("one of those let in: status %d", status)
		}
	}
	go func() { <-slow.entered }()
	if got := in.send(t, "POST", "/in/site-json", lead); got.status != 200 || slow.count() != 3 {
		t.Errorf("afterwards: status %d, stored %d", got.status, slow.count())
	}
}

func TestTooManyBytesAtOnceAreRefusedBeforeTheBody(t *testing.T) {
	slow := &slowSink{entered: make(chan struct{}), release: make(chan struct{})}
	in := start(t, sampleConfig, func(c *webhook.Config) { c.Sink, c.InFlight = slow, 1_000_000 })
	// Who promises much and sends nothing takes nobody's place.
	for range 5 {
		headOnly(t, in, "/in/site-json", 900_000)
	}
	large := strings.Replace(lead, "{", `{"note":"`+strings.Repeat("x", 600_000)+`",`, 1)
	answers := make(chan int)
	go func() { answers <- in.send(t, "POST", "/in/site-json", large).status }()
	<-slow.entered
	refusedAtOnce(t, in, 900_000)
	go func() { answers <- in.send(t, "POST", "/in/site-json", lead).status }() // a small one still has room
	<-slow.entered
	close(slow.release)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("one of those let in: status %d", status)
		}
	}
}
