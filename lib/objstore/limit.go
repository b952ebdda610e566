package objstore

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
)

// Operations is a set of what a [Grant] allows.
type Operations uint8

// The operations that can be granted. Creating and swapping never overwrite
// unseen bytes; Put may.
const (
	AllowRead    Operations = 1 << iota // Get, GetRange, Open, Head
	AllowList                           // List
	AllowCreate                         // Create
	AllowSwap                           // Swap
	AllowPut                            // Put, Upload
	AllowDelete                         // Delete
	AllowPresign                        // Presign
)

// Grant allows operations on the keys that begin with Prefix. A folder's prefix
// ends in a slash: "raw" would include "raw-copy/".
type Grant struct {
	Operations Operations
	Prefix     string
}

// Limit returns store with only the grants: everything else is [ErrDenied], and
// never reaches store. A listing is granted when its whole prefix is. The grants
// are copied.
func Limit(store Store, grants []Grant) Store {
	return &limited{store: store, grants: slices.Clone(grants)}
}

type limited struct {
	store  Store
	grants []Grant
}

func (l *limited) check(operation Operations, key string) error {
	for _, grant := range l.grants {
		if grant.Operations&operation != 0 && strings.HasPrefix(key, grant.Prefix) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", Quote(key), ErrDenied)
}

func (l *limited) Get(ctx context.Context, key string) ([]byte, Info, error) {
	if err := l.check(AllowRead, key); err != nil {
		return nil, Info{}, fmt.Errorf("get %w", err)
	}
	return l.store.Get(ctx, key)
}

func (l *limited) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	if err := l.check(AllowRead, key); err != nil {
		return nil, fmt.Errorf("get range of %w", err)
	}
	return l.store.GetRange(ctx, key, offset, length)
}

func (l *limited) Open(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if err := l.check(AllowRead, key); err != nil {
		return nil, Info{}, fmt.Errorf("open %w", err)
	}
	return l.store.Open(ctx, key)
}

func (l *limited) Head(ctx context.Context, key string) (Info, error) {
	if err := l.check(AllowRead, key); err != nil {
		return Info{}, fmt.Errorf("head %w", err)
	}
	return l.store.Head(ctx, key)
}

func (l *limited) List(ctx context.Context, prefix, startAfter string) iter.Seq2[Info, error] {
	if err := l.check(AllowList, prefix); err != nil {
		return func(yield func(Info, error) bool) { yield(Info{}, fmt.Errorf("list %w", err)) }
	}
	return l.store.List(ctx, prefix, startAfter)
}

func (l *limited) Create(ctx context.Context, key string, body []byte) (Version, error) {
	if err := l.check(AllowCreate, key); err != nil {
		return "", fmt.Errorf("create %w", err)
	}
	return l.store.Create(ctx, key, body)
}

func (l *limited) Swap(ctx context.Context, key string, body []byte, old Version) (Version, error) {
	if err := l.check(AllowSwap, key); err != nil {
		return "", fmt.Errorf("swap %w", err)
	}
	return l.store.Swap(ctx, key, body, old)
}

func (l *limited) Put(ctx context.Context, key string, body []byte) (Version, error) {
	if err := l.check(AllowPut, key); err != nil {
		return "", fmt.Errorf("put %w", err)
	}
	return l.store.Put(ctx, key, body)
}

func (l *limited) Upload(ctx context.Context, key string) (Upload, error) {
	if err := l.check(AllowPut, key); err != nil {
		return nil, fmt.Errorf("upload %w", err)
	}
	return l.store.Upload(ctx, key)
}

func (l *limited) Delete(ctx context.Context, key string) error {
	if err := l.check(AllowDelete, key); err != nil {
		return fmt.Errorf("delete %w", err)
	}
	return l.store.Delete(ctx, key)
}

func (l *limited) Presign(ctx context.Context, key string, ttl time.Duration, fileName string) (string, error) {
	if err := l.check(AllowPresign, key); err != nil {
		return "", fmt.Errorf("presign %w", err)
	}
	return l.store.Presign(ctx, key, ttl, fileName)
}
