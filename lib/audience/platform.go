package audience

import (
	"crypto/md5" //nolint:gosec // G501: VK and Yandex name MD5 as the form of their lists; it protects nothing here
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lib/identity"
)

// Hash is an algorithm for identifiers, empty for none. All are taken over the
// UTF-8 bytes of the normal form, without salt, as lower-case hex.
type Hash string

// Algorithms that platforms name.
const (
	MD5    Hash = "md5"
	SHA256 Hash = "sha256"
)

// Sum is the hash of a normal form. Nothing empty is ever hashed: it stays empty
// (audiences, 1.2).
func (h Hash) Sum(normal string) string { return string(h.appendSum(nil, normal)) }

func (h Hash) appendSum(to []byte, normal string) []byte {
	if normal == "" {
		return to
	}
	switch h {
	case MD5:
		sum := md5.Sum([]byte(normal)) //nolint:gosec // G401: see the import
		return hex.AppendEncode(to, sum[:])
	case SHA256:
		sum := sha256.Sum256([]byte(normal))
		return hex.AppendEncode(to, sum[:])
	}
	panic("audience: unknown hash " + string(h))
}

// size is the length of a hash in hex digits.
func (h Hash) size() int {
	if h == MD5 {
		return hex.EncodedLen(md5.Size)
	}
	return hex.EncodedLen(sha256.Size)
}

// Platform is one destination of audience files. It is a value without state;
// the rules behind it are fixed.
type Platform struct {
	Key   string
	Title Text
	// Hash of hashed files; empty where files are never hashed.
	Hash Hash
	// Fields the platform's rules know, in the order people ask for them.
	Fields []Field
	// Human marks a file for people.
	Human bool
	// BeforeUpload is what to do or choose in the platform's cabinet.
	BeforeUpload []Text
	// Unconfirmed are facts that no page of the platform confirms: to be checked
	// in its cabinet.
	Unconfirmed []Text

	known  []knownAnswer
	layout func(*Request) layout
}

// Field is one kind of value on one platform.
type Field struct {
	Key string
	// Form says the normal form in words.
	Form Text
	// Hash of this field in hashed files; empty where it stays plain.
	Hash Hash

	read func(value string, from Normaliser) (string, Reason)
	// sum replaces Hash.Sum where the bytes hashed are not those of the text.
	sum func(normal string) string
}

// knownAnswer is a value with its published normal form and hash.
type knownAnswer struct{ field, value, normal, hash string }

// Platforms lists all destinations in the order they are offered. The slice is
// the caller's.
func Platforms() []Platform {
	return []Platform{yandex(), vk(), google(), people()}
}

// Lookup finds a platform by its key.
func Lookup(key string) (Platform, bool) {
	for _, p := range Platforms() {
		if p.Key == key {
			return p, true
		}
	}
	return Platform{}, false
}

// Field finds a field by its key.
func (p Platform) Field(key string) (Field, bool) {
	for _, f := range p.Fields {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

// Errors of [Normaliser.Normalise].
var (
	// ErrUnknownPlatform is returned for a key that is not in [Platforms].
	ErrUnknownPlatform = errors.New("audience: unknown platform")
	// ErrUnknownField is returned for a field the platform has no rule for.
	ErrUnknownField = errors.New("audience: the platform has no such field")
	// ErrRefused is matched by every [Refusal].
	ErrRefused = errors.New("audience: refused")
)

// Refusal says why a value has no normal form. It never holds the value.
type Refusal struct {
	Field  string
	Reason Reason
}

// Error names the field and the reason.
func (r *Refusal) Error() string { return "audience: " + r.Field + " refused: " + string(r.Reason) }

// Is matches [ErrRefused].
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

// Normaliser answers what would be written for a value as people wrote it: the
// answer to "why is my match rate low".
type Normaliser struct {
	// Phones reads phones as people write them. Without it only E.164 is read.
	Phones identity.PhoneParser
	// Country (ISO 3166 alpha-2) completes national numbers. Where it is empty a
	// number must carry its country code, with or without the plus sign.
	Country string
}

// Normal is a value in the form of one platform and what stands in its hashed
// file. Hash is empty where the platform takes the field only in plain form.
type Normal struct{ Text, Hash string }

// Normalise gives the normal form of one value. Errors match [ErrUnknownPlatform],
// [ErrUnknownField] or [ErrRefused] (then they are a [Refusal]) and never hold the
// value.
func (n Normaliser) Normalise(platform, field, value string) (Normal, error) {
	p, ok := Lookup(platform)
	if !ok {
		return Normal{}, ErrUnknownPlatform
	}
	f, ok := p.Field(field)
	if !ok {
		return Normal{}, ErrUnknownField
	}
	return f.normalise(value, n)
}

func (f Field) normalise(value string, from Normaliser) (Normal, error) {
	text, reason := f.read(value, from)
	switch {
	case looksHashed(value) || looksHashed(text): // before the reading's own reason: it says more
		reason = ReasonAlreadyHashed
	case reason == "" && text == "":
		reason = ReasonEmpty
	}
	if reason != "" {
		return Normal{}, &Refusal{f.Key, reason}
	}
	normal := Normal{Text: text}
	switch {
	case f.sum != nil:
		normal.Hash = f.sum(text)
	case f.Hash != "":
		normal.Hash = f.Hash.Sum(text)
	}
	return normal, nil
}

// selfTest proves the rules against published values before anything is written:
// a changed rule would not fail an upload, it would silently match nobody.
func (p Platform) selfTest() error {
	for _, k := range p.known {
		f, ok := p.Field(k.field)
		if !ok {
			return fmt.Errorf("%w: %s has no field %s", ErrSelfTest, p.Key, k.field)
		}
		got, err := f.normalise(k.value, Normaliser{})
		if err != nil || got != (Normal{k.normal, k.hash}) {
			return fmt.Errorf("%w: %s, field %s", ErrSelfTest, p.Key, k.field)
		}
	}
	return nil
}
