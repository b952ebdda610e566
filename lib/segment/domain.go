package segment

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/consent"
)

// domains are the facts that only few words can be, and those words.
func domains(cfg *config.Config) map[string][]string {
	known := map[string][]string{
		"abc":       {"A", "B", "C"},
		"xyz":       {"X", "Y", "Z"},
		"lifecycle": lifecycles(),
		"activity":  activities(),
		"labels":    labels(),
		"consents":  {string(consent.Given), string(consent.Withdrawn), unstated},
	}
	if playbook, err := analytics.PlaybookOf(cfg.Metrics.RFM); err == nil {
		for _, s := range playbook.Segments() {
			known["rfm_segment"] = append(known["rfm_segment"], s.Key)
		}
	}
	digits := "123456789"[:min(cfg.Metrics.RFM.Groups, 9)]
	for _, r := range digits {
		for _, f := range digits {
			for _, m := range digits {
				known["rfm_code"] = append(known["rfm_code"], string([]rune{r, f, m}))
			}
		}
	}
	for _, s := range cfg.Metrics.Seasons {
		known["seasons"] = append(known["seasons"], s.Name)
	}
	return known
}

func lifecycles() []string {
	return []string{card.LifecycleLead, card.LifecyclePotential, card.LifecycleWorking, card.LifecycleDeveloping, card.LifecycleRegular}
}

func activities() []string {
	return []string{card.ActivityActive, card.ActivityCooling, card.ActivitySleeping, card.ActivityDead, card.ActivityNew, card.ActivityWaiting}
}

func labels() []string {
	return []string{card.LabelVIP, card.LabelPartner, card.LabelKey, card.LabelNewcomer, card.LabelActiveBase}
}

// values refuses words that a fact never is: a misspelt one would make a segment
// that is always empty.
func (b *builder) values(root ast.Expr) {
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if purpose, ok := b.purpose(e); ok && !slices.Contains(purposes(), purpose) {
			b.fault(e, "consents has no purpose "+purpose+": one of "+strings.Join(purposes(), ", ")+didYouMean(purpose, purposes()))
		}
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 || e.AsCall().IsMemberFunction() {
			return
		}
		left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.In:
			b.word(right, left) // "vip" in labels
			if right.Kind() == ast.ListKind {
				for _, element := range right.AsList().Elements() {
					b.word(left, element)
				}
			}
		case operators.Equals, operators.NotEquals:
			b.word(left, right)
			b.word(right, left)
		case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
			b.day(left, right)
			b.day(right, left)
		}
	}))
}

// word checks what a fact is compared with.
func (b *builder) word(of, literal ast.Expr) {
	b.day(of, literal)
	word, ok := literalText(literal)
	if !ok {
		return
	}
	name, known := b.domain(of)
	if known != nil && !slices.Contains(known, word) {
		b.fault(literal, notOneOf(name, word, known))
	}
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	word, ok := e.AsLiteral().(types.String)
	return string(word), ok
}

// domain is what an expression can be, nil for anything.
func (b *builder) domain(e ast.Expr) (name string, known []string) {
	if purpose, ok := b.purpose(e); ok {
		return "consents." + purpose, b.compiler.domains["consents"]
	}
	if f, ok := b.fact(e); ok && f.kind != states {
		return f.name, b.compiler.domains[f.name]
	}
	return "", nil
}

// day checks that days are compared with days.
func (b *builder) day(of, literal ast.Expr) {
	f, isFact := b.fact(of)
	word, ok := literalText(literal)
	if !ok || !isFact {
		return
	}
	switch {
	case strings.HasSuffix(f.name, "_month_day"):
		if _, ok := until(word, 0); !ok {
			b.fault(literal, f.name+" is a day of the year such as \"03-08\"")
		}
	case strings.HasSuffix(f.name, "_day"):
		if _, ok := parseDay(word); !ok {
			b.fault(literal, f.name+" is a day such as \"2026-11-20\"")
		}
	case strings.HasSuffix(f.name, "_month"):
		if _, ok := parseDay(word + "-01"); !ok {
			b.fault(literal, f.name+" is a month such as \"2026-11\"")
		}
	}
}
