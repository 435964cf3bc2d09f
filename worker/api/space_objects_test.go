//go:build !js

package api_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	"tidemark/worker/space"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/spaces"
	"tidemark/worker/store/transfer"
)

// spaceObjects stand in for the Durable Objects of spaces: the program of a space over
// SQLite in memory. They are the door.Rooms of a handler: what is not for a space goes on to
// the rooms of the root.
type spaceObjects struct {
	door.Rooms
	t      *testing.T
	config space.Config

	mu         sync.Mutex
	named      map[string]*spaceObject
	calls      []string       // the binding and the room of every Call, which reaches no room
	left       int            // how many calls succeed; -1: all
	onDocument func(yroom.Op) // if not nil, is called before each Call of a document
	during     func()         // if not nil, runs once, in the next Call
}

var errCut = errors.New("the call was cut off")

// openSpaces gives a configuration spaces, whose directory is in db. The caller has set its
// clock and its rooms before. The spaces have the tables of the settings.
func openSpaces(t *testing.T, c *api.Config, db store.DB) (*api.Handler, *spaceObjects) {
	t.Helper()
	limits, schema := watermelon.DefaultLimits(), c.Door.Settings.Tables
	o := &spaceObjects{Rooms: c.Door.Rooms, t: t, named: map[string]*spaceObject{}, left: -1}
	directory, pages := spaces.NewDirectory(db), transfer.NewStatements(schema)
	pages.CheckState = yroom.CheckState
	c.Door.Rooms, c.Spaces = o, directory
	o.config = space.Config{
		Records: records.NewStatements(schema, limits.PullBytes), Projects: projects.NewStatements(),
		Transfer: pages, Schema: schema, Tables: spaces.NewTables(schema),
		Limits: limits, Bytes: c.Door.Settings.SpaceBytes, Directory: directory, Calls: o, Now: c.Door.Now, Log: c.Door.Log,
	}
	handler := api.New(*c)
	o.config.Serve = handler.ServeSpace
	return handler, o
}

// object returns the object of a space, whether or not the space exists.
func (o *spaceObjects) object(name string) *spaceObject {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.named[name] == nil {
		s := &spaceObject{Object: wasmtest.NewObject(o.t), subscribers: newRooms(o.t)}
		o.begin(name, s)
		o.named[name] = s
	}
	return o.named[name]
}

// begin makes the program of a space anew, as a host does that has started.
func (o *spaceObjects) begin(name string, s *spaceObject) {
	s.program = space.New(&o.config, name, s, &room.Recent[space.Ends]{})
}

// objects returns the names of the objects that got anything.
func (o *spaceObjects) objects() (names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name := range o.named {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Call notes a message to another object. A Yjs room has an empty document.
func (o *spaceObjects) Call(_ context.Context, binding, room string, message ...[]byte) ([]byte, error) {
	if binding == door.SpaceYjsBinding && o.onDocument != nil {
		o.onDocument(yroom.Op(message[0][0]))
	}
	o.mu.Lock()
	during := o.during
	o.during = nil
	o.mu.Unlock()
	if during != nil {
		during()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left == 0 {
		return nil, errCut
	}
	o.left--
	o.calls = append(o.calls, binding+" "+room)
	if binding == door.SpaceYjsBinding {
		return append(yroom.Erased(), 0, 0), nil
	}
	return nil, nil
}

// inSpace is the key of the object whose request a context is.
type inSpace struct{}

func (o *spaceObjects) Forward(w web.ResponseWriter, r *web.Request, f abi.Forward) error {
	if f.Request {
		o.object(f.Name).serve(w, r, f.Attachment)
		return nil
	}
	if s, _ := r.Context().Value(inSpace{}).(*spaceObject); s != nil { // a socket does not keep other requests waiting
		s.request.Unlock()
		defer s.request.Lock()
	}
	if f.Binding == door.SpaceBinding {
		return o.object(f.Name).subscribers.Forward(w, r, f)
	}
	return o.Rooms.Forward(w, r, f)
}

// A spaceObject is a space.Object.
type spaceObject struct {
	*wasmtest.Object
	program     *space.Space
	subscribers *rooms
	served      atomic.Int64 // requests

	// request is held while a request runs. In the guest the events of all requests run on
	// one thread; here that thread is the request's.
	request sync.Mutex
	alarm   time.Time // zero: none

	broken bool // nothing can be read
}

func (s *spaceObject) serve(w web.ResponseWriter, r *web.Request, enclosed []byte) {
	s.request.Lock()
	defer s.request.Unlock()
	s.served.Add(1)
	s.program.Serve(w, r.WithContext(context.WithValue(r.Context(), inSpace{}, s)), enclosed)
}

// meanwhile runs f while a request of the object waits for something.
func (s *spaceObject) meanwhile(f func()) {
	s.request.Unlock()
	defer s.request.Lock()
	f()
}

func (s *spaceObject) Try(statements ...abi.Statement) ([]abi.Result, error) {
	if s.broken {
		return nil, errCut
	}
	return s.Object.Try(statements...)
}

// ring is the alarm.
func (s *spaceObject) ring() error {
	s.request.Lock()
	defer s.request.Unlock()
	return s.program.Alarm(context.Background())
}

func (s *spaceObject) Publish(changes []syncroom.Change) {
	s.subscribers.publish(syncroom.AppendChanges(nil, changes))
}

func (s *spaceObject) CloseAll(code int, _ string) { s.subscribers.closeAll(code) }
func (s *spaceObject) Subscribers() int            { return s.subscribers.count() }
func (s *spaceObject) Wake(at time.Time)           { s.alarm = at }

// Erase deletes the alarm, too.
func (s *spaceObject) Erase() {
	s.alarm = time.Time{}
	s.Object.Erase()
}
