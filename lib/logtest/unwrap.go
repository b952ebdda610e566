package logtest

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortest is how many bytes a wrapped text must have to be looked at: a name of
// three Cyrillic letters. In base64 it is twice that, since every second word is
// base64, too.
const shortest = 6

var (
	hexWord     = regexp.MustCompile(`[0-9a-fA-F]{12,}`)
	hexList     = regexp.MustCompile(`0x[0-9a-f]{1,2}(?:, ?0x[0-9a-f]{1,2}){5,}`)
	base64Word  = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}={0,2}`)
	decimalList = regexp.MustCompile(`\[\d{1,3}(?: \d{1,3}){5,}\]`)
	escaped     = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2})+`)
	percent     = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`)
)

// unwrapped is every text that s holds in another form: percent-encoded, with
// escapes, in hex, in base64, or as a list of bytes. A hash is in none of them, as
// its bytes are no readable text.
func unwrapped(s string) []string {
	var texts []string
	keep := func(text []byte) {
		if len(text) >= shortest && readable(text) {
			texts = append(texts, string(text))
		}
	}
	if strings.Contains(s, "%") {
		if text := percent.ReplaceAllStringFunc(s, fromPercent); text != s {
			texts = append(texts, text, strings.ReplaceAll(text, "+", " "))
		}
	}
	if strings.Contains(s, `\`) {
		if text := escaped.ReplaceAllStringFunc(s, fromEscapes); text != s {
			texts = append(texts, text)
		}
	}
	for _, word := range hexWord.FindAllString(s, -1) {
		if text, err := hex.DecodeString(word[:len(word)&^1]); err == nil {
			keep(text)
		}
	}
	for _, word := range base64Word.FindAllString(s, -1) {
		word = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(word, "="))
		if len(word)%4 == 1 {
			word = word[:len(word)-1]
		}
		if text, err := base64.RawStdEncoding.DecodeString(word); err == nil {
			keep(text)
		}
	}
	for _, list := range decimalList.FindAllString(s, -1) {
		keep(fromList(strings.Fields(strings.Trim(list, "[]")), 10))
	}
	for _, list := range hexList.FindAllString(s, -1) {
		keep(fromList(strings.Fields(strings.NewReplacer("0x", "", ",", " ").Replace(list)), 16))
	}
	return texts
}

func fromPercent(s string) string {
	text, err := hex.DecodeString(strings.ReplaceAll(s, "%", ""))
	if err != nil {
		return s
	}
	return string(text)
}

func fromEscapes(s string) string {
	text, err := strconv.Unquote(`"` + s + `"`)
	if err != nil { // half of a surrogate pair
		return s
	}
	return text
}

func fromList(items []string, base int) []byte {
	var text []byte
	for _, item := range items {
		n, err := strconv.ParseUint(item, base, 8)
		if err != nil {
			return nil
		}
		text = append(text, byte(n))
	}
	return text
}

// readable tells text from the bytes of a hash, which are sometimes letters too, but
// of scripts that nobody here writes.
func readable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsPrint(r) || unicode.IsSpace(r)):
		case 'Ѐ' <= r && r <= 'џ', unicode.IsPunct(r), r == '\u00a0', r == '№':
		default:
			return false
		}
	}
	return true
}
