package segment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// reachable refuses a rule that nobody or everybody meets, and the part of a rule
// that nobody meets. It knows comparisons of one fact with constants and what && ||
// ! make of them; what else stands in the rule may be true or not.
func (b *builder) reachable(root *node) {
	if len(b.usesOf(root.expr)) == 0 {
		b.fault(root.expr, "names no fact of a client: the rule is the same for everybody")
		return
	}
	if b.contradictions(root, true, nil) {
		return
	}
	if !b.possible([]demand{{root, wantNotTrue}}, ranges{}, new(int)) {
		b.fault(root.expr, "is true of every client")
	}
}

// want is what a part of a rule is asked to be.
type want int8

const (
	wantTrue want = iota
	wantFalse
	wantNotTrue // false or unknown
)

// demand is a part of a rule and what it is to be.
type demand struct {
	node *node
	want want
}

// contradictions reports the parts that cannot be what they would have to be for
// the rule to hold, given what has to hold beside them.
func (b *builder) contradictions(n *node, positive bool, beside []demand) bool {
	if n.form == none {
		return b.contradictions(n.kids[0], !positive, beside)
	}
	wanted := wantTrue
	if !positive {
		wanted = wantFalse
	}
	conjunction := n.form == all && positive || n.form == anyOf && !positive
	if n.form == leaf || conjunction {
		parts := n.kids
		if n.form == leaf {
			parts = []*node{n}
		}
		together := slices.Clone(beside)
		for i, part := range parts {
			together = append(together, demand{part, wanted})
			if b.possible(together, ranges{}, new(int)) {
				continue
			}
			reason := b.say(part, wanted) + " can never hold here"
			if !b.possible([]demand{{part, wanted}}, ranges{}, new(int)) {
				reason = b.say(part, wanted) + " is never true"
			} else {
				for _, other := range together[:len(beside)+i] {
					if !b.possible([]demand{other, {part, wanted}}, ranges{}, new(int)) {
						reason = fmt.Sprintf("%s contradicts %s: nobody can meet both", b.say(part, wanted), b.say(other.node, other.want))
						break
					}
				}
			}
			b.fault(part.expr, reason)
			return true
		}
		found := false
		for i, part := range parts {
			if part.form != leaf {
				others := slices.Concat(beside, demands(parts[:i], wanted), demands(parts[i+1:], wanted))
				found = b.contradictions(part, positive, others) || found
			}
		}
		return found
	}
	found := false
	for _, part := range n.kids { // each of them alone is enough, so each has to be possible
		found = b.contradictions(part, positive, beside) || found
	}
	return found
}

func demands(nodes []*node, wanted want) []demand {
	all := make([]demand, len(nodes))
	for i, n := range nodes {
		all[i] = demand{n, wanted}
	}
	return all
}

func (b *builder) say(n *node, wanted want) string {
	if wanted == wantFalse {
		return "!(" + b.written(n.expr) + ")"
	}
	return b.written(n.expr)
}

// mostSteps bounds the search; a rule that needs more is taken for possible.
const mostSteps = 20_000

// possible reports whether some client could meet all demands, within what is
// known of the facts already.
func (b *builder) possible(wanted []demand, known ranges, steps *int) bool {
	if *steps++; *steps > mostSteps {
		return true
	}
	if len(wanted) == 0 {
		return true
	}
	first, rest := wanted[0], wanted[1:]
	kids := first.node.kids
	switch first.node.form {
	case none:
		want := map[want]want{wantTrue: wantFalse, wantFalse: wantTrue, wantNotTrue: wantNotTrue}[first.want]
		if first.want == wantNotTrue { // !x is not true: x is true or unknown
			return b.possible(append([]demand{{kids[0], wantTrue}}, rest...), known, steps) ||
				b.hasUnknown(kids[0]) && b.possible(rest, known, steps)
		}
		return b.possible(append([]demand{{kids[0], want}}, rest...), known, steps)
	case leaf:
		for _, next := range b.narrow(first, known) {
			if b.possible(rest, next, steps) {
				return true
			}
		}
		return false
	}
	every := first.node.form == all && first.want == wantTrue || first.node.form == anyOf && first.want != wantTrue
	if every {
		return b.possible(append(demands(kids, first.want), rest...), known, steps)
	}
	for _, kid := range kids {
		if b.possible(append([]demand{{kid, first.want}}, rest...), known, steps) {
			return true
		}
	}
	return false
}

