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
}

type handler struct{ Config }

// root is where the paths of the routes begin. Behind it stands the room's name.
const root = "/yjs/"

// Section is the routes of documents. Without a Config they are not implemented.
func Section(c *Config) *door.Section {
	s := &door.Section{
		Roots: []string{root},
		Admit: (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: refuse,
		Headers: "x-base-version, if-match, if-none-match",
	}
	if c == nil {
		s.Routes = []door.Route{{Name: "documents.none", Method: door.AnyMethod, Pattern: root + "{room...}", Serve: notServed}}
		return s
	}
	h := &handler{*c}
	const (
		room     = root + "{room...}"
		versions = room + "/versions"
		version  = versions + "/{version}"
	)
	// The first pattern that matches counts, and the last ones match everything.
	s.Routes = []door.Route{
		{Name: "documents.join", Method: "GET", Pattern: room, Upgrade: true, Permission: auth.YjsRead, Serve: h.join},
		{Name: "documents.list", Method: "GET", Pattern: root, Permission: auth.YjsRead, Serve: h.list},
		{Name: "documents.versions.list", Method: "GET", Pattern: versions, Permission: auth.YjsRead, Serve: h.listVersions},
		{Name: "documents.versions.keep", Method: "POST", Pattern: versions, Permission: auth.YjsWrite, Serve: h.keepVersion},
		{Name: "documents.versions.show", Method: "GET", Pattern: version, Permission: auth.YjsRead, Serve: h.showVersion},
		{Name: "documents.versions.restore", Method: "POST", Pattern: version + "/restore", Permission: auth.YjsWrite, Serve: h.restoreVersion},
		{Name: "documents.show", Method: "GET", Pattern: room, Permission: auth.YjsRead, Serve: h.show},
		{Name: "documents.head", Method: "HEAD", Pattern: room, Permission: auth.YjsRead, Serve: h.show},
		{Name: "documents.merge", Method: "POST", Pattern: room, Permission: auth.YjsWrite, Serve: h.merge},
		{Name: "documents.delete", Method: "DELETE", Pattern: room, Permission: auth.YjsWrite, Serve: h.delete},
	}
	return s
}

func notServed(*door.Call) error {
	return door.Fail(door.NotImplemented, "Yjs rooms are not served here")
}

// refuse writes an error. It sends a WebSocket the reason in y-protocols' form too.
func refuse(c *door.Call, err error) {
	door.RefuseSaying(c, err, func(reason string) []byte {
		return yproto.YWebsocket.Append(nil, yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte(reason)})
	})
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
	if err := c.Enter(door.YjsBinding, room); err != nil {
		return err
	}
	admission := yroom.Admission{Write: c.ID.Scope.Allows(auth.YjsWrite), Session: c.Session()}
	return c.Join(door.YjsBinding, room, admission.Append(nil))
}
