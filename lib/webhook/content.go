package webhook

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/event"
)

// content is a body as it was understood: JSON values or the fields of a form,
// with the names of files sent along; or a failure.
type content struct {
	json    bool
	values  []event.Value // of JSON, as they stand in the body
	form    event.Value   // an object
	files   []string
	failure *Failure
	// partial says that the body broke off: what was read before is here.
	partial bool
}

// object is the fields of a form or of a single JSON object; an empty object for
// anything else.
func (c *content) object() event.Value {
	switch {
	case c.failure != nil:
	case !c.json:
		return c.form
	case len(c.values) == 1 && c.values[0].Type == event.Object:
		return c.values[0]
	}
	return event.Value{Type: event.Object}
}

// readContent looks at the bytes and believes the content type only where they
// leave a choice (webhooks.md §1, rule 7). Without a body the query is the form.
func readContent(d *Delivery) *content {
	media, params := mediaType(d.ContentType)
	body := bytes.TrimSpace(bytes.TrimPrefix(d.Body, []byte("\xef\xbb\xbf")))
	saysJSON := media == "application/json" || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "/x-ndjson")
	switch {
	case len(body) == 0 && queryFields(d) != nil:
		return formContent(queryFields(d))
	case len(body) == 0:
		return &content{failure: &Failure{Reason: ReasonEmptyBody, Detail: "neither a body nor a query"}}
	case bytes.HasPrefix(body, []byte("--")) && (strings.HasPrefix(media, "multipart/") || bytes.Contains(body, []byte("form-data"))):
		return multipartContent(d.Body, params["boundary"])
	case body[0] == '{' || body[0] == '[':
		return jsonContent(d, body, params["charset"], saysJSON)
	case strings.HasPrefix(media, "multipart/"):
		if c := multipartContent(d.Body, params["boundary"]); c.failure == nil || !looksLikeForm(body) {
			return c
		}
	}
	if text, ok := escapedJSON(body); ok {
		return jsonContent(d, text, "", false)
	}
	if !looksLikeForm(body) {
		if saysJSON || d.Source.Kind == "json" {
			return jsonContent(d, body, params["charset"], saysJSON)
		}
		return &content{failure: &Failure{Reason: ReasonForm, Detail: "neither JSON nor the fields of a form"}}
	}
	pairs := splitPairs(body, maxPairs)
	if lines, ok := plainPairs(body); ok && media == "text/plain" {
		pairs = lines
	}
	c := formContent(append(pairs, queryFields(d)...))
	if inner, ok := onlyJSONField(c.form); ok {
		return inner
	}
	return c
}

// mediaType reads a content type as far as it can be read.
func mediaType(header string) (string, map[string]string) {
	media, params, err := mime.ParseMediaType(header)
	if err != nil && media == "" {
		media, _, _ = strings.Cut(header, ";")
		media, _, _ = strings.Cut(media, ",") // two types joined by a proxy
		media = strings.ToLower(strings.TrimSpace(media))
	}
	return media, params
}

// queryFields are the query's pairs without those that secrets travel in.
func queryFields(d *Delivery) []pair {
	var fields []pair
	for _, p := range splitPairs([]byte(d.Query), maxPairs) {
		if !secretField(string(p.key), d.Source.Map["secret"]) {
			fields = append(fields, p)
		}
	}
	return fields
}

func looksLikeForm(body []byte) bool {
	i := bytes.IndexByte(body, '=')
	return i > 0 && i <= 256 && !bytes.ContainsAny(body[:i], "\"{}<>\n\r\x00")
}

// plainPairs reads what a browser makes of a form with enctype="text/plain": one
// field on each line, nothing encoded. A line without a name of its own belongs to
// the value before it. false for a single line, which is any other form.
func plainPairs(body []byte) ([]pair, bool) {
	lines := bytes.Split(body, []byte("\n"))
	if len(lines) < 2 || bytes.IndexByte(lines[0], '&') >= 0 {
		return nil, false
	}
	var pairs []pair
	for _, line := range lines {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if name, value, ok := bytes.Cut(line, []byte("=")); ok && len(name) > 0 && len(pairs) <= maxPairs {
			pairs = append(pairs, pair{key: bytes.Clone(name), value: bytes.Clone(value)})
		} else if last := len(pairs) - 1; last >= 0 {
			pairs[last].value = append(append(pairs[last].value, '\n'), line...)
		}
	}
	return pairs, true
}

