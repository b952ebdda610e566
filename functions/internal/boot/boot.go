// Package boot turns a function's environment into plain parts: a store, a clock, a
// logger, secrets. It imports no step of the pipeline, so that ingest stays small.
//
// The variables it reads:
//
//	LEADLAKE_S3               s3://bucket?region=…&endpoint=…&path_style=true, required
//	LEADLAKE_TOKEN_KEY        reference of the token key; functions that make no tokens have none
//	LEADLAKE_SIGNING_KEY      reference of the key that signs sign-ins; the portal's only
//	LEADLAKE_QUEUE            URL of the queue for deliveries; ingest's only; empty = straight to the bucket
//	LEADLAKE_PORTAL_URL       public address of the portal; empty = the address of the request
//	LEADLAKE_EXPORT_FUNCTION  name of the function that renders downloads; the portal's only
//
// Credentials and region come from what Lambda itself sets.
package boot

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/objstore/s3store"
)

// ErrEnvironment is matched by a variable that is missing or cannot be read.
var ErrEnvironment = errors.New("boot: invalid environment")

// minKey is the least length of a key in bytes: with less, it could be found by trying.
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
	// Send puts a message into the queue of LEADLAKE_QUEUE and returns nil once it is durable
	// there; nil where the variable is empty. See [Sender].
	Send func(ctx context.Context, message string) error
	// TokenKey is the text behind LEADLAKE_TOKEN_KEY as bytes, at least 32 of them;
	// [ErrEnvironment] where this function has none.
	TokenKey func(ctx context.Context) ([]byte, error)
	// SigningKey is the Ed25519 key made of the text behind LEADLAKE_SIGNING_KEY, by its
	// SHA-256. A new text ends all sign-ins, nothing else.
	SigningKey func(ctx context.Context) (ed25519.PrivateKey, error)
	// PortalURL and ExportFunction are empty where the variable is.
	PortalURL, ExportFunction string
}

// Load reads the environment. It opens no connection: a fault of the network is met,
// and answered, by the first event. Faults match [ErrEnvironment] and are all reported.
func Load(ctx context.Context, getenv func(string) string) (Env, error) {
	LimitMemory(getenv)
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
	client := awsjson.New(getenv)
	if queue := getenv("LEADLAKE_QUEUE"); queue != "" {
		if err := awsjson.CheckAddress(queue); err != nil {
			faults = append(faults, fmt.Errorf("%w: LEADLAKE_QUEUE: %w", ErrEnvironment, err))
		}
		env.Send = Sender(client, queue)
	}
	secrets := &Secrets{Getenv: getenv, Fetch: AWS(client), Now: env.Now, Logger: env.Logger}
	env.Secret = secrets.Get
	tokenKey, fault := key(getenv, secrets, "LEADLAKE_TOKEN_KEY")
	faults = append(faults, fault)
	signingKey, fault := key(getenv, secrets, "LEADLAKE_SIGNING_KEY")
	faults = append(faults, fault)
	env.TokenKey = tokenKey
	env.SigningKey = func(ctx context.Context) (ed25519.PrivateKey, error) {
		text, err := signingKey(ctx)
		if err != nil {
			return nil, err
		}
		seed := sha256.Sum256(text)
		return ed25519.NewKeyFromSeed(seed[:]), nil
	}
	return env, errors.Join(faults...)
}

// key checks the reference in a variable and returns how to read what is behind it.
func key(getenv func(string) string, secrets *Secrets, variable string) (func(context.Context) ([]byte, error), error) {
	ref := getenv(variable)
	if ref == "" {
		return func(context.Context) ([]byte, error) {
			return nil, fmt.Errorf("%w: %s is not set", ErrEnvironment, variable)
		}, nil
	}
	if err := CheckReference(ref); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEnvironment, variable, err)
	}
	return func(ctx context.Context) ([]byte, error) {
		text, err := secrets.Get(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", variable, err)
		}
		if len(text) < minKey {
			return nil, fmt.Errorf("%w: %s: the key has fewer than %d bytes", ErrEnvironment, variable, minKey)
		}
		return []byte(text), nil
	}, nil
}
