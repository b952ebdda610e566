package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/webhook"
)

// machine is one store and everything that works on it.
type machine struct {
	sys    *system
	where  place
	store  *opened
	steps  *pipeline.Pipeline
	now    func() time.Time
	logger *slog.Logger
	url    string // public address; empty: that of the request
	// control is the address at which a running serve takes commands; nil elsewhere.
	control *control
}

// newMachine puts the steps over an opened store.
func newMachine(sys *system, where place, store *opened, now func() time.Time, level slog.Level) (*machine, error) {
	logger := slog.New(slog.NewJSONHandler(sys.Stderr, &slog.HandlerOptions{Level: level}))
	steps, err := pipeline.New(pipeline.Config{Store: store, Now: now, Logger: logger, TokenKey: store.tokenKey, Secret: environmentSecret(sys)})
	if err != nil {
		return nil, err
	}
	return &machine{sys: sys, where: where, store: store, steps: steps, now: now, logger: logger}, nil
}

// Close gives the store free.
func (m *machine) Close() error { return m.store.close() }

// template is the wiring with the business's time zone.
func (m *machine) template(ctx context.Context) (wiring.Template, error) {
	cfg, err := m.steps.Config(ctx)
	if err != nil {
		return wiring.Template{}, err
	}
	return wiring.Load(map[string]string{"BusinessTimezone": cfg.Business.Timezone})
}

// routes are the handlers of all routes of the template.
func (m *machine) routes(ctx context.Context) (http.Handler, error) {
	template, err := m.template(ctx)
	if err != nil {
		return nil, err
	}
	ingest, err := m.webhooks()
	if err != nil {
		return nil, err
	}
	pages, err := m.pages(ctx)
	if err != nil {
		return nil, err
	}
	return template.Mux(map[string]http.Handler{"ingest": ingest, "portal": pages})
}

// settle is how long a changed configuration may take to be seen by the webhooks.
const settle = time.Second

// webhooks is the way in, which stores what arrives together as one object.
func (m *machine) webhooks() (*webhook.Handler, error) {
	return webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(m.store, m.now, settle).Config,
		Sink:    lake.Sink{Raw: lake.NewGroup(m.store)},
		Secret:  environmentSecret(m.sys),
		Ready:   m.ready,
		Now:     m.now, Logger: m.logger,
	})
}

func (m *machine) pages(ctx context.Context) (http.Handler, error) {
	auth, err := portal.NewAuth(portal.AuthConfig{
		Issuer: "leadlake", Audience: "leadlake", Signer: ed25519.NewKeyFromSeed(m.store.signIn), Now: m.now,
	})
	if err != nil {
		return nil, err
	}
	return m.steps.PortalHandler(ctx, pipeline.PortalConfig{Auth: auth, Accounts: m.steps.Accounts(), BaseURL: m.url})
}

// readyKey is overwritten by every readiness probe; it lies outside the lake.
const readyKey = "ready/probe"

// ready writes and reads back: a full or read-only disk still answers reads.
func (m *machine) ready(ctx context.Context) error {
	written := m.now().Format(time.RFC3339Nano)
	if _, err := m.store.Put(ctx, readyKey, []byte(written)); err != nil {
		return err
	}
	read, _, err := m.store.Get(ctx, readyKey)
	if err != nil {
		return err
	}
	// Another probe may have come in between, so a time is asked for, not this one.
	if _, err := time.Parse(time.RFC3339Nano, string(read)); err != nil {
		return errors.New("the store gave back other bytes than it was given")
	}
	return nil
}

// function is one function of the template, called with an event.
type function func(ctx context.Context, event json.RawMessage) (any, error)

// functions are the steps that schedules call, and what takes the batches of a queue,
// by the function's folder. On one machine nothing but `invoke` brings such a batch.
func (m *machine) functions() map[string]function {
	all := map[string]function{
		"queue":     step(lake.Consumer{Store: m.store, Logger: m.logger}.Take),
		"compact":   step(m.steps.Compact),
		"analytics": step(m.steps.Analyse),
		"export":    step(m.steps.Export),
		"erase":     step(m.steps.Erase),
	}
	for name := range all {
		if heavy(name) && m.control != nil && m.sys.Program != "" {
			all[name] = m.apart(name)
		}
	}
	return all
}

// step reads the request from the event as the Lambda runtime does: what the
// request does not know, such as a scheduler's envelope, is left out.
func step[Request, Report any](run func(context.Context, Request) (Report, error)) function {
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		var request Request
		if err := json.Unmarshal(event, &request); err != nil {
			return nil, fmt.Errorf("the event does not fit: %w", err)
		}
		return run(ctx, request)
	}
}
