package identity

import "strings"

// JunkList holds the values that stand for nobody: the built-in ones and those
// that the owner lists. The zero value holds the built-in ones alone. It is safe
// for concurrent use.
type JunkList struct {
	phones  map[Phone]bool
	emails  map[Email]bool
	domains map[string]bool
}

// NewJunkList reads a list as people write it: phones in any form, with the
// default country; addresses, or @domain for all of a domain. What cannot be read
// could not be an identifier either and is left out.
func NewJunkList(phones, emails []string, parser PhoneParser, country string) JunkList {
	list := JunkList{phones: map[Phone]bool{}, emails: map[Email]bool{}, domains: map[string]bool{}}
	for _, raw := range phones {
		numbers, _ := parser.ParseAll(raw, country)
		for _, number := range numbers {
			list.phones[number.Phone] = true
		}
	}
	for _, raw := range emails {
		if domain, ok := strings.CutPrefix(strings.TrimSpace(raw), "@"); ok {
			// As an address it takes the one form that addresses have.
			if email, ok := ParseEmail("a@" + domain); ok {
				list.domains[email.Domain()] = true
			}
		} else if email, ok := ParseEmail(raw); ok {
			list.emails[email] = true
		}
	}
	return list
}

// Phone reports whether a number stands for nobody.
func (l JunkList) Phone(p Phone) bool { return l.phones[p] || p.Junk() }

// Email reports whether an address stands for nobody.
func (l JunkList) Email(e Email) bool { return l.emails[e] || l.domains[e.Domain()] || e.Junk() }

// Domain is what stands behind the @.
func (e Email) Domain() string {
	_, domain, _ := strings.Cut(string(e), "@")
	return domain
}
