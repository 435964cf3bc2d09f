//go:build !js

package edge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// observed is a Worker with the test guest, and a log of JSON that has the guest's own lines, too.
type observed struct {
	*testing.T
	*edge.Worker
	handler http.Handler
	log     bytes.Buffer
}

func observe(t *testing.T, env map[string]string) *observed {
	t.Helper()
	o := &observed{T: t}
	w, err := edge.Open(edge.Options{
		Module: wasmtest.Compile(t, testguest), Config: config(t, ""), Data: t.TempDir(), Env: env, Instances: 1,
		Log: slog.New(slog.NewJSONHandler(&o.log, nil)), Version: "v1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.ForTests().Crash)
	o.Worker, o.handler = w, w.Observe(w)
	return o
}

// get sends a request with these headers, each "Name: value".
func (o *observed) get(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	rw := httptest.NewRecorder()
	o.handler.ServeHTTP(rw, r)
	return rw
}

// logged returns the records of the log with that message.
func (o *observed) logged(msg string) (found []map[string]any) {
	o.Helper()
	for line := range bytes.Lines(o.log.Bytes()) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			o.Fatalf("%s: %v", line, err)
		}
		if record["msg"] == msg {
			found = append(found, record)
		}
	}
	return found
}

// metric returns the value of a sample, "" if there is none.
func (o *observed) metric(sample string) string {
	rw := httptest.NewRecorder()
	o.Metrics().Handler().ServeHTTP(rw, httptest.NewRequest("GET", "/", nil))
	_, rest, _ := strings.Cut("\n"+rw.Body.String(), "\n"+sample+" ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestARequestKeepsTheIDOfItsCallerOrGetsOne(t *testing.T) { // M3
	o := observe(t, nil)
	for _, c := range []struct {
		headers []string
		id      string // "": a new one
		parent  any
	}{
		{nil, "", nil},
		{[]string{"X-Request-Id: mine", "Traceparent: " + parent}, "mine", parent},
		{[]string{"X-Request-Id: not sane", "Traceparent: none"}, "", nil},
		{[]string{"X-Request-Id: one", "X-Request-Id: two", "Traceparent: " + parent, "Traceparent: " + parent}, "", nil},
	} {
		rw := o.get("/trivial?ticket=secret", c.headers...)
		id := rw.Header().Get("X-Request-Id")
		lines := o.logged("request")
		line := lines[len(lines)-1]
		if c.id != "" && id != c.id || c.id == "" && len(id) != 32 || line["request_id"] != id || line["traceparent"] != c.parent || line["path"] != "/trivial" {
			t.Errorf("%v: id %q, line %v", c.headers, id, line)
		}
	}
	if first, second := o.get("/trivial").Header().Get("X-Request-Id"), o.get("/trivial").Header().Get("X-Request-Id"); first == second {
		t.Errorf("two requests have the id %s", first)
	}
	if strings.Contains(o.log.String(), "secret") {
		t.Errorf("the log holds a ticket: %s", &o.log)
	}
}

// The Worker returns these itself, as the guest did not respond.
func TestAFailureOfTheHostHasTheID(t *testing.T) { // M3
	o := observe(t, nil)
	rw := o.get("/exit", "X-Request-Id: mine")
	if rw.Code != http.StatusInternalServerError || rw.Header().Get("X-Request-Id") != "mine" {
		t.Errorf("got %d %v", rw.Code, rw.Header())
	}
	rw = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/v1/x", nil)
	r.Header.Set("X-Request-Id", "mine")
	if edge.WriteFailure(rw, r, http.StatusServiceUnavailable, "later"); !strings.Contains(rw.Body.String(), `"request_id":"mine"`) {
		t.Errorf("the problem is %s", rw.Body)
	}
}

func TestWhatTheGuestPrintsIsInTheLog(t *testing.T) { // M3
	o := observe(t, nil)
	o.get("/panic", "X-Request-Id: mine")
	lines := o.logged("a handler did not return")
	if len(lines) != 1 || lines[0]["level"] != "ERROR" || lines[0]["panic"] != "on request" || lines[0]["request_id"] != "mine" {
		t.Errorf("got %v in %s", lines, &o.log)
	}
	o.get("/goroutine-panic") // Go's runtime prints text
	text := ""
	for _, line := range o.logged("the guest printed a line") {
		text += fmt.Sprintln(line["line"])
	}
	if !strings.Contains(text, "panic: ") || !strings.Contains(text, "goroutine ") {
		t.Errorf("got %s in %s", text, &o.log)
	}
}

func TestTheEndOfAnInstanceIsCountedWithItsReason(t *testing.T) { // M2
	o := observe(t, map[string]string{"LIMIT_STRETCH_MS": "2000", "LIMIT_MEMORY_MB": "48"})
	if err := o.Boot(); err != nil {
		t.Fatal(err)
	}
	if got := o.metric("tidemark_instances") + o.metric("tidemark_instance_memory_bytes"); len(got) < 7 || got[0] != '1' {
		t.Errorf("one instance: %s", got)
	}
	o.get("/exit")
	o.get("/loop")
	o.get("/memory?mb=100")
	o.get("/trivial")
	o.Trim()
	for _, reason := range []string{"failed", "too_long", "memory", "idle"} {
		if got := o.metric(`tidemark_instances_ended_total{reason="` + reason + `"}`); got != "1" {
			t.Errorf("%s: %q", reason, got)
		}
	}
	if got := o.metric("tidemark_instances") + o.metric("tidemark_instance_memory_bytes"); got != "00" {
		t.Errorf("no instance: %s", got)
	}
	if got := o.overview(); got.Ended != (abi.OverviewEnded{Memory: 1, TooLong: 1, Failed: 1}) || *got.Instances != 1 || got.MemoryBytes < 1<<20 {
		t.Errorf("%+v", got)
	}
}

// overview returns what the host tells the guest.
func (o *observed) overview() (got abi.Overview) {
	o.Helper()
	if err := json.Unmarshal(o.get("/overview").Body.Bytes(), &got); err != nil {
		o.Fatal(err)
	}
	return got
}

func TestTheHostTellsTheGuestWhatItCounts(t *testing.T) {
	o := observe(t, nil)
	for range 3 {
		o.get("/trivial")
	}
	o.get("/nothing")
	got := o.overview()
	if len(got.Minutes) == 0 || got.Server.Host != abi.HostSelf || got.Server.Of != abi.OfProcess || got.Server.Version != "v1.2.3" || got.Server.Since > got.Now {
		t.Errorf("%+v", got)
	}
	var all abi.OverviewMinute
	for _, m := range got.Minutes {
		all.Requests, all.Refused = all.Requests+m.Requests, all.Refused+m.Refused
	}
	if all.Requests != 4 || all.Refused != 1 {
		t.Errorf("%+v", got.Minutes)
	}
	if got.Backup != (abi.OverviewBackup{Here: true}) || got.Copies == nil {
		t.Errorf("%+v", got)
	}
}

func TestBatchesAndFilesOfObjectsAreCounted(t *testing.T) { // M2
	o := observe(t, nil)
	o.get("/d1?n=1&id=a")
	if got := o.metric(`tidemark_batch_seconds_count{database="DB"}`); got == "0" || got == "" {
		t.Errorf("batches of D1: %q", got)
	}
	rw := httptest.NewRecorder()
	o.handler.ServeHTTP(rw, httptest.NewRequest("POST", "/room/a/call", strings.NewReader("add 1")))
	if got := o.metric("tidemark_objects_open"); got != "1" {
		t.Errorf("open files after %d %s: %q", rw.Code, rw.Body, got)
	}
	if got := o.metric(`tidemark_batch_seconds_count{database="probe"}`); got != "1" {
		t.Errorf("commits of the object: %q", got)
	}
	if got := o.metric(`tidemark_requests_total{method="GET",route="unknown",status="200"}`); got != "1" {
		t.Errorf("requests of a guest that names no route: %q", got)
	}
}
