package webhook_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// callKinds are the kinds of this file, each with a secret of the samples' or one
// that goes into the address.
const callConfig = `
sources:
  - {name: calltouch, kind: calltouch, secrets: ["env:address-secret-0001"]}
  - {name: uis, kind: uis, secrets: ["env:address-secret-0001"]}
  - {name: mango, kind: mango, secrets: ["env:test-vpbx-salt"]}
  - {name: callrail, kind: callrail, secrets: ["env:7e577e577e577e577e577e577e577e57"]}
  - {name: call-tracking.by, kind: call-tracking.by, secrets: ["env:address-secret-0001"], map: {phone: abonent, entity: nomer, result: itog, seconds: sek, phase: faza}, options: {"result:взяли": answered}}
  - {name: jivo, kind: jivo, secrets: ["env:address-secret-0001"]}
  - {name: carrotquest, kind: carrotquest, secrets: ["env:11111111-2222-3333-4444-555555555555"]}
  - {name: intercom, kind: intercom, secrets: ["env:test-intercom-client-secret"]}
`

func callSources() []string {
	return []string{"calltouch", "uis", "mango", "callrail", "jivo", "carrotquest", "intercom"} // call-tracking.by has no sample
}

// callFacts is what the manifest says of calls and chats beyond what all samples
// have.
type callFacts struct {
	File       string `json:"file"`
	PathSuffix string `json:"path_suffix"`
	Expect     struct {
		Person struct {
			IDs map[string]string `json:"ids"`
		} `json:"person"`
		Call *struct {
			Seconds   json.Number `json:"duration_s"`
			Answered  bool        `json:"answered"`
			Voicemail bool        `json:"voicemail"`
		} `json:"call"`
	} `json:"expect"`
}

func factsOf(t testing.TB, file string) callFacts {
	t.Helper()
	body, err := os.ReadFile(shared(t, "webhook_samples", "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Samples []json.RawMessage }
	if err := json.Unmarshal(body, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, raw := range manifest.Samples {
		var name struct{ File string }
		if err := json.Unmarshal(raw, &name); err != nil {
			t.Fatal(err)
		}
		if name.File == file {
			var facts callFacts
			if err := json.Unmarshal(raw, &facts); err != nil {
				t.Fatal(err)
			}
			return facts
		}
	}
	t.Fatalf("the manifest has no %s", file)
	return callFacts{}
}

// callPath is the address of a sample, with the secret in it where the system
// signs nothing.
func callPath(s sample, facts callFacts) string {
	switch s.Source {
	case "calltouch", "uis", "jivo":
		return "/in/" + s.Source + "/address-secret-0001" + facts.PathSuffix
	}
	return "/in/" + s.Source + facts.PathSuffix
}

func callHeaders(s sample) []string {
	headers := []string{"Content-Type", s.ContentType}
	for name, value := range s.Headers {
		headers = append(headers, name, value)
	}
	return headers
}

func TestCallSamplesBecomeWhatTheManifestSays(t *testing.T) {
	kinds := map[string]string{"call": "contact", "chat": "contact", "call_leg": "ping", "event": "profile"}
	for _, s := range samples(t, callSources()...) {
		t.Run(s.File, func(t *testing.T) {
			in, facts, body := start(t, callConfig), factsOf(t, s.File), sampleBody(t, s)
			got := in.send(t, s.Method, callPath(s, facts), body, callHeaders(s)...)
			want := "ok"
			if s.Respond.Body != nil {
				want = *s.Respond.Body
			}
			if got.status != 200 || got.body != want {
				t.Fatalf("answer %d %q, want 200 %q", got.status, got.body, want)
			}
			d := in.sink.last(t)
			if !d.Trusted {
				t.Error("an authenticated delivery is not trusted")
			}
			holdsNoSecret(t, d, "address-secret-0001", "test-vpbx-api-key", "171693e4ab5d", "11111111-2222", "test-intercom-client-secret")
			if event, ok := kinds[s.Expect.Event]; ok {
				s.Expect.Event = event
			}
			if p := s.Expect.Person; p != nil && len(p.Emails) == 0 {
				p.Emails = nil
			}
			out := webhook.Decode(in.cfg, d)
			compare(t, s, out)
			if diff := cmp.Diff(out, webhook.Decode(in.cfg, d)); diff != "" {
				t.Errorf("two decodings differ: %s", diff)
			}
			if len(out.Events) == 1 {
				compareCall(t, facts, out.Events[0])
			}
			key := d.Key
			if again := in.send(t, s.Method, callPath(s, facts), body, callHeaders(s)...); again.status != got.status || again.body != got.body {
				t.Error("a duplicate got another answer")
			}
			if in.sink.last(t).Key != key {
				t.Error("a duplicate got another key")
			}
		})
	}
}

func compareCall(t *testing.T, facts callFacts, ev event.Event) {
	t.Helper()
	for system, id := range facts.Expect.Person.IDs {
		if system == "site_user" {
			if ev.Client.ExternalID != id {
				t.Errorf("the site's id %q, want %q", ev.Client.ExternalID, id)
			}
		} else if !slices.Contains(ev.Client.ExternalIDs, system+":"+id) {
			t.Errorf("external ids %q lack %s:%s", ev.Client.ExternalIDs, system, id)
		}
	}
	if call := facts.Expect.Call; call != nil {
		want := "missed"
		switch {
		case call.Voicemail:
			want = "voicemail"
		case call.Answered:
			want = "answered"
		}
		if ev.Contact == nil || ev.Contact.Channel != "call" || ev.Contact.Direction != "in" || ev.Contact.Seconds != call.Seconds.String() || ev.Contact.Result != want {
			t.Errorf("contact %+v, want a call of %s s, %s", ev.Contact, call.Seconds, want)
		}
	}
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
		whole := sampleBody(t, s)
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
			form, err := url.ParseQuery(sampleBody(t, s))
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
		if err := json.Unmarshal([]byte(sampleBody(t, s)), &tree); err != nil {
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
	return webhook.Decode(cfg, webhook.Delivery{Source: source, Method: method, ContentType: contentType, Suffix: suffix, Query: query, Body: []byte(body), ReceivedAt: received})
}

func parse2(t testing.TB, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
