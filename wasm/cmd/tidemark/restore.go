//go:build !js

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/worker/store/tickets"
)

const (
	// restoreName is a file of a data folder that was restored. While the folder has the suffix
	// newFolder, the restore goes on, or was cut off.
	restoreName = "restore.json"
	newFolder   = ".new"
	oldFolder   = ".old-" // the time follows
	oldTime     = "20060102T150405Z"

	spaceClass = "Space"
	restoreTTL = 24 * time.Hour
)

// errOldRestore is the error of a call in the form that `tidemark restore` had before.
var errOldRestore = errors.New("restore: want --from FOLDER and --data DIR. To tell a running server that its database was restored, run: tidemark restored --url URL")

// A restore makes a data folder of a backup.
type restore struct {
	from, data                       string
	configFile, tablesFile, wasmFile string
	out                              io.Writer
	log                              *slog.Logger
	manifest                         *edge.Manifest
}

// runRestore restores a backup to a data folder that no server uses.
func runRestore(c *invocation) error {
	r := restore{out: os.Stdout, log: c.log}
	c.flags.StringVar(&r.from, "from", "", "the folder of the backup")
	c.flags.StringVar(&r.data, "data", "data", "the folder of the data; what is there is kept beside it")
	c.flags.StringVar(&r.configFile, "config", "", "as for serve")
	c.flags.StringVar(&r.tablesFile, "tables", "", "as for serve")
	c.flags.StringVar(&r.wasmFile, "wasm", "", "as for serve")
	for _, old := range []string{"url", "token", "space", "secret-file"} {
		c.flags.String(old, "", "of tidemark restored")
	}
	if err := c.parse(); err != nil {
		return err
	}
	if r.from == "" {
		return errOldRestore
	}
	ctx, stop := untilInterrupted()
	defer stop()
	return r.run(ctx)
}

// run verifies the backup, makes a new folder of it, and exchanges the folders. Until the exchange the
// data folder stays as it is.
func (r *restore) run(ctx context.Context) (err error) {
	if r.data, err = filepath.Abs(r.data); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(r.data); err == nil { // the folder is exchanged, and not a link to it
		r.data = real
	}
	if r.manifest, err = edge.VerifyBackup(ctx, r.from); err != nil {
		return err
	}
	if r.manifest.Storage > storageNumber {
		return fmt.Errorf("%w: the backup has storage number %d of version %s, and this version, %s, knows storage numbers up to %d",
			errNewer, r.manifest.Storage, r.manifest.Version, version, storageNumber)
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	unlock = sync.OnceValue(unlock)
	defer func() { err = errors.Join(err, unlock()) }()
	if err := r.clear(); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(r.fresh()))
	}
	if runtime.GOOS == "windows" { // which renames no folder with an open file
		if err := unlock(); err != nil {
			return err
		}
	}
	if err := r.exchange(); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%s is as it was at %s\n", r.data, r.manifest.At.Format(time.RFC3339))
	return nil
}

// fresh is the folder that becomes the data folder.
func (r *restore) fresh() string { return r.data + newFolder }

// lock keeps servers from the data folder, if there is one.
func (r *restore) lock() (unlock func() error, err error) {
	unlock, err = edge.LockFolder(r.data)
	if !errors.Is(err, fs.ErrNotExist) {
		return unlock, err
	}
	entries, err := os.ReadDir(r.data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("restore: %s is no data folder, and not empty", r.data)
	}
	return func() error { return nil }, nil
}

// clear deletes what a restore has left that was cut off.
func (r *restore) clear() error {
	entries, err := os.ReadDir(r.fresh())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(r.fresh(), restoreName)); err != nil && len(entries) > 0 {
		return fmt.Errorf("restore: %s is in the way, and no restore made it", r.fresh())
	}
	return os.RemoveAll(r.fresh())
}

// fill makes the new folder.
func (r *restore) fill(ctx context.Context) error {
	if err := os.MkdirAll(r.fresh(), 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"from": r.from, "at": r.manifest.At, "restored": time.Now().UTC()})
	if err != nil {
		return err
	}
	if err := edge.WriteWhole(filepath.Join(r.fresh(), restoreName), append(text, '\n')); err != nil {
		return err
	}
	if err := edge.CopyBackup(ctx, r.from, r.manifest, r.fresh()); err != nil {
		return err
	}
	if err := r.setFloors(ctx); err != nil {
		return err
	}
	return r.carryRevocations(ctx)
}

// exchange puts the new folder in the place of the data folder, which it keeps. If it is cut off between
// the two, checkRestore keeps a server from beginning with an empty folder.
func (r *restore) exchange() error {
	err := os.Remove(r.data) // an empty one
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		old := r.data + oldFolder + time.Now().UTC().Format(oldTime)
		if err := os.Rename(r.data, old); err != nil {
			return err
		}
		fmt.Fprintf(r.out, "what was there before is in %s\n", old)
	}
	if err := os.Rename(r.fresh(), r.data); err != nil {
		return err
	}
	return edge.SyncFolder(filepath.Dir(r.data))
}

