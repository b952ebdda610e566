package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ParseEmail normalises a mail address: blanks around it and a mailto: prefix
// go, letters become lower case, a punycode domain becomes Unicode. Nothing is
// corrected: an address that is no address is refused. Stricter than RFC 5321
// where real addresses allow it: one @, no blanks, quotes, controls or invisible
// characters, a dot in the domain and no number as its last part, no dot at
// either end of the local part and no two in a row. A normal form read again is
// itself.
func ParseEmail(raw string) (Email, bool) {
	s := strings.TrimFunc(raw, func(r rune) bool {
		return unicode.IsSpace(r) || r == '<' || r == '>' || r == ';' || r == ',' || r == '\u200b' || r == '\ufeff'
	})
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if len(s) < 6 || len(s) > 254 || !utf8.ValidString(s) {
		return "", false
	}
	local, domain, ok := strings.Cut(strings.ToLower(s), "@")
	if !ok || local == "" || len(local) > 64 || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", false
	}
	for _, r := range local {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`"(),:;<>[\]@`, r) {
			return "", false
		}
	}
	for _, r := range domain { // plain ASCII domains, nearly all of them, need no IDNA tables
		if r >= utf8.RuneSelf || strings.HasPrefix(domain, "xn--") || strings.Contains(domain, ".xn--") {
			unicodeDomain, err := idna.Lookup.ToUnicode(domain)
			if err != nil {
				return "", false
			}
			// What is mapped must stand by itself: some letters become ones that
			// the rules for right-to-left labels refuse.
			if again, err := idna.Lookup.ToUnicode(unicodeDomain); err != nil || again != unicodeDomain {
				return "", false
			}
			if _, err := idna.Lookup.ToASCII(unicodeDomain); err != nil {
				return "", false
			}
			return Email(local + "@" + unicodeDomain), validLabels(unicodeDomain)
		}
	}
	return Email(local + "@" + domain), validLabels(domain)
}

func validLabels(domain string) bool {
	labels := strings.Split(domain, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || len(last) < 2 || strings.Trim(last, "0123456789") == "" {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
				return false
			}
		}
	}
	return true
}

// ParseEmails reads all addresses of a field, in its order: parted by a comma,
// semicolon, slash, bar, line end or "or", by blanks where nothing but addresses
// and digits stands between them, in angle brackets behind a name, with a remark
// in round brackets. The rest is what was typed beside them. Where a blank may
// stand inside of an address ("an na@mail.ru") nothing is read: the field is the
// rest as a whole.
func ParseEmails(raw string) (emails []Email, rest []string) {
	whole := strings.TrimSpace(raw)
	if email, ok := ParseEmail(raw); ok {
		return []Email{email}, nil
	}
	if whole == "" {
		return nil, nil
	}
	if len(raw) <= 2048 {
		for part := range strings.FieldsFuncSeq(raw, func(r rune) bool { return strings.ContainsRune(",;|\n\r", r) }) {
			found, left := emailsOf(part)
			emails, rest = append(emails, found...), append(rest, left...)
		}
	}
	if len(emails) == 0 {
		return nil, []string{whole}
	}
	return emails, rest
}

// emailsOf reads a part of a field that holds no comma and the like.
func emailsOf(part string) (emails []Email, rest []string) {
	part = strings.TrimSpace(part)
	if part == "" {
		return nil, nil
	}
	if name, address, ok := strings.Cut(part, "<"); ok {
		address, behind, _ := strings.Cut(address, ">")
		if email, ok := ParseEmail(address); ok && !strings.Contains(name+behind, "@") {
			for _, text := range []string{name, behind} {
				if text = strings.Trim(strings.TrimSpace(text), `"`); text != "" {
					rest = append(rest, text)
				}
			}
			return []Email{email}, rest
		}
	}
	if at := strings.IndexByte(part, '('); at > 0 && strings.HasSuffix(part, ")") && !strings.Contains(part[at:], "@") {
		if emails, rest = emailsOf(part[:at]); len(emails) > 0 {
			return emails, append(rest, part[at:])
		}
	}
	var other []string // words that are no address
	for word := range strings.FieldsSeq(part) {
		switch strings.ToLower(word) {
		case "или", "либо", "и", "or", "and", "/", "email:", "e-mail:", "mail:", "почта:":
			continue
		}
		pieces := []string{word}
		if strings.Count(word, "@") > 1 {
			pieces = strings.Split(word, "/")
		}
		for _, piece := range pieces {
			if email, ok := ParseEmail(piece); ok {
				emails = append(emails, email)
			} else {
				other = append(other, piece)
			}
		}
	}
	if len(other) == 0 {
		return emails, nil
	}
	text := strings.Join(other, " ")
	digits := 0
	for _, r := range text {
		if unicode.IsLetter(r) || r == '@' {
			return nil, []string{part}
		}
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < 7 { // too few for a phone: more likely a piece of the address
		return nil, []string{part}
	}
	return emails, []string{text}
}

// Junk reports whether a well-formed address is one that people type to get rid
// of a form (metrics, "Identity": junk values link nothing). A word that real
// companies use too, such as mail@, is junk only at a free mail provider or at
// its own name (mail@mail.ru).
func (e Email) Junk() bool {
	local, domain, _ := strings.Cut(string(e), "@")
	switch local {
	case "test", "tests", "testtest", "test1", "123", "1234", "12345", "qwerty", "asdf", "none", "noemail", "no-email", "nomail", "noreply", "no-reply":
		return true
	case "no", "net", "нет", "email", "mail", "user", "example":
		name, _, _ := strings.Cut(domain, ".")
		return name == local || freeMail(domain)
	}
	switch domain {
	case "example.org", "test.com", "test.ru", "test.test", "localhost.localdomain", "mail.mail", "aaa.aaa":
		return true
	}
	return len(local) > 2 && sameRune(local)
}

// FreeMail reports whether the address is at a provider where anybody gets one.
func (e Email) FreeMail() bool { return freeMail(e.Domain()) }

func freeMail(domain string) bool {
	switch domain {
	case "mail.ru", "bk.ru", "list.ru", "inbox.ru", "yandex.ru", "ya.ru", "rambler.ru", "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com":
		return true
	}
	return false
}
