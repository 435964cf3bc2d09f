//go:build !js

package edge

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
	"tidemark/wasm/gojs"
	"tidemark/wasm/metrics"
)

// Options are the settings of a Worker.
type Options struct {
	Module *Module
	Config *Config
	// Data is the folder of the databases and objects. Open creates it.
	Data string
	// Env adds variables to those of the Config, and replaces those of the same names.
	Env map[string]string
	// Instances is how many requests may run at the same time; 0 is the number of
	// processors.
	Instances int
	// OpenFiles is how many files of objects may be open at a time; 0 is DefaultOpenFiles.
	OpenFiles int
	// Durable are the classes of objects whose commits wait for the disk. A power failure
	// loses none of them.
	Durable []string
	Clock   Clock        // the wall clock if nil
	Log     *slog.Logger // slog.Default() if nil
	Stderr  io.Writer    // of the guest; if nil, its lines become records of Log
	// Health is a path for health checks; "" is none. If the guest does not respond
	// to its GET within a second, the host sends {"status":"ok"}.
	Health string
	// Ready is a path for readiness checks; "" is none. To the failures that the guest answers
	// there, the host adds its own: see serveReady.
	Ready string
	// Migrations, if not nil, returns the folder of the migrations that a database gets in
	// place of those of dir. Migrated, if not nil, is called after them, or if there are none.
	// An error of either ends Open.
	Migrations func(binding string, db *D1, dir fs.FS) (fs.FS, error)
	Migrated   func(binding string, db *D1) error
	// Claimed, if not nil, is called when no other server uses the folder of the data, before
	// Open changes the databases. An error ends Open.
	Claimed func() error
	// NoAlarms says that no alarm runs. They stay for the next Open.
	NoAlarms bool
	// Assets, if not nil, are the static files in place of those of the Config.
	Assets  fs.FS
	Metrics *metrics.Metrics // if nil, the Worker has its own
	// Version is that of the program, for operators.
	Version string
	// Backups, if not nil, are those that the program has the Worker make from time to time.
	Backups  *Backups
	ForTests TestOptions // zero outside of tests
}

// A Worker runs a guest, with its databases and objects. It is an http.Handler.
type Worker struct {
	module    *Module
	vars      map[string]any
	bindings  map[string]string // of objects: name to class
	d1        map[string]*D1
	data      string
	assets    *assets
	durable   []string // classes
	noAlarms  bool
	clock     Clock
	log       *slog.Logger
	stderr    io.Writer
	hold      func(kind, name string)
	fetcher   fetcher
	maxBody   int64
	callLimit time.Duration
	// stretchLimit is how long an instance may run without returning. If hurry is
	// set, it may not run at all.
	stretchLimit time.Duration
	hurry        atomic.Bool
	budget       int // of an instance's memory, in bytes
	isolates     []*isolate
	next         atomic.Uint32
	waiting      atomic.Int32  // requests that wait for an isolate
	freed        chan struct{} // each value lets one of them look again
	health       health
	ready        ready
	alarms       *alarmIndex
	files        *filePool
	backing      atomic.Bool  // a backup is being made
	backedUp     atomic.Int64 // the instant of the last whole one, in Unix seconds; 0: none since the start
	version      string
	lastBackup   lastBackup
	chained      string // the folder of the last backup with Chain, if files.same is about it
	sockets      sync.WaitGroup
	several      sync.Map // of *several, the sockets of several documents
	crowd        crowd
	stopping     atomic.Bool // join opens no more sockets
	disk         disk
	filled       atomic.Bool // by a test
	metrics      counted
	start        string // of this Worker: a name that no other has
	booted       booted
}

// Defaults of the limits. Variables of the same names replace them.
const (
	defaultMaxBodyBytes   = 16 << 20
	defaultCallLimitMS    = 60_000
	defaultStretchLimitMS = 30_000
	defaultMemoryBudgetMB = 112 // an isolate on Workers has 128
)

// DefaultOpenFiles is how many files of objects may be open at a time.
const DefaultOpenFiles = 512

