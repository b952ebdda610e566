package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/leadlake/leadlake/functions/internal/runtimeapi"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
	"github.com/leadlake/leadlake/lib/objstore/s3store/s3test"
	"github.com/leadlake/leadlake/lib/portal"
)

const siteSecret = "a secret of at least 24 bytes"

// steps are the functions that a schedule calls.
var steps = []string{"compact", "analytics", "export", "erase"}

// programs is the folder with the seven programs, built once.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "leadlake-functions-")
		if err == nil {
			defer os.RemoveAll(folder)
			programs = folder
			err = runtimeapi.Build(context.Background(), folder, append([]string{"ingest", "queue", "portal"}, steps...)...)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// cloud is a bucket on a real S3 server and the functions that were deployed over it.
type cloud struct {
	store objstore.Store
	env   map[string]string
}

func deploy(t *testing.T, configuration string) cloud {
	t.Helper()
	c := s3test.Config(t)
	store, err := s3store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), config.Key, []byte(configuration)); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"endpoint": {c.Endpoint}, "region": {"us-east-1"}, "path_style": {strconv.FormatBool(c.PathStyle)}}
	return cloud{store: store, env: map[string]string{
		"LEADLAKE_S3":        "s3://" + path.Join(c.Bucket, c.Prefix) + "?" + query.Encode(),
		"LEADLAKE_TOKEN_KEY": "env:TOKEN_KEY", "LEADLAKE_SIGNING_KEY": "env:TOKEN_KEY", "TOKEN_KEY": strings.Repeat("0123456789abcdef", 4), "SITE_SECRET": siteSecret,
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
	}}
}

func (c cloud) start(t *testing.T, name string) *runtimeapi.Function {
	t.Helper()
	return runtimeapi.Start(t, filepath.Join(programs, name), c.env)
}

func (c cloud) keys(t *testing.T, prefix string) []string {
	t.Helper()
	var keys []string
	for info, err := range c.store.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// call sends a request through the front of an HTTP function.
func call(t *testing.T, function *runtimeapi.Function, r *http.Request) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	if err := function.Invoke(t.Context(), runtimeapi.Event(t, runtimeapi.HTTPAPI, r), &answer); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return answer, string(runtimeapi.Body(t, answer))
}

// delivery is a post as the site sends it, with its secret.
func delivery(source, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://hooks.shop.example/in/"+source, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Leadlake-Key", siteSecret)
	return r
}

func post(t *testing.T, function *runtimeapi.Function, source, body string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	answer, text := call(t, function, delivery(source, body))
	if answer.StatusCode != http.StatusOK {
		t.Errorf("POST /in/%s = %d %s", source, answer.StatusCode, text)
	}
	return answer
}

func TestABrokenEnvironmentEndsTheStart(t *testing.T) {
	for _, name := range append([]string{"ingest", "queue", "portal"}, steps...) {
		t.Run(name, func(t *testing.T) {
			function := runtimeapi.Start(t, filepath.Join(programs, name), map[string]string{"LEADLAKE_TOKEN_KEY": "the key itself"})
			if err := function.Invoke(t.Context(), struct{}{}, nil); err == nil {
				t.Error("the function answered without a bucket")
			}
			if log := function.Log(); !strings.Contains(log, "LEADLAKE_S3") || !strings.Contains(log, "LEADLAKE_TOKEN_KEY") || strings.Contains(log, "the key itself") {
				t.Errorf("the log names not both variables, or the key: %s", log)
			}
		})
	}
}

func TestAnEmptyBucketIsNoFault(t *testing.T) {
	c := deploy(t, "business: {name: Shop, currency: RUB, timezone: Europe/Moscow}\n")
	for _, name := range steps {
		t.Run(name, func(t *testing.T) {
			function := c.start(t, name)
			// Twice: EventBridge may call twice, and a function stays warm.
			for range 2 {
				var report map[string]any
				if err := function.Invoke(t.Context(), json.RawMessage("{}"), &report); err != nil {
					t.Errorf("%s of nothing: %v", name, err)
				}
			}
		})
	}
	t.Run("ingest", func(t *testing.T) {
		function := c.start(t, "ingest")
		for target, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/in/unknown": http.StatusNotFound} {
			if answer, text := call(t, function, httptest.NewRequest(http.MethodGet, target, nil)); answer.StatusCode != want {
				t.Errorf("GET %s = %d %s, want %d", target, answer.StatusCode, text, want)
			}
		}
	})
	t.Run("portal", func(t *testing.T) {
		function := c.start(t, "portal")
		answer, text := call(t, function, httptest.NewRequest(http.MethodGet, "https://clients.shop.example/", nil))
		if answer.StatusCode != http.StatusSeeOther && answer.StatusCode != http.StatusOK {
			t.Errorf("GET / = %d %s, want a page or the way to sign in", answer.StatusCode, text)
		}
	})
}

