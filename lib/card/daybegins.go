package card

import "time"

// DayBegins is the first instant of a calendar day of a location; a day of the
// month outside its range counts on as in time.Date. Where the clocks are put
// forward at midnight, as in Chile or on the Azores, there is no 00:00: the day
// begins at 01:00, while time.Date may give the last hour of the day before.
func DayBegins(year int, month time.Month, day int, location *time.Location) time.Time {
	begin := time.Date(year, month, day, 0, 0, 0, 0, location)
	if begin.Format(time.DateOnly) < time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) {
		_, begin = begin.ZoneBounds()
	}
	return begin
}

// daysBefore is the beginning of the day so many days before the one that end is
// the beginning of.
func daysBefore(end time.Time, days int, location *time.Location) time.Time {
	year, month, day := end.In(location).Date()
	return DayBegins(year, month, day-days, location)
}
