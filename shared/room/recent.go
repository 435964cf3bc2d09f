package room

import "time"

// Recent remembers something of objects for a minute, whatever becomes of them: an object that
// was erased begins anew, and knows nothing of before. A minute is longer than anything is on
// its way to an object. The zero value is empty.
type Recent[T any] struct {
	named map[string]recent[T]
	order []place // in the order of their numbers; a name that was put twice stands there twice
	last  int
}

type place struct {
	name   string
	number int
}

type recent[T any] struct {
	value  T
	at     time.Time
	number int // of its last place
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
	r.last++
	r.named[name] = recent[T]{value, now, r.last}
	for r.order = append(r.order, place{name, r.last}); ; r.order = r.order[1:] {
		first := r.order[0]
		e := r.named[first.name]
		switch {
		case e.number != first.number: // it was put again, and stands further back
		case len(r.order) > maxRecent, now.Sub(e.at) >= recentLife:
			delete(r.named, first.name)
		default:
			return
		}
	}
}

// Get returns the value of a name, or the zero value.
func (r *Recent[T]) Get(name string, now time.Time) (value T) {
	if e, ok := r.named[name]; ok && now.Sub(e.at) < recentLife {
		return e.value
	}
	return value
}
