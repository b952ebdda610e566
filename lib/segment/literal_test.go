package segment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/segment"
)

func TestLiteralsOfARule(t *testing.T) {
	for rule, want := range map[string][]segment.Literal{
		`orders > 3`: nil,
		`activity == "sleeping" && "coffee" in categories`: {{"sleeping", "activity", segment.TestIs}, {"coffee", "categories", segment.TestIs}},
		`city in ["Тула", "Москва"] || city == null`:       {{"Тула", "city", segment.TestIs}, {"Москва", "city", segment.TestIs}},
		`!("a" in tags)`: {{"a", "tags", segment.TestIs}},
		`categories.exists(c, c.startsWith("gyn"))`:                  {{"gyn", "categories", segment.TestStarts}},
		`tags.exists(t, t.endsWith("x") || t.contains("y"))`:         {{"x", "tags", segment.TestEnds}, {"y", "tags", segment.TestContains}},
		`city.matches("^g[iy]n")`:                                    {{"^g[iy]n", "city", segment.TestMatches}},
		`"gyn" + "aeco" + "logy" in categories`:                      {{"gynaecology", "categories", segment.TestIs}},
		`categories.exists(c, c >= "gyn" && c < "gyo")`:              {{"gyn", "categories", segment.TestStarts}, {"gyo", "categories", segment.TestStarts}},
		`consents["ads"] == "given" || consents.email == "given"`:    {{"ads", "consents", segment.TestIs}, {"given", "consents", segment.TestIs}, {"given", "consents", segment.TestIs}},
		`"\u0067yn" in (orders > 1 ? ["dent"] : interests)`:          {{"gyn", "", segment.TestIs}, {"dent", "", segment.TestIs}},
		`["a", "b"].exists(x, categories.exists(c, c.contains(x)))`:  {{"a", "", segment.TestContains}, {"b", "", segment.TestContains}},
		`tags.exists(t, tags.exists(t, t == "in") && t == "out")`:    {{"in", "tags", segment.TestIs}, {"out", "tags", segment.TestIs}},
		`days_since("2026-01-01") > 3 && last_order_day > "2026-02"`: {{"2026-01-01", "", segment.TestContains}, {"2026-02", "last_order_day", segment.TestStarts}},
		`no rule at all`: {{"no rule at all", "", segment.TestContains}},
	} {
		if diff := cmp.Diff(want, segment.Literals(rule)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rule, diff)
		}
	}
}

// What a rule's literals are goes by its text, compiled or not.
func TestLiteralsOfACompiledRule(t *testing.T) {
	compiler, err := segment.NewCompiler(config.Default(), "2026-11-20")
	if err != nil {
		t.Fatal(err)
	}
	rule, faults := compiler.Compile(`"coffee" in categories && orders > 1`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if diff := cmp.Diff([]segment.Literal{{"coffee", "categories", segment.TestIs}}, rule.Literals()); diff != "" {
		t.Error(diff)
	}
}
