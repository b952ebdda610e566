package logtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// line checks one line. If it is a log line of slog, the strict rules hold.
func (f *findings) line(s string) {
	if !strings.HasPrefix(s, "{") {
		f.text(s, 0)
		return
	}
	value, ok := parse(s)
	if !ok {
		f.text(s, 0)
		return
	}
	if object, isObject := value.(map[string]any); isObject {
		_, level := object["level"]
		_, message := object["msg"]
		f.strict = level && message
	}
	f.value("", value, 0)
}

// document checks a text that is itself JSON by its parts, so that numbers are
// judged by their keys, as in a line.
func (f *findings) document(s string, depth int) {
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		if value, ok := parse(s); ok {
			f.value("", value, depth)
		}
	}
}

func parse(s string) (any, bool) {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, errors.Is(err, io.EOF)
}

func (f *findings) value(key string, value any, depth int) {
	switch v := value.(type) {
	case string:
		f.text(v, depth)
	case json.Number:
		if !measures(key) && !strings.ContainsAny(string(v), ".eE") {
			f.plain(strings.TrimPrefix(string(v), "-"), depth)
		}
	case []any:
		if text, ok := byteArray(v); ok {
			f.text(text, depth)
			return
		}
		for _, item := range v {
			f.value(key, item, depth)
		}
	case map[string]any:
		for name, item := range v { // the order does not matter: a fault is a fault
			f.text(name, depth)
			f.value(name, item, depth)
		}
	}
}

// measures tells whether a number's key names a unit, so that it is no telephone
// number however many digits it has.
func measures(key string) bool {
	for _, unit := range []string{"_ms", "_us", "_ns", "_seconds", "_minor", "bytes", "_rows"} {
		if strings.HasSuffix(key, unit) {
			return true
		}
	}
	return false
}

// byteArray is the text of a [n]byte, which JSON writes as numbers.
func byteArray(items []any) (string, bool) {
	var text bytes.Buffer
	for _, item := range items {
		number, ok := item.(json.Number)
		if !ok {
			return "", false
		}
		n, err := number.Int64()
		if err != nil || n < 0 || n > 255 {
			return "", false
		}
		text.WriteByte(byte(n))
	}
	return text.String(), len(items) >= shortest && readable(text.Bytes())
}
