package event

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a JSON body (reliability §6 rows 6 and 7).
const (
	MaxDepth  = 64
	MaxKeys   = 10_000 // of one event; its array elements are bounded by the same number
	MaxEvents = 50_000 // of one body
)

// Sentinels of ParseJSON; each has a stable reason code under lake/failed.
var (
	ErrMalformed = errors.New("event: malformed JSON")
	ErrDuplicate = errors.New("event: duplicate or case-variant JSON key")
	ErrTooDeep   = errors.New("event: JSON nested too deep")
	ErrTooMany   = errors.New("event: too many JSON keys")

	// ErrNotUTF8 is a malformed text too: JSON is UTF-8 (RFC 8259, section 8.1).
	ErrNotUTF8 = fmt.Errorf("%w: not UTF-8", ErrMalformed)
)

// JSONError says where in a JSON text what is wrong, without quoting it.
type JSONError struct {
	Err    error  // one of the sentinels above
	Path   string // of the fault, as far as it was read
	Offset int64  // in bytes
}

func (e *JSONError) Error() string {
	return e.Err.Error() + " at byte " + strconv.FormatInt(e.Offset, 10) + pathSuffix(e.Path)
}

// Unwrap gives the sentinel.
func (e *JSONError) Unwrap() error { return e.Err }

func pathSuffix(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + ")"
}

// Value is a JSON value that lost nothing: numbers are text, objects keep their
// order.
type Value struct {
	Type    Type
	Text    string // of a string or number; "true" or "false" of a bool
	Items   []Value
	Members []Member
}

// Member is one key of an object.
type Member struct {
	Key   string
	Value Value
}

// Type of a Value.
type Type uint8

// The types of JSON.
const (
	Null Type = iota
	Bool
	Number
	String
	Array
	Object
)

// String is the type's name as error messages say it.
func (t Type) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[t]
}

// Get finds a member of an object by its exact key; a missing one is a Null.
func (v Value) Get(key string) Value {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return Value{}
}

// ParseJSON reads one JSON value, or several that follow each other (NDJSON),
// strictly: valid UTF-8 (a byte order mark is tolerated), no duplicate keys and
// none that differ in case alone, at most MaxDepth levels and MaxKeys keys. Keys
// and array elements are counted for each top-level value and, in a top-level
// array, for each of its elements, since a batch of events is as large as its
// body may be, up to MaxEvents. Numbers keep their digits. Errors are *JSONError.
func ParseJSON(body []byte) ([]Value, error) { return parseJSON(body, false) }

// ParseForeignJSON is ParseJSON for systems whose payloads we do not choose:
// keys that differ in case alone stand side by side there. The same key twice is
// refused here too, since nobody can say which of the two is meant.
func ParseForeignJSON(body []byte) ([]Value, error) { return parseJSON(body, true) }

func parseJSON(body []byte, foreign bool) ([]Value, error) {
	skipped := len(body)
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	skipped -= len(body)
	if !utf8.Valid(body) {
		return nil, &JSONError{Err: ErrNotUTF8}
	}
	p := parser{text: string(body), foreign: foreign} // texts of values are slices of this one string
	var values []Value
	for p.space(); p.at < len(p.text); p.space() {
		if len(values) == MaxEvents {
			return nil, p.failed(ErrTooMany, skipped)
		}
		p.keys, p.items = 0, 0
		value, fault := p.value(0)
		if fault != nil {
			return nil, p.failed(fault, skipped)
		}
		values = append(values, value)
	}
	if len(values) == 0 {
		return nil, p.failed(ErrMalformed, skipped)
	}
	return values, nil
}

// parser reads the grammar of RFC 8259 in one pass; that it accepts what
// encoding/json accepts is a test. The standard decoder is not used because it
// would need three passes (grammar, tokens, limits) and five times the time.
type parser struct {
	text        string
	at          int
	foreign     bool   // keys that differ in case alone are two keys
	keys, items int    // counted against the limits
	path        []step // of the value being read; complete when a fault is met
}

// step is a key, or an index where key is empty.
type step struct {
	key   string
	index int
}

func (p *parser) failed(fault error, skipped int) error {
	path := ""
	for _, s := range p.path {
		if s.index >= 0 {
			path += "[" + strconv.Itoa(s.index) + "]"
		} else {
			path = Join(path, s.key)
		}
	}
	return &JSONError{Err: fault, Path: path, Offset: int64(min(p.at, len(p.text)) + skipped)}
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next is the byte to come, 0 at the end.
func (p *parser) next() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	switch c := p.next(); c {
	case '{', '[':
		if depth == MaxDepth {
			return Value{}, ErrTooDeep
		}
		p.at++
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case '"':
		text, err := p.quoted()
		return Value{Type: String, Text: text}, err
	case 't', 'f', 'n':
		return p.word()
	default:
		return p.number()
	}
}

func (p *parser) word() (Value, error) {
	for _, word := range [...]string{"null", "true", "false"} {
		if !strings.HasPrefix(p.text[p.at:], word) {
			continue
		}
		p.at += len(word)
		if word == "null" {
			return Value{}, nil
		}
		return Value{Type: Bool, Text: word}, nil
	}
	return Value{}, ErrMalformed
}

func (p *parser) number() (Value, error) {
	start := p.at
	if p.next() == '-' {
		p.at++
	}
	switch first := p.next(); {
	case first == '0':
		p.at++
	case first < '1' || first > '9':
		return Value{}, ErrMalformed
	default:
		p.digits()
	}
	if p.next() == '.' {
		p.at++
		if p.digits() == 0 {
			return Value{}, ErrMalformed
		}
	}
	if c := p.next(); c == 'e' || c == 'E' {
		p.at++
		if c := p.next(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return Value{}, ErrMalformed
		}
	}
	return Value{Type: Number, Text: p.text[start:p.at]}, nil
}

