package lake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// verifyAtOnce is how many deliveries are verified and stored at the same time:
// a durable object takes some ten milliseconds.
const verifyAtOnce = 8

// Secrets resolves the secrets of a source. It may return some of them together
// with the error of the others.
type Secrets func(ctx context.Context, source config.Source) ([]string, error)

// RedriveUnauthenticated verifies deliveries with a bad signature again, by the
// secrets configured now and as of the time of their receipt, so that a replay
// window is neither wider nor narrower than it was. What fits is stored as an
// ordinary raw delivery, for the next compaction, and removed from the others
// only after that; what does not stays until its retention ends. Running it twice
// stores nothing twice. Objects and secrets that cannot be read do not hold up
// the others and are reported in the error.
func (c *Compactor) RedriveUnauthenticated(ctx context.Context, filter RedriveFilter, secrets Secrets) (RedriveCounts, error) {
	cfg, err := c.Sources(ctx)
	if err != nil {
		return nil, err
	}
	bySource := map[string][]string{} // keys of objects
	var order []string
	for info, err := range c.Store.List(ctx, UnauthenticatedPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("lake: list unauthenticated: %w", err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, UnauthenticatedPrefix), "/")
		if filter.Source != "" && name != filter.Source {
			continue
		}
		if bySource[name] == nil {
			order = append(order, name)
		}
		bySource[name] = append(bySource[name], info.Key)
	}
	var total RedriveCounts
	var faults []error
	for _, name := range order {
		source, known := cfg.SourceNamed(name)
		v := verifier{store: c.Store, cfg: cfg, source: source, known: known, filter: filter, raw: NewRawWriter(c.Store)}
		if known {
			var err error
			if v.secrets, err = secrets(ctx, source); err != nil {
				faults = append(faults, fmt.Errorf("lake: redrive %s: secrets: %w", name, err))
				if len(v.secrets) == 0 {
					continue // an open source is one without secrets, not one whose secrets are out of reach
				}
			}
		}
		v.count = RedriveCount{Source: name, Reason: webhook.ReasonBadSignature}
		keys := bySource[name]
		inParallel(len(keys), verifyAtOnce, func(i int) { v.run(ctx, keys[i]) })
		if v.count.Tried > 0 {
			total.add(RedriveCounts{v.count})
		}
		faults = append(faults, v.faults...)
	}
	return total, errors.Join(faults...)
}

// verifier verifies the deliveries of one source.
type verifier struct {
	store   objstore.Store
	cfg     *config.Config
	source  config.Source
	known   bool
	secrets []string
	filter  RedriveFilter
	raw     *RawWriter

	mu     sync.Mutex
	count  RedriveCount
	faults []error
}

func (v *verifier) run(ctx context.Context, key string) {
	tried, stored, err := v.object(ctx, key)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count.Tried += tried
	v.count.Stored += stored
	if err != nil {
		v.faults = append(v.faults, err)
		return
	}
	if left := tried - stored; left > 0 {
		reason := webhook.ReasonBadSignature
		if !v.known {
			reason = ReasonUnknownSource
		}
		v.count.Failed += left
		v.count.failedAs(reason, left)
	}
}

// object verifies the deliveries of one object, which is one as a rule. It goes
// when all of them are stored.
func (v *verifier) object(ctx context.Context, key string) (tried, stored int, err error) {
	body, _, err := v.store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return 0, 0, nil // another redrive, or the end of its retention
	}
	if err != nil {
		return 0, 0, fmt.Errorf("lake: read unauthenticated: %w", err)
	}
	rows, err := schema.Decode[schema.RawRow](body)
	if err != nil {
		return 0, 0, fmt.Errorf("lake: read %s: %w", key, err)
	}
	for _, row := range rows {
		if v.filter.Day != "" && Day(row.ReceivedAt) != v.filter.Day {
			continue
		}
		tried++
		if !v.known {
			continue
		}
		d, fits := webhook.Authenticate(deliveryOf(v.source, rawDelivery{RawRow: row}), v.secrets)
		if !fits {
			continue
		}
		decoded := webhook.Understand(v.cfg, d)
		d.HasID = decoded.DeliveryID != ""
		d.Key = webhook.RawKey(d.Source.Name, decoded.DeliveryID, d.Content(), d.ReceivedAt)
		if err := v.raw.Store(ctx, rawRow(d)); err != nil {
			return tried, stored, err
		}
		stored++
	}
	if stored < len(rows) {
		return tried, stored, nil
	}
	if err := v.store.Delete(ctx, key); err != nil {
		return tried, stored, fmt.Errorf("lake: remove what was verified: %w", err)
	}
	return tried, stored, nil
}
