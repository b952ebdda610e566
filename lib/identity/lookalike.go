package identity

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// LookAlike reports a word that mixes Latin and Cyrillic letters, such as Анна
// with a Latin A: one person looks like two, and no search finds him. It is a
// remark for people. Parts of a word with a hyphen stand for themselves ("VIP-клиент").
func LookAlike(text string) bool {
	for word := range strings.FieldsFuncSeq(text, notLetter) {
		if isMixed(word) {
			return true
		}
	}
	return false
}

func isMixed(word string) bool {
	latin := strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
	return latin && hasCyrillic(word)
}

func hasCyrillic(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// notLetter ends a word; the accents of a decomposed letter do not.
func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) }

// The letters that look the same, capital and small: К and Т only as capitals.
const (
	alikeLatin    = "ABCEHKMOPTXYaceopxykiIjJsSëË"
	alikeCyrillic = "АВСЕНКМОРТХУасеорхукіІјЈѕЅёЁ"
)

// toCyrillic replaces Latin letters by those that look the same as capitals,
// which most look-alikes were before a system lowered them.
func toCyrillic(text string) string {
	return replaced(strings.ToUpper(text), alikeLatin, alikeCyrillic)
}

// toLatin replaces Cyrillic letters by those that look the same.
func toLatin(text string) string {
	if isASCII(text) {
		return text
	}
	return replaced(text, alikeCyrillic, alikeLatin)
}

func replaced(text, from, to string) string {
	target := []rune(to)
	return strings.Map(func(r rune) rune {
		if i := slices.Index([]rune(from), r); i >= 0 {
			return target[i]
		}
		return r
	}, text)
}

// NameKey is what names are compared by: letter case, ё and е, the order of the
// words, punctuation, hyphens, accents' spelling and look-alike letters do not
// count. Empty for a text without letters. It is as personal as the name.
func NameKey(text string) string {
	var words []string
	for word := range strings.FieldsFuncSeq(norm.NFC.String(strings.ToValidUTF8(text, "")), notLetter) {
		if key := wordKey(word); strings.ContainsFunc(key, unicode.IsLetter) {
			words = append(words, key)
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// wordKey is the comparison form of one word.
func wordKey(word string) string {
	if isMixed(word) {
		word = toCyrillic(word)
	}
	word = strings.ReplaceAll(strings.ToLower(word), "ё", "е")
	word = strings.ReplaceAll(word, "\u0308", "") // dots apart from a letter after NFC are a second pair
	return norm.NFC.String(word)                  // some small letters compose with an accent that their capitals do not
}
