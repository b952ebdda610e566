// Package identity knows what makes two records one person: normalised phones,
// e-mails, card numbers and the sources' own ids, and the keyed tokens that
// stand for them wherever a value itself must not.
//
// The values redact themselves in logs and errors; a caller that really needs
// the text converts it with string(v). Phone numbers of the world are read in
// the sub-package phone, which the ingest function does not link.
package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Phone is a number in E.164 with its plus sign, such as +79995551111.
type Phone string

// Email is a mail address in normal form: trimmed, lower case, the domain in
// its Unicode form.
type Email string

// LogValue keeps the number out of logs.
func (Phone) LogValue() slog.Value { return slog.StringValue("[phone]") }

// LogValue keeps the address out of logs.
func (Email) LogValue() slog.Value { return slog.StringValue("[email]") }

// Format keeps the number out of every fmt verb.
func (Phone) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[phone]")) }

// Format keeps the address out of every fmt verb.
func (Email) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[email]")) }

// String keeps the number out of texts made without fmt.
func (Phone) String() string { return "[phone]" }

// String keeps the address out of texts made without fmt.
func (Email) String() string { return "[email]" }

// MarshalText keeps the number out of JSON, and so out of a logged struct; only
// a map's keys escape it, since encoding/json takes those as they are.
func (Phone) MarshalText() ([]byte, error) { return []byte("[phone]"), nil }

// MarshalText keeps the address out of JSON, and so out of a logged struct.
func (Email) MarshalText() ([]byte, error) { return []byte("[email]"), nil }

// PhoneNumber is a number with the extension behind it, digits or empty. The
// extension is no part of what makes two people one.
type PhoneNumber struct {
	Phone     Phone
	Extension string
}

// LogValue keeps the number out of logs.
func (PhoneNumber) LogValue() slog.Value { return slog.StringValue("[phone]") }

// Format keeps the number and its extension out of every fmt verb.
func (PhoneNumber) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[phone]")) }

// MarshalText keeps the number and its extension out of JSON.
func (PhoneNumber) MarshalText() ([]byte, error) { return []byte("[phone]"), nil }

// PhoneParser reads phones as people write them, with a default country
// (ISO 3166 alpha-2) for national forms. Implementations are pure and safe for
// concurrent use.
type PhoneParser interface {
	// Parse reads a field of one number; false for what is no dialable number.
	Parse(raw, country string) (Phone, bool)
	// ParseAll reads all numbers of a field, in its order, and what of it was not
	// read: as typed, and the whole field where it holds no number.
	ParseAll(raw, country string) (numbers []PhoneNumber, rest []string)
}

// Junk reports whether a number is a filler: too short for any country, all
// digits after the first equal, a subscriber number of zeros alone, or the ten
// digits from 1, 0 or down from 9. A number that merely repeats a digit often may
// be somebody's and is not junk.
func (p Phone) Junk() bool {
	digits := strings.TrimPrefix(string(p), "+")
	if len(digits) < 7 {
		return true
	}
	last := digits[max(0, len(digits)-10):]
	return sameRune(digits[1:]) || sameRune(last) || strings.HasSuffix(digits, "0000000") ||
		last == "1234567890" || last == "0123456789" || last == "9876543210"
}

// sameRune reports whether a text is one character over and over.
func sameRune(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return s != "" && strings.Trim(s[size:], string(first)) == ""
}

// Token stands for one identifier of a person: a letter for its kind (p phone,
// e e-mail, c card, x a source's own id, r a reference) and 26 characters of keyed hash. It is
// also the id of the client whose oldest token it is (metrics, "Identity").
type Token string

// Kinds of tokens, the first letter of each.
const (
	KindPhone    = 'p'
	KindEmail    = 'e'
	KindCard     = 'c'
	KindExternal = 'x'
	// KindReference stands for a thing that people have part in, such as a deal or
	// a company. It leads an event to a client and never makes two clients one.
	KindReference = 'r'
)

// Kind is the token's first letter, 0 for an empty token.
func (t Token) Kind() byte {
	if t == "" {
		return 0
	}
	return t[0]
}

// Valid reports whether t has the form that a Key makes.
func (t Token) Valid() bool {
	if len(t) != 27 || !strings.ContainsRune("pecxr", rune(t[0])) {
		return false
	}
	for i := 1; i < len(t); i++ {
		if !strings.ContainsRune(tokenAlphabet, rune(t[i])) {
			return false
		}
	}
	return true
}

// Crockford's alphabet in lower case: no letter that is mistaken for a digit
// when somebody reads a client id over the phone.
const tokenAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// Key makes tokens: HMAC-SHA256 under the deployment's secret, cut to 128 bits.
// A plain hash of a phone can be inverted in minutes (reliability, fact 9), a
// keyed one cannot. A Key is safe for concurrent use.
type Key struct{ secret []byte }

// Format keeps the secret out of every fmt verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key]")) }

// LogValue keeps the secret out of logs.
func (Key) LogValue() slog.Value { return slog.StringValue("[key]") }

// NewKey makes a key of a secret of at least 16 bytes; shorter ones panic, since
// every caller checks its configuration first.
func NewKey(secret []byte) Key {
	if len(secret) < 16 {
		panic("identity: token key shorter than 16 bytes")
	}
	return Key{secret: append([]byte(nil), secret...)}
}

// Phone is the token of a number.
func (k Key) Phone(p Phone) Token { return k.token(KindPhone, "phone:"+string(p)) }

// Email is the token of an address.
func (k Key) Email(e Email) Token { return k.token(KindEmail, "email:"+string(e)) }

// Card is the token of a loyalty card number; case, blanks and dashes do not
// count. An empty number and one of zeros alone (what systems send for "none") have
// no token.
func (k Key) Card(number string) Token {
	number = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, number))
	if strings.Trim(number, "0") == "" {
		return ""
	}
	return k.token(KindCard, "card:"+number)
}

// External is the token of a client's id in the systems of one shop. Ids are
// compared as they are but for blanks around them; an empty id and "0" (what
// systems send for "none") have no token.
func (k Key) External(shop, id string) Token {
	id = strings.TrimSpace(id)
	if id == "" || id == "0" {
		return ""
	}
	return k.token(KindExternal, "ext:"+shop+":"+id)
}

// Reference is the token of a thing in the systems of one shop, such as
// "amocrm_lead:10"; an empty id has none.
func (k Key) Reference(shop, id string) Token {
	if id = strings.TrimSpace(id); id == "" {
		return ""
	}
	return k.token(KindReference, "ref:"+shop+":"+id)
}

// KnownAnswer is a fixed token of the key; the store keeps it, so that a changed
// key is noticed before it splits the base.
func (k Key) KnownAnswer() Token { return k.token(KindCard, "known-answer") }

// Sum is a keyed digest for other purposes of the deployment (holdout, export
// ids); purpose keeps them apart.
func (k Key) Sum(purpose, text string) [32]byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(text))
	return [32]byte(mac.Sum(nil))
}

func (k Key) token(kind byte, text string) Token {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(text))
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return TokenOf(kind, sum)
}

// TokenOf is a digest in the form of a token of a kind. A token that stands for
// nobody's identifier, such as a canary's client id, is made of [Key.Sum].
func TokenOf(kind byte, sum [32]byte) Token {
	var out [27]byte
	out[0] = kind
	base32.NewEncoding(tokenAlphabet).WithPadding(base32.NoPadding).Encode(out[1:], sum[:16])
	return Token(out[:])
}
