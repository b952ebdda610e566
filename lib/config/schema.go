package config

import (
	_ "embed" // the published JSON Schema
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Schema is the JSON Schema (draft 2020-12) of the file, published so that
// editors can check and complete it.
//
//go:embed leadlake.schema.json
var schemaJSON []byte

// Schema returns the published JSON Schema of the file.
func Schema() []byte { return slices.Clone(schemaJSON) }

// Kinds returns the kinds of sources that senders post to, in the order of the
// schema; SheetKind is none of them.
func Kinds() []string {
	var schema struct {
		Properties struct {
			Sources struct {
				Items struct {
					Properties struct {
						Kind struct {
							Enum []string `json:"enum"`
						} `json:"kind"`
					} `json:"properties"`
				} `json:"items"`
			} `json:"sources"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(schemaJSON, &schema); err != nil {
		panic("config: embedded schema is no JSON: " + err.Error())
	}
	return slices.DeleteFunc(schema.Properties.Sources.Items.Properties.Kind.Enum, func(kind string) bool { return kind == SheetKind })
}

// checkSchema holds the file against the published schema.
func checkSchema(node *yaml.Node) []*Fault {
	var value any
	if err := node.Decode(&value); err != nil {
		return []*Fault{syntaxFault(err).(*Fault)} //nolint:errorlint,forcetypeassert // made by the line itself
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
	// keys that are no text and numbers that are none.
	body, err := json.Marshal(value)
	if err != nil {
		return []*Fault{{Line: node.Line, Path: "file", Reason: "keys must be plain words and numbers finite"}}
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		return []*Fault{{Line: node.Line, Path: "file", Reason: err.Error()}}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(instance); !errors.As(err, &invalid) {
		return nil
	}
	var faults []*Fault
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		_, alternatives := e.ErrorKind.(*kind.OneOf)
		if len(e.Causes) == 0 || alternatives {
			faults = append(faults, explain(node, document, e)...)
			return
		}
		for _, cause := range e.Causes {
			collect(cause)
		}
	}
	collect(invalid)
	slices.SortStableFunc(faults, func(a, b *Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// explain says in an owner's words what a rule of the schema wants.
func explain(node *yaml.Node, document any, e *jsonschema.ValidationError) []*Fault {
	at := func(reason string, more ...string) *Fault {
		path := slices.Concat(e.InstanceLocation, more)
		name := strings.Join(path, ".")
		if name == "" {
			name = "file"
		}
		return &Fault{Line: lineOf(node, path), Path: name, Reason: reason}
	}
	rule, description := ruleAt(document, e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known, _ := rule["properties"].(map[string]any)
		var faults []*Fault
		for _, property := range slices.Sorted(slices.Values(k.Properties)) {
			faults = append(faults, at("unknown key; known here: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "), property))
		}
		return faults
	case *kind.Required:
		return []*Fault{at("needs " + strings.Join(k.Missing, ", "))}
	case *kind.Enum:
		words := make([]string, len(k.Want))
		for i, word := range k.Want {
			words[i] = fmt.Sprint(word)
		}
		reason := "want one of " + strings.Join(words, ", ")
		if n := len(e.InstanceLocation); n == 3 && e.InstanceLocation[0] == "sources" && e.InstanceLocation[2] == "kind" {
			reason = "this version has no adapter for the kind; " + reason
		}
		return []*Fault{at(reason)}
	case *kind.Type:
		wants := make([]string, len(k.Want))
		for i, word := range k.Want {
			wants[i] = typeName(word)
		}
		return []*Fault{at("want " + strings.Join(wants, " or ") + ", got " + typeName(k.Got))}
	case *kind.Pattern, *kind.OneOf:
		if description != "" {
			return []*Fault{at("want " + description)}
		}
		return []*Fault{at("has a form that is not allowed here")}
	case *kind.Minimum:
		return []*Fault{at("want at least " + decimal(k.Want) + ", got " + decimal(k.Got))}
	case *kind.ExclusiveMinimum:
		return []*Fault{at("want more than " + decimal(k.Want) + ", got " + decimal(k.Got))}
	case *kind.Maximum:
		return []*Fault{at("want at most " + decimal(k.Want) + ", got " + decimal(k.Got))}
	case *kind.ExclusiveMaximum:
		return []*Fault{at("want less than " + decimal(k.Want) + ", got " + decimal(k.Got))}
	case *kind.MinItems:
		return []*Fault{at("want at least " + strconv.Itoa(k.Want) + " entries")}
	case *kind.MaxItems:
		return []*Fault{at("want at most " + strconv.Itoa(k.Want) + " entries, got " + strconv.Itoa(k.Got))}
	case *kind.UniqueItems:
		return []*Fault{at("want every entry once")}
	default:
		return []*Fault{at(e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))}
	}
}

// decimal writes a bound as people do.
func decimal(r *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(6), "0"), ".")
}

func typeName(word string) string {
	switch word {
	case "object":
		return "keys with values"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "null":
		return "nothing"
	default:
		return word
	}
}

// ruleAt finds the rule that a URL's fragment points to, and the description of
// it or of the nearest rule around it.
func ruleAt(document any, url string) (rule map[string]any, description string) {
	rule, _ = document.(map[string]any)
	_, pointer, _ := strings.Cut(url, "#/")
	if pointer == "" {
		return rule, ""
	}
	var current any = rule
	for part := range strings.SplitSeq(pointer, "/") {
		switch c := current.(type) {
		case map[string]any:
			current = c[part]
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i < len(c) {
				current = c[i]
			}
		}
		if next, ok := current.(map[string]any); ok {
			rule = next
			if text, ok := next["description"].(string); ok {
				description = text
			}
		}
	}
	return rule, description
}

// lineOf finds the line of a path, or of the deepest part of it that is there.
func lineOf(node *yaml.Node, path []string) int {
	if node == nil {
		return 0
	}
	line := node.Line
	for _, part := range path {
		var next *yaml.Node
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
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
