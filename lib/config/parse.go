package config

import (
	_ "embed" // the published JSON Schema
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	_ "time/tzdata" // one machine and Lambda read the same zones

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// Schema is the JSON Schema (draft 2020-12) of the file, published so that
// editors can check and complete it.
//
//go:embed leadlake.schema.json
var schemaJSON []byte

// Schema returns the published JSON Schema of the file.
func Schema() []byte { return slices.Clone(schemaJSON) }

// ErrInvalid is matched by every fault of a configuration.
var ErrInvalid = errors.New("config: invalid")

// Fault is one thing wrong with the file. Line is 1-based, 0 where unknown.
type Fault struct {
	Line   int
	Path   string
	Reason string
}

func (f *Fault) Error() string {
	at := Key
	if f.Line > 0 {
		at += ":" + strconv.Itoa(f.Line)
	}
	return at + ": " + f.Path + ": " + f.Reason
}

// Is matches ErrInvalid.
func (f *Fault) Is(target error) bool { return target == ErrInvalid }

// UnmarshalYAML reads `orders: false` and a map of statuses.
func (o *Orders) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		var on bool
		if err := node.Decode(&on); err != nil {
			return err
		}
		o.None = !on
		return nil
	}
	return node.Decode(&o.Map)
}

// Parse reads and checks a configuration file. All faults are reported together
// (errors.Join of *Fault, ordered by line). Empty input gives the defaults.
func Parse(body []byte) (*Config, error) {
	c := Default()
	var root yaml.Node
	if err := yaml.Unmarshal(body, &root); err != nil {
		return nil, syntaxFault(err)
	}
	var faults []*Fault
	if len(root.Content) > 0 {
		if faults = checkSchema(root.Content[0]); len(faults) == 0 {
			if err := root.Decode(c); err != nil {
				return nil, syntaxFault(err)
			}
			c.fillDefaults()
		}
	}
	if len(faults) == 0 {
		faults = c.check()
		for _, f := range faults {
			f.Line = lineOf(&root, f.Path)
		}
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b *Fault) int { return a.Line - b.Line })
		all := make([]error, len(faults))
		for i, f := range faults {
			all[i] = f
		}
		return nil, errors.Join(all...)
	}
	return c, nil
}

func syntaxFault(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if match := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(text); match != nil {
		line, _ = strconv.Atoi(match[1])
	}
	return &Fault{Line: line, Path: "yaml", Reason: text}
}

