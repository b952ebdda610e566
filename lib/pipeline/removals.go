package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// removals is what waits, or waited, of the people of one erasure for one bundle.
type removals struct {
	key  string
	rows []schema.RemovalRow
}

func removalKey(request string, b bundleKey) string {
	return lake.ErasuresPrefix + request + "/remove/" + b.platform + "/" + b.segment + ".parquet"
}

// removalOf tells whether an object below erasures/ holds removals, and of which
// bundle.
func removalOf(key string) (b bundleKey, ok bool) {
	_, rest, ok := strings.Cut(strings.TrimPrefix(key, lake.ErasuresPrefix), "/remove/")
	if !ok {
		return b, false
	}
	rest, ok = strings.CutSuffix(rest, ".parquet")
	platform, segment, cut := strings.Cut(rest, "/")
	return bundleKey{segment, platform}, ok && cut
}

// readRemovals reads the rows of erased people by bundle, in the order of their keys.
func (p *Pipeline) readRemovals(ctx context.Context) (map[bundleKey][]removals, error) {
	all := map[bundleKey][]removals{}
	for info, err := range p.store.List(ctx, lake.ErasuresPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list removals: %w", err)
		}
		b, ok := removalOf(info.Key)
		if !ok {
			continue
		}
		table, err := lake.ReadTable[schema.RemovalRow](ctx, p.store, info.Key)
		if err != nil {
			return nil, err
		}
		all[b] = append(all[b], removals{info.Key, table.Rows})
	}
	return all, nil
}

// waits reports whether a row of an erased person has yet to be handed over.
func (g *given) waits(row *schema.RemovalRow, open map[string]bool) bool {
	return row.Act == "" || !g.finished[row.Act] || open[row.Act]
}

// keepRemovals puts down that rows of erased people were handed over by an act.
func (p *Pipeline) keepRemovals(ctx context.Context, all []removals, a act, rows []handedRow, day string) error {
	handed := map[rowName]bool{}
	for i := range rows {
		if rows[i].clientID == "" {
			handed[rowName{rows[i].file, rows[i].key}] = true
		}
	}
	if len(handed) == 0 {
		return nil
	}
	for _, r := range all {
		err := changeTable(ctx, p, r.key, func(rows []schema.RemovalRow) ([]schema.RemovalRow, bool) {
			changed := false
			for i := range rows {
				if row := &rows[i]; handed[rowName{row.File, row.RowKey}] && row.Act != a.ID {
					row.Act, row.HandedDay, changed = a.ID, day, true
				}
			}
			return rows, changed
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addRemovals lets rows of an erased person wait for the next removal.
func (p *Pipeline) addRemovals(ctx context.Context, request string, b bundleKey, more []schema.RemovalRow) error {
	return changeTable(ctx, p, removalKey(request, b), func(rows []schema.RemovalRow) ([]schema.RemovalRow, bool) {
		before := len(rows)
		for _, row := range more {
			i := slices.IndexFunc(rows, func(old schema.RemovalRow) bool { return old.File == row.File && old.RowKey == row.RowKey })
			switch {
			case i < 0:
				rows = append(rows, row)
			case rows[i].Act != "": // it came back to the platform since
				rows[i].Act, rows[i].HandedDay, before = "", "", -1
			}
		}
		slices.SortFunc(rows, func(a, b schema.RemovalRow) int {
			return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Line, b.Line), cmp.Compare(a.RowKey, b.RowKey))
		})
		return rows, len(rows) != before
	})
}

// changeTable replaces a table by what change makes of it; false changes nothing.
func changeTable[T schema.Row](ctx context.Context, p *Pipeline, key string, change func(rows []T) ([]T, bool)) error {
	for {
		table, err := lake.ReadTable[T](ctx, p.store, key)
		if err != nil {
			return err
		}
		rows, changed := change(table.Rows)
		if !changed {
			return nil
		}
		err = table.Write(ctx, p.store, rows, p.nonce())
		if !errors.Is(err, objstore.ErrChanged) && !errors.Is(err, objstore.ErrExist) {
			return err
		}
	}
}
