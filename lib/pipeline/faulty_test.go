package pipeline_test

import (
	"context"
	"sync"

	"github.com/leadlake/leadlake/lib/objstore"
)

func (f *failing) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if err := f.refuse(); err != nil {
		return "", err
	}
	return f.Store.Create(ctx, key, body)
}

func (f *failing) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	if err := f.refuse(); err != nil {
		return "", err
	}
	return f.Store.Swap(ctx, key, body, old)
}

func (f *failing) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if err := f.refuse(); err != nil {
		return "", err
	}
	return f.Store.Put(ctx, key, body)
}

func (f *failing) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	return objstore.Buffered(func(body []byte) (objstore.Version, error) { return f.Put(ctx, key, body) }), nil
}

func (f *failing) Delete(ctx context.Context, key string) error {
	if err := f.refuse(); err != nil {
		return err
	}
	return f.Store.Delete(ctx, key)
}

// meanwhile does something else before one of the writes.
type meanwhile struct {
	objstore.Store
	mu   sync.Mutex
	left int
	do   func()
}

func (m *meanwhile) tick() {
	m.mu.Lock() // buckets are written side by side
	defer m.mu.Unlock()
	if m.left--; m.left == 0 {
		m.do()
	}
}

func (m *meanwhile) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	m.tick()
	return m.Store.Create(ctx, key, body)
}

func (m *meanwhile) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	m.tick()
	return m.Store.Swap(ctx, key, body, old)
}

func (m *meanwhile) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	m.tick()
	return m.Store.Put(ctx, key, body)
}

func (m *meanwhile) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	return objstore.Buffered(func(body []byte) (objstore.Version, error) { return m.Put(ctx, key, body) }), nil
}