// fillDefaults puts back what a file left empty inside a section it names.
func (c *Config) fillDefaults() {
	d := Default()
	setDefault(&c.Business.Currency, d.Business.Currency)
	setDefault(&c.Business.Timezone, d.Business.Timezone)
	setDefault(&c.Business.Country, d.Business.Country)
	setDefault(&c.Business.Language, d.Business.Language)
	setDefault(&c.Metrics.RFM.Method, d.Metrics.RFM.Method)
	setDefault(&c.Metrics.RFM.Frequency, d.Metrics.RFM.Frequency)
	setDefault(&c.Metrics.RFM.Monetary, d.Metrics.RFM.Monetary)
	setDefault(&c.Metrics.RFM.Groups, d.Metrics.RFM.Groups)
	setDefault(&c.Metrics.ABC.Method, d.Metrics.ABC.Method)
	if len(c.Funnel) == 0 {
		c.Funnel = d.Funnel
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func checkSchema(node *yaml.Node) []*Fault {
	var value any
	if err := node.Decode(&value); err != nil {
		return []*Fault{{Line: node.Line, Path: "yaml", Reason: err.Error()}}
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schemaJSON)))
	if err != nil {
		panic("config: embedded schema is no JSON: " + err.Error())
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("leadlake.schema.json", document); err != nil {
		panic("config: embedded schema: " + err.Error())
	}
	schema, err := compiler.Compile("leadlake.schema.json")
	if err != nil {
		panic("config: embedded schema: " + err.Error())
	}
	// A round trip through JSON gives the types the validator knows and refuses
	// keys that are no text.
	body, err := json.Marshal(value)
	if err != nil {
		return []*Fault{{Line: node.Line, Path: "yaml", Reason: "keys must be plain words"}}
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		return []*Fault{{Line: node.Line, Path: "yaml", Reason: err.Error()}}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(instance); !errors.As(err, &invalid) {
		return nil
	}
	var faults []*Fault
	printer := message.NewPrinter(language.English)
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			path := strings.Join(e.InstanceLocation, ".")
			faults = append(faults, &Fault{Line: lineOf(node, path), Path: orRoot(path), Reason: e.ErrorKind.LocalizedString(printer)})
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(invalid)
	return faults
}

func orRoot(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

// lineOf finds the line of a dotted path, or of the deepest part of it that is
// there.
func lineOf(node *yaml.Node, path string) int {
	if node.Kind == yaml.DocumentNode {
		if len(node.Content) == 0 {
			return 0
		}
		node = node.Content[0]
	}
	line := node.Line
	for part := range strings.SplitSeq(path, ".") {
		next := (*yaml.Node)(nil)
		switch node.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == part {
					next, line = node.Content[i+1], node.Content[i].Line
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(node.Content) {
				next = node.Content[i]
				line = next.Line
			}
		}
		if next == nil {
			break
		}
		node = next
	}
	return line
}

// check applies what a schema cannot say.
func (c *Config) check() []*Fault {
	var faults []*Fault
	fault := func(path, format string, args ...any) {
		faults = append(faults, &Fault{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	if err := c.SetTimezone(c.Business.Timezone); err != nil {
		fault("business.timezone", "unknown time zone; want a name such as Europe/Moscow")
	}
	c.rates = make(map[string]money.Rate, len(c.Business.Rates))
	for _, currency := range slices.Sorted(maps.Keys(c.Business.Rates)) {
		rate, err := money.ParseRate(c.Business.Rates[currency])
		if err != nil {
			fault("business.rates."+currency, "want a positive decimal such as \"90.00\"")
		}
		c.rates[currency] = rate
	}
	names := map[string]bool{}
	for i, s := range c.Sources {
		path := "sources." + strconv.Itoa(i)
		if names[s.Name] {
			fault(path+".name", "source %q is configured twice", s.Name)
		}
		names[s.Name] = true
		for _, status := range slices.Sorted(maps.Values(s.Orders.Map)) {
			if event.StatusRank(status) < 0 {
				fault(path+".orders", "unknown order status %q; one of new, paid, shipped, completed, cancelled, returned", status)
			}
		}
		for j, rule := range s.Consents {
			if !rule.Always && rule.Field == "" {
				fault(fmt.Sprintf("%s.consents.%d", path, j), "want a field, or always: true")
			}
		}
	}
	c.checkRFM(fault)
	if c.Metrics.ABC.A >= c.Metrics.ABC.B {
		fault("metrics.abc", "a (%v) must be below b (%v)", c.Metrics.ABC.A, c.Metrics.ABC.B)
	}
	return faults
}

func (c *Config) checkRFM(fault func(path, format string, args ...any)) {
	rfm := c.Metrics.RFM
	if rfm.Method == "fixed" {
		for _, b := range []struct {
			name   string
			bounds []float64
		}{{"r_bounds", rfm.RBounds}, {"f_bounds", rfm.FBounds}, {"m_bounds", rfm.MBounds}} {
			if len(b.bounds) != rfm.Groups-1 {
				fault("metrics.rfm."+b.name, "method fixed with %d groups needs %d bounds, got %d", rfm.Groups, rfm.Groups-1, len(b.bounds))
			}
			for i := 1; i < len(b.bounds); i++ {
				if b.bounds[i] <= b.bounds[i-1] {
					fault("metrics.rfm."+b.name, "bounds must rise: %v after %v", b.bounds[i], b.bounds[i-1])
				}
			}
		}
	}
	if rfm.Groups == 3 && len(rfm.Playbook) == 0 {
		return
	}
	covered := map[string]string{}
	for i, rule := range rfm.Playbook {
		for _, code := range rule.Codes {
			path := fmt.Sprintf("metrics.rfm.playbook.%d.codes", i)
			if old, ok := covered[code]; ok {
				fault(path, "code %s is covered twice, by %s and %s", code, old, rule.Segment)
			}
			if !validCode(code, rfm.Groups) {
				fault(path, "%q is no code of %d groups", code, rfm.Groups)
			}
			covered[code] = rule.Segment
		}
	}
	want := rfm.Groups * rfm.Groups * rfm.Groups
	if len(covered) != want {
		fault("metrics.rfm.playbook", "with %d groups every one of the %d codes must be covered once; %d are", rfm.Groups, want, len(covered))
	}
}

func validCode(code string, groups int) bool {
	if len(code) != 3 {
		return false
	}
	for i := range len(code) {
		if code[i] < '1' || int(code[i]-'0') > groups {
			return false
		}
	}
	return true
}
