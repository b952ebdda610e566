package card_test

import (
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/card"
)

// Clocks that are put forward at midnight skip 00:00; put back at it, they show it
// twice, and the first one counts.
func TestADayBeginsWithItsFirstInstant(t *testing.T) {
	for _, tc := range []struct {
		zone  string
		month time.Month
		day   int
		want  string
	}{
		{"Asia/Vladivostok", time.March, 1, "2026-02-28T14:00:00Z"},
		{"America/New_York", time.March, 8, "2026-03-08T05:00:00Z"},
		{"America/New_York", time.March, 9, "2026-03-09T04:00:00Z"},
		{"America/Santiago", time.September, 6, "2026-09-06T04:00:00Z"}, // 23:59:59 -04, then 01:00:00 -03
		{"America/Santiago", time.August, 37, "2026-09-06T04:00:00Z"},
		{"America/Santiago", time.April, 5, "2026-04-05T04:00:00Z"},
		{"Atlantic/Azores", time.March, 29, "2026-03-29T01:00:00Z"},
		{"Atlantic/Azores", time.October, 25, "2026-10-25T00:00:00Z"}, // and 00:00 again an hour later
		{"Africa/Cairo", time.April, 24, "2026-04-23T22:00:00Z"},
		{"America/Havana", time.November, 1, "2026-11-01T04:00:00Z"},
	} {
		location, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := card.DayBegins(2026, tc.month, tc.day, location).UTC().Format(time.RFC3339); got != tc.want {
			t.Errorf("%s %s %d begins at %s, want %s", tc.zone, tc.month, tc.day, got, tc.want)
		}
	}
}
