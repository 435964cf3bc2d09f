//go:build !js

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"tidemark/wasm/edge"
)

type serveOptions struct {
	addr, config, wasm string
	tables             string // the file of the declaration
	instances          int
	openFiles          int // of objects
	grace              time.Duration
	memory             string
	connections        int // the most that may be open
	fromAddress        int // the most that may be open from one address
	dev, devAnyAddress bool
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

// serve runs until SIGINT or SIGTERM. Then it waits for the requests under way, at
// most for the time of grace. A second signal ends it at once.
//
//layout:long the parts of the server in the order in which they start
func serve(o serveOptions, place *secretPlace, log *slog.Logger) error {
	config, err := edge.LoadConfig(o.config)
	if err != nil {
		return err
	}
	declared, err := readDeclaration(o.tables, config)
	if err != nil {
		return err
	}
	memory := defaultMemory()
	if o.memory != "" {
		if memory, err = parseMemory(o.memory); err != nil {
			return err
		}
	}
	if fit := fitFiles(o.openFiles); o.openFiles > fit {
		o.openFiles = fit
		log.Warn("the limit of open files bounds the files of objects", "open-files", fit)
	}
	if fit := freeFiles(o.openFiles); o.connections == 0 || o.connections > fit {
		o.connections = fit
		log.Warn("the limit of open files bounds the connections", "connections", fit)
	}
	// Listen comes before the slow steps, so that a port in use fails at once.
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if o.dev && !o.devAnyAddress && !loopback(listener.Addr()) {
		return fmt.Errorf("serve: --dev gives anyone a token and %s is no loopback address; --dev-any-address allows it", listener.Addr())
	}
	secret, welcome, err := o.secret(place, config)
	if err != nil {
		return err
	}
	wasm, err := readGuest(o.wasm, config.Dir)
	if err != nil {
		return err
	}
	module, err := edge.Compile(context.Background(), wasm, cacheDir(place.data))
	if err != nil {
		return err
	}
	defer module.Close(context.Background())
	env := variables(config, secret)
	if o.dev {
		env["DEV_MODE"] = "1"
	}
	if declared.from != "" {
		env[tablesVariable] = string(declared.schema.Encode())
	}
	worker, err := edge.Open(edge.Options{
		Module: module, Config: config, Data: place.data, Env: env, Instances: o.instances,
		OpenFiles: o.openFiles, Durable: []string{"Space"}, Log: log, Health: "/healthz",
		Migrations: declared.migrations, Migrated: func(binding string, db *edge.D1) error { return declared.migrated(binding, db, log) },
	})
	if err != nil {
		return err
	}
	if err := worker.Boot(); err != nil {
		return errors.Join(err, worker.Close(context.Background()))
	}
	debug.FreeOSMemory() // the memory of the compiler
	handler := http.Handler(worker)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if memory > 0 {
		debug.SetMemoryLimit(memory / 4 * 3) // so that memory beyond it is in use, not garbage
		guard := &memoryGuard{bound: memory, patience: memoryPatience, trim: worker.Trim}
		go guard.watch(ctx)
		handler = guard.admit(worker)
	}
	if handler, err = compress(logged(handler, log)); err != nil {
		return errors.Join(err, worker.Close(context.Background()))
	}
	server := newServer(handler, worker.CallLimit(), log)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(headListener{newLimitedListener(listener, o.connections, o.fromAddress)})
	}()
	fmt.Printf("\nhttp://%s\n%s\n\n", listener.Addr(), welcome)
	select {
	case err := <-failed:
		return errors.Join(err, worker.Close(context.Background()))
	case s := <-signals:
		log.Info("shutting down", "signal", s.String())
	}
	go func() {
		<-signals
		os.Exit(1)
	}()
	ctx, cancelGrace := context.WithTimeout(ctx, o.grace)
	defer cancelGrace()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests are cut off", "err", err)
	}
	if err := worker.Close(ctx); err != nil {
		return err
	}
	log.Info("shut down")
	return nil
}

// secret returns the secret that the server trusts, "" if it trusts none. welcome
// is the line about tokens that the command prints at the start.
func (o serveOptions) secret(place *secretPlace, config *edge.Config) (secret, welcome string, err error) {
	get := func(name string) string {
		if value := os.Getenv(name); value != "" {
			return value
		}
		value, _ := config.Vars[name].(string)
		return value
	}
	if name := place.onlyKeys(get); name != "" {
		return "", "it takes the tokens that " + name + " says, and none of a secret", nil
	}
	if secret, err = place.made(); err != nil {
		return "", "", err
	}
	if !o.dev {
		return secret, "make a token for it: " + place.tokenCommand(), nil
	}
	token, err := sign(secret, claims{sub: "dev", ttl: defaultTTL()}, time.Now())
	return secret, "a token for it: " + token, err
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

// variables returns the environment variables that the guest gets: those that the
// config declares, and AUTH_*.
func variables(config *edge.Config, secret string) map[string]string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if _, declared := config.Vars[name]; declared || strings.HasPrefix(name, "AUTH_") {
			env[name] = value
		}
	}
	if secret != "" {
		env["AUTH_SECRET"] = secret
	}
	return env
}

// cacheDir returns the folder of the compiled guest.
func cacheDir(data string) string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "tidemark", "wazero")
	}
	return filepath.Join(data, "cache")
}
