package pipeline

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// eraser is one pass over the store for all the people who are to be erased.
type eraser struct {
	p        *Pipeline
	cfg      *config.Config
	refinery lake.Refinery
	owner    map[string]*Act // token → whose it is; only tokens that are to go
	acts     []*Act          // beside the requests that wait
	again    *Act            // counts for people erased earlier
	nonce    string
	whole    bool // search the whole store; false: only what was received of late

	words   map[string]*Act // tokens, hashes and e-mails as files write them, lower case
	digits  map[string]*Act // ends of phone numbers
	lengths []int           // of those ends, without repeats

	cut map[[2]string]*Act // (raw object, key) of deliveries whose bytes went whole
}

// widen adds every token of each person, by the rules of the night, and the
// values stated with them. Shared ones (an office phone that ten people left, a
// deal of two) stay out: they are other people's, too.
func (e *eraser) widen(ctx context.Context) error {
	if len(e.acts) > 0 {
		days, err := lake.Days(ctx, e.p.store, lake.EventsPrefix)
		if err != nil {
			return err
		}
		resolver, err := resolverOf(ctx, e.p.store, e.cfg, days, func(schema.IdentityEventRow) bool { return true })
		if err != nil {
			return err
		}
		clients := resolver.Resolve()
		for _, token := range slices.Sorted(maps.Keys(e.owner)) {
			e.claim(e.owner[token], slices.DeleteFunc(clients.Tokens(clients.Of(token)), clients.Shared))
		}
		// The last night may have known links that an interrupted erasure has cut.
		people, err := lake.ReadTable[schema.PersonRow](ctx, e.p.store, peopleKey)
		if err != nil {
			return err
		}
		for _, person := range people.Rows {
			if act := e.ownerOf(person.Tokens); act != nil {
				e.claim(act, slices.DeleteFunc(person.Tokens, func(token string) bool { return clients.Shared(token) || e.ofOthers(clients, token) }))
			}
		}
	}
	e.words, e.digits = maps.Clone(e.owner), map[string]*Act{}
	if !e.whole {
		return nil
	}
	return e.learnValues(ctx)
}

// ofOthers reports whether a reference leads to somebody who stays: an erasure
// that was interrupted may have cut the person out of what they had part in.
func (e *eraser) ofOthers(clients *card.Clients, token string) bool {
	if identity.Token(token).Kind() != identity.KindReference {
		return false
	}
	return slices.ContainsFunc(clients.Tokens(clients.Of(token)), func(other string) bool {
		return identity.Token(other).Kind() != identity.KindReference && e.owner[other] == nil
	})
}

func (e *eraser) claim(act *Act, tokens []string) {
	for _, token := range tokens {
		if old := e.owner[token]; old == nil || old == e.again {
			e.owner[token] = act
		}
	}
}

// learnValues collects the phones and e-mails behind the tokens and every form
// in which audience files write them.
func (e *eraser) learnValues(ctx context.Context) error {
	days, err := lake.Days(ctx, e.p.store, lake.ContactsPrefix)
	if err != nil {
		return err
	}
	for _, day := range days {
		table, err := lake.ReadDay[schema.ContactRow](ctx, e.p.store, lake.ContactsPrefix, day)
		if err != nil {
			return err
		}
		for _, row := range table.Rows {
			if e.ownerOf(row.Tokens) == nil {
				continue
			}
			for _, value := range row.Phones {
				e.learn("phone", value, e.owner[string(e.p.key.Phone(identity.Phone(value)))])
			}
			for _, value := range row.Emails {
				e.learn("email", value, e.owner[string(e.p.key.Email(identity.Email(value)))])
			}
		}
	}
	return nil
}

// endDigits is how much of a number is looked for: its end, since the beginning
// is written in many ways (+7, 8, 007).
const endDigits = 10

