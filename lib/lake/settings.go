package lake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/objstore"
)

// ConfigSource reads the business configuration from the store and keeps it for
// a while: asking the store's version costs a request, reading it two. A missing
// file is the default configuration. It is safe for concurrent use.
type ConfigSource struct {
	store  objstore.Store
	now    func() time.Time
	keep   time.Duration
	checks []config.Check

	mu      sync.Mutex
	cfg     *config.Config
	version objstore.Version
	until   time.Time
}

// NewConfigSource makes a source that asks the store again after keep (0: at
// every call). Who only takes deliveries in gives no checks: a rule that is wrong
// stops the night, not the webhooks.
func NewConfigSource(store objstore.Store, now func() time.Time, keep time.Duration, checks ...config.Check) *ConfigSource {
	return &ConfigSource{store: store, now: now, keep: keep, checks: checks}
}

// Config returns the configuration in force. A file that cannot be read or is
// invalid is an error: senders get 503, never a 404.
func (s *ConfigSource) Config(ctx context.Context) (*config.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg != nil && s.now().Before(s.until) {
		return s.cfg, nil
	}
	body, info, err := s.store.Get(ctx, config.Key)
	if errors.Is(err, objstore.ErrNotExist) {
		body, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lake: read configuration: %w", err)
	}
	if s.cfg == nil || info.Version != s.version {
		cfg, err := config.Parse(body, s.checks...)
		if err != nil {
			return nil, err
		}
		s.cfg, s.version = cfg, info.Version
	}
	s.until = s.now().Add(s.keep)
	return s.cfg, nil
}
