package spreadsheet

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DateOrder says which of two numbers is the day where a date is written with
// two numbers and a year.
type DateOrder string

// The orders of a column, and of Options.DateOrder.
const (
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

// dateShape is how a date is written; one column may hold several.
type dateShape byte

const (
	shapeNone    dateShape = iota
	shapeISO               // 2026-11-20, with - . or /
	shapeCompact           // 20261120
	shapeNumbers           // 20.11.2026, 11/20/26: needs a DateOrder
	shapeWords             // 20 ноября 2026, Nov 20, 2026
	shapeSerial            // days of a spreadsheet program
	shapeUnix              // seconds or milliseconds since 1970
)

// dateText is a date as written; for shapeNumbers a and b stand in the text's order.
type dateText struct {
	shape            dateShape
	sep              byte
	year, month, day int
	a, b             int
	clock            time.Duration // since midnight
	hasClock         bool
	zone             int // seconds east of UTC
	hasZone          bool
	unix             time.Time
}

// scanDate reads a date without deciding which number is the day. sheet allows
// the serial numbers of spreadsheet programs, date1904 says from when they count.
func scanDate(s string, sheet, date1904 bool) (dateText, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200e' })
	var d dateText
	switch n := digitRun(s); {
	case n == 0:
		return scanWords(s)
	case n == len(s) && n == 8:
		d = dateText{shape: shapeCompact, year: number(s[:4]), month: number(s[4:6]), day: number(s[6:])}
		return d, d.valid()
	case n == len(s) && (n == 10 || n == 13):
		return scanUnix(s)
	case sheet && n <= 7 && (n == len(s) || s[n] == '.' && digitRun(s[n+1:]) == len(s)-n-1):
		if at, ok := fromSerial(s, date1904); ok {
			y, m, day := at.Date()
			d = dateText{shape: shapeSerial, year: y, month: int(m), day: day}
			d.clock = at.Sub(time.Date(y, m, day, 0, 0, 0, 0, time.UTC))
			d.hasClock = d.clock != 0
			return d, true
		}
		return d, false
	case n <= 4 && n < len(s) && (s[n] == '-' || s[n] == '.' || s[n] == '/'):
		if out, ok := scanNumbers(s, n); ok {
			return out, true
		}
	}
	return scanWords(s)
}

// scanNumbers reads three numbers with one separator between them; first is the
// length of the first.
func scanNumbers(s string, first int) (dateText, bool) {
	sep := s[first]
	rest := s[first+1:]
	second := digitRun(rest)
	if second == 0 || second > 2 || second >= len(rest) || rest[second] != sep {
		return dateText{}, false
	}
	third := digitRun(rest[second+1:])
	last := rest[second+1 : second+1+third]
	after := rest[second+1+third:]
	d := dateText{sep: sep}
	switch {
	case first == 4 && third >= 1 && third <= 2:
		d.shape, d.year, d.month, d.day = shapeISO, number(s[:4]), number(rest[:second]), number(last)
		if !d.valid() {
			return d, false
		}
	case first <= 2 && (third == 4 || third == 2):
		d.shape, d.a, d.b, d.year = shapeNumbers, number(s[:first]), number(rest[:second]), fullYear(last)
		if !d.fits(DayFirst) && !d.fits(MonthFirst) {
			return d, false
		}
	default:
		return dateText{}, false
	}
	return d, d.time(after)
}

func scanUnix(s string) (dateText, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return dateText{}, false
	}
	d := dateText{shape: shapeUnix, unix: time.Unix(n, 0).UTC()}
	if len(s) == 13 {
		d.unix = time.UnixMilli(n).UTC()
	}
	return d, true
}

