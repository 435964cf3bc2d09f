//go:build !js

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/spaces"
)

// storageNumber is the number of what the server writes into the folder of its data.
const storageNumber = store.StorageNumber

// A mark says which version last served a folder.
type mark struct {
	Storage int    `json:"storage"`
	Version string `json:"version"`
}

// errNewer says that a later version wrote the folder.
var errNewer = errors.New("a newer version wrote this folder, and nothing in it was changed")

// layoutsOf are the layouts of the classes of objects that have some.
var layoutsOf = map[string]store.Layouts{
	"YjsRoom": documents.Layouts(), "SpaceYjsRoom": documents.Layouts(), "Space": spaces.Layouts(),
}

// lastObjects is how many objects are looked at in a folder that this version served last.
const lastObjects = 1000

// A folder is the folder of the data, before it is opened.
type folder struct {
	dir    string
	config *edge.Config
	log    *slog.Logger
}

// check returns an error with errNewer if a later version wrote the folder: its mark, its databases
// or its objects say so. It changes nothing. F5.
//
// If this version served the folder last, only the objects that changed last are looked at.
// A file that cannot be read does not count: another server may be ending in the folder, or
// the server fails later and says why.
func (f *folder) check() error {
	last, err := f.mark()
	if err != nil {
		return err
	}
	for _, d := range f.config.D1Databases {
		dir := f.config.MigrationsFolder(d.MigrationsDir)
		if dir == nil {
			continue
		}
		if err := f.checkMigrations(edge.D1File(f.dir, d.Binding), dir); err != nil {
			return err
		}
	}
	for class, layouts := range layoutsOf {
		files, err := edge.ObjectFiles(f.dir, class)
		if err != nil {
			return err
		}
		if last == (mark{storageNumber, version}) {
			files = latest(files, lastObjects)
		}
		if err := f.checkObjects(files, layouts); err != nil {
			return err
		}
	}
	return nil
}

// mark returns the mark of the folder, or that of 0.1.0 if it has none. It returns an error with
// errNewer if a later version wrote it.
func (f *folder) mark() (mark, error) {
	file := filepath.Join(f.dir, edge.MarkFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{Storage: 1}, nil
	}
	if err != nil {
		return mark{}, err
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil || m.Storage < 1 {
		return mark{}, fmt.Errorf("%s is invalid: it must be {\"storage\":N,\"version\":\"…\"}", file)
	}
	if m.Storage > storageNumber {
		return mark{}, fmt.Errorf("%w: %s has storage number %d of version %s, and this version, %s, knows storage numbers up to %d",
			errNewer, f.dir, m.Storage, m.Version, version, storageNumber)
	}
	return m, nil
}

// claim marks the folder as served by this version.
func (f *folder) claim() error {
	now := mark{storageNumber, version}
	if last, err := f.mark(); err != nil || last == now {
		return err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return edge.WriteWhole(filepath.Join(f.dir, edge.MarkFile), append(text, '\n'))
}

// checkMigrations compares the migrations of a database with those of dir. `tidemark tables
// migrate` writes migrations of the operator's own, which end in _declared.sql: those of a
// checkout may be missing elsewhere, because the database remembers the declaration.
func (f *folder) checkMigrations(file string, dir fs.FS) error {
	reader, err := f.read(file)
	if reader == nil || err != nil {
		return err
	}
	defer reader.Close()
	results, err := reader.Exec(abi.Statement{SQL: `SELECT name FROM d1_migrations ORDER BY name`})
	if err != nil {
		f.unread(file, err)
		return nil
	}
	for _, row := range results[0].Rows {
		name := store.CellString(row[0])
		if _, err := fs.Stat(dir, name); errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(name, "_declared.sql") {
			return fmt.Errorf("%w: %s has the migration %s, and the last one of this version, %s, is %s", errNewer, file, name, version, lastMigration(dir))
		}
	}
	return nil
}

func lastMigration(dir fs.FS) string {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil || len(names) == 0 {
		return "none"
	}
	return slices.Max(names)
}

// checkObjects compares the layouts of objects with those that this version knows.
func (f *folder) checkObjects(files []string, layouts store.Layouts) error {
	work, found := make(chan string), make(chan error, 1)
	var workers sync.WaitGroup
	for range min(len(files), openers) {
		workers.Go(func() {
			for file := range work {
				if err := f.checkObject(file, layouts); err != nil {
					select {
					case found <- err:
					default: // one is enough
					}
				}
			}
		})
	}
	for _, file := range files {
		work <- file
	}
	close(work)
	workers.Wait()
	select {
	case err := <-found:
		return err
	default:
		return nil
	}
}

// openers is how many objects are looked at together.
const openers = 8

func (f *folder) checkObject(file string, layouts store.Layouts) error {
	reader, err := f.read(file)
	if reader == nil || err != nil {
		return err
	}
	defer reader.Close()
	number, err := layouts.Number(reader.Exec)
	if err != nil {
		f.unread(file, err)
		return nil
	}
	if err := layouts.Check(number); err != nil {
		return fmt.Errorf("%w: %s: %w (%s)", errNewer, file, err, version)
	}
	return nil
}

// read opens a database, or returns nil if there is none, or none that can be read.
func (f *folder) read(file string) (*edge.Reader, error) {
	reader, err := edge.OpenReader(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		f.unread(file, err)
		return nil, nil
	}
	return reader, nil
}

func (f *folder) unread(file string, err error) {
	f.log.Warn("a file was not compared with what this version knows", "file", file, "err", err)
}

// latest returns the n files that changed last.
func latest(files []string, n int) []string {
	if len(files) <= n {
		return files
	}
	changed := make(map[string]int64, len(files))
	for _, file := range files {
		for _, name := range []string{file, file + "-wal"} {
			if info, err := os.Stat(name); err == nil {
				changed[file] = max(changed[file], info.ModTime().UnixNano())
			}
		}
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(changed[b], changed[a]) })
	return files[:n]
}
