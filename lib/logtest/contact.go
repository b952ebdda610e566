package logtest

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	address = regexp.MustCompile(`[\p{L}\p{N}._%+'&=~-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.[\p{L}]{2,}`)
	// Forms that have many digits and are no telephone number.
	moment  = regexp.MustCompile(`\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?\b`)
	elapsed = regexp.MustCompile(`\bm=[+-]\d+\.\d+`)
	machine = regexp.MustCompile(`\b(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}\b`)
	uuid    = regexp.MustCompile(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`)
	word    = regexp.MustCompile(`[0-9A-Za-z]{12,}`)
	pointer = regexp.MustCompile(`\b0x[0-9a-fA-F]+`)
)

// emails finds addresses. A module's version (aws-lambda-go@v1.55.1) is none, as
// no domain ends in a number.
func emails(s string) []string {
	if !strings.Contains(s, "@") {
		return nil
	}
	return address.FindAllString(s, -1)
}

// phones finds telephone numbers. Other things with many digits are blanked
// first; what is left is read as groups of digits with the punctuation of a
// number between them, and every neighbouring groups that make up a number count:
// "rows 2 8 916 222-00-01" holds one.
func phones(s string) []string {
	s = digitsOfTheWorld(s)
	digits := 0
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			digits++
		}
	}
	if digits < fewest {
		return nil
	}
	for _, form := range []*regexp.Regexp{moment, elapsed, uuid, pointer, machine} {
		s = form.ReplaceAllString(s, "|")
	}
	s = word.ReplaceAllStringFunc(s, func(w string) string {
		if mixed(w) {
			return "|"
		}
		return w
	})
	var found []string
	for _, run := range runs(s) {
		for from := range run {
			if from > 0 && run[from].before == "." && (from == 1 || run[from-1].before != ".") {
				continue // the digits of a fraction
			}
			for to := len(run); to > from; to-- {
				if text, ok := number(run[from:to]); ok {
					found = append(found, text)
					break
				}
			}
		}
	}
	return slices.Compact(found)
}

// fewest and most digits of a telephone number with its code.
const (
	fewest = 10
	most   = 15
)

// mixed tells a hash or an id from a word with a number in it: letters and digits
// change places often, or it is long and in hex.
func mixed(w string) bool {
	changes, letters, digit := 0, 0, false
	for i := range len(w) {
		d := w[i] <= '9'
		if i > 0 && d != digit {
			changes++
		}
		if !d {
			letters++
		}
		digit = d
	}
	return changes >= 4 || letters > 0 && len(w) > most && strings.Trim(w, "0123456789abcdefABCDEF") == ""
}

// group is neighbouring digits, with what stood before them since the group before.
type group struct {
	before string
	digits string
}

// runs are the groups that only the punctuation of a telephone number parts.
func runs(s string) [][]group {
	var all [][]group
	var run []group
	gap := 0 // where what follows the last digit begins
	end := func() {
		if len(run) > 0 {
			all = append(all, run)
		}
		run = nil
	}
	for i := 0; i < len(s); {
		if s[i] < '0' || s[i] > '9' {
			i++
			continue
		}
		start := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		before := s[gap:start]
		if !punctuation(before) {
			end()
			if cut := strings.LastIndexFunc(before, func(r rune) bool { return r != '+' && r != '(' && r != ' ' }); cut >= 0 {
				before = strings.TrimLeftFunc(before[cut:], func(r rune) bool { return r != '+' && r != '(' && r != ' ' })
			}
		}
		run = append(run, group{before: before, digits: s[start:i]})
		gap = i
	}
	end()
	return all
}

// punctuation tells whether a text is what people write between the digits of one
// number.
func punctuation(s string) bool {
	if s == "" || len([]rune(s)) > 3 {
		return false
	}
	for _, r := range s {
		if !strings.ContainsRune(" \t\u00a0\u202f()-.+", r) && !unicode.Is(unicode.Pd, r) && r != '\u2212' {
			return false
		}
	}
	return true
}

// number reads groups as one telephone number.
func number(groups []group) (string, bool) {
	var digits, text strings.Builder
	dots, separators, short := 0, 0, 0
	plus := strings.Contains(groups[0].before, "+")
	for i, g := range groups {
		if i > 0 {
			if strings.Contains(g.before, "+") {
				return "", false // another number begins
			}
			text.WriteString(g.before)
			dots += strings.Count(g.before, ".")
			separators += len([]rune(g.before))
			if len(g.digits) == 1 {
				short++
			}
		}
		text.WriteString(g.digits)
		digits.WriteString(g.digits)
	}
	d := digits.String()
	if len(d) < fewest || len(d) > most || short > 1 || dots == 1 && separators == 1 { // 8.9162220001 is a fraction
		return "", false
	}
	for _, exit := range []string{"00", "810"} {
		if rest, ok := strings.CutPrefix(d, exit); ok && !plus && len(rest) >= fewest+1 && rest[0] != '0' && (exit == "00" || dialable(rest, separators)) {
			d, plus = rest, true
		}
	}
	if plus && d[0] != '0' {
		return "+" + text.String(), true
	}
	return text.String(), dialable(d, separators) && !list(groups) || spelled(groups, d)
}

// list tells numbers that only happen to stand beside each other, [30 40 50 60 70]:
// nobody parts a code of the country or the area so.
func list(groups []group) bool {
	if len(groups) == 1 {
		return false
	}
	code := groups[0].digits
	if len(code) == 1 {
		code = groups[1].digits
	}
	return len(code) < 3
}

// dialable tells whether digits without a plus are how people of the countries
// around write a number.
func dialable(d string, separators int) bool {
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(d, p) })
	}
	switch len(d) {
	case 10: // national; an area code only where somebody has parted it from the rest
		return starts("9") || separators > 0 && starts("3", "4", "8")
	case 11:
		return starts("73", "74", "77", "78", "79", "83", "84", "87", "88", "89") || starts("1") && d[1] >= '2' && d[4] >= '2'
	case 12:
		return starts("375", "380", "992", "993", "994", "995", "996", "998", "441", "442", "447", "491", "905")
	}
	return false
}

// spelled tells a national number of another country by its spelling: (212)
// 555-0123, 212-555-0123, 020 7946 0958.
func spelled(groups []group, d string) bool {
	if len(groups) < 2 || len(groups) > 5 || len(d) > 11 {
		return false
	}
	first := groups[0]
	if strings.HasSuffix(first.before, "(") && strings.HasPrefix(groups[1].before, ")") {
		return true
	}
	if first.digits[0] == '0' { // a list of numbers has none that begins so
		return len(first.digits) >= 2 && len(groups) >= 3 && first.digits[1] != '0'
	}
	return len(groups) == 3 && len(first.digits) == 3 && len(groups[1].digits) == 3 && len(groups[2].digits) == 4 && first.digits[0] >= '2' &&
		groups[1].before == groups[2].before && groups[1].before != " "
}

// digitsOfTheWorld writes the digits of other scripts as ours: full-width, Arabic.
func digitsOfTheWorld(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case r == '\u200b' || r == '\u200e' || r == '\u200f' || r == '\u202a' || r == '\u202c' || r == '\ufeff':
			return -1
		case r == '＋':
			return '+'
		}
		for _, zero := range []rune{'０', '٠', '۰'} {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, s)
}

// foreignWord is the first word with at least so many letters outside ASCII; empty for
// none.
func foreignWord(s string, least int) string {
	if ascii(s) {
		return ""
	}
	for _, field := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		foreign := 0
		for _, r := range field {
			if r > unicode.MaxASCII {
				foreign++
			}
		}
		if foreign >= least {
			return field
		}
	}
	return ""
}
