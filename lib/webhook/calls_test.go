package webhook_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func callSources() []string {
	return []string{"calltouch", "uis", "mango", "callrail", "jivo", "carrotquest", "intercom"} // call-tracking.by has no sample
}

// holdsNoSecret looks everywhere in a stored delivery.
func holdsNoSecret(t *testing.T, d webhook.Delivery, secrets ...string) {
	t.Helper()
	d.Source = config.Source{} // references, not secrets
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(text), secret) || strings.Contains(string(d.Body), secret) {
			t.Errorf("the stored delivery holds the secret %.6s…", secret)
		}
	}
}

// A sender that breaks off must neither lose what came nor break anything.
func TestTruncatedCallSamples(t *testing.T) {
	open := parse(t, openCalls())
	for _, s := range samples(t, callSources()...) {
		whole := s.body
		for cut := 0; cut <= len(whole); cut += 97 {
			soundly(t, open, s.Source, s.ContentType, whole[:cut])
		}
	}
}

func openCalls() string {
	var text strings.Builder
	text.WriteString("sources:\n")
	for _, kind := range append(callSources(), "call-tracking.by") {
		text.WriteString("  - {name: " + kind + ", kind: " + kind + "}\n")
	}
	return text.String()
}

// soundly decodes a body and checks that it gives events with ids, a ping or a
// failure that is none of the decoder's own, and the answer that the system wants.
func soundly(t *testing.T, cfg *config.Config, kind, contentType, body string) {
	t.Helper()
	source, ok := cfg.SourceNamed(kind)
	if !ok {
		t.Fatalf("no source %s", kind)
	}
	for _, suffix := range []string{"", "events/summary", "modified", "form", "text_sent", "chat"} {
		out := webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "POST", ContentType: contentType, Suffix: suffix, Body: []byte(body), ReceivedAt: received})
		if n := btoi(out.Ping) + btoi(out.Failure != nil) + btoi(len(out.Events) > 0); n != 1 {
			t.Fatalf("%s %q: %d of ping, failure, events", kind, body, n)
		}
		if out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
			t.Fatalf("%s %q: the decoder broke", kind, body)
		}
		for _, ev := range out.Events {
			if ev.ID == "" || ev.Kind == "" {
				t.Fatalf("%s %q: event without id or kind", kind, body)
			}
		}
		want := "ok"
		if kind == "jivo" {
			want = `{"result":"ok"}`
		}
		if out.Status != 200 || string(out.Reply.Body) != want {
			t.Fatalf("%s: answer %d %q", kind, out.Status, out.Reply.Body)
		}
	}
}

// Every scalar and container of every sample is replaced by every other kind of
// value in turn.
func TestWrongTypesInCallSamples(t *testing.T) {
	cfg := parse(t, openCalls())
	wrong := []string{`null`, `""`, `"0"`, `0`, `[]`, `{}`, `[[]]`, `["x"]`, `{"a":{"b":1}}`, `true`, `18446744073709551616`, `"\u0000"`, `"{\"a\":1}"`}
	for _, s := range samples(t, callSources()...) {
		if !strings.HasSuffix(s.File, ".json") {
			form, err := url.ParseQuery(s.body)
			if err != nil {
				t.Fatal(err)
			}
			for name := range form {
				for _, value := range wrong {
					changed := maps.Clone(form)
					changed[name] = []string{value}
					soundly(t, cfg, s.Source, s.ContentType, changed.Encode())
				}
			}
			continue
		}
		var tree any
		if err := json.Unmarshal([]byte(s.body), &tree); err != nil {
			t.Fatal(err)
		}
		for _, value := range wrong {
			var bad any
			if err := json.Unmarshal([]byte(value), &bad); err != nil {
				t.Fatal(err)
			}
			each(tree, func(set func(any), old any) {
				set(bad)
				body, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				soundly(t, cfg, s.Source, s.ContentType, string(body))
				set(old)
			})
		}
	}
	for _, kind := range append(callSources(), "call-tracking.by") {
		for _, body := range append(wrong, "", "hello", "a=1", "{", "%7B", "\xff\xfe", "json=%7B", "conversation=%7B&type=conversation") {
			soundly(t, cfg, kind, jsonType, body)
			soundly(t, cfg, kind, formType, body)
		}
	}
}

// each calls f for every value in a tree, with a setter of it.
func each(v any, f func(set func(any), old any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, old := range v {
			f(func(x any) { v[key] = x }, old)
			each(old, f)
		}
	case []any:
		for i, old := range v {
			f(func(x any) { v[i] = x }, old)
			each(old, f)
		}
	}
}

// What a page tells people to paste must be a configuration of that kind.
func TestPagesOfCallSystemsHoldConfigurations(t *testing.T) {
	for _, kind := range append(callSources(), "call-tracking.by") {
		page, err := os.ReadFile("sources/" + kind + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(page), "```yaml\n")
		text, _, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			t.Errorf("%s: no configuration", kind)
			continue
		}
		cfg, err := config.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if len(cfg.Sources) != 1 || cfg.Sources[0].Kind != kind || len(cfg.Sources[0].Secrets) == 0 {
			t.Errorf("%s: sources %+v", kind, cfg.Sources)
		}
	}
}

// expect compares what a case states; an empty event of want is a ping.
func expect(t *testing.T, out webhook.Decoded, want event.Event) {
	t.Helper()
	if want.Kind == "" {
		if !out.Ping {
			t.Errorf("Decode = %+v, want a ping", out)
		}
		return
	}
	got := one(t, out)
	got.SenderOrders, got.Attributes = false, nil
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func decodeAt(t testing.TB, kind, more, suffix, query, contentType, body string) webhook.Decoded {
	t.Helper()
	cfg := parse2(t, "sources:\n  - {name: s, kind: "+kind+more+"}\nfunnel: [lead, won]\n")
	source, _ := cfg.SourceNamed("s")
	method := "POST"
	if body == "" {
		method = "GET"
	}
	return impersonal(t, webhook.Decode(cfg, webhook.Delivery{Source: source, Method: method, ContentType: contentType, Suffix: suffix, Query: query, Body: []byte(body), ReceivedAt: received}))
}

func parse2(t testing.TB, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
