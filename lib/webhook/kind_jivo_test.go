package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestJivo(t *testing.T) {
	const visitor = `"widget_id":"3948","chat_id":10507,"visitor":{"name":"Анна","phone":"+7 900 000 00 01","email":"a@b.ru","number":"2198"}`
	client := event.Client{Name: "Анна", Phone: "+7 900 000 00 01", Email: "a@b.ru"}
	for _, tt := range []struct {
		name, more, body string
		want             event.Event
	}{
		{
			name: "chat accepted, ids as text, analytics null", body: `{"event_name":"chat_accepted","widget_id":3948,"chat_id":"10507","visitor":{"name":"Анна","phone":"+7 900 000 00 01","email":"a@b.ru"},"agent":{"id":1,"name":"Op"},"analytics":null,"session":{"utm":"source=yandex|medium=cpc"}}`,
			want: event.Event{
				ID: "jivo:3948:chat_accepted:10507", Kind: event.ContactMade, Entity: "jivo:3948:chat:10507", Client: client, Manager: "Op",
				Contact: &event.Contact{Channel: "chat", Direction: "in"}, Attribution: event.Attribution{UTMSource: "yandex", UTMMedium: "cpc"},
			},
		},
		{
			name: "chat finished without plain text, a rating", body: `{"event_name":"chat_finished",` + visitor + `,"chat":{"messages":[{"message":"Hi","timestamp":1777628440,"type":"visitor"},{"message":"Hello","timestamp":1777628445,"type":"agent"}],"rate":5},"user_token":"0","session":{"utm":"source=a","utm_json":{"source":"b","term":"t"}},"page":{"url":"https://s.example/?utm_source=c&yclid=18446744073709551617"}}`,
			want: event.Event{
				ID: "jivo:3948:chat_finished:10507", Kind: event.ContactMade, Entity: "jivo:3948:chat:10507", Client: client, At: time.Unix(1777628445, 0).UTC(),
				Contact:     &event.Contact{Channel: "chat", Direction: "in", Rating: "5", Text: "visitor: Hi\nagent: Hello"},
				Attribution: event.Attribution{UTMSource: "b", UTMTerm: "t", Landing: "https://s.example/?utm_source=c&yclid=18446744073709551617", ClickIDs: map[string]string{"yclid": "18446744073709551617"}},
			},
		},
		{
			name: "callback, both connected", body: `{"event_name":"call_event",` + visitor + `,"call":{"type":"callback","phone":"+79000000002","status":"client_connected"}}`,
			want: event.Event{
				ID: "jivo:3948:call_event:10507:client_connected", Kind: event.ContactMade, Entity: "jivo:3948:chat:10507",
				Client:  event.Client{Name: "Анна", Phone: "+7 900 000 00 01", Phones: []string{"+79000000002"}, Email: "a@b.ru"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Result: "answered"},
			},
		},
		{
			name: "call, end says nothing of the answer", body: `{"event_name":"call_event","widget_id":"3948","chat_id":10507,"call":{"type":"outgoing","phone":"+79000000002","status":"end"}}`,
			want: event.Event{
				ID: "jivo:3948:call_event:10507:end", Kind: event.ContactMade, Entity: "jivo:3948:chat:10507",
				Client: event.Client{Phone: "+79000000002"}, Contact: &event.Contact{Channel: "call", Direction: "out"},
			},
		},
		{
			name: "a message left: its own id", body: `{"event_name":"offline_message","offline_message_id":1665399500726,` + visitor + `,"message":"Call me","tags":[{"title":"vip"}]}`,
			want: event.Event{
				ID: "jivo:3948:offline_message:1665399500726", Kind: event.Lead, Entity: "jivo:3948:offline:1665399500726", Client: client, Tags: []string{"vip"},
				Contact: &event.Contact{Channel: "chat", Direction: "in", Text: "Call me"},
			},
		},
		{
			name: "the owner maps and asks for consent", more: `, map: {city: session.geoip.city, external_id: visitor.number}, consents: [{purpose: ads, always: true}]`,
			body: `{"event_name":"offline_message","offline_message_id":1,"widget_id":"3948","visitor":{"number":"2198"},"session":{"geoip":{"city":"Moscow"}}}`,
			want: event.Event{
				ID: "jivo:3948:offline_message:1", Kind: event.Lead, Entity: "jivo:3948:offline:1", Client: event.Client{ExternalID: "2198", City: "Moscow"},
				Consents: []event.Consent{{Purpose: "ads", Given: true, Evidence: "form of source s"}},
			},
		},
		{
			name: "a call that failed", body: `{"event_name":"call_event","widget_id":"3948","chat_id":10507,"call":{"type":"incoming","phone":"+79000000002","status":"error"}}`,
			want: event.Event{
				ID: "jivo:3948:call_event:10507:error", Kind: event.ContactMade, Entity: "jivo:3948:chat:10507",
				Client: event.Client{Phone: "+79000000002"}, Contact: &event.Contact{Channel: "call", Direction: "in", Result: "failed"},
			},
		},
		{
			name: "a message left, known by its chat", body: `{"event_name":"offline_message",` + visitor + `}`,
			want: event.Event{ID: "jivo:3948:offline_message:10507", Kind: event.Lead, Entity: "jivo:3948:chat:10507", Client: client},
		},
		{name: "a profile of nobody", body: `{"event_name":"client_updated","widget_id":"3948","visitor":{"number":"2198"}}`},
		{name: "a deal of its CRM", body: `{"event_name":"created_deal","widget_id":"3948"}`},
		{name: "a task of its CRM", body: `{"event_name":"updated_task","deal":[]}`},
		{name: "empty", body: `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, decodeAt(t, "jivo", tt.more, "", "", jsonType, tt.body), tt.want) })
	}
	t.Run("updates of one chat are events of their own", func(t *testing.T) {
		for _, name := range []string{"chat_updated", "client_updated"} {
			a := one(t, decodeAt(t, "jivo", "", "", "", jsonType, `{"event_name":"`+name+`",`+visitor+`}`))
			b := one(t, decodeAt(t, "jivo", "", "", "", jsonType, `{"event_name":"`+name+`",`+strings.Replace(visitor, "a@b.ru", "c@d.ru", 1)+`}`))
			if a.ID == b.ID || a.Entity != b.Entity || !strings.HasPrefix(a.ID, "jivo:3948:"+name+":") {
				t.Errorf("%s: ids %q and %q", name, a.ID, b.ID)
			}
		}
	})
	t.Run("an array around one event", func(t *testing.T) {
		if ev := one(t, decodeAt(t, "jivo", "", "", "", jsonType, `[{"event_name":"client_attribute_updated",`+visitor+`}]`)); ev.Kind != event.Profile || ev.Client.Email != "a@b.ru" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("the owner makes leads of deals", func(t *testing.T) {
		if ev := one(t, decodeAt(t, "jivo", `, options: {"event:created_deal": lead}`, "", "", jsonType, `{"event_name":"created_deal",`+visitor+`}`)); ev.Kind != event.Lead || ev.Client.Email != "a@b.ru" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("what is no JSON is kept and answered", func(t *testing.T) {
		in := start(t, "sources: [{name: s, kind: jivo}]")
		for _, body := range []string{`{ {"event_name":"created_deal"} }`, `[ "event_name": "x" ]`, `{"event_name":`} {
			if got := in.send(t, "POST", "/in/s", body, "Content-Type", jsonType); got.status != 200 || got.body != `{"result":"ok"}` || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("answer %d %q", got.status, got.body)
			}
			if out := in.decodeLast(t); out.Failure == nil || out.Failure.Reason != webhook.ReasonMalformedJSON {
				t.Errorf("%s: %+v", body, out)
			}
		}
	})
}
