package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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
func ParseJSON(body []byte) ([]Value, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, &JSONError{Err: ErrNotUTF8}
	}
	if depth := deepest(body); depth > MaxDepth {
		return nil, &JSONError{Err: ErrTooDeep}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var values []Value
	for {
		var raw json.RawMessage // Decode checks the grammar, which Token alone does not in full
		if err := decoder.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) && len(values) > 0 {
				return values, nil
			}
			return nil, &JSONError{Err: ErrMalformed, Offset: faultOffset(decoder, body, err)}
		}
		if len(values) == MaxEvents {
			return nil, &JSONError{Err: ErrTooMany, Offset: decoder.InputOffset()}
		}
		walker := walker{decoder: json.NewDecoder(bytes.NewReader(raw)), start: decoder.InputOffset() - int64(len(raw))}
		walker.decoder.UseNumber()
		value, err := walker.value("")
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}

// faultOffset is where a text stops being JSON.
func faultOffset(decoder *json.Decoder, body []byte, err error) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return int64(len(body))
	}
	return decoder.InputOffset()
}

// deepest counts nesting without building anything, so that a hostile body
// costs one pass.
func deepest(body []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

type walker struct {
	decoder *json.Decoder
	start   int64 // of the value in the body
	keys    int
	items   int
}

func (w *walker) fault(sentinel error, path string) error {
	return &JSONError{Err: sentinel, Path: path, Offset: w.start + w.decoder.InputOffset()}
}

func (w *walker) value(path string) (Value, error) {
	token, err := w.decoder.Token()
	if err != nil {
		return Value{}, w.fault(ErrMalformed, path)
	}
	switch token := token.(type) {
	case string:
		return Value{Type: String, Text: token}, nil
	case json.Number:
		return Value{Type: Number, Text: token.String()}, nil
	case bool:
		return Value{Type: Bool, Text: strconv.FormatBool(token)}, nil
	case json.Delim:
		if token == '{' {
			return w.object(path)
		}
		return w.array(path)
	default:
		return Value{Type: Null}, nil
	}
}

func (w *walker) array(path string) (Value, error) {
	value := Value{Type: Array}
	for w.decoder.More() {
		most := MaxKeys
		if path == "" {
			most, w.keys, w.items = MaxEvents, 0, len(value.Items)
		}
		if w.items++; w.items > most {
			return Value{}, w.fault(ErrTooMany, path)
		}
		if path == "" {
			w.items = 0
		}
		item, err := w.value(path + "[" + strconv.Itoa(len(value.Items)) + "]")
		if err != nil {
			return Value{}, err
		}
		value.Items = append(value.Items, item)
	}
	if _, err := w.decoder.Token(); err != nil {
		return Value{}, w.fault(ErrMalformed, path)
	}
	return value, nil
}

func (w *walker) object(path string) (Value, error) {
	value := Value{Type: Object}
	seen := make(map[string]bool, 8)
	for w.decoder.More() {
		token, err := w.decoder.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return Value{}, w.fault(ErrMalformed, path)
		}
		if w.keys++; w.keys > MaxKeys {
			return Value{}, w.fault(ErrTooMany, path)
		}
		at := Join(path, key)
		if seen[strings.ToLower(key)] {
			return Value{}, w.fault(ErrDuplicate, at)
		}
		seen[strings.ToLower(key)] = true
		member, err := w.value(at)
		if err != nil {
			return Value{}, err
		}
		value.Members = append(value.Members, Member{Key: key, Value: member})
	}
	if _, err := w.decoder.Token(); err != nil {
		return Value{}, w.fault(ErrMalformed, path)
	}
	return value, nil
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
