package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// claimed ends the nonce of a ledger whose day somebody is working on, or was
// when it was killed.
const claimed = "-claim"

// dayObject is a table object of a day as bytes: rows are appended without
// decoding those that are there, so a day's cost does not grow with the square
// of its deliveries.
type dayObject[T schema.Row] struct {
	key     string
	body    []byte // nil where there is no object
	version objstore.Version
	number  int64
	nonce   string
}

func readObject[T schema.Row](ctx context.Context, store objstore.Store, prefix, day string) (dayObject[T], error) {
	return readObjectAt[T](ctx, store, dayKey(prefix, day))
}

func readObjectAt[T schema.Row](ctx context.Context, store objstore.Store, key string) (dayObject[T], error) {
	o := dayObject[T]{key: key}
	body, info, err := store.Get(ctx, o.key)
	if errors.Is(err, objstore.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("lake: read %s: %w", o.key, err)
	}
	meta, err := schema.MetadataOf(body, metaVersion, metaNonce)
	if err != nil {
		return o, fmt.Errorf("lake: read %s: %w", o.key, err)
	}
	o.body, o.version, o.nonce = body, info.Version, meta[1]
	o.number, err = strconv.ParseInt(meta[0], 10, 64)
	if err != nil {
		return o, fmt.Errorf("lake: read %s: %w: no version", o.key, schema.ErrCorrupt)
	}
	return o, nil
}

// rows decodes what the object holds.
func (o dayObject[T]) rows() ([]T, error) {
	if o.body == nil {
		return nil, nil
	}
	rows, err := schema.Decode[T](o.body)
	if err != nil {
		return nil, fmt.Errorf("lake: read %s: %w", o.key, err)
	}
	return rows, nil
}

// add appends rows; without any it puts the nonce down alone.
func (o dayObject[T]) add(ctx context.Context, store objstore.Store, rows []T, compare func(a, b *T) int, nonce string) (dayObject[T], error) {
	body, err := o.with(rows, compare, nonce)
	if err != nil {
		return o, err
	}
	return o.put(ctx, store, body, nonce)
}

// with is the bytes that add writes.
func (o dayObject[T]) with(rows []T, compare func(a, b *T) int, nonce string) ([]byte, error) {
	body, err := schema.Append(o.body, rows, compare, stamps(o.number+1, nonce)...)
	if err != nil {
		return nil, fmt.Errorf("lake: write %s: %w", o.key, err)
	}
	return body, nil
}

// set replaces all rows.
func (o dayObject[T]) set(ctx context.Context, store objstore.Store, rows []T, nonce string) (dayObject[T], error) {
	body, err := schema.Encode(rows, stamps(o.number+1, nonce)...)
	if err != nil {
		return o, fmt.Errorf("lake: write %s: %w", o.key, err)
	}
	return o.put(ctx, store, body, nonce)
}

// setInTurn is set of rows that are made in turn.
func (o dayObject[T]) setInTurn(ctx context.Context, store objstore.Store, count int, fill func(rows []T) error, nonce string) (dayObject[T], error) {
	body, err := schema.EncodeInTurn(count, fill, stamps(o.number+1, nonce)...)
	if err != nil {
		return o, fmt.Errorf("lake: write %s: %w", o.key, err)
	}
	return o.put(ctx, store, body, nonce)
}

func (o dayObject[T]) put(ctx context.Context, store objstore.Store, body []byte, nonce string) (dayObject[T], error) {
	version, err := replace(ctx, store, o.key, body, o.version)
	if err != nil {
		return o, err
	}
	return dayObject[T]{key: o.key, body: body, version: version, number: o.number + 1, nonce: nonce}, nil
}

// open reports whether somebody began to work on the day of this ledger and has
// not ended.
func (o dayObject[T]) open() bool { return strings.HasSuffix(o.nonce, claimed) }
