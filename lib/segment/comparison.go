package segment

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadlake/leadlake/lib/schema"
)

// presence says whether a value is there.
type presence int8

const (
	present presence = iota
	null             // not known
	failed           // made of what is not known
)

// value is an expression over a row, of one type.
type value[T any] func(*schema.ClientRow) (T, presence)

// comparison compiles a leaf, nil for forms that only cel-go knows.
func (b *builder) comparison(e ast.Expr) func(*schema.ClientRow) truth {
	if e.Kind() == ast.LiteralKind {
		if constant, ok := e.AsLiteral().(types.Bool); ok {
			answer := truthOf(bool(constant))
			return func(*schema.ClientRow) truth { return answer }
		}
		return nil
	}
	if f, ok := b.fact(e); ok && f.kind == flag {
		return func(c *schema.ClientRow) truth { return truthOf(f.flags(c)) }
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	if call.IsMemberFunction() {
		return b.textTest(call)
	}
	if len(call.Args()) != 2 {
		return nil
	}
	left, right := call.Args()[0], call.Args()[1]
	if call.FunctionName() == operators.In {
		return b.membership(left, right)
	}
	accept := accepts(call.FunctionName())
	if accept == nil {
		return nil
	}
	equality := call.FunctionName() == operators.Equals || call.FunctionName() == operators.NotEquals
	if equality && (isNull(left) || isNull(right)) {
		if isNull(left) {
			left = right
		}
		return b.nullTest(left, call.FunctionName() == operators.Equals)
	}
	if l, ok := b.text(left); ok {
		if r, ok := b.text(right); ok {
			return compare(l, r, strings.Compare, accept, equality)
		}
		return nil
	}
	if l, ok := b.whole(left); ok {
		if r, ok := b.whole(right); ok {
			return compare(l, r, cmp.Compare[int64], accept, equality)
		}
	}
	if l, ok := b.float(left); ok {
		if r, ok := b.float(right); ok {
			return compare(l, r, cmp.Compare[float64], accept, equality)
		}
	}
	return nil
}

func isNull(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue }

// accepts says of which orders of its sides a comparison is true.
func accepts(operator string) func(order int) bool {
	switch operator {
	case operators.Equals:
		return func(order int) bool { return order == 0 }
	case operators.NotEquals:
		return func(order int) bool { return order != 0 }
	case operators.Less:
		return func(order int) bool { return order < 0 }
	case operators.LessEquals:
		return func(order int) bool { return order <= 0 }
	case operators.Greater:
		return func(order int) bool { return order > 0 }
	case operators.GreaterEquals:
		return func(order int) bool { return order >= 0 }
	}
	return nil
}

func compare[T any](l, r value[T], order func(T, T) int, accept func(int) bool, equality bool) func(*schema.ClientRow) truth {
	return func(c *schema.ClientRow) truth {
		x, there := l(c)
		y, here := r(c)
		switch {
		case there == present && here == present:
			return truthOf(accept(order(x, y)))
		case there == failed || here == failed || !equality:
			return unknown
		case there == null && here == null:
			return truthOf(accept(0))
		default:
			return truthOf(accept(1))
		}
	}
}

// nullTest asks whether something is known.
func (b *builder) nullTest(e ast.Expr, equals bool) func(*schema.ClientRow) truth {
	var there func(*schema.ClientRow) presence
	if v, ok := b.text(e); ok {
		there = func(c *schema.ClientRow) presence { _, p := v(c); return p }
	} else if v, ok := b.whole(e); ok {
		there = func(c *schema.ClientRow) presence { _, p := v(c); return p }
	} else if v, ok := b.float(e); ok {
		there = func(c *schema.ClientRow) presence { _, p := v(c); return p }
	} else {
		return nil
	}
	return func(c *schema.ClientRow) truth {
		switch there(c) {
		case null:
			return truthOf(equals)
		case present:
			return truthOf(!equals)
		}
		return unknown
	}
}

// membership is `x in list`.
func (b *builder) membership(element, list ast.Expr) func(*schema.ClientRow) truth {
	if element, ok := b.text(element); ok {
		var in func(c *schema.ClientRow, word string) bool
		if f, ok := b.fact(list); ok && f.kind == texts {
			in = func(c *schema.ClientRow, word string) bool { return slices.Contains(f.lists(c), word) }
		} else if words, ok := literals[types.String](list); ok {
			in = func(_ *schema.ClientRow, word string) bool { return slices.Contains(words, types.String(word)) }
		} else {
			return nil
		}
		return func(c *schema.ClientRow) truth {
			switch word, there := element(c); there {
			case present:
				return truthOf(in(c, word))
			case null:
				return no
			}
			return unknown
		}
	}
	number, ok := b.whole(element)
	numbers, literal := literals[types.Int](list)
	if !ok || !literal {
		return nil
	}
	return func(c *schema.ClientRow) truth {
		switch n, there := number(c); there {
		case present:
			return truthOf(slices.Contains(numbers, types.Int(n)))
		case null:
			return no
		}
		return unknown
	}
}

// literals are the elements of a list of literals of one type.
func literals[T any](list ast.Expr) ([]T, bool) {
	if list.Kind() != ast.ListKind {
		return nil, false
	}
	found := []T{}
	for _, e := range list.AsList().Elements() {
		if e.Kind() != ast.LiteralKind {
			return nil, false
		}
		v, ok := e.AsLiteral().(T)
		if !ok {
			return nil, false
		}
		found = append(found, v)
	}
	return found, true
}

// textTest is city.startsWith("Нижн") and its like.
func (b *builder) textTest(call ast.CallExpr) func(*schema.ClientRow) truth {
	test := map[string]func(string, string) bool{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains}[call.FunctionName()]
	if test == nil || len(call.Args()) != 1 {
		return nil
	}
	of, ok1 := b.text(call.Target())
	part, ok2 := b.text(call.Args()[0])
	if !ok1 || !ok2 {
		return nil
	}
	return func(c *schema.ClientRow) truth {
		x, there := of(c)
		y, here := part(c)
		if there != present || here != present {
			return unknown
		}
		return truthOf(test(x, y))
	}
}

// fact finds the fact that an expression names.
func (b *builder) fact(e ast.Expr) (fact, bool) {
	if e.Kind() != ast.IdentKind {
		return fact{}, false
	}
	f, ok := b.compiler.facts[e.AsIdent()]
	return f, ok
}

func (b *builder) text(e ast.Expr) (value[string], bool) {
	if purpose, ok := b.purpose(e); ok {
		return func(c *schema.ClientRow) (string, presence) { return consentState(c, purpose), present }, true
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			return constant(string(s)), true
		}
	case ast.IdentKind:
		if e.AsIdent() == "as_of" {
			return constant(b.compiler.asOf), true
		}
		if f, ok := b.fact(e); ok && f.kind == text {
			return ofPointer(f.strings), true
		}
	}
	return nil, false
}

