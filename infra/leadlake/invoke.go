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

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
)

// invocation is one call of a function.
type invocation struct {
	Function string          `json:"function"`
	Event    json.RawMessage `json:"event"`
}

func invokeCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "invoke [flags] FUNCTION",
		"Runs one function once with an AWS event against the store and prints its answer as JSON.\n"+
			"ingest and portal take an event of the HTTP API (format 2.0), queue an event of SQS; the\n"+
			"others take the input of their schedule, for example {\"as_of\": \"2026-10-31\"} for analytics.")
	var where place
	where.register(f)
	file := f.String("event", "", "`file` with the event, - for standard input; default {}")
	plain, err := f.parseMixed(args, 1, 1)
	if err != nil {
		return err
	}
	template, err := wiring.Load(nil)
	if err != nil {
		return err
	}
	call := invocation{Function: plain[0]}
	if !slices.Contains(template.Functions, call.Function) {
		return wrongUse("invoke: no function %q; there are %s", call.Function, strings.Join(template.Functions, ", "))
	}
	if call.Event, err = readEvent(sys, *file); err != nil {
		return err
	}
	if err := where.exists(); err != nil && call.Function != "ingest" {
		return err
	}
	answer, err := perform(ctx, sys, where, "invoke", call)
	if err != nil {
		return err
	}
	return printJSON(sys.Stdout, answer)
}

// maxEvent is what Lambda takes.
const maxEvent = 6 << 20

func readEvent(sys *system, name string) (json.RawMessage, error) {
	var text []byte
	var err error
	switch name {
	case "":
		return json.RawMessage("{}"), nil
	case "-":
		text, err = io.ReadAll(io.LimitReader(sys.Stdin, maxEvent+1))
	default:
		text, err = os.ReadFile(name) //nolint:gosec // G304: the file that the user names
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("event: %w", err)
	case len(text) > maxEvent:
		return nil, errors.New("event: more than the 6 MB that Lambda takes")
	case !json.Valid(text):
		return nil, fmt.Errorf("event: %s is not JSON", name)
	}
	return text, nil
}

// invoke calls a function of the template.
func (m *machine) invoke(ctx context.Context, call invocation) (any, error) {
	if run := m.functions()[call.Function]; run != nil {
		return run(ctx, call.Event)
	}
	var handler http.Handler
	var err error
	switch call.Function {
	case "ingest":
		handler, err = m.webhooks()
	case "portal":
		handler, err = m.pages(ctx)
	default:
		known := append(slices.Sorted(maps.Keys(m.functions())), "ingest", "portal")
		return nil, fmt.Errorf("no function %q; there are %s", call.Function, strings.Join(known, ", "))
	}
	if err != nil {
		return nil, err
	}
	return serveEvent(ctx, handler, call.Event)
}
