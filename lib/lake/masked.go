package lake

import (
	"regexp"
	"slices"
	"strings"
)

// mention is a contact value within other words: an e-mail, a mobile number of
// Russia or its neighbours as people write it, or a number with its plus sign. Bare
// digits of another form are articles, barcodes and numbers of contracts.
var mention = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+\.[^\s<>"'(),;:]+` +
	`|\+\d(?:[\s().-]{0,2}\d){9,14}` +
	`|\b[78][\s(.-]{0,2}9\d\d(?:[\s().-]{0,2}\d){7}\b`)

// masked takes contact values out of words that people choose, such as a tag, an
// interest or the name of an article, since these are shown to everybody.
func masked(s string) string {
	if !mayMention(s) {
		return s
	}
	return mention.ReplaceAllLiteralString(s, "[withheld]")
}

// maskedAll is masked for each of a list. The list itself is not changed.
func maskedAll(words []string) []string {
	if !slices.ContainsFunc(words, mayMention) {
		return words
	}
	words = slices.Clone(words)
	for i, word := range words {
		words[i] = masked(word)
	}
	return words
}

// mayMention spares most words the regular expression.
func mayMention(s string) bool {
	if strings.Contains(s, "@") {
		return true
	}
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	return digits >= 10
}
