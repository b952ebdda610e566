// Package pipeline is the only shell: it reads the lake, calls the pure packages
// and writes back. Compact turns deliveries into events, Analyse makes a night of
// them, Export writes audience files, Erase cleans up and forgets people, and
// Portal answers what pages ask. The Lambda functions and the one-machine program
// call the same methods.
package pipeline

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/segment"
	"github.com/leadlake/leadlake/lib/webhook"
)

// ErrConfig says that a Config lacks something.
var ErrConfig = errors.New("pipeline: configuration")

// ErrTokenKey says that the token key is not the one this store was made with.
// With another key every client would be a new one.
var ErrTokenKey = errors.New("pipeline: the token key is not the one of this store; restore the right key")

// Config is what every step needs.
type Config struct {
	Store    objstore.Store
	Now      func() time.Time
	Logger   *slog.Logger
	TokenKey []byte // at least 16 bytes, the same for ever
	// Nonce makes fresh text for replaced objects; nil: random.
	Nonce func() string
	// Random gives the bytes of download ids and of links' secrets; nil: crypto/rand.
	Random io.Reader
	// Secret resolves the references with which objects are fetched; nil: none can be.
	Secret func(ctx context.Context, ref string) (string, error)
	// Client asks systems for objects; nil: with a time limit of 20 seconds.
	Client *http.Client
	// Pause waits between two requests to one system; nil: by the clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// Pipeline holds the steps. Its methods are safe for concurrent use, in one
// process and across several over one store; each step may be run again at any
// time.
type Pipeline struct {
	store     objstore.Store
	now       func() time.Time
	log       *slog.Logger
	key       identity.Key
	rowKey    []byte // makes ids of rows of dropped files
	nonce     func() string
	random    io.Reader
	settings  *lake.ConfigSource
	refiner   lake.Refiner
	compactor chan *lake.Compactor // one compaction at a time in a process
	nights    nightCache
	ledgers   ledgerCache
	chain     auditTail
	fetcher   webhook.Fetcher
	pause     func(ctx context.Context, d time.Duration) error
	folds     orderSettings
}

// New checks a configuration; it does not touch the store.
func New(c Config) (*Pipeline, error) {
	switch {
	case c.Store == nil, c.Now == nil, c.Logger == nil:
		return nil, fmt.Errorf("%w: Store, Now and Logger are needed", ErrConfig)
	case len(c.TokenKey) < 16:
		return nil, fmt.Errorf("%w: the token key has %d bytes, at least 16 are needed", ErrConfig, len(c.TokenKey))
	}
	if c.Nonce == nil {
		c.Nonce = randomText
	}
	p := &Pipeline{
		store: c.Store, now: c.Now, log: c.Logger, key: identity.NewKey(c.TokenKey), nonce: c.Nonce,
		settings: lake.NewConfigSource(c.Store, c.Now, 0, segment.Check), compactor: make(chan *lake.Compactor, 1),
		folds: defaultOrderSettings(),
	}
	mac := hmac.New(sha256.New, c.TokenKey)
	_, _ = mac.Write([]byte("leadlake rows of dropped files")) // a hash never fails
	p.rowKey = mac.Sum(nil)
	if p.random = c.Random; p.random == nil {
		p.random = rand.Reader
	}
	if c.Secret == nil {
		c.Secret = func(context.Context, string) (string, error) { return "", errNoSecret }
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 20 * time.Second}
	}
	if p.pause = c.Pause; p.pause == nil {
		p.pause = sleep
	}
	p.fetcher = webhook.Fetcher{Client: c.Client, Secret: c.Secret}
	p.refiner = lake.Refiner{Key: p.key, Phones: phone.Parser{}}
	p.compactor <- lake.NewCompactor(lake.CompactorConfig{
		Store: c.Store, Sources: p.settings.Config, Refiner: p.refiner, Now: c.Now, Nonce: c.Nonce, Logger: c.Logger,
	})
	return p, nil
}

var errNoSecret = errors.New("pipeline: no secrets here")

// sleep waits, or returns earlier with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func randomText() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return hex.EncodeToString(b[:])
}

