//go:build !js

package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/auth"
	"tidemark/shared/record"
	"tidemark/shared/web"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	"tidemark/worker/api/records"
	"tidemark/worker/store"
	"tidemark/worker/store/tickets"
	"tidemark/worker/webtest"
)

// claimsKept are the claims that the rules of the tests' tables name.
var claimsKept = []string{"teams", "app.org"}

// A callerServer is a server whose tables note who calls, in the root and in the spaces.
type callerServer struct {
	*ports
	handler http.Handler
	tickets *tickets.Store
}

func newCallerServer(t *testing.T, variables ...string) *callerServer {
	s := &callerServer{tickets: tickets.New(wasmtest.OpenD1(t, store.Migrations()))}
	s.ports = &ports{answer: []byte("1"), Tickets: s.tickets}
	change := func(c *api.Config) { c.Door.Settings.Auth.Kept = claimsKept }
	s.handler = newHandlerWith(t, s.ports, change, variables...)
	return s
}

// ask sends a request, and what the Worker forwards of it to the space.
func (s *callerServer) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if len(s.forwarded) == 0 || !s.forwarded[0].Request {
		return w
	}
	f := s.forwarded[0]
	s.forwarded = nil
	stores := &api.Stores{Records: records.Config{Store: s.ports}, Tickets: s.tickets}
	w = httptest.NewRecorder()
	handler, in := s.handler.(webtest.Handler).Of.(*api.Handler), &door.Space{Name: f.Name, Tickets: s.tickets, Stores: stores}
	webtest.Func(func(w web.ResponseWriter, r *web.Request) { handler.ServeSpace(w, r, in, f.Attachment) })(w, r)
	return w
}

// waysIn are the requests that reach the tables.
var waysIn = []struct{ method, path, body string }{
	{"GET", "/trpc/sync.pull", ""},
	{"GET", "/trpc/sync.pull,sync.pull?batch=1&input=%7B%7D", ""},
	{"POST", "/trpc/sync.push", "{}"},
	{"GET", "/sync/pull", ""},
	{"GET", "/sync/checksum", ""},
	{"GET", "/sync/explain?table=customers&id=c", ""},
}

func TestTheTablesAreToldWhoCalls(t *testing.T) {
	const data = "sync:read sync:write"
	for _, c := range []struct {
		claims, place string
		want          record.Caller
	}{
		{`{}`, "", record.Caller{}},
		{`{"sub":"alice"}`, "", record.Caller{Subject: "alice"}},
		{`{"sub":"alice","scope":"` + data + ` editor"}`, "", record.Caller{Subject: "alice", Words: data + " editor"}},
		{`{"scope":" sync:read  sync:write\teditor "}`, "", record.Caller{Words: data + " editor"}},
		{`{"scope":["sync:read","sync:write","editor"]}`, "", record.Caller{Words: data + " editor"}},
		{`{"sub":"alice","teams":["b","a"],"app":{"org":"x","other":"y"},"other":"z"}`, "",
			record.Caller{Subject: "alice", Claims: `{"app.org":"x","teams":["a","b"]}`}},
		{`{"teams":"a","app":{"org":7}}`, "", record.Caller{Claims: `{"teams":"a"}`}},
		{`{"sub":"alice","spaces":["","acme"],"teams":["a"]}`, "", record.Caller{Subject: "alice", Claims: `{"teams":["a"]}`}},
		{`{"sub":"alice","spaces":["","acme"],"teams":["a"]}`, "/s/acme", record.Caller{Subject: "alice", Claims: `{"teams":["a"]}`}},
		{`{"sub":"alice","spaces":["acme"],"scope":"` + data + ` editor"}`, "/s/acme", record.Caller{Subject: "alice", Words: "editor " + data}},
		{`{"scope":"root","spaces":{"":"` + data + ` owner","acme":"` + data + ` editor","a*":"viewer","beta":"owner"},"teams":[]}`, "/s/acme",
			record.Caller{Words: "editor " + data + " viewer", Claims: `{"teams":[]}`}},
		{`{"scope":"root","spaces":{"":"` + data + ` owner","acme":"` + data + ` editor"},"app.org":"x"}`, "",
			record.Caller{Words: "owner " + data, Claims: `{"app.org":"x"}`}},
	} {
		s := newCallerServer(t)
		for _, in := range waysIn {
			s.callers = nil
			r := httptest.NewRequest(in.method, c.place+in.path, strings.NewReader(in.body))
			r.Header.Set("Authorization", "Bearer "+auth.Sign([]byte(secret), []byte(c.claims)))
			r.Header.Set("Content-Type", "application/json")
			w := s.ask(r)
			if w.Code != 200 || len(s.callers) == 0 || slices.ContainsFunc(s.callers, func(got record.Caller) bool { return got != c.want }) {
				t.Errorf("%s at %s%s: %d, got %+v, want %+v", c.claims, c.place, in.path, w.Code, s.callers, c.want)
			}
		}
	}
}

func TestTheSubjectOfACallerIsThatOfTheMapping(t *testing.T) {
	s := newCallerServer(t, "AUTH_CLAIMS", "sub=user")
	r := httptest.NewRequest("GET", "/sync/pull", nil)
	r.Header.Set("Authorization", "Bearer "+auth.Sign([]byte(secret), []byte(`{"sub":"s","user":"u"}`)))
	want(t, s.ask(r), 200)
	if got := fmt.Sprint(s.callers); got != "[{u  }]" {
		t.Errorf("got %s", got)
	}
}

// A ticket has no claims, so that no request but a socket's may come by it.
func TestATicketReachesNoTable(t *testing.T) {
	for _, place := range []string{"", "/s/acme"} {
		s := newCallerServer(t)
		token := "Bearer " + auth.Sign([]byte(secret), []byte(`{"sub":"alice","spaces":["","acme"],"teams":["a"]}`))
		for _, path := range []string{"/sync/pull?", "/sync/checksum?", "/sync/explain?", "/trpc/sync.pull?", "/sync/subscribe?"} {
			r := httptest.NewRequest("POST", place+"/auth/ticket", nil)
			r.Header.Set("Authorization", token)
			_, ticket, _ := strings.Cut(s.ask(r).Body.String(), `{"ticket":"`)
			ticket, _, _ = strings.Cut(ticket, `"`)
			r = httptest.NewRequest("GET", place+path+"ticket="+ticket, nil)
			r.Header.Set("Upgrade", "websocket")
			w := s.ask(r)
			code := w.Code
			if len(s.forwarded) > 0 {
				refusal, _ := s.forwarded[0].Refusal()
				code = refusal.Code
			}
			joined := path == "/sync/subscribe?"
			if joined != (code == 0) || !joined && code != 401 && code != 4401 || len(s.callers) > 0 {
				t.Errorf("%s%s: %d, %+v", place, path, code, s.callers)
			}
			s.forwarded = nil
		}
	}
}
