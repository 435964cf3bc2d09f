package auth

import (
	"container/list"
	"time"
)

// A Rate bounds how often each subject may ask: a bucket that holds as many
// requests as a minute may have, and fills evenly. It knows the subjects that
// asked last, a bounded number of them, and is not to be used by two
// goroutines at once. Each instance of the server has a Rate of its own, so
// the bound is one per instance.
type Rate struct {
	perMinute float64
	subjects  int
	bySubject map[string]*list.Element // of *bucket
	used      *list.List               // most recently used first
}

type bucket struct {
	subject string
	left    float64
	at      time.Time
}

// NewRate makes the bound; subjects is how many it remembers at once.
func NewRate(perMinute, subjects int) *Rate {
	return &Rate{float64(perMinute), subjects, map[string]*list.Element{}, list.New()}
}

// Take asks for n requests at once. If they are too many it takes none and
// says after how long to ask again, at least a second.
func (r *Rate) Take(subject string, n int, now time.Time) (ok bool, wait time.Duration) {
	b := r.bucket(subject, now)
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(r.perMinute, b.left+r.perMinute*passed.Minutes())
		b.at = now
	}
	// More than a bucket holds is granted when it is full, and owed.
	need := min(float64(n), r.perMinute)
	if b.left >= need {
		b.left -= float64(n)
		return true, 0
	}
	minutes := (need - b.left) / r.perMinute
	return false, max(time.Second, time.Duration(minutes*float64(time.Minute)))
}

func (r *Rate) bucket(subject string, now time.Time) *bucket {
	if e := r.bySubject[subject]; e != nil {
		r.used.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if r.used.Len() >= r.subjects {
		oldest := r.used.Back()
		delete(r.bySubject, r.used.Remove(oldest).(*bucket).subject)
	}
	b := &bucket{subject, r.perMinute, now}
	r.bySubject[subject] = r.used.PushFront(b)
	return b
}
