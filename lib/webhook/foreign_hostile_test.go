package webhook_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/webhook"
)

// foreignBodies are one good body for each kind; a sample's where there is one.
func foreignBodies(t testing.TB) map[string]string {
	t.Helper()
	bodies := map[string]string{"google-forms": formsBody, "segment": segmentOrder}
	for _, file := range []string{
		"meta-leadgen.json", "vk-lead_forms_new.json", "googleads-lead.json", "typeform-response.json", "passquare-createCustomer.json",
		"passteam-mindbox-customerUpdated.json", "standardwebhooks-vector.json", "cloudevents-structured.json",
	} {
		row := sampleOf(t, file)
		bodies[row.Source] = row.body
	}
	return bodies
}

// whole fails where a decoding is not exactly one of ping, failure and events, or
// where the decoder broke.
func whole(t *testing.T, what string, out webhook.Decoded) {
	t.Helper()
	states := 0
	for _, state := range []bool{out.Ping, out.Failure != nil, len(out.Events) > 0} {
		if state {
			states++
		}
	}
	if states != 1 || out.Failure != nil && out.Failure.Reason == webhook.ReasonPanic {
		t.Errorf("%s: %+v", what, out)
	}
	if out.Status != 200 && out.Status != 400 {
		t.Errorf("%s: status %d", what, out.Status)
	}
	for _, ev := range out.Events {
		if ev.ID == "" || len(ev.ID) > 512 {
			t.Errorf("%s: an id of %d bytes", what, len(ev.ID))
		}
	}
}

func TestForeignBodiesBrokenOff(t *testing.T) {
	for kind, body := range foreignBodies(t) {
		in := start(t, "sources:\n  - {name: s, kind: "+kind+"}\n")
		for cut := 0; cut < len(body); cut += 97 {
			before := in.sink.count()
			got := in.send(t, "POST", "/in/s", body[:cut], "Content-Type", jsonType)
			if want := 200; got.status != want && (kind != "segment" || got.status != 400) {
				t.Errorf("%s cut at %d: status %d", kind, cut, got.status)
			}
			if in.sink.count() != before+1 {
				t.Errorf("%s cut at %d: not stored", kind, cut)
			}
			whole(t, kind+" cut at "+strconv.Itoa(cut), in.decodeLast(t))
		}
	}
}

// Every value of a good body is replaced, in turn, by what senders put there
// without warning.
func TestForeignBodiesWithOtherTypes(t *testing.T) {
	others := []string{`null`, `""`, `"0"`, `[]`, `{}`, `0`, `true`, `-1.5e308`, `123456789012345678901234567890`, `"x"`, `[[{"a":[1]}]]`, `{"value":{"value":[null]}}`, `"{\"a\":[1,"`, `"[{}]"`, `"` + strings.Repeat("я", 2000) + `"`}
	for kind, body := range foreignBodies(t) {
		var tree any
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&tree); err != nil {
			t.Fatal(err)
		}
		cfg := parse(t, "sources:\n  - {name: s, kind: "+kind+", map: {phone: a, interests: value}, consents: [{purpose: ads, field: value}]}\n")
		source, _ := cfg.SourceNamed("s")
		decode := func(body []byte) webhook.Decoded {
			return webhook.Decode(cfg, webhook.Delivery{Source: source, Method: "POST", ContentType: jsonType, Body: body, ReceivedAt: received})
		}
		count := 0
		for _, other := range others {
			mutate(tree, json.RawMessage(other), func() {
				text, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				count++
				whole(t, kind+" with "+other[:min(len(other), 30)]+": "+string(text), decode(text))
			})
		}
		if count < len(others) {
			t.Errorf("%s: %d bodies were tried", kind, count)
		}
		for _, other := range others {
			whole(t, kind+" is "+other[:min(len(other), 30)], decode([]byte(other)))
		}
	}
}

// mutate puts other in the place of every value below v, one at a time.
func mutate(v any, other any, try func()) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			old := v[key]
			v[key] = other
			try()
			v[key] = old
			mutate(old, other, try)
		}
	case []any:
		for i, old := range v {
			v[i] = other
			try()
			v[i] = old
			mutate(old, other, try)
		}
	}
}

