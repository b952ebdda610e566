package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Both sides of midnight, where the clocks skip it too: Chile and the Azores have
// no 00:00 on the day that summer time begins.
func TestBaseTypesOnBothSidesOfMidnight(t *testing.T) {
	for _, tc := range []struct{ zone, asOf, begin, next, begin30, begin29 string }{
		// The first instants of the as-of day, of the next, and of those 30 and 29 days before.
		{"Asia/Vladivostok", "2026-03-31", "2026-03-30T14:00:00Z", "2026-03-31T14:00:00Z", "2026-02-28T14:00:00Z", "2026-03-01T14:00:00Z"},
		{"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "2026-02-06T05:00:00Z", "2026-02-07T05:00:00Z"},
		{"America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "2026-10-02T04:00:00Z", "2026-10-03T04:00:00Z"},
		{"America/Santiago", "2026-09-05", "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z", "2026-08-06T04:00:00Z", "2026-08-07T04:00:00Z"},
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z", "2026-08-07T04:00:00Z", "2026-08-08T04:00:00Z"},
		{"America/Santiago", "2026-10-05", "2026-10-05T03:00:00Z", "2026-10-06T03:00:00Z", "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z"},
		{"Atlantic/Azores", "2026-03-28", "2026-03-28T01:00:00Z", "2026-03-29T01:00:00Z", "2026-02-26T01:00:00Z", "2026-02-27T01:00:00Z"},
		{"Africa/Cairo", "2026-04-23", "2026-04-22T22:00:00Z", "2026-04-23T22:00:00Z", "2026-03-23T22:00:00Z", "2026-03-24T22:00:00Z"},
	} {
		t.Run(tc.zone+" "+tc.asOf, func(t *testing.T) {
			b := newBase(t)
			b.configure(strings.Replace(shopConfig, "Europe/Moscow", tc.zone, 1) + "labels: {vip: {rule: false}}\n")
			before := func(when string) string { return at(when).Add(-time.Second).Format(time.RFC3339) }
			call := `, "contact": {"channel": "call"}`
			b.buy("the first second", tc.begin)
			b.buy("the last second", before(tc.next))
			b.buy("30 days ago", tc.begin30)
			b.buy("31 days ago", before(tc.begin30))
			b.say("called 29 days ago", "contact", tc.begin29, call)
			b.say("called 30 days ago", "contact", before(tc.begin29), call)
			b.say("called in the last second", "contact", before(tc.next), call)
			b.say("called tomorrow", "lead", tc.begin, "")
			b.say("called tomorrow", "contact", tc.next, call)
			b.compact()
			b.now = at(tc.next).Add(10 * time.Minute) // that day is yesterday, whatever the clocks did
			b.night("")
			got := map[string]string{}
			for name, phone := range b.phones {
				c := b.client(phone)
				got[name] = strings.Join(append([]string{c.Lifecycle, c.Activity}, c.Labels...), " ") + " " + strings.Repeat("*", int(c.Contacts30d))
				if name == "the last second" && (*c.LastOrderDay != tc.asOf || *c.RecencyDays != 0) {
					t.Errorf("bought on %s, %d days ago", *c.LastOrderDay, *c.RecencyDays)
				}
			}
			want := map[string]string{
				"the first second": "working active newcomer ", "the last second": "working active newcomer ",
				"30 days ago": "working active newcomer ", "31 days ago": "working active ",
				"called 29 days ago": "potential new *", "called 30 days ago": "potential new ", "called in the last second": "potential new *",
				"called tomorrow": "lead new ",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("base types (-want +got):\n%s", diff)
			}
		})
	}
}
