package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/leadlake/leadlake/lib/objstore"
)

// Upload implements [objstore.Store]: the bytes go to the owner while they are
// written, and he aborts what breaks off.
func (s *ownedStore) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	err := objstore.CheckKey(key)
	if err == nil {
		err = objstore.CheckContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w", objstore.Quote(key), err)
	}
	body, to := io.Pipe()
	u := &ownedUpload{ctx: ctx, to: to, answer: make(chan uploaded, 1)}
	go func() {
		version, err := s.send(ctx, "upload", key, body, "")
		_ = body.CloseWithError(objstore.ErrRefused) // nobody reads any more
		u.answer <- uploaded{version, err}
	}()
	return u, nil
}

// ownedUpload is an upload on its way to the owner.
type ownedUpload struct {
	ctx    context.Context //nolint:containedctx // lives for one write of one object
	to     *io.PipeWriter
	answer chan uploaded
	ended  bool
}

type uploaded struct {
	version objstore.Version
	err     error
}

func (u *ownedUpload) Write(p []byte) (int, error) {
	if u.ended {
		return 0, objstore.ErrEnded
	}
	return u.to.Write(p)
}

func (u *ownedUpload) Commit() (objstore.Version, error) {
	if u.ended {
		return "", objstore.ErrEnded
	}
	if err := objstore.CheckContext(u.ctx); err != nil { // the owner must not take it for whole
		u.Abort()
		return "", fmt.Errorf("upload: %w", err)
	}
	u.ended = true
	_ = u.to.Close() // never fails
	answer := <-u.answer
	return answer.version, answer.err
}

// Abort breaks the request off, so that the owner never sees the end of its body.
func (u *ownedUpload) Abort() {
	if u.ended {
		return
	}
	u.ended = true
	_ = u.to.CloseWithError(context.Canceled) // never fails
	<-u.answer
}

// storeUpload does a worker's upload.
func (m *machine) storeUpload(w http.ResponseWriter, r *http.Request) (objstore.Version, error) {
	ctx := context.WithoutCancel(r.Context())
	to, err := m.store.Upload(ctx, r.URL.Query().Get("key"))
	if err != nil {
		return "", err
	}
	defer to.Abort()
	if _, err := io.Copy(to, http.MaxBytesReader(w, r.Body, maxStoreBody)); err != nil {
		return "", fmt.Errorf("%w: %w", objstore.ErrRefused, err)
	}
	return to.Commit()
}
