package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
)

// layered shows a lake with writes of one's own on top, so that a night can be made
// of one lake many times and each finds it as it was. Below the prefix hidden, if
// there is one, the lake shows nothing. What is deleted below stays.
type layered struct {
	objstore.Store // the lake, never written

	top    objstore.Store
	hidden string
}

func (l layered) shows(key string) bool { return l.hidden == "" || !strings.HasPrefix(key, l.hidden) }

// from is where an object lies now.
func (l layered) from(ctx context.Context, key string) (objstore.Store, error) {
	if _, err := l.top.Head(ctx, key); !errors.Is(err, objstore.ErrNotExist) || !l.shows(key) {
		return l.top, err
	}
	return l.Store, nil
}

// Get implements objstore.Store.
func (l layered) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	store, err := l.from(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	return store.Get(ctx, key)
}

// GetRange implements objstore.Store.
func (l layered) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	store, err := l.from(ctx, key)
	if err != nil {
		return nil, err
	}
	return store.GetRange(ctx, key, offset, length)
}

// ReadRange implements objstore.RangeReader.
func (l layered) ReadRange(ctx context.Context, key string, offset int64, p []byte) (int, error) {
	store, err := l.from(ctx, key)
	if err != nil {
		return 0, err
	}
	body, err := objstore.ReadRange(ctx, store, key, offset, int64(len(p)), p)
	return copy(p, body), err
}

// Open implements objstore.Store.
func (l layered) Open(ctx context.Context, key string) (io.ReadCloser, objstore.Info, error) {
	store, err := l.from(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	return store.Open(ctx, key)
}

// Head implements objstore.Store.
func (l layered) Head(ctx context.Context, key string) (objstore.Info, error) {
	store, err := l.from(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}
	return store.Head(ctx, key)
}

// List implements objstore.Store.
func (l layered) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		var all []objstore.Info
		own := map[string]bool{}
		for info, err := range l.top.List(ctx, prefix, startAfter) {
			if err != nil {
				yield(info, err)
				return
			}
			own[info.Key] = true
			all = append(all, info)
		}
		for info, err := range l.Store.List(ctx, prefix, startAfter) {
			if err != nil {
				yield(info, err)
				return
			}
			if l.shows(info.Key) && !own[info.Key] {
				all = append(all, info)
			}
		}
		slices.SortFunc(all, func(a, b objstore.Info) int { return strings.Compare(a.Key, b.Key) })
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Create implements objstore.Store.
func (l layered) Create(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	if store, err := l.from(ctx, key); err == nil && store == l.Store {
		if _, err := store.Head(ctx, key); !errors.Is(err, objstore.ErrNotExist) {
			return "", errors.Join(objstore.ErrExist, err)
		}
	}
	return l.top.Create(ctx, key, body)
}

// Swap implements objstore.Store.
func (l layered) Swap(ctx context.Context, key string, body []byte, old objstore.Version) (objstore.Version, error) {
	store, err := l.from(ctx, key)
	if err != nil || store == l.top {
		return l.top.Swap(ctx, key, body, old)
	}
	info, err := store.Head(ctx, key)
	if err != nil || info.Version != old {
		return "", errors.Join(objstore.ErrChanged, err)
	}
	version, err := l.top.Create(ctx, key, body)
	if errors.Is(err, objstore.ErrExist) {
		return "", objstore.ErrChanged
	}
	return version, err
}

// Put implements objstore.Store.
func (l layered) Put(ctx context.Context, key string, body []byte) (objstore.Version, error) {
	return l.top.Put(ctx, key, body)
}

// Upload implements objstore.Store.
func (l layered) Upload(ctx context.Context, key string) (objstore.Upload, error) {
	return l.top.Upload(ctx, key)
}

// Delete implements objstore.Store.
func (l layered) Delete(ctx context.Context, key string) error { return l.top.Delete(ctx, key) }
