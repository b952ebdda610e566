package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/webhook"
)

func TestGoogleAdsSample(t *testing.T) {
	row := sampleOf(t, "googleads-lead.json")
	in := start(t, "sources:\n  - {name: google-ads, kind: google-ads, secrets: [\"env:old-google-key\", \"env:test-google-key\"]}\n")
	for range 2 {
		if got := in.sendSample(t, row, row.body); got.status != 200 || got.body != *row.Respond.Body {
			t.Fatalf("status %d, body %q", got.status, got.body)
		}
	}
	d := in.sink.last(t)
	if want := strings.Replace(row.body, "test-google-key", "***************", 1); string(d.Body) != want || !d.Trusted {
		t.Error("the body is not stored as sent but for the key")
	}
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	want := map[string]string{"form_id": "9007199254740993", "campaign_id": "12345678901", "adgroup_id": "20000000000", "creative_id": "30000000000", "What do you want?": "кофе"}
	if diff := cmp.Diff(want, ev.Attributes); diff != "" {
		t.Error(diff)
	}
	if ev.At.Unix() != 1777627845 {
		t.Errorf("at %v", ev.At)
	}
	old := strings.Replace(row.body, "test-google-key", "old-google-key", 1)
	for _, tt := range []struct {
		name, path, body string
		want             int
	}{
		{"old key", "", old, 200},
		{"wrong key", "", strings.Replace(row.body, "test-google-key", "test-google-kez", 1), 401},
		{"wrong key, right token", "?token=test-google-key", strings.Replace(row.body, "test-google-key", "x", 1), 401},
		{"no key", "", strings.Replace(row.body, `"google_key": "test-google-key",`, "", 1), 401},
		{"no key, right token", "?token=test-google-key", strings.Replace(row.body, `"google_key": "test-google-key",`, "", 1), 200},
		{"null key", "", strings.Replace(row.body, `"test-google-key"`, "null", 1), 401},
	} {
		if got := in.send(t, "POST", "/in/google-ads"+tt.path, tt.body, "Content-Type", jsonType); got.status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got.status, tt.want)
		}
	}
}

func TestGoogleAdsTestDataIsNoLead(t *testing.T) {
	row := sampleOf(t, "googleads-lead.json")
	for _, mark := range []string{"true", `"true"`} {
		out := decodeDelivery(t, "google-ads", "", webhook.Delivery{Body: []byte(strings.Replace(row.body, `"is_test": false`, `"is_test": `+mark, 1))})
		if !out.Ping || string(out.Reply.Body) != "{}" {
			t.Errorf("is_test %s: %+v", mark, out)
		}
	}
}

func TestGoogleAdsColumns(t *testing.T) {
	body := `{"lead_id":"L1","lead_source":"LEAD_FORM","user_column_data":[{"column_id":"FIRST_NAME","string_value":"Анна"},{"column_id":"LAST_NAME","string_value":"Тестова"},
		{"column_id":"WORK_EMAIL","string_value":"a@example.com"},{"column_id":"WORK_PHONE","string_value":"89000000001"},{"column_name":"Размер","string_value":"XL"},
		{"column_id":"POSTAL_CODE","string_value":"101000"},{"string_value":"nameless"}],"unknown":{"a":1}}`
	ev := one(t, decodeDelivery(t, "google-ads", ", map: {tags: Размер}", webhook.Delivery{Body: []byte(body)}))
	if ev.Client.Name != "Анна Тестова" || ev.Client.Phone != "89000000001" || ev.Client.Email != "a@example.com" || !cmp.Equal(ev.Tags, []string{"XL"}) {
		t.Errorf("%+v, tags %q", ev.Client, ev.Tags)
	}
	if ev.Attributes["POSTAL_CODE"] != "101000" || ev.Attributes["lead_source"] != "LEAD_FORM" {
		t.Errorf("attributes %v", ev.Attributes)
	}
	out := decodeDelivery(t, "google-ads", "", webhook.Delivery{Body: []byte(`{"lead_id":"L1","user_column_data":[]}`)})
	if out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact || out.Status != 200 {
		t.Errorf("a lead without a contact: %+v", out)
	}
}