// purpose is the purpose of consents.ads and consents["ads"].
func (b *builder) purpose(e ast.Expr) (string, bool) {
	var of ast.Expr
	var purpose string
	switch {
	case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
		of, purpose = e.AsSelect().Operand(), e.AsSelect().FieldName()
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index && e.AsCall().Args()[1].Kind() == ast.LiteralKind:
		key, _ := e.AsCall().Args()[1].AsLiteral().(types.String)
		of, purpose = e.AsCall().Args()[0], string(key)
	default:
		return "", false
	}
	f, ok := b.fact(of)
	return purpose, ok && f.kind == states
}

func constant[T any](v T) value[T] {
	return func(*schema.ClientRow) (T, presence) { return v, present }
}

func ofPointer[T any](of func(*schema.ClientRow) *T) value[T] {
	return func(c *schema.ClientRow) (T, presence) {
		if v := of(c); v != nil {
			return *v, present
		}
		var none T
		return none, null
	}
}

// whole compiles a whole number.
func (b *builder) whole(e ast.Expr) (value[int64], bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			return constant(int64(n)), true
		}
	case ast.IdentKind:
		if f, ok := b.fact(e); ok && f.kind == wholeNumber {
			return ofPointer(f.ints), true
		}
	case ast.CallKind:
		call := e.AsCall()
		switch {
		case call.IsMemberFunction():
		case len(call.Args()) == 1:
			return b.wholeOf(call.FunctionName(), call.Args()[0])
		case len(call.Args()) == 2:
			apply := wholeOperation(call.FunctionName())
			if apply == nil {
				return nil, false
			}
			l, ok1 := b.whole(call.Args()[0])
			r, ok2 := b.whole(call.Args()[1])
			if !ok1 || !ok2 {
				return nil, false
			}
			return func(c *schema.ClientRow) (int64, presence) {
				x, there := l(c)
				y, here := r(c)
				if there != present || here != present {
					return 0, failed
				}
				n, ok := apply(x, y)
				return n, made(ok)
			}, true
		}
	}
	return nil, false
}

