package functions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
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
)

const siteSecret = "a secret of at least 24 bytes"

// steps are the functions that a schedule calls.
var steps = []string{"compact", "analytics", "export", "erase"}

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
		"LEADLAKE_TOKEN_KEY": "env:TOKEN_KEY", "TOKEN_KEY": strings.Repeat("0123456789abcdef", 4), "SITE_SECRET": siteSecret,
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
	}}
}

func (c cloud) start(t *testing.T, name string) *runtimeapi.Function {
	t.Helper()
	return runtimeapi.Start(t, runtimeapi.Build(t, name), c.env)
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
	for _, name := range append([]string{"ingest", "portal"}, steps...) {
		t.Run(name, func(t *testing.T) {
			function := runtimeapi.Start(t, runtimeapi.Build(t, name), map[string]string{"LEADLAKE_TOKEN_KEY": "the key itself"})
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
	function := runtimeapi.Start(t, runtimeapi.Build(t, "ingest"), env)
	answer, text := call(t, function, delivery("site", `{"kind":"lead"}`))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Retry-After"] == "" {
		t.Errorf("POST without a store = %d %v %s, want 503 with Retry-After", answer.StatusCode, answer.Headers, text)
	}
}

// A shop of 2 300 buyers walks from the webhook to its audience files, through the
// six programs alone; then one of them asks to be forgotten.
func TestFromWebhookToAudienceFileAndErasure(t *testing.T) {
	c := deploy(t, `business: {name: Shop, currency: RUB, timezone: Europe/Moscow, country: RU, language: ru}
sources:
  - {name: site, kind: json, secrets: [env:SITE_SECRET]}
segments:
  - {name: buyers, title: {ru: Покупатели, en: Buyers}, rule: 'orders > 0'}
exports:
  - {segment: buyers, platforms: [yandex, vk, google, csv]}
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

	compact, analytics, export, portal, erase := c.start(t, "compact"), c.start(t, "analytics"), c.start(t, "export"), c.start(t, "portal"), c.start(t, "erase")
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
	answer, _ := call(t, portal, httptest.NewRequest(http.MethodGet, "https://clients.shop.example/", nil))
	if answer.StatusCode >= http.StatusInternalServerError {
		t.Errorf("the portal answers %d", answer.StatusCode)
	}
	post(t, ingest, "site", `{"id":"forget","kind":"erase","client":{"phone":"+79000000007"}}`)
	run(compact, "{}")
	if requests := c.keys(t, "erasures/"); len(requests) == 0 {
		t.Error("a request to be forgotten left no erasure")
	}
	run(erase, "{}")
}

// A Lambda may be killed at any time: what was acknowledged is there, and the same
// delivery again changes nothing.
func TestAKilledInstanceLosesNothing(t *testing.T) {
	c := deploy(t, "sources: [{name: site, kind: json, secrets: [env:SITE_SECRET]}]\n")
	ingest := c.start(t, "ingest")
	acked := map[string]bool{}
	for n := range 20 {
		body := fmt.Sprintf(`{"id":"d%d","kind":"lead","client":{"phone":"+7900000%04d"}}`, n, n)
		killed := time.AfterFunc(time.Duration(n)*time.Millisecond, ingest.Kill) // early, late, or after the answer
		var answer events.APIGatewayV2HTTPResponse
		err := ingest.Invoke(t.Context(), runtimeapi.Event(t, runtimeapi.HTTPAPI, delivery("site", body)), &answer)
		killed.Stop()
		acked[body] = err == nil && answer.StatusCode == http.StatusOK
	}
	promised := 0
	for _, ok := range acked {
		if ok {
			promised++
		}
	}
	if stored := len(c.keys(t, "raw/")); stored < promised || promised == 0 {
		t.Errorf("%d deliveries acknowledged, %d stored", promised, stored)
	}
	for body := range acked { // what a sender does who heard nothing, and one who did not listen
		post(t, ingest, "site", body)
	}
	if stored := len(c.keys(t, "raw/")); stored != len(acked) {
		t.Errorf("%d raw objects after every delivery came again, want %d", stored, len(acked))
	}
}
