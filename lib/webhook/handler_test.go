package webhook_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestUnreadableSecretOrConfigurationIsUnavailable(t *testing.T) {
	broken := errors.New("out of order")
	for _, tt := range []struct {
		name   string
		change func(*webhook.Config)
	}{
		{"configuration", func(c *webhook.Config) {
			c.Sources = func(context.Context) (*config.Config, error) { return nil, broken }
		}},
		{"secrets", func(c *webhook.Config) {
			c.Secret = func(context.Context, string) (string, error) { return "", broken }
		}},
		{"empty secrets", func(c *webhook.Config) {
			c.Secret = func(context.Context, string) (string, error) { return "", nil }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := start(t, signedConfig, tt.change)
			got := in.send(t, "POST", "/in/site", lead, "X-Leadlake-Signature", sign("", lead))
			if got.status != 503 || got.header.Get("Retry-After") == "" || in.sink.count() != 0 {
				t.Errorf("status %d, Retry-After %q, stored %d", got.status, got.header.Get("Retry-After"), in.sink.count())
			}
			problemOf(t, got)
		})
	}
	// One secret that can be read is enough for who knows it.
	in := start(t, signedConfig, func(c *webhook.Config) {
		c.Secret = func(_ context.Context, ref string) (string, error) {
			if strings.Contains(ref, "old") {
				return "", broken
			}
			return strings.TrimPrefix(ref, "env:"), nil
		}
	})
	if got := in.send(t, "POST", "/in/site", lead, "X-Leadlake-Signature", sign(newSecret, lead)); got.status != 200 {
		t.Errorf("status %d with the readable secret", got.status)
	}
	if got := in.send(t, "POST", "/in/site", lead, "X-Leadlake-Signature", sign(oldSecret, lead)); got.status != 503 {
		t.Errorf("status %d with the unreadable one", got.status)
	}
}

func TestOnlyWhatIsDurableIsAcknowledged(t *testing.T) {
	in := start(t, sampleConfig)
	for _, err := range []error{webhook.ErrUnavailable, errors.New("disk full")} {
		in.sink.err = err
		for _, source := range []string{"site-form", "site-json", "tilda"} {
			for _, body := range []string{lead, "broken"} {
				got := in.send(t, "POST", "/in/"+source, body)
				if got.status != 503 || got.header.Get("Retry-After") == "" {
					t.Errorf("%s: status %d, Retry-After %q", source, got.status, got.header.Get("Retry-After"))
				}
			}
		}
	}
	in.sink.err = nil
	if got := in.send(t, "POST", "/in/site-json", lead); got.status != 200 {
		t.Errorf("status %d once the store is back", got.status)
	}
}

func TestMalformedAndInvalidAreStoredAndExplained(t *testing.T) {
	in := start(t, sampleConfig)
	for _, tt := range []struct {
		body, problem string
		status        int
	}{
		{`{"phone":`, "malformed-json", 400},
		{`{"kind":"order","order":{"total":"x"}}`, "invalid-event", 422},
	} {
		got := in.send(t, "POST", "/in/site-json", tt.body)
		p := problemOf(t, got)
		if got.status != tt.status || p.Status != tt.status || p.Type != "urn:leadlake:problem:"+tt.problem || p.Detail == "" {
			t.Errorf("status %d, problem %+v", got.status, p)
		}
		if tt.status == 422 && (len(p.Errors) != 1 || p.Errors[0].Path != "order.total") {
			t.Errorf("errors %+v", p.Errors)
		}
		if string(in.sink.last(t).Body) != tt.body {
			t.Error("the body is not kept")
		}
	}
}

func TestMethodsAndNames(t *testing.T) {
	in := start(t, sampleConfig)
	for _, tt := range []struct {
		method, path string
		want, stored int
	}{
		{"HEAD", "/in/tilda", 200, 0},
		{"HEAD", "/in/site-form?phone=1", 200, 0},
		{"GET", "/in/site-form", 200, 0},
		{"GET", "/in/site-form?key=abc", 200, 0},
		{"GET", "/in/site-form?phone=89000000001", 200, 1},
		{"GET", "/in/site-json/deep/er?phone=89000000001", 200, 1},
		{"POST", "/in/site-form", 200, 1},
		{"POST", "/in/site-json", 400, 1},
		{"PUT", "/in/site-form", 405, 0},
		{"DELETE", "/in/site-form", 405, 0},
		{"POST", "/in/nobody", 404, 0},
		{"GET", "/in/nobody", 404, 0},
		{"POST", "/in/", 404, 0},
		{"OPTIONS", "/in/nobody", 404, 0},
		{"OPTIONS", "/in/tilda", 204, 0},
		{"GET", "/else", 404, 0},
		{"GET", "/healthz", 200, 0},
		{"GET", "/readyz", 200, 0},
	} {
		before := in.sink.count()
		got := in.send(t, tt.method, tt.path, "")
		if got.status != tt.want || in.sink.count()-before != tt.stored {
			t.Errorf("%s %s: status %d, stored %d; want %d, %d", tt.method, tt.path, got.status, in.sink.count()-before, tt.want, tt.stored)
		}
		if got.status >= 400 && tt.method != "HEAD" {
			problemOf(t, got)
		}
	}
	if d := in.sink.stored[1]; d.Suffix != "deep/er" || d.Method != http.MethodGet {
		t.Errorf("suffix %q, method %q", d.Suffix, d.Method)
	}
}

