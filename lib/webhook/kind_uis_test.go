package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestUIS(t *testing.T) {
	at := time.Date(2026, 5, 1, 9, 31, 58, 123000000, time.UTC)
	call := event.Event{
		ID: "uis:21:lost_call", Kind: event.ContactMade, Entity: "uis:21", At: at, Client: event.Client{Phone: "79000000001", ExternalIDs: []string{"uis_visitor:45"}},
		Contact: &event.Contact{Channel: "call", Direction: "in", Result: "missed"}, Tags: []string{"a", "b"}, Attribution: event.Attribution{ClickIDs: map[string]string{"gclid": "g"}},
	}
	for _, tt := range []struct {
		name, more, query, contentType, body string
		want                                 event.Event
	}{
		{name: "lost", contentType: jsonType, body: `{"notification_mnemonic":"lost_call","notification_time":"2026-05-01 12:31:58.123","contact_phone_number":"79000000001","call_session_id":21,"direction":"in","is_lost":true,"tag_names":["a","b"],"visitor_id":45,"contact_id":0,"gclid":"g"}`, want: call},
		{name: "gaps of empty placeholders", contentType: jsonType, body: `{"notification_mnemonic":"lost_call","notification_time":"2026-05-01 12:31:58.123","contact_phone_number":"79000000001","call_session_id":21, "external_id": , "direction":"in","is_lost":true,"tag_names":["a","b"],"visitor_id":45,"gclid":"g","contact_id":` + "\n}", want: call},
		{name: "by GET", query: "notification_mnemonic=lost_call&notification_time=2026-05-01+12:31:58.123&contact_phone_number=79000000001&call_session_id=21&direction=in&is_lost=true&tag_names[]=a&tag_names[]=b&visitor_id=45&gclid=g&token=x", want: call},
		{
			name: "outgoing, words as numbers", contentType: jsonType, body: `{"notification_mnemonic":"finish_call","contact_phone_number":79000000001,"call_session_id":"21","direction":"out","is_lost":0,"talk_time_duration":"67"}`,
			want: event.Event{
				ID: "uis:21:finish_call", Kind: event.ContactMade, Entity: "uis:21", Client: event.Client{Phone: "79000000001"},
				Contact: &event.Contact{Channel: "call", Direction: "out", Result: "answered", Seconds: "67"},
			},
		},
		{
			name: "no call: a request", contentType: jsonType, body: `{"notification_mnemonic":"offline_message","communication_id":5,"visitor_name":"Анна","visitor_email":"a@b.ru","message":"Hi"}`,
			want: event.Event{
				ID: "uis:5:offline_message", Kind: event.Lead, Entity: "uis:lead:5", Client: event.Client{Email: "a@b.ru", Name: "Анна"},
				Contact: &event.Contact{Channel: "form", Direction: "in", Text: "Hi"},
			},
		},
		{
			name: "the owner's word: a chat", more: `, options: {"event:chat_end": chat}, map: {phone: tel, message: chat_text}`, contentType: jsonType,
			body: `{"notification_mnemonic":"chat_end","chat_id":5,"tel":"89000000001","chat_text":"Hi"}`,
			want: event.Event{
				ID: "uis:5:chat_end", Kind: event.ContactMade, Entity: "uis:chat:5", Client: event.Client{Phone: "89000000001"},
				Contact: &event.Contact{Channel: "chat", Direction: "in", Text: "Hi"},
			},
		},
		{
			name: "a recording of one leg", contentType: jsonType, body: `{"notification_mnemonic":"record_call","call_session_id":5,"leg_id":8}`,
			want: event.Event{ID: "uis:5:record_call:8", Kind: event.ContactMade, Entity: "uis:5", Contact: &event.Contact{Channel: "call", Direction: "in"}},
		},
		{name: "the owner's word: nothing", more: `, options: {"event:record_call": ignore}`, contentType: jsonType, body: `{"notification_mnemonic":"record_call","call_session_id":5}`},
		{name: "empty", contentType: jsonType, body: `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, decodeAt(t, "uis", tt.more, "", tt.query, tt.contentType, tt.body), tt.want)
		})
	}
}

// Only a gap after a colon is filled; what is broken otherwise stays broken, is
// kept and answered.
func TestUISBrokenTemplates(t *testing.T) {
	for _, body := range []string{`{"call_session_id":1,"a":}`, `{"a": ,"call_session_id":1}`, `{"x":":,", "a" : , "call_session_id":1,"y":"\":}"}`} {
		if out := decodeAt(t, "uis", "", "", "", jsonType, body); out.Failure != nil || out.Events[0].Entity != "uis:1" {
			t.Errorf("%s: %+v", body, out)
		}
	}
	for _, body := range []string{`{"a":"b"c","call_session_id":1}`, `{"a":}}`, `{"a":,`, `{"a":b,"call_session_id":1}`, `{"a","call_session_id":1}`, `{"a":"`, `[1]`, `"x"`} {
		if out := decodeAt(t, "uis", "", "", "", jsonType, body); out.Failure == nil || out.Status != 200 {
			t.Errorf("%s: %+v, want a failure", body, out)
		}
	}
	t.Run("the stored bytes stay as they came", func(t *testing.T) {
		const body = `{"call_session_id":1,"a":,"notification_mnemonic":"m"}`
		in := start(t, "sources: [{name: s, kind: uis}]")
		in.send(t, "POST", "/in/s", body, "Content-Type", jsonType)
		if got := string(in.sink.last(t).Body); got != body {
			t.Errorf("stored %q", got)
		}
		out := in.decodeLast(t)
		if out.DeliveryID != "uis:1:m" {
			t.Errorf("delivery id %q", out.DeliveryID)
		}
	})
	t.Run("windows-1251 with a gap", func(t *testing.T) {
		body := "{\"call_session_id\":1,\"a\":,\"contact_full_name\":\"\xc0\xed\xed\xe0\"}"
		out := decodeAt(t, "uis", "", "", "", "text/plain", body)
		if out.Failure != nil || out.Events[0].Client.Name != "Анна" {
			t.Errorf("Decode = %+v", out)
		}
	})
	t.Run("no event of nobody", func(t *testing.T) {
		if out := decodeAt(t, "uis", "", "", "", jsonType, `{"notification_mnemonic":"sip_offline"}`); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
			t.Errorf("Decode = %+v", out)
		}
	})
	t.Run("notifications of one call", func(t *testing.T) {
		entities := map[string]int{}
		for word := range strings.FieldsSeq("in_call start_talk finish_call") {
			ev := one(t, decodeAt(t, "uis", "", "", "", jsonType, `{"call_session_id":9007199254740993,"notification_mnemonic":"`+word+`"}`))
			entities[ev.Entity+" "+ev.ID]++
		}
		want := map[string]int{
			"uis:9007199254740993 uis:9007199254740993:in_call": 1, "uis:9007199254740993 uis:9007199254740993:start_talk": 1,
			"uis:9007199254740993 uis:9007199254740993:finish_call": 1,
		}
		if diff := cmp.Diff(want, entities); diff != "" {
			t.Error(diff)
		}
	})
}
