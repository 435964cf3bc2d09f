//go:build !js

package edge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// BackupOptions are the settings of a backup.
type BackupOptions struct {
	To string // the folder of the backup. It must not exist, or be empty or an unfinished backup
	// Last, if not "", is the folder of an earlier backup. A file that is the same in both is a
	// hard link, or a copy where the file system has no links.
	Last string
	// Chain says that the next backup may have this one as its Last. If it has, it does not even read a file
	// that nobody wrote to in between.
	Chain   bool
	Version string // of the program, for the manifest
	Storage int    // the number of the data folder, for the manifest
	// Stamp, if not "", is a query of one number, for the manifest. Databases without its table have none.
	Stamp string
	// Progress, if not nil, is called after each file.
	Progress func(done, files int)
}

// ErrBackupRuns means that another backup of the same folder is being made.
var ErrBackupRuns = errors.New("another backup is being made")

const (
	stepPages = 32 // that are copied while an event may wait for the file
	// copyShare is the share of one processor, and of the disk, that a backup of a running server takes while
	// events may have to copy files, and checkShare that afterwards.
	copyShare, checkShare = 0.33, 0.15
)

// Backup copies all databases, as they are at one instant between two events, to a folder, while the
// Worker serves. An event that writes to an object waits until the object is copied. If ctx ends, so
// does the backup. What an unfinished one leaves is deleted, if the process lives.
func (w *Worker) Backup(ctx context.Context, o BackupOptions) (*Manifest, error) {
	if !w.backing.CompareAndSwap(false, true) {
		return nil, ErrBackupRuns
	}
	defer w.backing.Store(false)
	if err := checkTarget(o.To, w.data); err != nil {
		return nil, err
	}
	b := &backup{w: w, o: &o, pace: newPace(ctx, 1), manifest: &Manifest{Format: backupFormat, Version: o.Version, Storage: o.Storage}}
	if len(w.isolates) > 0 {
		b.pace.share = copyShare
	}
	if err := os.MkdirAll(o.To, 0o700); err != nil {
		return nil, err
	}
	if err := WriteWhole(filepath.Join(o.To, unfinishedName), nil); err != nil {
		return nil, err
	}
	err := b.run()
	if o.Chain && err == nil {
		w.chained = o.To
	} else if o.Chain {
		w.chained = ""
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backup: %w", err), os.RemoveAll(o.To))
	}
	w.backedUp.Store(b.manifest.At.Unix())
	w.lastBackup.at.Store(b.manifest.At.UnixMilli())
	return b.manifest, nil
}

// BackupFolder is Worker.Backup for a data folder that no server uses.
func BackupFolder(ctx context.Context, data string, o BackupOptions, log *slog.Logger) (_ *Manifest, err error) {
	if _, err := os.Stat(filepath.Join(data, "do")); err != nil {
		return nil, fmt.Errorf("%s is no data folder: %w", data, err)
	}
	w := &Worker{data: data, log: log, d1: map[string]*D1{}, fetcher: newFetcher(), files: newFilePool(1, log), hold: func(string, string) {}}
	defer func() { err = errors.Join(err, w.closeDatabases((*sqliteConn).close)) }()
	if w.alarms, err = openAlarmIndex(filepath.Join(data, "do", "alarms.sqlite")); err != nil {
		return nil, err
	}
	return w.Backup(ctx, o)
}

// checkTarget returns an error unless a backup of the data folder may be written to the folder.
func checkTarget(folder, data string) error {
	if err := CheckBackupFolder(folder, data); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if !isUnfinished(folder) || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !ofBackup[e.Name()] }) {
		return fmt.Errorf("backup: the folder %s is not empty", folder)
	}
	return os.RemoveAll(folder)
}

// CheckBackupFolder returns an error if a folder, which need not exist, is inside of the data folder.
func CheckBackupFolder(folder, data string) error {
	inside, err := within(folder, data)
	if err == nil && inside {
		err = fmt.Errorf("backup: the folder %s is inside of the data folder %s", folder, data)
	}
	return err
}

