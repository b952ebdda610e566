package demoshop

import (
	"math/rand/v2"
	"sort"
	"time"
)

const (
	days    = 730 // 2024-11-01 … 2026-10-31; the last one is AsOf
	lastDay = days - 1
	daySecs = 24 * 60 * 60
)

// calendar knows how busy each day of the shop is. Moscow has had no daylight
// saving since 2014, so a day is always 24 hours there.
type calendar struct {
	zone  *time.Location
	start int64     // Unix time of the first midnight
	busy  [days]int // weekday × season
	risen [days]int // running sum of busy × growth: where first purchases fall
}

func newCalendar() calendar {
	c := calendar{zone: time.FixedZone("MSK", 3*60*60)}
	first := time.Date(2024, time.November, 1, 0, 0, 0, 0, c.zone)
	c.start = first.Unix()
	sum := 0
	for d := range days {
		c.busy[d] = busyness(first.AddDate(0, 0, d))
		sum += c.busy[d] * (100 + d*150/days) // the shop wins more clients every month
		c.risen[d] = sum
	}
	return c
}

// busyness is 100 × 100 on an ordinary day.
func busyness(day time.Time) int {
	week := [...]int{105, 80, 88, 92, 98, 125, 130}[day.Weekday()] // from Sunday
	season := 100
	switch month, dom := day.Month(), day.Day(); {
	case month == time.March && dom <= 8:
		season = 260
	case month == time.February && dom >= 20:
		season = 150
	case month == time.December && dom >= 10:
		season = 230
	case month == time.January && dom <= 8:
		season = 60
	case month == time.July || month == time.August:
		season = 85
	}
	return week * season
}

// at is a moment of a day in seconds since the epoch.
func (c *calendar) at(day, hour, minute, second int) int64 {
	return c.start + int64(day)*daySecs + int64(hour*3600+minute*60+second)
}

// day of a moment, counted from the first; it may lie outside the two years.
func (c *calendar) day(at int64) int { return int((at - c.start) / daySecs) }

// date writes a day as YYYY-MM-DD.
func (c *calendar) date(day int) string {
	return time.Unix(c.at(day, 0, 0, 0), 0).In(c.zone).Format(time.DateOnly)
}

// time is a moment as senders write it, with its zone.
func (c *calendar) time(at int64) time.Time { return time.Unix(at, 0).In(c.zone) }

// firstDay draws the day of somebody's first visit.
func (c *calendar) firstDay(rng *rand.Rand) int {
	x := rng.IntN(c.risen[lastDay])
	return sort.Search(days, func(d int) bool { return c.risen[d] > x })
}

// near draws one of the days around a wished one, busy days more often.
func (c *calendar) near(rng *rand.Rand, wished int) int {
	sum := 0
	for d := wished; d < wished+5 && d < days; d++ {
		sum += c.busy[d]
	}
	if sum == 0 {
		return wished
	}
	x := rng.IntN(sum)
	for d := wished; ; d++ {
		if x -= c.busy[d]; x < 0 {
			return d
		}
	}
}

// opening draws a moment between 8:00 and 22:00, mostly before work and after it.
func (c *calendar) opening(rng *rand.Rand, day int) int64 {
	hours := [...]int{8, 8, 9, 9, 9, 10, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18, 18, 19, 19, 20, 21}
	return c.at(day, hours[rng.IntN(len(hours))], rng.IntN(60), rng.IntN(60))
}

// waiting draws a number with an exponential distribution of the given mean. It
// takes a quantile out of a table because math.Exp and math.Log may differ in
// their last bit between processors, and the demo's bytes must not.
func waiting(rng *rand.Rand, mean int) int {
	quantiles := [...]int{
		13, 38, 65, 92, 119, 148, 177, 208, 239, 271, 304, 339, 375, 412, 450, 490, 532, 575, 621, 668,
		718, 771, 827, 886, 948, 1015, 1086, 1163, 1247, 1338, 1438, 1549, 1674, 1817, 1984, 2185, 2436, 2773, 3283, 4382,
	}
	return mean * quantiles[rng.IntN(len(quantiles))] / 1000
}