func TestPathValuesOfTheCallersRoutesAreUsed(t *testing.T) {
	in := start(t, sampleConfig)
	mux := http.NewServeMux()
	h := in.Config.Handler.(*webhook.Handler)
	mux.HandleFunc("/stage/in/{source}", h.Ingest)
	mux.HandleFunc("/stage/in/{source}/{suffix...}", h.Ingest)
	server := httptest.NewServer(mux)
	defer server.Close()
	res, err := http.Post(server.URL+"/stage/in/tilda/a/b", formType, strings.NewReader("test=test"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if d := in.sink.last(t); res.StatusCode != http.StatusOK || d.Source.Name != "tilda" || d.Suffix != "a/b" {
		t.Errorf("status %d, source %q, suffix %q", res.StatusCode, d.Source.Name, d.Suffix)
	}
}

func TestReadyTellsTheTruth(t *testing.T) {
	var err error
	in := start(t, sampleConfig, func(c *webhook.Config) { c.Ready = func(context.Context) error { return err } })
	if got := in.send(t, "GET", "/readyz", ""); got.status != 200 {
		t.Errorf("status %d", got.status)
	}
	err = errors.New("no space left")
	if got := in.send(t, "GET", "/readyz", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("status %d", got.status)
	}
	if got := in.send(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("alive: status %d", got.status)
	}
}

func TestCORS(t *testing.T) {
	in := start(t, sampleConfig)
	const own, foreign = "https://shop.example", "https://evil.example"
	ask := func(source, origin string) answer {
		return in.send(t, "OPTIONS", "/in/"+source, "", "Origin", origin, "Access-Control-Request-Method", "POST")
	}
	if got := ask("site-json", own); got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != own || got.header.Get("Access-Control-Max-Age") != "86400" || got.header.Get("Vary") != "Origin" {
		t.Errorf("own: %d %v", got.status, got.header)
	}
	for _, source := range []string{"site-json", "tilda"} {
		if got := ask(source, foreign); got.status != 403 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s, foreign: %d %v", source, got.status, got.header)
		}
	}
	// Errors can be read by the page too, and a foreign page's lead is not lost.
	if got := in.send(t, "POST", "/in/site-json", "{", "Origin", own); got.status != 400 || got.header.Get("Access-Control-Allow-Origin") != own {
		t.Errorf("error: %d %v", got.status, got.header)
	}
	if got := in.send(t, "POST", "/in/site-json", lead, "Origin", foreign); got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("foreign: %d %v", got.status, got.header)
	}
}

func TestBodyLimits(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: json}, {name: big, kind: json, max_body_bytes: 2000000}, {name: f, kind: form}]")
	body := `{"phone":"1","a":"` + strings.Repeat("x", 1<<20) + `"}`
	chunked := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, in.URL+path, io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := in.send(t, "POST", "/in/s", body); got.status != 413 || in.sink.count() != 0 {
		t.Errorf("status %d, stored %d", got.status, in.sink.count())
	}
	if status := chunked("/in/s"); status != 413 || in.sink.count() != 0 {
		t.Errorf("chunked: status %d, stored %d", status, in.sink.count())
	}
	if got := in.send(t, "POST", "/in/nobody", body); got.status != 413 && got.status != 404 {
		t.Errorf("unknown source: status %d", got.status)
	}
	if got := in.send(t, "POST", "/in/big", body); got.status != 200 || in.sink.count() != 1 {
		t.Errorf("raised limit: status %d, stored %d", got.status, in.sink.count())
	}
	if got := in.send(t, "POST", "/in/f", "phone=1", "Content-Encoding", "gzip"); got.status != 415 || in.sink.count() != 1 {
		t.Errorf("gzip: status %d", got.status)
	}
	if got := in.send(t, "POST", "/in/f", "phone=1", "Content-Encoding", "identity"); got.status != 200 {
		t.Errorf("identity: status %d", got.status)
	}
}