// within reports whether a path, which need not exist, is that of a folder or inside of it.
func within(place, folder string) (bool, error) {
	real := func(at string) (string, error) {
		at, err := filepath.Abs(at)
		if err != nil {
			return "", err
		}
		rest := ""
		for {
			found, err := filepath.EvalSymlinks(at)
			if err == nil {
				return filepath.Join(found, rest), nil
			}
			if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(at) == at {
				return "", err
			}
			at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest)
		}
	}
	a, err := real(place)
	if err != nil {
		return false, err
	}
	b, err := real(folder)
	if err != nil {
		return false, err
	}
	name, err := filepath.Rel(b, a)
	return err == nil && name != ".." && !strings.HasPrefix(name, ".."+string(filepath.Separator)), nil
}

// A backup is a run of Backup.
type backup struct {
	w        *Worker
	o        *BackupOptions
	pace     *pace
	manifest *Manifest
	last     map[string]BackupFile // the files of the backup before, by name
	readers  []*sqliteConn         // of the databases, each in the transaction of the cut
	names    []string              // theirs in the manifest
	large    []string              // files whose copies are nearly complete before the cut
}

func (b *backup) run() error {
	w := b.w
	b.last = map[string]BackupFile{}
	if b.o.Last != "" {
		m, err := ReadManifest(b.o.Last)
		if err != nil {
			return err
		}
		for _, f := range m.Files {
			b.last[f.Name] = f
		}
	}
	c, err := w.files.begin(filepath.Join(w.data, "do"), b.o.To)
	if err != nil {
		return err
	}
	defer w.files.endCut(c)
	if err := b.openReaders(); err != nil {
		return err
	}
	defer b.closeReaders()
	if err := b.prepare(c); err != nil {
		return err
	}
	if err := b.cut(c); err != nil {
		return err
	}
	w.hold("cut", "")
	if err := b.copyObjects(c); err != nil {
		return err
	}
	w.files.endCut(c)
	if len(w.isolates) > 0 {
		b.pace.share = checkShare
	}
	for i, r := range b.readers {
		if err := b.copyDatabase(r, b.names[i]); err != nil {
			return err
		}
	}
	b.closeReaders()
	return b.finish(c)
}

