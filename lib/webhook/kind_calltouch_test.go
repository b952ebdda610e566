package webhook_test

import (
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestCalltouch(t *testing.T) {
	const start = "callId=7&siteId=5&callphase=callconnected&callerNumber=79000000001&timestamp=1777628445&successful=false&duration=0"
	at := time.Unix(1777628445, 0).UTC()
	for _, tt := range []struct {
		name, more, suffix, query, body string
		want                            event.Event
	}{
		{
			name: "start: the result is not known yet", body: start,
			want: event.Event{
				ID: "calltouch:5:7:callconnected", Kind: event.ContactMade, Entity: "calltouch:5:7", At: at, Client: event.Client{Phone: "79000000001"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Seconds: "0"},
			},
		},
		{
			name: "by GET, end, missed", query: "callId=7&siteId=5&callphase=calldisconnected&callerNumber=79000000001&timestamp=1777628445&successful=false&duration=9&token=x&utmSource=ya",
			want: event.Event{
				ID: "calltouch:5:7:calldisconnected", Kind: event.ContactMade, Entity: "calltouch:5:7", At: at, Client: event.Client{Phone: "79000000001"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Seconds: "9", Result: "missed"}, Attribution: event.Attribution{UTMSource: "ya"},
			},
		},
		{
			name: "own names", more: ", map: {phone: tel, entity: nomer, phase: moment, seconds: dlina, result: itog, site: sajt}, options: {\"result:был\": answered}",
			body: "tel=89000000001&nomer=7&moment=end&dlina=01:13&itog=был&sajt=5&callId=zzz",
			want: event.Event{
				ID: "calltouch:5:7:end", Kind: event.ContactMade, Entity: "calltouch:5:7", Client: event.Client{Phone: "89000000001"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Seconds: "73", Result: "answered"},
			},
		},
		{
			name: "a request by its address", suffix: "secret/lead", body: "requestId=3&siteId=5&fio=Анна&phone=89000000001&yaClientId=17&clientId=GA1.2.1.2",
			want: event.Event{
				ID: "calltouch:5:lead:3", Kind: event.Lead, Entity: "calltouch:5:lead:3", Client: event.Client{Phone: "89000000001", Name: "Анна"},
				Attribution: event.Attribution{ClientIDs: map[string]string{"ym_uid": "17", "ga": "1.2"}},
			},
		},
		{
			name: "a chat by its address", suffix: "chat", body: "chatId=3&phone=89000000001&message=Hi",
			want: event.Event{
				ID: "calltouch:chat:3", Kind: event.ContactMade, Entity: "calltouch:chat:3", Client: event.Client{Phone: "89000000001"},
				Contact: &event.Contact{Channel: "chat", Direction: "in", Text: "Hi"},
			},
		},
		{
			name: "a call by its address, the phase by the result", suffix: "secret-part-1/call", more: ", map: {result: itog}", body: "callerNumber=79000000001&requestId=3&callId=7&itog=lost",
			want: event.Event{
				ID: "calltouch:7:lost", Kind: event.ContactMade, Entity: "calltouch:7", Client: event.Client{Phone: "79000000001"},
				Contact: &event.Contact{Channel: "call", Direction: "in", Result: "missed"},
			},
		},
		{name: "somebody looks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, decodeAt(t, "calltouch", tt.more, tt.suffix, tt.query, formType, tt.body), tt.want)
		})
	}
	t.Run("a hidden number is a call all the same", func(t *testing.T) {
		if ev := one(t, decodeAt(t, "calltouch", "", "", "", formType, "callId=7&callphase=x&callerNumber=")); ev.Client.Identified() || ev.Entity != "calltouch:7" {
			t.Errorf("event %+v", ev)
		}
	})
	t.Run("nobody and no call", func(t *testing.T) {
		if out := decodeAt(t, "calltouch", "", "", "", formType, "callId=0&x=1"); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
			t.Errorf("Decode = %+v", out)
		}
	})
	t.Run("phases without an id stay apart", func(t *testing.T) {
		a := one(t, decodeAt(t, "calltouch", "", "", "", formType, "callerNumber=79000000001&duration=1"))
		b := one(t, decodeAt(t, "calltouch", "", "", "", formType, "callerNumber=79000000001&duration=2"))
		if a.ID == b.ID || !a.DerivedID {
			t.Errorf("ids %q and %q", a.ID, b.ID)
		}
	})
}
