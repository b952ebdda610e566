package segment

import (
	"errors"

	"github.com/leadlake/leadlake/lib/schema"
)

// Match is match for the benchmark.
var Match = match

// Both are a rule as functions over the row and as cel-go evaluates it whole.
func Both(c *Compiler, rule string) (fast, slow func(*schema.ClientRow) string, err error) {
	checked, issues := c.env.Compile(rule)
	if issues.Err() != nil {
		return nil, nil, issues.Err()
	}
	b := &builder{compiler: c, tree: checked.NativeRep(), at: offsetsOf(rule)}
	n := b.condition(b.tree.Expr())
	whole := b.interpreted(b.tree.Expr(), rule)
	if len(b.faults) > 0 {
		return nil, nil, errors.New(b.faults[0].Reason)
	}
	say := func(eval func(*schema.ClientRow) truth) func(*schema.ClientRow) string {
		return func(row *schema.ClientRow) string {
			return [...]string{no: "no", yes: "yes", unknown: "unknown"}[eval(row)]
		}
	}
	return say(n.eval), say(whole), nil
}
