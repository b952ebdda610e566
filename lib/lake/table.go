package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// Footer entries of a replaced object: a number that strictly rises and a nonce,
// so that no two versions have equal bytes.
const (
	metaVersion = "leadlake.version"
	metaNonce   = "leadlake.nonce"
)

// Table is an object of rows together with the version to swap it by. A table
// whose object does not exist has no rows and an empty Version.
type Table[T schema.Row] struct {
	Key     string
	Rows    []T
	Version objstore.Version
	number  int64
}

// ReadTable reads a whole table object; a missing one is an empty table.
func ReadTable[T schema.Row](ctx context.Context, store objstore.Store, key string) (Table[T], error) {
	body, info, err := store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return Table[T]{Key: key}, nil
	}
	if err != nil {
		return Table[T]{}, fmt.Errorf("lake: read %s: %w", key, err)
	}
	rows, err := schema.Decode[T](body)
	if err != nil {
		return Table[T]{}, fmt.Errorf("lake: read %s: %w", key, err)
	}
	number, err := schema.Metadata(body, metaVersion)
	if err != nil {
		return Table[T]{}, fmt.Errorf("lake: read %s: %w", key, err)
	}
	table := Table[T]{Key: key, Rows: rows, Version: info.Version}
	table.number, _ = strconv.ParseInt(number, 10, 64) // absent in tables that are never replaced
	return table, nil
}

// Write replaces the table's object by rows, if it still is what was read;
// otherwise the error matches objstore.ErrChanged or objstore.ErrExist.
func (t Table[T]) Write(ctx context.Context, store objstore.Store, rows []T, nonce string) error {
	_, err := t.write(ctx, store, rows, nonce)
	return err
}

// write returns the table as it stands after it.
func (t Table[T]) write(ctx context.Context, store objstore.Store, rows []T, nonce string) (Table[T], error) {
	body, err := schema.Encode(rows,
		schema.Pair{Key: metaVersion, Value: strconv.FormatInt(t.number+1, 10)},
		schema.Pair{Key: metaNonce, Value: nonce})
	if err != nil {
		return Table[T]{}, err
	}
	var version objstore.Version
	if t.Version == "" {
		version, err = store.Create(ctx, t.Key, body)
	} else {
		version, err = store.Swap(ctx, t.Key, body, t.Version)
	}
	if err != nil {
		return Table[T]{}, fmt.Errorf("lake: write %s: %w", t.Key, err)
	}
	return Table[T]{Key: t.Key, Rows: rows, Version: version, number: t.number + 1}, nil
}

// Days lists the days that have an object under a "day=" prefix, oldest first.
func Days(ctx context.Context, store objstore.Store, prefix string) ([]string, error) {
	var days []string
	for info, err := range store.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("lake: list %s: %w", prefix, err)
		}
		if day, ok := dayOf(info.Key, prefix); ok && !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	return days, nil
}

// ReadDay reads one day of a table.
func ReadDay[T schema.Row](ctx context.Context, store objstore.Store, prefix, day string) (Table[T], error) {
	return ReadTable[T](ctx, store, dayKey(prefix, day))
}

// lost reports whether a conditional write found that somebody else had written.
func lost(err error) bool {
	return errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist)
}
