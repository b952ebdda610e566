package audience

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/leadlake/leadlake/lib/identity"
)

// phoneField is a phone in the platform's form of an E.164 number.
func phoneField(hash Hash, text Text, form func(identity.Phone) string) Field {
	return Field{Key: "phone", Form: text, Hash: hash, read: func(value string, from Normaliser) (string, Reason) {
		number, reason := from.phone(value)
		if reason != "" {
			return "", reason
		}
		return form(number), ""
	}}
}

// phone reads a number as people write it. What could be two different numbers is
// refused: a guessed one would hand a stranger's number to a platform.
func (n Normaliser) phone(value string) (identity.Phone, Reason) {
	if n.Phones == nil && validE164(identity.Phone(value)) { // nearly all of what the lake holds
		return identity.Phone(value), ""
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", ReasonEmpty
	}
	if n.Phones == nil {
		if !validE164(identity.Phone(value)) {
			return "", ReasonInvalidPhone
		}
		return identity.Phone(value), ""
	}
	if n.Country != "" || strings.HasPrefix(value, "+") {
		if number, ok := n.Phones.Parse(value, n.Country); ok && validE164(number) && !unassigned(number) {
			return number, ""
		}
		if strings.HasPrefix(value, "+") {
			return "", ReasonInvalidPhone
		}
	}
	// Ten digits and fewer may be a national number of anywhere; eleven that begin
	// with 8 are Russian or Vietnamese.
	digits := onlyDigits(value)
	if len(digits) < 11 || len(digits) == 11 && digits[0] == '8' || strings.Contains(value, "@") {
		return "", ReasonInvalidPhone
	}
	number, ok := n.Phones.Parse("+"+digits, "")
	if !ok || !validE164(number) || unassigned(number) {
		return "", ReasonInvalidPhone
	}
	return number, ""
}

// unassigned knows the numbers of the code 7 that nobody has: what follows it
// begins with 3, 4, 8 or 9 in Russia and with 6 or 7 in Kazakhstan.
func unassigned(p identity.Phone) bool {
	return p[1] == '7' && strings.IndexByte("0125", p[2]) >= 0
}

// validE164 checks the syntax only: a plus sign, no leading zero, 7 to 15 digits.
func validE164(p identity.Phone) bool {
	if len(p) < 8 || len(p) > 16 || p[0] != '+' || p[1] == '0' {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i] < '0' || p[i] > '9' {
			return false
		}
	}
	return true
}

// digitsForm is the number without its plus sign.
func digitsForm(p identity.Phone) string { return string(p[1:]) }

// plusForm is E.164 as it is.
func plusForm(p identity.Phone) string { return string(p) }

// emailField is an e-mail in the platform's form of a normal address.
func emailField(hash Hash, text Text, form func(identity.Email) (string, Reason)) Field {
	return Field{Key: "email", Form: text, Hash: hash, read: func(value string, _ Normaliser) (string, Reason) {
		if strings.TrimSpace(value) == "" {
			return "", ReasonEmpty
		}
		return form(identity.Email(value))
	}}
}

// plainEmail is trim and lower case, no more: Yandex, VK.
func plainEmail(e identity.Email) (string, Reason) {
	if normalASCII(string(e)) { // nearly all of what the lake holds
		return string(e), ""
	}
	normal, ok := identity.ParseEmail(string(e))
	if !ok {
		return "", ReasonInvalidEmail
	}
	return string(normal), ""
}

// normalASCII reports whether an address is its own normal form by the rules of
// identity.ParseEmail; false where that is to be asked. It is several times as
// quick, and TestShortcutOfEmailsEqualsTheRules holds the two together.
func normalASCII(s string) bool {
	if len(s) < 6 || len(s) > 254 {
		return false
	}
	at := 0
	for at < len(s) && s[at] != '@' {
		c := s[at]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '+' && (c != '.' || at == 0 || s[at-1] == '.') {
			return false
		}
		at++
	}
	if at == 0 || at > 64 || at == len(s) || s[at-1] == '.' {
		return false
	}
	label, dots, letters := 0, 0, false
	for i := at + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			letters = true
			label++
		case c >= '0' && c <= '9':
			label++
		case c == '.':
			if label == 0 || label > 63 {
				return false
			}
			if s[i-1] == '-' {
				return false
			}
			label, letters = 0, false
			dots++
		case c == '-' && label > 0 && (label != 2 || s[i-2] != 'x' || s[i-1] != 'n'): // xn-- is punycode
			letters = true // of the last label: not a number then
			label++
		default:
			return false
		}
	}
	return s[len(s)-1] != '-' && dots > 0 && letters && label >= 2 && label <= 63
}

// latinEmail is plainEmail for platforms that take Latin letters only. The
// address is refused rather than rewritten to punycode, which nobody registers
// an account with.
func latinEmail(e identity.Email) (string, Reason) {
	if normalASCII(string(e)) {
		return string(e), ""
	}
	normal, reason := plainEmail(e)
	if reason != "" {
		return "", reason
	}
	for i := range len(normal) {
		if normal[i] >= 0x80 {
			return "", ReasonEmailNotLatin
		}
	}
	return normal, ""
}

