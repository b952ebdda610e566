package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

const apiToken = "the-credential-of-the-API"

// crm speaks the documented API of each system with thin hooks: addresses,
// credential and answers as webhooks.md and the vendors' pages have them.
type crm struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	answer func(w http.ResponseWriter, path string) bool // a fault to show instead
}

func startCRM(t *testing.T) *crm {
	t.Helper()
	c := &crm{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		path := r.URL.Path
		bearer := r.Header.Get("Authorization") == "Bearer "+apiToken
		c.asked = append(c.asked, strings.Replace(path, apiToken, "TOKEN", 1))
		if c.answer != nil && c.answer(w, path) {
			return
		}
		var body string
		switch {
		case path == "/rest/1/"+apiToken+"/crm.lead.get" && r.URL.Query().Get("ID") == "7":
			body = `{"result": {"ID": "7", "TITLE": "Заявка", "NAME": "Иван", "STATUS_ID": "NEW", "DATE_CREATE": "2026-11-01T12:00:00+03:00", "CONTACT_ID": "9", "UTM_SOURCE": "yandex", "HAS_PHONE": "N"}}`
		case path == "/rest/1/"+apiToken+"/crm.contact.get" && r.URL.Query().Get("ID") == "9":
			body = `{"result": {"ID": "9", "NAME": "Иван", "PHONE": [{"VALUE": "8 916 222-00-01", "TYPE_ID": "PHONE"}]}}`
		case path == "/api/v4/leads/5" && bearer:
			body = `{"id": 5, "name": "Сделка", "price": 100, "created_at": 1793500000, "_embedded": {"contacts": [{"id": 11, "is_main": true}]}}`
		case path == "/api/v4/contacts/11" && bearer:
			body = `{"id": 11, "name": "Анна", "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": "+79162220002"}]}]}`
		case path == "/api/v3/1003/orders/XJ12H" && bearer:
			body = `{"id": "XJ12H", "email": "c@kofe.ru", "total": 15.5, "createDate": "2026-11-01 08:00:00 +0000", "updateDate": "2026-11-01 08:00:00 +0000", "paymentStatus": "PAID", "fulfillmentStatus": "DELIVERED", "items": []}`
		case path == "/123" && bearer:
			body = `{"id": "123", "created_time": "2026-11-01T08:00:00+0000", "field_data": [{"name": "phone_number", "values": ["+79162220004"]}]}`
		default:
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *crm) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// thinWorld is a shop whose systems only name objects.
func thinWorld(t *testing.T, url, fetch string) (*world, *bytes.Buffer) {
	t.Helper()
	w := newWorld(t)
	log := &bytes.Buffer{}
	source := func(kind, base string) string {
		text := fmt.Sprintf("  - {name: %s, kind: %s", kind, kind)
		if fetch != "" {
			text += fmt.Sprintf(", fetch: {url: %s%s, token: %s}", url, base, fetch)
		}
		return text + "}\n"
	}
	w.configure("business: {timezone: Europe/Moscow}\nsources:\n" + source("bitrix24", "/rest/1") + source("amocrm", "") + source("ecwid", "/api/v3/1003") + source("meta", ""))
	p, err := pipeline.New(pipeline.Config{
		Store: w.store, Now: w.clock, Logger: logtest.To(t, log), TokenKey: []byte("a token key that tests share"),
		Secret: func(_ context.Context, ref string) (string, error) {
			if ref != "env:API" {
				return "", fmt.Errorf("no %s", ref)
			}
			return apiToken, nil
		},
		Client: &http.Client{Timeout: 5 * time.Second},
		Pause:  func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Pipeline = p
	return w, log
}

func (w *world) hooks() {
	w.Helper()
	w.post("bitrix24", "event=ONCRMLEADADD&data[FIELDS][ID]=7&ts=1793523600&auth[member_id]=m1")
	w.post("amocrm", "account[id]=1&leads[add][0][id]=5&leads[add][0][status_id]=1&leads[add][0][last_modified]=1793523600")
	w.post("ecwid", `{"eventId": "e1", "eventCreated": 1793523600, "storeId": 1003, "entityId": "XJ12H", "eventType": "order.created"}`)
	w.post("meta", `{"object": "page", "entry": [{"id": "1", "changes": [{"field": "leadgen", "value": {"leadgen_id": "123", "page_id": "1", "form_id": "2", "created_time": 1793523600}}]}]}`)
}

func TestThinHooksAreCompletedByWhatIsFetched(t *testing.T) {
	crm := startCRM(t)
	w, log := thinWorld(t, crm.URL, "env:API")
	w.hooks()
	if report := w.compact(); report.Fetched != 4 || report.Failed != 0 {
		t.Fatalf("compaction = %+v, want 4 objects fetched; asked %q", report, crm.requests())
	}
	whole := map[string]schema.EventRow{}
	for _, ev := range w.events() {
		if ev.Fetch == "" {
			whole[ev.Source] = ev
		}
	}
	for _, source := range []string{"bitrix24", "amocrm", "ecwid", "meta"} {
		if ev, ok := whole[source]; !ok || len(ev.Tokens) == 0 {
			t.Errorf("%s: no event with a person", source)
		}
	}
	if o := whole["ecwid"]; o.OrderID != "XJ12H" || o.TotalMinor == nil || *o.TotalMinor != 1550 {
		t.Errorf("ecwid: order %q", o.OrderID)
	}
	// Each is asked for once: not at the next compaction, nor after a redelivery.
	before := len(crm.requests())
	w.now = w.now.Add(3 * time.Hour)
	w.hooks()
	if report := w.compact(); report.Fetched != 0 || len(crm.requests()) != before {
		t.Errorf("asked again: %+v", report)
	}
	if left, err := w.Unfetched(t.Context()); err != nil || left != nil {
		t.Errorf("Unfetched = %v, %v", left, err)
	}
	// A lead and the object fetched for it are one lead.
	w.now = w.now.AddDate(0, 0, 1)
	w.night("")
	if clients := rows[schema.ClientRow](w); len(clients) != 4 {
		t.Errorf("%d clients, want 4", len(clients))
	}
	for key, body := range w.objects("") {
		if strings.Contains(key, apiToken) || strings.Contains(body, apiToken) {
			t.Errorf("the credential is stored in %s", key)
		}
	}
	if strings.Contains(log.String(), apiToken) {
		t.Error("the credential is logged")
	}
}

func TestWithoutACredentialTheFactStaysAndIsShown(t *testing.T) {
	crm := startCRM(t)
	w, _ := thinWorld(t, crm.URL, "")
	w.hooks()
	w.compact()
	if n := len(w.events()); n != 4 {
		t.Fatalf("%d events, want the 4 facts", n)
	}
	w.compact()
	left, err := w.Unfetched(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []pipeline.Unfetched{
		{Source: "amocrm", Waiting: 1, Problem: "no_credential"},
		{Source: "bitrix24", Waiting: 1, Problem: "no_credential"},
		{Source: "ecwid", Waiting: 1, Problem: "no_credential"},
		{Source: "meta", Waiting: 1, Problem: "no_credential"},
	}
	if diff := cmp.Diff(want, left); diff != "" || len(crm.requests()) != 0 {
		t.Errorf("Unfetched: %s; asked %q", diff, crm.requests())
	}
	// Once the owner enters it, everything comes.
	w.Pipeline = reopen(t, w, crm.URL)
	if report := w.compact(); report.Fetched != 4 {
		t.Errorf("compaction = %+v, want 4 objects fetched", report)
	}
}

func reopen(t *testing.T, w *world, url string) *pipeline.Pipeline {
	t.Helper()
	other, _ := thinWorld(t, url, "env:API")
	for key, body := range other.objects("config/") {
		if _, err := w.store.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pipeline.New(pipeline.Config{
		Store: w.store, Now: w.clock, Logger: logtest.New(t), TokenKey: []byte("a token key that tests share"),
		Secret: func(context.Context, string) (string, error) { return apiToken, nil },
		Pause:  func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A system that is down is asked again, later and later, for a week; then the
// owner sees that it was given up, and can have it asked for once more.
func TestFetchingBacksOffAndGivesUp(t *testing.T) {
	crm := startCRM(t)
	down := true
	crm.answer = func(w http.ResponseWriter, _ string) bool {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return down
	}
	w, _ := thinWorld(t, crm.URL, "env:API")
	w.post("meta", `{"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "123"}}]}]}`)
	begin := w.now
	for w.now.Sub(begin) < 9*24*time.Hour {
		w.compact()
		w.now = w.now.Add(10 * time.Minute)
	}
	left, err := w.Unfetched(t.Context())
	if diff := cmp.Diff([]pipeline.Unfetched{{Source: "meta", GaveUp: 1, Problem: "unreachable"}}, left); diff != "" || err != nil {
		t.Errorf("Unfetched: %s %v", diff, err)
	}
	if n := len(crm.requests()); n < 10 || n > 40 {
		t.Errorf("asked %d times in a week", n)
	}
	down = false
	if n, err := w.Refetch(t.Context()); n != 1 || err != nil {
		t.Errorf("Refetch = %d, %v", n, err)
	}
	if report := w.compact(); report.Fetched != 1 {
		t.Errorf("compaction = %+v", report)
	}
}

func TestFetchingHeedsWhatTheSystemSays(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		header string
		after  time.Duration // when it is asked again; zero: never
		want   pipeline.Unfetched
	}{
		{"gone", 404, "", 0, pipeline.Unfetched{Source: "meta", GaveUp: 1, Problem: "not_found"}},
		{"too many requests", 429, "3600", time.Hour, pipeline.Unfetched{Source: "meta", Waiting: 1, Problem: "rate_limited"}},
		{"a credential that is refused", 403, "", time.Minute, pipeline.Unfetched{Source: "meta", Waiting: 1, Problem: "unauthorized"}},
		{"a redirect is not followed", 302, "", time.Minute, pipeline.Unfetched{Source: "meta", Waiting: 1, Problem: "refused"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			crm := startCRM(t)
			crm.answer = func(w http.ResponseWriter, _ string) bool {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				w.Header().Set("Location", crm.URL+"/123")
				w.WriteHeader(tc.status)
				return true
			}
			w, _ := thinWorld(t, crm.URL, "env:API")
			w.post("meta", `{"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "123"}}]}]}`)
			w.compact()
			left, err := w.Unfetched(t.Context())
			if diff := cmp.Diff([]pipeline.Unfetched{tc.want}, left); diff != "" || err != nil {
				t.Errorf("Unfetched: %s %v", diff, err)
			}
			for _, step := range []struct {
				at    time.Duration
				asked int
			}{{tc.after - time.Second, 1}, {tc.after, 2}} {
				if tc.after == 0 {
					step.at, step.asked = 48*time.Hour, 1
				}
				saved := w.now
				w.now = w.now.Add(step.at)
				w.compact()
				w.now = saved
				if n := len(crm.requests()); n != step.asked {
					t.Errorf("after %v asked %d times, want %d", step.at, n, step.asked)
				}
			}
		})
	}
}
