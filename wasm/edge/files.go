//go:build !js

package edge

import (
	"container/list"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A filePool bounds how many files of objects are open at a time, over all isolates.
// It closes the least recently used one that no event uses.
type filePool struct {
	limit int
	log   *slog.Logger
	clock Clock // nil: files stay open

	mu      sync.Mutex
	changed sync.Cond // a file was closed, or an event has ended
	open    int       // files that are open, or that some goroutine opens or closes
	unused  list.List // of *objectFile: open and used by no event, most recently used first
	// stopRest stops the timer of rest; nil: it is not set, and rest does not run.
	stopRest func() bool
}

// An objectFile is the file of one object. The pool's lock guards it.
type objectFile struct {
	name    string        // for the log
	db      *sqliteConn   // nil: not open
	at      *list.Element // in unused; nil: an event uses it, or it is not open
	closing bool          // a goroutine closes it
	usedAt  time.Time     // the end of the last event
}

func newFilePool(limit int, log *slog.Logger) *filePool {
	p := &filePool{limit: max(limit, 1), log: log}
	p.changed.L = &p.mu
	return p
}

// use returns the open file for an event, which ends by done. If the file is not open,
// use opens it by the function open, after it has closed another one where the limit
// requires that. If events use all files, use waits for the end of one. An event uses
// only one file, so no two events wait for each other.
func (p *filePool) use(f *objectFile, open func() (*sqliteConn, error)) (*sqliteConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f.closing {
		p.changed.Wait()
	}
	if f.at != nil {
		p.unused.Remove(f.at)
		f.at = nil
		return f.db, nil
	}
	for p.open >= p.limit {
		if last := p.unused.Back(); last != nil {
			p.close(last.Value.(*objectFile), (*sqliteConn).leave)
		} else {
			p.changed.Wait()
		}
	}
	p.open++
	p.mu.Unlock()
	db, err := open()
	p.mu.Lock()
	if err != nil {
		p.open--
		p.changed.Broadcast()
		return nil, err
	}
	f.db = db
	return db, nil
}

// isOpen reports whether the file is open, which an event does not use.
func (p *filePool) isOpen(f *objectFile) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f.at != nil
}

// count returns how many files are open.
func (p *filePool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// done ends the use of a file.
func (p *filePool) done(f *objectFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.at = p.unused.PushFront(f)
	if p.clock != nil {
		f.usedAt = p.clock.Now()
	}
	p.restLater(fileRest)
	p.changed.Broadcast()
}

// shut closes a file that no event uses, by the function how, if it is open.
func (p *filePool) shut(f *objectFile, how func(*sqliteConn) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f.closing {
		p.changed.Wait()
	}
	if f.at != nil {
		p.close(f, how)
	}
}

// close closes a file in unused. It unlocks the pool meanwhile.
func (p *filePool) close(f *objectFile, how func(*sqliteConn) error) {
	db := f.db
	p.unused.Remove(f.at)
	f.db, f.at, f.closing = nil, nil, true
	p.mu.Unlock()
	err := how(db)
	p.mu.Lock()
	f.closing = false
	p.open--
	p.changed.Broadcast()
	if err != nil {
		p.log.Error("the storage of an object did not close", "object", f.name, "err", err)
	}
}

// end closes all files, after the last event.
func (p *filePool) end(closeConn func(*sqliteConn) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stopRest != nil && !p.stopRest() {
		p.changed.Wait() // until rest has ended
	}
	p.stopRest = nil
	var errs []error
	for e := p.unused.Front(); e != nil; e = e.Next() {
		f := e.Value.(*objectFile)
		errs = append(errs, closeConn(f.db))
		f.db, f.at = nil, nil
		p.open--
	}
	p.unused.Init()
	return errors.Join(errs...)
}
