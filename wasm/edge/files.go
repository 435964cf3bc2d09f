//go:build !js

package edge

import (
	"container/list"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A filePool bounds how many files of objects are open at a time, over all isolates.
// It closes the least recently used one that nobody uses. Events use files, and so does a backup.
type filePool struct {
	limit int
	log   *slog.Logger
	clock Clock // nil: files stay open

	mu      sync.Mutex
	changed sync.Cond              // a file was closed, or its use has ended
	open    int                    // files that are open, or that some goroutine opens or closes
	files   map[string]*objectFile // these, by path
	unused  list.List              // of *objectFile: open and used by nobody, most recently used first

	epoch atomic.Uint64 // rises with each cut
	cut   *cut          // of the backup that runs; nil: none
	// same are the files that nobody has written to since the cut of the last backup, by path.
	same map[string]bool
	// stopRest stops the timer of rest; nil: it is not set, and rest does not run.
	stopRest func() bool
}

// An objectFile is the open file of one object. The pool's lock guards it.
type objectFile struct {
	path    string
	name    string        // for the log
	db      *sqliteConn   // nil while it is opened
	at      *list.Element // in unused; nil: somebody uses it, or it is being opened or closed
	closing bool          // a goroutine closes it
	usedAt  time.Time     // the end of the last event

	// What follows belongs to the user of the file.
	noted uint64   // the epoch in which the pool heard of a write
	copy  *copying // of a backup, on its way; nil: none
}

func newFilePool(limit int, log *slog.Logger) *filePool {
	p := &filePool{limit: max(limit, 1), log: log, files: map[string]*objectFile{}, same: map[string]bool{}}
	p.changed.L = &p.mu
	p.epoch.Store(1)
	return p
}

// use returns the open file for an event or a backup, which ends by done. If the file is not
// open, use opens it by the function open, after it has closed another one where the limit, or
// that of the process, requires that. If another goroutine uses the file, or if all files are in use, use waits. Nobody
// uses two files at a time, so no two wait for each other.
func (p *filePool) use(path, name string, open func() (*sqliteConn, error)) (*objectFile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		f := p.files[path]
		if f != nil && f.at != nil {
			p.unused.Remove(f.at)
			f.at = nil
			return f, nil
		}
		if f == nil && p.open < p.limit {
			break
		}
		if last := p.unused.Back(); f == nil && last != nil {
			p.close(last.Value.(*objectFile), (*sqliteConn).leave)
		} else {
			p.changed.Wait()
		}
	}
	f := &objectFile{path: path, name: name}
	p.files[path] = f
	p.open++
	p.mu.Unlock()
	db, err := open()
	p.mu.Lock()
	for hasNoDescriptor(err) && p.unused.Len() > 0 { // others have taken the descriptors of the pool
		p.close(p.unused.Back().Value.(*objectFile), (*sqliteConn).leave)
		p.mu.Unlock()
		db, err = open()
		p.mu.Lock()
	}
	if err != nil {
		p.gone(f)
		return nil, err
	}
	f.db = db
	return f, nil
}

// isOpen reports whether the file is open.
func (p *filePool) isOpen(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.files[path]
	return f != nil && f.db != nil && !f.closing
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
	if f.copy != nil && (p.cut == nil || f.copy.target != p.cut.target(f.path)) {
		f.dropCopy() // its backup has ended meanwhile
	}
	f.at = p.unused.PushFront(f)
	if p.clock != nil {
		f.usedAt = p.clock.Now()
	}
	p.restLater(fileRest)
	p.changed.Broadcast()
}

// shut closes a file that no event uses, by the function how, if it is open.
func (p *filePool) shut(path string, how func(*sqliteConn) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.files[path] != nil {
		if f := p.files[path]; f.at != nil {
			p.close(f, how)
			return
		}
		p.changed.Wait()
	}
}

// close closes a file in unused. It unlocks the pool meanwhile.
func (p *filePool) close(f *objectFile, how func(*sqliteConn) error) {
	p.unused.Remove(f.at)
	f.at, f.closing = nil, true
	p.mu.Unlock()
	f.dropCopy()
	err := how(f.db)
	p.mu.Lock()
	p.gone(f)
	if err != nil {
		p.log.Error("the storage of an object did not close", "object", f.name, "err", err)
	}
}

func (p *filePool) gone(f *objectFile) {
	delete(p.files, f.path)
	p.open--
	p.changed.Broadcast()
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
		f.dropCopy()
		errs = append(errs, closeConn(f.db))
		p.gone(f)
	}
	p.unused.Init()
	return errors.Join(errs...)
}
