package webhook_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
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

// sample is an entry of the catalogue of samples: a request and what it should
// become.
type sample struct {
	File        string            `json:"file"`
	Source      string            `json:"source"`
	Role        string            `json:"role"`
	Method      string            `json:"method"`
	Query       string            `json:"query"`
	Suffix      string            `json:"path_suffix"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Auth        struct {
		Key, Value, Secret, Salt string
		Clock                    int64
	} `json:"auth"`
	Expect struct {
		Event     string   `json:"event"`
		Events    int      `json:"events"`
		DedupKey  *string  `json:"dedup_key"`
		DedupKeys []string `json:"dedup_keys"`
		EntityKey string   `json:"entity_key"`
		Thin      bool     `json:"thin"`
		Fetch     string   `json:"fetch"`
		Person    *struct {
			Name           string
			Phones, Emails []string
			IDs            map[string]string `json:"ids"`
			Hints          []string          `json:"phones_hint_in_title"`
		} `json:"person"`
		Attribution struct {
			UTM       map[string]string `json:"utm"`
			ClickIDs  map[string]string `json:"click_ids"`
			ClientIDs map[string]string `json:"client_ids"`
		} `json:"attribution"`
		Files []string `json:"files"`
		Call  *struct {
			Seconds   int `json:"duration_s"`
			Answered  bool
			Voicemail bool
		} `json:"call"`
		Order *struct {
			ID             string  `json:"id"`
			Number         string  `json:"number"`
			Status         string  `json:"status"`
			Amount         string  `json:"amount"`
			Currency       *string `json:"currency"`
			DeliveryAmount string  `json:"delivery_amount"`
			Items          any     `json:"items"`
		} `json:"order"`
	} `json:"expect"`
	Respond struct {
		Status      any               `json:"status"`
		Headers     map[string]string `json:"headers"`
		Body        *string           `json:"body"`
		ContentType string            `json:"content_type"`
	} `json:"respond"`

	body string // of the sample's file
}

// samples are the entries that somebody posts to us, or that are fetched and go
// through the same mapper; of the named kinds, or of all.
func samples(t testing.TB, kinds ...string) []sample {
	t.Helper()
	body, err := os.ReadFile(shared(t, "webhook_samples", "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Samples []sample }
	if err := json.Unmarshal(body, &manifest); err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(manifest.Samples, func(s sample) bool {
		return strings.HasPrefix(s.Role, "outbound") || len(kinds) > 0 && !slices.Contains(kinds, s.kind())
	})
	for i := range all {
		body, err := os.ReadFile(shared(t, "webhook_samples", all[i].File))
		if err != nil {
			t.Fatal(err)
		}
		all[i].body = string(body)
	}
	if len(all) == 0 {
		t.Fatalf("the manifest has no sample of %v", kinds)
	}
	return all
}

// kind is the kind of the sample's source.
func (s sample) kind() string { return strings.TrimPrefix(s.Source, "site-") }

// posted reports whether a system sends it, not we fetch it.
func (s sample) posted() bool {
	return s.Role == "delivery" || s.Role == "ping" || s.Role == "handshake"
}

// sampleOf is the entry of a file.
func sampleOf(t testing.TB, file string) sample {
	t.Helper()
	for _, s := range samples(t) {
		if s.File == file {
			return s
		}
	}
	t.Fatalf("the manifest has no %s", file)
	return sample{}
}

// headers are those of the entry, as send wants them.
func (s sample) headers() []string {
	list := []string{"Content-Type", s.ContentType}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		list = append(list, name, s.Headers[name])
	}
	return list
}

// sampleSecrets are the test secrets of the catalogue, by kind. Where it gives
// none but the sample holds a static token, that is the one.
func sampleSecrets(s sample) []string {
	switch s.kind() {
	case "mango":
		return []string{"an older salt", s.Auth.Salt}
	case "meta":
		return []string{"test-meta-app-secret", "test-verify"}
	case "retailcrm":
		return []string{"test-secret"}
	case "carrotquest":
		return []string{"11111111-2222-3333-4444-555555555555"}
	case "passquare":
		return []string{"test-crm-key"}
	}
	for _, secret := range []string{s.Auth.Key, s.Auth.Value, s.Auth.Secret} {
		if secret != "" {
			return []string{"a secret that is being rotated out", secret}
		}
	}
	return nil
}

func startSample(t *testing.T, s sample, secrets ...string) *ingest {
	t.Helper()
	refs := make([]string, len(secrets))
	for i, secret := range secrets {
		refs[i] = "env:" + secret
	}
	list, err := json.Marshal(refs)
	if err != nil {
		t.Fatal(err)
	}
	in := start(t, fmt.Sprintf("sources: [{name: %s, kind: %s, origins: ['https://shop.example'], secrets: %s}]", s.Source, s.kind(), list))
	if s.Auth.Clock != 0 {
		in.now = time.Unix(s.Auth.Clock, 0)
	}
	return in
}

// sendSample posts a sample as its system does.
func (in *ingest) sendSample(t *testing.T, s sample, body string) answer {
	t.Helper()
	headers := append(s.headers(), "Origin", "https://shop.example")
	path := "/in/" + s.Source + s.Suffix
	switch {
	case strings.HasSuffix(s.File, ".http"): // the file is a whole request head
		headers = nil
		for line := range strings.Lines(body) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && name != "Host" {
				headers = append(headers, name, value)
			}
		}
		body = ""
	case strings.HasSuffix(s.File, ".query"):
		path, body, headers = path+"?"+body, "", nil
	case s.Query != "":
		path += "?" + s.Query
	}
	return in.send(t, s.Method, path, body, headers...)
}

func TestSamplesBecomeWhatTheManifestSays(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.File, func(t *testing.T) {
			secrets := sampleSecrets(s)
			if !s.posted() {
				secrets = nil
			}
			in := startSample(t, s, secrets...)
			body := s.body
			got := in.sendSample(t, s, body)
			want := 200
			if status, ok := s.Respond.Status.(float64); ok {
				want = int(status)
			}
			if got.status != want {
				t.Errorf("status %d, want %d: %s", got.status, want, got.body)
			}
			if text := s.Respond.Body; text != nil && *text != got.body {
				if pattern := strings.ReplaceAll(regexp.QuoteMeta(*text), "<our id>", "[A-Za-z0-9_-]+"); !regexp.MustCompile("^" + pattern + "$").MatchString(got.body) {
					t.Errorf("body %q, want %q", got.body, *text)
				}
			}
			if !strings.HasPrefix(got.header.Get("Content-Type"), s.Respond.ContentType) {
				t.Errorf("content type %q, want %q", got.header.Get("Content-Type"), s.Respond.ContentType)
			}
			for name, value := range s.Respond.Headers {
				value = strings.ReplaceAll(value, "<origin>", "https://shop.example")
				if got.header.Get(name) != value {
					t.Errorf("header %s: %q, want %q", name, got.header.Get(name), value)
				}
			}
			if s.Method == http.MethodOptions {
				if in.sink.count() != 0 {
					t.Error("a preflight was stored")
				}
				return
			}
			d := in.sink.last(t)
			bytesAsSent(t, s, body, d, secrets)
			compare(t, s, webhook.Decode(in.cfg, d))
		})
	}
}

// bytesAsSent checks that nothing but secrets was changed, and that no secret is
// left.
func bytesAsSent(t *testing.T, s sample, body string, d webhook.Delivery, secrets []string) {
	t.Helper()
	if strings.HasSuffix(s.File, ".query") {
		body = ""
	}
	if len(d.Body) != len(body) {
		t.Fatalf("stored %d bytes of %d", len(d.Body), len(body))
	}
	for i := range body {
		if d.Body[i] != body[i] && d.Body[i] != '*' && d.Body[i] != '0' {
			t.Fatalf("stored byte %d differs from what was sent", i)
		}
	}
	stored, err := json.Marshal([]any{d.Header, d.Query, d.Suffix, string(d.Body)})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(secrets, map[string]string{"bitrix24": s.Auth.Value, "mango": s.Auth.Key}[s.kind()]) {
		if secret == "" {
			continue
		}
		if strings.Contains(string(stored), secret) {
			t.Errorf("a secret is stored")
		}
	}
}

// kindOf is the kind of event that a word of the catalogue means.
func kindOf(word string) event.Kind {
	switch word {
	case "order", "order_status", "order_deleted":
		return event.OrderChange
	case "lead_status":
		return event.Stage
	case "call", "chat":
		return event.ContactMade
	case "contact":
		return event.Profile
	default:
		return event.Kind(word)
	}
}

func compare(t *testing.T, s sample, out webhook.Decoded) {
	t.Helper()
	switch word := s.Expect.Event; {
	case word == "ping", word == "handshake", word == "ignored", word == "call_leg":
		if !out.Ping || len(out.Events) != 0 || out.Failure != nil {
			t.Errorf("Decode = %+v, want no event", out)
		}
		return
	case word == "": // the payload is of nobody's making; only the delivery has an id
		if out.Status != 200 {
			t.Errorf("status %d", out.Status)
		}
		return
	case word == "event" && out.Ping: // what it means says the configuration, and this one says nothing
		return
	case s.Expect.Events > 1:
		compareMany(t, s, out)
		return
	}
	ev := one(t, out)
	if want := kindOf(s.Expect.Event); ev.Kind != want && s.Expect.Event != "event" {
		t.Errorf("kind %q, want %q", ev.Kind, want)
	}
	compareIDs(t, s, out, ev)
	comparePerson(t, s, ev)
	compareOrigin(t, s, ev)
	compareOrder(t, s, ev)
	if call := s.Expect.Call; call != nil {
		want := map[bool]string{true: "answered", false: "missed"}[call.Answered]
		if call.Voicemail {
			want = "voicemail"
		}
		if c := ev.Contact; c == nil || c.Channel != "call" || c.Seconds != strconv.Itoa(call.Seconds) || c.Result != want {
			t.Errorf("contact %+v, want a call, %s, of %d seconds", ev.Contact, want, call.Seconds)
		}
	}
	if s.Expect.Event == "chat" && (ev.Contact == nil || ev.Contact.Channel != "chat") {
		t.Errorf("contact %+v, want a chat", ev.Contact)
	}
}

func compareMany(t *testing.T, s sample, out webhook.Decoded) {
	t.Helper()
	if out.Failure != nil || len(out.Events) != s.Expect.Events {
		t.Fatalf("Decode = %+v, want %d events", out, s.Expect.Events)
	}
	for i, ev := range out.Events {
		if ev.Kind != kindOf(s.Expect.Event) || ev.ID != s.Expect.DedupKeys[i] || s.Expect.Thin != (ev.Fetch != "") {
			t.Errorf("event %d: %+v", i, ev)
		}
	}
}

func compareIDs(t *testing.T, s sample, out webhook.Decoded, ev event.Event) {
	t.Helper()
	// A key that is described in words cannot be compared; that it stays the same
	// is another test.
	if key := s.Expect.DedupKey; key != nil && !strings.ContainsAny(*key, " <(") && (out.DeliveryID != *key || ev.ID != *key || ev.DerivedID) {
		t.Errorf("delivery id %q, event id %q, want %q", out.DeliveryID, ev.ID, *key)
	}
	if s.Expect.DedupKey == nil && s.posted() && out.DeliveryID != "" {
		t.Errorf("delivery id %q, want none", out.DeliveryID)
	}
	if s.Expect.EntityKey != "" && ev.Entity != s.Expect.EntityKey {
		t.Errorf("entity %q, want %q", ev.Entity, s.Expect.EntityKey)
	}
	if s.Expect.Fetch != "" && s.Expect.Fetch != ev.Fetch || s.Expect.Thin && ev.Fetch == "" {
		t.Errorf("fetch %q, want %q", ev.Fetch, s.Expect.Fetch)
	}
}

func comparePerson(t *testing.T, s sample, ev event.Event) {
	t.Helper()
	p := s.Expect.Person
	if p == nil {
		return
	}
	var phones, emails []string
	for _, raw := range ev.Client.AllPhones() {
		number, ok := phone.Parser{}.Parse(raw, "RU")
		if !ok {
			t.Error("a phone of the sample was not read")
		}
		if !slices.Contains(phones, string(number)) { // two spellings of one number
			phones = append(phones, string(number))
		}
	}
	for _, raw := range ev.Client.AllEmails() {
		address, ok := identity.ParseEmail(raw)
		if !ok {
			t.Error("an e-mail of the sample was not read")
		}
		emails = append(emails, string(address))
	}
	if p.Name != "" && ev.Client.Name != p.Name {
		t.Errorf("name %q, want %q", ev.Client.Name, p.Name)
	}
	if diff := cmp.Diff(p.Phones, phones, cmpopts.EquateEmpty()); diff != "" && p.Phones != nil {
		t.Errorf("phones: %s", diff)
	}
	if diff := cmp.Diff(p.Emails, emails, cmpopts.EquateEmpty()); diff != "" && p.Emails != nil {
		t.Errorf("e-mails: %s", diff)
	}
	for name, id := range p.IDs {
		switch name {
		case "site_user":
			if ev.Client.ExternalID != id {
				t.Errorf("external id %q, want %q", ev.Client.ExternalID, id)
			}
		case "loyalty_card":
			if ev.Client.CardNo != id {
				t.Errorf("card %q, want %q", ev.Client.CardNo, id)
			}
		default:
			if !slices.Contains(ev.Client.AllExternalIDs(), name+":"+id) {
				t.Errorf("external ids %q, want %s:%s among them", ev.Client.AllExternalIDs(), name, id)
			}
		}
	}
	for _, hint := range p.Hints {
		number, ok := phone.Parser{}.Parse(ev.Attributes["phone_hint"], "RU")
		if !ok || string(number) != hint {
			t.Errorf("hint %q, want %q", ev.Attributes["phone_hint"], hint)
		}
	}
}

func compareOrigin(t *testing.T, s sample, ev event.Event) {
	t.Helper()
	a, want := ev.Attribution, s.Expect.Attribution
	for key, value := range want.UTM {
		got := map[string]string{"utm_source": a.UTMSource, "utm_medium": a.UTMMedium, "utm_campaign": a.UTMCampaign, "utm_content": a.UTMContent, "utm_term": a.UTMTerm}[key]
		if got != value {
			t.Errorf("%s = %q, want %q", key, got, value)
		}
	}
	unlisted := want.ClickIDs == nil && (s.kind() == "woocommerce" || s.kind() == "insales") // theirs hold one that the manifest does not list
	if diff := cmp.Diff(want.ClickIDs, a.ClickIDs, cmpopts.EquateEmpty()); diff != "" && !unlisted {
		t.Errorf("click ids: %s", diff)
	}
	if diff := cmp.Diff(want.ClientIDs, a.ClientIDs, cmpopts.EquateEmpty()); diff != "" && want.ClientIDs != nil {
		t.Errorf("client ids: %s", diff)
	}
	if diff := cmp.Diff(s.Expect.Files, ev.Files, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("files: %s", diff)
	}
}

func compareOrder(t *testing.T, s sample, ev event.Event) {
	t.Helper()
	want := s.Expect.Order
	if want == nil {
		return
	}
	o := ev.Order
	if o == nil {
		t.Fatal("no order")
	}
	if want.ID != "" && o.ID != want.ID || o.Total != want.Amount || want.DeliveryAmount != "" && o.Shipping != want.DeliveryAmount {
		t.Errorf("order %+v, want %+v", *o, *want)
	}
	if want.Currency != nil && o.Currency != *want.Currency {
		t.Errorf("currency %q, want %q", o.Currency, *want.Currency)
	}
	if want.Status != "" && !strings.EqualFold(want.Status, o.Status) && !strings.EqualFold(want.Status, ev.Attributes["order_status"]) {
		t.Errorf("status %q (sender's %q), want %q", o.Status, ev.Attributes["order_status"], want.Status)
	}
	if want.Number != "" && want.Number != o.ID && ev.Attributes["order_number"] != want.Number {
		t.Errorf("order number %q, want %q", ev.Attributes["order_number"], want.Number)
	}
	switch items := want.Items.(type) {
	case float64:
		if len(o.Items) != int(items) {
			t.Errorf("%d items, want %v", len(o.Items), items)
		}
	case []any:
		var wanted []event.Item
		for _, item := range items {
			fields, _ := item.(map[string]any)
			text := func(name string) string { s, _ := fields[name].(string); return s }
			wanted = append(wanted, event.Item{Name: text("name"), SKU: text("sku"), Quantity: text("qty"), Price: text("price"), Sum: text("sum")})
		}
		if diff := cmp.Diff(wanted, o.Items); diff != "" {
			t.Errorf("items: %s", diff)
		}
	}
}

// A secret that does not fit is answered 401, and the bytes are kept apart.
func TestSamplesWithABrokenSignatureAreRefused(t *testing.T) {
	for _, s := range samples(t) {
		secrets := sampleSecrets(s)
		if !s.posted() || len(secrets) == 0 {
			continue
		}
		t.Run(s.File, func(t *testing.T) {
			in := startSample(t, s, "not the secret of this sample, but one just as long")
			body := s.body
			if got := in.sendSample(t, s, body); got.status != http.StatusUnauthorized {
				t.Errorf("status %d with another secret, want 401", got.status)
			}
			if in.sink.count() != 0 || len(in.sink.refused) != 1 || string(in.sink.refused[0].Body) != strings.TrimSuffix(body, map[bool]string{true: body}[s.Role == "handshake"]) {
				t.Error("the bytes were not kept apart")
			}
			if s.Headers == nil || s.kind() == "ecwid" || s.kind() == "passquare" { // headers that sign no body
				return
			}
			in = startSample(t, s, secrets...)
			if got := in.sendSample(t, s, body+"\n"); got.status != http.StatusUnauthorized {
				t.Errorf("status %d with a body that was changed, want 401", got.status)
			}
			s.Headers = nil
			if got := in.sendSample(t, s, body); got.status != http.StatusUnauthorized {
				t.Errorf("status %d without a signature, want 401", got.status)
			}
		})
	}
}

// A sender that breaks off, or a proxy that cuts, must neither lose what came nor
// break the server.
func TestTruncatedSamplesAreStoredAndAnswered(t *testing.T) {
	for _, s := range samples(t) {
		if s.Role == "handshake" {
			continue
		}
		in := startSample(t, s)
		whole := s.body
		for cut := 0; cut < len(whole); cut += 97 {
			before := in.sink.count()
			got := in.sendSample(t, s, whole[:cut])
			if got.status != 200 && (got.status < 400 || got.status > 499) {
				t.Fatalf("%s cut at %d: status %d", s.File, cut, got.status)
			}
			if in.sink.count() != before+1 {
				t.Fatalf("%s cut at %d: not stored", s.File, cut)
			}
			if d := in.sink.last(t); len(d.Body) != cut {
				t.Fatalf("%s cut at %d: stored bytes differ", s.File, cut)
			}
			out := in.decodeLast(t)
			if !out.Ping && (out.Failure == nil) == (len(out.Events) == 0) || out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
				t.Fatalf("%s cut at %d: %+v", s.File, cut, out)
			}
		}
	}
}

func TestDuplicateGetsTheSameAnswer(t *testing.T) {
	for _, s := range samples(t) {
		if s.Role == "handshake" || !s.posted() {
			continue
		}
		in := startSample(t, s, sampleSecrets(s)...)
		body := s.body
		first := in.sendSample(t, s, body)
		key := in.sink.last(t).Key
		in.advance(5 * time.Second)
		second := in.sendSample(t, s, body)
		if first.status != http.StatusOK || first.status != second.status || first.body != second.body {
			t.Errorf("%s: first %d %q, second %d %q", s.File, first.status, first.body, second.status, second.body)
		}
		if in.sink.last(t).Key != key {
			t.Errorf("%s: a retry within the minute got another key", s.File)
		}
	}
}

func TestDecodeIsPure(t *testing.T) {
	for _, s := range samples(t) {
		if s.Method == http.MethodOptions {
			continue
		}
		in := startSample(t, s)
		in.sendSample(t, s, s.body)
		d := in.sink.last(t)
		if diff := cmp.Diff(webhook.Decode(in.cfg, d), webhook.Decode(in.cfg, d)); diff != "" {
			t.Errorf("%s: two decodings differ: %s", s.File, diff)
		}
	}
}
