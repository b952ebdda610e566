package lake

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/event"
)

func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// fingerprint is a short name of texts; each is preceded by its length, so that
// no two lists look alike.
func fingerprint(parts ...string) [16]byte {
	var room [256]byte
	text := room[:0]
	for _, part := range parts {
		text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}

// contentHash tells two statements under one id apart. The id itself and what the
// configuration adds do not count. It is the hash of the fields that are told,
// each under its name, so a field that a later version adds changes no hash of a
// statement without it: hashes are kept in the ledger.
func contentHash(ev *event.Event) int64 {
	text := hashRoom.Get().(*[]byte) // the pool holds nothing else
	*text = appendStruct((*text)[:0], reflect.ValueOf(ev).Elem(), func(name string) bool {
		return name == "ID" || name == "DerivedID" || name == "SenderOrders" || name == "EstimatedAt" || name == "At" && ev.EstimatedAt
	})
	sum := sha256.Sum256(*text)
	hashRoom.Put(text)
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // G115: the bits count, not the number
}

var hashRoom = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // scratch memory alone

// appendStruct writes the fields that are not empty, and an end.
func appendStruct(text []byte, v reflect.Value, skip func(string) bool) []byte {
	t := v.Type()
	for i := range v.NumField() {
		field := v.Field(i)
		if empty(field) || skip != nil && skip(t.Field(i).Name) {
			continue
		}
		text = appendLong(text, t.Field(i).Name)
		text = appendValue(text, field)
	}
	return append(text, 0)
}

// empty reports whether a field says nothing. A pointer to an empty struct says
// that the part is there.
func empty(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // the others are empty when they are zero
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func appendValue(text []byte, v reflect.Value) []byte {
	if v.Type() == timeType {
		at := v.Interface().(time.Time)                                     // looked at just now
		text = binary.BigEndian.AppendUint64(text, uint64(at.Unix()))       //nolint:gosec // G115: the bits count
		return binary.BigEndian.AppendUint32(text, uint32(at.Nanosecond())) //nolint:gosec // G115: below a billion
	}
	switch v.Kind() { //nolint:exhaustive // what an event has no field of is our own fault, found by its test
	case reflect.String:
		return appendLong(text, v.String())
	case reflect.Bool:
		if v.Bool() {
			return append(text, 1)
		}
		return append(text, 0)
	case reflect.Int, reflect.Int64:
		return binary.BigEndian.AppendUint64(text, uint64(v.Int())) //nolint:gosec // G115: the bits count
	case reflect.Pointer:
		return appendValue(text, v.Elem())
	case reflect.Struct:
		return appendStruct(text, v, nil)
	case reflect.Slice:
		text = binary.BigEndian.AppendUint32(text, uint32(v.Len())) //nolint:gosec // G115: bounded by the body
		for i := range v.Len() {
			text = appendValue(text, v.Index(i))
		}
		return text
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		text = binary.BigEndian.AppendUint32(text, uint32(len(keys))) //nolint:gosec // G115: bounded by the body
		for _, key := range keys {
			text = appendLong(text, key.String())
			text = appendValue(text, v.MapIndex(key))
		}
		return text
	default:
		panic("lake: no content hash of " + v.Type().String())
	}
}

var timeType = reflect.TypeFor[time.Time]() //nolint:gochecknoglobals // immutable

func appendLong(text []byte, s string) []byte {
	text = binary.BigEndian.AppendUint32(text, uint32(len(s))) //nolint:gosec // G115: bounded by the body
	return append(text, s...)
}
