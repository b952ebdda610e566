package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/objstore/s3store/s3test"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

const shopConfiguration = `business: {name: Test, currency: RUB, timezone: Europe/Moscow, country: RU, language: en}
sources:
  - {name: site, kind: json, consents: [{purpose: ads, always: true}]}
  - {name: guarded, kind: json, secrets: [env:SITE_SECRET]}
`

// outlet is a buffer that tells when its first address was written.
type outlet struct {
	mu      sync.Mutex
	text    bytes.Buffer
	address chan string
}

func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := strings.Contains(o.text.String(), "http://")
	o.text.Write(p)
	if _, rest, ok := strings.Cut(o.text.String(), "http://"); ok && !before {
		address, _, _ := strings.Cut(rest, "\n")
		o.address <- "http://" + address
	}
	return len(p), nil
}

func (o *outlet) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// started is a serve command that runs in this process.
type started struct {
	data, address string
	out           *outlet
	stop          func() int // ends it and gives its exit status
}

func startServe(t *testing.T) started {
	t.Helper()
	s := started{data: filepath.Join(t.TempDir(), "data"), out: &outlet{address: make(chan string, 1)}}
	if err := os.MkdirAll(filepath.Join(s.data, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.data, "config", "leadlake.yaml"), []byte(shopConfiguration), 0o600); err != nil {
		t.Fatal(err)
	}
	sys := newSystem()
	sys.Stdout = s.out
	sys.Getenv = func(name string) string { return map[string]string{"SITE_SECRET": "a secret of the site"}[name] }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, sys.system, []string{"serve", "-listen", "127.0.0.1:0", "-data", s.data}) }()
	s.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { s.stop() })
	select {
	case s.address = <-s.out.address:
	case status := <-ended:
		t.Fatalf("serve ended with %d: %s", status, sys.err.String())
	case <-time.After(30 * time.Second):
		t.Fatal("serve does not start")
	}
	return s
}

// command runs a command on the store of a running serve.
func (s started) command(t *testing.T, wanted int, stdin string, args ...string) string {
	t.Helper()
	sys := newSystem()
	sys.Stdin = strings.NewReader(stdin)
	args = append([]string{args[0], "-data", s.data}, args[1:]...)
	if status := run(t.Context(), sys.system, args); status != wanted {
		t.Fatalf("%v: status %d, want %d; stderr %s", args[:1], status, wanted, sys.err.String())
	}
	return sys.out.String() + sys.err.String()
}

