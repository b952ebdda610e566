package demoshop_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/webhook"
)

// decoded gives what the product's webhook makes of the last day's posts that are
// no repetition, by note where the post is made by hand.
func decoded(t *testing.T) map[string]webhook.Decoded {
	t.Helper()
	cfg := configuration(t)
	received, err := time.Parse(time.RFC3339, demoshop.AsOf+"T15:00:00+03:00")
	if err != nil {
		t.Fatal(err)
	}
	byNote := map[string]webhook.Decoded{}
	for i, p := range posts() {
		if p.Note == "history" || p.Outcome == demoshop.WasDuplicate {
			continue
		}
		source, _ := cfg.SourceNamed(p.Source)
		d := webhook.Decode(cfg, webhook.Delivery{
			Source: source, Method: p.Method, ContentType: p.ContentType, Header: p.Header,
			Suffix: p.Suffix, Query: p.Query, Body: slices.Clone(p.Body), ReceivedAt: received,
		})
		outcome, reason := demoshop.BecameEvents, ""
		switch {
		case d.Ping:
			outcome = demoshop.WasPing
		case d.Failure != nil:
			outcome, reason = demoshop.WasFailed, d.Failure.Reason
		case len(d.Events) == 0:
			t.Errorf("post %d (%s) becomes nothing", i, p.Note)
		}
		if outcome != p.Outcome || reason != p.Reason {
			t.Errorf("post %d (%s) becomes %s %s, want %s %s", i, p.Note, outcome, reason, p.Outcome, p.Reason)
		}
		byNote[p.Note] = d
	}
	return byNote
}

func TestTheWebhookReadsTheLastDayAsItIsMeant(t *testing.T) {
	byNote := decoded(t)
	type read struct {
		Kind                event.Kind
		Events, Items       int
		Name, Phone, Email  bool
		Ads                 bool
		Order, Total, Ships string
		Files               int
	}
	want := map[string]read{
		"Tilda: lead": {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true, Ads: true},
		"Tilda: order with bracketed fields": {
			Kind: event.OrderChange, Events: 1, Items: 2, Name: true, Phone: true, Email: true,
			Order: "1900000001", Total: "2070.00", Ships: "300.00",
		},
		"Tilda: order, the payment as JSON text": {
			Kind: event.OrderChange, Events: 1, Items: 1, Name: true, Phone: true, Email: true,
			Order: "1900000002", Total: "2690.00",
		},
		"form: urlencoded":                             {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true, Ads: true},
		"form: multipart with a file":                  {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true, Files: 1},
		"form: windows-1251":                           {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true},
		"form: beacon, JSON as plain text":             {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true},
		"site's own script: a flat lead":               {Kind: event.Lead, Events: 1, Name: true, Phone: true, Email: true},
		"NDJSON: two events seen before and a new one": {Kind: event.Lead, Events: 3, Name: true, Phone: true, Ads: true},
	}
	got := map[string]read{}
	for note := range want {
		d := byNote[note]
		if len(d.Events) == 0 {
			t.Errorf("%s: no event", note)
			continue
		}
		ev := d.Events[0]
		r := read{Kind: ev.Kind, Events: len(d.Events), Name: ev.Client.Name != "", Phone: len(ev.Client.AllPhones()) == 1, Email: len(ev.Client.AllEmails()) == 1, Files: len(ev.Files)}
		for _, c := range ev.Consents {
			r.Ads = r.Ads || c.Purpose == "ads" && c.Given
		}
		if ev.Order != nil {
			r.Order, r.Total, r.Ships, r.Items = ev.Order.ID, ev.Order.Total, ev.Order.Shipping, len(ev.Order.Items)
		}
		got[note] = r
	}
	// The lead of the NDJSON may or may not have left an address.
	line := got["NDJSON: two events seen before and a new one"]
	line.Email = false
	got["NDJSON: two events seen before and a new one"] = line
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	for _, r := range byNote["form: windows-1251"].Events[0].Client.Name {
		if r != ' ' && (r < 'Ё' || r > 'ё') {
			t.Errorf("the windows-1251 name holds %q", r)
		}
	}
}
