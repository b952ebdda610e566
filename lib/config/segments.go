package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Segment is a rule of the owner's over the columns of gold/clients, in CEL; see
// lib/segment.
type Segment struct {
	Name  string            `yaml:"name"`
	Title map[string]string `yaml:"title"`
	About map[string]string `yaml:"about"`
	Rule  string            `yaml:"rule"`

	places []place // of the characters of Rule in the file
}

// place is a line and a column of the file, both from 1.
type place struct{ line, column int }

// At is where a character of the rule stands in the file: line and column, both
// from 1, counted in characters. An offset past the end is the last one's; 0, 0 for
// a rule that came from no file.
func (s Segment) At(offset int) (line, column int) {
	if len(s.places) == 0 {
		return 0, 0
	}
	p := s.places[min(max(offset, 0), len(s.places)-1)]
	return p.line, p.column
}

// BuiltinSegments switches the segments that need no rule, and says with which
// numbers they are made (lib/segment, Builtin).
type BuiltinSegments struct {
	Off              []string `yaml:"off"`                // keys or whole families
	LastPurchaseDays []int    `yaml:"last_purchase_days"` // rising; default 30, 60, 90, 180, 365
	SecondOrderDays  []int    `yaml:"second_order_days"`  // rising; default 14, 30, 60
	BirthdayDays     int      `yaml:"birthday_days"`      // within so many days after the as-of day; default 14
	NotContactedDays []int    `yaml:"not_contacted_days"` // rising; default 30, 90
	UnfinishedDays   int      `yaml:"unfinished_days"`    // an order stands unpaid for at least so many days; default 1
	AbandonedDays    int      `yaml:"abandoned_days"`     // and at most so many; default 30
	BigSpendersShare float64  `yaml:"big_spenders_share"` // of the buyers of a city or category; default 0.10
	MinClients       int      `yaml:"min_clients"`        // a city, category or tag of fewer has no segment of its own; default 20
	MaxSegments      int      `yaml:"max_segments"`       // of each family that has one for every city, tag …; default 30
}

func defaultBuiltinSegments() BuiltinSegments {
	return BuiltinSegments{
		LastPurchaseDays: []int{30, 60, 90, 180, 365}, SecondOrderDays: []int{14, 30, 60}, BirthdayDays: 14, NotContactedDays: []int{30, 90},
		UnfinishedDays: 1, AbandonedDays: 30, BigSpendersShare: 0.10, MinClients: 20, MaxSegments: 30,
	}
}

func (b BuiltinSegments) check(fault func(path, format string, args ...any)) {
	for _, list := range []struct {
		name string
		days []int
	}{{"last_purchase_days", b.LastPurchaseDays}, {"second_order_days", b.SecondOrderDays}, {"not_contacted_days", b.NotContactedDays}} {
		if !slices.IsSorted(list.days) || len(slices.Compact(slices.Clone(list.days))) != len(list.days) {
			fault("builtin_segments."+list.name, "days must rise: %v", list.days)
		}
	}
	if b.AbandonedDays < b.UnfinishedDays {
		fault("builtin_segments.abandoned_days", "want at least unfinished_days (%d), got %d", b.UnfinishedDays, b.AbandonedDays)
	}
}

// Check says what is wrong with a configuration that is right by itself, such as
// a rule in a language that this package does not know.
type Check func(*Config) []*Fault

// placeRules notes where the rules of the segments stand in the file.
func (c *Config) placeRules(root *yaml.Node, body []byte) {
	lines := strings.Split(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
	list := child(root, "segments")
	if list == nil {
		return
	}
	for i, node := range list.Content {
		if rule := child(node, "rule"); rule != nil && i < len(c.Segments) {
			c.Segments[i].places = placesOf(rule, lines)
		}
	}
}

// child is the value of a key, nil where there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			value := node.Content[i+1]
			for value.Kind == yaml.AliasNode {
				value = value.Alias
			}
			return value
		}
	}
	return nil
}

// placesOf walks a scalar's text and the file side by side: what YAML folds or
// escapes takes more room in the file than in the text. One place more than there
// are characters, for faults at the end.
func placesOf(node *yaml.Node, lines []string) []place {
	at := place{line: node.Line, column: node.Column}
	rest := func() string {
		if at.line < 1 || at.line > len(lines) {
			return ""
		}
		text := lines[at.line-1]
		for range at.column - 1 {
			_, size := utf8.DecodeRuneInString(text)
			text = text[size:]
		}
		return text
	}
	nextLine := func() {
		at.line++
		at.column = 1
		text := rest()
		at.column += len([]rune(text)) - len([]rune(strings.TrimLeft(text, " \t")))
	}
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for nextLine(); at.line < len(lines) && strings.TrimSpace(rest()) == ""; nextLine() {
		}
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		at.column++
	}
	indent := at.column
	var places []place
	for _, r := range node.Value {
		text := rest()
		for unicode.IsSpace(r) && strings.TrimSpace(text) == "" && at.line < len(lines) && r == ' ' {
			nextLine() // a folded line: the space stands for its end
			at.column--
			text = " " + rest()
			break
		}
		places = append(places, at)
		step := 1
		switch {
		case r == '\n' && text == "":
			at.line, at.column = at.line+1, indent
			step = 0
		case node.Style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(text, "''"):
			step = 2
		case node.Style&yaml.DoubleQuotedStyle != 0 && strings.HasPrefix(text, `\`) && len(text) > 1:
			step = 2 + map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[1]]
		}
		at.column += step
	}
	return append(places, at)
}