func TestAStoreThatDoesNotAnswerIs503(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	env := deploy(t, "{}").env
	env["LEADLAKE_S3"] = "s3://bucket?region=us-east-1&path_style=true&endpoint=" + url.QueryEscape(dead.URL)
	function := runtimeapi.Start(t, filepath.Join(programs, "ingest"), env)
	answer, text := call(t, function, delivery("site", `{"kind":"lead"}`))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Retry-After"] == "" {
		t.Errorf("POST without a store = %d %v %s, want 503 with Retry-After", answer.StatusCode, answer.Headers, text)
	}
}

// A shop of 2 300 buyers walks from the webhook to its audience files, through the
// programs alone; then one of them asks to be forgotten.
func TestFromWebhookToAudienceFileAndErasure(t *testing.T) {
	c := deploy(t, `business: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: ru}
sources:
  - {name: site, kind: json, secrets: [env:SITE_SECRET]}
`)
	ingest := c.start(t, "ingest")
	now := time.Now().UTC()
	const buyers, batch = 2300, 100
	for first := 0; first < buyers; first += batch {
		var orders []string
		for n := first; n < first+batch; n++ {
			orders = append(orders, fmt.Sprintf(`{"id":"o%d/paid","kind":"order","at":%q,"client":{"phone":"+7 900 %07d","email":"buyer%d@shop.example"},`+
				`"order":{"id":"o%d","status":"paid","currency":"RUB","total":"%d.00"},"consents":[{"purpose":"ads","given":true,"at":%q}]}`,
				n, now.AddDate(0, 0, -3-n%40).Format(time.RFC3339), n, n, n, 100+n, now.AddDate(0, 0, -3-n%40).Format(time.RFC3339)))
		}
		post(t, ingest, "site", "["+strings.Join(orders, ",")+"]")
	}
	raw := len(c.keys(t, "raw/"))
	post(t, ingest, "site", `[{"id":"again","kind":"lead","client":{"phone":"+79000000000"}}]`)
	post(t, ingest, "site", `[{"id":"again","kind":"lead","client":{"phone":"+79000000000"}}]`)
	if got := len(c.keys(t, "raw/")); got != raw+1 {
		t.Errorf("a delivery and its repetition left %d raw objects, want 1", got-raw)
	}

	compact, analytics, export, pages, erase := c.start(t, "compact"), c.start(t, "analytics"), c.start(t, "export"), c.start(t, "portal"), c.start(t, "erase")
	run := func(function *runtimeapi.Function, request string) map[string]any {
		t.Helper()
		var report map[string]any
		if err := function.Invoke(t.Context(), json.RawMessage(request), &report); err != nil {
			t.Fatal(err)
		}
		return report
	}
	counted := run(compact, "{}")
	if counted["events"] != float64(buyers+1) || counted["failed"] != float64(0) {
		t.Errorf("compact reports %v, want %d events", counted, buyers+1)
	}
	if again := run(compact, "{}"); again["events"] != float64(0) {
		t.Errorf("compact again reports %v, want no event", again)
	}
	asOf := now.In(time.FixedZone("MSK", 3*60*60)).Format(time.DateOnly)
	run(analytics, fmt.Sprintf(`{"as_of":%q}`, asOf))
	if _, err := c.store.Head(t.Context(), "gold/current.json"); err != nil {
		t.Fatalf("no night is in force: %v", err)
	}
	run(export, "{}")
	files := c.keys(t, "audiences/")
	for _, platform := range []string{"yandex", "vk", "google"} {
		if !slices.ContainsFunc(files, func(key string) bool {
			return strings.Contains(key, "/buyers/"+platform+"/") && !strings.HasSuffix(key, "manifest.json")
		}) {
			t.Errorf("no file for %s among %v", platform, files)
		}
	}
	signIn := c.account(t, pages)
	bundles := struct {
		Exports []struct {
			ID, Segment, Platform string
			Files                 []struct {
				Name    string
				Written bool
			}
		}
	}{}
	list := httptest.NewRequest(http.MethodGet, "https://clients.shop.example/api/v1/exports", nil)
	list.AddCookie(signIn)
	if answer, text := call(t, pages, list); answer.StatusCode != http.StatusOK || json.Unmarshal([]byte(text), &bundles) != nil {
		t.Fatalf("GET /api/v1/exports = %d %s", answer.StatusCode, text)
	}
	downloaded := 0
	for _, bundle := range bundles.Exports {
		for _, file := range bundle.Files {
			if bundle.Segment != "buyers" || !file.Written {
				continue
			}
			r := httptest.NewRequest(http.MethodGet, "https://clients.shop.example/exports/"+bundle.ID+"/"+file.Name, nil)
			r.AddCookie(signIn)
			answer, text := call(t, pages, r)
			if answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("download of %s %s = %d %s", bundle.Platform, file.Name, answer.StatusCode, text)
			}
			if body := fetch(t, answer.Headers["Location"]); len(body) == 0 {
				t.Errorf("%s %s is empty", bundle.Platform, file.Name)
			}
			downloaded++
		}
	}
	if downloaded < 4 { // Yandex, VK's phones and e-mails, Google
		t.Errorf("%d files of the buyers were downloaded", downloaded)
	}
	if rows := len(c.keys(t, "audit/")); rows != downloaded {
		t.Errorf("%d downloads left %d audit rows", downloaded, rows)
	}

	const forgotten = "9000000007"
	if !c.found(t, "audiences/", forgotten) {
		t.Error("the audience files do not show the person who is to be forgotten")
	}
	post(t, ingest, "site", `{"id":"forget","kind":"erase","client":{"phone":"+7`+forgotten+`"}}`)
	run(compact, "{}")
	report := run(erase, "{}")
	if acts, _ := report["acts"].([]any); len(acts) != 1 {
		t.Errorf("erase reports %v, want one act", report)
	}
	if c.found(t, "audiences/", forgotten) || len(c.keys(t, "suppress/")) != 1 {
		t.Error("the person is still in an audience file, or not suppressed")
	}
	run(analytics, fmt.Sprintf(`{"as_of":%q}`, asOf))
	run(export, "{}")
	if c.found(t, "audiences/", forgotten) {
		t.Error("the next night brought the person back")
	}
}

