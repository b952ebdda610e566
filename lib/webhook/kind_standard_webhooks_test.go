package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// standardSecret makes a secret of as many bytes.
func standardSecret(bytes int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
}

func signStandard(t *testing.T, secret, id string, at int64, body string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at, 10) + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestStandardWebhooksSample(t *testing.T) {
	row := sampleOf(t, "standardwebhooks-vector.json")
	secret := "whsec_" + strings.Repeat("test/", 2) + strings.Repeat("fake/", 2) + "secret/0000/"
	in := start(t, "sources:\n  - {name: standard-webhooks, kind: standard-webhooks, secrets: [\"env:"+secret+"\"], map: {external_id: test}}\n  - {name: plain, kind: standard-webhooks}\n")
	in.now = time.Unix(1614265330, 0).UTC()
	for range 2 {
		if got := in.sendSample(t, row, row.body); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
	}
	if d := in.sink.last(t); string(d.Body) != row.body || !d.Trusted || !d.HasID {
		t.Error("not stored as sent, or without its id")
	}
	out := in.decodeLast(t)
	compareIDs(t, row, out, one(t, out))
	// Without a map the body says nothing of anybody: kept, answered, to be seen.
	row.Source = "plain"
	if got := in.sendSample(t, row, row.body); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	if out = in.decodeLast(t); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
		t.Errorf("Decode = %+v", out)
	}
}

