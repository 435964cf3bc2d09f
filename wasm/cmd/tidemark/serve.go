//go:build !js

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidemark/wasm/edge"
)

type serveOptions struct {
	addr                 string
	configFile, wasmFile string
	tablesFile           string
	assetsDir            string
	instances            int
	openFiles            int // of objects
	grace                time.Duration
	memory               string
	connections          int // the most that may be open
	fromAddress          int // the most that may be open from one address
	dev, devAnyAddress   bool
	schedule             *schedule // of backups
	metricsAddr          string    // "": defaultMetricsAddr, if it is free
	logFormat            string
}

const (
	headerTimeout = 10 * time.Second
	// The next two begin with the header. newServer adds LIMIT_CALL_MS to both.
	// Package edge bounds how slow a body may be.
	bodyTimeout     = 2 * time.Minute  // until the guest asks for the body
	responseTimeout = 10 * time.Minute // until the last byte of the response
	idleTimeout     = 2 * time.Minute
	// defaultGrace and the time to close the sockets are less than 30 seconds
	// together: then Kubernetes kills the process.
	defaultGrace   = 20 * time.Second
	maxHeaderBytes = 64 << 10
)

// runServe reads the flags of serve and runs it.
func runServe(c *invocation) error {
	o, place := serveOptions{}, c.secret()
	c.flags.StringVar(&o.addr, "addr", defaultAddr(), "where to listen")
	c.flags.StringVar(&o.configFile, "config", "", "the wrangler.toml that says what to serve; if empty it is the one inside a released binary, or else wrangler.toml")
	c.flags.StringVar(&o.tablesFile, "tables", "", "the declaration of the app's tables; if empty it is tables.toml beside --config, or else the one inside a released binary")
	c.flags.StringVar(&o.assetsDir, "assets", "", "the folder of the static files; if empty it is the one that --config names")
	c.flags.StringVar(&o.wasmFile, "wasm", "", "the guest; if empty it is the one inside a released binary, or else it is built, or taken from build/tidemark.wasm")
	c.flags.DurationVar(&o.grace, "grace", defaultGrace, "how long requests have to end after SIGTERM; what runs then is ended")
	c.flags.StringVar(&o.memory, "memory", "", "how much memory the process may use, such as 2G; if empty, three quarters of the machine's or its control group's")
	c.flags.IntVar(&o.connections, "max-connections", defaultConnections, "how many connections may be open; more are closed at once; 0: as many as files may be open")
	c.flags.IntVar(&o.fromAddress, "max-connections-per-address", defaultConnectionsAddress, "how many of one address, or of one IPv6 /64; this machine's own count only in all; 0: any number")
	c.flags.IntVar(&o.instances, "instances", 0, "how many instances of the guest run; 0: as many as there are cores")
	c.flags.IntVar(&o.openFiles, "open-files", edge.DefaultOpenFiles, "how many files of spaces and rooms are open at a time; each needs two descriptors")
	c.flags.BoolVar(&o.dev, "dev", false, "for development: print tokens, and give anyone a token for any name, also an operator's")
	c.flags.BoolVar(&o.devAnyAddress, "dev-any-address", false, "let --dev listen where other machines reach it")
	o.schedule = newSchedule(c.flags)
	c.flags.StringVar(&o.metricsAddr, "metrics-addr", "", "where Prometheus reads /metrics, or off; if empty it is "+defaultMetricsAddr+", and nowhere if another process listens there")
	c.flags.StringVar(&o.logFormat, "log", "text", "the form of the log's lines: text or json")
	if err := c.parse(); err != nil {
		return err
	}
	log, err := newLog(o.logFormat, os.Stderr)
	if err != nil {
		return err
	}
	place.log, o.schedule.log = log, log
	return serve(o, place, log)
}

// check returns an error if a flag has no possible value.
func (o *serveOptions) check() error {
	if o.instances < 0 {
		return errors.New("serve: --instances is negative")
	}
	if o.openFiles < 1 {
		return errors.New("serve: --open-files is less than 1")
	}
	if o.connections < 0 || o.fromAddress < 0 {
		return errors.New("serve: a limit of connections is negative")
	}
	return nil
}

// defaultAddr is 127.0.0.1 with PORT or 8787.
func defaultAddr() string {
	if port := os.Getenv("PORT"); port != "" {
		return "127.0.0.1:" + port
	}
	return "127.0.0.1:8787"
}

// A service is what serve opens, in the order in which it does.
type service struct {
	serveOptions
	place    *secretPlace
	log      *slog.Logger
	bound    int64 // of the process's memory, in bytes; 0: none
	config   *edge.Config
	declared declaration
	assets   fs.FS // nil: those of config
	folder   folder
	listener net.Listener
	secret   string // "" if the server trusts none
	welcome  string // the line about tokens that the command prints at the start
	module   *edge.Module
	worker   *edge.Worker
	alone    bool         // nobody but the command itself asks: the secret is the command's, and no alarm runs
	metrics  net.Listener // nil: off
}

