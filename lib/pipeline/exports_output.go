package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/objstore"
)

// deferred is a file that becomes visible together with the others of its bundle.
type deferred struct {
	out       audience.Output
	committed bool
}

func (d *deferred) Write(p []byte) (int, error) { return d.out.Write(p) }

func (d *deferred) Commit() error {
	d.committed = true
	return nil
}

func (d *deferred) Discard() { d.out.Discard() }

func (d *deferred) publish() error {
	if !d.committed {
		return errors.New("pipeline: an audience file was not finished")
	}
	return d.out.Commit()
}

// nowhere takes what is not kept.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Commit() error               { return nil }
func (nowhere) Discard()                    {}

// wholeOutput is the most bytes of a file that wait in memory, so that a file which
// holds what it held before is not written again. A larger one goes to the store piece
// by piece.
const wholeOutput = 1 << 20

// storeOutput is one audience file on its way into the store.
type storeOutput struct {
	ctx    context.Context //nolint:containedctx // lives for one write of one file
	store  objstore.Store
	key    string
	body   bytes.Buffer
	upload objstore.Upload // nil: all of it is in body
}

func (o *storeOutput) Write(p []byte) (int, error) {
	if o.upload != nil {
		return o.upload.Write(p)
	}
	if o.body.Len()+len(p) <= wholeOutput {
		return o.body.Write(p)
	}
	var err error
	if o.upload, err = o.store.Upload(o.ctx, o.key); err != nil {
		return 0, fmt.Errorf("begin %s: %w", o.key, err)
	}
	if _, err := o.upload.Write(o.body.Bytes()); err != nil {
		return 0, err
	}
	o.body = bytes.Buffer{}
	return o.upload.Write(p)
}

// Commit writes the file unless it is short and the same bytes are there.
func (o *storeOutput) Commit() error {
	if o.upload != nil {
		_, err := o.upload.Commit()
		return err
	}
	if old, _, err := o.store.Get(o.ctx, o.key); err == nil && bytes.Equal(old, o.body.Bytes()) {
		return nil
	}
	_, err := o.store.Put(o.ctx, o.key, o.body.Bytes())
	return err
}

func (o *storeOutput) Discard() {
	o.body = bytes.Buffer{}
	if o.upload != nil {
		o.upload.Abort()
	}
}
