package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/webhook"
)

func sign64(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return "sha256=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestTypeformSample(t *testing.T) {
	row := sampleOf(t, "typeform-response.json")
	in := start(t, "sources:\n  - {name: typeform, kind: typeform, secrets: [\"env:old-typeform-secret\", \"env:test-typeform-secret\"]}\n")
	for range 2 {
		if got := in.sendSample(t, row, row.body); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
	}
	if d := in.sink.last(t); string(d.Body) != row.body || !d.Trusted {
		t.Error("not stored as sent")
	}
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	want := map[string]string{"form_id": "lT4Z3j", "form_name": "Заявка", "score": "9"}
	if diff := cmp.Diff(want, ev.Attributes) + cmp.Diff([]string{"кофе", "чай", "какао"}, ev.Interests); diff != "" {
		t.Error(diff)
	}
	hexed := sign("test-typeform-secret", row.body)
	for _, tt := range []struct {
		name, signature string
		want            int
	}{
		{"new secret", sign64("test-typeform-secret", row.body), 200},
		{"old secret", sign64("old-typeform-secret", row.body), 200},
		{"hex", hexed, 401},
		{"another body", sign64("test-typeform-secret", row.body+"\n"), 401},
		{"another scheme", strings.Replace(sign64("test-typeform-secret", row.body), "sha256", "sha1", 1), 401},
		{"none", "", 401},
	} {
		refused := len(in.sink.refused)
		var headers []string
		if tt.signature != "" {
			headers = []string{"Typeform-Signature", tt.signature}
		}
		got := in.send(t, "POST", "/in/typeform", row.body, headers...)
		if got.status != tt.want || (tt.want == 401) != (len(in.sink.refused) == refused+1) {
			t.Errorf("%s: status %d, want %d", tt.name, got.status, tt.want)
		}
	}
}

func TestTypeformAnswersAreFoundByTypeReferenceAndTitle(t *testing.T) {
	body := `{"event_id":"E","event_type":"form_response","form_response":{"form_id":"F","token":"T","hidden":{"gclid":"G","email":"","phone":"89000000002","colour":"red"},
		"definition":{"fields":[{"id":"1","title":"Имя"},{"id":"2","title":"Как связаться"},{"id":"3","title":"Согласен"},{"id":"4","title":"Размер"},{"id":"5","title":"Когда"}]},
		"answers":[{"type":"text","text":"Анна","field":{"id":"1","ref":"0a1b"}},{"type":"phone_number","phone_number":"89000000001","field":{"id":"2"}},
		{"type":"boolean","boolean":true,"field":{"id":"3","ref":"agree"}},{"type":"choice","choice":{"label":"XL"},"field":{"id":"4","ref":"size"}},
		{"type":"date","date":"2026-05-02","field":{"id":"5"}},{"type":"choice","choice":{"other":"своё"},"field":{"id":"6","ref":"own"}},
		{"type":"payment","payment":{"amount":"100","last4":"1234","name":"X"},"field":{"id":"7","ref":"pay"}},{"type":"number","number":12345678901234567890,"field":{"id":"8"}}]}}`
	ev := one(t, decodeDelivery(t, "typeform", ", consents: [{purpose: ads, field: agree}], map: {tags: size}", webhook.Delivery{Body: []byte(body)}))
	if ev.Client.Name != "Анна" || !cmp.Equal(ev.Client.AllPhones(), []string{"89000000001", "89000000002"}) || ev.Attribution.ClickIDs["gclid"] != "G" {
		t.Errorf("%+v, click ids %v", ev.Client, ev.Attribution.ClickIDs)
	}
	if len(ev.Consents) != 1 || !ev.Consents[0].Given || !cmp.Equal(ev.Tags, []string{"XL"}) {
		t.Errorf("consents %+v, tags %q", ev.Consents, ev.Tags)
	}
	want := map[string]string{"form_id": "F", "Согласен": "true", "Размер": "XL", "Когда": "2026-05-02", "own": "своё", "pay": "100", "8": "12345678901234567890", "colour": "red"}
	if diff := cmp.Diff(want, ev.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestTypeformPartialResponse(t *testing.T) {
	whole := `{"event_id":"E2","event_type":"form_response","form_response":{"form_id":"F","token":"T","answers":[{"type":"email","email":"a@example.com","field":{"id":"1"}}]}}`
	partial := strings.Replace(strings.Replace(whole, `"form_response",`, `"form_response_partial",`, 1), "E2", "E1", 1)
	a := one(t, decodeDelivery(t, "typeform", "", webhook.Delivery{Body: []byte(whole)}))
	b := one(t, decodeDelivery(t, "typeform", "", webhook.Delivery{Body: []byte(partial)}))
	if a.Entity != b.Entity || a.ID == b.ID || b.Attributes["partial"] != "true" {
		t.Errorf("entities %q %q, ids %q %q", a.Entity, b.Entity, a.ID, b.ID)
	}
	if out := decodeDelivery(t, "typeform", "", webhook.Delivery{Body: []byte(strings.Replace(partial, "a@example.com", "", 1))}); !out.Ping {
		t.Errorf("a partial response without a contact: %+v", out)
	}
	if out := decodeDelivery(t, "typeform", "", webhook.Delivery{Body: []byte(strings.Replace(whole, "a@example.com", "", 1))}); out.Failure == nil {
		t.Errorf("a whole response without a contact: %+v", out)
	}
	// Without an event id the response's token does.
	if out := decodeDelivery(t, "typeform", "", webhook.Delivery{Body: []byte(strings.Replace(whole, `"E2"`, `""`, 1))}); out.DeliveryID != "typeform:F:T:form_response" {
		t.Errorf("delivery id %q", out.DeliveryID)
	}
}
