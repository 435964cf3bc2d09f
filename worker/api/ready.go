package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/room"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// A Database is one that the server must be able to write.
type Database struct {
	Name string
	// Missing is the error of a server without this binding, or nil.
	Missing error
	// Write writes to the database, and changes nothing.
	Write func(context.Context) error
}

// readyKept is how long an instance remembers whether its databases take writes: each time that
// it asks them is a write, and anybody may ask.
const readyKept = time.Second

// readiness is what an instance knows of its databases.
type readiness struct {
	databases []Database

	mu       sync.Mutex // never held over a write
	at       time.Time  // of the last request that asked the databases
	known    bool       // failures are those of a request that asked them
	failures []byte     // JSON objects, with commas between
	logged   room.Seldom
}

func readySection(databases []Database) *door.Section {
	r := &readiness{databases: databases}
	return &door.Section{
		Roots: []string{"/readyz"},
		Routes: []door.Route{
			{Name: "ready", Method: "GET", Pattern: "/readyz", Serve: r.serve},
			{Name: "ready.head", Method: "HEAD", Pattern: "/readyz", Serve: r.serve},
		},
		Admit: func(*door.Call) error { return nil }, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}

// serve returns 200 if the variables are valid and every database takes writes, and otherwise 503 and
// what fails. F3.
func (r *readiness) serve(c *door.Call) error {
	failures := r.ask(c)
	missing := func(d Database) bool { return d.Missing == c.Invalid } // it is among the failures
	if c.Invalid != nil && !slices.ContainsFunc(r.databases, missing) {
		failures = appendFailure(append([]byte(nil), failures...), "variable", variableOf(c.Invalid), c.Invalid.Error())
	}
	if len(failures) == 0 {
		c.WriteJSON(web.StatusOK, []byte(`{"status":"ready"}`))
		return nil
	}
	c.W.Header().Set("Retry-After", "5")
	c.WriteJSON(web.StatusServiceUnavailable, append(append([]byte(`{"status":"unready","failures":[`), failures...), "]}"...))
	return nil
}

// ask returns the failures of the databases, which it asks unless it did so a moment ago.
func (r *readiness) ask(c *door.Call) []byte {
	now := c.Now()
	r.mu.Lock()
	if age := now.Sub(r.at); r.known && 0 <= age && age < readyKept {
		defer r.mu.Unlock()
		return r.failures
	}
	r.at = now // requests that come before the answer get the last one
	r.mu.Unlock()
	var failures []byte
	var failed error
	for _, d := range r.databases {
		if d.Missing != nil { // the log has it since the boot
			failures = appendFailure(failures, "database", d.Name, d.Missing.Error())
		} else if err := d.Write(c.R.Context()); err != nil {
			failed = err
			failures = appendFailure(failures, "database", d.Name, unready(err))
		}
	}
	r.mu.Lock()
	r.known, r.failures = true, failures
	logs := failed != nil && r.logged.Due(now)
	r.mu.Unlock()
	if logs {
		c.Log.Error("a database takes no writes", "error", failed)
	}
	return failures
}

// appendFailure appends {"KIND":"name","error":"why"} to failures, behind a comma if it is not the first.
func appendFailure(failures []byte, kind, name, why string) []byte {
	if len(failures) > 0 {
		failures = append(failures, ',')
	}
	failures = append(append(append(failures, `{"`...), kind...), `":`...)
	failures = append(ijson.AppendString(failures, name), `,"error":`...)
	return append(ijson.AppendString(failures, why), '}')
}

// variableOf returns the name of the variable with which the error of a setting begins.
func variableOf(invalid error) string {
	name := invalid.Error()
	if i := strings.IndexAny(name, " :"); i >= 0 {
		name = name[:i]
	}
	return name
}

// unready says why a database takes no writes, and nothing else of it.
func unready(err error) string {
	switch text := err.Error(); {
	case abi.Full(err):
		return "disk full"
	case strings.Contains(text, "SQLITE_READONLY"):
		return "read-only"
	}
	return "not writable; the log says why"
}