// The vector that the specification publishes, with the secret put together.
func TestStandardWebhooksPublishedVector(t *testing.T) {
	text, err := os.ReadFile(shared(t, "webhook_samples", "VECTORS.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name      string
			Alg       string
			KeyParts  []string `json:"key_parts"`
			ID        string
			Timestamp int64
			BodyFile  string `json:"body_file"`
			Expected  string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, v := range file.Vectors {
		if v.Name != "Standard Webhooks" {
			continue
		}
		tried++
		body, err := os.ReadFile(shared(t, "webhook_samples", v.BodyFile))
		if err != nil {
			t.Fatal(err)
		}
		in := start(t, "sources:\n  - {name: s, kind: standard-webhooks, secrets: [\"env:"+strings.Join(v.KeyParts, "")+"\"]}\n")
		in.now = time.Unix(v.Timestamp, 0).UTC()
		stamp := strconv.FormatInt(v.Timestamp, 10)
		for _, family := range []string{"webhook", "svix"} {
			if got := in.send(t, "POST", "/in/s", string(body), family+"-id", v.ID, family+"-timestamp", stamp, family+"-signature", v.Expected); got.status != 200 {
				t.Errorf("%s: status %d", family, got.status)
			}
		}
	}
	if tried != 1 {
		t.Fatalf("%d vectors, want 1", tried)
	}
}

func TestStandardWebhooksSignatures(t *testing.T) {
	older, newer := standardSecret(24), standardSecret(64)
	in := start(t, "sources:\n  - {name: s, kind: standard-webhooks, secrets: [\"env:"+older+"\", \"env:"+newer+"\"]}\n"+
		"  - {name: short, kind: standard-webhooks, secrets: [\"env:"+standardSecret(23)+"\"]}\n  - {name: long, kind: standard-webhooks, secrets: [\"env:"+standardSecret(65)+"\"]}\n"+
		"  - {name: word, kind: standard-webhooks, secrets: [\"env:no-base64-at-all!\"]}\n")
	now := in.now.Unix()
	good := signStandard(t, newer, "m1", now, lead)
	type headers map[string]string
	with := func(id string, at int64, signature string) headers {
		return headers{"webhook-id": id, "webhook-timestamp": strconv.FormatInt(at, 10), "webhook-signature": signature}
	}
	for _, tt := range []struct {
		name, source string
		headers      headers
		want         int
	}{
		{"new secret", "s", with("m1", now, good), 200},
		{"old secret", "s", with("m1", now, signStandard(t, older, "m1", now, lead)), 200},
		{"several, one fits", "s", with("m1", now, "v1,AAAA v1a,BBBB v2,CCCC "+good), 200},
		{"svix", "s", headers{"svix-id": "m1", "svix-timestamp": strconv.FormatInt(now, 10), "svix-signature": good}, 200},
		{"300 s ago", "s", with("m1", now-300, signStandard(t, newer, "m1", now-300, lead)), 200},
		{"in 300 s", "s", with("m1", now+300, signStandard(t, newer, "m1", now+300, lead)), 200},
		{"301 s ago", "s", with("m1", now-301, signStandard(t, newer, "m1", now-301, lead)), 401},
		{"in 301 s", "s", with("m1", now+301, signStandard(t, newer, "m1", now+301, lead)), 401},
		{"the least time there is", "s", with("m1", -1<<63, signStandard(t, newer, "m1", -1<<63, lead)), 401},
		{"another id", "s", with("m2", now, good), 401},
		{"another time", "s", with("m1", now+1, good), 401},
		{"asymmetric only", "s", with("m1", now, "v1a"+good[2:]), 401},
		{"unknown version", "s", with("m1", now, "v2"+good[2:]), 401},
		{"no version", "s", with("m1", now, good[3:]), 401},
		{"no id", "s", with("", now, good), 401},
		{"no signature", "s", with("m1", now, ""), 401},
		{"no time", "s", headers{"webhook-id": "m1", "webhook-signature": good}, 401},
		{"time with a fraction", "s", headers{"webhook-id": "m1", "webhook-timestamp": "1.5", "webhook-signature": good}, 401},
		{"two families", "s", headers{"webhook-id": "m1", "svix-timestamp": strconv.FormatInt(now, 10), "svix-signature": good}, 401},
		{"nothing", "s", nil, 401},
		{"secret of 23 bytes", "short", with("m1", now, signStandard(t, standardSecret(23), "m1", now, lead)), 401},
		{"secret of 65 bytes", "long", with("m1", now, signStandard(t, standardSecret(65), "m1", now, lead)), 401},
		{"secret that is no base64", "word", with("m1", now, good), 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list []string
			for name, value := range tt.headers {
				if value != "" {
					list = append(list, name, value)
				}
			}
			refused := len(in.sink.refused)
			got := in.send(t, "POST", "/in/"+tt.source, lead, list...)
			if got.status != tt.want || (tt.want == 401) != (len(in.sink.refused) == refused+1) {
				t.Errorf("status %d, want %d", got.status, tt.want)
			}
		})
	}
	if got := in.send(t, "POST", "/in/s?token="+newer, lead); got.status != 401 {
		t.Errorf("the secret in place of a signature: status %d", got.status)
	}
}

func TestStandardWebhooksPayloads(t *testing.T) {
	more := `, options: {user.created: profile, user.deleted: erase, ping.sent: ignore, call.ended: "contact:call", thing.odd: nonsense, trial.begun: stage}, stages: {deal.won: won}, orders: {order.fulfilled: completed}`
	for _, tt := range []struct {
		name, body string
		kind       event.Kind // empty: a failure or a ping
		ping       bool
	}{
		{"flat lead", `{"name":"Анна","phone":"89000000001"}`, event.Lead, false},
		{"enveloped lead", `{"type":"form.sent","timestamp":"2026-05-01T09:30:45Z","data":{"phone":"89000000001"}}`, event.Lead, false},
		{"data in a text", `{"type":"form.sent","data":"{\"phone\":\"89000000001\"}"}`, event.Lead, false},
		{"native event", `{"type":"x","data":{"kind":"booking","client":{"phone":"89000000001"},"booking":{"id":"1"}}}`, event.BookingMade, false},
		{"native event, bare", `{"kind":"lead","client":{"phone":"89000000001"}}`, event.Lead, false},
		{"order", `{"type":"shop.order.paid","data":{"order_id":1,"amount":10,"email":"a@example.com"}}`, event.OrderChange, false},
		{"order without a person", `{"type":"shop.order.paid","data":{"order_id":1,"amount":10}}`, event.OrderChange, false},
		{"order by its event's name", `{"type":"order.fulfilled","data":{"order":{"id":1}}}`, event.OrderChange, false},
		{"profile", `{"type":"user.created","data":{"email":"a@example.com"}}`, event.Profile, false},
		{"erasure", `{"type":"user.deleted","data":{"external_id":"7"}}`, event.Erase, false},
		{"contact", `{"type":"call.ended","data":{"phone":"89000000001"}}`, event.ContactMade, false},
		{"stage", `{"type":"deal.won","data":{"phone":"89000000001"}}`, event.Stage, false},
		{"ignored", `{"type":"ping.sent","data":{"phone":"89000000001"}}`, "", true},
		{"a stage that nobody knows", `{"type":"trial.begun","data":{"phone":"89000000001"}}`, "", false},
		{"a kind that is none", `{"type":"thing.odd","data":{"phone":"89000000001"}}`, "", false},
		{"nobody", `{"type":"invoice.sent","data":{"invoice":{"id":1}}}`, "", false},
		{"order event without an order", `{"type":"order.fulfilled","data":{"phone":"89000000001"}}`, "", false},
		{"bad native event", `{"data":{"kind":"order","client":{},"order":{"total":"x"}}}`, "", false},
		{"no JSON", `hello`, "", false},
		{"number", `5`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := decodeDelivery(t, "standard-webhooks", more, webhook.Delivery{Body: []byte(tt.body), Header: map[string]string{"webhook-id": "m1"}})
			if out.Status != 200 {
				t.Errorf("status %d", out.Status)
			}
			if tt.kind == "" {
				if out.Ping != tt.ping || (out.Failure == nil) != tt.ping || out.DeliveryID != "" {
					t.Errorf("Decode = %+v", out)
				}
				return
			}
			if ev := one(t, out); ev.Kind != tt.kind || ev.ID != "m1" || out.DeliveryID != "m1" {
				t.Errorf("kind %q, id %q, delivery %q", ev.Kind, ev.ID, out.DeliveryID)
			}
		})
	}
	out := decodeDelivery(t, "standard-webhooks", "", webhook.Delivery{Body: []byte(`{"type":"a","timestamp":"2026-05-01T09:30:45Z","data":[{"phone":"89000000001"},{"phone":"89000000002"}]}`), Header: map[string]string{"svix-id": "m1"}})
	if len(out.Events) != 2 || out.Events[0].ID != "m1/0" || out.Events[1].ID != "m1/1" || out.Events[0].At.Unix() != 1777627845 {
		t.Errorf("a list: %+v", out)
	}
}

