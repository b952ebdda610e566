package webhook_test

import (
	"strings"
	"testing"
)

// A browser lets a library send only the headers that the answer names.
func TestPreflightNamesWhatAKindsLibrariesSend(t *testing.T) {
	for kind, want := range map[string]string{
		"json": "content-type", "form": "content-type", "tilda": "content-type", "segment": "content-type, authorization, anonymousid",
	} {
		t.Run(kind, func(t *testing.T) {
			in := start(t, "sources: [{name: s, kind: "+kind+", origins: ['https://shop.example'], secrets: ['env:key']}]")
			ask := []string{"Origin", "https://shop.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "anonymousid,authorization,content-type"}
			got := in.send(t, "OPTIONS", "/in/s/v1/track", "", ask...)
			if got.status != 204 || got.header.Get("Access-Control-Allow-Headers") != want || got.header.Get("Access-Control-Allow-Origin") != "https://shop.example" ||
				got.header.Get("Vary") != "Origin" || in.sink.count() != 0 {
				t.Errorf("status %d, headers %v", got.status, got.header)
			}
			ask[1] = "https://other.example"
			if got := in.send(t, "OPTIONS", "/in/s/v1/track", "", ask...); got.status != 403 || got.header.Get("Access-Control-Allow-Headers") != "" {
				t.Errorf("another origin: status %d, headers %v", got.status, got.header)
			}
		})
	}
}

// A secret does not survive in a body that went through a form's encoder.
func TestSecretsOfEncodedBodiesAreBlanked(t *testing.T) {
	for _, tt := range []struct{ kind, body string }{
		{"google-ads", `{"lead_id":"L1","google_key":"s3cr3t","user_column_data":[{"column_id":"EMAIL","string_value":"a@shop.example"}]}`},
		{"vk", `{"type":"lead_forms_new","secret":"s3cr3t","group_id":1,"object":{"lead_id":1,"answers":[{"key":"email","answer":"a@shop.example"}]}}`},
		{"passquare", `{"crm_key":"s3cr3t","customer":{"email":"a@shop.example"}}`},
		{"segment", `{"writeKey":"s3cr3t","type":"identify","userId":"u","traits":{"email":"a@shop.example"}}`},
	} {
		for name, body := range map[string]string{
			"plain": tt.body, "encoded": escaped(tt.body), "in a field": "payload=" + escaped(tt.body), "in a list": "[" + tt.body + "]",
		} {
			t.Run(tt.kind+" "+name, func(t *testing.T) {
				in := start(t, "sources: [{name: s, kind: "+tt.kind+", secrets: ['env:old', 'env:s3cr3t']}]")
				if got := in.send(t, "POST", "/in/s", body, "Content-Type", "application/x-www-form-urlencoded"); got.status != 200 {
					t.Fatalf("status %d: %s", got.status, got.body)
				}
				d := in.sink.last(t)
				unblanked(t, d, "s3cr3t")
				if len(d.Body) != len(body) {
					t.Errorf("the body has %d bytes, had %d", len(d.Body), len(body))
				}
				if ev := one(t, in.decodeLast(t)); ev.Client.Email != "a@shop.example" {
					t.Errorf("%+v", ev.Client)
				}
				if got := in.send(t, "POST", "/in/s", strings.Replace(body, "s3cr3t", "s3cr3T", 1)); got.status != 401 {
					t.Errorf("status %d for another key", got.status)
				}
			})
		}
	}
}

func escaped(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
