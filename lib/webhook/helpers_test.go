package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// sink keeps deliveries in memory and can be told to fail.
type sink struct {
	mu      sync.Mutex
	stored  []webhook.Delivery
	refused []webhook.Delivery
	err     error
}

func (s *sink) Store(_ context.Context, d webhook.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.stored = append(s.stored, d)
	return nil
}

func (s *sink) StoreUnauthenticated(_ context.Context, d webhook.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, d)
	return s.err
}

func (s *sink) last(t *testing.T) webhook.Delivery {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stored) == 0 {
		t.Fatal("nothing was stored")
	}
	return s.stored[len(s.stored)-1]
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stored)
}

// ingest is a whole system of one configuration: server, sink, clock and log.
type ingest struct {
	*httptest.Server
	sink *sink
	cfg  *config.Config
	log  *bytes.Buffer
	mu   sync.Mutex
	now  time.Time
}

func parse(t *testing.T, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func start(t *testing.T, yaml string, change ...func(*webhook.Config)) *ingest {
	t.Helper()
	in := &ingest{sink: &sink{}, cfg: parse(t, yaml), log: &bytes.Buffer{}, now: time.Date(2026, 11, 20, 7, 15, 30, 0, time.UTC)}
	c := webhook.Config{
		Sources: func(context.Context) (*config.Config, error) { return in.cfg, nil },
		Sink:    in.sink,
		Secret: func(_ context.Context, ref string) (string, error) {
			return strings.TrimPrefix(ref, "env:"), nil // a reference of these tests is its own secret
		},
		Now: func() time.Time {
			in.mu.Lock()
			defer in.mu.Unlock()
			return in.now
		},
		Logger: logtest.To(t, in.log),
	}
	for _, f := range change {
		f(&c)
	}
	h, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	in.Server = httptest.NewServer(h)
	t.Cleanup(in.Close)
	return in
}

func (in *ingest) advance(d time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.now = in.now.Add(d)
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request; headers are name, value, name, value….
func (in *ingest) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, in.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Type") == "application/problem+json" {
		logtest.Expect(t, "the problem that answers "+method+" "+path, string(text))
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(text)}
}

func (in *ingest) decodeLast(t *testing.T) webhook.Decoded {
	t.Helper()
	return webhook.Decode(in.cfg, in.sink.last(t))
}

// one returns the only event of a delivery.
func one(t *testing.T, out webhook.Decoded) event.Event {
	t.Helper()
	if out.Failure != nil {
		t.Fatalf("failed: %v", out.Failure)
	}
	if len(out.Events) != 1 {
		t.Fatalf("got %d events, want 1", len(out.Events))
	}
	return out.Events[0]
}

// shared is a file of the project's shared folder, which stands beside the
// project and is not part of it.
func shared(t testing.TB, path ...string) string {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "..", "shared"}, path...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skipf("SKIPPED, NOT PROVEN: %s is absent", filepath.Join(path...))
	}
	return name
}

func problemOf(t *testing.T, a answer) (out struct {
	Type   string
	Status int
	Detail string
	Errors []event.FieldError
},
) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q of status %d, want a problem document: %s", got, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const sampleConfig = `
sources:
  - {name: site-form, kind: form, origins: ["https://shop.example"]}
  - {name: site-json, kind: json, origins: ["https://shop.example"]}
  - {name: tilda, kind: tilda}
`

// decodeDelivery runs one delivery to a source of the kind with more
// configuration.
func decodeDelivery(t testing.TB, kind, more string, d webhook.Delivery) webhook.Decoded {
	t.Helper()
	cfg, err := config.Parse([]byte("sources:\n  - {name: s, kind: " + kind + more + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d.Source, _ = cfg.SourceNamed("s")
	d.ReceivedAt = received
	if d.Method == "" {
		d.Method = "POST"
	}
	if d.Header == nil {
		d.Header = map[string]string{}
	}
	return impersonal(t, webhook.Decode(cfg, d))
}

// impersonal fails where the failure of a delivery, which is stored and answered,
// repeats what a person wrote.
func impersonal(t testing.TB, out webhook.Decoded) webhook.Decoded {
	t.Helper()
	if f := out.Failure; f != nil {
		logtest.Expect(t, "the failure of a delivery", f.Error())
		for _, fault := range f.Faults {
			logtest.Expect(t, "a fault of a delivery", fault.Error())
		}
	}
	return out
}

// unblanked fails where a stored delivery holds a text.
func unblanked(t *testing.T, d webhook.Delivery, secrets ...string) {
	t.Helper()
	text, err := json.Marshal(struct {
		A any
		B string
	}{d.Header, d.Query + "\n" + d.Suffix + "\n" + string(d.Body)})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("the stored delivery holds a secret of %d letters", len(secret))
		}
	}
}