func (s started) send(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

const lead = `{"id":"lead-1","kind":"lead","client":{"phone":"8 (999) 555-11-11","name":"Анна"}}`

func TestServeAnswersEveryRoute(t *testing.T) {
	s := startServe(t)
	if !strings.Contains(s.out.String(), "leadlake user add NAME -role owner -data "+s.data) {
		t.Errorf("the greeting does not tell how to get an account:\n%s", s.out.String())
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/healthz", "", http.StatusOK},
		{http.MethodGet, "/readyz", "", http.StatusOK},
		{http.MethodPost, "/in/site", lead, http.StatusOK},
		{http.MethodPost, "/in/site/below", lead, http.StatusOK},
		{http.MethodPost, "/in/guarded", lead, http.StatusUnauthorized},
		{http.MethodPost, "/in/nobody", lead, http.StatusNotFound},
		{http.MethodDelete, "/in/site", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "/login", "", http.StatusOK},
		{http.MethodGet, "/", "", http.StatusSeeOther},
		{http.MethodGet, "/api/v1/night", "", http.StatusUnauthorized},
	} {
		if status, body := s.send(t, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d, want %d\n%s", c.method, c.path, status, c.status, body)
		}
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, ".leadlake": 0o700, ".leadlake/token.key": 0o600, ".leadlake/signin.key": 0o600, ".leadlake/control.json": 0o600} {
		stat, err := os.Stat(filepath.Join(s.data, name))
		if err != nil || stat.Mode().Perm() != mode && name != "" {
			t.Errorf("%q: %v, %v, want mode %v", name, stat, err, mode)
		}
	}
	if status := s.stop(); status != exitDone {
		t.Errorf("an interrupted serve ends with %d, want %d", status, exitDone)
	}
	if _, err := os.Stat(filepath.Join(s.data, ".leadlake", "control.json")); !os.IsNotExist(err) {
		t.Errorf("the control file stays behind: %v", err)
	}
}

func TestCommandsReachTheRunningServe(t *testing.T) {
	s := startServe(t)
	if says := s.command(t, exitFailed, "", "serve"); !strings.Contains(says, "in use") {
		t.Errorf("a second serve says %q", says)
	}
	if status, body := s.send(t, http.MethodPost, "/in/site", lead); status != http.StatusOK {
		t.Fatalf("post: %d %s", status, body)
	}
	var compacted pipeline.CompactReport
	if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "invoke", "compact")), &compacted); err != nil || compacted.Events != 1 {
		t.Fatalf("invoke compact: %+v, %v, want 1 event", compacted, err)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"as_of":"`+today+`","detail-type":"Scheduled Event"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var night pipeline.NightReport
	if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "invoke", "-event", event, "analytics")), &night); err != nil || night.Clients != 1 {
		t.Fatalf("invoke analytics: %+v, %v, want 1 client", night, err)
	}
	s.command(t, exitDone, "a good password\n", "user", "add", "anna", "-role", "owner", "-password-stdin")
	if says := s.command(t, exitFailed, "a good password\n", "user", "add", "anna", "-role", "owner", "-password-stdin"); !strings.Contains(says, "leadlake: account anna: the account exists") {
		t.Errorf("the same account again: %q", says)
	}
	if says := s.command(t, exitFailed, "short\n", "user", "passwd", "anna", "-password-stdin"); strings.Contains(says, "short") {
		t.Errorf("the error repeats the password: %q", says)
	}
	if says := s.command(t, exitDone, "", "check"); strings.Count(says, "ok  ") != 6 || !strings.Contains(says, "1 rows, unbroken") {
		t.Errorf("check says\n%s", says)
	}
	proof := s.command(t, exitDone, "8 999 555 11 11\n", "erase", "-")
	if !strings.Contains(proof, `"state": "done"`) || strings.Contains(proof, "555") {
		t.Errorf("the proof of the erasure is\n%s", proof)
	}
	if says := s.command(t, exitDone, "", "user", "disable", "anna"); !strings.Contains(says, "closed") {
		t.Errorf("disable says %q", says)
	}
}

func TestASilentOwnerIsNamed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	owner, err := filestore.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	folder := filepath.Join(data, privateName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"", "{", `{"address":"127.0.0.1:1","token":"x"}`} { // port 1 listens nowhere
		if left != "" {
			if err := os.WriteFile(filepath.Join(folder, controlName), []byte(left), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sys := newSystem()
		status := run(t.Context(), sys.system, []string{"check", "-data", data})
		if status != exitFailed || !strings.Contains(sys.err.String(), "does not answer") {
			t.Errorf("control file %q: status %d, %s", left, status, sys.err.String())
		}
	}
}

func TestControlWantsItsToken(t *testing.T) {
	s := startServe(t)
	body, err := os.ReadFile(filepath.Join(s.data, privateName, controlName))
	if err != nil {
		t.Fatal(err)
	}
	var file controlFile
	if err := json.Unmarshal(body, &file); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"", "Bearer ", "Bearer wrong", file.Token} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+file.Address+"/check", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", given)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("authorisation %q is answered %d, want 403", given, response.StatusCode)
		}
	}
}

