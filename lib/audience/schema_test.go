package audience_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadlake/leadlake/lib/audience"
)

// published is the schema of manifests, made ready once.
var published = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(audience.ManifestSchema()))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("manifest.schema.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("manifest.schema.json")
})

// followsSchema holds a manifest against the published schema. Every manifest that
// a test of this package writes passes here.
func followsSchema(t *testing.T, body string) error {
	t.Helper()
	schema, err := published()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestThePublishedSchemaIsOne(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(audience.ManifestSchema()))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := jsonschema.NewCompiler().Compile("https://json-schema.org/draft/2020-12/schema")
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(document); err != nil {
		t.Errorf("the schema breaks the rules for schemas: %v", err)
	}
	audience.ManifestSchema()[0] = 'x' // a copy: what a caller does to it changes nothing
	if audience.ManifestSchema()[0] != '{' {
		t.Error("callers share the schema's bytes")
	}
}

// whole is a request with all that a manifest can say.
func whole(platform string, hashed bool, change audience.Change) audience.Request {
	req := request(platform, hashed)
	req.Change = change
	req.Thresholds = []audience.Threshold{{Metric: "recency", Rule: "quantile", Bounds: []float64{12, 61.5}}, {Metric: "abc", Rule: "money_share"}}
	req.Holdout = &audience.Holdout{Share: 0.1, Assigned: 240}
	return req
}

// Every platform, plain and hashed, a whole list and each change of it, from a list
// large enough, one too small and nobody: what is written follows the schema.
func TestManifestsFollowThePublishedSchema(t *testing.T) {
	many := rich(2300)
	for i := range 200 {
		many[i].Excluded = audience.ReasonHoldout
		many[i+200].Excluded = audience.ReasonNoConsent
	}
	few := append(many[198:204:204], many[500])
	refused, changes := 0, 0
	for _, k := range kinds {
		p, _ := audience.Lookup(k.platform)
		for _, change := range []audience.Change{"", audience.Add, audience.Remove, audience.Replace} {
			if p.Human && change != "" {
				continue
			}
			for _, contacts := range [][]audience.Contact{many, few, nil} {
				// mustWrite holds the manifest against the schema.
				m, _ := mustWrite(t, whole(k.platform, k.hashed, change), list(contacts...))
				if m.Holdout == nil || m.Holdout.Held != m.Excluded[audience.ReasonHoldout] || m.Holdout.Assigned != 240 {
					t.Errorf("%v %s: holdout %+v with %d held out", k, change, m.Holdout, m.Excluded[audience.ReasonHoldout])
				}
				if m.Refused != nil {
					refused++
				}
				if m.Change != "" {
					changes++
				}
			}
		}
	}
	if refused == 0 || changes == 0 {
		t.Errorf("%d refused manifests and %d of changes were looked at: too few to prove anything", refused, changes)
	}
}

func TestTheManifestSaysWhatTheRuleRestsOn(t *testing.T) {
	req := whole("yandex", true, "")
	m, _ := mustWrite(t, req, list(crowd(120)...))
	if want := sha256Hex(req.Rule); m.RuleSHA256 != want || m.Version != audience.ManifestVersion {
		t.Errorf("version %d, rule's hash %q, want %d and %q", m.Version, m.RuleSHA256, audience.ManifestVersion, want)
	}
	want := []audience.Threshold{{Metric: "recency", Rule: "quantile", Bounds: []float64{12, 61.5}}, {Metric: "abc", Rule: "money_share", Bounds: []float64{}}}
	if diff := cmp.Diff(want, m.Thresholds); diff != "" {
		t.Errorf("thresholds: %s", diff)
	}
	req.Rule, req.Thresholds, req.Holdout = "", nil, nil
	m, out := mustWrite(t, req, list(crowd(120)...))
	if m.RuleSHA256 != "" || m.Holdout != nil || m.Thresholds == nil || !strings.Contains(out.text(audience.ManifestName), `"thresholds": []`) {
		t.Errorf("without a rule: hash %q, thresholds %v, holdout %v", m.RuleSHA256, m.Thresholds, m.Holdout)
	}
}

func TestThresholdsAndHoldoutAreChecked(t *testing.T) {
	for text, spoil := range map[string]func(*audience.Request){
		"no metric or no rule": func(r *audience.Request) { r.Thresholds[0].Metric = "" },
		"that is no number":    func(r *audience.Request) { r.Thresholds[0].Bounds[1] = math.NaN() },
		"holdout is no share":  func(r *audience.Request) { r.Holdout.Share = 1 },
		"of at least nobody":   func(r *audience.Request) { r.Holdout.Assigned = -1 },
	} {
		req := whole("yandex", false, "")
		spoil(&req)
		if _, err := audience.Write(req, list(), newFolder().create); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("Write = %v, want an error with %q", err, text)
		}
	}
}

