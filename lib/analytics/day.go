package analytics

import (
	"errors"
	"fmt"
	"time"
)

// ErrDay says that a purchase has no day of the form YYYY-MM-DD.
var ErrDay = errors.New("analytics: not a day")

// Day is a calendar day of the business, counted from 1970-01-01. The difference
// of two days is the number of whole days between them.
type Day int32

// Month is a calendar month, counted from January of the year 0.
type Month int32

// ParseDay reads YYYY-MM-DD, the form of every day column. Anything else, the 30th
// of February included, is refused with ErrDay.
func ParseDay(text string) (Day, error) {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%w: want YYYY-MM-DD", ErrDay)
	}
	return DayOf(at), nil
}

// DayOf is the calendar day that t shows in its own location.
func DayOf(t time.Time) Day {
	year, month, day := t.Date()
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay) //nolint:gosec // G115: days of four-digit years
}

// dayOn is the day of a date.
func dayOn(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

const secondsOfDay = 24 * 60 * 60

// date is noon of the day, so that the division of days before 1970 in DayOf does
// not matter here.
func (d Day) date() (int, time.Month, int) {
	return time.Unix(int64(d)*secondsOfDay+secondsOfDay/2, 0).UTC().Date()
}

// String writes YYYY-MM-DD.
func (d Day) String() string {
	return time.Unix(int64(d)*secondsOfDay, 0).UTC().Format(time.DateOnly)
}

// Month is the calendar month of the day.
func (d Day) Month() Month {
	year, month, _ := d.date()
	return Month(year*12 + int(month) - 1) //nolint:gosec // G115: months of four-digit years
}

// String writes YYYY-MM.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m/12, m%12+1) }

// First is the first day of the month.
func (m Month) First() Day {
	return DayOf(time.Date(int(m/12), time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// EndedBy tells whether the month is over at the end of day d.
func (m Month) EndedBy(d Day) bool { return (m + 1).First() <= d+1 }
