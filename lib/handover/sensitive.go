package handover

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/segment"
)

// fewestLetters is how many letters of a word a test such as startsWith must name to
// mean it.
const fewestLetters = 3

// Sensitive finds the word that makes a segment sensitive, empty if none does. Words
// are those of the configuration, then the built-in ones, in the order of the lists.
//
// A segment is sensitive where its key, its titles or a text of its rule names such a
// word. Letter case and ё do not count, Russian may be written in Latin letters, and
// a word of the configuration need not have its own ending. A rule also names a word
// that its startsWith, endsWith, contains, matches or comparison would let in: of a
// word of the configuration any such test that holds of it counts on columns of
// goods and tags, elsewhere three letters of it do; of the built-in stems three
// letters. A text that a column must equal names a built-in word only where it
// says it; of a word of the configuration three letters are enough there, too.
//
// Not sensitive is what goes by RFM and ABC alone: built-in segments of these
// families, and texts that a rule compares with columns of figures, stages and
// consents. The key and the titles of an owner's segment always count, because
// files would carry them.
func Sensitive(cfg *config.Config, s Segment) string {
	if slices.Contains([]string{segment.FamilyRFM, segment.FamilyCodes, familyABC}, s.Family) {
		return ""
	}
	var literals []segment.Literal
	if s.Rule != "" {
		literals = slices.DeleteFunc(segment.Literals(s.Rule), func(l segment.Literal) bool { return slices.Contains(figures(), l.Column) })
	}
	texts := []string{s.Key, s.Title.RU, s.Title.EN}
	for _, l := range literals {
		texts = append(texts, l.Text)
	}
	words := make([]said, len(texts))
	for i, text := range texts {
		words[i] = say(text)
		texts[i] = strings.Join(words[i].plain, " ")
	}
	for _, word := range cfg.Sensitive {
		if slices.ContainsFunc(texts, func(text string) bool { return names(text, word) }) ||
			slices.ContainsFunc(literals, func(l segment.Literal) bool { return letsIn(l, word) }) {
			return word
		}
	}
	for _, stem := range builtin() {
		if slices.ContainsFunc(words, stem.in) || slices.ContainsFunc(literals, stem.letIn) {
			return stem.text
		}
	}
	return ""
}

// familyABC is the family of the classes A, B and C.
const familyABC = "abc"

var builtin = sync.OnceValue(stems) //nolint:gochecknoglobals // a constant table

// figures are columns of gold/clients whose words tell of nothing but the business's
// own figures and steps.
func figures() []string {
	return []string{
		"rfm_code", "rfm_segment", "abc", "xyz", "lifecycle", "activity", "labels", "cohort_month", "consents", "as_of",
		"first_order_day", "last_order_day", "birth_month_day", "expected_next_day", "last_contact_day", "lead_day", "first_event_day", "last_event_day",
		"replenish_due_day", "replenish_overdue_day", "unfinished_day", "child_birthdays", "pet_birthdays", "preferred_hours",
	}
}

// goods are columns of what a client buys, asks for or is marked with. What has no
// column may be one of them.
func goods() []string {
	return []string{"", "categories", "interests", "interests_bought", "interests_open", "tags"}
}

// names tells whether a text in plain letters says a word of the configuration, with
// whatever ending. A word of one or two letters must stand alone.
func names(text, word string) bool {
	plain := plainText(word)
	if plain == "" {
		return false
	}
	if letters(plain) < fewestLetters {
		return strings.Contains(" "+text+" ", " "+plain+" ")
	}
	return strings.Contains(text, withoutEnding(plain))
}

// withoutEnding cuts the vowels that a long word ends with: гинекология also means
// гинекологии, and gynaecology gynaecological.
func withoutEnding(plain string) string {
	const shortest = 4
	for len(plain) > shortest && strings.ContainsRune("aeiouy", rune(plain[len(plain)-1])) {
		plain = plain[:len(plain)-1]
	}
	return plain
}

// letsIn tells whether a test of a rule holds of a word of the configuration.
func letsIn(l segment.Literal, word string) bool {
	text, word := lowered(l.Text), lowered(word)
	enough := letters(text) >= fewestLetters || l.Test != segment.TestIs && text != "" && slices.Contains(goods(), l.Column)
	switch l.Test {
	case segment.TestStarts:
		return enough && strings.HasPrefix(word, text)
	case segment.TestEnds:
		return enough && strings.HasSuffix(word, text)
	case segment.TestMatches:
		return slices.Contains(goods(), l.Column) && matches(l.Text, word) || slices.ContainsFunc(runs(l.Text), func(run string) bool { return strings.Contains(word, run) })
	}
	return enough && strings.Contains(word, text)
}

// letIn tells whether a test of a rule, but for equality, names a part of the stem.
func (s stem) letIn(l segment.Literal) bool {
	if l.Test == segment.TestIs {
		return false
	}
	stem := lowered(s.text)
	return slices.ContainsFunc(runs(l.Text), func(run string) bool {
		if l.Test == segment.TestStarts && !s.anywhere {
			return strings.HasPrefix(stem, run)
		}
		return strings.Contains(stem, run)
	})
}

// runs are the words of a text that have letters enough to name another.
func runs(text string) []string {
	return slices.DeleteFunc(strings.Fields(lowered(text)), func(run string) bool { return letters(run) < fewestLetters })
}

// matches tells whether a regular expression finds a word in any letter case. One
// that finds the empty text finds everything and says nothing.
func matches(pattern, word string) bool {
	re, err := regexp.Compile("(?i)" + pattern)
	return err == nil && !re.MatchString("") && re.MatchString(word)
}

func letters(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
