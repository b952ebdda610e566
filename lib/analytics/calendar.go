package analytics

// calendar knows the month of every day from the earliest that was asked for up to
// the as-of day, so that a purchase costs one look instead of a division of dates.
type calendar struct {
	last Day // the as-of day
	low  Day // the first day covered; last + 1 at first
	days []calendarDay
}

// calendarDay is a day by its distance from the last one.
type calendarDay struct {
	month Month
	bit   uint32 // in ClientMonth.Days
}

func newCalendar(last Day) calendar { return calendar{last: last, low: last + 1} }

// cover makes a day known, which is not after the last one.
func (c *calendar) cover(day Day) {
	if day >= c.low {
		return
	}
	month := day.Month()
	low := month.First()
	known := c.days
	c.days = make([]calendarDay, c.last-low+1)
	copy(c.days, known)
	for at := low; at < c.low; month++ {
		next := (month + 1).First()
		for bit := uint32(1); at < min(next, c.low); bit <<= 1 {
			c.days[c.last-at] = calendarDay{month, bit}
			at++
		}
	}
	c.low = low
}

// of is a day that is covered.
func (c *calendar) of(day Day) calendarDay { return c.days[c.last-day] }

// begins is the first day of the last n months, by their distance from the month of
// the last day.
type begins []Day

func beginsOf(last Month, n int) begins {
	b := make(begins, n)
	for back := range b {
		b[back] = (last - Month(back)).First()
	}
	return b
}