// hasUnknown reports whether a condition can be neither true nor false.
func (b *builder) hasUnknown(n *node) bool {
	for _, name := range b.usesOf(n.expr) {
		if f := b.compiler.facts[name]; f.optional || f.kind == texts {
			return true
		}
	}
	return false
}

// ranges is what each fact can still be, by its name. What is not there can be
// anything.
type ranges map[string]span

// span is what one fact can still be.
type span struct {
	missing, there bool     // null; a value
	low, high      float64  // of numbers, both ends included
	words          []string // of texts, where few are left; nil: any but those of not
	not            []string
	from, to       string // of texts by their order, both ends included; to "": no end
}

func (s span) empty() bool {
	if s.missing {
		return false
	}
	return !s.there || s.low > s.high || s.words != nil && len(s.words) == 0 || s.to != "" && s.from > s.to ||
		s.to != "" && s.from == s.to && slices.Contains(s.not, s.from)
}

// holds parts the name of a list from a word that it may hold: whether it does is
// a fact of its own.
const holds = " holds "

// begin is everything that a fact can be.
func (b *builder) begin(name string) span {
	if strings.Contains(name, holds) {
		return span{there: true, words: []string{"yes", "no"}}
	}
	s := span{there: true, low: math.Inf(-1), high: math.Inf(1)}
	base, _, _ := strings.Cut(name, ".")
	f := b.compiler.facts[base]
	s.missing = f.optional
	if f.kind == wholeNumber && !strings.HasSuffix(name, "_minor") {
		s.low = 0
	}
	switch name {
	case "r", "f", "m":
		s.low = 1
		if codes := b.compiler.domains["rfm_code"]; len(codes) > 0 {
			s.high = float64(codes[len(codes)-1][0] - '0')
		}
	case "p_alive":
		s.low, s.high = 0, 1
	}
	if known := b.compiler.domains[base]; known != nil && f.kind != texts {
		s.words = known
	}
	return s
}

// narrow gives the ways in which a leaf can be what it is asked to be.
func (b *builder) narrow(d demand, known ranges) []ranges {
	e := d.node.expr
	if e.Kind() == ast.LiteralKind {
		if constant, ok := e.AsLiteral().(types.Bool); ok {
			if bool(constant) == (d.want == wantTrue) {
				return []ranges{known}
			}
			return nil
		}
	}
	name, operator, values, ok := b.simple(e)
	if !ok {
		return []ranges{known}
	}
	s, there := known[name]
	if !there {
		s = b.begin(name)
	}
	var ways []ranges
	add := func(s span) {
		if !s.empty() {
			next := ranges{name: s}
			for key, old := range known {
				if key != name {
					next[key] = old
				}
			}
			ways = append(ways, next)
		}
	}
	if len(values) == 1 && values[0] == nil { // == null, != null
		if (operator == operators.Equals) == (d.want == wantTrue) {
			s.there = false
		} else {
			s.missing = false
		}
		if !s.missing && !s.there {
			return nil
		}
		add(s)
		return ways
	}
	if d.want != wantTrue {
		// What is not known makes == and in false, and the other comparisons unknown.
		if s.missing && (d.want == wantNotTrue && operator != operators.NotEquals || operator == operators.Equals || operator == operators.In) {
			only := s
			only.there = false
			add(only)
		}
		operator = opposite(operator)
	} else if s.missing && operator == operators.NotEquals {
		only := s
		only.there = false
		add(only)
	}
	s.missing = false
	if s.there {
		for _, one := range s.where(operator, values, b.compiler.facts[strings.SplitN(name, ".", 2)[0]].kind) {
			add(one)
		}
	}
	return ways
}

const notIn = "!in"

func opposite(operator string) string {
	return map[string]string{
		operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals, operators.Less: operators.GreaterEquals,
		operators.GreaterEquals: operators.Less, operators.Greater: operators.LessEquals, operators.LessEquals: operators.Greater, operators.In: notIn,
	}[operator]
}

