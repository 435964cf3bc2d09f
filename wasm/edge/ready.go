//go:build !js

package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"tidemark/shared/abi"
)

// readyKept is how long the Worker remembers whether it is ready. Anybody may ask, and to find
// it out it writes to the disk.
const readyKept = time.Second

// probeBytes is how many bytes the folder of the objects must take: more than a database's page.
const probeBytes = 8 << 10

// ready is what the Worker knows of its readiness.
type ready struct {
	path string

	mu       sync.Mutex // held while the Worker finds it out
	at       time.Time  // when it did; zero: never
	failures []json.RawMessage
	asked    sync.Mutex // held while the guest has such a request: one at a time
}

// serveReady responds to a GET or HEAD of the path of readiness, and returns false for any other
// request. The Worker is ready if the guest says so, if an instance runs, and if the folder of
// the objects takes writes. If all instances are busy, the guest's part is missing: a server
// that is loaded is ready. F3.
func (w *Worker) serveReady(rw http.ResponseWriter, r *http.Request) bool {
	if w.ready.path == "" || r.URL.Path != w.ready.path || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	SetRoute(rw, w.ready.path)
	failures := w.unready(r)
	status, said := http.StatusOK, struct {
		Status   string            `json:"status"`
		Failures []json.RawMessage `json:"failures,omitempty"`
	}{"ready", failures}
	h := rw.Header()
	if len(failures) > 0 {
		status, said.Status = http.StatusServiceUnavailable, "unready"
		h.Set("Retry-After", "5")
	}
	body, _ := json.Marshal(said) // of texts, and of JSON that was checked
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	rw.Write(body)
	return true
}

// unready returns what fails, as JSON objects.
func (w *Worker) unready(r *http.Request) []json.RawMessage {
	k := &w.ready
	k.mu.Lock()
	defer k.mu.Unlock()
	now := w.clock.Now()
	if age := now.Sub(k.at); !k.at.IsZero() && 0 <= age && age < readyKept {
		return k.failures
	}
	failures := w.guestUnready(r.Host)
	if err := probe(filepath.Join(w.data, "do")); err != nil {
		w.isFull("the folder of the objects", err)
		failures = append(failures, failure("folder", "do", unwritable(err)))
	}
	k.at, k.failures = now, failures
	return failures
}

// guestUnready returns the failures that the guest knows of, or that no instance runs.
func (w *Worker) guestUnready(host string) []json.RawMessage {
	if !w.ready.asked.TryLock() {
		return nil // an instance has an earlier request
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: w.ready.path}, Host: host}
	a, responded := w.within(healthPatience, r, w.ready.asked.Unlock)
	if !responded {
		return nil
	}
	if a.lost != "" {
		return []json.RawMessage{failure("instance", "guest", a.lost)}
	}
	head, err := abi.DecodeResponse(a.head)
	if err == nil && head.Status == http.StatusOK {
		return nil
	}
	var said struct{ Failures []json.RawMessage }
	if json.Unmarshal(bytes.Join(a.parts, nil), &said); len(said.Failures) > 0 {
		return said.Failures
	}
	return []json.RawMessage{failure("instance", "guest", "no answer")}
}

// failure returns {"KIND":"name","error":"why"}.
func failure(kind, name, why string) json.RawMessage {
	b, _ := json.Marshal(map[string]string{kind: name, "error": why})
	return b
}

// probe writes a file into a folder and deletes it.
func probe(dir string) error {
	f, err := os.Create(filepath.Join(dir, ".ready"))
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeBytes))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// unwritable says why a folder takes no writes, and nothing else of it.
func unwritable(err error) string {
	switch {
	case hasNoSpace(err):
		return "disk full"
	case errors.Is(err, syscall.EROFS):
		return "read-only"
	}
	return "not writable"
}
