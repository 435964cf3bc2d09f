//go:build !js

package edge

// free returns a locked isolate for a request: one that is idle, or the first
// that becomes idle. So a busy isolate delays only its own calls and objects.
func (w *Worker) free() *isolate {
	if s := w.idle(); s != nil {
		return s
	}
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	for {
		if s := w.idle(); s != nil {
			return s
		}
		<-w.freed
	}
}

func (w *Worker) idle() *isolate {
	n := uint32(len(w.isolates))
	first := w.next.Add(1)
	for i := range n {
		if s := w.isolates[(first+i)%n]; s.mu.TryLock() {
			return s
		}
	}
	return nil
}

// wake lets a waiting request look for an isolate again, after one was unlocked.
func (w *Worker) wake() {
	if w.waiting.Load() > 0 {
		select {
		case w.freed <- struct{}{}:
		default: // enough requests look already
		}
	}
}
