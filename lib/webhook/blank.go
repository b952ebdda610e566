package webhook

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// blankFields overwrites the values of fields by their names: of form fields and
// of JSON members at any depth. The lengths stay, a string becomes asterisks and
// a number ones, so that what was JSON still is. It never writes to the text it
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
		blankEncoded(trimmed, func(plain []byte) { blankMembers(plain, named) })
		return text
	}
	for _, p := range splitPairs(text, maxPairs) {
		if named(string(p.key)) {
			cover(text[p.from:p.to])
		} else if len(p.value) > 0 && (p.value[0] == '{' || p.value[0] == '[') {
			blankEncoded(text[p.from:p.to], func(plain []byte) { blankMembers(plain, named) })
		}
	}
	return text
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
			coverNumber(text[value:numberEnd(text, value)])
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

// numberEnd is where the JSON number that begins at from ends.
func numberEnd(text []byte, from int) int {
	for from < len(text) && strings.IndexByte("+-.0123456789eE", text[from]) >= 0 {
		from++
	}
	return from
}

// coverNumber overwrites the digits of a number. By ones, since JSON knows no
// number that begins with several zeros.
func coverNumber(number []byte) {
	for i, c := range number {
		if c >= '0' && c <= '9' {
			number[i] = '1'
		}
	}
}

// blankBody finds a secret that stands verbatim, percent-encoded as the value of
// a form field, alone on a line of a multipart body, behind the name on a line of
// plain text, or as a string or number of JSON, also of JSON that stands in a form
// field or was percent-encoded as a whole.
func blankBody(body []byte, secrets []string) []byte {
	clean := bytes.Clone(blankIn(body, secrets))
	for _, secret := range secrets {
		for _, before := range []string{"\r\n", "="} {
			for _, after := range []string{"\r\n", "\n"} {
				clean = bytes.ReplaceAll(clean, []byte(before+secret+after), []byte(before+stars(len(secret))+after))
			}
		}
	}
	trimmed := bytes.TrimSpace(clean)
	if _, ok := escapedJSON(trimmed); ok {
		blankEncoded(trimmed, func(plain []byte) { blankJSON(plain, secrets) })
		return clean
	}
	blankPairs(clean, secrets)
	blankJSON(clean, secrets)
	return clean
}

// blankPairs overwrites, in place, the values of form fields that are secrets or
// hold them in JSON.
func blankPairs(text []byte, secrets []string) {
	for _, p := range splitPairs(text, maxPairs) {
		switch {
		case len(p.value) == 0:
		case slices.Contains(secrets, string(p.value)):
			cover(text[p.from:p.to])
		case p.value[0] == '{' || p.value[0] == '[':
			blankEncoded(text[p.from:p.to], func(plain []byte) { blankJSON(plain, secrets) })
		}
	}
}

// blankEncoded does to JSON that is percent-encoded, in place, what overwrite does
// to the plain text. A byte that took three characters becomes three of what
// stands for it.
func blankEncoded(text []byte, overwrite func(plain []byte)) {
	plain := unescape(text)
	clean := bytes.Clone(plain)
	overwrite(clean)
	at := 0
	for i := range plain {
		width := 1
		if text[at] == '%' && at+2 < len(text) && isHex(text[at+1]) && isHex(text[at+2]) {
			width = 3
		}
		if clean[i] != plain[i] {
			for j := at; j < at+width; j++ {
				text[j] = clean[i]
			}
		}
		at += width
	}
}

// blankJSON overwrites, in place, the strings that are secrets, however they are
// escaped, and in JSON the numbers too.
func blankJSON(text []byte, secrets []string) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	numbers := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if numbers && (c == '-' || c >= '0' && c <= '9') {
			end := numberEnd(text, i)
			if slices.Contains(secrets, string(text[i:end])) {
				coverNumber(text[i:end])
			}
			i = end - 1
			continue
		}
		if c != '"' {
			continue
		}
		end := stringEnd(text, i)
		if end < 0 {
			return
		}
		plain := string(text[i+1 : end])
		if strings.IndexByte(plain, '\\') >= 0 && json.Unmarshal(text[i:end+1], &plain) != nil {
			plain = ""
		}
		if plain != "" && slices.Contains(secrets, plain) {
			cover(text[i+1 : end])
		}
		i = end
	}
}
