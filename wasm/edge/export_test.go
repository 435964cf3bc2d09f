//go:build !js

package edge

import "slices"

// Busy reports whether an instance runs.
func (w *Worker) Busy() bool {
	for _, s := range w.isolates {
		if !s.mu.TryLock() {
			return true
		}
		s.unlock()
	}
	return false
}

// Idle is how many isolates may run an event now.
func (w *Worker) Idle() (n int) {
	for _, s := range w.isolates {
		if s.mu.TryLock() {
			n++
			s.unlock()
		}
	}
	return n
}

// Home returns the number of the isolate in which an object lives.
func (w *Worker) Home(binding, name string) int {
	return slices.Index(w.isolates, w.home(objectKey{w.bindings[binding], name}))
}

// Queued is how many calls of an object wait for its next instance.
func (w *Worker) Queued(binding, name string) int {
	key := objectKey{w.bindings[binding], name}
	s := w.home(key)
	s.lock()
	defer s.unlock()
	if o := s.objects[key]; o != nil {
		return len(o.queue)
	}
	return 0
}

// Objects is how many objects the isolates hold in memory.
func (w *Worker) Objects() (n int) {
	for _, s := range w.isolates {
		s.lock()
		n += len(s.objects)
		s.unlock()
	}
	return n
}

// OpenFiles is how many files of objects are open.
func (w *Worker) OpenFiles() int {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	return w.files.open
}

// Suspects is how many objects are recorded because of a long event.
func (w *Worker) Suspects() int {
	r, err := w.alarms.run("SELECT count(*) FROM ends WHERE running = 1")
	if err != nil {
		return -1
	}
	n, _ := r.Rows[0][0].(float64)
	return int(n)
}

// Answered is how many sockets have sent a whole message or a pong since their last ping.
func (w *Worker) Answered() (n int) {
	w.eachConn(func(c *conn) {
		if c.wire.alive.Load() {
			n++
		}
	})
	return n
}

// Abandon closes the file as a crash would.
func (d *D1) Abandon() {
	d.end(func(c *sqliteConn) error { c.abandon(); return nil })
}
