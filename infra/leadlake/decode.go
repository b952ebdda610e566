package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/webhook"
)

// decodeResult is what `decode` prints: everything that ingest and compaction
// would make of a delivery.
type decodeResult struct {
	Status     int           `json:"status"`
	Reply      decodeReply   `json:"reply"`
	Ping       bool          `json:"ping"`
	Failed     *decodeFault  `json:"failed"`
	DeliveryID string        `json:"delivery_id"`
	Events     []event.Event `json:"events"`
}

type decodeReply struct {
	Status      int               `json:"status"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Body        string            `json:"body"`
}

type decodeFault struct {
	Reason string              `json:"reason"`
	Detail string              `json:"detail"`
	Faults []*event.FieldError `json:"faults,omitempty"`
}

// pairFlag collects repeated key=value flags.
type pairFlag map[string]string

func (p pairFlag) String() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, key+"="+p[key])
	}
	return strings.Join(parts, ",")
}

func (p pairFlag) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("want name=value, got %q", text)
	}
	p[key] = strings.TrimSpace(value)
	return nil
}

func decodeCommand(_ context.Context, sys *system, args []string) error {
	f := newFlags(sys, "decode [flags] KIND [FILE]",
		"Shows what a delivery becomes, without storing it: one JSON object with the reply its\n"+
			"sender would get, and the events in native form with phones and e-mails in normal form.\n"+
			"The body is FILE, else standard input.")
	method := f.String("method", http.MethodPost, "`method` of the request")
	contentType := f.String("content-type", "", "content `type` of the body; without it the bytes decide")
	headers := pairFlag{}
	f.Var(headers, "header", "a request header, `name=value`; may be repeated")
	query := f.String("query", "", "the query `string` of the request, without the question mark")
	suffix := f.String("suffix", "", "what the sender appends to the `path` of the source")
	configFile := f.String("config", "", "configuration `file` whose rules apply")
	sourceName := f.String("source", "", "`name` of the source in the configuration")
	plain, err := f.parseMixed(args, 1, 2)
	if err != nil {
		return err
	}
	cfg, err := readConfigFile(*configFile)
	if err != nil {
		return err
	}
	source, err := decodeSource(cfg, *configFile, plain[0], *sourceName)
	if err != nil {
		return err
	}
	body, err := decodeBody(sys, strings.ToUpper(*method), plain[1:])
	if err != nil {
		return err
	}
	d := webhook.Delivery{
		Source: source, Method: strings.ToUpper(*method), ContentType: *contentType, Query: strings.TrimPrefix(*query, "?"), Suffix: strings.TrimPrefix(*suffix, "/"),
		Header: make(map[string]string, len(headers)), Body: body, ReceivedAt: sys.Now().UTC(), Trusted: len(source.Secrets) > 0,
	}
	for name, value := range headers {
		d.Header[strings.ToLower(name)] = value
	}
	if d.ContentType == "" {
		d.ContentType = d.Header["content-type"]
	}
	return printJSON(sys.Stdout, decoded(cfg, d))
}

// decoded is the result of a delivery.
func decoded(cfg *config.Config, d webhook.Delivery) decodeResult {
	out := webhook.Decode(cfg, d)
	result := decodeResult{
		Status: out.Status, Ping: out.Ping, DeliveryID: out.DeliveryID, Events: []event.Event{},
		Reply: decodeReply{Status: out.Reply.Status, ContentType: out.Reply.ContentType, Headers: map[string]string{}, Body: string(out.Reply.Body)},
	}
	if out.Reply.ContentType != "" {
		result.Reply.Headers["Content-Type"] = out.Reply.ContentType
	}
	if out.Reply.Location != "" {
		result.Reply.Headers["Location"] = out.Reply.Location
	}
	if out.Failure == nil {
		out.Failure = out.Left
	}
	if out.Failure != nil {
		result.Failed = &decodeFault{Reason: out.Failure.Reason, Detail: out.Failure.Detail, Faults: out.Failure.Faults}
	}
	// Tokens are made on the way and thrown away, so any key will do.
	refinery := lake.Refiner{Key: identity.NewKey(make([]byte, 32)), Phones: phone.Parser{}}.Under(cfg)
	for _, ev := range out.Events {
		result.Events = append(result.Events, refinery.Normalise(ev))
	}
	return result
}

// decodeSource is the configured source, or one without rules of its own.
func decodeSource(cfg *config.Config, file, kind, name string) (config.Source, error) {
	// The catalogue of samples names the two kinds of a site's own forms so.
	kind = strings.TrimPrefix(kind, "site-")
	if name != "" && file != "" {
		source, ok := cfg.SourceNamed(name)
		switch {
		case !ok:
			return source, wrongUse("decode: %s has no source %q", file, name)
		case source.Kind != kind:
			return source, wrongUse("decode: source %q of %s is of kind %s, not %s", name, file, source.Kind, kind)
		}
		return source, nil
	}
	if name == "" {
		name = "decode"
		if kind == config.SheetKind { // its sources have names of their own
			name = config.InboxSource("orders")
		}
	}
	sample, err := json.Marshal(map[string]any{"sources": []map[string]string{{"name": name, "kind": kind}}})
	if err != nil {
		return config.Source{}, err
	}
	checked, err := config.Parse(sample) // JSON is YAML, and the schema knows the kinds
	if err != nil {
		return config.Source{}, wrongUse("decode: kind %q, source name %q: %v", kind, name, faultReasons(err))
	}
	return checked.Sources[0], nil
}

// decodeBody reads the file, or standard input where a body may come from it.
func decodeBody(sys *system, method string, files []string) ([]byte, error) {
	switch {
	case len(files) == 1:
		body, err := os.ReadFile(files[0]) //nolint:gosec // G304, G703: the file that the user names
		if err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
		return body, nil
	case sys.StdinTerminal, method == http.MethodGet, method == http.MethodHead:
		return nil, nil
	}
	body, err := io.ReadAll(sys.Stdin)
	if err != nil {
		return nil, fmt.Errorf("decode: read standard input: %w", err)
	}
	return body, nil
}

// readConfigFile reads a configuration file; no name gives the defaults.
func readConfigFile(name string) (*config.Config, error) {
	if name == "" {
		return config.Parse(nil)
	}
	body, err := os.ReadFile(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := config.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return cfg, nil
}

// faultReasons is the reasons of a configuration's faults without their place in
// a file that nobody wrote.
func faultReasons(err error) string {
	var reasons []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			reasons = append(reasons, faultReasons(one))
		}
		return strings.Join(reasons, "; ")
	}
	if fault, ok := errors.AsType[*config.Fault](err); ok {
		return fault.Reason
	}
	return err.Error()
}
