package portal

import (
	"context"
	"sync"
	"time"
)

// Denials remembers tokens that were signed out before they expired.
type Denials interface {
	// Deny remembers a token's id at least until its expiry; doing it twice is harmless.
	Deny(ctx context.Context, id string, until time.Time) error
	// Denied reports whether the id was denied.
	Denied(ctx context.Context, id string) (bool, error)
}

// MemDenials keeps denials in memory: enough for one process, whose restart can
// at worst bring back a sign-in for the rest of its hour. Its zero value is ready.
type MemDenials struct {
	mu  sync.Mutex
	ids map[string]time.Time
}

// Deny implements [Denials]. It forgets ids that expired before this token was
// issued, which no verifier accepts any more.
func (m *MemDenials) Deny(_ context.Context, id string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids == nil {
		m.ids = map[string]time.Time{}
	}
	for old, expiry := range m.ids {
		if expiry.Before(until.Add(-SessionLife)) {
			delete(m.ids, old)
		}
	}
	m.ids[id] = until
	return nil
}

// Denied implements [Denials].
func (m *MemDenials) Denied(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, denied := m.ids[id]
	return denied, nil
}
