package segment

import (
	"slices"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// Test is how a rule uses a text.
type Test string

// How texts are compared with columns.
const (
	TestIs       Test = "is"       // the column, or one of its values, is the text
	TestStarts   Test = "starts"   // begins with it, or stands before or after it in the alphabet
	TestEnds     Test = "ends"     // ends with it
	TestContains Test = "contains" // holds it, or the text is a part of one that is put together
	TestMatches  Test = "matches"  // matches the regular expression
)

// Literal is a text that stands in a rule.
type Literal struct {
	Text   string
	Column string // that it is compared with; empty where the rule does not say
	Test   Test
}

// Literals lists the texts of the rule, see the function of that name.
func (r *Rule) Literals() []Literal { return Literals(r.Text) }

// Literals lists the texts that stand in a rule, in their order, with what they are
// compared with. Texts that are put together with + are one. What is no rule has its
// whole text as the only literal, so that nothing in it is overlooked.
func Literals(rule string) []Literal {
	whole := []Literal{{Text: rule, Test: TestContains}}
	p, err := parser.NewParser() // without macros: exists(c, …) stays as it is written
	if err != nil {
		return whole
	}
	tree, issues := p.Parse(common.NewTextSource(rule))
	if len(issues.GetErrors()) > 0 {
		return whole
	}
	var w literalWalk
	w.walk(tree.Expr(), "", TestContains)
	return w.found
}

type literalWalk struct {
	found []Literal
	names []string // variables of exists(…) and the like, innermost last
	of    []string // and the columns whose values they are
}

// column is what an expression names, empty for anything but a column, a purpose
// of the consents, or a value of a list.
func (w *literalWalk) column(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		for i, name := range slices.Backward(w.names) {
			if name == e.AsIdent() {
				return w.of[i]
			}
		}
		return e.AsIdent()
	case ast.SelectKind:
		return w.column(e.AsSelect().Operand())
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index {
			return w.column(call.Args()[0])
		}
	}
	return ""
}

func (w *literalWalk) walk(e ast.Expr, column string, test Test) {
	switch e.Kind() {
	case ast.LiteralKind:
		switch text := e.AsLiteral().(type) {
		case types.String:
			w.found = append(w.found, Literal{string(text), column, test})
		case types.Bytes:
			w.found = append(w.found, Literal{string(text), column, test})
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			w.walk(element, column, test)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.walk(entry.AsMapEntry().Key(), "", TestContains)
			w.walk(entry.AsMapEntry().Value(), "", TestContains)
		}
	case ast.SelectKind:
		w.walk(e.AsSelect().Operand(), "", TestContains)
	case ast.CallKind:
		w.call(e, column, test)
	}
}

func (w *literalWalk) call(e ast.Expr, column string, test Test) {
	call := e.AsCall()
	args := call.Args()
	if call.IsMemberFunction() {
		w.member(call)
		return
	}
	switch name := call.FunctionName(); {
	case name == operators.Add:
		if text, ok := joined(e); ok {
			w.found = append(w.found, Literal{text, column, test})
			return
		}
	case name == operators.Conditional && len(args) == 3:
		w.walk(args[0], "", TestContains)
		w.walk(args[1], column, test)
		w.walk(args[2], column, test)
		return
	case name == "matches" && len(args) == 2:
		w.walk(args[0], "", TestContains)
		w.walk(args[1], w.column(args[0]), TestMatches)
		return
	case len(args) == 2 && slices.Contains([]string{operators.Equals, operators.NotEquals, operators.In, operators.Index}, name):
		w.walk(args[0], w.column(args[1]), TestIs)
		w.walk(args[1], w.column(args[0]), TestIs)
		return
	case len(args) == 2 && accepts(name) != nil:
		w.walk(args[0], w.column(args[1]), TestStarts)
		w.walk(args[1], w.column(args[0]), TestStarts)
		return
	}
	for _, arg := range args {
		w.walk(arg, "", TestContains)
	}
}

// member is a call such as city.startsWith("Mos") or tags.exists(t, t == "vip").
func (w *literalWalk) member(call ast.CallExpr) {
	of, args := w.column(call.Target()), call.Args()
	w.walk(call.Target(), "", TestContains)
	test, known := map[string]Test{"startsWith": TestStarts, "endsWith": TestEnds, "contains": TestContains, "matches": TestMatches}[call.FunctionName()]
	if known {
		for _, arg := range args {
			w.walk(arg, of, test)
		}
		return
	}
	bound := 0
	if len(args) > 1 && args[0].Kind() == ast.IdentKind {
		w.names, w.of, bound = append(w.names, args[0].AsIdent()), append(w.of, of), 1
	}
	for _, arg := range args[bound:] {
		w.walk(arg, "", TestContains)
	}
	w.names, w.of = w.names[:len(w.names)-bound], w.of[:len(w.of)-bound]
}

// joined is the text that literals make together.
func joined(e ast.Expr) (string, bool) {
	if text, ok := literalText(e); ok {
		return text, true
	}
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Add || len(e.AsCall().Args()) != 2 {
		return "", false
	}
	left, ok := joined(e.AsCall().Args()[0])
	if !ok {
		return "", false
	}
	right, ok := joined(e.AsCall().Args()[1])
	return left + right, ok
}