// where narrows a value that is there.
func (s span) where(operator string, values []any, k kind) []span {
	switch operator {
	case operators.In:
		var ways []span
		for _, v := range values {
			ways = append(ways, s.where(operators.Equals, []any{v}, k)...)
		}
		return ways
	case notIn:
		ways := []span{s}
		for _, v := range values {
			var next []span
			for _, way := range ways {
				next = append(next, way.where(operators.NotEquals, []any{v}, k)...)
			}
			ways = next
		}
		return ways
	}
	if word, ok := values[0].(string); ok {
		return []span{s.whereText(operator, word)}
	}
	n, _ := values[0].(float64)
	least, most := math.Nextafter(n, math.Inf(1)), math.Nextafter(n, math.Inf(-1))
	if k == wholeNumber { // above 5 begins at 6
		least, most = math.Floor(n)+1, math.Ceil(n)-1
	}
	above := func(s span) span { s.low = max(s.low, least); return s }
	below := func(s span) span { s.high = min(s.high, most); return s }
	switch operator {
	case operators.Equals:
		s.low, s.high = max(s.low, n), min(s.high, n)
	case operators.NotEquals:
		return []span{below(s), above(s)}
	case operators.Greater:
		s = above(s)
	case operators.Less:
		s = below(s)
	case operators.GreaterEquals:
		s.low = max(s.low, n)
	case operators.LessEquals:
		s.high = min(s.high, n)
	}
	return []span{s}
}

func (s span) whereText(operator, word string) span {
	keep := func(accept func(string) bool) {
		if s.words == nil {
			return
		}
		s.words = slices.DeleteFunc(slices.Clone(s.words), func(w string) bool { return !accept(w) })
	}
	lower := func(bound string) { s.from = max(s.from, bound) }
	upper := func(bound string) {
		if s.to == "" || bound < s.to {
			s.to = bound
		}
	}
	switch operator {
	case operators.Equals:
		keep(func(w string) bool { return w == word })
		if s.words == nil {
			if slices.Contains(s.not, word) {
				s.words = []string{}
			} else {
				s.words = []string{word}
			}
		}
		if word < s.from || s.to != "" && word > s.to {
			s.words = []string{}
		}
	case operators.NotEquals:
		keep(func(w string) bool { return w != word })
		s.not = append(slices.Clone(s.not), word)
	case operators.Greater, operators.GreaterEquals:
		keep(func(w string) bool { return w > word || operator == operators.GreaterEquals && w == word })
		lower(word)
		if operator == operators.Greater {
			s.not = append(slices.Clone(s.not), word)
		}
	case operators.Less, operators.LessEquals:
		keep(func(w string) bool { return w < word || operator == operators.LessEquals && w == word })
		upper(word)
		if operator == operators.Less {
			s.not = append(slices.Clone(s.not), word)
		}
	}
	return s
}

// simple takes a comparison of one fact with constants apart: the fact on the left,
// values that are float64, string or nil for null.
func (b *builder) simple(e ast.Expr) (name, operator string, values []any, ok bool) {
	if e.Kind() != ast.CallKind || e.AsCall().IsMemberFunction() || len(e.AsCall().Args()) != 2 {
		return "", "", nil, false
	}
	operator = e.AsCall().FunctionName()
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if operator == operators.In {
		if f, isFact := b.fact(right); isFact && f.kind == texts {
			word, constant := literalText(left)
			return f.name + holds + word, operators.Equals, []any{"yes"}, constant
		}
		name, ok = b.nameOf(left)
		if !ok || right.Kind() != ast.ListKind {
			return "", "", nil, false
		}
		for _, element := range right.AsList().Elements() {
			v, constant := literalOf(element)
			if !constant || v == nil {
				return "", "", nil, false
			}
			values = append(values, v)
		}
		return name, operator, values, true
	}
	if opposite(operator) == "" {
		return "", "", nil, false
	}
	if name, ok = b.nameOf(left); !ok {
		mirrored := map[string]string{
			operators.Less: operators.Greater, operators.Greater: operators.Less,
			operators.LessEquals: operators.GreaterEquals, operators.GreaterEquals: operators.LessEquals,
		}
		if turned, found := mirrored[operator]; found {
			operator = turned
		}
		if name, ok = b.nameOf(right); !ok {
			return "", "", nil, false
		}
		right = left
	}
	v, ok := literalOf(right)
	return name, operator, []any{v}, ok
}

// nameOf is the name of a fact of one value.
func (b *builder) nameOf(e ast.Expr) (string, bool) {
	if purpose, ok := b.purpose(e); ok {
		return "consents." + purpose, true
	}
	f, ok := b.fact(e)
	return f.name, ok && f.kind != texts && f.kind != states && f.kind != flag
}

func literalOf(e ast.Expr) (any, bool) {
	if e.Kind() != ast.LiteralKind {
		return nil, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Int:
		return float64(v), true
	case types.Double:
		return float64(v), true
	case types.String:
		return string(v), true
	case types.Null:
		return nil, true
	}
	return nil, false
}
