package room

import "time"

// Recent remembers something of objects for a minute, whatever becomes of them: an object that
// was erased begins anew, and knows nothing of before. A minute is longer than anything is on
// its way to an object. The zero value is empty.
type Recent[T any] struct {
	named map[string]recent[T]
	order []string // the names, in the order of their times; a name may stand there twice
}

type recent[T any] struct {
	value T
	at    time.Time
}

const (
	recentLife = time.Minute
	maxRecent  = 10_000
)

// Put remembers a value. The oldest ones make place for it.
func (r *Recent[T]) Put(name string, value T, now time.Time) {
	if r.named == nil {
		r.named = map[string]recent[T]{}
	}
	r.named[name] = recent[T]{value, now}
	r.order = append(r.order, name)
	for len(r.order) > maxRecent || now.Sub(r.named[r.order[0]].at) >= recentLife {
		delete(r.named, r.order[0])
		r.order = r.order[1:]
	}
}

// Get returns the value of a name, or the zero value.
func (r *Recent[T]) Get(name string, now time.Time) (value T) {
	if e, ok := r.named[name]; ok && now.Sub(e.at) < recentLife {
		return e.value
	}
	return value
}
