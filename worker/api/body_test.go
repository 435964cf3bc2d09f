//go:build !js

package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/shared/web"
	"tidemark/worker/api"
	documentsapi "tidemark/worker/api/documents"
	projectsapi "tidemark/worker/api/projects"
	"tidemark/worker/store/projects"
	"tidemark/worker/webtest"
)

// unknown is n bytes whose number is not announced.
func unknown(n int) io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("x", n))) }

func TestBodiesUpToTheLimit(t *testing.T) {
	p := &ports{answer: []byte("1")}
	h := newHandler(t, p, "LIMIT_BODY_BYTES", "200000")
	for _, c := range []struct {
		body   io.Reader
		status int
		says   string
	}{
		{strings.NewReader(strings.Repeat("x", 200_000)), 200, ""},
		{strings.NewReader(strings.Repeat("x", 200_001)), 413, "larger than 200000 bytes"},
		{unknown(200_000), 200, ""},
		{unknown(200_001), 413, "larger than 200000 bytes"},
		{failing{io.ErrUnexpectedEOF}, 400, "BAD_REQUEST"},
		{failing{os.ErrDeadlineExceeded}, 408, "TIMEOUT"},
	} {
		p.pushes = nil
		want(t, ask(h, "POST", "/trpc/sync.push", c.body), c.status, c.says)
		if c.status == 200 && (len(p.pushes) != 1 || len(p.pushes[0]) != 200_000) {
			t.Errorf("%d pushes", len(p.pushes))
		}
	}
	want(t, ask(h, "POST", "/trpc/sync.pull,sync.pull?batch=1", unknown(200_001)), 413, `[{"error"`, `"code":"PAYLOAD_TOO_LARGE"`)
}

// failing is a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A lazyBody notes what is asked for, as a guest's body does.
type lazyBody struct {
	data  []byte
	asked []int64 // the limits
}

func (b *lazyBody) Read([]byte) (int, error) { return 0, errors.New("read in pieces") }
func (b *lazyBody) Close() error             { return nil }

func (b *lazyBody) ReadWhole(limit int64) ([]byte, error) {
	b.asked = append(b.asked, limit)
	if int64(len(b.data)) > limit {
		return nil, &web.MaxBytesError{Limit: limit}
	}
	return b.data, nil
}

// owned are projects of which everybody is the owner.
type owned struct{ projectsapi.Store }

func (owned) Role(context.Context, projects.Key) (project.Role, project.Seq, error) {
	return project.Owner, 1, nil
}

