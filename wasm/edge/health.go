//go:build !js

package edge

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// healthPatience is the time that the guest has to respond to a health request.
const healthPatience = time.Second

// health lets the host respond to health requests while the guest is busy.
type health struct {
	path  string
	asked sync.Mutex // held while the guest has a health request: one at a time
}

// serveHealth responds to a GET of the health path, and returns false for any
// other request. While all instances are busy, the host itself sends the response
// that the guest would send.
func (w *Worker) serveHealth(rw http.ResponseWriter, r *http.Request) bool {
	if w.health.path == "" || r.URL.Path != w.health.path || r.Method != http.MethodGet {
		return false
	}
	SetRoute(rw, w.health.path)
	if !w.health.asked.TryLock() {
		writeHealth(rw)
		return true
	}
	if a, responded := w.within(healthPatience, r, w.health.asked.Unlock); responded {
		w.write(rw, r, a)
	} else {
		writeHealth(rw)
	}
	return true
}

// within has the guest answer a request without a body. It returns false if the guest takes
// longer than patience. It calls done when the guest has answered, however late.
func (w *Worker) within(patience time.Duration, r *http.Request, done func()) (a answer, responded bool) {
	c := &call{head: appendHead(make([]byte, 0, 512), r), replayable: true}
	answered, late := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(answered)
		defer done()
		w.do(c)
		a = w.pass(c, r)
	}()
	defer w.clock.AfterFunc(patience, func() { close(late) })()
	select {
	case <-answered:
		return a, true
	case <-late:
		return answer{}, false
	}
}

func writeHealth(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	io.WriteString(rw, `{"status":"ok"}`)
}
