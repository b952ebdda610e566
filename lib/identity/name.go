package identity

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Name is a person's name in its parts, as they are written to people: letter
// case repaired, ё kept. A part that cannot be told from the others is empty.
type Name struct {
	Full       string // all of it, in the order typed
	First      string // several where a person has several: Anna Maria
	Last       string // with its particles: von Trapp
	Patronymic string
}

// LogValue keeps the name out of logs.
func (Name) LogValue() slog.Value { return slog.StringValue("[name]") }

// Format keeps the name out of every fmt verb.
func (Name) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[name]")) }

// String keeps the name out of texts made without fmt.
func (Name) String() string { return "[name]" }

// MarshalText keeps the name out of JSON.
func (Name) MarshalText() ([]byte, error) { return []byte("[name]"), nil }

// ParseName splits a full name of Russia and its neighbours or in Latin letters.
// What is first name and what last is told by a list of first names, by the
// endings of patronymics and surnames, and by particles and initials, never by
// the order alone: "Иванов Петров" has a Full name only. In Latin letters the
// one word beside a known first name is the last name; in Cyrillic it must look
// like one, since there "Анна Авито" is what people save. A company, or a text
// with digits or an @, has no parts.
//
// Letter case is repaired where a word is all capitals or all small; letters are
// never exchanged, see LookAlike.
func ParseName(full string) Name {
	text := strings.Join(strings.Fields(norm.NFC.String(strings.ToValidUTF8(full, ""))), " ")
	if text == "" {
		return Name{}
	}
	if len(text) > 200 || strings.ContainsAny(text, "0123456789@\"«»/\\+_=") {
		return Name{Full: text}
	}
	before, after, comma := strings.Cut(text, ",") // Smith, John
	words := wordsOf(before, comma && after != "")
	if comma {
		words = append(words, wordsOf(after, false)...)
	}
	for i := range words {
		switch {
		case words[i].kind == company || strings.ContainsFunc(words[i].key, func(r rune) bool { return r == ',' || r == ';' || r == '&' }):
			return Name{Full: text}
		case words[i].kind == unknown && words[i].comma && len(words) > 1:
			words[i].kind = surname
		}
	}
	if len(words) == 0 {
		return Name{Full: text}
	}
	n := split(words)
	n.Full = join(words)
	if comma {
		n.Full = text
	}
	return n
}

// kind is what a word of a name is by itself.
type kind int

const (
	unknown kind = iota
	first
	surname
	patronymic
	fatherhood // оглы, кызы behind a father's name
	particle   // von, de
	initial
	company
)

type nameWord struct {
	text  string // as shown
	key   string
	kind  kind
	latin bool
	comma bool // a comma ends the words of this one
}

type nameWords []nameWord

// of are the words of a kind, in their order.
func (words nameWords) of(k kind) nameWords {
	var of nameWords
	for _, w := range words {
		if w.kind == k {
			of = append(of, w)
		}
	}
	return of
}

func wordsOf(text string, comma bool) nameWords {
	var words nameWords
	// А.П. are two words.
	for raw := range strings.FieldsSeq(strings.ReplaceAll(text, ".", ". ")) {
		key := wordKey(strings.Trim(raw, ".()'’-"))
		if key == "" {
			continue
		}
		switch key {
		case "г-н", "г-жа", "господин", "госпожа", "ип", "mr", "mrs", "ms", "miss", "dr":
			if len(words) == 0 {
				continue
			}
		}
		w := nameWord{text: repaired(strings.Trim(raw, "()-")), key: key, comma: comma}
		w.latin = !hasCyrillic(key)
		w.kind = kindOf(key)
		if w.kind != initial {
			w.text = strings.TrimSuffix(w.text, ".")
		}
		if w.kind == particle || w.kind == fatherhood {
			w.text = strings.ToLower(w.text)
		}
		words = append(words, w)
	}
	return words
}

func kindOf(key string) kind {
	switch key {
	case "ооо", "оао", "зао", "пао", "ао", "тоо", "чп", "чуп", "гк", "llc", "ltd", "inc", "gmbh", "corp", "салон", "магазин", "клиника", "компания", "фирма",
		"студия", "отдел", "офис", "office", "shop", "company", "group":
		return company
	case "оглы", "оглу", "кызы", "гызы", "улы", "уулу", "oglu", "ogly", "kyzy", "qizi":
		return fatherhood
	case "фон", "ван", "де", "дер", "ди", "да", "дель", "von", "van", "der", "den", "de", "da", "di", "del", "della", "la", "le", "du", "dos", "bin", "ibn", "al", "el":
		return particle
	}
	if utf8.RuneCountInString(key) == 1 {
		return initial
	}
	if isFirstName(key) {
		return first
	}
	if head, tail, ok := strings.Cut(key, "-"); ok {
		switch {
		case kindOf(tail) == fatherhood:
			return patronymic // Гасан-оглы
		case isFirstName(head) && isFirstName(tail):
			return first
		case kindOf(tail) == surname && !isFirstName(head):
			return surname
		}
		return unknown
	}
	if isPatronymic(key) {
		return patronymic
	}
	if isSurname(key) {
		return surname
	}
	return unknown
}

