package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

const (
	metaOld    = "another-meta-app-secret"
	metaNew    = "test-meta-app-secret"
	metaConfig = `
sources:
  - {name: meta, kind: meta, secrets: ["env:` + metaOld + `", "env:` + metaNew + `", "env:test-verify"]}
`
)

func TestMetaAsksWhoListens(t *testing.T) {
	row := sampleOf(t, "meta-verify.query")
	in := start(t, metaConfig)
	got := in.send(t, "GET", "/in/meta?"+row.body, "")
	if got.status != 200 || got.body != *row.Respond.Body || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("status %d, body %q, type %q", got.status, got.body, got.header.Get("Content-Type"))
	}
	if out := in.decodeLast(t); !out.Ping {
		t.Errorf("Decode = %+v, want a ping", out)
	}
	unblanked(t, in.sink.last(t), "test-verify")
	for _, query := range []string{
		strings.Replace(row.body, "test-verify", "test-verifz", 1),
		strings.Replace(row.body, "test-verify", "", 1),
		strings.Replace(row.body, "subscribe", "unsubscribe", 1),
		strings.Replace(row.body, "1158201444", url.QueryEscape("<b>1</b>"), 1),
		"hub.mode=subscribe&hub.verify_token=test-verify",
	} {
		if got := in.send(t, "GET", "/in/meta?"+query, ""); got.status != 401 {
			t.Errorf("status %d, want 401", got.status)
		}
	}
}

func TestMetaNoticeNamesLeadsThatAreToBeFetched(t *testing.T) {
	row := sampleOf(t, "meta-leadgen.json")
	in := start(t, metaConfig)
	if got := in.sendSample(t, row, row.body); got.status != 200 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	d := in.sink.last(t)
	if !d.Trusted || string(d.Body) != row.body {
		t.Error("not stored as sent")
	}
	out := in.decodeLast(t)
	if out.DeliveryID != "" || len(out.Events) != 2 {
		t.Fatalf("delivery id %q, %d events", out.DeliveryID, len(out.Events))
	}
	for i, key := range row.Expect.DedupKeys {
		ev := out.Events[i]
		id := strings.TrimPrefix(key, "meta:")
		if ev.ID != key || ev.Entity != key || ev.Fetch != strings.Replace(row.Expect.Fetch, "{leadgen_id}", id, 1) || ev.Client.Identified() || ev.Kind != event.Lead {
			t.Errorf("event %d: %+v", i, ev)
		}
		if ev.At.Unix() != 1777628440+int64(i) {
			t.Errorf("event %d at %v", i, ev.At)
		}
	}
	if _, ok := out.Events[1].Attributes["ad_id"]; ok {
		t.Error("an organic lead has an ad")
	}
}

// The sender signs its bytes as they are, escapes and all.
func TestMetaSignature(t *testing.T) {
	escaped := `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":9007199254740993,"note":"\u0410\/b"}}]}]}`
	in := start(t, metaConfig)
	for _, tt := range []struct {
		name, body, signature string
		want                  int
	}{
		{"new secret", escaped, sign(metaNew, escaped), 200},
		{"old secret", escaped, sign(metaOld, escaped), 200},
		{"the letters themselves", strings.Replace(escaped, `\u0410`, "А", 1), sign(metaNew, escaped), 401},
		{"another secret", escaped, sign("x", escaped), 401},
		{"cut", escaped, sign(metaNew, escaped)[:30], 401},
		{"no scheme", escaped, sign(metaNew, escaped)[7:], 401},
		{"unknown scheme", escaped, "sha512=" + sign(metaNew, escaped)[7:], 401},
		{"none", escaped, "", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.signature != "" {
				headers = []string{"X-Hub-Signature-256", tt.signature}
			}
			before := len(in.sink.refused)
			if got := in.send(t, "POST", "/in/meta", tt.body, headers...); got.status != tt.want {
				t.Errorf("status %d, want %d", got.status, tt.want)
			}
			if refused := len(in.sink.refused) - before; (tt.want == 401) != (refused == 1) {
				t.Errorf("%d kept unauthenticated", refused)
			}
		})
	}
	if got := in.send(t, "POST", "/in/meta?token="+metaNew, escaped); got.status != 401 {
		t.Errorf("a token in place of a signature: status %d", got.status)
	}
	in.send(t, "POST", "/in/meta", escaped, "X-Hub-Signature-256", sign(metaNew, escaped))
	if ev := one(t, in.decodeLast(t)); ev.ID != "meta:9007199254740993" || ev.Fetch != "GET /9007199254740993" {
		t.Errorf("id %q, fetch %q: digits were lost", ev.ID, ev.Fetch)
	}
}

