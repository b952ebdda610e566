package webhook_test

import (
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

func TestCallTrackingBy(t *testing.T) {
	const names = ", map: {phone: abonent, entity: nomer, result: itog, seconds: sek, phase: faza, at: kogda, direction: kuda}, options: {\"result:взяли\": answered}"
	at := time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC)
	call := event.Event{
		ID: "call-tracking.by:12:end", Kind: event.ContactMade, Entity: "call-tracking.by:12", At: at, Client: event.Client{Phone: "+375290000001"},
		Contact: &event.Contact{Channel: "call", Direction: "out", Result: "answered", Seconds: "65"},
	}
	const fields = "abonent=%2B375290000001&nomer=12&itog=взяли&sek=65&faza=end&kogda=2026-11-20T10:00:00%2B03:00&kuda=outgoing"
	t.Run("by POST", func(t *testing.T) { expect(t, decodeAt(t, "call-tracking.by", names, "", "", formType, fields), call) })
	t.Run("by GET", func(t *testing.T) {
		expect(t, decodeAt(t, "call-tracking.by", names, "", "key=s&"+fields, "", ""), call)
	})
	t.Run("by JSON", func(t *testing.T) {
		expect(t, decodeAt(t, "call-tracking.by", names, "", "", jsonType,
			`{"abonent":"+375290000001","nomer":12,"itog":"взяли","sek":65.0,"faza":"end","kogda":"2026-11-20T10:00:00+03:00","kuda":"outgoing"}`), call)
	})
	t.Run("usual names, the phase in the address", func(t *testing.T) {
		expect(t, decodeAt(t, "call-tracking.by", "", "answer", "caller=%2B375290000001&call_id=18446744073709551616&duration=x&status=ANSWERED", "", ""), event.Event{
			ID: "call-tracking.by:18446744073709551616:answer", Kind: event.ContactMade, Entity: "call-tracking.by:18446744073709551616",
			Client: event.Client{Phone: "+375290000001"}, Contact: &event.Contact{Channel: "call", Direction: "in", Result: "answered"},
		})
	})
	t.Run("a name of the map that is absent is not guessed", func(t *testing.T) {
		if out := decodeAt(t, "call-tracking.by", ", map: {phone: abonent}", "", "caller=%2B375290000001", "", ""); out.Failure == nil || out.Failure.Reason != webhook.ReasonNoContact {
			t.Errorf("Decode = %+v", out)
		}
	})
	t.Run("seconds that are none are kept", func(t *testing.T) {
		for _, text := range []string{"x", "1:99", "-5", "1:2:3:4"} {
			ev := one(t, decodeAt(t, "call-tracking.by", "", "", "caller=1&call_id=1&duration="+text, "", ""))
			if ev.Contact.Seconds != "" || ev.Attributes["seconds_unread"] != text {
				t.Errorf("%q: seconds %q, attributes %v", text, ev.Contact.Seconds, ev.Attributes)
			}
		}
	})
	t.Run("three moments of one call", func(t *testing.T) {
		ids := map[string]bool{}
		for _, phase := range []string{"start", "answer", "end"} {
			ev := one(t, decodeAt(t, "call-tracking.by", "", phase, "caller=1&call_id=12", "", ""))
			ids[ev.ID] = true
			if ev.Entity != "call-tracking.by:12" {
				t.Errorf("entity %q", ev.Entity)
			}
		}
		if len(ids) != 3 {
			t.Errorf("ids %v, want three", ids)
		}
	})
}
