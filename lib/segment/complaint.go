package segment

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/identity"
)

var typeOfTexts = reflect.TypeFor[[]string]() //nolint:gochecknoglobals // a constant that Go cannot write

// translate says cel-go's faults in an owner's words.
func (c *Compiler) translate(rule string, issues *cel.Issues) []RuleFault {
	at := offsetsOf(rule)
	var faults []RuleFault
	for _, e := range issues.Errors() {
		faults = append(faults, RuleFault{at(e.Location.Line(), e.Location.Column()), c.complaint(e.Message)})
	}
	slices.SortStableFunc(faults, func(a, b RuleFault) int { return cmp.Compare(a.Offset, b.Offset) })
	return slices.Compact(faults)
}

func (c *Compiler) complaint(message string) string {
	if m := regexp.MustCompile(`^undeclared reference to '([^']*)'`).FindStringSubmatch(message); m != nil {
		names := append(slices.Sorted(maps.Keys(c.facts)), "as_of", "days_since", "days_until", "size")
		return m[1] + ": unknown field" + didYouMean(m[1], names)
	}
	if m := regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '([^']*)'`).FindStringSubmatch(message); m != nil {
		receiver, args, member := strings.Cut(m[2], ".(")
		if !member {
			args = strings.Trim(m[2], "()")
		}
		args = strings.TrimSuffix(args, ")")
		var words []string
		if member {
			words = append(words, typeWords(receiver))
		}
		for _, arg := range splitTypes(args) {
			words = append(words, typeWords(arg))
		}
		return operatorWord(m[1]) + " does not go with " + strings.Join(words, " and ")
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		return "cannot be read: " + strings.ReplaceAll(rest, "<EOF>", "the end of the rule")
	}
	return message
}

// splitTypes parts a list of types at the commas that stand in no brackets.
func splitTypes(list string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range list {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts, from = append(parts, strings.TrimSpace(list[from:i])), i+1
			}
		}
	}
	if rest := strings.TrimSpace(list[from:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}

// typeWords names a type of CEL for people.
func typeWords(t string) string {
	if inner, ok := strings.CutPrefix(t, "wrapper("); ok {
		return typeWords(strings.TrimSuffix(inner, ")"))
	}
	switch {
	case t == "int":
		return "a whole number"
	case t == "double":
		return "a number with a point"
	case t == "string":
		return "text"
	case t == "bool":
		return "a condition"
	case t == "null", t == "null_type":
		return "null (the fact is always known)"
	case strings.HasPrefix(t, "list("):
		return "a list"
	case strings.HasPrefix(t, "map("):
		return "consents"
	}
	return t
}

func operatorWord(function string) string {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		return symbol
	}
	switch function {
	case operators.Index:
		return "[…]"
	case operators.Negate:
		return "-"
	}
	return strings.Trim(function, "_@")
}

// didYouMean suggests the nearest of some words, nothing where none is near.
func didYouMean(word string, known []string) string {
	best, least := "", len([]rune(word))/3+2
	for _, k := range known {
		if d := identity.EditDistance([]rune(strings.ToLower(word)), []rune(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// notOneOf says that a value never occurs.
func notOneOf(name, value string, known []string) string {
	shown := known
	more := ""
	if len(shown) > 12 {
		shown, more = shown[:12], ", …"
	}
	return fmt.Sprintf("%s is never %q: it is one of %s%s%s", name, value, strings.Join(shown, ", "), more, didYouMean(value, known))
}

func purposes() []string {
	var all []string
	for _, p := range consent.Purposes() {
		all = append(all, string(p))
	}
	return all
}
