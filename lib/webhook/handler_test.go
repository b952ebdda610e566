package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/webhook"
)

const (
	oldSecret = "old-secret-of-24-bytes-or-more"
	newSecret = "new-secret-of-24-bytes-or-more"
	lead      = `{"name":"Анна","phone":"89000000001"}`
)

const signedConfig = `
sources:
  - {name: site, kind: json, secrets: ["env:` + oldSecret + `", "env:` + newSecret + `"]}
  - {name: forms, kind: tilda, secrets: ["env:` + newSecret + `"]}
  - {name: page, kind: form, secrets: ["env:` + newSecret + `"], map: {secret: X-Our-Key}}
  - {name: short, kind: form, secrets: ["env:tea"]}
`

func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestSignatures(t *testing.T) {
	in := start(t, signedConfig)
	now := strconv.FormatInt(in.now.Unix(), 10)
	at := func(d time.Duration) string { return strconv.FormatInt(in.now.Add(d).Unix(), 10) }
	for _, tt := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"old secret", []string{"X-Leadlake-Signature", sign(oldSecret, lead)}, 200},
		{"new secret", []string{"X-Leadlake-Signature", sign(newSecret, lead)}, 200},
		{"none", nil, 401},
		{"another secret", []string{"X-Leadlake-Signature", sign("x", lead)}, 401},
		{"empty secret", []string{"X-Leadlake-Signature", sign("", lead)}, 401},
		{"another body", []string{"X-Leadlake-Signature", sign(newSecret, lead+" ")}, 401},
		{"no scheme", []string{"X-Leadlake-Signature", sign(newSecret, lead)[7:]}, 401},
		{"unknown scheme", []string{"X-Leadlake-Signature", "sha512=" + sign(newSecret, lead)[7:]}, 401},
		{"base64", []string{"X-Leadlake-Signature", "sha256=" + base64.StdEncoding.EncodeToString([]byte(sign(newSecret, lead)))}, 401},
		{"cut", []string{"X-Leadlake-Signature", sign(newSecret, lead)[:40]}, 401},
		{"empty", []string{"X-Leadlake-Signature", ""}, 401},
		{"sent twice", []string{"X-Leadlake-Signature", sign(newSecret, lead), "X-Leadlake-Signature", sign(newSecret, lead)}, 401},
		{"wrong one beside the right key", []string{"X-Leadlake-Signature", sign("x", lead), "Authorization", "Bearer " + newSecret}, 401},
		{"timestamp", []string{"X-Leadlake-Timestamp", now, "X-Leadlake-Signature", sign(newSecret, now+"."+lead)}, 200},
		{"timestamp 4:59 ago", []string{"X-Leadlake-Timestamp", at(-299 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(-299*time.Second)+"."+lead)}, 200},
		{"timestamp 5:01 ago", []string{"X-Leadlake-Timestamp", at(-301 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(-301*time.Second)+"."+lead)}, 401},
		{"timestamp ahead", []string{"X-Leadlake-Timestamp", at(301 * time.Second), "X-Leadlake-Signature", sign(newSecret, at(301*time.Second)+"."+lead)}, 401},
		{"timestamp not signed", []string{"X-Leadlake-Timestamp", now, "X-Leadlake-Signature", sign(newSecret, lead)}, 401},
		{"timestamp taken away", []string{"X-Leadlake-Signature", sign(newSecret, now+"."+lead)}, 401},
		{"bearer", []string{"Authorization", "bearer " + oldSecret}, 200},
		{"wrong bearer", []string{"Authorization", "Bearer " + oldSecret + "x"}, 401},
		{"basic", []string{"Authorization", "Basic " + newSecret}, 401},
		{"key header", []string{"X-Leadlake-Key", newSecret}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored, refused := in.sink.count(), len(in.sink.refused)
			got := in.send(t, "POST", "/in/site", lead, tt.headers...)
			if got.status != tt.want {
				t.Fatalf("status %d, want %d: %s", got.status, tt.want, got.body)
			}
			if tt.want == 200 {
				if d := in.sink.last(t); in.sink.count() != stored+1 || !d.Trusted {
					t.Errorf("stored %d, trusted %t", in.sink.count()-stored, d.Trusted)
				}
				return
			}
			if p := problemOf(t, got); p.Type != "urn:leadlake:problem:bad-signature" || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("problem %+v", p)
			}
			if in.sink.count() != stored || len(in.sink.refused) != refused+1 {
				t.Error("a refused delivery must be kept apart, and only there")
			}
			if d := in.sink.refused[refused]; d.Trusted || string(d.Body) != lead {
				t.Error("a refused delivery is not kept as it came")
			}
		})
	}
}

