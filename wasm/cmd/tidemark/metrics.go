//go:build !js

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// defaultMetricsAddr is where the metrics are, unless --metrics-addr says it.
	defaultMetricsAddr = "127.0.0.1:9464"
	noMetrics          = "off"
	scrapeTimeout      = 10 * time.Second
)

// listenMetrics takes the port of the metrics; nil: there is none. Two servers on one machine are
// usual, so it only warns if somebody else has the default port.
func listenMetrics(addr string, log *slog.Logger) (net.Listener, error) {
	if addr == noMetrics {
		return nil, nil
	}
	if addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("serve: --metrics-addr: %w", err)
		}
		return l, nil
	}
	l, err := net.Listen("tcp", defaultMetricsAddr)
	if err != nil {
		log.Warn("there are no metrics, because their port cannot be had: choose one with --metrics-addr", "addr", defaultMetricsAddr, "err", err)
		return nil, nil
	}
	return l, nil
}

// serveMetrics serves /metrics, and nothing else, until the listener is closed.
func serveMetrics(l net.Listener, metrics http.Handler, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: scrapeTimeout, WriteTimeout: 2 * scrapeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
		log.Error("the metrics are not served any more", "err", err)
	}
}
