package webhook_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestMango(t *testing.T) {
	at := time.Unix(1777628445, 0).UTC()
	form := func(text string) string { return "vpbx_api_key=*&sign=*&json=" + url.QueryEscape(text) }
	for _, tt := range []struct {
		name, suffix, query, body string
		want                      event.Event
	}{
		{
			name: "came in, answered", suffix: "events/summary",
			body: form(`{"entry_id":"E==","call_direction":1,"from":{"number":"79000000001"},"to":{"extension":"101","number":"74950000099"},"line_number":"74950000099","create_time":1777628445,"forward_time":1777628446,"talk_time":1777628450,"end_time":1777628520,"entry_result":1,"disconnect_reason":1110}`),
			want: event.Event{ID: "mango:E==", Kind: event.ContactMade, Entity: "mango:E==", At: at, Client: event.Client{Phone: "+79000000001"}, Contact: &event.Contact{Channel: "call", Direction: "in", Result: "answered", Seconds: "70"}},
		},
		{
			name: "came in, never answered", suffix: "TOKEN/events/summary",
			body: form(`{"entry_id":"E","call_direction":"1","from":{"number":"79000000001"},"to":{"number":"74950000099"},"create_time":"1777628445","talk_time":"0","end_time":"1777628520"}`),
			want: event.Event{ID: "mango:E", Kind: event.ContactMade, Entity: "mango:E", At: at, Client: event.Client{Phone: "+79000000001"}, Contact: &event.Contact{Channel: "call", Direction: "in", Result: "missed"}},
		},
		{
			name: "went out, known by what only a summary has",
			body: form(`{"entry_id":"E","from":{"extension":"101","number":"sip:x"},"to":{"number":"79000000001"},"create_time":1777628445,"talk_time":1777628450,"end_time":1777628449}`),
			want: event.Event{ID: "mango:E", Kind: event.ContactMade, Entity: "mango:E", At: at, Client: event.Client{Phone: "+79000000001"}, Contact: &event.Contact{Channel: "call", Direction: "out", Result: "answered"}},
		},
		{
			name: "went out, by the direction", suffix: "events/summary",
			body: form(`{"entry_id":"E","call_direction":2,"from":{"number":"74950000099"},"to":{"number":"79000000001"},"create_time":1777628445,"talk_time":0}`),
			want: event.Event{ID: "mango:E", Kind: event.ContactMade, Entity: "mango:E", At: at, Client: event.Client{Phone: "+79000000001"}, Contact: &event.Contact{Channel: "call", Direction: "out", Result: "missed"}},
		},
		{name: "two of our own", suffix: "events/summary", body: form(`{"entry_id":"E","from":{"extension":"101"},"to":{"extension":"102"},"talk_time":0}`)},
		{name: "a leg", suffix: "events/call", body: form(`{"entry_id":"E","call_id":"C","seq":2,"call_state":"Disconnected","from":{"number":"79000000001"}}`)},
		{name: "a leg without its path", body: form(`{"entry_id":"E","call_id":"C","seq":2,"call_state":"Connected"}`)},
		{name: "a recording", suffix: "events/record/added", body: form(`{"entry_id":"E","recording_id":"R","talk_time":1}`)},
		{name: "a key pressed, only json", suffix: "events/dtmf", body: "json=" + url.QueryEscape(`{"seq":1,"dtmf":"1","call_id":"C"}`)},
		{
			name: "call tracking by GET", query: "caller=79000000001&call_id=12&phase=end&duration=5",
			want: event.Event{ID: "mango:12:end", Kind: event.ContactMade, Entity: "mango:12", Client: event.Client{Phone: "79000000001"}, Contact: &event.Contact{Channel: "call", Direction: "in", Seconds: "5"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, decodeAt(t, "mango", "", tt.suffix, tt.query, formType, tt.body), tt.want)
		})
	}
	t.Run("json that breaks off", func(t *testing.T) {
		out := decodeAt(t, "mango", "", "events/summary", "", formType, form(`{"entry_id":"E","from":{"num`))
		if out.Failure == nil || out.Failure.Reason != webhook.ReasonMalformedJSON || out.Status != 200 {
			t.Errorf("Decode = %+v", out)
		}
	})
	t.Run("the key is a part of the secret", func(t *testing.T) {
		const leg = `{"entry_id":"E","call_id":"C","seq":1}`
		in := start(t, "sources: [{name: s, kind: mango, secrets: [\"env:K:salt\"]}]")
		for _, c := range []struct {
			body string
			want int
		}{{mangoForm("K", leg, "salt"), 200}, {mangoForm("L", leg, "salt"), 401}, {mangoForm("K", leg, "K:salt"), 200}, {mangoForm("K", leg, ""), 401}} {
			if got := in.send(t, "POST", "/in/s/events/call", c.body); got.status != c.want {
				t.Errorf("status %d, want %d", got.status, c.want)
			}
		}
		holdsNoSecret(t, in.sink.last(t), "K:salt", "vpbx_api_key=K")
	})
}
