package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/objstore"
)

// readyKey is overwritten by every readiness probe. It lies outside the lake and holds a time.
const readyKey = "ready/probe"

// errReady is a store that did not give back what it had just taken.
var errReady = errors.New("boot: the store gave back other bytes than it was given")

// Ready returns a probe that really writes and reads: a store that is full or
// read-only still answers reads, and senders would be told "ok" until the first is lost.
func Ready(store objstore.Store, now func() time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		written := []byte(now().Format(time.RFC3339Nano) + "\n")
		if _, err := store.Put(ctx, readyKey, written); err != nil {
			return fmt.Errorf("boot: readiness: %w", err)
		}
		read, _, err := store.Get(ctx, readyKey)
		if err != nil {
			return fmt.Errorf("boot: readiness: %w", err)
		}
		// Another instance may have probed in between; a time is what matters, not whose.
		if _, err := time.Parse(time.RFC3339Nano, string(bytes.TrimSpace(read))); err != nil {
			return errReady
		}
		return nil
	}
}