func TestMetaFetchedLeadIsTheSameLead(t *testing.T) {
	graph := `{"id":"123123123123","created_time":"2026-05-01T09:30:40+0000","ad_id":"1","adset_id":"2","campaign_id":"3","form_id":"4","is_organic":false,"platform":"ig",
		"field_data":[{"name":"full_name","values":["Иван Тестов"]},{"name":"email","values":["ivan.testov@example.com"]},{"name":"phone_number","values":["+79000000001"]},
		{"name":"city","values":["Москва"]},{"name":"what_do_you_want?","values":["кофе","чай"]},{"name":"agree","values":["yes"]}]}`
	out := decodeDelivery(t, "meta", ", consents: [{purpose: ads, field: agree}], map: {interests: \"what_do_you_want?\"}", webhook.Delivery{Method: "FETCH", Body: []byte(graph)})
	ev := one(t, out)
	want := event.Client{Name: "Иван Тестов", Email: "ivan.testov@example.com", Phone: "+79000000001", City: "Москва"}
	if diff := cmp.Diff(want, ev.Client); diff != "" {
		t.Error(diff)
	}
	if ev.Entity != "meta:123123123123" || ev.ID == ev.Entity || ev.Fetch != "" || ev.At.Unix() != 1777627840 {
		t.Errorf("entity %q, id %q, fetch %q, at %v", ev.Entity, ev.ID, ev.Fetch, ev.At)
	}
	if len(ev.Consents) != 1 || !ev.Consents[0].Given || !cmp.Equal(ev.Interests, []string{"кофе", "чай"}) || ev.Attributes["campaign_id"] != "3" {
		t.Errorf("consents %+v, interests %q, attributes %v", ev.Consents, ev.Interests, ev.Attributes)
	}
}

func TestMetaOtherNotices(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		events     int
		ping       bool
	}{
		{"another field", `{"object":"page","entry":[{"changes":[{"field":"feed","value":{"leadgen_id":"1"}}]}]}`, 0, true},
		{"no value", `{"object":"page","entry":[{"changes":[{"field":"leadgen"}]}]}`, 0, true},
		{"value null", `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":null}]}]}`, 0, true},
		{"no changes", `{"object":"page","entry":[{"id":"1"}]}`, 0, true},
		{"id 0", `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":0}}]}]}`, 0, true},
		{"two entries", `{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1}}]},{"changes":[{"field":"feed"},{"field":"leadgen","value":{"leadgen_id":"2"}}]}]}`, 2, false},
		{"neither", `{"hello":1}`, 0, false},
	} {
		out := decodeDelivery(t, "meta", "", webhook.Delivery{Body: []byte(tt.body)})
		if out.Ping != tt.ping || len(out.Events) != tt.events || (out.Failure != nil) != (!tt.ping && tt.events == 0) || out.Status != 200 {
			t.Errorf("%s: %+v", tt.name, out)
		}
	}
	// An id becomes part of an address that is asked with a credential.
	out := decodeDelivery(t, "meta", "", webhook.Delivery{Body: []byte(`{"entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":"1/../me"}}]}]}`)})
	if ev := one(t, out); ev.Fetch != "" {
		t.Errorf("fetch %q", ev.Fetch)
	}
}

func TestMetaAsksTheGraphForALead(t *testing.T) {
	asked := ""
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Authorization")
		if strings.HasSuffix(r.URL.Path, "/404") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"id":"123","created_time":"2026-05-01T09:30:40+0000","field_data":[{"name":"email","values":["a@example.com"]}]}`))
	}))
	defer graph.Close()
	cfg := parse(t, "sources:\n  - {name: s, kind: meta, fetch: {url: \""+graph.URL+"/v1\", token: \"env:page-token\"}}\n")
	source, _ := cfg.SourceNamed("s")
	fetcher := webhook.Fetcher{Client: graph.Client(), Secret: func(_ context.Context, ref string) (string, error) { return strings.TrimPrefix(ref, "env:"), nil }}
	body, err := fetcher.Fetch(t.Context(), source, "GET /123")
	if err != nil || asked != "GET /v1/123 Bearer page-token" {
		t.Fatalf("asked %q: %v", asked, err)
	}
	out := webhook.Decode(cfg, webhook.FetchedDelivery(source, "meta:123", "meta:123", "GET /123", body, received))
	if ev := one(t, out); ev.Entity != "meta:123" || ev.ID != "fetched:meta:123" || ev.Client.Email != "a@example.com" || ev.Fetch != "" {
		t.Errorf("%+v", ev)
	}
	asked = ""
	for object, code := range map[string]string{"GET /404": "not_found", "GET /123/../me": "refused", "GET /": "refused", "POST /1": "refused", "GET /1?fields=x": "refused"} {
		_, err := fetcher.Fetch(t.Context(), source, object)
		var failed *webhook.FetchError
		if !errors.As(err, &failed) || failed.Code != code || !failed.Final {
			t.Errorf("%s: %v", object, err)
		}
	}
}