func TestForeignBodiesInWindows1251(t *testing.T) {
	for kind, body := range foreignBodies(t) {
		if !strings.Contains(body, "Иван") && !strings.Contains(body, "Анна") || kind == "segment" {
			continue
		}
		encoded, err := charmap.Windows1251.NewEncoder().String(body)
		if err != nil {
			t.Fatal(err)
		}
		ev := one(t, decodeDelivery(t, kind, "", webhook.Delivery{ContentType: "text/plain; charset=windows-1251", Body: []byte(encoded)}))
		if !strings.Contains("Иван Тестов Анна Тестова", ev.Client.Name) || ev.Client.Name == "" {
			t.Errorf("%s: the name was not read", kind)
		}
	}
}

// Empty values and zeros are nobody.
func TestForeignEmptyIdentities(t *testing.T) {
	for kind, body := range map[string]string{
		"vk":                `{"type":"lead_forms_new","group_id":1,"object":{"lead_id":1,"form_id":1,"user_id":0,"answers":[{"key":"phone_number","answer":""},{"key":"email","answer":null}]}}`,
		"google-ads":        `{"lead_id":"1","user_column_data":[{"column_id":"PHONE_NUMBER","string_value":""},{"column_id":"EMAIL"}]}`,
		"typeform":          `{"event_id":"1","form_response":{"hidden":{"user_id":""},"answers":[{"type":"email","email":""}]}}`,
		"google-forms":      `{"response":{"id":"1","payload":{"Телефон":"","Почта":[]}}}`,
		"passteam":          `{"fields":{"%EMAIL%":"","%PHONE%":null}}`,
		"passquare":         `{"customer":{"phone":"","email":[],"cardNumbers":["","0",0,null]}}`,
		"standard-webhooks": `{"data":{"phone":"","email":[],"external_id":null}}`,
		"cloudevents":       `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"phone":"","email":[]}}`,
	} {
		out := decodeDelivery(t, kind, "", webhook.Delivery{Body: []byte(body)})
		if out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact || out.Status != 200 {
			t.Errorf("%s: %+v", kind, out)
		}
	}
	for _, body := range []string{`{"type":"identify","userId":"","anonymousId":""}`, `{"type":"identify","userId":0,"traits":{"email":""}}`, `{"type":"delete","userId":null}`} {
		if out := decodeDelivery(t, "segment", "", webhook.Delivery{Body: []byte(body)}); !out.Ping {
			t.Errorf("segment: %+v", out)
		}
	}
}

// A sender's secret is blanked also where the owner has configured none, and
// nothing else is.
func TestForeignSecretsOfOpenSources(t *testing.T) {
	const secret = "s3cret-of-the-sender"
	stars := strings.Repeat("*", len(secret))
	for _, tt := range []struct{ kind, method, path, body string }{
		{"meta", "GET", "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + secret, ""},
		{"vk", "POST", "", `{"type":"message_new","group_id":1,"secret":"` + secret + `","object":{"text":"secret"}}`},
		{"google-ads", "POST", "", `{"lead_id":"1","google_key":"` + secret + `","user_column_data":[{"column_id":"EMAIL","string_value":"a@example.com"}]}`},
		{"google-forms", "POST", "", `{"secret":"` + secret + `","Почта":"a@example.com"}`},
		{"passquare", "POST", "", `{"crm_key":"` + secret + `","method":"createCustomer","customer":{"email":"a@example.com"}}`},
		{"cloudevents", "POST", "?access_token=" + secret, `{"specversion":"1.0","source":"s","id":"1","type":"t","data":{"email":"a@example.com"}}`},
		{"segment", "POST", "/v1/batch?writeKey=" + secret, `{"writeKey":"` + secret + `","batch":[{"type":"identify","userId":"u","writeKey":"` + secret + `"}]}`},
		{"segment", "GET", "/pixel/v1/page?userId=u&writeKey=" + secret, ""},
	} {
		in := start(t, "sources:\n  - {name: s, kind: "+tt.kind+"}\n")
		if got := in.send(t, tt.method, "/in/s"+tt.path, tt.body); got.status != 200 {
			t.Errorf("%s: status %d", tt.kind, got.status)
			continue
		}
		d := in.sink.last(t)
		unblanked(t, d, secret)
		if string(d.Body) != strings.ReplaceAll(tt.body, secret, stars) {
			t.Errorf("%s: the body is not stored as sent but for the secret", tt.kind)
		}
		if _, query, _ := strings.Cut(tt.path, "?"); d.Query != strings.ReplaceAll(query, secret, stars) {
			t.Errorf("%s: the query is %q", tt.kind, d.Query)
		}
		if out := in.decodeLast(t); out.Failure != nil {
			t.Errorf("%s: %v", tt.kind, out.Failure)
		}
	}
}