// A schema that accepts everything would be no promise: each of these changes to a
// good manifest must be refused.
func TestTheSchemaRefusesWhatIsNoManifest(t *testing.T) {
	contacts := crowd(2300)
	contacts[0].Excluded = audience.ReasonHoldout
	_, out := mustWrite(t, whole("vk", true, audience.Add), list(contacts...))
	good := out.text(audience.ManifestName)
	decode := func() map[string]any {
		var m map[string]any
		if err := json.Unmarshal([]byte(good), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	// change edits the value at a path such as files.0.rows.
	refused := func(name string, edit func(m map[string]any)) {
		m := decode()
		edit(m)
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if followsSchema(t, string(body)) == nil {
			t.Errorf("the schema takes a manifest with %s", name)
		}
	}
	optional := map[string]bool{"consent": true, "change": true, "expires_day": true, "holdout": true, "warnings": true, "before_upload": true, "unconfirmed": true}
	for key := range decode() {
		if !optional[key] {
			refused("no "+key, func(m map[string]any) { delete(m, key) })
		}
		refused("a "+key+" of another type", func(m map[string]any) {
			m[key] = []any{[]any{}}
		})
	}
	inside := func(m map[string]any, path ...any) map[string]any {
		var at any = m
		for _, step := range path {
			switch s := step.(type) {
			case string:
				at = at.(map[string]any)[s]
			case int:
				at = at.([]any)[s]
			}
		}
		return at.(map[string]any)
	}
	for _, path := range [][]any{{"title"}, {"holdout"}, {"thresholds", 0}, {"files", 0}, {"files", 0, "about"}, {"identifiers", "phone"}} {
		for key := range inside(decode(), path...) {
			if key == "max_rows" || key == "max_bytes" {
				continue
			}
			refused(fmt.Sprintf("no %s in %v", key, path), func(m map[string]any) { delete(inside(m, path...), key) })
			refused(fmt.Sprintf("a wrong %s in %v", key, path), func(m map[string]any) { inside(m, path...)[key] = []any{[]any{}} })
		}
		refused(fmt.Sprintf("an unknown field in %v", path), func(m map[string]any) { inside(m, path...)["more"] = 1 })
	}
	for name, edit := range map[string]func(m map[string]any){
		"an unknown field":             func(m map[string]any) { m["phone"] = "+79000000000" },
		"an unknown reason":            func(m map[string]any) { inside(m, "excluded")["bad_luck"] = 1 },
		"an unknown reason of a value": func(m map[string]any) { inside(m, "values_refused")["bad_luck"] = 1 },
		"a negative count":             func(m map[string]any) { inside(m, "excluded")["holdout"] = -1 },
		"half a client":                func(m map[string]any) { m["clients"] = 1.5 },
		"an older version":             func(m map[string]any) { m["version"] = 1 },
		"an unknown kind": func(m map[string]any) {
			inside(m, "identifiers")["passport"] = map[string]any{"given": 1, "valid": 1, "valid_share": 1}
		},
		"a share above one":        func(m map[string]any) { inside(m, "identifiers", "phone")["valid_share"] = 1.1 },
		"everybody held out":       func(m map[string]any) { inside(m, "holdout")["share"] = 1 },
		"a day that is none":       func(m map[string]any) { m["as_of"] = "2026-02-30" },
		"a digest cut short":       func(m map[string]any) { inside(m, "files", 0)["sha256"] = "abc" },
		"a digest of the rule cut": func(m map[string]any) { m["rule_sha256"] = strings.Repeat("a", 63) },
		"a digest of no file":      func(m map[string]any) { inside(m, "files", 0)["written"] = false },
		"an unknown hash":          func(m map[string]any) { m["hash"] = "crc32" },
		"a hash of plain files":    func(m map[string]any) { m["hashed"] = false },
		"an unknown change":        func(m map[string]any) { m["change"] = "merge" },
		"an unknown refusal": func(m map[string]any) {
			m["refused"] = map[string]any{"reason": "mood", "text": map[string]any{"ru": "", "en": ""}}
		},
	} {
		refused(name, edit)
	}
	if err := followsSchema(t, good); err != nil {
		t.Errorf("the manifest itself is refused: %v", err)
	}
}

// The reasons of the schema are those of the package, whatever is added to them.
func TestTheSchemaKnowsEveryReason(t *testing.T) {
	var schema struct {
		Defs struct {
			Reasons struct {
				PropertyNames struct {
					Enum []string `json:"enum"`
				} `json:"propertyNames"`
			} `json:"reasons"`
			Refused struct {
				Properties struct {
					Reason struct {
						Enum []string `json:"enum"`
					} `json:"reason"`
				} `json:"properties"`
			} `json:"refused"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(audience.ManifestSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	reasons := schema.Defs.Reasons.PropertyNames.Enum
	for _, reason := range reasons {
		if audience.Reason(reason).Explain().EN == reason {
			t.Errorf("%s of the schema is no reason of the package", reason)
		}
	}
	for _, constants := range []struct {
		file, name string
		enum       []string
	}{
		{"reason.go", `Reason[A-Z]\w+ +Reason`, reasons},
		{"manifest.go", `Refused[A-Z]\w+`, schema.Defs.Refused.Properties.Reason.Enum},
	} {
		source, err := os.ReadFile(constants.file)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, found := range regexp.MustCompile(`(?m)^\t`+constants.name+` += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			want = append(want, found[1])
		}
		got := slices.Clone(constants.enum)
		slices.Sort(got)
		slices.Sort(want)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("the schema knows %v, %s has %v", got, constants.file, want)
		}
	}
}
