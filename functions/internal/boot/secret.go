package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/functions/internal/awsjson"
)

// ErrSecret is matched by a reference that names no secret. What a secret holds is in
// no error.
var ErrSecret = errors.New("boot: no such secret")

const (
	// fresh is how long a fetched secret is used without asking again: a rotated secret
	// is known everywhere after this time, and each instance asks 12 times an hour.
	fresh = 5 * time.Minute
	// stale is how long it is still used when the service does not answer. A webhook that
	// cannot be verified would be refused, and what is refused may never come again.
	stale = time.Hour
)

// Fetcher reads a secret from its service. The kind is "ssm" or "secretsmanager"; an
// absent secret is [ErrSecret].
type Fetcher func(ctx context.Context, kind, name string) (string, error)

// Secrets resolves references and remembers what it fetched for five minutes, and for
// an hour while the service does not answer. It is safe for concurrent use.
type Secrets struct {
	Getenv func(string) string
	Fetch  Fetcher
	Now    func() time.Time
	Logger *slog.Logger

	mu    sync.Mutex
	known map[string]secret
}

type secret struct {
	text string
	at   time.Time
}

// CheckReference tells whether a text is a reference, without resolving it. Else it is [ErrSecret].
func CheckReference(ref string) error {
	kind, name, ok := strings.Cut(ref, ":")
	if !ok || name == "" || kind != "env" && kind != "ssm" && kind != "secretsmanager" {
		// The text is not repeated: it may be the secret itself, put there by mistake.
		return fmt.Errorf("%w: want env:NAME, ssm:/path or secretsmanager:arn", ErrSecret)
	}
	return nil
}

// Get returns the text behind a reference, without the line end that files and
// consoles add. An empty secret is [ErrSecret]: it would sign anything.
func (s *Secrets) Get(ctx context.Context, ref string) (string, error) {
	if err := CheckReference(ref); err != nil {
		return "", err
	}
	kind, name, _ := strings.Cut(ref, ":")
	if kind == "env" {
		return nonEmpty(ref, s.Getenv(name))
	}
	s.mu.Lock()
	old, ok := s.known[ref]
	s.mu.Unlock()
	now := s.Now()
	if ok && now.Sub(old.at) < fresh {
		return old.text, nil
	}
	text, err := s.Fetch(ctx, kind, name)
	if err == nil {
		text, err = nonEmpty(ref, text)
	}
	if err != nil {
		// Gone is gone; only silence is bridged.
		if ok && !errors.Is(err, ErrSecret) && now.Sub(old.at) < stale {
			s.Logger.WarnContext(ctx, "secret not refreshed, the last one is used", "reference", ref, "error", err)
			return old.text, nil
		}
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]secret{}
	}
	s.known[ref] = secret{text: text, at: now}
	return text, nil
}

func nonEmpty(ref, text string) (string, error) {
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return "", fmt.Errorf("%w: %s is empty", ErrSecret, ref)
	}
	return text, nil
}

// AWS fetches from Parameter Store and Secrets Manager with the function's own
// credentials.
func AWS(client *awsjson.Client) Fetcher {
	return func(ctx context.Context, kind, name string) (string, error) {
		switch kind {
		case "ssm":
			return parameter(ctx, client, name)
		case "secretsmanager":
			return managed(ctx, client, name)
		}
		return "", fmt.Errorf("%w: unknown kind %s", ErrSecret, kind)
	}
}

func parameter(ctx context.Context, client *awsjson.Client, name string) (string, error) {
	in := struct {
		Name           string
		WithDecryption bool
	}{name, true}
	var out struct{ Parameter struct{ Value string } }
	err := client.Call(ctx, awsjson.Operation{Service: "ssm", Target: "AmazonSSM.GetParameter", Version: "1.1"}, "", in, &out)
	if err != nil {
		return "", fetchError("ssm:"+name, err, "ParameterNotFound")
	}
	return out.Parameter.Value, nil
}

func managed(ctx context.Context, client *awsjson.Client, name string) (string, error) {
	in := struct{ SecretId string }{name}
	var out struct{ SecretString string }
	err := client.Call(ctx, awsjson.Operation{Service: "secretsmanager", Target: "secretsmanager.GetSecretValue", Version: "1.1"}, "", in, &out)
	if err != nil {
		return "", fetchError("secretsmanager:"+name, err, "ResourceNotFoundException")
	}
	return out.SecretString, nil
}

func fetchError(ref string, err error, absent string) error {
	if refused, ok := errors.AsType[*awsjson.Error](err); ok && refused.Code == absent {
		return fmt.Errorf("%w: %s", ErrSecret, ref)
	}
	return fmt.Errorf("boot: read %s: %w", ref, err)
}
