package identity

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Typo reports an address that is probably mistyped, and what was probably meant:
// a domain that is nearly one of a great provider (gmial.com, mail.ru.ru), an
// ending that does not exist (.con, .ry), Cyrillic letters that look like Latin
// ones. It is a remark for people: nothing is ever corrected by it. A domain
// of another provider is never reported, however near it is to a greater one.
func (e Email) Typo() (suggestion Email, ok bool) {
	local, domain, found := strings.Cut(string(e), "@")
	if !found {
		return "", false
	}
	meant := plainDomain(domain)
	if isASCII(meant) && LookAlike(local) {
		local = toLatin(local)
	}
	better := Email(local + "@" + meant)
	return better, better != e
}

// plainDomain is the domain that was probably meant; a domain without a fault is
// its own.
func plainDomain(domain string) string {
	if latin := toLatin(domain); latin != domain && isASCII(latin) {
		domain = latin
	}
	if exists(domain) {
		return domain
	}
	if rest, ok := strings.CutPrefix(domain, "www."); ok && great(rest) {
		return rest
	}
	labels := strings.Split(domain, ".")
	last := len(labels) - 1
	if last >= 2 && labels[last] == labels[last-1] { // mail.ru.ru
		return plainDomain(strings.Join(labels[:last], "."))
	}
	if last == 2 && great(labels[0]+"."+labels[1]) { // gmail.com.ru
		return labels[0] + "." + labels[1]
	}
	if ending := plainEnding(labels[last]); ending != labels[last] {
		labels[last] = ending
		return plainDomain(strings.Join(labels, "."))
	}
	if last != 1 {
		return domain
	}
	name, ending := labels[0], labels[1]
	for _, misspelt := range [][2]string{
		{"mail.ru", "mai mial maill mali meil mil1 maul nail1 mall1 amil mqil maiil mmail mail1"},
		{"inbox.ru", "inbx inboks imbox inbos inbpx"},
		{"list.ru", "lis lsit lits"},
	} {
		if _, of, _ := strings.Cut(misspelt[0], "."); ending == of && slices.Contains(strings.Fields(misspelt[1]), name) {
			return misspelt[0]
		}
	}
	for _, provider := range greatProviders() {
		known, of, _ := strings.Cut(provider, ".")
		switch {
		case name == known && len(known) >= 5 && (near(ending, of, 1) || onlyThere(known) && len(ending) <= 3):
			return provider // gmail.cm, yandex.tu
		case ending == of && len(known) >= 6 && near(name, known, 2) && name[0] == known[0],
			ending == of && len(known) == 5 && near(name, known, 1) && len(name) >= 4:
			return provider
		}
	}
	return domain
}

// greatProviders are where nearly all people of our businesses have their mail,
// the likelier first.
func greatProviders() []string {
	return []string{"gmail.com", "yandex.ru", "mail.ru", "inbox.ru", "list.ru", "bk.ru", "ya.ru", "rambler.ru", "icloud.com", "outlook.com", "hotmail.com", "yahoo.com"}
}

func great(domain string) bool { return slices.Contains(greatProviders(), domain) }

// onlyThere reports whether a provider has its name under one ending alone.
func onlyThere(name string) bool { return name == "gmail" || name == "icloud" }

// exists reports whether a domain is a provider's, great or not.
func exists(domain string) bool {
	switch domain {
	case "mail.com", "email.com", "email.ru", "mail.ua", "mail.by", "mail.kz", "mail.de", "mail.bg", "mail.ee", "mail.fr", "ymail.com", "rocketmail.com",
		"googlemail.com", "fmail.co.uk", "hushmail.com", "fastmail.com", "fastmail.fm", "zmail.ru", "xmail.ru", "umail.ru", "e-mail.ru", "hotmail.co.uk",
		"hotmail.fr", "hotmail.de", "hotmail.it", "hotmail.es", "hotmail.be", "hotmail.nl", "hotmail.se", "outlook.de", "outlook.fr", "outlook.es", "outlook.it",
		"outlook.pt", "outlook.dk", "outlook.be", "outlook.co", "live.com", "live.ru", "live.de", "live.fr", "live.co.uk", "msn.com", "me.com", "mac.com",
		"yahoo.co.uk", "yahoo.co.in", "yahoo.co.jp", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.ca", "yahoo.in", "yahoo.ie", "yahoo.ro", "yahoo.gr",
		"yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.uz", "yandex.fr", "yandex.net", "yandex.lv", "yandex.lt", "yandex.ee", "yandex.az", "yandex.md",
		"yandex.tj", "yandex.tm", "yandex.com.tr", "yandex.com.am", "yandex.com.ge", "yandex.co.il", "ya.com", "inbox.lv", "inbox.lt", "inbox.eu", "inbox.com",
		"internet.ru", "xmail.com", "rambler.ua", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru", "r0.ru", "qip.ru", "pochta.ru", "land.ru", "hotbox.ru",
		"nm.ru", "nxt.ru", "vk.com", "vk.ru", "ok.ru", "aol.com", "gmx.com", "gmx.net", "gmx.de", "gmx.at", "web.de", "t-online.de", "freenet.de", "orange.fr",
		"free.fr", "ukr.net", "i.ua", "meta.ua", "bigmir.net", "tut.by", "proton.me", "protonmail.com", "pm.me", "tutanota.com", "zoho.com", "cloud.com", "cloud.ru",
		"mail.az", "box.az", "mail.tj", "mail.uz", "mail.kg", "mail.md", "mail.am", "mail.lv", "mail.ge":
		return true
	}
	return great(domain)
}

// plainEnding is the top-level domain that was meant by one that does not exist;
// any other is its own.
func plainEnding(ending string) string {
	switch ending {
	case "con", "cpm", "vom", "xom", "cmo", "ocm", "comm", "coom", "ccom", "cim", "clm", "cok", "conm":
		return "com"
	case "ry", "ri", "rru", "ruu", "rn", "ur", "tu", "ryu", "rj":
		return "ru"
	}
	return ending
}

// near reports whether two texts differ by at most so many edits.
func near(a, b string, most int) bool {
	if d := len(a) - len(b); a == "" || d > most || -d > most {
		return false
	}
	return EditDistance([]byte(a), []byte(b)) <= most
}

// EditDistance counts the letters to insert, remove, replace or swap with their
// neighbour that turn one word into the other (Damerau and Levenshtein, with no letter
// edited twice).
func EditDistance[E comparable](a, b []E) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
