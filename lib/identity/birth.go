package identity

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// BirthDate is a date of birth: YYYY-MM-DD, or --MM-DD where no year was told
// (ISO 8601).
type BirthDate string

// LogValue keeps the date out of logs.
func (BirthDate) LogValue() slog.Value { return slog.StringValue("[birth date]") }

// Format keeps the date out of every fmt verb.
func (BirthDate) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[birth date]")) }

// String keeps the date out of texts made without fmt.
func (BirthDate) String() string { return "[birth date]" }

// MarshalText keeps the date out of JSON.
func (BirthDate) MarshalText() ([]byte, error) { return []byte("[birth date]"), nil }

// Reasons why a text is no date of birth.
var (
	ErrBirthForm       = errors.New("identity: birth date in no known form")
	ErrBirthAmbiguous  = errors.New("identity: birth date may be two different days")
	ErrBirthImpossible = errors.New("identity: birth date is no day of the calendar")
	ErrBirthFuture     = errors.New("identity: birth date lies in the future")
	ErrBirthTooOld     = errors.New("identity: birth date lies more than 120 years back")
	ErrBirthFiller     = errors.New("identity: birth date is what systems write for none")
)

// oldest is the age in years above which nobody is believed, the youngest and
// eldest those between which a year of two digits is looked for.
const (
	oldest   = 120
	youngest = 14
	eldest   = 100
)

// ParseBirthDate reads a date of birth as people and systems write it, with or
// without a year: 01.02.1990, 1990-02-01, 19900201, "1 февраля 1990", "Feb 1, 1990",
// 01.02, --02-01. Points stand between day, month and year in this order; around
// slashes and dashes the order differs between countries, so that 02/01/1990 is
// refused, and 13/01/1990 is not. A year of two digits is the one that makes an
// age of 14 to 100 years, which is one at most; without today it is refused. A
// time of day behind the date is left out; after noon it may be midnight of the
// next day in another zone and is refused. The year 0000 is none.
//
// Today is the day by which the future and age are judged; zero judges neither.
// The errors are the reasons above and hold no personal data.
func ParseBirthDate(raw string, today time.Time) (BirthDate, error) {
	text := strings.ToLower(strings.Join(strings.FieldsFunc(raw, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff'
	}), " "))
	if text == "" || len(text) > 64 {
		return "", ErrBirthForm
	}
	for _, ending := range []string{"г.р.", "г.", "г"} {
		text = strings.TrimSpace(strings.TrimSuffix(text, ending))
	}
	text, err := withoutTime(text)
	if err != nil {
		return "", err
	}
	readings, err := birthReadings(text)
	if err != nil {
		return "", err
	}
	var date BirthDate
	err = ErrBirthForm
	for _, r := range readings {
		one, fault := r.date(today)
		switch {
		case fault != nil && date == "":
			err = fault
		case fault == nil && date != "" && one != date:
			return "", ErrBirthAmbiguous
		case fault == nil:
			date, err = one, nil
		}
	}
	return date, err
}

// birthReading is one way to understand three numbers; a year of -1 is not told.
type birthReading struct {
	year, month, day int
	short            bool // the year has two digits
}

func (r birthReading) date(today time.Time) (BirthDate, error) {
	if r.year == 0 && !r.short {
		if r.month == 0 && r.day == 0 {
			return "", ErrBirthFiller
		}
		r.year = -1
	}
	if r.short {
		if today.IsZero() {
			return "", ErrBirthAmbiguous
		}
		found := -1
		for _, year := range []int{1900 + r.year, 2000 + r.year} {
			if age := today.Year() - year; age >= youngest && age <= eldest {
				found = year
			}
		}
		if found < 0 {
			return "", ErrBirthAmbiguous
		}
		r.year = found
	}
	year := r.year
	if year < 0 {
		year = 2000 // a leap year: who was born on the 29th of February is welcome
	}
	at := time.Date(year, time.Month(r.month), r.day, 0, 0, 0, 0, time.UTC)
	if at.Year() != year || int(at.Month()) != r.month || at.Day() != r.day {
		return "", ErrBirthImpossible
	}
	if r.year < 0 {
		return BirthDate(at.Format("--01-02")), nil
	}
	day := at.Format(time.DateOnly)
	switch day {
	case "0001-01-01", "1000-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01":
		return "", ErrBirthFiller
	}
	if !today.IsZero() {
		switch {
		case day > today.Format(time.DateOnly):
			return "", ErrBirthFuture
		case at.AddDate(oldest, 0, 0).Format(time.DateOnly) <= today.Format(time.DateOnly):
			return "", ErrBirthTooOld
		}
	}
	if year < 1000 {
		return "", ErrBirthTooOld
	}
	return BirthDate(day), nil
}

// withoutTime cuts a time of day off: 1990-02-01T00:00:00Z, "01.02.1990 0:00".
func withoutTime(text string) (string, error) {
	before, _, ok := strings.Cut(text, ":")
	if !ok {
		return text, nil
	}
	at := strings.LastIndexAny(before, " t")
	if at < 0 {
		return "", ErrBirthForm
	}
	clock, zone := text[at+1:], ""
	if i := strings.IndexAny(clock, "z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	for _, layout := range []string{"15:04:05", "15:04", "15:04:05.999999999"} {
		t, err := time.Parse(layout, strings.TrimSpace(clock))
		if err != nil {
			continue
		}
		if strings.Trim(zone, "z+-:0123456789") != "" {
			return "", ErrBirthForm
		}
		if t.Hour() > 12 || t.Hour() == 12 && t.Minute()+t.Second() > 0 {
			return "", ErrBirthAmbiguous
		}
		return strings.TrimSpace(text[:at]), nil
	}
	return "", ErrBirthForm
}

