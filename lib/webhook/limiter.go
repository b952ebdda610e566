package webhook

import (
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/leadlake/leadlake/lib/config"
)

// limiter is a token bucket for each source that has a limit, with one second's
// worth of burst. It counts in this process alone: several Lambda instances each
// have their own. The zero value is ready.
type limiter struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	last   time.Time
}

// take spends one token of the source. Without one it returns the seconds to
// wait, as Retry-After writes them.
func (l *limiter) take(source config.Source, now time.Time) (retryAfter string, ok bool) {
	rate := float64(source.PerSecond)
	if rate <= 0 {
		return "", true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[source.Name]
	if b == nil {
		if l.buckets == nil {
			l.buckets = make(map[string]*bucket)
		}
		b = &bucket{tokens: rate, last: now}
		l.buckets[source.Name] = b
	}
	if passed := now.Sub(b.last).Seconds(); passed > 0 {
		b.tokens, b.last = min(rate, b.tokens+float64(passed*rate)), now
	}
	if b.tokens >= 1 {
		b.tokens--
		return "", true
	}
	return strconv.Itoa(int(math.Ceil((1 - b.tokens) / rate))), false
}
