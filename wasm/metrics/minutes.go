//go:build !js

package metrics

import (
	"sync"
	"time"

	"tidemark/shared/metric"
)

// mostMinutes is how many minutes are kept.
const mostMinutes = 60

// A Minute is what was counted in a minute.
type Minute struct {
	At            int64 // when it began, in Unix milliseconds
	Requests      int64
	Errors        int64 // requests with a status of 500 or more
	Refused       int64 // requests with a status of 400 to 499
	PushedRows    int64
	PulledRows    int64
	Notifications int64
	Updates       int64
	Sockets       int64 // the most that were open at a time
}

// minutes are the last minutes, in a ring: minute n since 1970 is at n modulo mostMinutes. What is
// counted in a minute takes the place of the one that was there before, so that nothing runs between the counts.
type minutes struct {
	now func() time.Time

	mu      sync.Mutex
	since   time.Time
	ring    [mostMinutes]kept
	sockets int64 // that are open
}

// A kept minute has n as its number.
type kept struct {
	Minute
	n     int64
	begun int64 // how many sockets were open when it began
	ended map[string]int64
}

func newMinutes(now func() time.Time) *minutes { return &minutes{now: now, since: now()} }

// current returns the minute of now. The caller holds the lock.
func (m *minutes) current() *kept { return m.of(m.now()) }

// of returns the minute of a time that is not over for long.
func (m *minutes) of(at time.Time) *kept {
	n := at.Unix() / 60
	k := &m.ring[n%mostMinutes]
	if k.n != n {
		*k = kept{n: n, begun: m.sockets, Minute: Minute{At: n * 60_000, Sockets: m.sockets}}
	}
	return k
}

// request takes the time, because to read a clock costs more than the rest.
func (m *minutes) request(status int, ended time.Time) {
	m.mu.Lock()
	k := m.of(ended)
	k.Requests++
	switch {
	case status >= 500:
		k.Errors++
	case status >= 400:
		k.Refused++
	}
	m.mu.Unlock()
}

// count counts what the guest reported.
func (m *minutes) count(number metric.Metric, value float64) {
	if !(value > 0) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := int64(value)
	switch number {
	case metric.PushRows:
		m.current().PushedRows += n
	case metric.PullRows:
		m.current().PulledRows += n
	case metric.Notifications:
		m.current().Notifications += n
	case metric.YjsUpdates:
		m.current().Updates += n
	}
}

// socket counts sockets that were opened, or closed if n is negative.
func (m *minutes) socket(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.current()
	m.sockets += n
	k.Sockets = max(k.Sockets, m.sockets)
}

func (m *minutes) instanceEnded(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.current()
	if k.ended == nil {
		k.ended = map[string]int64{}
	}
	k.ended[reason]++
}

// A Recent is what was counted in the last minutes.
type Recent struct {
	Now, Since time.Time // Since is when the counting began
	Minutes    []Minute  // oldest first, also those without traffic; the last one is that of Now
	Ended      map[string]int64
}

// recent returns the last minutes. In one in which nothing was counted no socket was opened or closed.
func (m *minutes) recent() Recent {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	last := now.Unix() / 60
	first := min(max(m.since.Unix()/60, last-mostMinutes+1), last)
	r := Recent{Now: now, Since: m.since, Minutes: make([]Minute, last-first+1), Ended: map[string]int64{}}
	sockets := m.sockets
	for n := last; n >= first; n-- {
		k := &m.ring[n%mostMinutes]
		if k.n != n {
			r.Minutes[n-first] = Minute{At: n * 60_000, Sockets: sockets}
			continue
		}
		r.Minutes[n-first], sockets = k.Minute, k.begun
		for reason, times := range k.ended {
			r.Ended[reason] += times
		}
	}
	return r
}
