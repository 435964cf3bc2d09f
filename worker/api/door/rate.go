package door

import (
	"fmt"
	"math"
	"sync"
	"time"

	"tidemark/shared/auth"
)

// A Limiter bounds how many of something each key may have in a minute, in this
// instance of the server.
type Limiter struct {
	mu        sync.Mutex // never held over a call to a port
	rate      *auth.Rate
	perMinute int
	what      string // "requests per minute"
}

// NewLimiter makes a limiter; what is counted is named in its failures.
func NewLimiter(perMinute int, what string) *Limiter {
	return &Limiter{rate: auth.NewRate(perMinute, rateSubjects), perMinute: perMinute, what: what}
}

// Take counts n for the key. It returns a failure of the kind TooManyRequests if
// that is too many.
func (l *Limiter) Take(key string, n int, now time.Time) error {
	l.mu.Lock()
	ok, wait := l.rate.Take(key, n, now)
	l.mu.Unlock()
	if ok {
		return nil
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return Fail(TooManyRequests, fmt.Sprintf("At most %d %s, ask again in %d s", l.perMinute, l.what, seconds)).
		With("Retry-After", fmt.Sprint(seconds))
}

// Give takes n back from what Take counted.
func (l *Limiter) Give(key string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate.Give(key, n)
}

// Owe counts n more, even if that is too many.
func (l *Limiter) Owe(key string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate.Owe(key, n)
}