// spacelessEmail is plainEmail without any blanks: TikTok.
func spacelessEmail(e identity.Email) (string, Reason) {
	if normalASCII(string(e)) {
		return string(e), ""
	}
	return plainEmail(identity.Email(noSpace(string(e))))
}

// gmailEmail drops all blanks and, for Google's own two domains only, the dots
// and the +suffix of the local part. The domain stays as it was written.
func gmailEmail(e identity.Email) (string, Reason) {
	normal, reason := spacelessEmail(e)
	if reason != "" {
		return "", reason
	}
	local, domain, _ := strings.Cut(normal, "@")
	if domain != "gmail.com" && domain != "googlemail.com" {
		return normal, ""
	}
	short, _, _ := strings.Cut(local, "+")
	short = strings.ReplaceAll(short, ".", "")
	if len(short) == len(local) {
		return normal, ""
	}
	local = short
	if local == "" {
		return "", ReasonInvalidEmail
	}
	return local + "@" + domain, ""
}

// normalName lowers a name, drops all blanks, titles before it and suffixes after
// it, and with noPunctuation everything that is neither letter, mark nor digit.
// Letters of every script stay. Composed and decomposed accents give one form.
func normalName(value string, noPunctuation bool) string {
	words := strings.Fields(strings.ToLower(strings.ToValidUTF8(value, "")))
	for len(words) > 1 && isTitle(words[0]) {
		words = words[1:]
	}
	for len(words) > 1 && isSuffix(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	// Composed last: what is dropped may have stood between a letter and its accent.
	return norm.NFC.String(strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || noPunctuation && !letter {
			return -1
		}
		return r
	}, strings.Join(words, "")))
}

func isTitle(word string) bool {
	switch strings.TrimSuffix(word, ".") {
	case "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam":
		return true
	}
	return false
}

func isSuffix(word string) bool {
	switch strings.TrimSuffix(word, ".") {
	case "jr", "sr", "ii", "iii", "iv", "phd", "md":
		return true
	}
	return false
}

// countryCode is ISO 3166 alpha-2 in upper case. Names of countries are refused.
func countryCode(value string) (string, Reason) {
	value = strings.ToUpper(strings.TrimSpace(value))
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) != 2 || value[0] < 'A' || value[0] > 'Z' || value[1] < 'A' || value[1] > 'Z' {
		return "", ReasonInvalidValue
	}
	return value, ""
}

// postCode is a post code with single blanks; its dash and extension stay.
func postCode(value string) (string, Reason) {
	value = strings.ToUpper(strings.Join(strings.Fields(value), " "))
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) > 12 {
		return "", ReasonInvalidValue
	}
	for _, r := range value {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != ' ' && r != '-' {
			return "", ReasonInvalidValue
		}
	}
	return value, ""
}

// numericID is an id of digits alone, without zeros before it.
func numericID(value string) (string, Reason) {
	value = strings.TrimSpace(value)
	if value == "" {
		return "", ReasonEmpty
	}
	if len(value) > 19 || value[0] == '0' || onlyDigits(value) != value {
		return "", ReasonInvalidValue
	}
	return value, ""
}

// deviceID is a device's advertising id, 8-4-4-4-12 hex digits with dashes, in
// the case given. An id of zeros is what a device says that allows no tracking.
func deviceID(value string, toCase func(string) string) (string, Reason) {
	value = toCase(strings.TrimSpace(value))
	if value == "" {
		return "", ReasonEmpty
	}
	groups := strings.Split(value, "-")
	if len(groups) != 5 || strings.Trim(value, "0-") == "" {
		return "", ReasonInvalidValue
	}
	for i, size := range [...]int{8, 4, 4, 4, 12} {
		if len(groups[i]) != size || !isHex(groups[i]) {
			return "", ReasonInvalidValue
		}
	}
	return value, ""
}

// deviceField is a device's advertising id in upper or lower case.
func deviceField(key string, hash Hash, upper bool) Field {
	if upper {
		return Field{Key: key, Hash: hash, Form: Text{"прописными буквами, с дефисами", "upper case with dashes"}, read: func(value string, _ Normaliser) (string, Reason) {
			return deviceID(value, strings.ToUpper)
		}}
	}
	return Field{Key: key, Hash: hash, Form: Text{"строчными буквами, с дефисами", "lower case with dashes"}, read: func(value string, _ Normaliser) (string, Reason) {
		return deviceID(value, strings.ToLower)
	}}
}

// numberField is an id of digits alone.
func numberField(key string, hash Hash) Field {
	return Field{Key: key, Hash: hash, Form: Text{"число без приставки", "a number without a prefix"}, read: func(value string, _ Normaliser) (string, Reason) {
		return numericID(value)
	}}
}

// looksHashed recognises MD5, SHA-1 and SHA-256 in hex. A value hashed twice
// matches nobody, and a file must not mix hashed and plain rows.
func looksHashed(value string) bool {
	value = strings.TrimSpace(value)
	return (len(value) == 32 || len(value) == 40 || len(value) == 64) && isHex(value)
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func noSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
