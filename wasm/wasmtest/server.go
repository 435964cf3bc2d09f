//go:build !js

package wasmtest

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"tidemark/wasm/edge"
)

// Options are the settings of a Server. Guest and Config are required.
type Options struct {
	Guest     string // a package, see Build
	Config    *edge.Config
	Data      string            // a folder; a temporary one if ""
	Env       map[string]string // variables
	Instances int               // 1 if 0, so that tests are repeatable
	OpenFiles int               // see edge.Options
	Clock     *Clock            // the wall clock if nil
	Health    string            // see edge.Options
	Ready     string            // likewise
	Seed      uint64            // of the order in which Gate lets deliveries through
	Log       io.Writer         // of the host and the guest; the test's log if nil
}

// A Server is a guest behind HTTP, on 127.0.0.1. It ends with the test.
type Server struct {
	URL  string
	Gate *Gate

	t       testing.TB
	options Options
	worker  atomic.Pointer[edge.Worker]
	http    *httptest.Server
}

// Start runs a guest.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	if o.Instances == 0 {
		o.Instances = 1
	}
	if o.Log == nil {
		o.Log = t.Output()
	}
	s := &Server{Gate: NewGate(o.Seed), t: t, options: o}
	s.open()
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Worker().ServeHTTP(w, r)
	}))
	s.http.Config.ErrorLog = log.New(o.Log, "", 0)
	s.http.Start()
	s.URL = s.http.URL
	t.Cleanup(func() {
		s.Gate.Open()
		s.Worker().ForTests().Crash()
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

func (s *Server) open() {
	s.t.Helper()
	o := edge.Options{
		Module: Compile(s.t, s.options.Guest), Config: s.options.Config, Data: s.options.Data, Env: s.options.Env,
		Instances: s.options.Instances, ForTests: edge.TestOptions{Hold: s.Gate.pass}, Health: s.options.Health, Ready: s.options.Ready,
		OpenFiles: s.options.OpenFiles,
		Log:       slog.New(slog.NewTextHandler(s.options.Log, nil)),
	}
	if s.options.Clock != nil {
		o.Clock = s.options.Clock
	}
	w, err := edge.Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.worker.Store(w)
}

// Data is the folder of the worker's data.
func (s *Server) Data() string { return s.options.Data }

// Worker returns the running Worker. Crash and Restart replace it.
func (s *Server) Worker() *edge.Worker { return s.worker.Load() }

// Crash ends the worker as the end of its process would. Then it starts another on
// the same data.
func (s *Server) Crash() {
	s.t.Helper()
	s.Gate.Open()
	s.Worker().ForTests().Crash()
	s.open()
}

// Restart ends the worker in good order and starts another on the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Gate.Open()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := s.Worker().Close(ctx); err != nil {
		s.t.Error(err)
	}
	s.open()
}
