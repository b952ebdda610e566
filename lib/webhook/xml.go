package webhook

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

// Reasons of failures of XML bodies. They never change.
const (
	ReasonXML        = "malformed_xml"
	ReasonXMLDoctype = "xml_doctype"
	ReasonXMLCharset = "xml_charset"
	ReasonXMLTooDeep = "xml_too_deep"
	ReasonXMLTooMany = "xml_too_many_elements"
)

// maxElements bounds the elements and attributes of one XML body.
const maxElements = 200_000

// xml reads the body once. It gives the root element with its name.
func (in *intake) xml() (string, event.Value, *Failure) {
	if in.parsed == nil {
		name, root, failure := readXML(in.d.Body)
		in.parsed = &content{failure: failure, values: []event.Value{{Type: event.Object, Members: []event.Member{{Key: name, Value: root}}}}}
	}
	if in.parsed.failure != nil {
		return "", event.Value{}, in.parsed.failure
	}
	only := in.parsed.values[0].Members[0]
	return only.Key, only.Value, nil
}

// sendsXML reports whether the body is XML, whatever its content type says.
func sendsXML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))), []byte("<"))
}

// readXML reads XML as a tree of the kind that JSON makes: an element with
// children or attributes is an object with a member for each of them, in order,
// so that an element that comes twice is a member twice; any other is its text.
// type="array" and nil="true", by which Rails marks lists and nulls, are obeyed.
// A document type is refused whatever it declares, so that no entity is ever
// expanded.
func readXML(body []byte) (string, event.Value, *Failure) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	r := &xmlReader{decoder: xml.NewDecoder(bytes.NewReader(body))}
	r.decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "windows-1251", "cp1251", "win-1251":
		default:
			return nil, errCharset
		}
		text, err := io.ReadAll(input)
		if err == nil && !utf8.Valid(text) { // or a proxy has converted the text and left its declaration
			text = windows1251(text)
		}
		return bytes.NewReader(text), err
	}
	if !utf8.Valid(body) && !bytes.Contains(bytes.ToLower(body[:min(len(body), 200)]), []byte("1251")) {
		r.decoder = xml.NewDecoder(bytes.NewReader(windows1251(body)))
		r.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	}
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return "", event.Value{}, xmlFailure(err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return "", event.Value{}, xmlFailure(errDoctype)
		case xml.StartElement:
			root, err := r.element(t, 0)
			if err == nil {
				err = r.end()
			}
			if err != nil {
				return "", event.Value{}, xmlFailure(err)
			}
			return t.Name.Local, root, nil
		}
	}
}

var (
	errDoctype    = errors.New("a document type is not accepted")
	errCharset    = errors.New("neither UTF-8 nor windows-1251")
	errXMLDeep    = errors.New("more than " + strconv.Itoa(event.MaxDepth) + " levels")
	errXMLMany    = errors.New("more than " + strconv.Itoa(maxElements) + " elements")
	errXMLTrailer = errors.New("something follows the root element")
)

// xmlFailure names the fault. The decoder's own messages may quote the body, so
// they are not kept.
func xmlFailure(err error) *Failure {
	switch {
	case errors.Is(err, errDoctype):
		return &Failure{Reason: ReasonXMLDoctype, Detail: err.Error()}
	case errors.Is(err, errCharset):
		return &Failure{Reason: ReasonXMLCharset, Detail: err.Error()}
	case errors.Is(err, errXMLDeep):
		return &Failure{Reason: ReasonXMLTooDeep, Detail: err.Error()}
	case errors.Is(err, errXMLMany):
		return &Failure{Reason: ReasonXMLTooMany, Detail: err.Error()}
	case errors.Is(err, io.EOF):
		return &Failure{Reason: ReasonXML, Detail: "the body breaks off"}
	}
	failure := &Failure{Reason: ReasonXML, Detail: "not well-formed"}
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		failure.Detail += ", line " + strconv.Itoa(syntax.Line)
	}
	return failure
}

type xmlReader struct {
	decoder  *xml.Decoder
	elements int
}

// end checks that nothing but blanks and comments follows the root.
func (r *xmlReader) end() error {
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.Directive:
			return errDoctype
		case xml.StartElement:
			return errXMLTrailer
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errXMLTrailer
			}
		}
	}
}

func (r *xmlReader) element(start xml.StartElement, depth int) (event.Value, error) {
	if depth == event.MaxDepth {
		return event.Value{}, errXMLDeep
	}
	if r.elements += 1 + len(start.Attr); r.elements > maxElements {
		return event.Value{}, errXMLMany
	}
	var v event.Value
	var text strings.Builder
	list, null := false, false
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Local == "xmlns":
		case a.Name.Local == "type":
			list = a.Value == "array"
		case a.Name.Local == "nil":
			null = a.Value == "true"
		default:
			v.Members = append(v.Members, event.Member{Key: a.Name.Local, Value: event.Value{Type: event.String, Text: a.Value}})
		}
	}
	attributes := len(v.Members)
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return event.Value{}, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return event.Value{}, errDoctype
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			child, err := r.element(t, depth+1)
			if err != nil {
				return event.Value{}, err
			}
			v.Members = append(v.Members, event.Member{Key: t.Name.Local, Value: child})
		case xml.EndElement:
			return shaped(v, attributes, strings.TrimSpace(text.String()), list, null), nil
		}
	}
}

// shaped gives an element its type.
func shaped(v event.Value, attributes int, text string, list, null bool) event.Value {
	switch {
	case null:
		return event.Value{}
	case list:
		v.Type = event.Array
		for _, m := range v.Members[attributes:] {
			v.Items = append(v.Items, m.Value)
		}
		v.Members = nil
	case len(v.Members) > attributes, attributes > 0 && text == "":
		v.Type = event.Object
	case text != "":
		v = event.Value{Type: event.String, Text: text}
	}
	return v
}

// children are the values of all members of a name: the elements that stand side
// by side.
func children(v event.Value, name string) []event.Value {
	var all []event.Value
	for _, m := range v.Members {
		if m.Key == name {
			all = append(all, m.Value)
		}
	}
	return all
}

// underscored writes the names of elements as JSON has them: order-lines is
// order_lines.
func underscored(v event.Value) event.Value {
	for i := range v.Members {
		v.Members[i] = event.Member{Key: strings.ReplaceAll(v.Members[i].Key, "-", "_"), Value: underscored(v.Members[i].Value)}
	}
	for i := range v.Items {
		v.Items[i] = underscored(v.Items[i])
	}
	return v
}
