// Package schema is the contract of every Parquet file that Leadlake writes: one
// row type per table, with its columns, encodings and the columns that are
// personal. The tables of the lake stand in lake.go, those of a night in gold.go.
//
// Rules: money is int64 minor units in *_minor columns; instants are
// TIMESTAMP(MICROS, UTC); days are YYYY-MM-DD text; a pointer is a nullable
// column, used where zero differs from unknown. Arrow stays out of this package,
// so that the ingest function does not link it.
package schema

import (
	"maps"
	"slices"
)

// MapOf makes a map column, sorted by key.
func MapOf[K, V ~string](m map[K]V) Map {
	var out Map
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out.Pairs = append(out.Pairs, Pair{Key: string(key), Value: string(m[key])})
	}
	return out
}

// Get looks a key up; "" if it is missing.
func (m Map) Get(key string) string {
	for _, p := range m.Pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}
