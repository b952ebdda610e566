package schema

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// DecodeByValue is Decode by the library's reconstruction alone, the rule that the
// column codec must keep.
func DecodeByValue[T Row](body []byte) (rows []T, err error) {
	return byValue(body, func(*group) ([]span, error) { return nil, nil }, func(g *group, _ []span) ([]T, error) {
		rows := make([]T, g.NumRows())
		return rows, reconstruct(g.file, g.RowGroup, []span{{0, g.NumRows()}}, rows)
	})
}

// DecodeWhereByValue is DecodeWhere likewise.
func DecodeWhereByValue[T Row](body []byte, column, value string) ([]T, error) {
	return byValue(body, func(g *group) ([]span, error) {
		leaf, ok := g.file.Schema().Lookup(column)
		if !ok {
			return nil, nil
		}
		return spansByValue(g.ColumnChunks()[leaf.ColumnIndex], value)
	}, func(g *group, spans []span) (rows []T, err error) {
		for _, s := range spans {
			rows = append(rows, make([]T, s.rows)...)
		}
		return rows, reconstruct(g.file, g.RowGroup, spans, rows)
	})
}

// DecodeByColumn is Decode by the column codec alone: an error where Decode would
// fall back on the library.
func DecodeByColumn[T Row](body []byte) (rows []T, err error) {
	p := planOf[T]()
	if p == nil {
		return nil, fmt.Errorf("%T has no plan", *new(T))
	}
	return byValue(body, func(g *group) ([]span, error) { return []span{{0, g.NumRows()}}, nil }, func(g *group, spans []span) ([]T, error) {
		rows := make([]T, g.NumRows())
		return rows, readColumns(p, g.file, g.RowGroup, spans, rows)
	})
}

type group struct {
	parquet.RowGroup
	file *parquet.File
}

func byValue[T Row](body []byte, spans func(*group) ([]span, error), read func(*group, []span) ([]T, error)) (rows []T, err error) {
	defer func() {
		if r := recover(); r != nil {
			rows, err = nil, fmt.Errorf("%w: %v", ErrCorrupt, r)
		}
	}()
	file, err := openTable[T](body)
	if err != nil {
		return nil, err
	}
	for _, g := range file.RowGroups() {
		g := &group{g, file}
		some, err := spans(g)
		if err != nil {
			return nil, err
		}
		part, err := read(g, some)
		if err != nil {
			return nil, err
		}
		rows = append(rows, part...)
	}
	return rows, nil
}