func isPatronymic(key string) bool {
	switch key {
	case "ильич", "кузьмич", "лукич", "фомич", "никитич", "саввич", "ильинична", "кузьминична", "лукинична", "никитична", "фоминична", "саввична":
		return true
	}
	return len([]rune(key)) >= 6 && hasEnding(key, "ович", "евич", "овна", "евна", "ьич", "ovich", "evich", "ovna", "evna", "yevich", "ichna")
}

// isSurname goes by endings that first names have so seldom that the list of
// them, which comes first, holds those.
func isSurname(key string) bool {
	switch key {
	case "ким", "пак", "цой", "ли", "хан", "тен", "шмидт", "миллер", "вебер", "мельник", "бондарь", "гончар", "ткач", "швец", "коваль", "мороз", "кравец",
		"заяц", "новак", "шульц", "мейер", "майер", "вагнер", "шевчук", "smith", "jones", "brown", "taylor", "johnson", "williams", "miller":
		return true
	}
	return len([]rune(key)) >= 4 && hasEnding(
		key, "ов", "ова", "ев", "ева", "ин", "ина", "ын", "ына", "ский", "ская", "цкий", "цкая", "ской", "енко", "чук", "юк", "ук", "ян", "янц", "дзе", "швили",
		"иани", "ых", "их", "штейн", "берг", "ман", "заде", "зода", "ович", "евич",
		"ov", "ova", "ev", "eva", "skiy", "sky", "skaya", "enko", "chuk", "yan", "dze", "shvili", "mann", "berg", "stein", "son",
	)
}

func hasEnding(key string, endings ...string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(key, ending) {
			return true
		}
	}
	return false
}

// split says which words are what.
func split(words nameWords) Name {
	var n Name
	words, father, at := withoutPatronymic(words)
	n.Patronymic = father
	if p := indexOf(words, particle); p >= 0 {
		if p > 0 && p < len(words)-1 { // Anna Maria von Trapp
			n.First, n.Last = join(words[:p]), join(words[p:])
		}
		return n
	}
	firsts, lasts, others := words.of(first), words.of(surname), words.of(unknown)
	initials := len(words) - len(firsts) - len(lasts) - len(others)
	switch {
	case len(lasts) == 1 && len(others) == 0:
		n.Last = join(lasts)
	case len(lasts) > 0 || len(others) != 1:
	case len(firsts) == 0 && initials > 0:
		n.Last = join(others) // Габрилян А. П.
	case len(firsts) > 0 && initials == 0 && others[0].latin && firsts[0].latin && together(words):
		n.Last = join(others)
	}
	if len(lasts) < 2 && (len(firsts) == 1 || len(firsts) > 1 && n.Last != "" && together(words)) {
		n.First = join(firsts)
	}
	if father != "" && (n.First == "" || n.Last == "") && initials == 0 {
		byPatronymic(&n, words, at)
	}
	return n
}

// withoutPatronymic takes the patronymic out and says where it stood. A male one
// before a first name is a surname (Абрамович Роман), and so is the first of two.
func withoutPatronymic(words nameWords) (rest nameWords, father string, at int) {
	from, to := -1, -1
	if i := indexOf(words, fatherhood); i > 0 {
		from, to = i-1, i+1
	} else {
		for i, w := range words {
			if w.kind != patronymic {
				continue
			}
			if from >= 0 {
				words[from].kind = surname
			}
			from, to = i, i+1
		}
	}
	if from == 0 && len(words) > 1 && isSurname(words[0].key) {
		words[0].kind = surname
		return words, "", 0
	}
	if from < 0 {
		return words, "", 0
	}
	return slices.Concat(words[:from], words[to:]), join(words[from:to]), from
}

// byPatronymic tells what the lists could not: the first name stands directly
// before the patronymic, and the other word is the last name.
func byPatronymic(n *Name, words nameWords, at int) {
	switch {
	case len(words) == 1 && at == 1 && words[0].kind == unknown:
		n.First = words[0].text
	case len(words) == 2 && at == 2 && (words[0].kind != first || words[1].kind == first):
		n.Last, n.First = words[0].text, words[1].text
	case len(words) == 2 && at > 0:
		n.First, n.Last = words[0].text, words[1].text
	}
}

// together reports whether the first names stand side by side.
func together(words nameWords) bool {
	runs := 0
	for i, w := range words {
		if w.kind == first && (i == 0 || words[i-1].kind != first) {
			runs++
		}
	}
	return runs == 1
}

func indexOf(words nameWords, k kind) int {
	for i, w := range words {
		if w.kind == k {
			return i
		}
	}
	return -1
}

func join(words nameWords) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

// repaired gives a word of all capitals or all small letters a capital at its
// beginning and behind each hyphen, and behind an apostrophe after one letter
// (O'Neil). Other words stay: McDonald.
func repaired(word string) string {
	lower, upper := strings.ToLower(word), strings.ToUpper(word)
	if word != lower && (word != upper || utf8.RuneCountInString(strings.Trim(word, ".")) < 2) {
		return word
	}
	var b strings.Builder
	begin, letters := true, 0
	for _, r := range lower {
		if begin && unicode.IsLetter(r) {
			r = unicode.ToTitle(r)
			begin = false
		}
		switch {
		case r == '-':
			begin, letters = true, 0
		case (r == '\'' || r == '’') && letters == 1:
			begin = true
		default:
			letters++
		}
		b.WriteRune(r)
	}
	return b.String()
}
