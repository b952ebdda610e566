package objstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mem is a store in memory, for tests and for runs that leave nothing behind. Its
// zero value is empty and ready. It must not be copied.
type Mem struct {
	// Now gives ModifiedAt; nil leaves it at the Unix epoch.
	Now func() time.Time

	mu      sync.RWMutex
	objects map[string]memObject
}

type memObject struct {
	body []byte // never changed once stored
	info Info
}

// Get implements [Store].
func (m *Mem) Get(ctx context.Context, key string) ([]byte, Info, error) {
	object, err := m.object(ctx, key)
	if err != nil {
		return nil, Info{}, fmt.Errorf("get %s: %w", Quote(key), err)
	}
	return bytes.Clone(object.body), object.info, nil
}

// GetRange implements [Store].
func (m *Mem) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	object, err := m.object(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", Quote(key), err)
	}
	n, err := ClipRange(offset, length, object.info.Size)
	if err != nil {
		return nil, fmt.Errorf("get range of %s: %w", Quote(key), err)
	}
	return bytes.Clone(object.body[offset : offset+n]), nil
}

// Open implements [Store].
func (m *Mem) Open(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	object, err := m.object(ctx, key)
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %s: %w", Quote(key), err)
	}
	return &whole{rest: object.body}, object.info, nil
}

// Head implements [Store].
func (m *Mem) Head(ctx context.Context, key string) (Info, error) {
	object, err := m.object(ctx, key)
	if err != nil {
		return Info{}, fmt.Errorf("head %s: %w", Quote(key), err)
	}
	return object.info, nil
}

// List implements [Store]; it yields what was there when the first pair was asked for.
func (m *Mem) List(ctx context.Context, prefix, startAfter string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := CheckPrefix(prefix); err != nil {
			yield(Info{}, fmt.Errorf("list: %w", err))
			return
		}
		for _, info := range m.snapshot(prefix, startAfter) {
			if err := ctx.Err(); err != nil {
				yield(Info{}, fmt.Errorf("list %s: %w", Quote(prefix), err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Create implements [Store].
func (m *Mem) Create(ctx context.Context, key string, body []byte) (Version, error) {
	return m.write(ctx, "create", key, body, func(_ Version, there bool) error {
		if there {
			return ErrExist
		}
		return nil
	})
}

// Swap implements [Store].
func (m *Mem) Swap(ctx context.Context, key string, body []byte, old Version) (Version, error) {
	return m.write(ctx, "swap", key, body, func(current Version, there bool) error {
		if !there || current != old {
			return ErrChanged
		}
		return nil
	})
}

// Put implements [Store].
func (m *Mem) Put(ctx context.Context, key string, body []byte) (Version, error) {
	return m.write(ctx, "put", key, body, func(Version, bool) error { return nil })
}

// Upload implements [Store]; the bytes are kept until they are committed.
func (m *Mem) Upload(ctx context.Context, key string) (Upload, error) {
	if err := ready(ctx, key); err != nil {
		return nil, fmt.Errorf("upload %s: %w", Quote(key), err)
	}
	return Buffered(func(body []byte) (Version, error) {
		return m.write(ctx, "upload", key, body, func(Version, bool) error { return nil })
	}), nil
}

// Delete implements [Store].
func (m *Mem) Delete(ctx context.Context, key string) error {
	if err := ready(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", Quote(key), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Presign implements [Store]; it always returns [ErrNoPresign].
func (m *Mem) Presign(_ context.Context, key string, _ time.Duration, _ string) (string, error) {
	return "", fmt.Errorf("presign %s: %w", Quote(key), ErrNoPresign)
}

func (m *Mem) object(ctx context.Context, key string) (memObject, error) {
	if err := ready(ctx, key); err != nil {
		return memObject{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	object, there := m.objects[key]
	if !there {
		return memObject{}, ErrNotExist
	}
	return object, nil
}

func (m *Mem) snapshot(prefix, startAfter string) []Info {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Info
	for key, object := range m.objects {
		if strings.HasPrefix(key, prefix) && key > startAfter {
			info := object.info
			info.Version = ""
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	return found
}

func (m *Mem) write(ctx context.Context, what, key string, body []byte, allow func(current Version, there bool) error) (Version, error) {
	if err := ready(ctx, key); err != nil {
		return "", fmt.Errorf("%s %s: %w", what, Quote(key), err)
	}
	version := VersionOf(body)
	modified := time.Unix(0, 0).UTC()
	if m.Now != nil {
		modified = m.Now().UTC()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	current, there := m.objects[key]
	if err := allow(current.info.Version, there); err != nil {
		return "", fmt.Errorf("%s %s: %w", what, Quote(key), err)
	}
	if m.objects == nil {
		m.objects = map[string]memObject{}
	}
	m.objects[key] = memObject{
		body: bytes.Clone(body),
		info: Info{Key: key, Size: int64(len(body)), Version: version, ModifiedAt: modified},
	}
	return version, nil
}

// ready refuses a call before it does anything, so a context that has ended by
// then leaves no doubt about the outcome.
func ready(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return CheckContext(ctx)
}

// CheckContext is for stores: it returns an error that matches [ErrRefused] and the
// context's error when a call begins after its context has ended.
func CheckContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// VersionOf returns the version that [Mem] and filestore give to body: its
// SHA-256 in hex.
func VersionOf(body []byte) Version {
	sum := sha256.Sum256(body)
	return Version(hex.EncodeToString(sum[:]))
}

// ClipRange is for stores: it returns how many of length bytes from offset lie
// inside an object of size bytes, or [ErrRange].
func ClipRange(offset, length, size int64) (int64, error) {
	if offset < 0 || length <= 0 || offset >= size {
		return 0, ErrRange
	}
	return min(length, size-offset), nil
}

// Quote returns key as it may stand in an error: itself, or "(bad key)" when
// [CheckPrefix] refuses it, since such a key may hold anything.
func Quote(key string) string {
	if CheckPrefix(key) != nil {
		return "(bad key)"
	}
	return key
}
