package auth

import (
	"container/heap"
	"crypto/sha256"
	"time"
)

// A Rate bounds how often each subject may ask. A subject's bucket holds as many
// requests as a minute may have, and fills evenly. Each instance of the server has
// a Rate of its own, so the bound is one per instance. A Rate must not be used by
// two goroutines at once.
//
// A Rate remembers a bounded number of subjects. It forgets only subjects whose
// bucket is full again, because for them nothing changes. While no bucket is full,
// all further subjects share one bucket, the overflow. So nobody empties the bucket of
// another subject, or fills his own bucket, with many names.
type Rate struct {
	perMinute float64
	subjects  int
	bySubject map[string]*bucket
	full      byFull // all but the overflow, the one that is full first on top
	overflow  bucket
}

// A bucket had left requests at a time.
type bucket struct {
	subject string
	left    float64
	at      time.Time
	fullAt  int64 // in Unix nanoseconds
	index   int   // in the heap
}

// longSubject is the length in bytes from which a subject is kept as its hash.
const longSubject = 64

// NewRate makes the bound; subjects is how many it remembers at once.
func NewRate(perMinute, subjects int) *Rate {
	return &Rate{
		perMinute: float64(perMinute), subjects: subjects, bySubject: map[string]*bucket{},
		overflow: bucket{left: float64(perMinute)},
	}
}

// Take takes n requests at once. If they are too many, it takes none and returns
// after how long to ask again, at least a second.
func (r *Rate) Take(subject string, n int, now time.Time) (ok bool, wait time.Duration) {
	b := r.bucket(subject, now)
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(r.perMinute, b.left+r.perMinute*passed.Minutes())
		b.at = now
	}
	// More requests than a bucket holds are granted when it is full, and owed.
	need := min(float64(n), r.perMinute)
	if b.left >= need {
		r.add(b, -float64(n))
		return true, 0
	}
	return false, max(time.Second, r.fillTime(need-b.left))
}

// Give gives n requests back that Take granted.
func (r *Rate) Give(subject string, n int) {
	b := r.bySubject[keyOf(subject)]
	if b == nil {
		b = &r.overflow
	}
	r.add(b, float64(n))
	if b != &r.overflow && b.left >= r.perMinute {
		r.forget(b)
	}
}

// Owe takes n more requests from a subject that Take granted one, even if the bucket
// holds less: the request was more work than was known. Later requests wait until the
// bucket has filled up.
func (r *Rate) Owe(subject string, n int) { r.Give(subject, -n) }

func (r *Rate) add(b *bucket, n float64) {
	b.left = min(r.perMinute, b.left+n)
	b.fullAt = b.at.UnixNano() + int64(r.fillTime(r.perMinute-b.left))
	if b != &r.overflow {
		heap.Fix(&r.full, b.index)
	}
}

// fillTime returns how long a bucket takes to get n more requests.
func (r *Rate) fillTime(n float64) time.Duration {
	return time.Duration(n / r.perMinute * float64(time.Minute))
}

func (r *Rate) bucket(subject string, now time.Time) *bucket {
	key := keyOf(subject)
	if b := r.bySubject[key]; b != nil {
		return b
	}
	if len(r.full) >= r.subjects {
		if r.full[0].fullAt > now.UnixNano() {
			return &r.overflow
		}
		r.forget(r.full[0])
	}
	b := &bucket{subject: key, left: r.perMinute, at: now, fullAt: now.UnixNano()}
	r.bySubject[key] = b
	heap.Push(&r.full, b)
	return b
}

func (r *Rate) forget(b *bucket) {
	heap.Remove(&r.full, b.index)
	delete(r.bySubject, b.subject)
}

func keyOf(subject string) string {
	if len(subject) < longSubject {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return string(sum[:])
}

// byFull is a heap of buckets.
type byFull []*bucket

func (h byFull) Len() int           { return len(h) }
func (h byFull) Less(i, j int) bool { return h[i].fullAt < h[j].fullAt }

func (h byFull) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byFull) Push(b any) {
	b.(*bucket).index = len(*h)
	*h = append(*h, b.(*bucket))
}

func (h *byFull) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return b
}
