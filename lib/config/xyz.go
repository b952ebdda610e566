package config

import "time"

// First is the day that FirstPeriod names, at midnight UTC: of a month its first.
// False where it is empty or no such day exists, which Parse refuses.
func (x XYZ) First() (time.Time, bool) {
	for _, form := range []string{time.DateOnly, "2006-01"} {
		if day, err := time.Parse(form, x.FirstPeriod); err == nil {
			return day, true
		}
	}
	return time.Time{}, false
}

// check applies what a schema cannot say.
func (x XYZ) check(fault func(path, format string, args ...any)) {
	if x.X >= x.Y {
		fault("metrics.xyz", "x (%v) must be below y (%v)", x.X, x.Y)
	}
	if _, ok := x.First(); !ok && x.FirstPeriod != "" {
		fault("metrics.xyz.first_period", "want a month or a day that exists, such as 2026-01 or 2026-01-01")
	}
}
