package lake

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
)

// Refiner turns stated events into rows of the lake: contact values into normal
// forms and tokens, money into minor units, URLs into what is not personal. It
// is pure and safe for concurrent use.
type Refiner struct {
	Key    identity.Key
	Phones identity.PhoneParser
}

// Refinery is a Refiner under one configuration, whose junk it has read. It is
// pure and safe for concurrent use.
type Refinery struct {
	Refiner
	cfg  *config.Config
	junk identity.JunkList
}

// Under makes a Refinery, once for many events. The configuration must not change
// afterwards.
func (r Refiner) Under(cfg *config.Config) Refinery {
	junk := cfg.Identity.Junk
	emails := junk.Emails
	if domain := cfg.Canaries.EmailDomain; domain != "" {
		// A canary that comes back, as a lead or a subscription, is nobody.
		emails = append(slices.Clone(emails), "@"+domain)
	}
	return Refinery{Refiner: r, cfg: cfg, junk: identity.NewJunkList(junk.Phones, emails, r.Phones, cfg.Business.Country)}
}

// people is what one client's statements were understood as. What was not is kept
// as typed.
type people struct {
	tokens              []string
	phones, emails      []string // normal forms
	badPhones, badEmail []string
	birth, badBirth     string
	notes               map[string]string // attributes: extensions, words beside a number or address
}

// The attributes of what stood beside a contact value.
const (
	phoneExtension = "phone_extension"
	phoneNote      = "phone_note"
	emailNote      = "email_note"
)

// identify reads a client's identifiers. Junk and unreadable values give no token.
// An e-mail in the phone's field is an e-mail, and the other way round.
func (r Refinery) identify(c event.Client, shop string, today time.Time) people {
	p := people{}
	add := func(t identity.Token) {
		if t != "" && !slices.Contains(p.tokens, string(t)) {
			p.tokens = append(p.tokens, string(t))
		}
	}
	add(r.Key.Card(c.CardNo))
	for _, id := range c.AllExternalIDs() {
		add(r.Key.External(shop, id))
	}
	in := contactFields{Refinery: r, country: r.cfg.Business.Country, into: &p}
	if len(c.Country) == 2 {
		in.country = strings.ToUpper(c.Country)
	}
	for _, raw := range c.AllPhones() {
		in.phoneField(raw)
	}
	for _, raw := range c.AllEmails() {
		in.emailField(raw)
	}
	p.phones, p.emails = textsOf(in.phones), textsOf(in.emails)
	for _, phone := range in.phones {
		add(r.Key.Phone(phone))
	}
	for _, email := range in.emails {
		add(r.Key.Email(email))
	}
	in.extensions()
	for _, id := range c.References { // last: whoever else is named is the client
		add(r.Key.Reference(shop, id))
	}
	if strings.TrimSpace(c.BirthDate) != "" {
		if birth, err := identity.ParseBirthDate(c.BirthDate, today); err == nil {
			p.birth = string(birth)
		} else {
			p.badBirth = c.BirthDate
		}
	}
	return p
}

func textsOf[T ~string](values []T) []string {
	var texts []string
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return texts
}

// contactFields reads the fields of phones and e-mails of one client.
type contactFields struct {
	Refinery
	country  string
	into     *people
	phones   []identity.Phone
	emails   []identity.Email
	extended []identity.PhoneNumber
}

// phoneField reads a field of phones, where a careless form has e-mails, too.
func (f *contactFields) phoneField(raw string) {
	if !strings.Contains(raw, "@") {
		f.takePhones(raw)
		return
	}
	emails, rest := identity.ParseEmails(raw)
	f.takeEmails(emails)
	for _, text := range rest {
		f.takePhones(text)
	}
}

func (f *contactFields) takePhones(raw string) {
	numbers, rest := f.Phones.ParseAll(raw, f.country)
	for _, text := range rest {
		if len(numbers) > 0 && !strings.ContainsFunc(text, unicode.IsDigit) {
			f.note(phoneNote, text)
		} else {
			f.into.badPhones = append(f.into.badPhones, text)
		}
	}
	f.takeNumbers(numbers)
}

func (f *contactFields) takeNumbers(numbers []identity.PhoneNumber) {
	for _, number := range numbers {
		switch {
		case f.junk.Phone(number.Phone):
			if text := string(number.Phone); !slices.Contains(f.into.badPhones, text) {
				f.into.badPhones = append(f.into.badPhones, text)
			}
			continue
		case !slices.Contains(f.phones, number.Phone):
			f.phones = append(f.phones, number.Phone)
		}
		if number.Extension != "" && !slices.Contains(f.extended, number) {
			f.extended = append(f.extended, number)
		}
	}
}

// emailField reads a field of e-mails; a field with nothing but phones is one of
// phones.
func (f *contactFields) emailField(raw string) {
	emails, rest := identity.ParseEmails(raw)
	f.takeEmails(emails)
	for _, text := range rest {
		if numbers, unread := f.Phones.ParseAll(text, f.country); len(numbers) > 0 && len(unread) == 0 {
			f.takeNumbers(numbers)
		} else if len(emails) > 0 && !strings.Contains(text, "@") {
			f.note(emailNote, text)
		} else {
			f.into.badEmail = append(f.into.badEmail, text)
		}
	}
}

func (f *contactFields) takeEmails(emails []identity.Email) {
	for _, email := range emails {
		if f.junk.Email(email) {
			f.into.badEmail = append(f.into.badEmail, string(email))
		} else if !slices.Contains(f.emails, email) {
			f.emails = append(f.emails, email)
		}
	}
}

// note keeps words that stood beside a contact value.
func (f *contactFields) note(key, text string) {
	if f.into.notes == nil {
		f.into.notes = map[string]string{}
	}
	if f.into.notes[key] != "" {
		text = f.into.notes[key] + "; " + text
	}
	f.into.notes[key] = text
}

// extensions names the extension of the only phone, or of which phone each is.
func (f *contactFields) extensions() {
	for _, number := range f.extended {
		text := number.Extension
		if len(f.phones) > 1 {
			text = string(number.Phone) + " ext. " + text
		}
		f.note(phoneExtension, text)
	}
}

// Normalise writes a client's phones, e-mails and date of birth in normal form
// back into the event, for people who look at what a delivery becomes.
func (r Refinery) Normalise(ev event.Event) event.Event {
	p := r.identify(ev.Client, "", r.today(Origin{}, ev))
	ev.Client.Phones = append(slices.Clone(p.phones), p.badPhones...)
	ev.Client.Emails = append(slices.Clone(p.emails), p.badEmail...)
	ev.Client.Phone, ev.Client.Email = "", ""
	if len(ev.Client.Phones) > 0 {
		ev.Client.Phone = ev.Client.Phones[0]
	}
	if len(ev.Client.Emails) > 0 {
		ev.Client.Email = ev.Client.Emails[0]
	}
	if p.birth != "" {
		ev.Client.BirthDate = p.birth
	}
	if len(p.notes) > 0 {
		attributes := maps.Clone(p.notes)
		maps.Copy(attributes, ev.Client.Attributes)
		ev.Client.Attributes = attributes
	}
	return ev
}

// today is the business's day on which something was said, by which dates of
// birth are judged; zero where nobody knows it.
func (r Refinery) today(from Origin, ev event.Event) time.Time {
	at := from.ReceivedAt
	if at.IsZero() {
		at = ev.At
	}
	if at.IsZero() || r.cfg.Location() == nil {
		return at
	}
	return at.In(r.cfg.Location())
}