func made(ok bool) presence {
	if ok {
		return present
	}
	return failed
}

// wholeOf compiles functions of one argument.
func (b *builder) wholeOf(name string, arg ast.Expr) (value[int64], bool) {
	f, isFact := b.fact(arg)
	day := b.compiler.day
	switch {
	case name == "size" && isFact && f.kind == texts:
		return func(c *schema.ClientRow) (int64, presence) { return int64(len(f.lists(c))), present }, true
	case name == "days_until" && isFact && f.kind == texts:
		return func(c *schema.ClientRow) (int64, presence) {
			days, ok := soonest(f.lists(c), day)
			return days, made(ok)
		}, true
	case name == "days_since", name == "days_until":
		of, ok := b.text(arg)
		count := func(text string) (int64, bool) {
			then, ok := parseDay(text)
			return int64(day - then), ok
		}
		if name == "days_until" {
			count = func(text string) (int64, bool) { return until(text, day) }
		}
		return func(c *schema.ClientRow) (int64, presence) {
			text, there := of(c)
			if there != present {
				return 0, failed
			}
			days, ok := count(text)
			return days, made(ok)
		}, ok
	case name == operators.Negate:
		of, ok := b.whole(arg)
		return func(c *schema.ClientRow) (int64, presence) {
			n, there := of(c)
			return -n, made(there == present && n != math.MinInt64)
		}, ok
	}
	return nil, false
}

// wholeOperation is arithmetic that fails where the result is no int64.
func wholeOperation(operator string) func(x, y int64) (int64, bool) {
	switch operator {
	case operators.Add:
		return func(x, y int64) (int64, bool) { return x + y, (x+y > x) == (y > 0) }
	case operators.Subtract:
		return func(x, y int64) (int64, bool) { return x - y, (x-y < x) == (y > 0) }
	case operators.Multiply:
		return func(x, y int64) (int64, bool) {
			if x == 0 || y == 0 {
				return 0, true
			}
			if x == -1 && y == math.MinInt64 || y == -1 && x == math.MinInt64 {
				return 0, false
			}
			return x * y, x*y/y == x
		}
	case operators.Divide:
		return func(x, y int64) (int64, bool) {
			if y == 0 || x == math.MinInt64 && y == -1 {
				return 0, false
			}
			return x / y, true
		}
	case operators.Modulo:
		return func(x, y int64) (int64, bool) {
			if y == 0 || x == math.MinInt64 && y == -1 {
				return 0, false
			}
			return x % y, true
		}
	}
	return nil
}

// float compiles a number; a whole one is turned into one, as CEL compares the two.
// Whole numbers beyond 2^53 are left to cel-go's own comparison.
func (b *builder) float(e ast.Expr) (value[float64], bool) {
	if e.Kind() == ast.LiteralKind {
		switch n := e.AsLiteral().(type) {
		case types.Double:
			return constant(float64(n)), !math.IsNaN(float64(n))
		case types.Int:
			return constant(float64(n)), n > -1<<53 && n < 1<<53
		}
	}
	if f, ok := b.fact(e); ok {
		switch f.kind {
		case number:
			return ofPointer(f.floats), true
		case wholeNumber:
			return func(c *schema.ClientRow) (float64, presence) {
				if v := f.ints(c); v != nil {
					return float64(*v), present
				}
				return 0, null
			}, true
		}
	}
	return nil, false
}