func TestEveryMutationOfASignedRequestIsRefused(t *testing.T) {
	cfg := parse(t, signedConfig)
	source, _ := cfg.SourceNamed("site")
	d := webhook.Delivery{Source: source, Body: []byte(lead), Header: map[string]string{"x-leadlake-signature": sign(newSecret, lead)}, ReceivedAt: received}
	secrets := []string{oldSecret, newSecret}
	if _, ok := webhook.Authenticate(d, secrets); !ok {
		t.Fatal("the request itself is refused")
	}
	for i := range len(lead) * 8 {
		forged := d
		forged.Body = bytes.Clone(d.Body)
		forged.Body[i/8] ^= 1 << (i % 8)
		if _, ok := webhook.Authenticate(forged, secrets); ok {
			t.Fatalf("bit %d of the body may be changed", i)
		}
	}
	signature := d.Header["x-leadlake-signature"]
	for i := range len(signature) * 8 {
		text := []byte(signature)
		if text[i/8] ^= 1 << (i % 8); strings.EqualFold(string(text), signature) {
			continue // hex digits may be large or small
		}
		forged := d
		forged.Header = map[string]string{"x-leadlake-signature": string(text)}
		if _, ok := webhook.Authenticate(forged, secrets); ok {
			t.Fatalf("bit %d of the signature may be changed", i)
		}
	}
	for _, bad := range [][]string{{""}, {"", ""}, {oldSecret}, {newSecret + "0"}} {
		if _, ok := webhook.Authenticate(d, bad); ok {
			t.Fatalf("secrets %q fit", bad)
		}
	}
}

// A secret is accepted wherever senders can put it, and stands nowhere in what is
// stored; every other byte does.
func TestSecretsAreBlanked(t *testing.T) {
	in := start(t, signedConfig)
	const form = "Name=A&Phone=89000000001&tranid=1:2"
	hidden := strings.Repeat("*", len(newSecret))
	odd := "%6e" + newSecret[1:] // the same, percent-encoded for no reason
	for _, tt := range []struct {
		name, path, body string
		headers          []string
		wantBody         string
	}{
		{"query", "/in/forms?key=" + newSecret + "&a=1", form, nil, form},
		{"query, encoded", "/in/forms?token=" + odd, form, nil, form},
		{"path", "/in/forms/x/" + newSecret, form, nil, form},
		{"bearer", "/in/forms", form, []string{"Authorization", "Bearer " + newSecret}, form},
		{"api key", "/in/forms", form, []string{"X-Api-Key", newSecret}, form},
		{"mapped header", "/in/page", form, []string{"X-Our-Key", newSecret}, form},
		{"body field", "/in/forms", form + "&api_key=" + newSecret, nil, form + "&api_key=" + hidden},
		{"body field, encoded", "/in/forms", form + "&secret=" + odd, nil, form + "&secret=" + strings.Repeat("*", len(odd))},
		{"mapped body field", "/in/page", form + "&X-Our-Key=" + newSecret, nil, form + "&X-Our-Key=" + hidden},
		{"json field", "/in/forms", `{"Phone":"89000000001","key":"` + newSecret + `"}`, nil, `{"Phone":"89000000001","key":"` + hidden + `"}`},
		{"json field, escaped", "/in/forms", `{"Phone":"89000000001","key":"\u006e` + newSecret[1:] + `"}`, nil, `{"Phone":"89000000001","key":"` + hidden + `*****"}`},
		{
			"multipart", "/in/forms", "--X\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + newSecret + "\r\n" + multipartOf("X", "Phone=89000000001"), nil,
			"--X\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + hidden + "\r\n" + multipartOf("X", "Phone=89000000001"),
		},
		{"short, a word of the text", "/in/short?key=tea", "phone=1&comment=tea+time&x=tea", nil, "phone=1&comment=tea+time&x=***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := in.send(t, "POST", tt.path, tt.body, tt.headers...); got.status != 200 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			d := in.sink.last(t)
			if diff := cmp.Diff(tt.wantBody, string(d.Body)); diff != "" {
				t.Errorf("body: %s", diff)
			}
			everything := d.Query + d.Suffix + string(d.Body) + d.ContentType
			for _, value := range d.Header {
				everything += value
			}
			if plain, err := url.QueryUnescape(everything); strings.Contains(everything, newSecret) || err == nil && strings.Contains(plain, newSecret) {
				t.Error("the secret is stored")
			}
			out := in.decodeLast(t)
			if ev := one(t, out); ev.Attributes["key"]+ev.Attributes["api_key"]+ev.Attributes["secret"]+ev.Attributes["X-Our-Key"] != "" {
				t.Errorf("attributes %v", ev.Attributes)
			}
		})
	}
	if d := in.sink.last(t); !d.Trusted {
		t.Error("not trusted")
	}
}

func TestKeysInAJSONBodyProveNothing(t *testing.T) {
	in := start(t, signedConfig)
	if got := in.send(t, "POST", "/in/site", `{"phone":"1","key":"`+newSecret+`"}`); got.status != 401 {
		t.Errorf("status %d", got.status)
	}
}

func TestOpenSourceIsNotTrusted(t *testing.T) {
	in := start(t, "sources: [{name: s, kind: form}]")
	body := "phone=1&key=abc"
	if got := in.send(t, "POST", "/in/s?key=abc&x=1", body, "Authorization", "Bearer xyz"); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	d := in.sink.last(t)
	if d.Trusted || string(d.Body) != body || d.Query != "key=***&x=1" || d.Header["authorization"] != "Bearer ***" {
		t.Errorf("stored %t %q %q %q", d.Trusted, d.Body, d.Query, d.Header)
	}
}

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
	if d := in.sink.stored[1]; d.Suffix != "deep/er" || d.Method != "GET" {
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
	if d := in.sink.last(t); res.StatusCode != 200 || d.Source.Name != "tilda" || d.Suffix != "a/b" {
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
