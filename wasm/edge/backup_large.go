//go:build !js

package edge

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Before the cut, a backup copies the largest objects nearly to the end. From then on SQLite writes
// to the copy, too, what events write, so that at the cut only the rest is to be copied. Otherwise the first
// event that writes to a large object after the cut would wait for its whole copy.
const (
	largeBytes = 4 << 20
	mostLarge  = 16 // of these copies: each is an open file, and is completed while no event runs
)

// known reports whether the files that did not change are known to be those of the backup before.
func (b *backup) known() bool { return b.w.chained != "" && b.w.chained == b.o.Last }

// prepare copies the largest files but for their last pages.
func (b *backup) prepare(c *cut) error {
	b.large = b.findLarge(c)
	for range 2 { // once more for what events have added to the first ones meanwhile
		for _, path := range b.large {
			if err := b.prepareOne(c, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// findLarge returns the largest files that the backup copies.
func (b *backup) findLarge(c *cut) []string {
	if len(b.w.isolates) == 0 { // no event will wait
		return nil
	}
	type file struct {
		path  string
		bytes int64
	}
	var found []file
	files := b.w.files
	files.mu.Lock()
	defer files.mu.Unlock()
	for path := range c.todo {
		if info, err := os.Stat(path); err == nil && info.Size() >= largeBytes && !(b.known() && files.same[path]) {
			found = append(found, file{path, info.Size()})
		}
	}
	slices.SortFunc(found, func(a, b file) int { return cmp.Compare(b.bytes, a.bytes) })
	var paths []string
	for _, f := range found[:min(len(found), mostLarge, files.limit/4)] {
		paths = append(paths, f.path)
	}
	return paths
}

// prepareOne goes on with the copy of a file until at most one step is left. It does without, if
// the file was closed or erased meanwhile.
func (b *backup) prepareOne(c *cut, path string) error {
	files := b.w.files
	begun, sent := false, int64(0)
	for left := stepPages + 1; left > stepPages; {
		f, err := b.use(c, path)
		if f == nil {
			return err
		}
		if begun && f.copy == nil { // the file was closed; a new copy might never come further
			files.done(f)
			return nil
		}
		begun = true
		pages := 1 // only then SQLite knows how many there are
		if f.copy == nil {
			f.copy, err = startCopy(f.db, c.target(path))
		} else {
			pages = max(min(stepPages, f.copy.left()-1), 0)
		}
		complete := false
		if err == nil {
			complete, err = f.copy.step(pages)
		}
		if left = 0; complete || err != nil { // a complete copy hears of no more writes
			f.copy = nil
		} else {
			left = f.copy.left()
		}
		files.done(f)
		if err != nil {
			return err
		}
		if err := b.send(c.target(path), &sent); err != nil {
			return err
		}
	}
	return nil
}

// complete copies the rest of a file at the cut, unless it is no longer small: then the file is copied
// like the others.
func (b *backup) complete(c *cut, path string) error {
	files := b.w.files
	files.mu.Lock()
	f := files.files[path]
	ready := c.todo[path] && f != nil && f.at != nil && f.copy != nil
	files.mu.Unlock()
	if !ready { // no event runs, so nobody changes that now
		return nil
	}
	f, err := b.use(c, path)
	if f == nil {
		return err
	}
	defer files.done(f)
	if f.copy == nil || f.copy.left() > 4*stepPages {
		return nil
	}
	_, err = b.stepObject(c, f, -1)
	return err
}

// use returns the open file of an object for the backup, which ends by done. It returns nil without
// an error if the object was erased, and the backup does not need its file any more.
func (b *backup) use(c *cut, path string) (*objectFile, error) {
	f, err := b.w.files.use(path, path, func() (*sqliteConn, error) {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		return b.w.openObjectFile(path, filepath.Base(filepath.Dir(path)))
	})
	if errors.Is(err, fs.ErrNotExist) && !b.w.files.needs(c, path) {
		return nil, nil
	}
	return f, err
}
