package documents

import (
	"context"
	"fmt"
	"unicode/utf8"

	"tidemark/shared/auth"
	"tidemark/shared/yproto"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
)

// Copies are the database's copies of the documents; *documents.Copies does.
type Copies interface {
	LoadWithin(ctx context.Context, room string, b store.Budget) (state []byte, version int64, err error)
	Delete(ctx context.Context, room string) error
	List(ctx context.Context, prefix, after string, limit int) ([]documents.Entry, error)
}

// Versions keeps versions of the documents; *documents.Copies does.
type Versions interface {
	PutVersion(ctx context.Context, room string, v documents.Version, state []byte) error
	Version(ctx context.Context, room, id string, b store.Budget) ([]byte, error)
	Versions(ctx context.Context, room, before string, limit int) ([]documents.Version, error)
	DeleteVersions(ctx context.Context, room string) error
}

// A Config is what the routes work with.
type Config struct {
	Calls    door.Calls
	Copies   Copies
	Versions Versions
	// Known, if not nil, says whether a document may ever have been written. The room of
	// another one is not called: it would store that it exists.
	Known func(ctx context.Context, room string) (bool, error)
	// Enter, if not nil, notes that a document may be written. It returns the time for
	// yroom.Admission.At and yroom.Request.At.
	Enter func(ctx context.Context, room string) (at int64, err error)
	// Edited, if not nil, is called after a document got an edit.
	Edited func(ctx context.Context) error
	// Full, if not nil, returns the failure of a write to a space that is full.
	Full func(ctx context.Context) error
}

// known says whether a document may ever have been written.
func (c *Config) known(ctx context.Context, room string) (bool, error) {
	if c.Known == nil {
		return true, nil
	}
	return c.Known(ctx, room)
}

// enter is called before a document may be written.
func (c *Config) enter(ctx context.Context, room string) (at int64, err error) {
	if c.Enter == nil {
		return 0, nil
	}
	return c.Enter(ctx, room)
}

func (c *Config) edited(ctx context.Context) error {
	if c.Edited == nil {
		return nil
	}
	return c.Edited(ctx)
}

// full returns the failure of a write to a space that is full.
func (c *Config) full(ctx context.Context) error {
	if c.Full == nil {
		return nil
	}
	return c.Full(ctx)
}

type handler struct{ of func(*door.Call) *Config }

// root is where the paths of the routes begin. Behind it stands the room's name. several is the path of
// the sockets of several documents.
const (
	root    = "/yjs/"
	several = "/hocuspocus"
)

// Section is the routes of documents. of returns what a call works with. If of is nil,
// they are not implemented.
func Section(of func(*door.Call) *Config) *door.Section {
	s := &door.Section{
		Roots: []string{root, several},
		Admit: (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: refuse,
		Headers: "x-base-version, if-match, if-none-match",
	}
	if of == nil {
		s.Routes = []door.Route{
			{Name: "documents.none", Method: door.AnyMethod, Pattern: root + "{room...}", Serve: notServed},
			{Name: "documents.none.several", Method: door.AnyMethod, Pattern: several, Serve: notServed},
		}
		return s
	}
	h := &handler{of}
	const (
		room     = root + "{room...}"
		versions = room + "/versions"
		version  = versions + "/{version}"
	)
	// The first pattern that matches counts, and the last ones match everything.
	s.Routes = []door.Route{
		{Name: "documents.join", Method: "GET", Pattern: room, Upgrade: true, Socket: true, Permission: auth.YjsRead, Serve: h.join},
		{Name: "documents.several", Method: "GET", Pattern: several, Outside: true, Open: true, Serve: joinSeveral},
		{Name: "documents.people", Method: "GET", Pattern: room + "/presence", Permission: auth.YjsRead, Serve: h.people},
		{Name: "documents.list", Method: "GET", Pattern: root, Permission: auth.YjsRead, Serve: h.list},
		{Name: "documents.versions.list", Method: "GET", Pattern: versions, Permission: auth.YjsRead, Serve: h.listVersions},
		{Name: "documents.versions.keep", Method: "POST", Pattern: versions, Permission: auth.YjsWrite, Logged: true, Serve: h.keepVersion},
		{Name: "documents.versions.show", Method: "GET", Pattern: version, Permission: auth.YjsRead, Serve: h.showVersion},
		{Name: "documents.versions.restore", Method: "POST", Pattern: version + "/restore", Permission: auth.YjsWrite, Logged: true, Serve: h.restoreVersion},
		{Name: "documents.show", Method: "GET", Pattern: room, Permission: auth.YjsRead, Serve: h.show},
		{Name: "documents.head", Method: "HEAD", Pattern: room, Permission: auth.YjsRead, Serve: h.show},
		{Name: "documents.merge", Method: "POST", Pattern: room, Permission: auth.YjsWrite, Serve: h.merge},
		{Name: "documents.delete", Method: "DELETE", Pattern: room, Permission: auth.YjsWrite, Logged: true, Serve: h.delete},
	}
	return s
}

func notServed(*door.Call) error {
	return door.Fail(door.NotImplemented, "Yjs rooms are not served here")
}

// refuse writes an error. It sends a WebSocket the reason in y-protocols' form too.
func refuse(c *door.Call, err error) {
	door.RefuseSaying(c, err, func(reason string) []byte {
		return dialectOf(c).Append(nil, yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte(reason)})
	})
}

// dialectOf returns the dialect of a call's socket.
func dialectOf(c *door.Call) yproto.Dialect {
	if door.IsHocuspocus(c.R) {
		return yproto.Hocuspocus
	}
	return yproto.YWebsocket
}

// joinSeveral opens a socket on which Hocuspocus' provider has several documents. It brings no token: each document
// has its own, in a message.
func joinSeveral(c *door.Call) error {
	if !door.IsUpgrade(c.R) {
		return door.NotUpgrade()
	}
	path := root
	if c.Space.Name != "" {
		path = "/s/" + c.Space.Name + root
	}
	return c.Several(path)
}

// maxRoomBytes is how long the name of a room may be.
const maxRoomBytes = 512

// roomOf returns the name of the call's room. It rejects a caller whose token does not
// open the room.
func roomOf(c *door.Call) (string, error) {
	room := c.Parameter("room")
	if !c.ID.Rooms.Allows(room) {
		return "", door.Fail(door.Forbidden, "The token's rooms do not include this one")
	}
	if room == "" || len(room) > maxRoomBytes || !utf8.ValidString(room) {
		return "", door.Fail(door.NotFound, fmt.Sprintf("A room's name has 1 to %d bytes of UTF-8", maxRoomBytes))
	}
	return room, nil
}

// join hands a socket to its room, with the permission to write if the token has it.
func (h *handler) join(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	place := c.Space.Document(room)
	if err := c.Enter(place); err != nil {
		return err
	}
	write := c.ID.Scope.Allows(auth.YjsWrite)
	at, err := h.of(c).enter(c.R.Context(), room)
	if err != nil {
		return err
	}
	if write && h.of(c).full(c.R.Context()) != nil { // it may read on
		write = false
	}
	admission := yroom.Admission{Write: write, Dialect: dialectOf(c), Session: c.Session(), At: at, Subject: c.ID.Subject}
	return c.Join(place, admission.Append(nil))
}
