package spreadsheet

import (
	"strconv"
	"strings"
	"time"
)

// period is a span of whole days, both included, as YYYY-MM-DD.
type period struct{ from, to string }

// oneMonth tells whether all of it lies in one calendar month. Costs are counted by
// the month, so such a span may be booked on its first day; a longer one may not,
// since nobody knows how much of it belongs where.
func (p period) oneMonth() bool { return p.from[:len("2006-01")] == p.to[:len("2006-01")] }

// periodAbove finds the period that cabinets write above the header of a report
// with one row for the whole of it. A date whose day and month could be exchanged
// is not taken.
func (t *Table) periodAbove() (period, bool) {
	for _, cells := range t.above {
		text := oneSpace(strings.Join(cells, " "))
		if len(text) > 400 {
			continue // no title, and the search below takes its length squared
		}
		for _, mark := range []string{" - ", " – ", " — ", " по ", " to ", "-", "–", "—"} {
			for at := 0; ; {
				i := strings.Index(text[at:], mark)
				if i < 0 {
					break
				}
				at += i + len(mark)
				from, ok := t.dayAt(strings.Fields(text[:at-len(mark)]), true)
				if !ok {
					continue
				}
				if to, ok := t.dayAt(strings.Fields(text[at:]), false); ok && from <= to {
					return period{from, to}, true
				}
			}
		}
	}
	return period{}, false
}

// dayAt reads a date at the end, or at the beginning, of some words.
func (t *Table) dayAt(words []string, end bool) (string, bool) {
	const most = 4 // 1 ноября 2026 г.
	for n := min(len(words), most); n > 0; n-- {
		part := words[:n]
		if end {
			part = words[len(words)-n:]
		}
		d, ok := scanDate(strings.Trim(strings.Join(part, " "), `"'()[]«»,;:`), false, false)
		if !ok || d.shape == shapeUnix || d.shape == shapeCompact {
			continue
		}
		order := t.opts.DateOrder
		if order == "" {
			switch dmy, mdy := d.fits(DayFirst), d.fits(MonthFirst); {
			case dmy && (!mdy || d.sep == '.' || d.a == d.b):
				order = DayFirst
			case mdy && !dmy:
				order = MonthFirst
			}
		}
		if at, _, ok := d.in(order, time.UTC); ok {
			return at.Format(time.DateOnly), true
		}
	}
	return "", false
}

// constantDay reads the day that a map gives to all rows of a costs file:
// 2026-11-01, or 2026-11 for a month.
func constantDay(s string) (string, bool) {
	if at, err := time.Parse(time.DateOnly, s); err == nil {
		return at.Format(time.DateOnly), true
	}
	return monthStart(s)
}

// monthStart reads a month, and any day of one, as its first day: 2026-11,
// 11.2026, ноябрь 2026, Nov 2026, 2026-11-01.
func monthStart(s string) (string, bool) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s), "."), "г"))
	first, second := s, ""
	if i := strings.IndexAny(s, " -./"); i > 0 {
		first, second = s[:i], strings.TrimSpace(s[i+1:])
	}
	var year, month int
	switch {
	case len(first) == 4 && digitRun(first) == 4 && digitRun(second) == len(second) && len(second) <= 2:
		year, month = number(first), number(second)
	case len(second) == 4 && digitRun(second) == 4 && digitRun(first) == len(first) && len(first) <= 2:
		year, month = number(second), number(first)
	case len(second) == 4 && digitRun(second) == 4:
		year, month = number(second), monthOf(first)
	default:
		d, ok := scanDate(s, false, false)
		if !ok || d.shape != shapeISO && d.shape != shapeWords {
			return "", false
		}
		year, month = d.year, d.month
	}
	if !validDay(year, month, 1) {
		return "", false
	}
	return time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), true
}

// settlePeriod gives costs without a column for their day the period that stands
// above the header, where it lies in one month.
func (t *Table) settlePeriod(columns []Column) ([]Column, error) {
	for _, c := range columns {
		if c.Field == Date || c.Field == Month {
			return columns, nil
		}
	}
	p, ok := t.periodAbove()
	if !ok {
		return columns, nil // required says what to do
	}
	if !p.oneMonth() {
		return nil, t.fault(ErrMissing, "", "there is no column for the day, and the report's period, "+p.from+" to "+p.to+", lies in several months; export it by day, or month by month")
	}
	return append(columns, Column{Field: Date, Index: -1, Value: p.from}), nil
}

// micros writes millionths of a currency's unit, as the interfaces of Google and
// Yandex give them, as a plain decimal.
func micros(text string) (string, bool) {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return "", false
	}
	const unit = 1_000_000
	fraction := strconv.FormatUint(n%unit+unit, 10)[1:]
	return sign + strconv.FormatUint(n/unit, 10) + "." + fraction, true
}