// Open starts a Worker: it opens and migrates the databases and schedules the
// alarms. Instances boot with their first event. The caller closes the Worker.
func Open(o Options) (*Worker, error) {
	w := &Worker{
		module: o.Module, vars: maps.Clone(o.Config.Vars), bindings: map[string]string{}, d1: map[string]*D1{},
		start: rand.Text(), fetcher: newFetcher(), data: o.Data, durable: o.Durable, noAlarms: o.NoAlarms, clock: o.Clock, log: o.Log, stderr: o.Stderr, hold: o.ForTests.Hold,
	}
	if w.vars == nil {
		w.vars = map[string]any{}
	}
	for name, v := range o.Env {
		w.vars[name] = v
	}
	if w.clock == nil {
		w.clock = wallClock{}
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	if w.metrics.Metrics = o.Metrics; o.Metrics == nil {
		w.metrics.Metrics = metrics.New(w.clock.Now)
	}
	if w.hold == nil {
		w.hold = func(string, string) {}
	}
	w.files = newFilePool(cmp.Or(o.OpenFiles, DefaultOpenFiles), w.log)
	w.files.clock = w.clock
	w.maxBody = int64(number(w.vars, "LIMIT_BODY_BYTES", defaultMaxBodyBytes))
	w.callLimit = time.Duration(number(w.vars, "LIMIT_CALL_MS", defaultCallLimitMS) * float64(time.Millisecond))
	w.stretchLimit = time.Duration(number(w.vars, "LIMIT_STRETCH_MS", defaultStretchLimitMS) * float64(time.Millisecond))
	w.budget = int(number(w.vars, "LIMIT_MEMORY_MB", defaultMemoryBudgetMB)) << 20
	w.crowd.limit = int(number(w.vars, "LIMIT_SOCKETS", defaultSockets))
	w.crowd.ownerLimit = int(number(w.vars, "LIMIT_SOCKETS_PER_SUBJECT", defaultSocketsPerSubject))
	n := o.Instances
	if n <= 0 {
		n = runtime.NumCPU()
	}
	for range n {
		w.isolates = append(w.isolates, newIsolate(w))
	}
	w.freed = make(chan struct{}, n)
	w.health.path, w.ready.path = o.Health, o.Ready
	w.version = o.Version
	w.lastBackup.open(o.Backups, w.log)
	if err := w.open(&o); err != nil {
		w.closeDatabases((*sqliteConn).close)
		return nil, err
	}
	return w, nil
}

func (w *Worker) open(o *Options) error {
	c := o.Config
	var err error
	if w.assets, err = openAssets(c, o.Assets); err != nil {
		return err
	}
	for _, b := range c.DurableObjects.Bindings {
		w.bindings[b.Name] = b.ClassName
	}
	for _, dir := range []string{"d1", "do"} {
		if err := os.MkdirAll(filepath.Join(w.data, dir), 0o700); err != nil {
			return fmt.Errorf("open: %w", err)
		}
	}
	// This comes first, because it fails if another server uses the folder.
	if w.alarms, err = openAlarmIndex(filepath.Join(w.data, "do", "alarms.sqlite")); err != nil {
		return err
	}
	if o.Claimed != nil {
		if err := o.Claimed(); err != nil {
			return err
		}
	}
	for _, d := range c.D1Databases {
		db, err := OpenD1(D1File(w.data, d.Binding))
		if err != nil {
			return err
		}
		w.d1[d.Binding] = db
		if err := w.migrate(o, d.Binding, d.MigrationsDir); err != nil {
			return err
		}
	}
	w.metrics.open(w)
	return w.scheduleAlarms()
}

// outputOf returns where a new instance prints.
func (w *Worker) outputOf() io.Writer {
	if w.stderr != nil {
		return w.stderr
	}
	return &output{log: w.log}
}

// migrate applies the migrations of a database whose migrations_dir is dir.
func (w *Worker) migrate(o *Options, binding, dir string) error {
	db := w.d1[binding]
	if folder := o.Config.MigrationsFolder(dir); folder != nil {
		if o.Migrations != nil {
			var err error
			if folder, err = o.Migrations(binding, db, folder); err != nil {
				return err
			}
		}
		applied, err := db.Migrate(folder)
		if err != nil {
			return err
		}
		for _, name := range applied {
			w.log.Info("applied a migration", "database", binding, "name", name)
		}
	}
	if o.Migrated == nil {
		return nil
	}
	return o.Migrated(binding, db)
}

// Boot boots every instance. Without it, an instance boots with its first event.
func (w *Worker) Boot() error {
	for _, s := range w.isolates {
		s.lock()
		_, err := s.running()
		s.unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// CallLimit is how long a request may take, LIMIT_CALL_MS.
func (w *Worker) CallLimit() time.Duration { return w.callLimit }

// Metrics returns what the Worker counts.
func (w *Worker) Metrics() *metrics.Metrics { return w.metrics.Metrics }

// D1 returns the database of a binding, or nil.
func (w *Worker) D1(binding string) *D1 { return w.d1[binding] }

// context returns the global "context" of a guest.
func (w *Worker) context() *gojs.Object {
	env := &gojs.Object{Name: "env", Open: true, Props: map[string]gojs.Value{}}
	for name := range w.bindings {
		env.Props[name] = &gojs.Object{Name: "binding " + name}
	}
	for name := range w.d1 {
		env.Props[name] = &gojs.Object{Name: "binding " + name}
	}
	return &gojs.Object{Name: "context", Props: map[string]gojs.Value{"env": env}}
}

// variable returns a variable of the guest, "" if there is none, or if it is 0 or false.
func (w *Worker) variable(name string) string {
	if name == abi.StartVariable {
		return w.start
	}
	switch v := w.vars[name].(type) {
	case string:
		return v
	case int64:
		if v != 0 {
			return strconv.FormatInt(v, 10)
		}
	case float64:
		if v != 0 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	case bool:
		if v {
			return "true"
		}
	}
	return ""
}

// home returns the isolate in which an object lives.
func (w *Worker) home(key objectKey) *isolate {
	h := fnv.New32a()
	io.WriteString(h, key.class)
	io.WriteString(h, key.name)
	return w.isolates[h.Sum32()%uint32(len(w.isolates))]
}

// batch runs the op OpD1.
func (w *Worker) batch(binding string, statements []abi.Statement) ([]byte, error) {
	db := w.d1[binding]
	if db == nil {
		return nil, fmt.Errorf("no D1 database is bound to %q", binding)
	}
	defer w.metrics.took(binding, time.Now())
	results, err := db.Batch(context.Background(), statements)
	if err != nil {
		w.isFull(binding, err)
		return nil, err
	}
	return frameOf(results)
}

// call runs the op OpCall. If the instance ends in it, call tries once more in
// another one.
func (w *Worker) call(binding, room string, data []byte) ([]byte, error) {
	class, ok := w.bindings[binding]
	if !ok {
		return nil, fmt.Errorf("no Durable Object class is bound to %q", binding)
	}
	key := objectKey{class, room}
	w.hold("call", key.String())
	s := w.home(key)
	s.lock()
	s.rest.called = w.clock.Now()
	reply, err := s.object(key).event(abi.EventCall, 0, data)
	if errors.Is(err, errEnded) {
		reply, err = s.object(key).event(abi.EventCall, 0, data)
	}
	s.unlock()
	w.hold("reply", key.String())
	return reply, err
}

// goodbye is the least time that clients have to receive the close of their socket.
const goodbye = 5 * time.Second

// Close waits for the calls that are under way, closes every socket with 1001, and
// then closes the databases. When ctx is done, it gives up the calls and interrupts
// an instance that does not return. Before, the caller must stop sending requests.
func (w *Worker) Close(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { w.hurry.Store(true) })()
	for _, s := range w.isolates {
		s.lock()
		for _, o := range s.objects {
			o.unschedule()
			o.stopTimer()
			o.hurryAlarm()
		}
		s.unlock()
	}
	w.drain(ctx)
	w.stopping.Store(true)
	w.eachConn(func(c *conn) { c.shut(int(websocket.StatusGoingAway), goingAway) })
	w.eachSeveral(func(m *several) { m.goAway() })
	stop := context.AfterFunc(ctx, func() {
		time.Sleep(goodbye)
		w.eachConn(func(c *conn) { go c.ws.CloseNow() })
		w.eachSeveral(func(m *several) { go m.ws.CloseNow() })
	})
	w.sockets.Wait()
	stop()
	w.drain(ctx)
	for _, s := range w.isolates {
		s.lock()
		s.stopped = true
		for i := range s.alive {
			i.die(nil, errStopped)
		}
		s.unlock()
	}
	w.booted.close()
	return w.closeDatabases((*sqliteConn).close)
}

// eachConn calls f for every socket, under its isolate's lock.
func (w *Worker) eachConn(f func(*conn)) {
	for _, s := range w.isolates {
		s.lock()
		for _, o := range s.objects {
			for _, c := range o.conns {
				f(c)
			}
		}
		s.unlock()
	}
}

func (w *Worker) eachSeveral(f func(*several)) {
	w.several.Range(func(m, _ any) bool {
		f(m.(*several))
		return true
	})
}

// drain waits until no call is under way.
func (w *Worker) drain(ctx context.Context) {
	for _, s := range w.isolates {
		for {
			s.lock()
			calls := s.calls
			s.unlock()
			if calls == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
}

// Memory is how many bytes of linear memory each running instance has, the
// largest first.
func (w *Worker) Memory() (bytes []int) {
	for _, s := range w.isolates {
		s.lock()
		for i := range s.alive {
			bytes = append(bytes, len(i.process.Memory()))
		}
		s.unlock()
	}
	slices.SortFunc(bytes, func(a, b int) int { return b - a })
	return bytes
}

// Trim ends the idle instances, to free their memory. The next event boots another.
func (w *Worker) Trim() {
	for _, s := range w.isolates {
		if !s.mu.TryLock() {
			continue
		}
		if i := s.current; i != nil && len(i.calls) == 0 {
			s.current = nil
			i.endIfUnusedAs(metric.EndedIdle)
		}
		s.unlock()
	}
}

func (w *Worker) closeDatabases(how func(*sqliteConn) error) error {
	w.fetcher.close()
	var errs []error
	for _, s := range w.isolates { // until the event that runs has ended
		s.lock()
		s.unlock()
	}
	errs = append(errs, w.files.end(how))
	for _, db := range w.d1 {
		errs = append(errs, db.end(how))
	}
	if w.alarms != nil {
		errs = append(errs, w.alarms.end(how))
	}
	return errors.Join(errs...)
}