// sendBody sends a body of which n bytes are announced; -1: none are.
func sendBody(h http.Handler, method, path, token string, n int64, body *lazyBody, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Body, r.ContentLength = body, n
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newBodyHandler(t testing.TB, variables ...string) http.Handler {
	c := configure(t, pairs(variables))
	c.Root.Records.Store, c.Root.Projects, c.Door.Rooms = &ports{}, owned{}, &ports{}
	c.Root.Documents = &documentsapi.Config{Calls: &noRoom{}}
	return webtest.Handler{Of: api.New(c)}
}

// routesWithBody are the routes that read one, and how long it may be.
var routesWithBody = []struct {
	method, path string
	limit        int64
	scope        string
}{
	{"POST", "/trpc/sync.push", 16 << 20, "sync:write"},
	{"POST", "/trpc/sync.push,sync.push?batch=1", 16 << 20, "sync:write"},
	{"POST", "/trpc/sync.pull", 64 << 10, "sync:read"},
	{"POST", "/sync/purge", 64 << 10, "sync:admin"},
	{"POST", "/sync/restore", 0, "sync:admin"},
	{"POST", "/yjs/room", 16 << 20, "yjs:write"},
	{"POST", "/yjs/room/versions", 200, "yjs:write"},
	{"POST", "/api/v1/projects/", 256 << 10, "projects:write"},
	{"PATCH", "/api/v1/projects/p/", 256 << 10, "projects:write"},
	{"POST", "/api/v1/projects/p/tasks/", 256 << 10, "projects:write"},
	{"PATCH", "/api/v1/projects/p/tasks/t/", 256 << 10, "projects:write"},
	{"POST", "/api/v1/projects/p/sync/", 1_900_000, "projects:write"},
}

func ofScope(scope string) string {
	return conformance.Signer([]byte(secret))(conformance.Claims{Subject: "alice", Scope: scope, TTL: time.Hour})
}

func TestABodyIsAskedForAfterTheHeadWasChecked(t *testing.T) {
	h := newBodyHandler(t)
	poor := newBodyHandler(t, "LIMIT_REQUESTS_PER_MINUTE", "1")
	for _, c := range routesWithBody {
		for _, refused := range []struct {
			h       http.Handler
			token   string
			path    string
			status  int
			headers []string
		}{
			{h, "", c.path, 401, nil},
			{h, "nonsense", c.path, 401, nil},
			{h, ofScope("none:of:it"), c.path, 403, nil},
			{poor, ofScope(c.scope), c.path, 429, nil},
		} {
			if refused.status == 429 { // of which one may pass
				sendBody(poor, "GET", "/nowhere", ofScope(c.scope), 0, &lazyBody{})
			}
			body := &lazyBody{}
			w := sendBody(refused.h, c.method, refused.path, refused.token, 1<<30, body, refused.headers...)
			if w.Code != refused.status || body.asked != nil {
				t.Errorf("%s %s, token %.10q: status %d, want %d, asked for %v", c.method, refused.path, refused.token, w.Code, refused.status, body.asked)
			}
		}
	}
	for _, c := range []struct {
		method, path, contentType string
		status                    int
	}{
		{"POST", "/trpc/sync.push", "text/plain", 415},
		{"POST", "/trpc/nope", "application/json", 404},
		{"PUT", "/trpc/sync.push", "application/json", 405},
		{"POST", "/nowhere", "application/json", 404},
		{"POST", "/sync/pull", "application/json", 405},
		{"PUT", "/yjs/room", "application/json", 405},
		{"POST", "/api/v1/nowhere", "application/json", 404},
		{"PUT", "/api/v1/projects/p/", "application/json", 405},
	} {
		body := &lazyBody{}
		w := sendBody(h, c.method, c.path, token("alice"), -1, body, "Content-Type", c.contentType)
		if w.Code != c.status || body.asked != nil {
			t.Errorf("%s %s: status %d, want %d, asked for %v", c.method, c.path, w.Code, c.status, body.asked)
		}
	}
}

func TestEachRouteHasALimitOfItsOwn(t *testing.T) {
	h := newBodyHandler(t)
	for _, c := range routesWithBody {
		says, status := "larger than "+strconv.FormatInt(c.limit, 10)+" bytes", 413
		if c.limit == 0 {
			says, status = "takes no body", 400
		}
		announced := &lazyBody{}
		want(t, sendBody(h, c.method, c.path, ofScope(c.scope), c.limit+1, announced), status, says)
		if announced.asked != nil {
			t.Errorf("%s %s: a body that is announced to be too long was asked for", c.method, c.path)
		}
		unannounced := &lazyBody{data: make([]byte, c.limit+1)}
		want(t, sendBody(h, c.method, c.path, ofScope(c.scope), -1, unannounced), status, says)
		asks := []int64{c.limit}
		if c.limit > abi.BodyKept { // which most bodies are not longer than
			asks = []int64{abi.BodyKept, c.limit}
		}
		if !slices.Equal(unannounced.asked, asks) {
			t.Errorf("%s %s: asked for %v, want %v", c.method, c.path, unannounced.asked, asks)
		}
	}
	small := newBodyHandler(t, "LIMIT_BODY_BYTES", "100")
	for _, c := range routesWithBody {
		if c.limit > 0 {
			want(t, sendBody(small, c.method, c.path, ofScope(c.scope), 101, &lazyBody{}), 413, "larger than 100 bytes")
		}
	}
}

func TestUploadsAreCountedBeforeTheirBodyIsAskedFor(t *testing.T) {
	h := newBodyHandler(t, "LIMIT_UPLOADS_PER_MINUTE", "1")
	first, second := &lazyBody{data: []byte("{}")}, &lazyBody{data: []byte("{}")}
	sendBody(h, "POST", "/api/v1/projects/p/sync/", token("alice"), 2, first)
	w := sendBody(h, "POST", "/api/v1/projects/p/sync/", token("alice"), 2, second)
	if len(first.asked) != 1 || w.Code != 429 || second.asked != nil {
		t.Errorf("asked for %v, then status %d, asked for %v", first.asked, w.Code, second.asked)
	}
}
