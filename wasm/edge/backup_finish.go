//go:build !js

package edge

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// finish checks every copy, links what did not change, and writes the manifest.
func (b *backup) finish(c *cut) error {
	names := append([]string{"do/alarms.sqlite"}, b.names...)
	for path, err := range c.copied {
		name, unnamed := nameOf(b.w.data, path)
		if err := cmp.Or(err, unnamed); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		names = append(names, name)
	}
	total := len(names) + len(c.same)
	done := func() {
		if b.o.Progress != nil {
			b.o.Progress(len(b.manifest.Files), total)
		}
	}
	for _, path := range c.same {
		name, err := nameOf(b.w.data, path)
		if err != nil {
			return err
		}
		f, known := b.last[name]
		if !known {
			return fmt.Errorf("%s is not in the last backup", name)
		}
		if err := b.link(f); err != nil {
			return fmt.Errorf("%s of the backup before: %w", name, err)
		}
		b.manifest.Files = append(b.manifest.Files, f)
		done()
	}
	slices.Sort(names)
	for _, name := range names {
		if err := b.check(name); err != nil {
			return err
		}
		done()
	}
	if err := b.copyNumber(); err != nil {
		return err
	}
	return b.seal()
}

// check checks a copy, and adds it to the manifest.
func (b *backup) check(name string) error {
	target := filepath.Join(b.o.To, filepath.FromSlash(name))
	stamp, err := checkCopy(target, b.o.Stamp, b.pace)
	if err != nil {
		return cmp.Or(b.pace.ctx.Err(), err)
	}
	if err := b.settle(target); err != nil {
		return err
	}
	f, err := hashFile(b.o.To, name, b.pace)
	if err != nil {
		return err
	}
	f.Stamp = stamp
	b.manifest.Files = append(b.manifest.Files, f)
	if b.last[name] == f {
		if err := b.link(f); err != nil {
			b.w.log.Warn("a file has a copy of its own in each of two backups", "file", name, "err", err)
		}
	}
	return nil
}

// link has the backup share a file with the one before.
func (b *backup) link(f BackupFile) error {
	from, to := filepath.Join(b.o.Last, filepath.FromSlash(f.Name)), filepath.Join(b.o.To, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(from); err != nil {
		return err
	} else if info.Size() != f.Bytes {
		return errors.New("it is damaged")
	}
	linked := to + ".link"
	if err := os.Link(from, linked); err != nil {
		if err := copyFile(from, linked); err != nil {
			return err
		}
	}
	return os.Rename(linked, to)
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return WriteWhole(to, text)
}

// copyNumber copies the file with the number of the storage, if there is one.
func (b *backup) copyNumber() error {
	text, err := os.ReadFile(filepath.Join(b.w.data, MarkFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := WriteWhole(filepath.Join(b.o.To, MarkFile), text); err != nil {
		return err
	}
	f, err := hashFile(b.o.To, MarkFile, b.pace)
	b.manifest.Files = append(b.manifest.Files, f)
	return err
}

// seal makes the backup whole.
func (b *backup) seal() error {
	folders := map[string]bool{b.o.To: true, filepath.Dir(b.o.To): true}
	for _, f := range b.manifest.Files {
		for dir := filepath.Dir(filepath.FromSlash(f.Name)); dir != "."; dir = filepath.Dir(dir) {
			folders[filepath.Join(b.o.To, dir)] = true
		}
	}
	for folder := range folders {
		if err := SyncFolder(folder); err != nil {
			return err
		}
	}
	if err := b.pace.ctx.Err(); err != nil {
		return err
	}
	b.manifest.Finished = time.Now().UTC()
	if err := b.manifest.write(b.o.To); err != nil {
		return err
	}
	return os.Remove(filepath.Join(b.o.To, unfinishedName))
}
