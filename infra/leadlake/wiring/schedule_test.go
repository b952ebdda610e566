package wiring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
)

func day(year int, month time.Month, d, hour, minute int) time.Time {
	return time.Date(year, month, d, hour, minute, 0, 0, time.UTC)
}

func TestNextRun(t *testing.T) {
	sunday := day(2026, 11, 22, 12, 0) // a Sunday
	for _, c := range []struct {
		name, expression, zone string
		after                  time.Time
		want                   []string // the next runs, UTC; "" = never
	}{
		{"rate counts from the last run", "rate(5 minutes)", "", sunday, []string{"2026-11-22 12:05", "2026-11-22 12:10"}},
		{"rate of one is singular", "rate(1 day)", "", sunday, []string{"2026-11-23 12:00"}},
		{"a night in the business's zone", "cron(30 3 * * ? *)", "Europe/Moscow", sunday, []string{"2026-11-23 00:30", "2026-11-24 00:30"}},
		{"weekdays count from 1 = Sunday", "cron(0 9 ? * 1 *)", "", sunday, []string{"2026-11-29 09:00"}},
		{"weekday 2 is Monday", "cron(0 9 ? * 2 *)", "", sunday, []string{"2026-11-23 09:00"}},
		{"a range of weekdays", "cron(0 9 ? * 2-6 *)", "", day(2026, 11, 27, 10, 0), []string{"2026-11-30 09:00"}},
		{"a list of weekdays", "cron(0 9 ? * 3,7 *)", "", sunday, []string{"2026-11-24 09:00", "2026-11-28 09:00"}},
		{"names of weekdays", "cron(0 9 ? * MON-FRI *)", "", sunday, []string{"2026-11-23 09:00"}},
		{"the first Friday", "cron(0 9 ? * FRI#1 *)", "", sunday, []string{"2026-12-04 09:00"}},
		{"the first Friday by number", "cron(0 9 ? * 6#1 *)", "", sunday, []string{"2026-12-04 09:00", "2027-01-01 09:00"}},
		{"the last Friday", "cron(0 9 ? * 6L *)", "", sunday, []string{"2026-11-27 09:00", "2026-12-25 09:00"}},
		{"the last day of the week is Saturday", "cron(0 9 ? * L *)", "", sunday, []string{"2026-11-28 09:00"}},
		{"the last day of the month", "cron(0 9 L * ? *)", "", day(2028, 2, 1, 0, 0), []string{"2028-02-29 09:00"}},
		{"the working day nearest to the first", "cron(0 9 1W * ? *)", "", day(2026, 10, 31, 0, 0), []string{"2026-11-02 09:00"}},
		{"a year that is over", "cron(0 9 1 1 ? 2025)", "", sunday, []string{""}},
		{"a year to come", "cron(0 9 1 1 ? 2028)", "", sunday, []string{"2028-01-01 09:00"}},
		{"every ten minutes", "cron(0/10 * * * ? *)", "", sunday, []string{"2026-11-22 12:10", "2026-11-22 12:20"}},
		{"once", "at(2026-12-01T09:00:00)", "Europe/Moscow", sunday, []string{"2026-12-01 06:00", ""}},
		// Berlin: 2027-03-28 02:00–03:00 does not exist, 2026-10-25 02:00–03:00 occurs twice.
		{"an hour that spring skips", "cron(30 2 * * ? *)", "Europe/Berlin", day(2027, 3, 27, 12, 0), []string{"2027-03-29 00:30"}},
		{"an hour that autumn repeats", "cron(30 2 * * ? *)", "Europe/Berlin", day(2026, 10, 24, 12, 0), []string{"2026-10-25 00:30", "2026-10-26 01:30"}},
	} {
		schedule, err := wiring.ParseSchedule(c.expression, c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		after := c.after
		for _, want := range c.want {
			got := ""
			if next := schedule.Next(after); !next.IsZero() {
				after, got = next, next.Format("2006-01-02 15:04")
			}
			if got != want {
				t.Errorf("%s: %s after %s = %q, want %q", c.name, c.expression, after, got, want)
				break
			}
		}
	}
	if next := (wiring.Schedule{}).Next(sunday); !next.IsZero() {
		t.Errorf("the zero schedule runs at %s", next)
	}
}

func TestExpressionsThatAWSRefuses(t *testing.T) {
	for _, expression := range []string{
		"", "5 minutes", "rate(5 minutes", "every(5 minutes)",
		"rate(15 minute)", "rate(1 minutes)", "rate(0 minutes)", "rate(-1 minutes)", "rate(5 seconds)", "rate(5)", "rate(1.5 hours)",
		"cron(0 2 * * * *)", "cron(0 2 ? * ? *)", "cron(0 2 * * ?)", "cron(0 0 2 * * ? *)", "cron(0 2  * * ? *)",
		"cron(0 2 ? * 0 *)", "cron(0 2 ? * 8 *)", "cron(0 2 ? * 2-9 *)", "cron(? 2 * * ? *)", "cron(61 2 * * ? *)", "cron(x 2 * * ? *)",
		"at(2026-12-01)", "at(2026-13-01T00:00:00)",
	} {
		if _, err := wiring.ParseSchedule(expression, ""); !errors.Is(err, wiring.ErrSchedule) {
			t.Errorf("ParseSchedule(%q) error %v, want ErrSchedule", expression, err)
		}
	}
	for _, zone := range []string{"Mars/Base", "Local", "../etc/passwd"} {
		if _, err := wiring.ParseSchedule("rate(5 minutes)", zone); !errors.Is(err, wiring.ErrSchedule) {
			t.Errorf("zone %q: error %v, want ErrSchedule", zone, err)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, expression := range []string{"rate(5 minutes)", "cron(30 3 * * ? *)", "cron(0 9 ? * 6#1 *)", "cron(0 9 1W * ? *)", "at(2026-12-01T09:00:00)"} {
		f.Add(expression)
	}
	after := day(2026, 11, 22, 12, 0)
	f.Fuzz(func(t *testing.T, expression string) {
		schedule, err := wiring.ParseSchedule(expression, "Europe/Berlin")
		if err != nil {
			if !errors.Is(err, wiring.ErrSchedule) {
				t.Errorf("ParseSchedule(%q): %v does not match ErrSchedule", expression, err)
			}
			return
		}
		if next := schedule.Next(after); !next.IsZero() && !next.After(after) {
			t.Errorf("%q: next run %s is not after %s", expression, next, after)
		}
	})
}
