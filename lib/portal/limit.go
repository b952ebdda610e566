package portal

import (
	"sync"
	"time"
)

// limiter holds token buckets by key. It keeps at most limiterKeys of them: when
// they are all in use it forgets the full ones, and where none is full it refuses
// newcomers rather than grow.
type limiter struct {
	burst float64
	every time.Duration // one token comes back after this

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

const limiterKeys = 10_000

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: float64(burst), every: every, buckets: map[string]bucket{}}
}

// take spends one token, or says how long until there is one.
func (l *limiter) take(key string, now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= limiterKeys {
			l.sweep(now)
		}
		if len(l.buckets) >= limiterKeys {
			return l.every, false
		}
		b = bucket{tokens: l.burst, at: now}
	}
	b = l.refill(b, now)
	if b.tokens < 1 {
		l.buckets[key] = b
		return time.Duration((1 - b.tokens) * float64(l.every)), false
	}
	b.tokens--
	l.buckets[key] = b
	return 0, true
}

// giveBack returns the token of an attempt that was no abuse.
func (l *limiter) giveBack(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[key]; ok {
		b.tokens = min(l.burst, b.tokens+1)
		l.buckets[key] = b
	}
}

func (l *limiter) refill(b bucket, now time.Time) bucket {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(l.burst, b.tokens+float64(passed)/float64(l.every))
		b.at = now
	}
	return b
}

func (l *limiter) sweep(now time.Time) {
	for key, b := range l.buckets {
		if l.refill(b, now).tokens >= l.burst {
			delete(l.buckets, key)
		}
	}
}
