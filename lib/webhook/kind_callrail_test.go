package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestCallRail(t *testing.T) {
	at := time.Date(2018, 2, 19, 18, 41, 0, 0, time.UTC)
	client := event.Client{Phone: "+12148654559", Name: "Kay", City: "Rochester", Country: "US"}
	const person = `"id":766,"customer_phone_number":"+12148654559","customer_name":"Kay","customer_city":"Rochester","customer_country":"us","start_time":"2018-02-19T13:41:00-05:00","direction":"inbound"`
	call := func(id, result, seconds string) event.Event {
		return event.Event{
			ID: "callrail:766:" + id, Kind: event.ContactMade, Entity: "callrail:766", At: at, Client: client,
			Contact: &event.Contact{Channel: "call", Direction: "in", Result: result, Seconds: seconds},
		}
	}
	for _, tt := range []struct {
		name, suffix, query, body string
		want                      event.Event
	}{
		{name: "pre: nobody knows the answer", body: `{` + person + `,"answered":false,"duration":0,"voicemail":false}`, want: call("pre", "", "")},
		{name: "routing complete", body: `{` + person + `,"answered":false,"duration":0,"business_phone_number":"+1404"}`, want: call("routing", "", "")},
		{name: "post, answered", body: `{` + person + `,"answered":true,"duration":"13","recording_duration":8}`, want: call("post", "answered", "13")},
		{name: "post, missed, by its address", suffix: "post", body: `{` + person + `,"answered":false,"duration":"0"}`, want: call("post", "missed", "0")},
		{
			name: "outbound, with a transcript", suffix: "post",
			body: `{"id":"CAL1","direction":"outbound","customer_phone_number":"+1214","answered":"true","duration":13.0,"transcription":"Hello","tags":["vip"],"landing_page_url":"https://s.example/?gclid=G&utm_source=x","utm_source":"google","referring_url":"https://g.example/"}`,
			want: event.Event{
				ID: "callrail:CAL1:post", Kind: event.ContactMade, Entity: "callrail:CAL1", Client: event.Client{Phone: "+1214"}, Tags: []string{"vip"},
				Contact:     &event.Contact{Channel: "call", Direction: "out", Result: "answered", Seconds: "13", Text: "Hello"},
				Attribution: event.Attribution{UTMSource: "google", ClickIDs: map[string]string{"gclid": "G"}, Landing: "https://s.example/?gclid=G&utm_source=x", Referrer: "https://g.example/"},
			},
		},
		{
			name: "the old query: a time without a zone is UTC", query: "answered=true&callernum=%2B12148654559&callername=Kay&callercity=Rochester&datetime=2018-02-19+18:41:00&duration=13&id=766",
			want: event.Event{
				ID: "callrail:766:post", Kind: event.ContactMade, Entity: "callrail:766", At: at, Client: event.Client{Phone: "+12148654559", Name: "Kay", City: "Rochester"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Result: "answered", Seconds: "13"},
			},
		},
		{
			name: "a text message came", suffix: "text_received", body: `{"id":5,"source_number":"+1214","destination_number":"+1404","content":"Hi","timestamp":"2018-02-19T13:41:00-05:00"}`,
			want: event.Event{ID: "callrail:5:text_received", Kind: event.ContactMade, Entity: "callrail:5", At: at, Client: event.Client{Phone: "+1214"}, Contact: &event.Contact{Channel: "message", Direction: "in", Text: "Hi"}},
		},
		{
			name: "a text message went", suffix: "text_sent", body: `{"id":5,"source_number":"+1404","destination_number":"+1214","content":"Hi"}`,
			want: event.Event{ID: "callrail:5:text_sent", Kind: event.ContactMade, Entity: "callrail:5", Client: event.Client{Phone: "+1214"}, Contact: &event.Contact{Channel: "message", Direction: "out", Text: "Hi"}},
		},
		{name: "a text message without a direction", body: `{"id":5,"source_number":"+1404","destination_number":"+1214","content":"Hi"}`},
		{
			name: "a form", body: `{"id":9,"form_data":{"Your name":"Ann","email":"a@b.com","how":"web"},"form_url":"https://s.example/f","submitted_at":"2018-02-19T13:41:00-05:00","utm_source":"google"}`,
			want: event.Event{
				ID: "callrail:9:form", Kind: event.Lead, Entity: "callrail:9:form", At: at, Client: event.Client{Email: "a@b.com", Name: "Ann"},
				Attribution: event.Attribution{UTMSource: "google"},
			},
		},
		{name: "empty", body: `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, decodeAt(t, "callrail", "", tt.suffix, tt.query, jsonType, tt.body), tt.want)
		})
	}
	t.Run("every change is an observation of its own", func(t *testing.T) {
		change := func(note string) event.Event {
			return one(t, decodeAt(t, "callrail", "", "", "", jsonType, `{`+person+`,"answered":true,"duration":"13","changes":["note"],"note":"`+note+`"}`))
		}
		a, b := change("one"), change("two")
		if a.ID == b.ID || a.ID != change("one").ID || a.Entity != b.Entity || !strings.HasPrefix(a.ID, "callrail:766:modified:") || a.Contact.Result != "answered" {
			t.Errorf("ids %q and %q of %q", a.ID, b.ID, a.Entity)
		}
	})
	t.Run("neither call nor number", func(t *testing.T) {
		for body, want := range map[string]string{`{"id":0,"x":1}`: webhook.ReasonNoContact, `[]`: webhook.ReasonInvalidEvent, `{"form_data":{"x":"y"}}`: webhook.ReasonNoContact} {
			if out := decodeAt(t, "callrail", "", "", "", jsonType, body); out.Failure == nil || out.Failure.Reason != want {
				t.Errorf("%s: %+v", body, out)
			}
		}
	})
	t.Run("map and stages", func(t *testing.T) {
		ev := one(t, decodeAt(t, "callrail", ", map: {stage: lead_status, city: company_name}, stages: {good_lead: won}", "", "", jsonType,
			`{`+person+`,"lead_status":"good_lead","company_name":"Paris"}`))
		if ev.Stage != "won" || ev.Client.City != "Paris" {
			t.Errorf("event %+v", ev)
		}
	})
}
