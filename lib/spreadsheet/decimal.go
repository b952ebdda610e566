package spreadsheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DecimalStyle says which sign begins the fraction of a number.
type DecimalStyle string

// The styles of a column, and of Options.Decimal.
const (
	DecimalComma DecimalStyle = "comma" // 1 234,56 or 1.234,56
	DecimalPoint DecimalStyle = "point" // 1234.56 or 1,234.56
)

// numberText is a number as people write it, cleaned but with its points and
// commas left in place.
type numberText struct {
	negative bool
	digits   string // digits, '.' and ','
	spaced   bool   // thousands stand apart by blanks or apostrophes
	unit     string // letters and currency signs around the number
}

// scanNumber reads "1 234,56 ₽", "1.234,56", "(12.00)", "−5", "USD 1,200". Blanks
// may be no-break and thin ones. It reports false for text that is no number.
func scanNumber(s string) (numberText, bool) {
	if plainNumber(s) {
		return numberText{digits: s}, true
	}
	var n numberText
	var buf strings.Builder
	var unit strings.Builder
	group := -1 // digits since the last blank inside the number; -1 = no blank yet
	var pending, brackets, closed, unitLast, after bool
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if after || closed {
				return n, false // digits again behind a unit: "2 x 500"
			}
			if pending && buf.Len() > 0 {
				if group >= 0 && group != 3 {
					return n, false
				}
				group, n.spaced = 0, true
			}
			if group >= 0 {
				group++
			}
			pending, unitLast = false, false
			buf.WriteRune(r)
		case r == '.' || r == ',':
			if unitLast {
				continue // the point of "руб."
			}
			if group >= 0 {
				if group != 3 {
					return n, false
				}
				group = -1
			}
			if pending && buf.Len() > 0 {
				return n, false
			}
			buf.WriteRune(r)
		case unicode.IsSpace(r) || r == '\u202f' || r == '\'' || r == '\u2019':
			if buf.Len() > 0 && !after {
				pending = true
			}
		case r == '-' || r == '\u2212' || r == '\u2013':
			if n.negative || brackets {
				return n, false
			}
			n.negative = true
			if buf.Len() > 0 {
				closed = true // 5- is -5; 5-6 is no number
			}
		case r == '+':
			if buf.Len() > 0 || n.negative {
				return n, false
			}
		case r == '(':
			if brackets || n.negative || buf.Len() > 0 {
				return n, false
			}
			brackets = true
		case r == ')':
			if !brackets || closed || buf.Len() == 0 {
				return n, false
			}
			closed = true
		case unicode.IsLetter(r) || unicode.Is(unicode.Sc, r):
			if unit.Len() > 0 && buf.Len() > 0 && !after {
				return n, false // a unit on both sides
			}
			unitLast, after = true, buf.Len() > 0
			unit.WriteRune(r)
		default:
			return n, false
		}
	}
	if brackets {
		if !closed {
			return n, false
		}
		n.negative = true
	}
	if group >= 0 && group != 3 {
		return n, false
	}
	n.digits, n.unit = buf.String(), unit.String()
	return n, strings.ContainsAny(n.digits, "0123456789") && utf8.RuneCountInString(n.unit) <= 8
}

// plainNumber is the common case: digits with at most one point or comma between.
func plainNumber(s string) bool {
	marks := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case (c == '.' || c == ',') && marks == 0 && i > 0 && i < len(s)-1:
			marks++
		default:
			return false
		}
	}
	return s != ""
}

// evidence is what one number tells about the style of its column.
type evidence byte

const (
	tellsNothing evidence = iota // 1234, 1 234
	tellsComma                   // 12,5  1.234,56  1.234.567
	tellsPoint                   // 12.5  1,234.56  1,234,567
	tellsEither                  // 1,234 and 1.234: a thousand or a fraction
)

func (n numberText) evidence() evidence {
	commas, points := strings.Count(n.digits, ","), strings.Count(n.digits, ".")
	switch {
	case commas == 0 && points == 0:
		return tellsNothing
	case commas > 0 && points > 0:
		if strings.LastIndexByte(n.digits, ',') > strings.LastIndexByte(n.digits, '.') {
			return tellsComma
		}
		return tellsPoint
	case commas > 1:
		return tellsPoint
	case points > 1:
		return tellsComma
	}
	whole, fraction, _ := strings.Cut(strings.Replace(n.digits, ",", ".", 1), ".")
	if len(fraction) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' && !n.spaced {
		return tellsEither
	}
	if commas == 1 {
		return tellsComma
	}
	return tellsPoint
}

// machine writes the number as a plain decimal. style decides what could be read
// in two ways; the rest is read by its own shape, so that a column may hold both
// 12,5 and 12.5. It reports false where thousands are not groups of three.
func (n numberText) machine(style DecimalStyle) (string, bool) {
	text := n.digits
	own := style
	switch n.evidence() {
	case tellsNothing:
		return n.signed(text), true
	case tellsComma:
		own = DecimalComma
	case tellsPoint:
		own = DecimalPoint
	case tellsEither:
		if style == "" {
			return "", false
		}
	}
	mark, thousand := ".", ","
	if own == DecimalComma {
		mark, thousand = ",", "."
	}
	whole, fraction, _ := strings.Cut(text, mark)
	if strings.ContainsAny(fraction, ".,") {
		return "", false
	}
	if groups := strings.Split(whole, thousand); len(groups) > 1 {
		for i, g := range groups {
			if i == 0 && (len(g) < 1 || len(g) > 3) || i > 0 && len(g) != 3 {
				return "", false
			}
		}
		whole = strings.Join(groups, "")
	}
	if whole == "" {
		whole = "0"
	}
	if fraction == "" {
		return n.signed(whole), true
	}
	return n.signed(whole + "." + fraction), true
}

func (n numberText) signed(text string) string {
	if n.negative {
		return "-" + text
	}
	return text
}

// nothing tells whether a cell means "no value": empty, or the dashes that
// advertising cabinets and CRMs write for it.
func nothing(s string) bool {
	switch s {
	case "", "-", "--", "—", "–", "#Н/Д", "#N/A", "NULL", "null", "\\N":
		return true
	}
	return false
}
