package portal

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// catalogue holds every sentence of one language. A message is plain text with
// places for values:
//
//	{name}            the value; whole numbers are grouped as the language does
//	{name:one|many}   the number and the word in its plural form
//	{name?one|many}   the form alone, for verbs
//
// English has two forms, Russian three (1 клиент, 2 клиента, 5 клиентов).
type catalogue struct {
	tag      language.Tag
	messages map[string]message
}

type message []part

// part is literal text, or the place of a value.
type part struct {
	text  string
	name  string
	forms []string
	shown bool // the number stands before its form
}

// parseCatalogue reads a JSON object of key → message.
func parseCatalogue(tag language.Tag, b []byte) (*catalogue, error) {
	var raw map[string]string
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", tag, err)
	}
	c := &catalogue{tag: tag, messages: make(map[string]message, len(raw))}
	for key, text := range raw {
		m, err := c.parse(text)
		if err != nil {
			return nil, fmt.Errorf("read catalogue %s: %s: %w", tag, key, err)
		}
		c.messages[key] = m
	}
	return c, nil
}

func (c *catalogue) parse(text string) (message, error) {
	var m message
	for {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			m = append(m, part{text: before})
		}
		if !found {
			return m, nil
		}
		place, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("a place is not closed in %q", text)
		}
		p := part{name: place}
		if i := strings.IndexAny(place, ":?"); i >= 0 {
			p = part{name: place[:i], shown: place[i] == ':', forms: strings.Split(place[i+1:], "|")}
			if want := c.forms(); len(p.forms) != want {
				return nil, fmt.Errorf("%q has %d plural forms, not %d", place, len(p.forms), want)
			}
		}
		m = append(m, p)
		text = after
	}
}

// forms is how many plural forms whole numbers have in the language.
func (c *catalogue) forms() int {
	if c.tag == language.Russian {
		return 3
	}
	return 2
}

// form picks the plural form of a whole number.
func (c *catalogue) form(n int64, forms []string) string {
	// The rules of both languages look at the last two digits and at n = 1 only.
	small := int(max(n, -n) % 1_000_000)
	if n > 1_000_000 || n < -1_000_000 {
		small = small%100 + 1_000_000
	}
	switch plural.Cardinal.MatchPlural(c.tag, small, 0, 0, 0, 0) {
	case plural.One:
		return forms[0]
	case plural.Few:
		return forms[1]
	default:
		return forms[len(forms)-1]
	}
}

// say fills a message: args are name, value pairs. Values are int, int64 or
// string. A key or value that is missing is an error, so that a page never
// shows half a sentence.
func (l *locale) say(key string, args ...any) (string, error) {
	m, ok := l.catalogue.messages[key]
	if !ok {
		return "", fmt.Errorf("catalogue %s has no %q", l.catalogue.tag, key)
	}
	var b strings.Builder
	for _, p := range m {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value, err := argument(args, p.name)
		if err != nil {
			return "", fmt.Errorf("message %s: %w", key, err)
		}
		number, whole := integer(value)
		switch {
		case p.forms != nil && !whole:
			return "", fmt.Errorf("message %s: %s is no whole number", key, p.name)
		case p.forms != nil && p.shown:
			b.WriteString(l.number(number) + "\u00a0" + l.catalogue.form(number, p.forms))
		case p.forms != nil:
			b.WriteString(l.catalogue.form(number, p.forms))
		case whole:
			b.WriteString(l.number(number))
		default:
			text, ok := value.(string)
			if !ok {
				return "", fmt.Errorf("message %s: %s is a %T", key, p.name, value)
			}
			b.WriteString(text)
		}
	}
	return b.String(), nil
}

func argument(args []any, name string) (any, error) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1], nil
		}
	}
	return nil, fmt.Errorf("no value for %s", name)
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	}
	return 0, false
}
