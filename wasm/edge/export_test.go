//go:build !js

package edge

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
