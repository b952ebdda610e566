package portal

import (
	"embed"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	textmessage "golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/leadlake/leadlake/lib/money"
)

//go:embed catalogue/*.json
var catalogues embed.FS

// locale is one language of the pages: its sentences, numbers, money and dates.
// It is read-only and safe for concurrent use.
type locale struct {
	code      string // ru or en
	catalogue *catalogue
	printer   *textmessage.Printer
	decimal   string
}

// languages in the order of the switch.
func languages() []string { return []string{"ru", "en"} }

func newLocale(code string) (*locale, error) {
	tag := language.English
	if code == "ru" {
		tag = language.Russian
	}
	b, err := catalogues.ReadFile("catalogue/" + code + ".json")
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	c, err := parseCatalogue(tag, b)
	if err != nil {
		return nil, err
	}
	l := &locale{code: code, catalogue: c, printer: textmessage.NewPrinter(tag)}
	// The separator is the library's: it is what stands between 0 and 5.
	l.decimal = strings.Trim(l.printer.Sprint(number.Decimal(0.5)), "05")
	return l, nil
}

const (
	narrowSpace = "\u202f" // between groups of digits, and before a sign
	hardSpace   = "\u00a0"
)

// number groups a whole number: 1 204 with narrow spaces, or 1,204.
func (l *locale) number(n int64) string {
	return narrow(l.printer.Sprint(number.Decimal(n)))
}

// share writes a rate as per cent: 12,5 %. What is above zero never reads as 0 %.
func (l *locale) share(rate float64) string {
	if math.IsNaN(rate) || math.IsInf(rate, 0) {
		return "—"
	}
	if rate > 0 && rate < 0.0005 {
		return "<" + hardSpace + l.share(0.001)
	}
	return narrow(l.printer.Sprint(number.Percent(rate, number.MaxFractionDigits(1))))
}

// narrow makes the library's no-break spaces narrow ones.
func narrow(s string) string { return strings.ReplaceAll(s, hardSpace, narrowSpace) }

// money writes whole major units with the currency's sign.
func (l *locale) money(currency string, minor int64) string {
	return l.signed(currency, l.units(currency, minor))
}

// units writes whole major units, rounded half away from zero, without a sign.
func (l *locale) units(currency string, minor int64) string {
	scale := int64(1)
	for range money.Exponent(currency) {
		scale *= 10
	}
	whole, rest := minor/scale, minor%scale
	switch {
	case rest*2 >= scale && rest > 0:
		whole++
	case -rest*2 >= scale && rest < 0:
		whole--
	}
	return l.number(whole)
}

// exact writes every minor unit: 1 234 567,89 ₽.
func (l *locale) exact(currency string, minor int64) string {
	text := money.Decimal(minor, currency)
	whole, fraction, has := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return l.signed(currency, text) // cannot happen: Decimal writes digits
	}
	text = l.number(n)
	if n == 0 && minor < 0 {
		text = "-" + text
	}
	if has {
		text += l.decimal + fraction
	}
	return l.signed(currency, text)
}

// short writes money for a sentence: 4,1 млн ₽. Below a million it is money.
func (l *locale) short(currency string, minor int64) (string, error) {
	value := float64(minor) / math.Pow10(money.Exponent(currency))
	var key string
	var divisor float64
	switch size := math.Abs(value); {
	case size >= 999_500_000:
		key, divisor = "money.billion", 1e9
	case size >= 999_500:
		key, divisor = "money.million", 1e6
	default:
		return l.money(currency, minor), nil
	}
	text, err := l.say(key, "n", narrow(l.printer.Sprint(number.Decimal(value/divisor, number.MaxFractionDigits(1)))))
	return l.signed(currency, text), err
}

// signed sets the currency's sign where the language has it.
func (l *locale) signed(currency, text string) string {
	sign := sign(currency)
	if l.code == "en" && (currency == "USD" || currency == "EUR" || currency == "GBP") {
		if rest, negative := strings.CutPrefix(text, "-"); negative {
			return "-" + sign + rest
		}
		return sign + text
	}
	return text + hardSpace + sign
}

func sign(currency string) string {
	switch currency {
	case "RUB":
		return "₽"
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "KZT":
		return "₸"
	}
	return currency
}

// decimalText writes a measured number with at most one digit after the point.
func (l *locale) decimalText(v float64) string {
	return narrow(l.printer.Sprint(number.Decimal(v, number.MaxFractionDigits(1))))
}

// day writes YYYY-MM-DD as 21 ноября 2026; anything else stays as it is.
func (l *locale) day(day string) (string, error) {
	if len(day) != len("2026-11-21") || day[4] != '-' || day[7] != '-' {
		return day, nil
	}
	n, err := strconv.Atoi(day[8:])
	if err != nil {
		return day, nil //nolint:nilerr // not a day: shown as it came
	}
	month, err := l.say("month." + day[5:7] + ".of")
	return strconv.Itoa(n) + hardSpace + month + hardSpace + day[:4], err
}

// month writes YYYY-MM as ноя 2026 or Nov 2026.
func (l *locale) month(month string) (string, error) {
	if len(month) != len("2026-11") || month[4] != '-' {
		return month, nil
	}
	name, err := l.say("month." + month[5:7])
	return name + hardSpace + month[:4], err
}

// size writes bytes for people.
func (l *locale) size(bytes int64) (string, error) {
	switch {
	case bytes >= 1<<20:
		return l.say("size.megabytes", "n", l.decimalText(float64(bytes)/(1<<20)))
	case bytes >= 1<<10:
		return l.say("size.kilobytes", "n", l.decimalText(float64(bytes)/(1<<10)))
	}
	return l.say("size.bytes", "n", bytes)
}

const languageCookie = "lang"

// chooseLanguage is what the reader asked for: the switch, what the switch said
// before, the browser, or else the business's own.
func chooseLanguage(r *http.Request, fallback string) string {
	if asked := r.URL.Query().Get("lang"); asked == "ru" || asked == "en" {
		return asked
	}
	if cookie, err := r.Cookie(languageCookie); err == nil && (cookie.Value == "ru" || cookie.Value == "en") {
		return cookie.Value
	}
	if wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language")); err == nil && len(wanted) > 0 {
		// The fallback stands first: the matcher answers with it when nothing fits.
		order := []language.Tag{language.Russian, language.English}
		codes := languages()
		if fallback == "en" {
			order[0], order[1] = order[1], order[0]
			codes[0], codes[1] = codes[1], codes[0]
		}
		if _, index, confidence := language.NewMatcher(order).Match(wanted...); confidence > language.No {
			return codes[index]
		}
	}
	if fallback == "en" {
		return "en"
	}
	return "ru"
}