// serve runs until SIGINT or SIGTERM. Then it waits for the requests under way, at
// most for the time of grace. A second signal ends it at once.
func serve(o serveOptions, place *secretPlace, log *slog.Logger) error {
	s := &service{serveOptions: o, place: place, log: log}
	err := s.prepare()
	if err == nil {
		err = s.open()
	}
	if err == nil {
		err = s.run()
	}
	return errors.Join(err, s.close())
}

// prepare does what is quick, and so fails at once: it reads the flags and the
// configuration, and takes the port.
func (s *service) prepare() (err error) {
	if err := s.check(); err != nil {
		return err
	}
	if err := s.schedule.check(s.place.data); err != nil {
		return err
	}
	if err := checkRestore(s.place.data); err != nil {
		return err
	}
	if s.config, err = readConfig(s.configFile); err != nil {
		return err
	}
	if s.assetsDir != "" {
		if _, err := os.Stat(s.assetsDir); err != nil {
			return fmt.Errorf("serve: --assets: %w", err)
		}
		s.assets = os.DirFS(s.assetsDir)
	}
	if s.declared, err = readDeclaration(s.tablesFile, s.config); err != nil {
		return err
	}
	s.bound = defaultMemory()
	if s.memory != "" {
		if s.bound, err = parseMemory(s.memory); err != nil {
			return err
		}
	}
	s.fit()
	if s.listener, err = net.Listen("tcp", s.addr); err != nil {
		return err
	}
	if s.dev && !s.devAnyAddress && !loopback(s.listener.Addr()) {
		return fmt.Errorf("serve: --dev gives anyone a token and %s is no loopback address; --dev-any-address allows it", s.listener.Addr())
	}
	s.folder = folder{s.place.data, s.config, s.log}
	if err := s.folder.check(); err != nil {
		return err
	}
	if s.metrics, err = listenMetrics(s.metricsAddr, s.log); err != nil {
		return err
	}
	return s.findSecret()
}

// readConfig reads the configuration of a file, or if that is "" the one inside, or else that of
// the working folder.
func readConfig(file string) (*edge.Config, error) {
	within := inside()
	if file == "" && within != nil {
		text, err := fs.ReadFile(within, "wrangler.toml")
		if err != nil {
			return nil, err
		}
		config, err := edge.ParseConfig(text)
		if err != nil {
			return nil, err
		}
		config.Inside = within
		return config, nil
	}
	config, err := edge.LoadConfig(cmp.Or(file, "wrangler.toml"))
	if err == nil {
		config.Inside = within
	}
	return config, err
}

// fit lowers the limits to what the process may open.
func (s *service) fit() {
	if fit := fitFiles(s.openFiles); s.openFiles > fit {
		s.openFiles = fit
		s.log.Warn("the limit of open files bounds the files of objects", "open-files", fit)
	}
	if fit := freeFiles(s.openFiles); s.connections == 0 || s.connections > fit {
		s.connections = fit
		s.log.Warn("the limit of open files bounds the connections", "connections", fit)
	}
}

// open opens the data and boots the instances.
func (s *service) open() error {
	wasm, err := readGuest(s.wasmFile, s.config.Inside, s.config.Dir)
	if err != nil {
		return err
	}
	if err := findTempFolder(s.place.data); err != nil {
		return err
	}
	if s.module, err = compile(wasm, cacheDir(s.place.data), s.log); err != nil {
		return err
	}
	s.worker, err = edge.Open(edge.Options{
		Module: s.module, Config: s.config, Data: s.place.data, Env: s.env(), Instances: s.instances,
		OpenFiles: s.openFiles, Durable: []string{"Space"}, Log: s.log, Health: "/healthz", Ready: "/readyz",
		Clock: serverClock(), Claimed: s.folder.claim, Assets: s.assets, NoAlarms: s.alone,
		Version: version, Backups: s.schedule.folder(),
		Migrations: s.declared.migrations, Migrated: func(binding string, db *edge.D1) error { return s.declared.migrated(binding, db, s.log) },
	})
	if err != nil {
		return err
	}
	if err := s.worker.Boot(); err != nil {
		return err
	}
	debug.FreeOSMemory() // the memory of the compiler
	return nil
}

// env returns the variables of the guest beside those of the configuration.
func (s *service) env() map[string]string {
	env := variables(s.config, s.secret)
	if s.alone {
		env = map[string]string{"AUTH_SECRET": s.secret}
	}
	if s.dev {
		env["DEV_MODE"] = "1"
	}
	if s.declared.from != "" {
		env[tablesVariable] = string(s.declared.schema.Encode())
	}
	return env
}

