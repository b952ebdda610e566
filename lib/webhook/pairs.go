package webhook

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/leadlake/leadlake/lib/event"
)

// Limits of a form.
const (
	maxPairs     = event.MaxKeys
	maxFormDepth = 32
)

// pair is one field of a form as bytes, before anything is known about its
// character set. from and to bound the raw value in the text it was cut from.
type pair struct {
	key, value []byte
	from, to   int
}

// splitPairs cuts an application/x-www-form-urlencoded text and forgives what
// net/url drops in silence (webhooks.md §4): a semicolon is a character of the
// value, a percent sign that begins no escape stands for itself, an HTML-escaped
// ampersand still separates. At most limit+1 pairs are cut, so that a caller can
// see that there were too many.
func splitPairs(text []byte, limit int) []pair {
	var pairs []pair
	for start := 0; start < len(text) && len(pairs) <= limit; {
		end := len(text)
		if i := bytes.IndexByte(text[start:], '&'); i >= 0 {
			end = start + i
		}
		at := start
		if start > 0 && bytes.HasPrefix(text[start:end], []byte("amp;")) {
			at += len("amp;")
		}
		key, value, from := text[at:end], []byte(nil), end
		if i := bytes.IndexByte(text[at:end], '='); i >= 0 {
			key, from = text[at:at+i], at+i+1
			value = text[from:end]
		}
		if len(key) > 0 {
			pairs = append(pairs, pair{key: unescape(key), value: unescape(value), from: from, to: end})
		}
		start = end + 1
	}
	return pairs
}

// unescape undoes percent-encoding and turns + into a blank. What is no escape
// stays as it is. The result never shares memory with b.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '+':
			out = append(out, ' ')
		case b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]):
			out = append(out, nibble(b[i+1])<<4|nibble(b[i+2]))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// nibble is the value of a hex digit: the low bits of a letter begin at 1 for a.
func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9
}

// toUTF8 decides once for all pairs of a form: where most bytes beyond ASCII make
// up UTF-8 the text is UTF-8 (a value cut in the middle of a letter does not
// change that), else it is Windows-1251, the only other thing that Russian pages
// send. Deciding per value would misread short ones.
func toUTF8(pairs []pair) {
	letters, broken := 0, 0
	for _, p := range pairs {
		for _, b := range [][]byte{p.key, p.value} {
			l, x := countRunes(b)
			letters, broken = letters+l, broken+x
		}
	}
	if broken == 0 {
		return
	}
	for i := range pairs {
		pairs[i].key = recode(pairs[i].key, letters > broken)
		pairs[i].value = recode(pairs[i].value, letters > broken)
	}
}

func recode(b []byte, isUTF8 bool) []byte {
	if isUTF8 {
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return windows1251(b)
}

func windows1251(b []byte) []byte {
	text, err := charmap.Windows1251.NewDecoder().Bytes(b)
	if err != nil { // cannot happen: every byte has a meaning or becomes U+FFFD
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return text
}

func countRunes(b []byte) (letters, broken int) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			broken++
		case r >= utf8.RuneSelf:
			letters++
		}
		b = b[size:]
	}
	return letters, broken
}

// treeOf builds the tree that bracketed names describe: a[0][b]=1 is an array of
// objects, a[]=1&a[]=2 and a=1&a=2 are lists. Numbers that do not run from 0
// without a gap stay keys of an object, so a sparse index costs nothing and is
// not lost.
func treeOf(pairs []pair) (event.Value, *Failure) {
	if len(pairs) > maxPairs {
		return event.Value{}, &Failure{Reason: ReasonFormTooMany, Detail: "more than " + strconv.Itoa(maxPairs) + " fields"}
	}
	root := &node{}
	for _, p := range pairs {
		path := bracketPath(string(p.key))
		if len(path) > maxFormDepth {
			return event.Value{}, &Failure{Reason: ReasonFormTooDeep, Detail: "a field name of more than " + strconv.Itoa(maxFormDepth) + " levels"}
		}
		at := root
		for i, part := range path {
			if part == "" && i == len(path)-1 && i > 0 {
				at.list = true
				break
			}
			if part == "" && i > 0 { // a[][b]: each one is a new element
				part = strconv.Itoa(len(at.order))
			}
			at = at.child(part)
		}
		at.values = append(at.values, string(p.value))
	}
	v := root.value()
	if v.Type != event.Object {
		v = event.Value{Type: event.Object}
	}
	return v, nil
}

// bracketPath cuts a[b][c] into a, b, c. A name whose brackets do not match is
// one part.
func bracketPath(name string) []string {
	open := strings.IndexByte(name, '[')
	if open <= 0 || !strings.HasSuffix(name, "]") {
		return []string{name}
	}
	path := []string{name[:open]}
	for rest := name[open:]; rest != ""; {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return []string{name}
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	return path
}

type node struct {
	values   []string
	list     bool
	order    []string
	children map[string]*node
}

func (n *node) child(name string) *node {
	if c := n.children[name]; c != nil {
		return c
	}
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	c := &node{}
	n.children[name] = c
	n.order = append(n.order, name)
	return c
}

func (n *node) value() event.Value {
	texts := event.Value{Type: event.Array}
	for _, s := range n.values {
		texts.Items = append(texts.Items, event.Value{Type: event.String, Text: s})
	}
	if len(n.order) == 0 {
		if len(n.values) == 1 && !n.list {
			return texts.Items[0]
		}
		return texts
	}
	if indexed, ok := n.indexed(); ok && len(n.values) == 0 {
		v := event.Value{Type: event.Array}
		for _, c := range indexed {
			v.Items = append(v.Items, c.value())
		}
		return v
	}
	v := event.Value{Type: event.Object}
	for _, name := range n.order {
		v.Members = append(v.Members, event.Member{Key: name, Value: n.children[name].value()})
	}
	if len(n.values) > 0 { // a=1&a[b]=2: both are kept
		v.Members = append(v.Members, event.Member{Value: texts})
	}
	return v
}

// indexed returns the children in order where their names are 0, 1, 2, ….
func (n *node) indexed() ([]*node, bool) {
	list := make([]*node, len(n.order))
	for _, name := range n.order {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(list) || list[i] != nil || name != strconv.Itoa(i) {
			return nil, false
		}
		list[i] = n.children[name]
	}
	return list, !slices.Contains(list, nil)
}