func TestPlainOrderOfAnEnvelope(t *testing.T) {
	body := `{"type":"shop.order.paid","data":{"phone":"89000000001","order":{"id":9007199254740993,"total":"1 500,50","currency":"rur","shipping":100,"status":"В работе",
		"items":[{"sku":"A","name":"Чай","quantity":2,"price":"700.25"},"x",null]},"note":"n"}}`
	ev := one(t, decodeDelivery(t, "standard-webhooks", ", orders: {\"В работе\": shipped}", webhook.Delivery{Body: []byte(body)}))
	o := ev.Order
	if o == nil || o.ID != "9007199254740993" || o.Total != "1500.50" || o.Currency != "RUB" || o.Shipping != "100.00" || o.Status != "shipped" || len(o.Items) != 1 || o.Items[0].Price != "700.25" {
		t.Errorf("%+v", o)
	}
	if ev.Attributes["note"] != "n" || ev.Attributes["order"] != "" {
		t.Errorf("attributes %v", ev.Attributes)
	}
	// Amounts of a source without orders stay with the lead.
	ev = one(t, decodeDelivery(t, "standard-webhooks", ", orders: false", webhook.Delivery{Body: []byte(`{"order_id":1,"amount":5,"phone":"89000000001"}`)}))
	if ev.Kind != event.Lead || ev.Order != nil || ev.Attributes["amount"] != "5" {
		t.Errorf("%s %+v %v", ev.Kind, ev.Order, ev.Attributes)
	}
}
