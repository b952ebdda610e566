package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
)

// denied is where tokens stand that were signed out, under a hash of their id.
const denied = "sessions/denied/"

// Denials remembers signed-out tokens in the store, for all instances of the portal
// and for the time after them. Each question is a request to the store.
type Denials struct{ Store objstore.Store }

// Deny remembers a token's id.
func (d Denials) Deny(ctx context.Context, id string, until time.Time) error {
	_, err := d.Store.Create(ctx, denialKey(id), []byte(until.UTC().Format(time.RFC3339)+"\n"))
	if err != nil && !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("boot: remember a sign-out: %w", err)
	}
	return nil
}

// Denied reports whether the id was denied.
func (d Denials) Denied(ctx context.Context, id string) (bool, error) {
	_, err := d.Store.Head(ctx, denialKey(id))
	if errors.Is(err, objstore.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("boot: look for a sign-out: %w", err)
	}
	return true, nil
}

// denialKey hides the id: who may list keys must not learn a token.
func denialKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return denied + hex.EncodeToString(sum[:])
}
