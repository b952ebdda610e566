package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/webhook"
)

const vkConfig = `
sources:
  - {name: vk, kind: vk, secrets: ["env:old-vk-secret", "env:test-vk-secret"], options: {confirmation: abc123, confirmation_7: def456}}
`

func TestVKSample(t *testing.T) {
	row := sampleOf(t, "vk-lead_forms_new.json")
	in := start(t, vkConfig)
	for range 2 { // a duplicate gets the same answer
		if got := in.sendSample(t, row, row.body); got.status != 200 || got.body != *row.Respond.Body {
			t.Fatalf("status %d, body %q", got.status, got.body)
		}
	}
	d := in.sink.last(t)
	if want := strings.Replace(row.body, "test-vk-secret", "**************", 1); string(d.Body) != want || !d.Trusted {
		t.Error("the body is not stored as sent but for the secret")
	}
	unblanked(t, d, "test-vk-secret")
	out := in.decodeLast(t)
	compare(t, row, out)
	ev := one(t, out)
	want := map[string]string{"form_id": "1", "form_name": "Заявка", "Что интересно?": "кофе; чай"}
	if diff := cmp.Diff(want, ev.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestVKAnswersOkToEverything(t *testing.T) {
	in := start(t, vkConfig)
	for _, tt := range []struct {
		name, body, reply string
		status            int
		ping              bool
	}{
		{"confirmation", `{"type":"confirmation","group_id":5}`, "abc123", 200, true},
		{"confirmation of a group with its own string", `{"type":"confirmation","group_id":7}`, "def456", 200, true},
		{"another event", `{"type":"message_new","group_id":5,"event_id":"1","secret":"old-vk-secret","object":{"message":{"text":"89000000001"}}}`, "ok", 200, true},
		{"an event nobody knows", `{"type":"x","secret":"test-vk-secret"}`, "ok", 200, true},
		{"no lead", `{"type":"lead_forms_new","secret":"test-vk-secret"}`, "ok", 200, false},
		{"no type", `{"secret":"test-vk-secret"}`, "ok", 200, false},
		{"wrong secret", `{"type":"lead_forms_new","secret":"test-vk-secre"}`, "", 401, false},
		{"no secret", `{"type":"lead_forms_new"}`, "", 401, false},
		{"number", `{"type":"lead_forms_new","secret":1}`, "", 401, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := in.send(t, "POST", "/in/vk", tt.body, "Content-Type", jsonType)
			if got.status != tt.status || tt.status == 200 && got.body != tt.reply {
				t.Fatalf("status %d, body %q", got.status, got.body)
			}
			if tt.status != 200 {
				if len(in.sink.refused) == 0 || string(in.sink.refused[len(in.sink.refused)-1].Body) != tt.body {
					t.Error("not kept as unauthenticated")
				}
				return
			}
			if out := in.decodeLast(t); out.Ping != tt.ping || (out.Failure == nil) != tt.ping {
				t.Errorf("Decode = %+v", out)
			}
		})
	}
}

func TestVKShapesOfAnswers(t *testing.T) {
	for _, tt := range []struct{ name, answers string }{
		{"array", `[{"key":"first_name","answer":"Анна"},{"key":"phone_number","answer":"89000000001"},{"key":"custom_0","question":"Цвет","answer":["a","b"]}]`},
		{"object", `{"0":{"key":"first_name","answer":"Анна"},"3":{"key":"phone_number","answer":"89000000001"},"7":{"key":"custom_0","question":"Цвет","answer":{"0":"a","1":"b"}}}`},
		{"text", `"[{\"key\":\"first_name\",\"answer\":\"Анна\"},{\"key\":\"phone_number\",\"answer\":\"89000000001\"},{\"key\":\"custom_0\",\"question\":\"Цвет\",\"answer\":[{\"value\":\"a\"},{\"value\":\"b\"}]}]"`},
		{"asked in own words", `[{"key":"custom_1","question":"Имя","answer":"Анна"},{"key":"custom_2","question":"Телефон","answer":"89000000001"},{"key":"custom_0","question":"Цвет","answer":["a","b"]}]`},
	} {
		body := `{"type":"lead_forms_new","group_id":9,"object":{"lead_id":"1","form_id":"2","user_id":0,"ad_id":"5","answers":` + tt.answers + `}}`
		out := decodeDelivery(t, "vk", ", map: {interests: Цвет}", webhook.Delivery{Body: []byte(body)})
		ev := one(t, out)
		if ev.Client.Name != "Анна" || ev.Client.Phone != "89000000001" || !cmp.Equal(ev.Interests, []string{"a", "b"}) || len(ev.Client.ExternalIDs) != 0 {
			t.Errorf("%s: %+v, interests %q", tt.name, ev.Client, ev.Interests)
		}
		if ev.Entity != "vk:9:2:1" || out.DeliveryID != "vk:9:2:1" || ev.Attributes["ad_id"] != "5" {
			t.Errorf("%s: entity %q, delivery %q", tt.name, ev.Entity, out.DeliveryID)
		}
	}
}
