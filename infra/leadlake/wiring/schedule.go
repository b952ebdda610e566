package wiring

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a Windows machine or a bare container has no time zones of its own

	"github.com/adhocore/gronx"
)

// ErrSchedule is matched by every expression that EventBridge Scheduler would refuse.
var ErrSchedule = errors.New("wiring: invalid schedule")

// Schedule is one expression of EventBridge Scheduler. The zero value never runs.
type Schedule struct {
	Function string          // the function's folder
	Name     string          // the event's name in the template, unique within the function
	Input    json.RawMessage // what the function is called with
	Text     string          // the expression as written

	every    time.Duration // rate
	at       time.Time     // at
	cron     string        // gronx's seven fields
	location *time.Location
}

// ID names a schedule within a template: "compact/EveryFiveMinutes".
func (s Schedule) ID() string { return s.Function + "/" + s.Name }

// Rate tells whether the schedule is rate(…): it has no clock time, only a distance.
func (s Schedule) Rate() bool { return s.every > 0 }

// ParseSchedule reads rate(n unit), at(yyyy-mm-ddThh:mm:ss) or cron(six fields) with
// the strictness of AWS: the unit's plural follows the number, a cron expression has
// six fields of which exactly one of day-of-month and day-of-week is "?", and weekdays
// count from 1 = Sunday. The time zone is an IANA name; empty is UTC. It applies to
// cron and at. Faults match [ErrSchedule].
//
// Source: Amazon EventBridge Scheduler User Guide, "Schedule types", read November 2026.
func ParseSchedule(expression, timezone string) (Schedule, error) {
	s := Schedule{Text: expression, location: time.UTC}
	fault := func(format string, args ...any) (Schedule, error) {
		return Schedule{}, fmt.Errorf("%w: %q: %s", ErrSchedule, expression, fmt.Sprintf(format, args...))
	}
	if timezone != "" {
		location, err := time.LoadLocation(timezone)
		if err != nil || timezone == "Local" {
			return fault("unknown time zone %q", timezone)
		}
		s.location = location
	}
	kind, rest, ok := strings.Cut(expression, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return fault("want rate(…), cron(…) or at(…)")
	}
	var err error
	switch kind {
	case "rate":
		s.every, err = rate(body)
	case "at":
		s.at, err = time.ParseInLocation("2006-01-02T15:04:05", body, s.location)
	case "cron":
		s.cron, err = cron(body)
	default:
		return fault("want rate(…), cron(…) or at(…)")
	}
	if err != nil {
		return fault("%v", err)
	}
	return s, nil
}

// Next is the first time after the given one at which the schedule is due, in UTC;
// zero if there is none. A rate counts from the given time. A local time that a
// change of the clock skips does not occur, one that occurs twice counts once, as
// in EventBridge Scheduler.
func (s Schedule) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return after.UTC().Add(s.every)
	case s.cron == "":
		if s.at.After(after) {
			return s.at.UTC()
		}
		return time.Time{}
	}
	// gronx steps over a clock that never changes, the wall's; only then comes the zone.
	wall := wallClock(after.In(s.location))
	for range 400 { // a zone skips an hour a year: the second try is the last in practice
		next, err := gronx.NextTickAfter(s.cron, wall, false)
		if err != nil || !next.After(wall) {
			return time.Time{}
		}
		wall = next
		if at, ok := onWall(wall, s.location); ok && at.After(after) {
			return at.UTC()
		}
	}
	return time.Time{}
}

// wallClock is what the clock on the wall shows, written as if it were UTC.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// onWall is the first moment at which the wall's clock shows w; false if it never does.
func onWall(w time.Time, location *time.Location) (time.Time, bool) {
	t := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, location)
	if !wallClock(t).Equal(w) {
		return time.Time{}, false
	}
	for _, earlier := range []time.Duration{time.Hour, 30 * time.Minute} {
		if first := t.Add(-earlier); wallClock(first).Equal(w) {
			return first, true
		}
	}
	return t, true
}

func rate(body string) (time.Duration, error) {
	number, unit, ok := strings.Cut(body, " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > 366*24*60 {
		return 0, errors.New("want rate(number unit)")
	}
	if plural := strings.HasSuffix(unit, "s"); plural != (n != 1) {
		return 0, fmt.Errorf("unit %q does not agree with %d", unit, n)
	}
	switch strings.TrimSuffix(unit, "s") {
	case "minute":
		return time.Duration(n) * time.Minute, nil
	case "hour":
		return time.Duration(n) * time.Hour, nil
	case "day":
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return 0, fmt.Errorf("unknown unit %q", unit)
}

// cron turns AWS's six fields into gronx's seven. gronx reads L, W, #, names and
// years as AWS does; it counts weekdays from 0 and allows two stars, AWS does neither.
func cron(body string) (string, error) {
	fields := strings.Fields(body)
	if len(fields) != 6 || strings.Join(fields, " ") != body {
		return "", fmt.Errorf("want 6 fields with one space between, got %d", len(fields))
	}
	const days, weekdays = 2, 4
	for i, f := range fields {
		if f == "?" && i != days && i != weekdays {
			return "", errors.New("? stands only for a day")
		}
	}
	if (fields[days] == "?") == (fields[weekdays] == "?") {
		return "", errors.New("exactly one of day-of-month and day-of-week is ?")
	}
	shifted, err := weekday(fields[weekdays])
	if err != nil {
		return "", err
	}
	fields[weekdays] = shifted
	expression := "0 " + strings.Join(fields, " ")
	if !gronx.New().IsValid(expression) {
		return "", errors.New("not a cron expression")
	}
	return expression, nil
}

var digits = regexp.MustCompile(`[0-9]+`)

// weekday moves Sunday from 1 to 0 in a list of days, ranges, nth days (6#3) and
// last days (6L); a step (/2) and an ordinal (#3) are no days and stay.
func weekday(text string) (string, error) {
	var fault error
	shift := func(day string) string {
		return digits.ReplaceAllStringFunc(day, func(number string) string {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 7 {
				fault = fmt.Errorf("weekday %s is not within 1 (Sunday) to 7", number)
			}
			return strconv.Itoa(n - 1)
		})
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		cut := strings.IndexAny(item, "/#")
		if cut < 0 {
			cut = len(item)
		}
		items[i] = shift(item[:cut]) + item[cut:]
	}
	if text == "L" {
		items[0] = "6" // the last day of a week is Saturday
	}
	return strings.Join(items, ","), fault
}