func (p *parser) digits() int {
	start := p.at
	for c := p.next(); c >= '0' && c <= '9'; c = p.next() {
		p.at++
	}
	return p.at - start
}

func (p *parser) array(depth int) (Value, error) {
	value := Value{Type: Array}
	if p.space(); p.next() == ']' {
		p.at++
		return value, nil
	}
	for {
		most := MaxKeys
		if depth == 1 {
			most, p.keys, p.items = MaxEvents, 0, len(value.Items)
		}
		if p.items++; p.items > most {
			return Value{}, ErrTooMany
		}
		if depth == 1 {
			p.items = 0
		}
		p.path = append(p.path, step{index: len(value.Items)})
		p.space()
		item, err := p.value(depth)
		if err != nil {
			return Value{}, err
		}
		value.Items = append(value.Items, item)
		done, err := p.closes(']')
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		if done {
			return value, nil
		}
	}
}

// closes reads what follows an element: a comma, or the end of the list.
func (p *parser) closes(end byte) (bool, error) {
	p.space()
	switch p.next() {
	case end:
		p.at++
		return true, nil
	case ',':
		p.at++
		p.space()
		return false, nil
	default:
		return false, ErrMalformed
	}
}

func (p *parser) object(depth int) (Value, error) {
	value := Value{Type: Object}
	if p.space(); p.next() == '}' {
		p.at++
		return value, nil
	}
	var many map[string]bool // folded keys, once there are too many to compare each with each
	for {
		if p.next() != '"' {
			return Value{}, ErrMalformed
		}
		key, err := p.quoted()
		if err != nil {
			return Value{}, err
		}
		p.path = append(p.path, step{key: key, index: -1})
		if p.keys++; p.keys > MaxKeys {
			return Value{}, ErrTooMany
		}
		if p.taken(value.Members, &many, key) {
			return Value{}, ErrDuplicate
		}
		if p.space(); p.next() != ':' {
			return Value{}, ErrMalformed
		}
		p.at++
		p.space()
		member, err := p.value(depth)
		if err != nil {
			return Value{}, err
		}
		if value.Members == nil {
			value.Members = make([]Member, 0, 8)
		}
		value.Members = append(value.Members, Member{Key: key, Value: member})
		done, err := p.closes('}')
		if err != nil {
			return Value{}, err
		}
		p.path = p.path[:len(p.path)-1]
		if done {
			return value, nil
		}
	}
}

// taken reports whether a key stands among members already, case ignored unless
// the payload is foreign.
func (p *parser) taken(members []Member, many *map[string]bool, key string) bool {
	const few = 24
	if len(members) < few {
		for i := range members {
			if members[i].Key == key || !p.foreign && strings.EqualFold(members[i].Key, key) {
				return true
			}
		}
		return false
	}
	if *many == nil {
		*many = make(map[string]bool, 2*few)
		for _, m := range members {
			(*many)[p.fold(m.Key)] = true
		}
	}
	folded := p.fold(key)
	if (*many)[folded] {
		return true
	}
	(*many)[folded] = true
	return false
}

// fold gives keys that strings.EqualFold finds equal the same text.
func (p *parser) fold(key string) string {
	if p.foreign {
		return key
	}
	return strings.ToLower(strings.ToUpper(key))
}

// quoted reads a string; the quotation mark is next.
func (p *parser) quoted() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			text := p.text[start:p.at]
			p.at++
			return text, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", ErrMalformed
		default:
			p.at++
		}
	}
	return "", ErrMalformed
}

// escaped goes on with a string from its first backslash.
func (p *parser) escaped(start int) (string, error) {
	text := append(make([]byte, 0, 2*(p.at-start)+16), p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(text), nil
		case c < ' ':
			return "", ErrMalformed
		case c != '\\':
			text = append(text, c)
			continue
		}
		escape := p.next()
		p.at++
		if plain := strings.IndexByte(`"\/bfnrt`, escape); plain >= 0 && escape != 0 {
			text = append(text, "\"\\/\b\f\n\r\t"[plain])
			continue
		}
		if escape != 'u' {
			return "", ErrMalformed
		}
		r, ok := p.hex4()
		if !ok {
			return "", ErrMalformed
		}
		if utf16.IsSurrogate(r) {
			r = p.surrogate(r)
		}
		text = utf8.AppendRune(text, r)
	}
	return "", ErrMalformed
}

// surrogate completes a pair; a lone half becomes U+FFFD, as browsers have it.
func (p *parser) surrogate(high rune) rune {
	if !strings.HasPrefix(p.text[p.at:], `\u`) {
		return utf8.RuneError
	}
	back := p.at
	p.at += 2
	low, ok := p.hex4()
	if pair := utf16.DecodeRune(high, low); ok && pair != utf8.RuneError {
		return pair
	}
	p.at = back
	return utf8.RuneError
}

func (p *parser) hex4() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.text[p.at]
		p.at++
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// Join writes a JSON path. A key that is no plain word (a sender may put
// anything there, a phone too) is named by its length instead of being quoted.
func Join(path, key string) string {
	for _, r := range key {
		if r != '_' && r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			key = "?" + strconv.Itoa(len(key))
			break
		}
	}
	if len(key) > 40 {
		key = key[:40]
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