// account makes an account in the bucket and signs it in.
func (c cloud) account(t *testing.T, function *runtimeapi.Function) *http.Cookie {
	t.Helper()
	var users portal.Users
	if err := users.Add("olga", portal.Marketer, "correct horse battery staple", time.Now()); err != nil {
		t.Fatal(err)
	}
	file, err := users.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.Put(t.Context(), portal.UsersKey, file); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"name": {"olga"}, "password": {"correct horse battery staple"}}
	r := httptest.NewRequest(http.MethodPost, "https://clients.shop.example/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, text := call(t, function, r)
	for _, line := range answer.Cookies {
		if cookie, err := http.ParseSetCookie(line); err == nil && cookie.Name == "__Host-id" && cookie.Secure {
			return cookie
		}
	}
	t.Fatalf("POST /login = %d %v %s", answer.StatusCode, answer.Cookies, text)
	return nil
}

// found tells whether any object below a prefix shows a text in clear.
func (c cloud) found(t *testing.T, prefix, text string) bool {
	t.Helper()
	for _, key := range c.keys(t, prefix) {
		body, _, err := c.store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), text) {
			return true
		}
	}
	return false
}

func fetch(t *testing.T, link string) []byte {
	t.Helper()
	response, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET of a download link = %d %v", response.StatusCode, err)
	}
	return body
}

// A Lambda may be killed at any time: what was acknowledged is there, and a delivery that
// comes again, after an answer or without one, is stored once.
func TestAKilledInstanceLosesNothing(t *testing.T) {
	c := deploy(t, "sources: [{name: site, kind: json, secrets: [env:SITE_SECRET]}]\n")
	ingest := c.start(t, "ingest")
	kills := 0
	const deliveries = 5
	for n := range deliveries {
		body := fmt.Sprintf(`{"id":"d%d","kind":"lead","client":{"phone":"+7900000%04d"}}`, n, n)
		for after := 100 * time.Microsecond; ; after += after / 2 { // each time a little later, until the answer is quicker
			killer := time.AfterFunc(after, ingest.Kill)
			var answer events.APIGatewayV2HTTPResponse
			err := ingest.Invoke(t.Context(), runtimeapi.Event(t, runtimeapi.HTTPAPI, delivery("site", body)), &answer)
			if !killer.Stop() {
				kills++
			}
			if err == nil && answer.StatusCode == http.StatusOK {
				break
			}
		}
		if stored := len(c.keys(t, "raw/")); stored != n+1 {
			t.Fatalf("%d deliveries acknowledged, %d stored", n+1, stored)
		}
		post(t, ingest, "site", body)
	}
	if stored := len(c.keys(t, "raw/")); stored != deliveries || kills < deliveries {
		t.Errorf("%d raw objects after %d kills, want %d", stored, kills, deliveries)
	}
}
