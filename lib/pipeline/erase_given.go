package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// eraseGiven takes the person out of what platforms were given, the control groups and
// the log of contacts. The rows that a platform still has wait, without his id, for the
// next removal file of their bundle.
func (e *eraser) eraseGiven(ctx context.Context) error {
	bundles, err := e.p.bundlesGiven(ctx)
	if err != nil {
		return err
	}
	for _, b := range bundles {
		if err := e.eraseBundle(ctx, b); err != nil {
			return err
		}
	}
	for info, err := range e.p.store.List(ctx, holdoutPrefix, "") {
		if err == nil {
			err = rewrite(ctx, e, "audiences", info.Key, func(row *schema.AssignmentRow) (*Act, bool) {
				return e.ownerOf([]string{row.ClientID}), false
			})
		}
		if err != nil {
			return err
		}
	}
	for info, err := range e.p.store.List(ctx, contactedPrefix, "") {
		if err == nil {
			err = rewrite(ctx, e, "audiences", info.Key, func(row *schema.ContactedRow) (*Act, bool) {
				return e.ownerOf([]string{row.ClientID}), false
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseBundle moves the person's rows of one bundle. What waits is written first: an
// erasure that breaks off between moves the rows again.
func (e *eraser) eraseBundle(ctx context.Context, b bundleKey) error {
	day := e.p.now().In(e.cfg.Location()).Format(time.DateOnly)
	for {
		g, err := e.p.readGiven(ctx, b.platform, b.segment)
		if err != nil {
			return err
		}
		touched := map[*Act]int{}
		waiting := map[*Act][]schema.RemovalRow{}
		var left []schema.GivenRow
		for i := range g.rows {
			row := &g.rows[i]
			act := e.ownerOf([]string{row.ClientID})
			if act == nil && row.Line != "" {
				act = e.find(row.Line)
			}
			if act == nil {
				left = append(left, *row)
				continue
			}
			touched[act]++
			if row.Line != "" && (row.Now || row.Doubt || !g.finished[row.Act]) {
				waiting[act] = append(waiting[act], schema.RemovalRow{File: row.File, Line: row.Line, RowKey: row.RowKey, Since: day})
			}
		}
		if len(touched) == 0 {
			return nil
		}
		for act, rows := range waiting {
			if err := e.p.addRemovals(ctx, e.requestOf(act), b, rows); err != nil {
				return err
			}
		}
		g.rows = left
		err = e.p.writeGiven(ctx, g)
		if err == nil {
			for act, n := range touched {
				act.Objects["audiences"]++
				act.Rows["audiences"] += n
				act.Waiting += len(waiting[act])
			}
			return nil
		}
		if !errors.Is(err, objstore.ErrChanged) {
			return err
		}
	}
}

// requestOf is the request under whose folder the rows of an act wait. Of people erased
// earlier any request will do, so it is the latest.
func (e *eraser) requestOf(act *Act) string {
	if act.Request != "" {
		return act.Request
	}
	var latest lake.Suppression
	for _, s := range e.suppressed {
		if s.ErasedAt.After(latest.ErasedAt) || s.ErasedAt.Equal(latest.ErasedAt) && s.Request > latest.Request {
			latest = s
		}
	}
	return latest.Request
}

// cleanRemovals removes the rows of erased people from our side a day after the files
// that removed them were handed over. A bundle of which one row still waits stays.
func (p *Pipeline) cleanRemovals(ctx context.Context, cfg *config.Config) (int, error) {
	today := p.now().In(cfg.Location()).Format(time.DateOnly)
	all, err := p.readRemovals(ctx)
	if err != nil {
		return 0, err
	}
	removed := 0
	for b, list := range all {
		g, err := p.readGiven(ctx, b.platform, b.segment)
		if err != nil {
			return removed, err
		}
		open := g.unsettled(asking{})
		for _, r := range list {
			if slices.ContainsFunc(r.rows, func(row schema.RemovalRow) bool { return g.waits(&row, open) || row.HandedDay >= today }) {
				continue
			}
			if err := p.store.Delete(ctx, r.key); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

// cleanContacts removes contacts of days that no budget looks at any more.
func (p *Pipeline) cleanContacts(ctx context.Context, cfg *config.Config) (int, error) {
	oldest := p.now().In(cfg.Location()).AddDate(0, 0, -handover.BudgetDays-1).Format(time.DateOnly)
	return p.remove(ctx, contactedPrefix, func(info objstore.Info) bool {
		day, _, _ := strings.Cut(strings.TrimPrefix(info.Key, contactedPrefix), "/")
		return day < oldest
	})
}
