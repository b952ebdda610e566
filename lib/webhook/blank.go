package webhook

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// blankFields overwrites the values of fields by their names: of form fields and
// of JSON members at any depth. The lengths stay, a string becomes asterisks and
// a number zeros, so that what was JSON still is. It never writes to the text it
// was given.
func blankFields(text []byte, fields []string) []byte {
	if len(fields) == 0 || len(text) == 0 {
		return text
	}
	named := func(key string) bool {
		return slices.ContainsFunc(fields, func(f string) bool {
			return key == f || strings.HasSuffix(f, "[") && strings.HasPrefix(key, f)
		})
	}
	text = bytes.Clone(text)
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		blankMembers(trimmed, named)
		return text
	}
	if _, ok := escapedJSON(trimmed); ok {
		blankEscaped(trimmed, named)
		return text
	}
	for _, p := range splitPairs(text, maxPairs) {
		if named(string(p.key)) {
			cover(text[p.from:p.to])
		} else if len(p.value) > 0 && (p.value[0] == '{' || p.value[0] == '[') {
			blankEscaped(text[p.from:p.to], named)
		}
	}
	return text
}

// blankEscaped is blankMembers for JSON that went through a form's encoder. Each
// letter is overwritten where it stands, with all three of an escape's.
func blankEscaped(text []byte, named func(key string) bool) {
	plain := unescape(text)
	clean := bytes.Clone(plain)
	blankMembers(clean, named)
	for at, i := 0, 0; i < len(clean); i++ {
		size := 1
		if text[at] == '%' && at+2 < len(text) && isHex(text[at+1]) && isHex(text[at+2]) {
			size = 3
		}
		if clean[i] != plain[i] {
			for j := range size {
				text[at+j] = clean[i]
			}
		}
		at += size
	}
}

// blankMembers overwrites, in place, the string and number values of the JSON
// members whose key is named. It only looks for keys, so that a body which breaks
// off or is no JSON at all gives nothing away either.
func blankMembers(text []byte, named func(key string) bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end := stringEnd(text, i)
		if end < 0 {
			return
		}
		var key string
		if json.Unmarshal(text[i:end+1], &key) != nil {
			key = string(text[i+1 : end])
		}
		i = end
		value := end + 1
		for value < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[value]) >= 0 {
			value++
		}
		if value >= len(text) || text[value] != ':' || !named(key) {
			continue
		}
		for value++; value < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[value]) >= 0; value++ {
			continue
		}
		if value >= len(text) {
			return
		}
		switch c := text[value]; {
		case c == '"':
			last := stringEnd(text, value)
			if last < 0 {
				last = len(text) // broken off in the middle of the secret
			}
			cover(text[value+1 : last])
			i = min(last, len(text)-1)
		case c == '-' || c >= '0' && c <= '9':
			for ; value < len(text) && (text[value] >= '0' && text[value] <= '9'); value++ {
				text[value] = '0'
			}
		}
	}
}

// stringEnd is the index of the quotation mark that closes the string which
// begins at from; negative where the text breaks off before it.
func stringEnd(text []byte, from int) int {
	for i := from + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
