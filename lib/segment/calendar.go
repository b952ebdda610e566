package segment

import "time"

// civil counts days of the business's calendar; only differences mean anything.
type civil int64

// parseDay reads YYYY-MM-DD, false for anything else.
func parseDay(text string) (civil, bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(text[:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return dayOf(year, month, day), true
}

func digits(text string) (int, bool) {
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// dayOf counts from 1970-01-01 in the proleptic Gregorian calendar. The year
// begins in March, so that the leap day is its last (H. Hinnant,
// "chrono-compatible low-level date algorithms", days_from_civil).
func dayOf(year, month, day int) civil {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	of := year - era*400
	return civil(era*146097 + of*365 + of/4 - of/100 + (153*(month-3)+2)/5 + day - 1 - 719468)
}

// until is how many days after a day, 1…366, a day of every year comes next; false
// for what is no MM-DD. Who was born on 29 February has his day on 1 March of the
// other years, as in gold/birthdays.
func until(monthDay string, from civil) (int64, bool) {
	if len(monthDay) != 5 || monthDay[2] != '-' {
		return 0, false
	}
	month, ok1 := digits(monthDay[:2])
	day, ok2 := digits(monthDay[3:])
	if !ok1 || !ok2 || month < 1 || month > 12 || day < 1 || day > daysIn(2000, month) {
		return 0, false
	}
	year := time.Unix(int64(from)*24*3600, 0).UTC().Year()
	for ; ; year++ {
		// A day after the last of a month is the first of the next.
		if next := dayOf(year, month, day); next > from {
			return int64(next - from), true
		}
	}
}

// soonest is the smallest until of a list, false for a list without a day.
func soonest(monthDays []string, from civil) (int64, bool) {
	least, found := int64(0), false
	for _, monthDay := range monthDays {
		if days, ok := until(monthDay, from); ok && (!found || days < least) {
			least, found = days, true
		}
	}
	return least, found
}