func TestBodyThatBreaksOffIsNotAcknowledged(t *testing.T) {
	in := start(t, sampleConfig)
	conn, err := net.Dial("tcp", in.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /in/site-form HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nphone=89000000001")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	reply, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(reply), " 200 ") || in.sink.count() != 0 {
		t.Errorf("stored %d, reply %.40q", in.sink.count(), reply)
	}
}

func TestRateLimitRefusesBeforeTheBody(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: form, requests_per_second: 2}, {name: free, kind: form}]")
	want := []int{200, 200, 429}
	for i, status := range want {
		if got := in.send(t, "POST", "/in/s", "phone=1"); got.status != status {
			t.Errorf("request %d: status %d, want %d", i, got.status, status)
		} else if status == 429 && got.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
		}
	}
	if got := in.send(t, "POST", "/in/free", "phone=1"); got.status != 200 {
		t.Errorf("another source: status %d", got.status)
	}
	in.advance(500 * time.Millisecond)
	for i, status := range []int{200, 429} {
		if got := in.send(t, "POST", "/in/s", "phone=1"); got.status != status {
			t.Errorf("after half a second, request %d: status %d, want %d", i, got.status, status)
		}
	}
	if in.sink.count() != 4 {
		t.Errorf("stored %d, want 4", in.sink.count())
	}
}

func TestBrowserFormIsRedirected(t *testing.T) {
	in := start(t, `sources: [{name: s, kind: form, redirect: "https://shop.example/thanks"}]`)
	for _, body := range []string{"phone=1", "broken"} {
		got := in.send(t, "POST", "/in/s", body, "Accept", "text/html,application/xhtml+xml")
		if got.status != 303 || got.header.Get("Location") != "https://shop.example/thanks" {
			t.Errorf("status %d, location %q", got.status, got.header.Get("Location"))
		}
	}
	if got := in.send(t, "POST", "/in/s", "phone=1", "Accept", "*/*"); got.status != 200 {
		t.Errorf("script: status %d", got.status)
	}
}

func TestSenderThatHangsUpDoesNotEndTheWrite(t *testing.T) {
	in := start(t, sampleConfig)
	h := in.Config.Handler
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/in/site-form", strings.NewReader("phone=1"))
	h.ServeHTTP(httptest.NewRecorder(), req)
	if in.sink.count() != 1 {
		t.Error("the lead of a closed page was lost")
	}
}

// Personal data and secrets reach neither the log nor an answer.
func TestLogsAndProblemsHoldNoPersonalData(t *testing.T) {
	planted := []string{"Planted Person", "89995551234", "planted@person.example", newSecret, "planted-text"}
	in := start(t, signedConfig+"  - {name: open, kind: json}\n  - {name: open-form, kind: form}\n")
	bodies := []string{
		`{"name":"Planted Person","phone":"89995551234","email":"planted@person.example","message":"planted-text"}`,
		`{"kind":"lead","client":{"phone":["89995551234"],"planted@person.example":1,"name":{"Planted Person":1}},"at":"planted-text"}`,
		`{"kind":"order","order":{"id":"1","total":"89995551234","status":"planted-text","currency":"planted@person.example"}}`,
		`{"89995551234":1,"89995551234":2}`,
		`{"phone":"89995551234","x":planted-text}`,
		"name=Planted Person&tel_=x&note=planted-text",
		"phone=89995551234&email=planted@person.example&name=Planted Person",
		strings.Repeat("[", 70) + `"89995551234"`,
	}
	var replies strings.Builder
	for _, fail := range []error{nil, webhook.ErrUnavailable} {
		in.sink.err = fail
		for _, path := range []string{"/in/open", "/in/open-form?phone=89995551234", "/in/forms?key=" + newSecret, "/in/forms?key=89995551234", "/in/site", "/in/89995551234"} {
			for _, body := range bodies {
				got := in.send(t, "POST", path, body, "User-Agent", "planted-text", "Referer", "https://planted@person.example/")
				replies.WriteString(got.body)
				for name, values := range got.header {
					replies.WriteString(name + strings.Join(values, ""))
				}
			}
		}
	}
	if in.log.Len() == 0 {
		t.Fatal("nothing was logged, so nothing was proven")
	}
	for _, secret := range planted {
		if strings.Contains(in.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
		if strings.Contains(replies.String(), secret) {
			t.Errorf("a reply holds %q", secret)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := webhook.New(webhook.Config{})
	if err == nil {
		t.Fatal("an empty configuration was taken")
	}
	for _, name := range []string{"Sources", "Sink", "Secret", "Now", "Logger"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