// checkRestore returns an error if a restore of the data folder was cut off between its two renames.
func checkRestore(data string) error {
	data, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(data+newFolder, restoreName)); err != nil {
		return nil
	}
	return fmt.Errorf("%s is not there: a restore was cut off. Run tidemark restore again, or give %s back its name", data, data+oldFolder+"…")
}

// setFloors serves the new folder to itself, without alarms, and has the root and every space set
// their floors.
func (r *restore) setFloors(ctx context.Context) error {
	s := &service{log: r.log, place: &secretPlace{data: r.fresh(), log: r.log}, secret: rand.Text() + rand.Text(), alone: true}
	s.wasmFile, s.instances, s.openFiles = r.wasmFile, 1, fitFiles(edge.DefaultOpenFiles)
	var err error
	if s.config, err = readConfig(r.configFile); err != nil {
		return err
	}
	// Its own secret is the only one, and nothing of it reaches another machine.
	maps.DeleteFunc(s.config.Vars, func(name string, _ any) bool {
		return strings.HasPrefix(name, "AUTH_") || strings.HasPrefix(name, "WEBHOOK_") || strings.HasPrefix(name, "LIMIT_REQUESTS")
	})
	if s.declared, err = readDeclaration(r.tablesFile, s.config); err != nil {
		return err
	}
	s.folder = folder{r.fresh(), s.config, r.log}
	if err := s.folder.check(); err != nil {
		return err
	}
	err = s.open()
	if err == nil {
		err = r.ask(ctx, s)
	}
	return errors.Join(err, s.close())
}

// ask sends the requests of setFloors.
func (r *restore) ask(ctx context.Context, s *service) (err error) {
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	server := &http.Server{Handler: s.worker}
	go server.Serve(s.listener)
	defer server.Close()
	o := &operator{url: "http://" + s.listener.Addr().String()}
	o.token, err = sign(s.secret, claims{sub: "operator", scope: operatorScope + " " + spacesScope, spaces: `["","*"]`, ttl: restoreTTL}, time.Now())
	if err != nil {
		return err
	}
	names, err := s.worker.Alarmed(spaceClass) // one that was just born is not in the directory yet
	if err != nil {
		return err
	}
	if err := o.eachSpace("", func(name string, _ time.Time) { names = append(names, name) }); err != nil {
		return err
	}
	slices.Sort(names)
	restored := 0
	for _, name := range slices.Compact(names) {
		if err := ctx.Err(); err != nil {
			return err
		}
		space := *o
		space.space = name
		done, err := space.setFloor(r.log)
		if err != nil {
			return fmt.Errorf("restore the space %s: %w", name, err)
		}
		if done {
			restored++
		}
	}
	if _, err := o.send(http.MethodPost, "sync/restore", "", ""); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "the floors of the root and of %d spaces are set\n", restored)
	return nil
}

// setFloor sets the floor of a space. It reports false for a space that needs none: it was not written yet, is
// being deleted, or is being imported.
func (o *operator) setFloor(log *slog.Logger) (bool, error) {
	text, err := o.send(http.MethodGet, "info", "", "")
	if err != nil {
		return false, err
	}
	var info struct {
		CreatedAt *int64 `json:"created_at"`
		Paused    bool
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	if info.CreatedAt == nil {
		return false, nil
	}
	if info.Paused { // nobody else is there
		if _, err := o.send(http.MethodPost, "resume", "", ""); err != nil {
			return false, err
		}
	}
	_, err = o.send(http.MethodPost, "sync/restore", "", "")
	if err != nil && (strings.Contains(err.Error(), "is being deleted") || strings.Contains(err.Error(), "is being imported")) {
		log.Info("a space has no floor of this restore", "space", o.space, "reason", err)
		return false, nil
	}
	if err == nil && info.Paused {
		_, err = o.send(http.MethodPost, "pause", "", "")
	}
	return err == nil, err
}

// carryRevocations adds the revocations of the old folder to the new one: no token is valid again
// because it was revoked after the backup.
func (r *restore) carryRevocations(ctx context.Context) (err error) {
	old, err := edge.OpenReader(edge.D1File(r.data, rootBinding))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var revoked []tickets.Revocation
	if err == nil {
		revoked, _, err = tickets.NewSessions(readerDB{old}).Revocations(ctx, 0)
		err = errors.Join(err, old.Close())
	}
	if err != nil {
		r.log.Warn("the revocations since the backup were not read: repeat them", "err", err)
		return nil
	}
	db, err := edge.OpenD1(edge.D1File(r.fresh(), rootBinding))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, one := range revoked {
		if err := tickets.NewSessions(db).Revoke(ctx, time.Now(), one); err != nil {
			return err
		}
	}
	return nil
}

// A readerDB is a store.DB that only reads.
type readerDB struct{ reader *edge.Reader }

func (d readerDB) Batch(_ context.Context, statements []abi.Statement) ([]abi.Result, error) {
	return d.reader.Exec(statements...)
}
