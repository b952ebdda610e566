package segment

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadlake/leadlake/lib/schema"
)

// truth is the answer of a condition. Unknown is what CEL calls an error: && and ||
// go on where the other side decides.
type truth int8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// form says how a node is made of its kids.
type form int8

const (
	leaf  form = iota
	all        // &&
	anyOf      // ||
	none       // !
)

// node is a condition: a leaf that compares, or one made of others.
type node struct {
	form form
	kids []*node
	eval func(*schema.ClientRow) truth
	expr ast.Expr
	text string
	uses []string // names of the facts of a leaf, in their order
}

// condition compiles what is true or false. The common forms become functions over
// the row; what is none of them is evaluated by cel-go, with the same result and
// much slower (TestFunctionsAgreeWithCEL, BenchmarkRule).
func (b *builder) condition(e ast.Expr) *node {
	n := &node{expr: e}
	if e.Kind() == ast.CallKind {
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.LogicalAnd:
			n.form = all
		case operators.LogicalOr:
			n.form = anyOf
		case operators.LogicalNot:
			n.form = none
		}
		if n.form != leaf {
			for _, arg := range args {
				kid := b.condition(arg)
				if kid.form == n.form && n.form != none { // a && b && c is one of three
					n.kids = append(n.kids, kid.kids...)
				} else {
					n.kids = append(n.kids, kid)
				}
			}
			n.eval = n.combine()
			return n
		}
	}
	n.text, n.uses = b.written(e), b.usesOf(e)
	if n.eval = b.comparison(e); n.eval == nil {
		n.eval = b.interpreted(e, n.text)
	}
	return n
}

func (n *node) combine() func(*schema.ClientRow) truth {
	kids := make([]func(*schema.ClientRow) truth, len(n.kids))
	for i, kid := range n.kids {
		kids[i] = kid.eval
	}
	if n.form == none {
		only := kids[0]
		return func(c *schema.ClientRow) truth { return only(c).not() }
	}
	decides, else_ := no, yes
	if n.form == anyOf {
		decides, else_ = yes, no
	}
	return func(c *schema.ClientRow) truth {
		answer := else_
		for _, kid := range kids {
			switch kid(c) {
			case decides:
				return decides
			case unknown:
				answer = unknown
			}
		}
		return answer
	}
}

// usesOf lists the facts that an expression names.
func (b *builder) usesOf(e ast.Expr) []string {
	var names []string
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
		if part.Kind() != ast.IdentKind {
			return
		}
		if _, ok := b.compiler.facts[part.AsIdent()]; ok && !slices.Contains(names, part.AsIdent()) {
			names = append(names, part.AsIdent())
		}
	}))
	return names
}

// interpreted hands a condition to cel-go.
func (b *builder) interpreted(e ast.Expr, written string) func(*schema.ClientRow) truth {
	checked, issues := b.compiler.env.Compile(written)
	if issues.Err() != nil {
		b.fault(e, "too complicated: "+issues.Errors()[0].Message)
		return nil
	}
	program, err := b.compiler.env.Program(checked)
	if err != nil {
		b.fault(e, "too complicated: "+err.Error())
		return nil
	}
	return func(c *schema.ClientRow) truth {
		out, _, err := program.Eval(&activation{b.compiler, c})
		if err != nil {
			return unknown
		}
		answer, ok := out.(types.Bool)
		if !ok {
			return unknown
		}
		return truthOf(bool(answer))
	}
}

// activation shows a row to cel-go.
type activation struct {
	compiler *Compiler
	row      *schema.ClientRow
}

var _ cel.Activation = (*activation)(nil)

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	if name == "as_of" {
		return a.compiler.asOf, true
	}
	f, ok := a.compiler.facts[name]
	if !ok {
		return nil, false
	}
	switch f.kind {
	case wholeNumber:
		if v := f.ints(a.row); v != nil {
			return *v, true
		}
	case number:
		if v := f.floats(a.row); v != nil {
			return *v, true
		}
	case text:
		if v := f.strings(a.row); v != nil {
			return *v, true
		}
	case texts:
		return f.lists(a.row), true
	case flag:
		return f.flags(a.row), true
	case states:
		return consentStates(a.row), true
	}
	return types.NullValue, true
}
