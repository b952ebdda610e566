package spreadsheet

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/money"
)

// currencyWord knows the signs and words that stand beside sums of money.
func currencyWord(s string) (string, bool) {
	s = strings.ToUpper(strings.Trim(s, " .,()[]\u00a0\u202f"))
	switch s {
	case "РУБЛЬ", "РУБЛЯ", "РУБЛЕЙ", "РУБЛИ", "РУБ", "RUB", "RUR", "Р", "₽":
		return "RUB", true
	case "ДОЛЛ", "USD", "$", "US$":
		return "USD", true
	case "ЕВРО", "EUR", "€":
		return "EUR", true
	case "ТГ", "ТЕНГЕ", "KZT", "₸":
		return "KZT", true
	case "ГРН", "UAH", "₴":
		return "UAH", true
	case "BYN", "BYR", "AMD", "GEL", "UZS", "KGS", "AZN", "TRY", "CNY", "GBP", "CHF", "PLN", "CZK", "AED", "INR", "JPY", "CAD", "AUD", "ILS", "THB", "MDL", "TJS":
		return s, true
	case "TON": // of Telegram Ads
		return s, true
	case "₺":
		return "TRY", true
	case "£":
		return "GBP", true
	}
	return "", false
}

// currencyCell reads a currency column's cell.
func currencyCell(s string) (string, bool) {
	if code, ok := currencyWord(s); ok {
		return code, true
	}
	return money.Code(s)
}

// yesNo reads the words of a consent column; known is false for an empty cell or
// one that means "no value", ok is false for a word that is neither yes nor no.
func yesNo(s string) (given, known, ok bool) {
	switch strings.ToLower(s) {
	case "", "—", "–", "null", "n/a", "#н/д", "неизвестно", "unknown", "не указано":
		return false, false, true
	case "да", "д", "1", "+", "истина", "есть", "дано", "согласен", "согласна", "подписан", "подписана", "v", "✓", "✔", "☑",
		"yes", "y", "true", "t", "on", "given", "granted", "agreed", "subscribed", "opt-in", "opted in", "x", "х":
		return true, true, true
	case "нет", "н", "0", "-", "ложь", "отказ", "отозвано", "не согласен", "не согласна", "отписан", "отписана", "☐",
		"no", "n", "false", "f", "off", "withdrawn", "denied", "refused", "unsubscribed", "opt-out", "opted out":
		return false, true, true
	}
	return false, false, false
}

func totalWords() [10]string {
	return [...]string{"итого", "итог", "всего", "общий итог", "общий объем", "total", "totals", "grand total", "subtotal", "sum"}
}

// totalWord tells whether a cell begins a line of sums.
func totalWord(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, word := range totalWords() {
		rest, ok := strings.CutPrefix(s, word)
		if !ok {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(rest); rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return true
		}
	}
	return false
}

// clean gives a cell's value: without blanks around it, without the ="…" that
// keeps programs from turning a phone into a number, and without the apostrophe
// that people's exports put before a formula's first character.
func clean(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 2 && s[0] == '=' && s[1] == '"' && s[len(s)-1] == '"' {
		return strings.TrimSpace(s[2 : len(s)-1])
	}
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte("=+-@'", s[1]) >= 0 {
		return s[1:]
	}
	return s
}

// looksLikeNames tells whether most values are words with a blank between them
// and no digits, as names of people and firms are and ids are not.
func looksLikeNames(values []string) bool {
	names, filled := 0, 0
	for _, v := range values {
		if v == "" {
			continue
		}
		filled++
		letters := strings.IndexFunc(v, unicode.IsLetter) >= 0
		digits := strings.IndexFunc(v, unicode.IsDigit) >= 0
		if letters && !digits {
			names++
		}
	}
	return names*2 > filled
}

// looksLikeData tells whether a first row is a record rather than headers: a cell
// of it is a date, a number, an address or a phone.
func looksLikeData(cells []string) bool {
	for _, c := range cells {
		c = clean(c)
		if _, ok := scanDate(c, false, false); ok {
			return true
		}
		if n, ok := scanNumber(c); ok && len(n.digits) > 1 {
			return true
		}
		if i := strings.IndexByte(c, '@'); i > 0 && strings.IndexByte(c[i:], '.') > 0 {
			return true
		}
		if digits := countDigits(c); digits >= 10 {
			return true
		}
	}
	return false
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}
