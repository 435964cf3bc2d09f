//go:build !js

package edge

import "time"

// Linear memory never shrinks, so an isolate gives memory back by replacing its instance. It does
// so when the instance has grown for some time and has nothing under way: no call, and no timer
// of an object, whose room would lose what it gathers. Sockets stay open, and the next event boots
// an instance and makes its room again.
const (
	// An instance has grown when it has more than grownBytes beside its size at boot.
	grownBytes = 8 << 20
	// restAfter is how long an instance may stay grown. If the next one grows within that
	// time, the rooms need the memory, and the isolate waits twice as long, at most restMost.
	restAfter = time.Minute
	restMost  = time.Hour
	// restAgain is the time until another look at an instance that has something under way.
	restAgain = 5 * time.Second
	// remembers is how long rooms remember, in the instance's memory alone, that they were
	// deleted, paused or lost a token: by a call or an erasure.
	remembers = time.Minute
)

// A rest is what an isolate knows of its instances' growth.
type rest struct {
	after    time.Duration // how long the next grown instance may stay; 0: restAfter
	replaced time.Time     // when an instance was replaced for its growth
	called   time.Time     // the last call to an object, or erasure of one
}

// noteGrowth starts the time after which a grown instance is replaced.
func (i *instance) noteGrowth() {
	if i.stopRest != nil || len(i.process.Memory()) <= i.booted+grownBytes {
		return
	}
	r, now := &i.s.rest, i.s.w.clock.Now()
	if r.after == 0 || now.Sub(r.replaced) > r.after {
		r.after = restAfter
	} else {
		r.after = min(2*r.after, restMost)
	}
	i.restIn(r.after)
}

func (i *instance) restIn(d time.Duration) {
	s := i.s
	i.stopRest = s.w.clock.AfterFunc(d, func() {
		s.lock()
		defer s.unlock()
		if i.dead || s.current != i {
			return
		}
		if s.busy() {
			i.restIn(restAgain)
			return
		}
		s.rest.replaced = s.w.clock.Now()
		s.current = nil
		i.endIfUnused()
	})
}

// busy reports whether the isolate's instance has something under way.
func (s *isolate) busy() bool {
	if len(s.current.calls) > 0 || s.w.clock.Now().Sub(s.rest.called) < remembers {
		return true
	}
	for _, o := range s.objects {
		if o.timer.set() {
			return true
		}
	}
	return false
}
