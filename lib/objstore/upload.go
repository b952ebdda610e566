package objstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Upload is an object on its way into a store, see [Store.Upload]. One goroutine
// uses it. The context it was begun with holds until its end: once that is over,
// Commit fails, Write may, and nothing is visible.
type Upload interface {
	// Write takes the next bytes of the object; p is not kept. After an error the
	// upload can only be aborted.
	io.Writer
	// Commit makes the object visible, whole, in the place of whatever was there, and
	// ends the upload. Its errors and outcomes are those of Put; after a Write that
	// failed it is [ErrRefused].
	Commit() (Version, error)
	// Abort drops what was written. After the end it does nothing, so it may be
	// deferred as soon as the upload has begun.
	Abort()
}

// ErrEnded says that an upload was committed or aborted before; nothing was written.
// It matches [ErrRefused].
var ErrEnded = fmt.Errorf("%w: upload has ended", ErrRefused)

// Buffered is an upload that keeps its bytes in memory and gives them to put at
// Commit: for stores that cannot take an object piece by piece.
func Buffered(put func(body []byte) (Version, error)) Upload { return &buffered{put: put} }

type buffered struct {
	put  func(body []byte) (Version, error) // nil: the upload has ended
	body []byte
}

func (b *buffered) Write(p []byte) (int, error) {
	if b.put == nil {
		return 0, ErrEnded
	}
	b.body = append(b.body, p...)
	return len(p), nil
}

func (b *buffered) Commit() (Version, error) {
	if b.put == nil {
		return "", ErrEnded
	}
	put, body := b.put, b.body
	b.put, b.body = nil, nil
	return put(body)
}

func (b *buffered) Abort() { b.put, b.body = nil, nil }

// OpenWhole is Open by means of a Get, for stores that have nothing better.
func OpenWhole(ctx context.Context, key string, get func(ctx context.Context, key string) ([]byte, Info, error)) (io.ReadCloser, Info, error) {
	body, info, err := get(ctx, key)
	if err != nil {
		return nil, info, err
	}
	return &whole{rest: body}, info, nil
}

// whole reads bytes that are there already.
type whole struct{ rest []byte }

func (w *whole) Read(p []byte) (int, error) {
	if len(w.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *whole) Close() error {
	w.rest = nil
	return nil
}

// Checked is for stores: it reads body and gives [ErrCorrupt] instead of its end
// where it has not size bytes or, unless sum is empty, another SHA-256 than sum, in
// hex. A fault of body itself is [ErrCorrupt], too.
func Checked(body io.ReadCloser, size int64, sum string) io.ReadCloser {
	c := &checked{body: body, left: size, want: sum}
	if sum != "" {
		c.sum = sha256.New()
	}
	return c
}

type checked struct {
	body io.ReadCloser
	left int64
	want string
	sum  hash.Hash // nil: not asked for
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	switch {
	case c.left < 0:
		return n, fmt.Errorf("%w: longer than announced", ErrCorrupt)
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case c.left > 0:
		return n, fmt.Errorf("%w: %d bytes are missing", ErrCorrupt, c.left)
	case c.sum != nil && hex.EncodeToString(c.sum.Sum(nil)) != c.want:
		return n, fmt.Errorf("%w: SHA-256 differs", ErrCorrupt)
	}
	return n, io.EOF
}

func (c *checked) Close() error { return c.body.Close() }
