package pipeline

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// searcher finds people wherever the store may hold them: by their tokens, and
// in bytes that have no columns by everything that may stand for them there. P
// is what it answers with, one for each person.
type searcher[P any] struct {
	p     *Pipeline
	cfg   *config.Config
	reads lake.Refinery // by cfg
	owner map[string]*P // token → whose it is

	words   map[string]*P // tokens, hashes and e-mails as files write them, lower case
	digits  map[string]*P // ends of phone numbers
	lengths []int         // of those ends, without repeats
	// blind says that some phone is known by its token alone, so that every number
	// has to be read to be told. That is dear.
	blind bool
	// foreign, where it is set, recognises tokens that are another person's beside
	// the owner's own.
	foreign func(token string) bool
}

// endDigits is how much of a number is looked for: its end, since the beginning
// is written in many ways (+7, 8, 007).
const endDigits = 10

// learn adds a phone or an e-mail in every form in which audience files write it.
func (s *searcher[P]) learn(field, value string, whose *P) {
	if whose == nil || s.words[value] != nil {
		return // not the person's own, or known already
	}
	s.words[value] = whose
	for _, platform := range audience.Platforms() {
		if normal, err := (audience.Normaliser{}).Normalise(platform.Key, field, value); err == nil {
			s.words[strings.ToLower(normal.Text)] = whose
			s.words[normal.Hash] = whose
		}
	}
	for _, form := range []string{value, strings.TrimPrefix(value, "+")} {
		s.words[audience.MD5.Sum(form)] = whose
		s.words[audience.SHA256.Sum(form)] = whose
	}
	delete(s.words, "")
	if field == "phone" {
		number := strings.TrimPrefix(value, "+")
		number = number[max(0, len(number)-endDigits):]
		s.digits[number] = whose
		if !slices.Contains(s.lengths, len(number)) {
			s.lengths = append(s.lengths, len(number))
		}
	}
}

// ownerOf is whose tokens these are: the first that has an owner; nil for nobody's.
func (s *searcher[P]) ownerOf(tokens []string) *P {
	for _, token := range tokens {
		if found := s.owner[token]; found != nil {
			return found
		}
	}
	return nil
}

// find looks for a person in bytes that have no columns: tokens, hashes, e-mails
// and phones in their usual spellings, also where they are percent-encoded or
// escaped as in JSON. It does not look for names.
func (s *searcher[P]) find(texts ...string) *P {
	for _, text := range texts {
		if text == "" {
			continue
		}
		for _, form := range []string{text, strings.ReplaceAll(text, "+", " ")} { // forms write a blank as +
			for range 3 { // a value inside a value is encoded twice
				if found := s.findPlain(strings.ToLower(form)); found != nil {
					return found
				}
				decoded := unescape(form)
				if decoded == form {
					break
				}
				form = decoded
			}
		}
	}
	return nil
}

func (s *searcher[P]) findPlain(text string) *P {
	for word := range strings.FieldsFuncSeq(text, notMail) {
		word = strings.Trim(word, ".-_~")
		if found := s.words[word]; found != nil {
			return found
		}
		if strings.Contains(word, "@") {
			if email, ok := identity.ParseEmail(word); ok {
				if found := s.owner[string(s.p.key.Email(email))]; found != nil {
					return found
				}
			}
		}
	}
	for run := range strings.FieldsFuncSeq(text, notPhone) {
		if found := s.findPhone(run); found != nil {
			return found
		}
	}
	return nil
}

// notMail ends an e-mail address or a hash; stricter than the standard, since =
// or & stand before an address more often than in it.
func notMail(r rune) bool {
	if r > utf8.RuneSelf {
		return r == '\u00a0'
	}
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789@._-+~", r)
}

// notPhone ends what may be a number with its separators.
func notPhone(r rune) bool {
	return !strings.ContainsRune("0123456789+ -()./\t\u00a0\u2011\u2013\u202f", r)
}

func (s *searcher[P]) findPhone(run string) *P {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, run)
	if len(digits) < 7 {
		return nil
	}
	for _, length := range s.lengths {
		for i := 0; i+length <= len(digits); i++ {
			if found := s.digits[digits[i:i+length]]; found != nil {
				return found
			}
		}
	}
	if s.blind && len(digits) <= 15 {
		if number, ok := (phone.Parser{}).Parse(strings.TrimSpace(run), s.cfg.Business.Country); ok {
			return s.owner[string(s.p.key.Phone(number))]
		}
	}
	return nil
}

// unescape undoes %XX and \uXXXX once; what is neither stays.
func unescape(text string) string {
	if !strings.ContainsAny(text, `%\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%' && i+2 < len(text):
			if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		case text[i] == '\\' && i+5 < len(text) && text[i+1] == 'u':
			if n, err := strconv.ParseUint(text[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(n))
				i += 5
				continue
			}
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '/':
			continue
		}
		b.WriteByte(text[i])
	}
	if !utf8.ValidString(b.String()) {
		return strings.ToValidUTF8(b.String(), "\ufffd")
	}
	return b.String()
}

// ownerOfDelivery says whose a delivery is. others tells that it is other
// people's, too, or may be.
func (s *searcher[P]) ownerOfDelivery(row schema.RawRow) (found *P, others bool) {
	found, others, events := s.judge(row)
	return found, others || events == 0
}

// judge says whose a delivery is: by what it decodes to and, for what does not, by
// its bytes; whether it decodes to other people's events, too, and how many events
// it holds.
func (s *searcher[P]) judge(row schema.RawRow) (found *P, others bool, count int) {
	var events []event.Event
	if source, ok := s.cfg.SourceNamed(row.Source); ok {
		headers := make(map[string]string, len(row.Headers.Pairs))
		for _, pair := range row.Headers.Pairs {
			headers[pair.Key] = pair.Value
		}
		events = webhook.Understand(s.cfg, webhook.Delivery{
			Source: source, Key: row.Key, HasID: row.HasID, Method: row.Method, ContentType: row.ContentType, Suffix: row.Suffix,
			Query: row.Query, Header: headers, Body: row.Body, ReceivedAt: row.ReceivedAt, Trusted: row.Trusted,
		}).Events
		origin := lake.Origin{Source: source, ReceivedAt: row.ReceivedAt}
		for _, ev := range events {
			refined, _, err := s.reads.Refine(origin, ev)
			if err != nil && refined.Tokens == nil {
				continue // the bytes decide
			}
			owner := s.ownerOf(refined.Tokens)
			others = others || owner == nil || s.foreign != nil && slices.ContainsFunc(refined.Tokens, s.foreign)
			if found == nil {
				found = owner
			}
		}
	}
	if found == nil {
		found = s.find(string(row.Body), row.Query)
	}
	return found, others, len(events)
}

// ownerOfPart is whose a part of a batch is, read as a delivery of its own.
func (s *searcher[P]) ownerOfPart(row schema.RawRow, part []byte) *P {
	row.Body = part
	owner, _ := s.ownerOfDelivery(row)
	return owner
}

// shows reports whether bytes show a person.
func (s *searcher[P]) shows(body []byte) bool { return s.find(string(body)) != nil }
