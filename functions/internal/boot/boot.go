// Package boot turns a function's environment into plain parts: a store, a clock, a
// logger, secrets. It imports no step of the pipeline, so that ingest stays small.
//
// The variables it reads:
//
//	LEADLAKE_S3               s3://bucket?region=…&endpoint=…&path_style=true, required
//	LEADLAKE_TOKEN_KEY        reference of the token key; functions that make no tokens have none
//	LEADLAKE_PORTAL_URL       public address of the portal; empty = the address of the request
//	LEADLAKE_EXPORT_FUNCTION  name of the function that renders downloads; the portal's only
//
// Credentials and region come from what Lambda itself sets.
package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
)

// ErrEnvironment is matched by a variable that is missing or cannot be read.
var ErrEnvironment = errors.New("boot: invalid environment")

// minKey is the least length of a token key in bytes: with less, a token could be
// reversed by trying keys.
const minKey = 32

// Env is what a function gets from its environment. All of it may be used concurrently.
type Env struct {
	// Store is the bucket. It is not probed here: a cold start is no time for 48 racing
	// writes, and the function's role may not do them; `leadlake check` probes.
	Store objstore.Store
	// Now is the system's clock, in UTC.
	Now func() time.Time
	// Logger writes JSON to standard output.
	Logger *slog.Logger
	// Secret resolves env:NAME, ssm:/path and secretsmanager:arn; see [Secrets].
	Secret func(ctx context.Context, ref string) (string, error)
	// TokenKey is the text behind LEADLAKE_TOKEN_KEY as bytes, at least 32 of them;
	// [ErrEnvironment] where this function has none.
	TokenKey func(ctx context.Context) ([]byte, error)
	// PortalURL and ExportFunction are empty where the variable is.
	PortalURL, ExportFunction string
}

// Load reads the environment. It opens no connection: a fault of the network is met,
// and answered, by the first event. Faults match [ErrEnvironment] and are all reported.
func Load(ctx context.Context, getenv func(string) string) (Env, error) {
	env := Env{
		Now:            func() time.Time { return time.Now().UTC() },
		Logger:         slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		PortalURL:      getenv("LEADLAKE_PORTAL_URL"),
		ExportFunction: getenv("LEADLAKE_EXPORT_FUNCTION"),
	}
	var faults []error
	config, err := s3store.ParseURL(getenv("LEADLAKE_S3"))
	if err == nil {
		env.Store, err = s3store.Open(ctx, config)
	}
	if err != nil {
		faults = append(faults, fmt.Errorf("%w: LEADLAKE_S3: %w", ErrEnvironment, err))
	}
	secrets := &Secrets{Getenv: getenv, Fetch: AWS(), Now: env.Now, Logger: env.Logger}
	env.Secret = secrets.Get
	key := getenv("LEADLAKE_TOKEN_KEY")
	if key != "" {
		if err := CheckReference(key); err != nil {
			faults = append(faults, fmt.Errorf("%w: LEADLAKE_TOKEN_KEY: %w", ErrEnvironment, err))
		}
	}
	env.TokenKey = func(ctx context.Context) ([]byte, error) {
		if key == "" {
			return nil, fmt.Errorf("%w: LEADLAKE_TOKEN_KEY is not set", ErrEnvironment)
		}
		text, err := secrets.Get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("read the token key: %w", err)
		}
		if len(text) < minKey {
			return nil, fmt.Errorf("%w: LEADLAKE_TOKEN_KEY: the key has fewer than %d bytes", ErrEnvironment, minKey)
		}
		return []byte(text), nil
	}
	return env, errors.Join(faults...)
}
