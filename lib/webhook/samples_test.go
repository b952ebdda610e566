package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/webhook"
)

type sample struct {
	File        string            `json:"file"`
	Source      string            `json:"source"`
	Role        string            `json:"role"`
	Method      string            `json:"method"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Expect      struct {
		Event    string  `json:"event"`
		DedupKey *string `json:"dedup_key"`
		Person   *struct {
			Name           string
			Phones, Emails []string
		} `json:"person"`
		Attribution struct {
			UTM       map[string]string `json:"utm"`
			ClickIDs  map[string]string `json:"click_ids"`
			ClientIDs map[string]string `json:"client_ids"`
		} `json:"attribution"`
		Files []string `json:"files"`
		Order *struct {
			ID             string  `json:"id"`
			Amount         string  `json:"amount"`
			Currency       *string `json:"currency"`
			DeliveryAmount string  `json:"delivery_amount"`
			Items          []struct{ Name, SKU, Qty, Price, Sum string }
		} `json:"order"`
	} `json:"expect"`
	Respond struct {
		Status  any               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    *string           `json:"body"`
	} `json:"respond"`
}

func samples(t testing.TB, sources ...string) []sample {
	t.Helper()
	body, err := os.ReadFile(shared(t, "webhook_samples", "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Samples []json.RawMessage }
	if err := json.Unmarshal(body, &manifest); err != nil {
		t.Fatal(err)
	}
	var chosen []sample
	for _, raw := range manifest.Samples {
		var of struct{ Source string }
		if err := json.Unmarshal(raw, &of); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(sources, of.Source) {
			continue // other kinds have other shapes of expectations
		}
		var s sample
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		chosen = append(chosen, s)
	}
	if len(chosen) == 0 {
		t.Fatalf("the manifest has no sample of %v", sources)
	}
	return chosen
}

func sampleBody(t testing.TB, s sample) string {
	t.Helper()
	body, err := os.ReadFile(shared(t, "webhook_samples", s.File))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const sampleConfig = `
sources:
  - {name: site-form, kind: form, origins: ["https://shop.example"]}
  - {name: site-json, kind: json, origins: ["https://shop.example"]}
  - {name: tilda, kind: tilda}
`

func TestSamplesBecomeWhatTheManifestSays(t *testing.T) {
	for _, s := range samples(t, "site-form", "site-json", "tilda") {
		t.Run(s.File, func(t *testing.T) {
			in := start(t, sampleConfig)
			body, headers := sampleBody(t, s), []string{"Content-Type", s.ContentType, "Origin", "https://shop.example"}
			if s.Role == "handshake" { // the file is a whole request head
				headers = nil
				for line := range strings.Lines(body) {
					if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && name != "Host" {
						headers = append(headers, name, value)
					}
				}
				body = ""
			}
			got := in.send(t, s.Method, "/in/"+s.Source, body, headers...)
			want := 200
			if status, ok := s.Respond.Status.(float64); ok {
				want = int(status)
			}
			if got.status != want {
				t.Errorf("status %d, want %d: %s", got.status, want, got.body)
			}
			if s.Respond.Body != nil && got.body != *s.Respond.Body {
				t.Errorf("body %q, want %q", got.body, *s.Respond.Body)
			}
			for name, value := range s.Respond.Headers {
				value = strings.ReplaceAll(value, "<origin>", "https://shop.example")
				if got.header.Get(name) != value {
					t.Errorf("header %s: %q, want %q", name, got.header.Get(name), value)
				}
			}
			if s.Role == "handshake" {
				if in.sink.count() != 0 {
					t.Error("a handshake was stored")
				}
				return
			}
			d := in.sink.last(t)
			if string(d.Body) != body {
				t.Error("the stored body differs from what was sent")
			}
			compare(t, s, webhook.Decode(in.cfg, d))
		})
	}
}

func compare(t *testing.T, s sample, out webhook.Decoded) {
	t.Helper()
	if s.Expect.Event == "ping" {
		if !out.Ping || len(out.Events) != 0 || out.Failure != nil {
			t.Errorf("Decode = %+v, want a ping", out)
		}
		return
	}
	ev := one(t, out)
	if string(ev.Kind) != s.Expect.Event {
		t.Errorf("kind %q, want %q", ev.Kind, s.Expect.Event)
	}
	if key := s.Expect.DedupKey; key != nil && (out.DeliveryID != *key || ev.ID != *key || ev.DerivedID) {
		t.Errorf("delivery id %q, event id %q, want %q", out.DeliveryID, ev.ID, *key)
	}
	if s.Expect.DedupKey == nil && out.DeliveryID != "" {
		t.Errorf("delivery id %q, want none", out.DeliveryID)
	}
	if p := s.Expect.Person; p != nil {
		var phones, emails []string
		for _, raw := range ev.Client.AllPhones() {
			number, ok := phone.Parser{}.Parse(raw, "RU")
			if !ok {
				t.Error("a phone of the sample was not read")
			}
			phones = append(phones, string(number))
		}
		for _, raw := range ev.Client.AllEmails() {
			address, ok := identity.ParseEmail(raw)
			if !ok {
				t.Error("an e-mail of the sample was not read")
			}
			emails = append(emails, string(address))
		}
		if ev.Client.Name != p.Name || !cmp.Equal(phones, p.Phones) || !cmp.Equal(emails, p.Emails) {
			t.Errorf("person %q %q %q, want %+v", ev.Client.Name, phones, emails, *p)
		}
	}
	a, want := ev.Attribution, s.Expect.Attribution
	for key, value := range want.UTM {
		got := map[string]string{"utm_source": a.UTMSource, "utm_medium": a.UTMMedium, "utm_campaign": a.UTMCampaign, "utm_content": a.UTMContent, "utm_term": a.UTMTerm}[key]
		if got != value {
			t.Errorf("%s = %q, want %q", key, got, value)
		}
	}
	if diff := cmp.Diff(want.ClickIDs, a.ClickIDs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("click ids: %s", diff)
	}
	if diff := cmp.Diff(want.ClientIDs, a.ClientIDs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("client ids: %s", diff)
	}
	if diff := cmp.Diff(s.Expect.Files, ev.Files, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("files: %s", diff)
	}
	if o := s.Expect.Order; o != nil {
		wanted := &event.Order{ID: o.ID, Status: event.StatusNew, Total: o.Amount, Shipping: o.DeliveryAmount}
		for _, item := range o.Items {
			wanted.Items = append(wanted.Items, event.Item{Name: item.Name, SKU: item.SKU, Quantity: item.Qty, Price: item.Price, Sum: item.Sum})
		}
		if diff := cmp.Diff(wanted, ev.Order); diff != "" {
			t.Errorf("order: %s", diff)
		}
	}
}

// A sender that breaks off, or a proxy that cuts, must neither lose what came nor
// break the server.
func TestTruncatedSamplesAreStoredAndAnswered(t *testing.T) {
	in := start(t, sampleConfig)
	for _, s := range samples(t, "site-form", "site-json", "tilda") {
		if s.Role == "handshake" {
			continue
		}
		whole := sampleBody(t, s)
		for cut := 0; cut < len(whole); cut += 97 {
			before := in.sink.count()
			got := in.send(t, s.Method, "/in/"+s.Source, whole[:cut], "Content-Type", s.ContentType)
			if got.status != 200 && (got.status < 400 || got.status > 499) {
				t.Fatalf("%s cut at %d: status %d", s.File, cut, got.status)
			}
			if in.sink.count() != before+1 {
				t.Fatalf("%s cut at %d: not stored", s.File, cut)
			}
			d := in.sink.last(t)
			if string(d.Body) != whole[:cut] {
				t.Fatalf("%s cut at %d: stored bytes differ", s.File, cut)
			}
			if out := webhook.Decode(in.cfg, d); !out.Ping && (out.Failure == nil) == (len(out.Events) == 0) {
				t.Fatalf("%s cut at %d: neither events nor a failure", s.File, cut)
			}
		}
	}
}

func TestDuplicateGetsTheSameAnswer(t *testing.T) {
	in := start(t, sampleConfig)
	for _, s := range samples(t, "site-form", "site-json", "tilda") {
		if s.Role == "handshake" {
			continue
		}
		body := sampleBody(t, s)
		first := in.send(t, s.Method, "/in/"+s.Source, body, "Content-Type", s.ContentType)
		key := in.sink.last(t).Key
		in.advance(5 * time.Second)
		second := in.send(t, s.Method, "/in/"+s.Source, body, "Content-Type", s.ContentType)
		if first.status != http.StatusOK || first.status != second.status || first.body != second.body {
			t.Errorf("%s: first %s %q, second %s %q", s.File, strconv.Itoa(first.status), first.body, strconv.Itoa(second.status), second.body)
		}
		if in.sink.last(t).Key != key {
			t.Errorf("%s: a retry within the minute got another key", s.File)
		}
	}
}

func TestDecodeIsPure(t *testing.T) {
	in := start(t, sampleConfig)
	for _, s := range samples(t, "site-form", "site-json", "tilda") {
		if s.Role == "handshake" {
			continue
		}
		in.send(t, s.Method, "/in/"+s.Source, sampleBody(t, s), "Content-Type", s.ContentType)
		d := in.sink.last(t)
		if diff := cmp.Diff(webhook.Decode(in.cfg, d), webhook.Decode(in.cfg, d)); diff != "" {
			t.Errorf("%s: two decodings differ: %s", s.File, diff)
		}
	}
}
