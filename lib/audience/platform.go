package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/identity"
)

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
	// OnRequest marks a platform for which files are made only where the
	// configuration names it.
	OnRequest bool
	// Purpose is the consent that its files need where the configuration says no
	// other; Message marks a file for writing to people or calling them, for which
	// the contact budget counts (metrics, "Contact budget").
	Purpose consent.Purpose
	Message bool

	hashedOnly bool // takes no plain files
	// changes says how a change is made, changeRows the fewest rows of an addition
	// or removal where they differ from those of a list.
	changes    map[Change]Text
	changeRows int
	known      []knownAnswer
	layout     func(*Request) layout
}

// Columns lists the keys of the columns that its files have, each once, in their
// order: those whose headers can be replaced. Files without a header have none.
func (p Platform) Columns() []string {
	var keys []string
	if p.Human {
		return nil
	}
	for _, file := range p.layout(&Request{}).files {
		for _, column := range file.columns {
			if !file.bare && !slices.Contains(keys, column.key) {
				keys = append(keys, column.key)
			}
		}
	}
	return keys
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
	// passesHashed takes a value that is hashed already as it is, in lower case.
	passesHashed bool
}

// knownAnswer is a value with its published normal form and hash.
type knownAnswer struct{ field, value, normal, hash string }

// Platforms lists all destinations in the order they are offered. The slice is
// the caller's.
func Platforms() []Platform { return slices.Clone(registry()) }

// registry makes the platforms once: they are values without state.
var registry = sync.OnceValue(func() []Platform { //nolint:gochecknoglobals // a constant table
	all := []Platform{yandex(), vk(), google(), meta(), tiktok()}
	all = append(all, presets()...)
	all = append(all, people(), workbook(), dialler())
	for i := range all {
		all[i].Purpose, all[i].Message = purposeOf(all[i].Key)
	}
	return all
})

// Lookup finds a platform by its key.
func Lookup(key string) (Platform, bool) {
	all := registry()
	if i := slices.IndexFunc(all, func(p Platform) bool { return p.Key == key }); i >= 0 {
		return all[i], true
	}
	return Platform{}, false
}

// Hashes reports whether the files of a platform are hashed, where that was asked for
// or not: some take no plain files. A platform that is none has no files.
func Hashes(platform string, asked bool) bool {
	p, ok := Lookup(platform)
	return ok && (p.hashedOnly || asked && p.Hash != "")
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
	if f.passesHashed && looksHashed(value) {
		text := strings.ToLower(strings.TrimSpace(value))
		return Normal{Text: text, Hash: text}, nil
	}
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
