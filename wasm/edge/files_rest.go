//go:build !js

package edge

import "time"

// fileRest is how long a file stays open without an event. To open it again costs about as much
// as an event that writes.
const fileRest = time.Minute

// restLater closes the files that have no event from now on, after fileRest. The caller holds
// the lock.
func (p *filePool) restLater(d time.Duration) {
	if p.stopRest == nil && p.clock != nil {
		p.stopRest = p.clock.AfterFunc(d, p.rest)
	}
}

// rest closes the files that had no event for fileRest.
func (p *filePool) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed.Broadcast() // for end
	if p.stopRest == nil {
		return // the pool has ended
	}
	for p.unused.Len() > 0 {
		f := p.unused.Back().Value.(*objectFile)
		if left := fileRest - p.clock.Now().Sub(f.usedAt); left > 0 {
			p.stopRest = nil
			p.restLater(left)
			return
		}
		p.close(f, (*sqliteConn).leave)
	}
	p.stopRest = nil
}