// birthReadings are the ways to understand a date.
func birthReadings(text string) ([]birthReading, error) {
	if bare, ok := strings.CutPrefix(text, "--"); ok {
		n := numbersOf(bare, "-")
		if len(n) == 1 && len(bare) == 4 {
			n = []int{n[0] / 100, n[0] % 100}
		}
		if len(n) != 2 {
			return nil, ErrBirthForm
		}
		return []birthReading{{year: -1, month: n[0], day: n[1]}}, nil
	}
	if strings.ContainsFunc(text, unicode.IsLetter) {
		return birthInWords(text)
	}
	if n := numbersOf(text, ""); len(n) == 1 {
		if len(text) != 8 {
			return nil, ErrBirthForm
		}
		// 19900201 or 01021990: a month cannot be 19 or 20, so at most one is a day.
		var readings []birthReading
		if year := n[0] / 10000; year >= 1900 && year < 2100 {
			readings = append(readings, birthReading{year: year, month: n[0] / 100 % 100, day: n[0] % 100})
		}
		if year := n[0] % 10000; year >= 1900 && year < 2100 {
			readings = append(readings, birthReading{year: year, month: n[0] / 10000 % 100, day: n[0] / 1000000})
		}
		return readings, nil
	}
	for _, mark := range []string{".", "/", "-"} {
		n := numbersOf(strings.ReplaceAll(strings.Trim(text, mark), " ", ""), mark)
		fields := strings.Split(strings.ReplaceAll(strings.Trim(text, mark), " ", ""), mark)
		swapped := mark != "."
		switch {
		case len(n) == 2 && len(fields[0]) <= 2 && len(fields[1]) <= 2:
			readings := []birthReading{{year: -1, month: n[1], day: n[0]}}
			if swapped {
				readings = append(readings, birthReading{year: -1, month: n[0], day: n[1]})
			}
			return readings, nil
		case len(n) != 3:
			continue
		case len(fields[0]) == 4 && len(fields[1]) <= 2 && len(fields[2]) <= 2:
			return []birthReading{{year: n[0], month: n[1], day: n[2]}}, nil
		case len(fields[0]) <= 2 && len(fields[1]) <= 2 && (len(fields[2]) == 4 || len(fields[2]) == 2):
			short := len(fields[2]) == 2
			readings := []birthReading{{year: n[2], month: n[1], day: n[0], short: short}}
			if swapped {
				readings = append(readings, birthReading{year: n[2], month: n[0], day: n[1], short: short})
				if short { // 90-02-01
					readings = append(readings, birthReading{year: n[0], month: n[1], day: n[2], short: true})
				}
			}
			return readings, nil
		}
	}
	return nil, ErrBirthForm
}

// numbersOf splits digits at a mark; nil where anything else stands there.
func numbersOf(text, mark string) []int {
	fields := []string{text}
	if mark != "" {
		fields = strings.Split(text, mark)
	}
	numbers := make([]int, len(fields))
	for i, field := range fields {
		n, err := strconv.Atoi(field)
		if err != nil || field[0] == '+' || field[0] == '-' || len(field) > 8 {
			return nil
		}
		numbers[i] = n
	}
	return numbers
}

// birthInWords reads a month by its name: day and year are the numbers beside it.
func birthInWords(text string) ([]birthReading, error) {
	r := birthReading{year: -1}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		switch word {
		case "г", "год", "года", "р", "рождения", "го", "е", "of", "the", "st", "nd", "rd", "th":
			continue
		}
		if month := monthNamed(word); month > 0 {
			if r.month > 0 {
				return nil, ErrBirthForm
			}
			r.month = month
			continue
		}
		for _, ending := range []string{"st", "nd", "rd", "th", "г", "го", "е"} {
			word = strings.TrimSuffix(word, ending)
		}
		n := numbersOf(word, "")
		switch {
		case n == nil:
			return nil, ErrBirthForm
		case len(word) == 4 && r.year < 0:
			r.year = n[0]
		case len(word) <= 2 && r.day == 0:
			r.day = n[0]
		case len(word) == 2 && r.year < 0:
			r.year, r.short = n[0], true
		default:
			return nil, ErrBirthForm
		}
	}
	if r.month == 0 || r.day == 0 {
		return nil, ErrBirthForm
	}
	return []birthReading{r}, nil
}

// monthNamed is the number of a month by its Russian or English name in any case
// or cut short, 0 for any other word.
func monthNamed(word string) int {
	for i, names := range [...]string{
		"январь января янв january jan", "февраль февраля фев февр february feb", "март марта мар march mar", "апрель апреля апр april apr",
		"май мая may", "июнь июня июн june jun", "июль июля июл july jul", "август августа авг august aug",
		"сентябрь сентября сен сент september sep sept", "октябрь октября окт october oct", "ноябрь ноября ноя нояб november nov",
		"декабрь декабря дек december dec",
	} {
		for name := range strings.FieldsSeq(names) {
			if name == word {
				return i + 1
			}
		}
	}
	return 0
}
