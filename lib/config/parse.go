package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	_ "time/tzdata" // one machine and Lambda read the same zones

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// ErrInvalid is matched by every fault of a configuration.
var ErrInvalid = errors.New("config: invalid")

// Fault is one thing wrong with the file. Line and Column are 1-based, 0 where
// unknown.
type Fault struct {
	Line   int
	Column int
	Path   string
	Reason string
}

func (f *Fault) Error() string {
	at := Key
	if f.Line > 0 {
		at += ":" + strconv.Itoa(f.Line)
	}
	if f.Line > 0 && f.Column > 0 {
		at += ":" + strconv.Itoa(f.Column)
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
// (errors.Join of *Fault, ordered by line). Empty input gives the defaults. No
// fault quotes a value of the file, which may be a secret in the wrong place,
// but for words out of a fixed list; those of checks may quote a rule.
//
// checks are asked about a configuration that is right by itself. Who uses the
// segments passes segment.Check, so that a bad rule is never ignored.
func Parse(body []byte, checks ...Check) (*Config, error) {
	c := Default()
	root, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	var faults []*Fault
	if root != nil {
		if faults = checkSchema(root); len(faults) == 0 {
			c.Metrics.LeadScore.Points = nil // the built-in rules go by the file's funnel
			if err := root.Decode(c); err != nil {
				return nil, syntaxFault(err)
			}
			c.fillDefaults()
			c.placeRules(root, body)
		}
	}
	if len(faults) == 0 {
		faults = c.check()
	}
	if len(faults) == 0 {
		for _, check := range checks {
			faults = append(faults, check(c)...)
		}
	}
	for _, f := range faults {
		if f.Line == 0 {
			f.Line = lineOf(root, strings.Split(f.Path, "."))
		}
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b *Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		all := make([]error, len(faults))
		for i, f := range faults {
			all[i] = f
		}
		return nil, errors.Join(all...)
	}
	return c, nil
}

// readDocument reads the one document of a file; nil where it says nothing.
func readDocument(body []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	var root, second yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil //nolint:nilnil // an empty file is the defaults
	case err != nil:
		return nil, syntaxFault(err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, syntaxFault(err)
		}
		return nil, &Fault{Line: second.Line, Path: "file", Reason: "a second document after ---; only one is read"}
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return nil, nil //nolint:nilnil // nothing but comments
	}
	return root.Content[0], nil
}

func syntaxFault(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if match := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(text); match != nil {
		line, _ = strconv.Atoi(match[1])
	}
	return &Fault{Line: line, Path: "yaml", Reason: strings.Join(strings.Fields(text), " ")}
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
	setDefault(&c.Metrics.XYZ.Period, d.Metrics.XYZ.Period)
	setDefault(&c.Metrics.XYZ.Value, d.Metrics.XYZ.Value)
	setDefault(&c.Metrics.Cohorts, d.Metrics.Cohorts)
	setDefault(&c.Metrics.Replenishment.Level, d.Metrics.Replenishment.Level)
	if len(c.Funnel) == 0 {
		c.Funnel = d.Funnel
	}
	if c.Metrics.LeadScore.Points == nil {
		c.Metrics.LeadScore.Points = defaultPoints(c.Funnel)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check applies what a schema cannot say.
func (c *Config) check() []*Fault {
	var faults []*Fault
	fault := func(path, format string, args ...any) {
		faults = append(faults, &Fault{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	if err := c.SetTimezone(c.Business.Timezone); err != nil {
		fault("business.timezone", unknownZone)
	}
	c.rates = make(map[string]money.Rate, len(c.Business.Rates))
	for _, currency := range slices.Sorted(maps.Keys(c.Business.Rates)) {
		rate, err := money.ParseRate(c.Business.Rates[currency])
		if err != nil {
			fault("business.rates."+currency, "want a positive decimal such as \"90.00\"")
		}
		if currency == c.Business.Currency {
			fault("business.rates."+currency, "the business's own currency has no rate")
		}
		c.rates[currency] = rate
	}
	segments := map[string]bool{}
	for i, s := range c.Segments {
		if segments[s.Name] {
			fault(fmt.Sprintf("segments.%d.name", i), "segment %q is configured twice", s.Name)
		}
		segments[s.Name] = true
	}
	names := map[string]bool{}
	for i, s := range c.Sources {
		path := "sources." + strconv.Itoa(i)
		if names[s.Name] {
			fault(path+".name", "source %q is configured twice", s.Name)
		}
		names[s.Name] = true
		checkInbox(s, path, fault)
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
	c.checkDays(fault)
	c.checkSeasons(fault)
	c.checkPoints(fault)
	c.checkIdentity(fault)
	c.checkExports(fault)
	c.checkCanaries(fault)
	c.Metrics.XYZ.check(fault)
	c.Builtin.check(fault)
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