// tokenKeyObject keeps the known answer of the token key.
const tokenKeyObject = "config/token_key.json" //nolint:gosec // G101: a name, not a key

// keyAnswer is what the store keeps of the token key.
type keyAnswer struct {
	KnownAnswer string `json:"known_answer"`
}

// CheckTokenKey compares the token key with the known answer that the store
// keeps, and puts the answer down at the first call.
func (p *Pipeline) CheckTokenKey(ctx context.Context) error {
	for {
		if kept, err := p.tokenKeyFits(ctx); kept || err != nil {
			return err
		}
		text, err := json.Marshal(keyAnswer{KnownAnswer: string(p.key.KnownAnswer())})
		if err != nil {
			return err
		}
		_, err = p.store.Create(ctx, tokenKeyObject, text)
		if !errors.Is(err, objstore.ErrExist) { // else another process was first, with this key or another
			if err != nil {
				return fmt.Errorf("pipeline: keep the known answer of the token key: %w", err)
			}
			return nil
		}
	}
}

// tokenKeyFits compares the token key with the known answer and writes nothing;
// kept is false for a store that has none yet.
func (p *Pipeline) tokenKeyFits(ctx context.Context) (kept bool, err error) {
	body, _, err := p.store.Get(ctx, tokenKeyObject)
	if errors.Is(err, objstore.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("pipeline: read the known answer of the token key: %w", err)
	}
	var got keyAnswer
	if err := json.Unmarshal(body, &got); err != nil || got.KnownAnswer != string(p.key.KnownAnswer()) {
		return true, ErrTokenKey
	}
	return true, nil
}

// readJSON reads an object that must be there.
func (p *Pipeline) readJSON(ctx context.Context, key string, into any) error {
	body, _, err := p.store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("pipeline: read %s: %w", key, err)
	}
	return nil
}

// Config is the business configuration in force.
func (p *Pipeline) Config(ctx context.Context) (*config.Config, error) { return p.settings.Config(ctx) }

// Refiner is how the pipeline reads contact values; for the decode command.
func (p *Pipeline) Refiner() lake.Refiner { return p.refiner }

// CompactRequest has no fields yet: a compaction takes what there is.
type CompactRequest struct{}

// CompactReport counts a compaction, with what was fetched and what was found in
// the inbox.
type CompactReport struct {
	lake.CompactReport

	Fetched int         `json:"fetched"` // objects that thin hooks had named
	Inbox   InboxReport `json:"inbox,omitzero"`
}

// Compact turns the deliveries that wait into events, contacts, failed deliveries
// and ledger lines, then asks for the objects that thin hooks only named, and
// imports the files that wait in the inbox; what came of either is merged at once.
// The inbox comes last: a large file must not hold up the webhooks.
func (p *Pipeline) Compact(ctx context.Context, _ CompactRequest) (CompactReport, error) {
	var report CompactReport
	if err := p.CheckTokenKey(ctx); err != nil {
		return report, err
	}
	var c *lake.Compactor
	select {
	case c = <-p.compactor:
	case <-ctx.Done():
		return report, ctx.Err()
	}
	defer func() { p.compactor <- c }()
	begin := p.now()
	run := func() error {
		part, err := c.Run(ctx)
		report.Add(part)
		return err
	}
	err := run()
	var fault error
	if err == nil {
		if report.Fetched, fault = p.fetch(ctx); report.Fetched > 0 {
			err = run()
		}
		err = errors.Join(fault, err)
	}
	if report.Inbox, fault = p.lookIntoInbox(ctx); report.Inbox.Stored > 0 || fault != nil {
		err = errors.Join(err, fault, run())
	}
	if err != nil {
		return report, err
	}
	if report.Deliveries > 0 {
		p.log.InfoContext(ctx, "deliveries compacted", slog.Int("deliveries", report.Deliveries), slog.Int("events", report.Events),
			slog.Int("pings", report.Pings), slog.Int("failed", report.Failed), slog.Int("duplicates", report.Duplicates),
			slog.Int64("took_ms", p.now().Sub(begin).Milliseconds()))
	}
	return report, nil
}
