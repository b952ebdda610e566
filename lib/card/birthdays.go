package card

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// Birthdays lists the birthdays that a card knows, ordered by (who, month_day): the
// client's own, and those of children and pets by the attributes child_birth_date and
// pet_birth_date. Several of a kind are told apart by a number anywhere in the name,
// as in child_birth_date_2, child2_birth_date or child_2_birth_date; letter case does
// not count, and spaces and dashes are underscores. Of each name the latest value
// counts that can be read as a date of birth on the as-of day.
//
// NextDay is the first birthday after the as-of day. Who was born on 29 February has
// it on 1 March of a year without that day: a greeting before the day is bad luck to
// many, and one after it is none.
func Birthdays(c *Card, asOf time.Time) []schema.BirthdayRow {
	if c.Empty() {
		return nil
	}
	year, month, day := asOf.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	var rows []schema.BirthdayRow
	add := func(who, date string) {
		if row, ok := birthdayAfter(today, BirthMonthDay(date)); ok {
			row.ClientID, row.Who = c.ClientID, who
			rows = append(rows, row)
		}
	}
	add(schema.BirthdayClient, c.Person.BirthDate)
	read := ""
	for _, a := range c.Person.Attributes { // by key, the latest seen first
		who := bornBy(a.Key)
		if who == "" || a.Key == read {
			continue
		}
		if date, err := identity.ParseBirthDate(a.Value, today); err == nil {
			read = a.Key
			add(who, string(date))
		}
	}
	slices.SortFunc(rows, func(x, y schema.BirthdayRow) int {
		return cmp.Or(strings.Compare(x.Who, y.Who), strings.Compare(x.MonthDay, y.MonthDay))
	})
	return slices.Compact(rows)
}

// bornBy is whose date of birth an attribute of this name is; empty for any other.
func bornBy(key string) string {
	words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool {
		return r == '_' || r == '-' || r == ' ' || r >= '0' && r <= '9'
	})
	if len(words) == 3 && words[1] == "birth" && words[2] == "date" {
		switch words[0] {
		case "child":
			return schema.BirthdayChild
		case "pet":
			return schema.BirthdayPet
		}
	}
	return ""
}

// birthdayAfter is the first day after today with this MM-DD.
func birthdayAfter(today time.Time, monthDay string) (schema.BirthdayRow, bool) {
	born, err := time.Parse(time.DateOnly, "2000-"+monthDay) // a leap year
	if err != nil {
		return schema.BirthdayRow{}, false
	}
	// Date makes the 1st of March of a 29 February that is not there.
	next := time.Date(today.Year(), born.Month(), born.Day(), 0, 0, 0, 0, time.UTC)
	if !next.After(today) {
		next = time.Date(today.Year()+1, born.Month(), born.Day(), 0, 0, 0, 0, time.UTC)
	}
	return schema.BirthdayRow{
		MonthDay: monthDay, NextDay: next.Format(time.DateOnly), DaysUntil: int64(next.Sub(today) / (24 * time.Hour)),
	}, true
}
