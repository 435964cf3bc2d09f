//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A cut is the one instant whose state a backup has, of all files: what the end of the process
// would have left then. When it is taken, no event runs, and afterwards the first write to a file
// waits until the file is copied. So whatever survives the end of the process survives a backup
// and its restoration. The pool's lock guards a cut.
type cut struct {
	folder string // in which the copies are
	taken  bool
	todo   map[string]bool  // the files of the cut that are not copied yet, by path
	erased map[string]bool  // before the cut was taken
	same   []string         // the files that did not change since the backup before
	copied map[string]error // what came of the copies of the others, by path
	busy   int              // claimed files that are being copied
	images []*image         // of copies, which the backup writes
	held   int              // bytes of images
}

// begin lists the files of objects below do, and hears from now on of those that are created and
// erased. The caller takes the cut and ends it.
func (p *filePool) begin(do, folder string) (*cut, error) {
	c := &cut{folder: folder, todo: map[string]bool{}, erased: map[string]bool{}, copied: map[string]error{}}
	p.mu.Lock()
	if p.cut != nil {
		p.mu.Unlock()
		return nil, ErrBackupRuns
	}
	p.cut = c
	p.mu.Unlock()
	classes, err := os.ReadDir(do)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	for _, class := range classes {
		if err != nil || !class.IsDir() {
			continue
		}
		var files []os.DirEntry
		files, err = os.ReadDir(filepath.Join(do, class.Name()))
		p.mu.Lock()
		for _, file := range files {
			if path := filepath.Join(do, class.Name(), file.Name()); strings.HasSuffix(path, ".sqlite") && !c.erased[path] {
				c.todo[path] = true
			}
		}
		p.mu.Unlock()
	}
	if err != nil {
		p.endCut(c)
		return nil, err
	}
	return c, nil
}

// take makes now the instant of the cut. No event may run. The cut of a chain leaves out the files in
// p.same if they are those of the backup before, and otherwise p.same begins anew.
func (p *filePool) take(c *cut, chain, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.taken = true
	p.epoch.Add(1)
	if !chain {
		return
	}
	if !known {
		clear(p.same)
	}
	for path := range c.todo {
		if p.same[path] {
			delete(c.todo, path)
			c.same = append(c.same, path)
		}
	}
}

// endCut lets writes go on without copies. It waits for those that are under way.
func (p *filePool) endCut(c *cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == c {
		p.cut = nil
	}
	for c.busy > 0 {
		p.changed.Wait()
	}
	for _, f := range p.files {
		if f.at != nil {
			f.dropCopy()
		}
	}
}

// created hears of a new file.
func (p *filePool) created(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.cut; c != nil && !c.taken {
		c.todo[path] = true
		delete(c.erased, path)
	}
}

// writes must be called before a user of the file writes to it. If the file belongs to a cut and
// is not copied yet, writes copies it.
func (p *filePool) writes(f *objectFile) {
	if p.heard(f) {
		return
	}
	f.noted = p.epoch.Load()
	p.mu.Lock()
	delete(p.same, f.path)
	c := p.claim(f.path)
	p.mu.Unlock()
	if c != nil {
		small, err := f.copyAll(c.target(f.path))
		p.copied(c, f.path, small, err)
	}
}

// heard reports whether writes was called since the last cut.
func (p *filePool) heard(f *objectFile) bool { return f.noted == p.epoch.Load() }

// needs reports whether a file of the cut is still to be copied.
func (p *filePool) needs(c *cut, path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.todo[path]
}

// claim returns the cut that still needs the file, and leaves its copy to the caller. The pool
// is locked.
func (p *filePool) claim(path string) *cut {
	c := p.cut
	if c == nil || !c.taken || !c.todo[path] {
		return nil
	}
	delete(c.todo, path)
	c.busy++
	return c
}

// copied hears of the copy of a file that was claimed. A copy that failed is no failure of the
// event that needed it. The backup writes an image, if there is one, or the caller if it has many.
func (p *filePool) copied(c *cut, path string, small *image, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if small != nil && c.held < mostImages {
		c.images = append(c.images, small)
		c.held += len(small.bytes)
	} else if small != nil {
		p.mu.Unlock()
		err = small.write()
		p.mu.Lock()
	}
	c.copied[path] = err
	c.busy--
	p.changed.Broadcast()
}

// erases must be called before a file is erased. If the file belongs to a cut and is not copied
// yet, erases copies it.
func (p *filePool) erases(path, name string, open func() (*sqliteConn, error)) {
	p.mu.Lock()
	delete(p.same, path)
	needed := false
	if c := p.cut; c != nil && !c.taken {
		delete(c.todo, path)
		c.erased[path] = true
	} else if c != nil {
		needed = c.todo[path]
	}
	p.mu.Unlock()
	if !needed {
		return
	}
	f, err := p.use(path, name, open)
	if err != nil {
		p.mu.Lock()
		c := p.claim(path)
		p.mu.Unlock()
		if c != nil {
			p.copied(c, path, nil, err)
		}
		return
	}
	defer p.done(f)
	p.writes(f)
}

// target is the copy of a file of the data folder's do.
func (c *cut) target(path string) string {
	class, file := filepath.Split(path)
	return filepath.Join(c.folder, "do", filepath.Base(class), file)
}
