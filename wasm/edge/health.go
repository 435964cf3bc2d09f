//go:build !js

package edge

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// healthPatience is how long the guest has to say that it is well.
const healthPatience = time.Second

// health is how the host tells that it lives, whatever the guest does.
type health struct {
	path  string
	asked sync.Mutex // held while the guest is asked, for one request at a time
}

// serveHealth answers a request for the host's health, or false if it is none.
// While all instances are busy the host answers by itself what the guest would.
func (w *Worker) serveHealth(rw http.ResponseWriter, r *http.Request) bool {
	if w.health.path == "" || r.URL.Path != w.health.path || r.Method != http.MethodGet {
		return false
	}
	if !w.health.asked.TryLock() {
		writeHealth(rw)
		return true
	}
	c := &call{head: appendHead(make([]byte, 0, 512), r), replayable: true}
	answered, late := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(answered)
		defer w.health.asked.Unlock()
		w.ask(c)
	}()
	defer w.clock.AfterFunc(healthPatience, func() { close(late) })()
	select {
	case <-answered:
		w.write(rw, r, c.answer)
	case <-late:
		writeHealth(rw)
	}
	return true
}

func writeHealth(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	io.WriteString(rw, `{"status":"ok"}`)
}
