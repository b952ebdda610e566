package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// commitRounds bounds [Commit]: each lost round means that somebody else won, so
// this many in a row is a fault in the callers rather than bad luck.
const commitRounds = 64

// Commit replaces the object under key by what change makes of it, and creates it
// if it is absent, in which case change gets nil. When another writer was faster,
// it reads again and calls change again; after 64 lost rounds it returns
// [ErrChanged]. If change returns an error, or bytes equal to those in place,
// nothing is written. Equal bytes have equal versions, so what change returns
// should hold a number that rises with every commit.
//
// After [ErrUnknown] the commit may have happened; call Commit again only if
// change can tell from the bytes that its work is already in them.
func Commit(ctx context.Context, store Store, key string, change func(old []byte) ([]byte, error)) (Version, error) {
	for range commitRounds {
		old, info, err := store.Get(ctx, key)
		absent := errors.Is(err, ErrNotExist)
		if err != nil && !absent {
			// Nothing has been written yet, so a failed read leaves no doubt.
			return "", fmt.Errorf("commit %s: %w: %w", Quote(key), ErrRefused, err)
		}
		if absent {
			old = nil
		} else if old == nil {
			old = []byte{}
		}
		body, err := change(bytes.Clone(old))
		if err != nil {
			return "", fmt.Errorf("commit %s: %w: %w", Quote(key), ErrRefused, err)
		}
		if !absent && bytes.Equal(old, body) {
			return info.Version, nil
		}
		var version Version
		if absent {
			version, err = store.Create(ctx, key, body)
		} else {
			version, err = store.Swap(ctx, key, body, info.Version)
		}
		if err == nil {
			return version, nil
		}
		if !errors.Is(err, ErrExist) && !errors.Is(err, ErrChanged) {
			return "", fmt.Errorf("commit: %w", err)
		}
	}
	return "", fmt.Errorf("commit %s: %d rounds lost to other writers: %w", Quote(key), commitRounds, ErrChanged)
}
