package lake

import (
	"context"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// Object is a table object as bytes with the version to swap it by: rows may be
// looked at one by one, or appended, without decoding the others. The object of a
// key that is not there has no bytes and an empty version.
type Object[T schema.Row] struct{ object dayObject[T] }

// ReadObject reads a table object that is replaced under numbers that rise.
func ReadObject[T schema.Row](ctx context.Context, store objstore.Store, key string) (Object[T], error) {
	object, err := readObjectAt[T](ctx, store, key)
	return Object[T]{object}, err
}

// Body is the Parquet file; nil where there is no object.
func (o Object[T]) Body() []byte { return o.object.body }

// Version is the version that was read or written.
func (o Object[T]) Version() objstore.Version { return o.object.version }

// Rows decodes all rows.
func (o Object[T]) Rows() ([]T, error) { return o.object.rows() }

// Set replaces all rows, if the object still is in its version; otherwise the error
// matches objstore.ErrChanged or objstore.ErrExist. It returns what lies there then.
func (o Object[T]) Set(ctx context.Context, store objstore.Store, rows []T, nonce string) (Object[T], error) {
	object, err := o.object.set(ctx, store, rows, nonce)
	return Object[T]{object}, err
}

// Add appends rows as schema.Append does, under the condition of Set; no rows change
// nothing but the version.
func (o Object[T]) Add(ctx context.Context, store objstore.Store, rows []T, compare func(a, b *T) int, nonce string) (Object[T], error) {
	object, err := o.object.add(ctx, store, rows, compare, nonce)
	return Object[T]{object}, err
}

// SetInTurn is Set of so many rows that fill makes in turn, see schema.EncodeInTurn.
func (o Object[T]) SetInTurn(ctx context.Context, store objstore.Store, count int, fill func(rows []T) error, nonce string) (Object[T], error) {
	object, err := o.object.setInTurn(ctx, store, count, fill, nonce)
	return Object[T]{object}, err
}
