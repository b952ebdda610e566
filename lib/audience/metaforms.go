package audience

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normal forms of Meta (audiences, 6), after its page on customer information
// parameters and, where that is silent, its own parameter builder. All take the
// ISO code of the default country, empty for none.

// metaName is letters, marks and digits of all scripts in lower case.
func metaName(value, _ string) (string, Reason) {
	text := norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFC.String(strings.ToValidUTF8(value, ""))))
	if text == "" {
		return "", ReasonInvalidValue
	}
	return text, ""
}

// metaPrefix is the first n letters of a name.
func metaPrefix(n int) func(string, string) (string, Reason) {
	return func(value, country string) (string, Reason) {
		text, reason := metaName(value, country)
		if letters := []rune(text); len(letters) > n {
			text = string(letters[:n])
		}
		return text, reason
	}
}

// metaCity is ASCII letters and digits in lower case; a number standing by itself,
// such as a post code behind a dash, goes. A name without a Latin letter is
// refused: the city stands in Latin letters or not at all (audiences, 1.5).
func metaCity(value, _ string) (string, Reason) {
	var words strings.Builder
	letters := false
	for _, word := range strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return r == '-' || unicode.IsSpace(r) }) {
		word = ascii(word, true)
		if onlyDigits(word) == word {
			continue
		}
		letters = letters || latin(word) != ""
		words.WriteString(word)
	}
	if !letters {
		return "", ReasonInvalidValue
	}
	return words.String(), ""
}

// metaState is the code of a state of the USA or province of Canada, known by its
// name at the beginning of the text; else the first two letters, as Meta's builder
// takes them.
func metaState(value, _ string) (string, Reason) {
	text := latin(strings.ToLower(value))
	if text == "" {
		return "", ReasonInvalidValue
	}
	if code, ok := longestPrefix(stateCodes, text); ok {
		return code, ""
	}
	return text[:min(2, len(text))], ""
}

// metaRegion is the state of a person whose country is known: outside of the USA
// and Canada all of its letters (document).
func metaRegion(value, country string) string {
	if country == "" || country == "US" || country == "CA" {
		text, _ := metaState(value, "")
		return text
	}
	return latin(strings.ToLower(value))
}

// metaZip is lower case without blanks, up to the first dash.
func metaZip(value, _ string) (string, Reason) {
	text, _, _ := strings.Cut(noSpace(strings.ToLower(value)), "-")
	if len(text) < 2 || ascii(text, true) != text {
		return "", ReasonInvalidValue
	}
	return text, ""
}

// metaCountry is ISO 3166 alpha-2 in lower case, also for an English name at the
// beginning of the text; else the first two letters, as Meta's builder takes them.
func metaCountry(value, _ string) (string, Reason) {
	text := latin(strings.ToLower(value))
	if len(text) < 2 {
		return "", ReasonInvalidValue
	}
	if code, ok := longestPrefix(countryCodes, text); ok {
		return code, ""
	}
	return text[:2], ""
}

// longestPrefix looks for the longest name of a table "name=code name=code …" that
// the text begins with.
func longestPrefix(table, text string) (code string, ok bool) {
	longest := 0
	for entry := range strings.FieldsSeq(table) {
		name, its, _ := strings.Cut(entry, "=")
		if len(name) > longest && strings.HasPrefix(text, name) {
			longest, code = len(name), its
		}
	}
	return code, longest > 0
}

// metaBirthDate is YYYYMMDD. Points stand between day, month and year in this
// order; with other marks the order must be clear from the numbers, or the date is
// refused. Words and numbers around the date are left out.
func metaBirthDate(value, _ string) (string, Reason) {
	type number struct {
		value, digits int
		before        string
	}
	var found []number
	from := 0
	for i := 0; i < len(value); {
		if value[i] < '0' || value[i] > '9' {
			i++
			continue
		}
		end := i
		for end < len(value) && value[end] >= '0' && value[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(value[i:end])
		if err != nil {
			return "", ReasonInvalidValue
		}
		found = append(found, number{n, end - i, value[from:i]})
		i, from = end, end
	}
	if len(found) > 0 && found[0].digits == 8 {
		n := found[0].value
		return calendarDay(n/10000, n/100%100, n%100)
	}
	if len(found) < 3 {
		return "", ReasonInvalidValue
	}
	a, b, c := found[0], found[1], found[2]
	switch {
	case a.digits == 4:
		return calendarDay(a.value, b.value, c.value)
	case c.digits != 4:
		return "", ReasonInvalidValue
	case a.value > 12, b.before == "." && c.before == ".":
		return calendarDay(c.value, b.value, a.value)
	case b.value > 12, a.value == b.value:
		return calendarDay(c.value, a.value, b.value)
	}
	return "", ReasonInvalidValue // 02/01/1990 is two days
}

func calendarDay(year, month, day int) (string, Reason) {
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1000 || date.Year() != year || date.Month() != time.Month(month) || date.Day() != day {
		return "", ReasonInvalidValue
	}
	return date.Format("20060102"), ""
}

func metaYear(value, _ string) (string, Reason) {
	return within(value, 1000, 9999, 4)
}

func metaMonth(value, _ string) (string, Reason) {
	word := strings.ToLower(strings.TrimSpace(value))
	for month := time.January; month <= time.December; month++ {
		if name := strings.ToLower(month.String()); word == name || word == name[:3] {
			word = strconv.Itoa(int(month))
		}
	}
	return within(word, 1, 12, 2)
}

func metaDay(value, _ string) (string, Reason) {
	return within(value, 1, 31, 2)
}

// within is a whole number in decimal with leading zeros.
func within(value string, least, most, digits int) (string, Reason) {
	value = strings.TrimSpace(value)
	n, err := strconv.Atoi(value)
	if err != nil || len(value) > digits || n < least || n > most {
		return "", ReasonInvalidValue
	}
	value = strconv.Itoa(n)
	return strings.Repeat("0", digits-len(value)) + value, ""
}

func metaGender(value, _ string) (string, Reason) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "f", "female", "woman", "girl", "lady", "she", "her", "mrs", "ms", "ж", "жен", "женский", "женщина":
		return "f", ""
	case "m", "male", "man", "boy", "he", "him", "mr", "м", "муж", "мужской", "мужчина":
		return "m", ""
	}
	return "", ReasonInvalidValue
}

// metaDevice is an advertising id as the device says it, in its own case.
func metaDevice(value, _ string) (string, Reason) {
	value = strings.TrimSpace(value)
	if ascii(strings.ToLower(strings.ReplaceAll(value, "-", "")), true) != strings.ToLower(strings.ReplaceAll(value, "-", "")) || strings.Trim(value, "0-") == "" {
		return "", ReasonInvalidValue
	}
	return value, ""
}

// metaValue is a plain decimal. What is no number is worth nothing, as every row
// of a value-based list must have one; an empty value stays empty.
func metaValue(value, _ string) (string, Reason) {
	value = strings.TrimSpace(value)
	whole, part, point := strings.Cut(value, ".")
	if len(value) > 20 || whole == "" || onlyDigits(whole) != whole || onlyDigits(part) != part || point && part == "" {
		return "0", ""
	}
	return value, ""
}

// ascii keeps lower-case ASCII letters and, where asked for, digits.
func ascii(text string, digits bool) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || digits && r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

func latin(text string) string { return ascii(text, false) }