// run serves until a signal or a failure.
func (s *service) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	handler, err := s.handler(ctx)
	if err != nil {
		return err
	}
	endBackups := s.startBackups(ctx)
	defer endBackups()
	if s.metrics != nil {
		s.log.Info("the metrics are served", "url", "http://"+s.metrics.Addr().String()+"/metrics")
		go serveMetrics(s.metrics, s.worker.Metrics().Handler(), s.log)
	}
	server := newServer(handler, s.worker.CallLimit(), s.log)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(headListener{newLimitedListener(s.listener, s.connections, s.fromAddress)})
	}()
	fmt.Printf("\nhttp://%s\n%s\n\n", s.listener.Addr(), s.welcome)
	select {
	case err := <-failed:
		return err
	case got := <-signals:
		s.log.Info("shutting down", "signal", got.String())
	}
	go func() {
		<-signals
		os.Exit(1)
	}()
	endBackups()
	ctx, cancelGrace := context.WithTimeout(ctx, s.grace)
	defer cancelGrace()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("requests are cut off", "err", err)
	}
	worker := s.worker
	s.worker = nil
	if err := worker.Close(ctx); err != nil {
		return err
	}
	s.log.Info("shut down")
	return nil
}

// handler returns what serves all requests. It watches the memory until ctx is done.
func (s *service) handler(ctx context.Context) (http.Handler, error) {
	trim := func() {
		s.worker.Trim()
		edge.TrimSQLite()
	}
	guard := &memoryGuard{bound: s.bound, patience: memoryPatience, trim: trim}
	go watchMemory(ctx, guard, newHeapKeeper(s.bound/4*3))
	return compress(s.worker.Observe(guard.admit(s.worker)))
}

// close closes what is open.
func (s *service) close() (err error) {
	if s.worker != nil {
		err = s.worker.Close(context.Background())
	}
	if s.module != nil {
		s.module.Close(context.Background())
	}
	for _, l := range []net.Listener{s.listener, s.metrics} {
		if l != nil {
			l.Close()
		}
	}
	return err
}

// findSecret sets the secret that the server trusts and the welcome.
func (s *service) findSecret() (err error) {
	get := func(name string) string {
		if value := os.Getenv(name); value != "" {
			return value
		}
		value, _ := s.config.Vars[name].(string)
		return value
	}
	if name := s.place.onlyKeys(get); name != "" {
		s.welcome = "it takes the tokens that " + name + " says, and none of a secret"
		return nil
	}
	if s.secret, err = s.place.made(); err != nil {
		return err
	}
	if !s.dev {
		s.welcome = "make a token for it: " + s.place.tokenCommand()
		return nil
	}
	token, err := sign(s.secret, claims{sub: "dev", ttl: defaultTTL()}, time.Now())
	if err != nil {
		return err
	}
	operators, err := sign(s.secret, operatorClaims(claims{ttl: defaultTTL()}, false), time.Now())
	s.welcome = fmt.Sprintf("a token for it: %s\nhttp://%s/console\na token for an operator: %s", token, s.listener.Addr(), operators)
	return err
}

// loopback reports whether only this machine reaches the address.
func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// newServer returns a server that closes the connections of idle and slow clients.
// The handler sends all responses except those of a headConn. A request has
// callLimit in addition to the time of its transfers.
func newServer(handler http.Handler, callLimit time.Duration, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:                      handler,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  callLimit + bodyTimeout,
		WriteTimeout:                 callLimit + responseTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	watchHeads(s)
	return s
}

// guestPrefixes begin the names of variables that the guest gets whether or not the config has them.
var guestPrefixes = []string{"AUTH_", "CORS_", "LIMIT_", "SPACES_", "WEBHOOK_", "YJS_"}

// variables returns the environment variables that the guest gets: those that the
// config declares, and those of guestPrefixes.
func variables(config *edge.Config, secret string) map[string]string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		ours := slices.ContainsFunc(guestPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if _, declared := config.Vars[name]; declared || ours {
			env[name] = value
		}
	}
	if secret != "" {
		env["AUTH_SECRET"] = secret
	}
	return env
}

// cacheDir returns the folder of the compiled guest: that of the user's caches, or if there is
// none that can be written, as in a container, one in the folder of the data.
func cacheDir(data string) string {
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "tidemark", "wazero")
		if os.MkdirAll(dir, 0o700) == nil && writable(dir) {
			return dir
		}
	}
	return filepath.Join(data, "cache")
}

// findTempFolder gives SQLite a folder for its temporary files in that of the data, if the
// system has none, as in a container.
func findTempFolder(data string) error {
	if writable(os.TempDir()) {
		return nil
	}
	return edge.SetTempFolder(filepath.Join(data, "tmp"))
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".tidemark-")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}
