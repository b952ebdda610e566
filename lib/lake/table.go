package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	nonce   string
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
	meta, err := schema.MetadataOf(body, metaVersion, metaNonce)
	if err != nil {
		return Table[T]{}, fmt.Errorf("lake: read %s: %w", key, err)
	}
	table := Table[T]{Key: key, Rows: rows, Version: info.Version, nonce: meta[1]}
	table.number, _ = strconv.ParseInt(meta[0], 10, 64) // absent in tables that are never replaced
	return table, nil
}

// Claimed reports whether the table is the ledger of a day that somebody works on
// now, or was when he was killed: the day's other tables may hold what no line
// stands for. The next compaction or redrive settles it.
func (t Table[T]) Claimed() bool { return strings.HasSuffix(t.nonce, claimed) }

// Write replaces the table's object by rows, if it still is what was read;
// otherwise the error matches objstore.ErrChanged or objstore.ErrExist.
func (t Table[T]) Write(ctx context.Context, store objstore.Store, rows []T, nonce string) error {
	body, err := schema.Encode(rows, stamps(t.number+1, nonce)...)
	if err != nil {
		return err
	}
	_, err = replace(ctx, store, t.Key, body, t.Version)
	return err
}

// stamps are the footer entries of an object that is replaced.
func stamps(number int64, nonce string) []schema.Pair {
	return []schema.Pair{{Key: metaVersion, Value: strconv.FormatInt(number, 10)}, {Key: metaNonce, Value: nonce}}
}

// replace writes an object in the place of the version that was read; no version
// is no object.
func replace(ctx context.Context, store objstore.Store, key string, body []byte, old objstore.Version) (version objstore.Version, err error) {
	if old == "" {
		version, err = store.Create(ctx, key, body)
	} else {
		version, err = store.Swap(ctx, key, body, old)
	}
	if err != nil {
		return "", fmt.Errorf("lake: write %s: %w", key, err)
	}
	return version, nil
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

// ReadDayWhere reads the rows of a day whose text in a column is value.
func ReadDayWhere[T schema.Row](ctx context.Context, store objstore.Store, prefix, day, column, value string) ([]T, error) {
	key := dayKey(prefix, day)
	body, _, err := store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lake: read %s: %w", key, err)
	}
	rows, err := schema.DecodeWhere[T](body, column, value)
	if err != nil {
		return nil, fmt.Errorf("lake: read %s: %w", key, err)
	}
	return rows, nil
}

// lost reports whether a conditional write found that somebody else had written.
func lost(err error) bool {
	return errors.Is(err, objstore.ErrChanged) || errors.Is(err, objstore.ErrExist)
}
