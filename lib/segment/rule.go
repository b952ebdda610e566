package segment

import (
	"cmp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// RuleFault is one thing wrong with a rule. Offset counts characters from 0.
type RuleFault struct {
	Offset int
	Reason string
}

// Rule is a checked condition over one client. It is safe for concurrent use.
type Rule struct {
	Text string
	root *node
}

// Compiler turns rules into conditions. It is safe for concurrent use.
type Compiler struct {
	env     *cel.Env
	facts   map[string]fact
	domains map[string][]string // facts that have few values, and those
	asOf    string
	day     civil
}

// NewCompiler makes a compiler of the rules of a night. asOf is its day, YYYY-MM-DD.
//
// A rule is an expression in CEL (cel.dev, the language definition of 2026) that is
// true or false. Its names are the columns of gold/clients, and
//
//	as_of               the night's day, "2026-11-20"
//	days_since(day)     whole days from a day up to as_of, below zero for later ones
//	days_until(md)      days up to the next "MM-DD" after as_of, 1…366; of a list the soonest
//	consents.ads        given, withdrawn, or unknown where nobody ever spoke of it
//
// What is not known is null: recency_days == null is true of a client who never
// bought. null equals nothing but null and is in no list. Any other use of it, such
// as recency_days > 90, is unknown; unknown || true is true, unknown && false is
// false, !unknown is unknown, and who is unknown at the end is no member.
func NewCompiler(cfg *config.Config, asOf string) (*Compiler, error) {
	c := &Compiler{facts: map[string]fact{}, domains: domains(cfg), asOf: asOf}
	c.day, _ = parseDay(asOf)
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.EnableMacroCallTracking(), cel.Variable("as_of", cel.StringType),
		cel.Function("days_since", cel.Overload("days_since_day", []*cel.Type{cel.StringType}, cel.IntType,
			cel.UnaryBinding(func(value ref.Val) ref.Val {
				if day, ok := parseDay(string(value.(types.String))); ok { // the overload says so
					return types.Int(c.day - day)
				}
				return types.NewErr("no day")
			}))),
		cel.Function("days_until",
			cel.Overload("days_until_day", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(func(value ref.Val) ref.Val {
				if days, ok := until(string(value.(types.String)), c.day); ok { // the overload says so
					return types.Int(days)
				}
				return types.NewErr("no day of the year")
			})),
			cel.Overload("days_until_days", []*cel.Type{cel.ListType(cel.StringType)}, cel.IntType, cel.UnaryBinding(func(value ref.Val) ref.Val {
				list, err := value.ConvertToNative(typeOfTexts)
				if err == nil {
					if days, ok := soonest(list.([]string), c.day); ok { // converted to it
						return types.Int(days)
					}
				}
				return types.NewErr("no day of the year")
			}))),
	}
	for _, f := range facts() {
		c.facts[f.name] = f
		options = append(options, cel.Variable(f.name, f.celType()))
	}
	var err error
	c.env, err = cel.NewEnv(options...)
	return c, err
}

func (f fact) celType() *cel.Type {
	plain := map[kind]*cel.Type{
		wholeNumber: cel.IntType, number: cel.DoubleType, text: cel.StringType,
		texts: cel.ListType(cel.StringType), flag: cel.BoolType, states: cel.MapType(cel.StringType, cel.StringType),
	}[f.kind]
	if f.optional {
		return cel.NullableType(plain)
	}
	return plain
}

// longestRule is far more than anybody writes; the checks take time that grows
// faster than a rule.
const longestRule = 10_000

// Compile checks a rule. Faults are ordered by where they stand.
func (c *Compiler) Compile(rule string) (*Rule, []RuleFault) {
	if strings.TrimSpace(rule) == "" {
		return nil, []RuleFault{{Reason: "an empty rule"}}
	}
	if len(rule) > longestRule {
		return nil, []RuleFault{{Reason: "a rule longer than 10 000 bytes"}}
	}
	checked, issues := c.env.Compile(rule)
	if issues.Err() != nil {
		return nil, c.translate(rule, issues)
	}
	b := &builder{compiler: c, tree: checked.NativeRep(), at: offsetsOf(rule)}
	root := b.tree.Expr()
	if out := checked.OutputType(); !out.IsExactType(cel.BoolType) {
		return nil, []RuleFault{{b.start(root), "the rule is " + typeWords(out.String()) + ", want a condition that is true or false"}}
	}
	b.values(root)
	if len(b.faults) == 0 {
		n := b.condition(root)
		if len(b.faults) == 0 {
			b.reachable(n)
		}
		if len(b.faults) == 0 {
			return &Rule{Text: rule, root: n}, nil
		}
	}
	slices.SortStableFunc(b.faults, func(x, y RuleFault) int { return cmp.Compare(x.Offset, y.Offset) })
	return nil, slices.Compact(b.faults)
}

// Match reports whether a client meets the rule.
func (r *Rule) Match(c *schema.ClientRow) bool { return r.root.eval(c) == yes }

// builder compiles one rule.
type builder struct {
	compiler *Compiler
	tree     *ast.AST
	at       func(line, column int) int
	faults   []RuleFault
}

func (b *builder) fault(e ast.Expr, reason string) {
	b.faults = append(b.faults, RuleFault{b.start(e), reason})
}

// start is where an expression begins: an operator stands behind its left side.
func (b *builder) start(e ast.Expr) int {
	least := -1
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
		location := b.tree.SourceInfo().GetStartLocation(part.ID())
		if location.Line() < 1 {
			return
		}
		if offset := b.at(location.Line(), location.Column()); least < 0 || offset < least {
			least = offset
		}
	}))
	return max(least, 0)
}

// written is an expression as it would be written.
func (b *builder) written(e ast.Expr) string {
	out, err := cel.ExprToString(e, b.tree.SourceInfo())
	if err != nil {
		return "…"
	}
	return out
}

// offsetsOf turns lines from 1 and columns from 0 into characters from 0.
func offsetsOf(rule string) func(line, column int) int {
	begins := []int{0}
	for i, r := range []rune(rule) {
		if r == '\n' {
			begins = append(begins, i+1)
		}
	}
	return func(line, column int) int { return begins[min(max(line, 1), len(begins))-1] + max(column, 0) }
}
