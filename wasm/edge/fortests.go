//go:build !js

package edge

import (
	"context"
	"errors"

	"tidemark/shared/abi"
)

// TestOptions are the Options that only tests set.
type TestOptions struct {
	// The Worker calls Hold, if not nil, before each delivery, and delivers after it
	// returns. kind is "d1" (a batch's result), "fetch" (the response of another
	// server), "call" (a message to the object name), "reply" (the object's reply),
	// "request" and "socket" (forwarded to the object name), "message" (a socket's message to
	// its object) or "alarm" (of an object). A backup calls it, too: with "cutting" at the
	// instant of its cut, "cut" after it, and "copy" before it copies the file name of an object.
	Hold func(kind, name string)
}

// ForTests has the methods of a Worker that only tests call.
func (w *Worker) ForTests() ForTests { return ForTests{w} }

// ForTests are the methods of a Worker that only tests call.
type ForTests struct{ w *Worker }

// Hibernate makes an object forget what it holds in memory: at its next event the Worker
// constructs it anew, with its sockets and their attachments. It returns false if a call of
// it is under way, a timer is set or the object is unknown.
func (t ForTests) Hibernate(binding, name string) bool {
	w := t.w
	key := objectKey{w.bindings[binding], name}
	s := w.home(key)
	s.lock()
	defer s.unlock()
	o := s.objects[key]
	if o == nil || len(o.calls) > 0 || o.timer.set() {
		return false
	}
	o.i = nil
	w.files.shut(o.path, (*sqliteConn).leave)
	return true
}

// Fill makes every database refuse to grow, or lets it grow again: SQLite then fails as on a
// full disk, but that it may still write to the pages that it has.
func (t ForTests) Fill(full bool) error {
	w := t.w
	w.filled.Store(full)
	var errs []error
	for _, db := range w.d1 {
		c := <-db.writer
		errs = append(errs, c.bound(full))
		db.writer <- c
	}
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	for e := w.files.unused.Front(); e != nil; e = e.Next() {
		errs = append(errs, e.Value.(*objectFile).db.bound(full))
	}
	return errors.Join(errs...)
}

// bound lets the file have no more pages than it has, or any number.
func (c *sqliteConn) bound(full bool) error {
	if full {
		return c.script("PRAGMA max_page_count = 1")
	}
	return c.script("PRAGMA max_page_count = 4294967294")
}

// Evict makes the next events boot new instances. The present ones end with their calls.
func (t ForTests) Evict() {
	for _, s := range t.w.isolates {
		s.lock()
		s.current = nil
		for i := range s.alive {
			i.endIfUnused()
		}
		s.unlock()
	}
}

// Crash ends the Worker as the end of its process would: it flushes nothing and
// closes no socket in order.
func (t ForTests) Crash() {
	w := t.w
	w.hurry.Store(true)
	for _, s := range w.isolates {
		s.lock()
		s.stopped = true
		for _, o := range s.objects {
			o.unschedule()
			o.stopTimer()
		}
		for i := range s.alive {
			i.die(nil, errStopped)
		}
		s.unlock()
	}
	w.eachConn(func(c *conn) { go c.ws.CloseNow() })
	w.eachSeveral(func(m *several) { go m.ws.CloseNow() })
	w.sockets.Wait()
	w.booted.close()
	w.closeDatabases((*sqliteConn).abandon)
}

// Try is Batch, and then undoes all that the statements wrote. Only tests call it, which
// have a D1 for the storage of an object.
func (d *D1) Try(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	w, err := borrow(ctx, d.writer)
	if err != nil {
		return nil, err
	}
	defer func() { d.writer <- w }()
	if err := w.exec(w.begin); err != nil {
		return nil, err
	}
	defer w.undo()
	return w.runAll(statements)
}
