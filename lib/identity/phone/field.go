package phone

import (
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/lib/identity"
)

// longestField is more than any list of numbers; what is longer is a text, whose
// digits are no contacts.
const longestField = 512

// mostChunks bounds the ways to part one run of digits at its blanks.
const mostChunks = 32

// field is a text with each character in a plain form and its place as typed.
type field struct {
	raw  string
	text []rune
	at   []int // place in raw of each character, and its length
}

// plain brings characters that look alike to one: digits of other scripts and
// full-width ones become ASCII, every blank a blank, every dash a dash. What
// cannot be seen goes.
func plain(raw string) field {
	f := field{raw: raw, text: make([]rune, 0, len(raw)), at: make([]int, 0, len(raw)+1)}
	for i, r := range raw {
		switch {
		case r < 0x80:
			if r == '\t' {
				r = ' '
			}
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			r = '\n'
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.M, r):
			continue
		case unicode.IsSpace(r):
			r = ' '
		case unicode.Is(unicode.Pd, r) || r == '−':
			r = '-'
		case r >= '！' && r <= '～': // the full-width forms of ASCII
			r -= '！' - '!'
		default:
			for _, zero := range []rune{'٠', '۰', '०', '𝟎', '𝟘', '𝟢', '𝟬', '𝟶'} {
				if r >= zero && r < zero+10 {
					r = '0' + r - zero
					break
				}
			}
		}
		f.text = append(f.text, unicode.ToLower(r))
		f.at = append(f.at, i)
	}
	f.at = append(f.at, len(raw))
	return f
}

// span is a part of a field's text, [from, to).
type span struct{ from, to int }

// word says what a run of letters means beside numbers.
type word int

const (
	note  word = iota // whose number it is, or anything else
	label             // "tel": says what is known
	part              // "or": parts two numbers
	ext               // an extension follows
)

func wordKind(text string) word {
	switch text {
	case "тел", "телефон", "т", "номер", "н", "tel", "t", "phone", "telephone", "number", "no", "n", "№":
		return label
	case "или", "и", "либо", "or", "and":
		return part
	case "доб", "добав", "добавочный", "вн", "внут", "внутр", "внутренний", "ext", "extn", "extension", "x", "х", "#":
		return ext
	}
	return note
}

// reading is the state of going through one field.
type reading struct {
	field
	country  string
	numbers  []identity.PhoneNumber
	unread   []string
	open     bool // an extension may still follow the last number
	expected bool // the word for an extension was just read
}

func readField(raw, country string) ([]identity.PhoneNumber, []string) {
	whole := strings.TrimSpace(raw)
	if whole == "" {
		return nil, nil
	}
	if len(raw) > longestField {
		return nil, []string{whole}
	}
	r := reading{field: plain(raw), country: country}
	for i := 0; i < len(r.text); {
		i = r.next(i)
	}
	if len(r.numbers) == 0 {
		return nil, []string{whole}
	}
	return r.numbers, r.unread
}

// next reads what begins at i and returns where it ends.
func (r *reading) next(i int) int {
	c := r.text[i]
	switch {
	case isDigit(c) || c == '+':
		run := r.run(i)
		r.digits(run)
		return run.to
	case c == '#' || c == '№':
		r.word(wordKind(string(c)), span{i, i + 1})
		return i + 1
	case isWord(c):
		s := span{i, i + 1}
		for s.to < len(r.text) && isWord(r.text[s.to]) {
			s.to++
		}
		r.word(wordKind(string(r.text[s.from:s.to])), s)
		return s.to
	}
	return i + 1
}

func (r *reading) word(kind word, s span) {
	switch kind {
	case ext:
		r.expected = r.open
		if r.open {
			return
		}
		fallthrough
	case note:
		r.open, r.expected = false, false
		r.keep(s)
	case part:
		r.open, r.expected = false, false
	case label:
	}
}

// keep adds to the rest.
func (r *reading) keep(s span) {
	r.unread = append(r.unread, strings.TrimSpace(r.raw[r.at[s.from]:r.at[s.to]]))
}

// run is the longest part from i on that may be numbers alone: digits and
// punctuation up to the next plus sign.
func (r *reading) run(i int) span {
	s := span{i, i + 1}
	for j := i + 1; j < len(r.text) && (isDigit(r.text[j]) || isPunctuation(r.text[j])); j++ {
		if isDigit(r.text[j]) {
			s.to = j + 1
		}
	}
	return s
}

// digits reads a run: an extension if one is expected, else numbers.
func (r *reading) digits(run span) {
	if r.count(run) == 0 {
		return // a plus sign alone
	}
	if r.expected {
		r.expected, r.open = false, false
		to := run.from
		for to < run.to && isDigit(r.text[to]) {
			to++
		}
		if length := to - run.from; length > 0 && length <= 7 && !r.brokenAfter(to) {
			r.numbers[len(r.numbers)-1].Extension = string(r.text[run.from:to])
			for to < run.to && !isDigit(r.text[to]) {
				to++
			}
			if run.from = to; run.from == run.to {
				return
			}
		}
	}
	if r.brokenBefore(run.from) || r.brokenAfter(run.to) {
		r.open = false
		r.keep(run)
		return
	}
	// Either each part between slashes stands for itself, or a slash is mere
	// punctuation in one number.
	parts := r.cut(run, '/')
	if len(parts) > 1 {
		if number, ok := r.one(run); ok && !r.anyComplete(parts) {
			r.add(number)
			return
		}
	}
	for _, p := range parts {
		numbers := r.several(p)
		for _, number := range numbers {
			r.add(number)
		}
		if len(numbers) == 0 {
			r.open = false
			r.keep(p)
		}
	}
}

