//go:build !js

package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
	"tidemark/worker/webtest"
)

// A strict database returns columns of distinct names only, as production D1
// loses one of two that are called the same.
type strict struct {
	*wasmtest.D1
	t *testing.T
}

func (s strict) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := s.D1.Batch(ctx, statements)
	for i, r := range results {
		seen := map[string]bool{}
		for _, name := range r.Columns {
			if seen[name] {
				s.t.Errorf("two columns %q: %s", name, statements[i].SQL)
			}
			seen[name] = true
		}
	}
	return results, err
}

func openD1(t *testing.T) strict {
	t.Helper()
	return strict{wasmtest.OpenD1(t, store.Migrations()), t}
}

// openProjects is a server of projects on SQLite in memory.
func openProjects(t *testing.T, variables map[string]string) *httptest.Server {
	t.Helper()
	c, db := configure(t, variables), openD1(t)
	c.Root.Projects, c.Door.Rooms = projects.New(db, projects.NewStatements()), newProjectRooms(t)
	handler, _ := openSpaces(t, &c, db)
	server := httptest.NewServer(webtest.Handler{Of: handler})
	t.Cleanup(server.Close)
	return server
}

func doorOf(server *httptest.Server) conformance.Door {
	return conformance.Door{BaseURL: server.URL, Token: conformance.Signer([]byte(secret)), Secret: []byte(secret)}
}

// TestProjectsConformance runs the suite on the root, and then in a space. It
// holds every request to the root that was served and every response against the OpenAPI
// document. S2: the rules of a space are those of the root.
func TestProjectsConformance(t *testing.T) {
	server := openProjects(t, nil)
	document := newDocument(t, server.URL)
	seen := document.check
	bothDoors(t, doorOf(server), func(t *testing.T, door conformance.Door) {
		conformance.RunProjects(t, door, seen)
		seen = nil
	})
	document.wantCoverage(t)
}

// A document validates exchanges.
type document struct {
	mu        sync.Mutex
	validator validator.Validator
	text      []byte
	seen      map[string]bool // operation and status
	kinds     map[string]int  // how many exchanges of the same kind were validated
}

func newDocument(t *testing.T, url string) *document {
	t.Helper()
	res, err := http.Get(url + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("the document: %v", e)
		}
	}
	return &document{validator: v, text: text, seen: map[string]bool{}, kinds: map[string]int{}}
}

// sameKind bounds how many exchanges of one method, path shape and status are
// validated: the suite asks the same thousands of times.
const sameKind = 40

func (d *document) check(t *testing.T, e conformance.Exchange) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	r, err := http.NewRequest(e.Method, "http://host"+e.Path, strings.NewReader(e.Body))
	if err != nil || e.Status == 401 {
		return // what was asked is no request, or the header was taken out
	}
	kind := e.Method + " " + shape(r.URL.Path) + " " + http.StatusText(e.Status)
	if d.kinds[kind]++; d.kinds[kind] > sameKind {
		return
	}
	r.Header = e.Header
	if e.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := &http.Response{StatusCode: e.Status, Header: e.AnswerHeader, Body: io.NopCloser(bytes.NewReader(e.Answer)), Request: r}
	if e.Status == 404 || e.Status == 405 {
		if e.AnswerHeader.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: an error that is no problem: %s", kind, e.Answer)
		}
		return // perhaps no path of the document
	}
	if e.Status < 300 {
		if ok, errs := d.validator.ValidateHttpRequest(r); !ok {
			for _, e := range errs {
				t.Errorf("%s: the request: %v %v", kind, e, e.SchemaValidationErrors)
			}
		}
	}
	r.Body = io.NopCloser(strings.NewReader(e.Body))
	if ok, errs := d.validator.ValidateHttpResponse(r, answer); !ok {
		for _, err := range errs {
			t.Errorf("%s: the answer: %v %v: %s", kind, err, err.SchemaValidationErrors, e.Answer)
		}
	}
	d.seen[kind] = true
}

// shape is the path with ids taken out.
func shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch s {
		case "", "api", "v1", "projects", "tasks", "dependencies", "calendars", "memberships", "sync", "subscribe", "docs", "openapi.json":
		default:
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// wantCoverage wants that every kind of a served operation was validated.
func (d *document) wantCoverage(t *testing.T) {
	t.Helper()
	for _, kind := range []string{
		"GET /api/v1/projects/ OK", "POST /api/v1/projects/ Created", "POST /api/v1/projects/ OK",
		"GET /api/v1/projects/{}/sync/ OK", "POST /api/v1/projects/{}/sync/ OK", "POST /api/v1/projects/{}/sync/ Conflict",
		"GET /api/v1/projects/{}/ OK", "PATCH /api/v1/projects/{}/ OK", "DELETE /api/v1/projects/{}/ No Content",
	} {
		if !d.seen[kind] {
			t.Errorf("no exchange %q was validated", kind)
		}
	}
	for _, list := range []string{"tasks", "dependencies", "calendars", "memberships"} {
		for _, kind := range []string{"GET /api/v1/projects/{}/%/ OK", "POST /api/v1/projects/{}/%/ Created", "GET /api/v1/projects/{}/%/{}/ OK",
			"PATCH /api/v1/projects/{}/%/{}/ OK", "DELETE /api/v1/projects/{}/%/{}/ No Content", "POST /api/v1/projects/{}/%/ Bad Request"} {
			if kind = strings.Replace(kind, "%", list, 1); !d.seen[kind] {
				t.Errorf("no exchange %q was validated", kind)
			}
		}
	}
}
