package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// ledgerCache keeps days as pages show them: a day that has not changed since is
// not compared again.
type ledgerCache struct {
	mu   sync.Mutex
	days map[string]ledgerCached
}

type ledgerCached struct {
	versions [3]objstore.Version // of the ledger, the events and the failed
	rows     []LedgerDay
}

// ledgerPageDays is how far back the page compares by id.
const ledgerPageDays = 30

// ledgerOfLate is the ledger of the last days, balanced by id, as it stands now.
func (p *Pipeline) ledgerOfLate(ctx context.Context) ([]schema.LedgerRow, error) {
	days, err := lake.Days(ctx, p.store, lake.DeliveriesPrefix)
	if err != nil {
		return nil, err
	}
	days = days[max(0, len(days)-ledgerPageDays):]
	p.ledgers.mu.Lock()
	defer p.ledgers.mu.Unlock()
	fresh := make(map[string]ledgerCached, len(days))
	rows := []schema.LedgerRow{}
	for _, day := range days {
		versions, err := p.ledgerVersions(ctx, day)
		if err != nil {
			return nil, err
		}
		known, ok := p.ledgers.days[day]
		if !ok || known.versions != versions {
			known.versions = versions
			if known.rows, err = Ledger(ctx, p.store, []string{day}); err != nil {
				return nil, err
			}
		}
		fresh[day] = known
		rows = append(rows, ledgerTable(known.rows)...)
	}
	p.ledgers.days = fresh
	return slices.Clip(rows), nil
}

func (p *Pipeline) ledgerVersions(ctx context.Context, day string) (versions [3]objstore.Version, err error) {
	for i, prefix := range []string{lake.DeliveriesPrefix, lake.EventsPrefix, lake.FailedPrefix} {
		info, err := p.store.Head(ctx, dayPart(prefix, day))
		if err != nil && !errors.Is(err, objstore.ErrNotExist) {
			return versions, fmt.Errorf("pipeline: look at the ledger: %w", err)
		}
		versions[i] = info.Version
	}
	return versions, nil
}