// jsonContent reads JSON. In another character set than UTF-8 it is no JSON, but
// a sender that names windows-1251 is believed, and so is one that does not know
// that it sends JSON. Only senders of native events are held to UTF-8 and to keys
// that differ in more than their case: nobody else could correct a fault.
func jsonContent(d *Delivery, body []byte, charset string, strict bool) *content {
	strict = strict && d.Source.Kind == "json"
	if !utf8.Valid(body) && (!strict || strings.EqualFold(charset, "windows-1251") || strings.EqualFold(charset, "cp1251")) {
		if letters, broken := countRunes(body); broken > letters {
			body = windows1251(body)
		}
	}
	parse := event.ParseForeignJSON
	if d.Source.Kind == "json" {
		parse = event.ParseJSON
	}
	values, err := parse(body)
	if bare, ok := bytes.CutSuffix(body, []byte("=")); err != nil && ok { // a form's only name, without a value
		values, err = parse(bare)
	}
	if err != nil {
		return &content{json: true, failure: jsonFailure(err)}
	}
	if !ours(d.Source.Kind) && len(values) == 1 && len(values[0].Items) == 1 && values[0].Items[0].Type == event.Object {
		values = values[0].Items // a list of one, as some builders wrap what they pass on
	}
	return &content{json: true, values: values}
}

// escapedJSON finds JSON that went through a form's encoder: percent-encoded as
// a whole, sometimes as a name without a value.
func escapedJSON(body []byte) ([]byte, bool) {
	prefix := strings.ToUpper(string(body[:min(len(body), 3)]))
	if prefix != "%7B" && prefix != "%5B" || bytes.IndexByte(body, '&') >= 0 {
		return nil, false
	}
	return unescape(bytes.TrimSuffix(body, []byte("="))), true
}

// onlyJSONField opens a form that is a wrapper around one JSON text
// (payload={…}).
func onlyJSONField(form event.Value) (*content, bool) {
	if len(form.Members) != 1 || form.Members[0].Value.Type != event.String {
		return nil, false
	}
	text := strings.TrimSpace(form.Members[0].Value.Text)
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	values, err := event.ParseJSON([]byte(text))
	if err != nil {
		return nil, false
	}
	return &content{json: true, values: values}, true
}

func formContent(pairs []pair) *content {
	toUTF8(pairs)
	form, failure := treeOf(pairs)
	return &content{form: form, failure: failure}
}

// sniffedBoundary is the first line of a multipart body.
func sniffedBoundary(body []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n"), []byte("\n"))
	return strings.TrimPrefix(strings.TrimRight(string(line), "\r -"), "--")
}

// multipartContent reads the fields of a multipart form. Of files only the names
// are taken; their bytes stay in the raw delivery and are never opened. A body
// that breaks off gives the fields before the break.
func multipartContent(body []byte, boundary string) *content {
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) { // the header names another one than the body has
		boundary = sniffedBoundary(body)
	}
	if boundary == "" || len(boundary) > 200 {
		return &content{failure: &Failure{Reason: ReasonForm, Detail: "multipart without a boundary"}}
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var pairs, files []pair
	partial := false
	for len(pairs)+len(files) <= maxPairs {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			partial = true
			break
		}
		name := part.FormName()
		if file := part.FileName(); file != "" {
			files = append(files, pair{key: []byte(name), value: []byte(file)})
			continue
		}
		value, err := io.ReadAll(part) // bounded by the body, which is bounded by the source
		partial = partial || err != nil
		if name != "" {
			pairs = append(pairs, pair{key: []byte(name), value: value})
		}
	}
	if len(pairs)+len(files) > maxPairs {
		return &content{failure: &Failure{Reason: ReasonFormTooMany, Detail: "more than " + strconv.Itoa(maxPairs) + " parts"}}
	}
	if len(pairs)+len(files) == 0 {
		return &content{failure: &Failure{Reason: ReasonForm, Detail: "multipart without a readable part"}}
	}
	c := formContent(pairs)
	c.partial = partial
	toUTF8(files)
	for _, f := range files {
		c.files = append(c.files, string(f.value))
	}
	return c
}

// campaignQuery returns the query fields of an address, wherever it begins.
func campaignQuery(address string) []pair {
	_, query, ok := strings.Cut(address, "?")
	if !ok {
		return nil
	}
	query, _, _ = strings.Cut(query, "#")
	pairs := splitPairs([]byte(query), 200)
	toUTF8(pairs)
	return pairs
}

// address cleans a URL that a page reported about itself; text that is no URL is
// kept as it is.
func address(text string) string {
	if strings.Contains(text, "%2F") && !strings.Contains(text, "/") { // encoded once too often
		if plain, err := url.QueryUnescape(text); err == nil {
			return plain
		}
	}
	return text
}