// openReaders opens a connection to each database of the folder d1.
func (b *backup) openReaders() error {
	files, err := filepath.Glob(filepath.Join(b.w.data, "d1", "*.sqlite"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, file := range files {
		r, err := openSQLite(file, false, 1, "PRAGMA query_only = 1", "PRAGMA cache_size = -256")
		if err != nil {
			return err
		}
		name, err := nameOf(b.w.data, file)
		if err != nil {
			return errors.Join(err, r.close())
		}
		b.readers, b.names = append(b.readers, r), append(b.names, name)
	}
	return nil
}

func (b *backup) closeReaders() {
	for _, r := range b.readers {
		r.close()
	}
	b.readers = nil
}

// cut makes this the instant of the backup: between two events of every object, so that nothing
// is under way but what the end of the process would cut off, too.
func (b *backup) cut(c *cut) error {
	w := b.w
	unlock := w.lockAll()
	defer unlock()
	for _, r := range b.readers {
		if err := r.script("BEGIN; SELECT count(*) FROM sqlite_schema"); err != nil {
			return err
		}
	}
	w.hold("cutting", "")
	b.manifest.At = time.Now().UTC()
	w.files.take(c, b.o.Chain, b.known())
	for _, path := range b.large {
		if err := b.complete(c, path); err != nil {
			return err
		}
	}
	return w.alarms.copy(filepath.Join(b.o.To, "do", "alarms.sqlite"))
}

// lockPatience is how long lockAll lets events run between its attempts to lock all isolates. After
// lockAttempts it waits for each isolate, with those locked that it has.
const (
	lockPatience = 2 * time.Millisecond
	lockAttempts = 1000
)

// lockAll locks all isolates, and returns what unlocks them.
func (w *Worker) lockAll() (unlock func()) {
	for attempt := range lockAttempts {
		locked := 0
		for locked < len(w.isolates) && (attempt == lockAttempts-1 || w.isolates[locked].mu.TryLock()) {
			if attempt == lockAttempts-1 {
				w.isolates[locked].lock()
			}
			locked++
		}
		unlock = func() {
			for _, s := range w.isolates[:locked] {
				s.unlock()
			}
		}
		if locked == len(w.isolates) {
			break
		}
		unlock()
		time.Sleep(lockPatience)
	}
	return unlock
}

// copyObjects copies the files of the cut that no event has copied, and writes the images that events
// have made.
func (b *backup) copyObjects(c *cut) error {
	for {
		path, images := b.w.files.next(c)
		if path == "" && len(images) == 0 {
			return nil
		}
		for _, small := range images {
			if err := small.write(); err != nil {
				return err
			}
		}
		if path != "" {
			if err := b.copyObject(c, path); err != nil {
				return err
			}
		}
		if err := b.pace.breathe(); err != nil {
			return err
		}
	}
}

// next returns a file that is to be copied, if there is one, and the images that are to be written. If
// there are none, next waits for those that events are making.
func (p *filePool) next(c *cut) (path string, images []*image) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c.busy > 0 && len(c.todo) == 0 && len(c.images) == 0 {
		p.changed.Wait()
	}
	images, c.images, c.held = c.images, nil, 0
	for path = range c.todo {
		break
	}
	return path, images
}

// copyObject copies a file in steps, between which events use the file. If one of them writes, or
// another one closes the file, the copy is made as a whole.
func (b *backup) copyObject(c *cut, path string) error {
	files := b.w.files
	pages := stepPages
	b.w.hold("copy", path)
	sent := int64(0)
	for first := true; ; first = false {
		f, err := b.use(c, path)
		if f == nil {
			return err
		}
		if !first && f.copy == nil {
			pages = -1
		}
		done, err := b.stepObject(c, f, pages)
		files.done(f)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		if err := b.send(c.target(path), &sent); err != nil {
			return err
		}
	}
}

// stepObject goes on with the copy of a file, of which the backup is the user.
func (b *backup) stepObject(c *cut, f *objectFile, pages int) (done bool, err error) {
	files := b.w.files
	if !files.needs(c, f.path) {
		return true, nil
	}
	var small *image
	if f.copy == nil {
		if small, err = f.db.image(c.target(f.path)); err == nil && small == nil {
			f.copy, err = startCopy(f.db, c.target(f.path))
		}
		if err != nil {
			return false, err
		}
	}
	if small == nil {
		if done, err = f.copy.step(pages); done || err != nil {
			f.copy = nil
		}
		if !done || err != nil {
			return done, err
		}
	}
	files.mu.Lock()
	defer files.mu.Unlock()
	delete(c.todo, f.path)
	c.copied[f.path] = nil
	if small != nil {
		c.images = append(c.images, small)
	}
	if b.o.Chain {
		files.same[f.path] = true
	}
	return true, nil
}

// copyDatabase copies a database as it was at the cut.
func (b *backup) copyDatabase(r *sqliteConn, name string) error {
	c, err := startCopy(r, filepath.Join(b.o.To, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	for sent := int64(0); ; {
		done, err := c.step(stepPages)
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		if err := b.send(c.target, &sent); err != nil {
			return errors.Join(err, c.end())
		}
	}
}

func isUnfinished(folder string) bool {
	_, unfinished := os.Stat(filepath.Join(folder, unfinishedName))
	_, whole := os.Stat(filepath.Join(folder, manifestName))
	return unfinished == nil && errors.Is(whole, fs.ErrNotExist)
}

// copy copies the index to a file.
func (x *alarmIndex) copy(target string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil {
		return errors.New("the alarms are closed")
	}
	return copyWhole(x.db, target)
}
