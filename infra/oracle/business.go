package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/filestore"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/webhook"
)

// tokenKey is no secret: everybody in these stores is invented.
const tokenKey = "the oracle invents its clients"

// business is one store in memory with a clock that is set by hand.
type business struct {
	now   time.Time
	store *objstore.Mem
	steps *pipeline.Pipeline
	in    *webhook.Handler
}

func newBusiness(ctx context.Context, now time.Time, yamlConfig string) (*business, error) {
	b := &business{now: now, store: &objstore.Mem{}}
	clock := func() time.Time { return b.now }
	b.store.Now = clock
	if _, err := b.store.Put(ctx, config.Key, []byte(yamlConfig)); err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	serial := 0
	var err error
	if b.steps, err = pipeline.New(pipeline.Config{
		Store: b.store, Now: clock, Logger: logger, TokenKey: []byte(tokenKey),
		Nonce: func() string { serial++; return fmt.Sprintf("%08d", serial) },
	}); err != nil {
		return nil, err
	}
	b.in, err = webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(b.store, clock, 0).Config, Sink: lake.Sink{Raw: lake.NewRawWriter(b.store)},
		Secret: func(context.Context, string) (string, error) { return "", errors.New("no secrets here") },
		Now:    clock, Logger: logger,
	})
	return b, err
}

// perPost is how many events one delivery carries: well below a body of 1 MiB.
const perPost = 1000

// receive posts events to their source and compacts them.
func (b *business) receive(ctx context.Context, source string, events []event.Event) error {
	for len(events) > 0 {
		n := min(perPost, len(events))
		body, err := json.Marshal(events[:n])
		if err != nil {
			return err
		}
		events = events[n:]
		request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/in/"+source, bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		b.in.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK {
			return fmt.Errorf("POST /in/%s = %d %s", source, answer.Code, answer.Body)
		}
	}
	report, err := b.steps.Compact(ctx, pipeline.CompactRequest{})
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d of the deliveries could not become events", report.Failed)
	}
	return err
}

// copied is a business that begins where b stands, under another configuration.
func (b *business) copied(ctx context.Context, yamlConfig string) (*business, error) {
	c, err := newBusiness(ctx, b.now, yamlConfig)
	if err != nil {
		return nil, err
	}
	err = b.each(ctx, func(key string, body []byte) error {
		if key == config.Key {
			return nil
		}
		_, err := c.store.Put(ctx, key, body)
		return err
	})
	return c, err
}

func (b *business) each(ctx context.Context, visit func(key string, body []byte) error) error {
	for info, err := range b.store.List(ctx, "", "") {
		if err != nil {
			return err
		}
		body, _, err := b.store.Get(ctx, info.Key)
		if err != nil {
			return err
		}
		if err := visit(info.Key, body); err != nil {
			return err
		}
	}
	return nil
}

// write puts the store down as files under out/name/store, with the parameters
// beside it. Deliveries as received are left out: no definition reads them.
func (b *business) write(ctx context.Context, out, name string) error {
	root := filepath.Join(out, name, "store")
	err := b.each(ctx, func(key string, body []byte) error {
		file := filepath.Join(root, filepath.FromSlash(key))
		if filepath.Base(filepath.Dir(filepath.Dir(file))) == "raw" {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		return os.WriteFile(file, body, 0o600)
	})
	if err != nil {
		return err
	}
	cfg, err := b.steps.Config(ctx)
	if err != nil {
		return err
	}
	return writeParameters(cfg, out, name, "store")
}

// describe writes the parameters of a store that is there already.
func describe(ctx context.Context, data, out, name string) (err error) {
	store, err := filestore.OpenReadOnly(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	cfg, err := lake.NewConfigSource(store, time.Now, 0).Config(ctx)
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	return writeParameters(cfg, out, name, absolute)
}

// parameters are what the SQL takes as given, under the names of the
// configuration file.
type parameters struct {
	Store    string         `json:"store"` // beside the file, or absolute
	Business map[string]any `json:"business"`
	Metrics  map[string]any `json:"metrics"`
	Labels   map[string]any `json:"labels"`
	Funnel   []string       `json:"funnel"`
}

func writeParameters(cfg *config.Config, out, name, store string) error {
	p := parameters{Store: store, Funnel: cfg.Funnel}
	for _, part := range []struct {
		of   any
		into *map[string]any
	}{{cfg.Business, &p.Business}, {cfg.Metrics, &p.Metrics}, {cfg.Labels, &p.Labels}} {
		text, err := yaml.Marshal(part.of)
		if err != nil {
			return err
		}
		if err := yaml.Unmarshal(text, part.into); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(out, name), 0o700); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(out, name, "params.json")) //nolint:gosec // G304: the directory that the user names
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(io.Writer(file))
	encoder.SetIndent("", "  ")
	return errors.Join(encoder.Encode(p), file.Close())
}