func (e *eraser) learn(field, value string, act *Act) {
	if act == nil || e.words[value] != nil {
		return // not the person's own, or known already
	}
	e.words[value] = act
	for _, platform := range audience.Platforms() {
		if normal, err := (audience.Normaliser{}).Normalise(platform.Key, field, value); err == nil {
			e.words[strings.ToLower(normal.Text)] = act
			e.words[normal.Hash] = act
		}
	}
	for _, form := range []string{value, strings.TrimPrefix(value, "+")} {
		e.words[audience.MD5.Sum(form)] = act
		e.words[audience.SHA256.Sum(form)] = act
	}
	delete(e.words, "")
	if field == "phone" {
		number := strings.TrimPrefix(value, "+")
		number = number[max(0, len(number)-endDigits):]
		e.digits[number] = act
		if !slices.Contains(e.lengths, len(number)) {
			e.lengths = append(e.lengths, len(number))
		}
	}
}

// ownerOf is whose tokens these are: the first that is to go; nil for nobody's.
func (e *eraser) ownerOf(tokens []string) *Act {
	for _, token := range tokens {
		if act := e.owner[token]; act != nil {
			return act
		}
	}
	return nil
}

// find looks for a person in bytes that have no columns: tokens, hashes, e-mails
// and phones in their usual spellings, also where they are percent-encoded or
// escaped as in JSON. It does not look for names.
func (e *eraser) find(texts ...string) *Act {
	for _, text := range texts {
		if text == "" {
			continue
		}
		for _, form := range []string{text, strings.ReplaceAll(text, "+", " ")} { // forms write a blank as +
			for range 3 { // a value inside a value is encoded twice
				if act := e.findPlain(strings.ToLower(form)); act != nil {
					return act
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

func (e *eraser) findPlain(text string) *Act {
	for word := range strings.FieldsFuncSeq(text, notMail) {
		word = strings.Trim(word, ".-_~")
		if act := e.words[word]; act != nil {
			return act
		}
		if strings.Contains(word, "@") {
			if email, ok := identity.ParseEmail(word); ok {
				if act := e.owner[string(e.p.key.Email(email))]; act != nil {
					return act
				}
			}
		}
	}
	for run := range strings.FieldsFuncSeq(text, notPhone) {
		if act := e.findPhone(run); act != nil {
			return act
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

func (e *eraser) findPhone(run string) *Act {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, run)
	if len(digits) < 7 {
		return nil
	}
	for _, length := range e.lengths {
		for i := 0; i+length <= len(digits); i++ {
			if act := e.digits[digits[i:i+length]]; act != nil {
				return act
			}
		}
	}
	if len(digits) <= 15 { // of who was erased earlier only the token is known
		if number, ok := (phone.Parser{}).Parse(strings.TrimSpace(run), e.cfg.Business.Country); ok {
			return e.owner[string(e.p.key.Phone(number))]
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

// ownerOfDelivery says whose a delivery is: by what it decodes to and, for what
// does not, by its bytes. others tells that it is other people's, too, or may be.
func (e *eraser) ownerOfDelivery(row schema.RawRow) (act *Act, others bool) {
	var events []event.Event
	if source, ok := e.cfg.SourceNamed(row.Source); ok {
		headers := make(map[string]string, len(row.Headers.Pairs))
		for _, pair := range row.Headers.Pairs {
			headers[pair.Key] = pair.Value
		}
		events = webhook.Understand(e.cfg, webhook.Delivery{
			Source: source, Key: row.Key, HasID: row.HasID, Method: row.Method, ContentType: row.ContentType, Suffix: row.Suffix,
			Query: row.Query, Header: headers, Body: row.Body, ReceivedAt: row.ReceivedAt, Trusted: row.Trusted,
		}).Events
		origin := lake.Origin{Source: source, ReceivedAt: row.ReceivedAt}
		for _, ev := range events {
			refined, _, err := e.refinery.Refine(origin, ev)
			if err != nil && refined.Tokens == nil {
				continue // the bytes decide
			}
			if owner := e.ownerOf(refined.Tokens); owner == nil {
				others = true
			} else if act == nil {
				act = owner
			}
		}
	}
	if act == nil {
		act = e.find(string(row.Body), row.Query)
	}
	return act, others || len(events) == 0
}