func TestInvokeServesHTTPEvents(t *testing.T) {
	s := startServe(t)
	event := func(method, path, body string) string {
		return fmt.Sprintf(`{"version":"2.0","rawPath":%q,"rawQueryString":"","headers":{"content-type":"application/json"},"body":%q,
			"requestContext":{"domainName":"shop.example","stage":"$default","http":{"method":%q,"sourceIp":"192.0.2.1"}}}`, path, body, method)
	}
	for _, c := range []struct {
		function, event string
		status          int
	}{
		{"ingest", event("POST", "/in/site", `{"id":"lead-2","kind":"lead","client":{"phone":"89995551112"}}`), http.StatusOK},
		{"ingest", event("POST", "/in/nobody", "{}"), http.StatusNotFound},
		{"portal", event("GET", "/login", ""), http.StatusOK},
	} {
		name := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(name, []byte(c.event), 0o600); err != nil {
			t.Fatal(err)
		}
		var answer httpAnswer
		if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "invoke", c.function, "-event", name)), &answer); err != nil || answer.StatusCode != c.status {
			t.Errorf("%s: %d, %v, want %d", c.function, answer.StatusCode, err, c.status)
		}
	}
	if says := s.command(t, exitFailed, "", "invoke", "ingest"); !strings.Contains(says, "format 2.0") {
		t.Errorf("an event that is no request: %q", says)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	body := []byte(`{"id":"lead-3","kind":"lead","client":{"phone":"89995551113"}}`)
	message := lake.EncodeMessage(schema.RawRow{Key: webhook.RawKey("site", "lead-3", body, at), Source: "site", HasID: true, ReceivedAt: at, Method: "POST", Body: body})
	batch := fmt.Sprintf(`{"Records":[{"messageId":"a","eventSource":"aws:sqs","body":%q},{"messageId":"b","eventSource":"aws:sqs","body":"{}"}]}`, message)
	var stored lake.BatchReport
	if err := json.NewDecoder(strings.NewReader(s.command(t, exitDone, batch, "invoke", "queue", "-event", "-"))).Decode(&stored); err != nil || len(stored.Failures) != 1 || stored.Failures[0].ID != "b" {
		t.Errorf("queue: %+v, %v, want only the second message to come again", stored, err)
	}
	var compacted pipeline.CompactReport
	if err := json.Unmarshal([]byte(s.command(t, exitDone, "", "invoke", "compact")), &compacted); err != nil || compacted.Events != 2 {
		t.Errorf("after two deliveries by event: %+v, %v, want 2 events", compacted, err)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	s := startServe(t)
	s.command(t, exitDone, "a good password\n", "user", "add", "anna", "-role", "owner", "-password-stdin")
	s.command(t, exitDone, "", "user", "disable", "anna")
	s.stop()
	sys := newSystem() // without the secret of the guarded source
	rows, err := filepath.Glob(filepath.Join(s.data, "audit", "*.json"))
	if err != nil || len(rows) != 2 {
		t.Fatalf("audit rows %v, %v, want 2", rows, err)
	}
	body, err := os.ReadFile(rows[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rows[0], bytes.Replace(body, []byte("anna"), []byte("olga"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ab", keyBytes)
	if err := os.WriteFile(filepath.Join(s.data, privateName, tokenKeyName), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if status := run(t.Context(), sys.system, []string{"check", "-json", "-data", s.data}); status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	var findings []finding
	if err := json.Unmarshal(sys.out.Bytes(), &findings); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"configuration": false, "store": true, "token key": false, "ledger": true, "schedules": true, "audit chain": false}
	for _, one := range findings {
		ok, known := want[one.Name]
		if !known || one.OK != ok || one.OK != (one.Do == "") {
			t.Errorf("%+v, want ok %v", one, ok)
		}
		delete(want, one.Name)
	}
	if len(want) > 0 {
		t.Errorf("not looked at: %v", want)
	}
}

func TestAStoreWithoutItsTokenKeyIsRefused(t *testing.T) {
	s := startServe(t)
	s.command(t, exitDone, "", "invoke", "compact") // leaves the key's known answer
	s.stop()
	key := filepath.Join(s.data, privateName, tokenKeyName)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if says := s.command(t, exitFailed, "", "serve"); !strings.Contains(says, "restore it from its backup") {
		t.Errorf("serve without the key says %q", says)
	}
	if _, err := os.Stat(key); !os.IsNotExist(err) {
		t.Errorf("a wrong key was made: %v", err)
	}
}

func TestCommandsWorkOverABucket(t *testing.T) {
	c := s3test.Config(t)
	t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretAccessKey)
	bucket := "s3://" + c.Bucket + "?path_style=true&region=" + c.Region + "&endpoint=" + url.QueryEscape(c.Endpoint)
	command := func(stdin string, args ...string) string {
		sys := newSystem()
		sys.Stdin = strings.NewReader(stdin)
		sys.Getenv = func(name string) string {
			return map[string]string{tokenKeyVariable: "env:KEY", "KEY": strings.Repeat("ab", keyBytes)}[name]
		}
		if status := run(t.Context(), sys.system, append([]string{args[0], "-s3", bucket}, args[1:]...)); status != exitDone {
			t.Fatalf("%s: status %d, %s", args[0], status, sys.err.String())
		}
		return sys.out.String()
	}
	command("a good password\n", "user", "add", "anna", "-role", "owner", "-password-stdin")
	if says := command("", "invoke", "compact"); !strings.Contains(says, `"deliveries": 0`) {
		t.Errorf("invoke compact says\n%s", says)
	}
	if says := command("", "check"); strings.Count(says, "ok  ") != 6 || !strings.Contains(says, "1 rows, unbroken") {
		t.Errorf("check says\n%s", says)
	}
}
