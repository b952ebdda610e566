package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

func addABC(ctx context.Context, store objstore.Store, run *lake.Run, s *analytics.Scores) error {
	var rows []schema.ABCRow
	for entity := range s.ABC {
		for row := range s.ABC[entity].Rows(func(i int) string { return s.ID(entity, i) }) {
			rows = append(rows, row)
		}
	}
	return lake.AddTable(ctx, store, run, rows)
}

func addXYZ(ctx context.Context, store objstore.Store, run *lake.Run, s *analytics.Scores) error {
	var rows []schema.XYZRow
	for entity := range s.XYZ {
		for value := range s.XYZ[entity].Values() {
			rows = append(rows, value.Row(s.XYZ[entity].Entity, s.ID(entity, value.Index)))
		}
	}
	return lake.AddTable(ctx, store, run, rows)
}
