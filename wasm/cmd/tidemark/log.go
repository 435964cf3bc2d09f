//go:build !js

package main

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// logged logs one line for each request. The query is left out: it may hold a
// ticket.
func logged(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a := &answered{ResponseWriter: w, status: http.StatusOK}
		defer func() { // also if the connection is aborted
			log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", a.status),
				slog.Int64("bytes", a.bytes), slog.Duration("duration", time.Since(start)))
		}()
		next.ServeHTTP(a, r)
	})
}

// answered notes what is answered.
type answered struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Hijack is for WebSockets.
func (a *answered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(a.ResponseWriter).Hijack()
}
