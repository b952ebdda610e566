// Package wiring reads from template.yaml what calls which function: the HTTP
// routes and the schedules. AWS gets them from the same file, so the one-machine
// program cannot drift away from the cloud. Mux serves the routes in one process
// and Scheduler runs the schedules.
package wiring

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is a copy: go:embed reaches neither above its folder nor through a
// symbolic link. `make wiring` renews it and a test holds it equal.
//
//go:embed template.yaml
var source []byte

// ErrTemplate is matched by every fault of the template itself.
var ErrTemplate = errors.New("wiring: invalid template")

// Template is what calls the functions. Functions are named as their folder in
// functions/: the logical id IngestFunction is "ingest".
type Template struct {
	Functions []string   // in the order of the template
	Routes    []Route    // in the order of the template
	Schedules []Schedule // in the order of the template
}

// Route is one HTTP event. Path is written as API Gateway does, "/in/{source}/{proxy+}".
type Route struct {
	Function, Method, Path string
}

// Load reads the template that was compiled in. Parameters replace the template's
// own defaults, as a deployment does: BusinessTimezone is the one that schedules
// use. An unknown parameter is an error, so that a misspelt one is not ignored.
func Load(parameters map[string]string) (Template, error) {
	return Read(source, parameters)
}

// Read is Load for any template. Faults match [ErrTemplate] and name the line.
func Read(source []byte, parameters map[string]string) (Template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		return Template{}, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	if len(document.Content) != 1 {
		return Template{}, fmt.Errorf("%w: empty", ErrTemplate)
	}
	r := reader{parameters: map[string]string{}}
	root := document.Content[0]
	for name, parameter := range entries(field(root, "Parameters")) {
		r.parameters[name] = scalar(field(parameter, "Default"))
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if _, ok := r.parameters[name]; !ok {
			return Template{}, fmt.Errorf("%w: no parameter %s", ErrTemplate, name)
		}
		r.parameters[name] = parameters[name]
	}
	for id, resource := range entries(field(root, "Resources")) {
		if scalar(field(resource, "Type")) != "AWS::Serverless::Function" {
			continue
		}
		function := strings.ToLower(strings.TrimSuffix(id, "Function"))
		r.template.Functions = append(r.template.Functions, function)
		for name, event := range entries(field(resource, "Properties", "Events")) {
			if err := r.event(function, name, event); err != nil {
				return Template{}, fmt.Errorf("%w: line %d: %s: %w", ErrTemplate, event.Line, name, err)
			}
		}
	}
	return r.template, nil
}

type reader struct {
	parameters map[string]string
	template   Template
}

func (r *reader) event(function, name string, event *yaml.Node) error {
	properties := field(event, "Properties")
	switch kind := scalar(field(event, "Type")); kind {
	case "HttpApi":
		route := Route{Function: function, Method: strings.ToUpper(r.text(field(properties, "Method"))), Path: r.text(field(properties, "Path"))}
		if route.Method == "" || !strings.HasPrefix(route.Path, "/") {
			return fmt.Errorf("a route needs a method and a path, got %q %q", route.Method, route.Path)
		}
		r.template.Routes = append(r.template.Routes, route)
	case "ScheduleV2":
		input := r.text(field(properties, "Input"))
		if input == "" {
			input = "{}"
		}
		if !json.Valid([]byte(input)) {
			return fmt.Errorf("input is not JSON: %s", input)
		}
		schedule, err := ParseSchedule(r.text(field(properties, "ScheduleExpression")), r.text(field(properties, "ScheduleExpressionTimezone")))
		if err != nil {
			return err
		}
		schedule.Function, schedule.Name, schedule.Input = function, name, json.RawMessage(input)
		r.template.Schedules = append(r.template.Schedules, schedule)
	default:
		return fmt.Errorf("event type %q is not known here", kind)
	}
	return nil
}

// text is a scalar with !Ref replaced by the parameter it names.
func (r *reader) text(node *yaml.Node) string {
	if node != nil && node.Tag == "!Ref" {
		return r.parameters[node.Value]
	}
	return scalar(node)
}

// field walks down mappings; nil where a name is absent.
func field(node *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		var found *yaml.Node
		for key, value := range entries(node) {
			if key == name {
				found = value
			}
		}
		node = found
	}
	return node
}

// entries yields the pairs of a mapping in file order; nothing for anything else.
func entries(node *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}

func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