func (r *reading) add(number identity.Phone) {
	r.numbers = append(r.numbers, identity.PhoneNumber{Phone: number})
	r.open = true
}

// brokenBefore reports whether a lone letter or a symbol touches the digits: a
// number with a letter for a zero, or one that somebody masked.
func (r *reading) brokenBefore(i int) bool {
	if i > 0 && r.text[i-1] == '(' {
		i--
	}
	if i == 0 {
		return false
	}
	c := r.text[i-1]
	if isWord(c) {
		lone := i < 2 || !isWord(r.text[i-2])
		return lone && (wordKind(string(c)) == note || wordKind(string(c)) == ext)
	}
	return isSymbol(c)
}

func (r *reading) brokenAfter(i int) bool {
	if i < len(r.text) && r.text[i] == ')' {
		i++
	}
	if i >= len(r.text) {
		return false
	}
	c := r.text[i]
	if isWord(c) {
		lone := i+1 >= len(r.text) || !isWord(r.text[i+1])
		return lone && (wordKind(string(c)) == note || wordKind(string(c)) == label)
	}
	return isSymbol(c)
}

// cut parts a span at a character, leaving out parts without digits.
func (r *reading) cut(s span, at rune) []span {
	var parts []span
	from := s.from
	for i := s.from; i <= s.to; i++ {
		if i < s.to && r.text[i] != at {
			continue
		}
		if p := (span{from, i}); r.count(p) > 0 {
			parts = append(parts, p)
		}
		from = i + 1
	}
	return parts
}

func (r *reading) count(s span) int {
	n := 0
	for _, c := range r.text[s.from:s.to] {
		if isDigit(c) {
			n++
		}
	}
	return n
}

// written is the number of a span without its punctuation.
func (r *reading) written(s span) typed {
	var t typed
	digits := make([]rune, 0, s.to-s.from)
	first := -1
	for i := s.from; i < s.to; i++ {
		switch c := r.text[i]; {
		case isDigit(c):
			if len(digits) == 0 {
				first = i
			}
			digits = append(digits, c)
		case c == '+':
			t.plus = true
		}
	}
	t.digits = string(digits)
	t.apart = first >= 0 && first+1 < s.to && !isDigit(r.text[first+1])
	return t
}

// one reads a span as one number, punctuation or not.
func (r *reading) one(s span) (identity.Phone, bool) {
	t := r.written(s)
	if number, ok := atHome(t, r.country); ok {
		return number, true
	}
	return abroad(t, r.country)
}

func (r *reading) anyComplete(parts []span) bool {
	for _, p := range parts {
		if len(r.several(p)) > 0 {
			return true
		}
	}
	return false
}

// several reads a span as one number or, where it is none, as several with blanks
// between them, if there is only one way to part it into complete numbers. A
// number of another country without its plus sign is none where its beginning is
// complete already: "916 123 45 67 89" is a number with something after it.
func (r *reading) several(s span) []identity.Phone {
	if number, ok := atHome(r.written(s), r.country); ok {
		return []identity.Phone{number}
	}
	chunks := r.cut(s, ' ')
	if len(chunks) > mostChunks {
		return nil
	}
	begun := false
	// ways[i] are how many ways part the chunks from i on; first is one of them.
	type ways struct {
		count int
		first identity.Phone
		next  int
	}
	from := make([]ways, len(chunks)+1)
	from[len(chunks)].count = 1
	for i := len(chunks) - 1; i >= 0; i-- {
		digits := 0
		for j := i + 1; j <= len(chunks) && digits <= 15; j++ {
			if i == 0 && j == len(chunks) {
				break // the whole is no number, as was seen
			}
			digits += r.count(chunks[j-1])
			if digits < 7 || from[j].count == 0 && i > 0 {
				continue
			}
			t := r.written(span{chunks[i].from, chunks[j-1].to})
			number, ok := atHome(t, r.country)
			if !ok {
				continue
			}
			begun = begun || i == 0 && assigned(t, r.country)
			if from[j].count > 0 {
				from[i] = ways{min(2, from[i].count+from[j].count), number, j}
			}
		}
	}
	if from[0].count == 0 && !begun {
		if number, ok := abroad(r.written(s), r.country); ok {
			return []identity.Phone{number}
		}
	}
	if from[0].count != 1 {
		return nil
	}
	var numbers []identity.Phone
	for i := 0; i < len(chunks); i = from[i].next {
		numbers = append(numbers, from[i].first)
	}
	return numbers
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// isPunctuation is what people write within a number.
func isPunctuation(c rune) bool {
	switch c {
	case ' ', '-', '(', ')', '[', ']', '.', '/', '\'', '~', ':':
		return true
	}
	return false
}

func isWord(c rune) bool { return unicode.IsLetter(c) }

// isSymbol is what neither separates numbers nor stands in one: *, @, $ and the
// like. Pictures beside a number do no harm.
func isSymbol(c rune) bool {
	switch c {
	case '"', '\'', '<', '>', ',', ';', '|', '=', ':', '#', '№', '+', '!', '?', '«', '»', '{', '}', '•', '·', '\n', '\r':
		return false
	}
	return !isDigit(c) && !isWord(c) && !isPunctuation(c) && !unicode.Is(unicode.So, c) && !unicode.Is(unicode.Sk, c)
}
