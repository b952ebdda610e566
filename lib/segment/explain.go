package segment

import (
	"strings"

	"github.com/leadlake/leadlake/lib/schema"
)

// Reason is a part of a rule that decided about a client, and what is known of him.
type Reason struct {
	Condition string `json:"condition"` // as in the rule
	Holds     bool   `json:"holds"`
	Facts     []Fact `json:"facts,omitempty"` // those that the condition names, in their order
}

// Fact is a fact of a client as people read it; null is what is not known.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// String is the condition with the facts: recency_days > 90 (recency_days = 133).
func (r Reason) String() string {
	var known []string
	for _, f := range r.Facts {
		known = append(known, f.Name+" = "+f.Value)
	}
	if len(known) == 0 {
		return r.Condition
	}
	return r.Condition + " (" + strings.Join(known, ", ") + ")"
}

// Explain says which parts of the rule decided about a client: of a member those
// that hold and made him one, of anybody else those that fail.
func (c *Compiler) Explain(r *Rule, row *schema.ClientRow) (member bool, reasons []Reason) {
	member = r.Match(row)
	return member, c.reasons(r.root, row, member, false)
}

// reasons lists the leaves that made a node true, or that kept it from being.
// inside says that the node stands under an odd number of negations: then it was
// to be false.
func (c *Compiler) reasons(n *node, row *schema.ClientRow, held, inside bool) []Reason {
	met := func(n *node) bool { // as the rule wanted it
		if inside {
			return n.eval(row) == no
		}
		return n.eval(row) == yes
	}
	switch n.form {
	case none:
		return c.reasons(n.kids[0], row, held, !inside)
	case leaf:
		reason := Reason{Condition: n.text, Holds: held}
		if inside {
			reason.Condition = "!(" + n.text + ")"
		}
		for _, name := range n.uses {
			reason.Facts = append(reason.Facts, c.known(n, name, row)...)
		}
		return []Reason{reason}
	}
	var all []Reason
	for _, kid := range n.kids {
		if met(kid) == held {
			all = append(all, c.reasons(kid, row, held, inside)...)
		}
	}
	return all
}

// known is a fact; of the consents only what the condition names.
func (c *Compiler) known(n *node, name string, row *schema.ClientRow) []Fact {
	f := c.facts[name]
	if f.kind != states {
		return []Fact{{name, f.show(row)}}
	}
	var found []Fact
	for _, purpose := range purposes() {
		if strings.Contains(n.text, purpose) {
			found = append(found, Fact{name + "." + purpose, consentState(row, purpose)})
		}
	}
	return found
}