// fromSerial turns a spreadsheet program's day number into a date and a time of
// day, rounded to the second: the fraction is a binary float. Numbers before 1910
// are refused, they are years or counts rather than days.
func fromSerial(s string, date1904 bool) (time.Time, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 3654 || f > 2958465.99999 {
		return time.Time{}, false
	}
	day, fraction := math.Modf(f)
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date1904 {
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return base.AddDate(0, 0, int(day)).Add(time.Duration(math.Round(fraction*86400)) * time.Second), true
}

// scanWords reads dates whose month is a word.
func scanWords(s string) (dateText, bool) {
	d := dateText{shape: shapeWords}
	var parts [3]string
	n, pos := 0, 0
	for n < 3 {
		for pos < len(s) && strings.IndexByte(" .,-/", s[pos]) >= 0 {
			pos++
		}
		from := pos
		for pos < len(s) {
			r, size := utf8.DecodeRuneInString(s[pos:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				break
			}
			pos += size
		}
		if pos == from {
			return d, false
		}
		parts[n] = s[from:pos]
		n++
	}
	day, word := parts[0], parts[1]
	if digitRun(day) == 0 {
		day, word = word, day
	}
	if digitRun(day) != len(day) || len(day) > 2 || digitRun(parts[2]) != len(parts[2]) || len(parts[2]) != 4 && len(parts[2]) != 2 {
		return d, false
	}
	d.day, d.month, d.year = number(day), monthOf(word), fullYear(parts[2])
	after := strings.TrimLeft(s[pos:], " ")
	for _, year := range []string{"года", "год", "г.", "г"} {
		if rest, ok := strings.CutPrefix(after, year); ok {
			after = rest
			break
		}
	}
	return d, d.valid() && d.time(after)
}

// monthOf knows months by their first three letters in Russian and English.
func monthOf(word string) int {
	r := []rune(strings.ToLower(word))
	if len(r) < 3 {
		return 0
	}
	switch string(r[:3]) {
	case "янв", "jan":
		return 1
	case "фев", "feb":
		return 2
	case "мар", "mar":
		return 3
	case "апр", "apr":
		return 4
	case "май", "мая", "may":
		return 5
	case "июн", "jun":
		return 6
	case "июл", "jul":
		return 7
	case "авг", "aug":
		return 8
	case "сен", "sep":
		return 9
	case "окт", "oct":
		return 10
	case "ноя", "nov":
		return 11
	case "дек", "dec":
		return 12
	}
	return 0
}

// time reads the time of day behind a date; an empty text is none.
func (d *dateText) time(s string) bool {
	s = strings.TrimLeft(s, " ,T\u00a0")
	s = strings.TrimPrefix(s, "в ")
	s = strings.TrimRight(s, " .")
	if s == "" {
		return true
	}
	var part [3]int
	count := 0
	for count < 3 {
		n := digitRun(s)
		if n == 0 || n > 2 {
			return false
		}
		part[count] = number(s[:n])
		count++
		s = s[n:]
		if s == "" || s[0] != ':' {
			break
		}
		s = s[1:]
	}
	if count < 2 || part[0] > 23 || part[1] > 59 || part[2] > 59 {
		return false
	}
	d.hasClock = true
	d.clock = time.Duration(part[0])*time.Hour + time.Duration(part[1])*time.Minute + time.Duration(part[2])*time.Second
	if count == 3 && s != "" && (s[0] == '.' || s[0] == ',') {
		n := digitRun(s[1:])
		if n == 0 || n > 9 {
			return false
		}
		d.clock += time.Duration(number((s[1:1+n] + "00000000")[:9]))
		s = s[1+n:]
	}
	s = strings.TrimSpace(s)
	switch strings.ToUpper(strings.ReplaceAll(s, ".", "")) {
	case "":
		return true
	case "Z", "UTC", "GMT":
		d.hasZone = true
		return true
	case "AM", "PM":
		if part[0] == 0 || part[0] > 12 {
			return false
		}
		if part[0] == 12 {
			d.clock -= 12 * time.Hour
		}
		if s[0]|0x20 == 'p' {
			d.clock += 12 * time.Hour
		}
		return true
	}
	return d.offset(s)
}

// offset reads +03:00, +0300 or +03.
func (d *dateText) offset(s string) bool {
	if s[0] != '+' && s[0] != '-' {
		return false
	}
	digits := strings.Replace(s[1:], ":", "", 1)
	if digitRun(digits) != len(digits) || len(digits) != 2 && len(digits) != 4 {
		return false
	}
	digits = (digits + "00")[:4]
	hours, minutes := number(digits[:2]), number(digits[2:])
	if hours > 14 || minutes > 59 {
		return false
	}
	d.zone, d.hasZone = hours*3600+minutes*60, true
	if s[0] == '-' {
		d.zone = -d.zone
	}
	return true
}

func (d *dateText) valid() bool { return validDay(d.year, d.month, d.day) }

// fits tells whether a date of numbers is a real day in the given order.
func (d *dateText) fits(order DateOrder) bool {
	if order == MonthFirst {
		return validDay(d.year, d.a, d.b)
	}
	return validDay(d.year, d.b, d.a)
}

// in gives the moment in the time zone, and whether the text names only a day.
func (d *dateText) in(order DateOrder, loc *time.Location) (at time.Time, dayOnly, ok bool) {
	if d.shape == shapeUnix {
		return d.unix, false, true
	}
	year, month, day := d.year, d.month, d.day
	if d.shape == shapeNumbers {
		if order == "" || !d.fits(order) {
			return time.Time{}, false, false
		}
		month, day = d.b, d.a
		if order == MonthFirst {
			month, day = d.a, d.b
		}
	}
	if d.hasZone {
		return time.Date(year, time.Month(month), day, 0, 0, -d.zone, 0, time.UTC).Add(d.clock), false, true
	}
	// Hours and minutes go through time.Date: adding a duration to midnight is an
	// hour off on the days clocks are changed.
	c := d.clock
	at = time.Date(year, time.Month(month), day, int(c/time.Hour), int(c/time.Minute)%60, int(c/time.Second)%60, int(c%time.Second), loc)
	return at.UTC(), !d.hasClock, true
}

func validDay(year, month, day int) bool {
	if year < 1900 || year > 2100 || month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	return day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// fullYear reads two digits as 1970–2069.
func fullYear(s string) int {
	year := number(s)
	if len(s) == 2 {
		year += 1900
		if year < 1970 {
			year += 100
		}
	}
	return year
}

func digitRun(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// number reads a short run of digits that digitRun measured.
func number(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
