package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// leftSince finds who may no longer be handed over although the run says so:
// withdrawals and unsubscriptions that the lake holds and the run does not, and
// erased people. A consent given since does not bring anybody in before a night.
func (p *Pipeline) leftSince(ctx context.Context, run *lake.Run, clients map[string]*schema.ClientRow) (map[string]audience.Reason, error) {
	left := map[string]audience.Reason{}
	byToken := make(map[string]string, len(clients))
	for id, c := range clients {
		byToken[id] = id
		for _, alias := range c.Aliases {
			byToken[alias] = id
		}
	}
	suppressed, err := lake.ReadSuppressed(ctx, p.store)
	if err != nil {
		return nil, err
	}
	for token := range suppressed {
		if id, ok := byToken[token]; ok {
			left[id] = audience.ReasonErased
		}
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return nil, err
	}
	end, err := endOf(run.AsOf, cfg.Location())
	if err != nil {
		return nil, err
	}
	days, err := lake.Days(ctx, p.store, lake.EventsPrefix)
	if err != nil {
		return nil, err
	}
	latest := map[string]*latestConsents{}
	for _, day := range days {
		head, err := p.store.Head(ctx, lake.EventsPrefix+day+"/part-0000.parquet")
		if err != nil {
			return nil, fmt.Errorf("pipeline: what changed since the night: %w", err)
		}
		// A day that the run has read whole can only hold news that are dated
		// after the run's day, received on or after it.
		if run.Inputs[head.Key] == string(head.Version) && day < lake.Day(end) {
			continue
		}
		table, err := lake.ReadDay[schema.CardEventRow](ctx, p.store, lake.EventsPrefix, day)
		if err != nil {
			return nil, err
		}
		for _, ev := range table.Rows {
			for _, token := range ev.Tokens {
				if id, ok := byToken[token]; ok {
					if latest[id] == nil {
						latest[id] = &latestConsents{}
					}
					latest[id].add(ev, p.now())
				}
			}
		}
	}
	for id, consents := range latest {
		if reason := consents.left(); reason != "" && left[id] == "" {
			left[id] = reason
		}
	}
	return left, nil
}

// latestConsents folds what a person stated on the days that are read again. The
// latest statement wins, as in the night; where the last of them is a withdrawal
// the person is out until the next night has weighed it against older ones.
type latestConsents struct {
	ledger       consent.Ledger
	unsubscribed map[string]bool // event ids
}

func (l *latestConsents) add(ev schema.CardEventRow, now time.Time) {
	for _, c := range ev.Consents {
		if c.Given && c.At.After(ev.At) && c.At.After(now) {
			continue // dated later than who says so: it must not outlive a withdrawal of today
		}
		l.ledger.Add(consent.Statement{Purpose: consent.Purpose(c.Purpose), Given: c.Given, At: c.At, EventID: ev.EventID})
	}
	if ev.Kind == string(event.Unsubscribe) {
		if l.unsubscribed == nil {
			l.unsubscribed = map[string]bool{}
		}
		l.unsubscribed[ev.EventID] = true
	}
}

func (l *latestConsents) left() audience.Reason {
	for _, purpose := range []consent.Purpose{consent.Ads, consent.Processing} {
		if s, ok := l.ledger.Latest(purpose); ok && !s.Given {
			if l.unsubscribed[s.EventID] {
				return audience.ReasonUnsubscribed
			}
			return audience.ReasonWithdrawn
		}
	}
	return ""
}
