package identity

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
// count; digits do, "Guest 7" is not "Guest 8". Empty for a text without letters.
// It is as personal as the name.
func NameKey(text string) string {
	if key, ok := plainKey(text); ok {
		return key
	}
	return fullKey(text)
}

// plainKey is NameKey of what nearly all names are: a few words of plain Latin or
// Russian letters. It is ten times as fast, and a night compares every name.
func plainKey(text string) (string, bool) {
	var (
		letters [96]byte
		words   [8][]byte
		count   int
		named   bool
	)
	key := letters[:0]
	for i := 0; i < len(text); {
		if count == len(words) {
			return "", false
		}
		from, latin, russian := len(key), false, false
	word:
		for i < len(text) {
			switch c := text[i]; {
			case len(key)+2 > len(letters):
				return "", false
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
				key, latin = append(key, c|0x20), true
			case c >= '0' && c <= '9':
				key = append(key, c)
			case c < utf8.RuneSelf:
				i++
				break word
			default:
				r, size := utf8.DecodeRuneInString(text[i:])
				switch {
				case r == 'Ё', r == 'ё':
					r = 'е'
				case r >= 'А' && r <= 'Я':
					r += 'а' - 'А'
				case r < 'а' || r > 'я':
					return "", false
				}
				key, russian = utf8.AppendRune(key, r), true
				i += size - 1
			}
			i++
		}
		if latin && russian {
			return "", false // look-alikes
		}
		if named = named || latin || russian; len(key) > from {
			words[count] = key[from:]
			count++
		}
	}
	if !named {
		return "", true
	}
	slices.SortFunc(words[:count], bytes.Compare)
	var joined [len(letters) + len(words)]byte
	sorted := joined[:0]
	for i, word := range words[:count] {
		if i > 0 {
			sorted = append(sorted, ' ')
		}
		sorted = append(sorted, word...)
	}
	return string(sorted), true
}

func fullKey(text string) string {
	var words []string
	named := false
	for word := range strings.FieldsFuncSeq(norm.NFC.String(strings.ToValidUTF8(text, "")), betweenWords) {
		key := wordKey(word)
		if letter := strings.ContainsFunc(key, unicode.IsLetter); letter || strings.ContainsFunc(key, unicode.IsDigit) {
			words, named = append(words, key), named || letter
		}
	}
	if !named {
		return ""
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func betweenWords(r rune) bool { return notLetter(r) && !unicode.IsDigit(r) }

// wordKey is the comparison form of one word. A step may make room for another (a dotted
// capital İ lowers to the i that looks like a Cyrillic letter): they are repeated until
// nothing changes, so that the key of a key is that key.
func wordKey(word string) string {
	for {
		key := wordStep(word)
		if key == word {
			return key
		}
		word = key
	}
}

func wordStep(word string) string {
	if isMixed(word) {
		word = toCyrillic(word)
	}
	word = strings.ToLower(strings.ToUpper(word)) // letters that share a capital (ε ϵ, s ſ) are one
	word = strings.ReplaceAll(word, "ё", "е")
	word = strings.ReplaceAll(word, "\u0308", "") // dots apart from a letter after NFC are a second pair
	return norm.NFC.String(word)                  // some small letters compose with an accent that their capitals do not
}
