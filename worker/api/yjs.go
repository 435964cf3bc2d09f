package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/tickets"
)

// The routes of Yjs rooms. A room's name is what y-websocket puts behind the
// server's URL: it may hold slashes. In paths that end in /versions and so on, a
// slash of the name is written %2F.
//
//	GET    /yjs/ROOM with an upgrade   y-websocket
//	GET    /yjs/ROOM                   the state as an update; ?sv= the Base64url of a state vector for what it lacks
//	GET    /yjs/ROOM?format=json|tree  the document as JSON; as tree, with texts and XML types as objects
//	GET    /yjs/ROOM?format=text&name= the text of a root
//	POST   /yjs/ROOM                   merges the update that is the body
//	DELETE /yjs/ROOM                   forgets the document and its versions
//	GET    /yjs/?prefix=&after=&limit= {"rooms":[{"room":"…","updated_at":…},…],"next":"…"}, as the database knows them
const yjsRoot = "/yjs/"

// YjsBinding is the binding of the class YjsRoom.
const YjsBinding = "YJS_ROOM"

// RoomCalls reaches the rooms themselves; host.Rooms does.
type RoomCalls interface {
	// Call sends a message, which may be in pieces, and waits for the reply.
	Call(ctx context.Context, binding, room string, data ...[]byte) (reply []byte, err error)
}

// YjsDocuments are the database's copies; *documents.Copies does.
type YjsDocuments interface {
	LoadWithin(ctx context.Context, room string, b store.Budget) (state []byte, version int64, err error)
	Delete(ctx context.Context, room string) error
	List(ctx context.Context, prefix, after string, limit int) ([]documents.Entry, error)
}

// A Yjs is what serves Yjs rooms; without one they are not implemented.
type Yjs struct {
	Calls     RoomCalls
	Documents YjsDocuments
	Versions  YjsVersions
	// UpdateBytes is how long an update may be, beside LIMIT_BODY_BYTES.
	UpdateBytes int64
}

const (
	maxRoomBytes = 512 // of a name
	maxListed    = 1000
)

// yjs answers everything below yjsRoot.
func (s *server) yjs(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if s.Yjs == nil {
		return &trpc.Error{Code: trpc.NotImplemented, Message: "Yjs rooms are not served here"}
	}
	if isUpgrade(r) {
		return s.joinYjs(w, r, id)
	}
	escaped, versions := cutVersions(strings.TrimPrefix(r.URL.EscapedPath(), yjsRoot))
	room, err := url.PathUnescape(escaped)
	if err != nil {
		return &trpc.Error{Code: trpc.BadRequest, Message: "The path is malformed"}
	}
	if versions != nil {
		return s.yjsVersions(w, r, id, room, versions)
	}
	if room == "" {
		return s.listYjs(w, r, id)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.showYjs(w, r, id, room)
	case http.MethodPost:
		return s.mergeYjs(w, r, id, room)
	case http.MethodDelete:
		return s.deleteYjs(w, r, id, room)
	}
	return wrongMethod("GET, HEAD, POST, DELETE")
}

// permitRoom refuses an identity without the permission for the room.
func permitRoom(id auth.Identity, p auth.Permission, room string) error {
	if err := permit(id, p); err != nil {
		return err
	}
	if !id.Rooms.Allows(room) {
		return &trpc.Error{Code: trpc.Forbidden, Message: "The token's rooms do not include this one"}
	}
	if room == "" || len(room) > maxRoomBytes || !utf8.ValidString(room) {
		return &trpc.Error{Code: trpc.NotFound, Message: fmt.Sprintf("A room's name has 1 to %d bytes of UTF-8", maxRoomBytes)}
	}
	return nil
}

// joinYjs hands a socket to its room, and says there whether it may write.
func (s *server) joinYjs(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	room := strings.TrimPrefix(r.URL.Path, yjsRoot)
	if err := permitRoom(id, auth.YjsRead, room); err != nil {
		return err
	}
	if err := s.enter(r.Context(), id, tickets.Place{Binding: YjsBinding, Room: room}); err != nil {
		return err
	}
	admission := yroom.Admission{Write: id.Scope.Allows(auth.YjsWrite), Session: sessionOf(id)}
	return s.Rooms.Forward(w, r, abi.Forward{
		Binding: YjsBinding, Name: room, Protocol: protocol(r), Owner: owner(id), Attachment: admission.Append(nil),
	})
}

// shownBytes is how long a document may be to be shown without ado.
const shownBytes = 64 << 10

// grownBytes is by how much a document may grow between the two questions.
const grownBytes = 256 << 10

// seeYjs asks a room to show its document. Of one that is longer than a little it
// first learns how long, and holds the memory for the replies of the room. So the
// memory that a request can have is what bounds a document that is shown.
func (s *server) seeYjs(ctx context.Context, id auth.Identity, room string, q yroom.Request) (yroom.Reply, error) {
	q.Version = shownBytes
	p, err := s.callYjs(ctx, id, room, q)
	for err == nil && p.Status == yroom.StatusLonger {
		length, _ := strconv.Atoi(string(p.Body)) // as JSON it may be longer still
		q.Version = uint64(length + min(length/8, grownBytes))
		if err = hold(ctx, replyTimes*int(q.Version)); err != nil {
			return p, err
		}
		p, err = s.callYjs(ctx, id, room, q)
	}
	return p, err
}

// replyTimes is how much memory a document takes on its way from a room to the
// client: as the room's reply, in the host, and as the answer.
const replyTimes = 3

// callYjs asks a room, and counts what that cost as requests of who asks. A room
// that does not know the database's copy yet is told it.
func (s *server) callYjs(ctx context.Context, id auth.Identity, room string, q yroom.Request) (p yroom.Reply, err error) {
	if len(q.Data) > smallClaim {
		return s.giveYjs(ctx, id, room, q)
	}
	defer func() { s.owe(id, p.Cost) }()
	p, err = s.callYjsOnce(ctx, room, q)
	if err != nil || p.Status != yroom.StatusUnseeded {
		return p, err
	}
	state, version, err := s.Yjs.Documents.LoadWithin(ctx, room, memoryBudget)
	if err != nil {
		return p, err
	}
	seed, err := s.callYjsOnce(ctx, room, yroom.Request{Op: yroom.OpSeed, Version: uint64(max(version, 0)), Data: state})
	if err != nil {
		return p, err
	}
	if seed.Status != yroom.StatusOK {
		return p, fmt.Errorf("seed the room: %s", seed.Body)
	}
	return s.callYjsOnce(ctx, room, q)
}

// giveYjs is callYjs with much data, which the request neither keeps nor sends twice:
// it is the room's.
func (s *server) giveYjs(ctx context.Context, id auth.Identity, room string, q yroom.Request) (yroom.Reply, error) {
	wake := yroom.Request{Op: yroom.OpState, ETag: "*"} // until the room knows the database's copy
	if _, err := s.callYjs(ctx, id, room, wake); err != nil {
		return yroom.Reply{}, err
	}
	give(ctx, len(q.Data))
	p, err := s.callYjsOnce(ctx, room, q)
	s.owe(id, p.Cost)
	return p, err
}

func (s *server) callYjsOnce(ctx context.Context, room string, q yroom.Request) (yroom.Reply, error) {
	data := q.Data // at the request's end, and not copied
	q.Data = nil
	reply, err := s.Yjs.Calls.Call(ctx, YjsBinding, room, yroom.AppendRequest(nil, q), data)
	if err != nil {
		return yroom.Reply{}, fmt.Errorf("call a Yjs room: %w", err)
	}
	return yroom.DecodeReply(reply)
}

// yjsError turns what a room answers into an error, or nil.
func yjsError(p yroom.Reply) error {
	switch p.Status {
	case yroom.StatusOK, yroom.StatusUnchanged:
		return nil
	case yroom.StatusAbsent:
		message := "There is no such document"
		if len(p.Body) > 0 {
			message = string(p.Body)
		}
		return &trpc.Error{Code: trpc.NotFound, Message: message}
	case yroom.StatusMalformed:
		return &trpc.Error{Code: trpc.BadRequest, Message: string(p.Body)}
	case yroom.StatusFull:
		return &trpc.Error{Code: trpc.PayloadTooLarge, Message: string(p.Body)}
	case yroom.StatusGone:
		return &trpc.Error{Code: trpc.Conflict, Message: "The update belongs to a document of this name that was deleted in the last 10 minutes"}
	case yroom.StatusBusy:
		return errBusy
	case yroom.StatusTooLarge:
		return &trpc.Error{Code: trpc.PayloadTooLarge, Message: "The document is too large for this format"}
	}
	return fmt.Errorf("a Yjs room answered status %d", p.Status)
}

// showYjs answers the document. An ETag names its last update.
func (s *server) showYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room string) error {
	if err := permitRoom(id, auth.YjsRead, room); err != nil {
		return err
	}
	query := r.URL.Query()
	q := yroom.Request{Op: yroom.OpState, ETag: strings.Join(r.Header.Values("If-None-Match"), ",")}
	contentType := "application/octet-stream"
	switch format := query.Get("format"); format {
	case "":
		vector, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(query.Get("sv"), "="))
		if err != nil {
			return &trpc.Error{Code: trpc.BadRequest, Message: "The parameter sv is not Base64url"}
		}
		q.Data = vector
	case "json":
		q.Op, contentType = yroom.OpJSON, "application/json"
	case "tree":
		q.Op, contentType = yroom.OpTree, "application/json"
	case "text":
		q.Op, q.Data, contentType = yroom.OpText, []byte(query.Get("name")), "text/plain; charset=utf-8"
	default:
		return &trpc.Error{Code: trpc.BadRequest, Message: "The parameter format is json, tree or text"}
	}
	p, err := s.seeYjs(r.Context(), id, room, q)
	if err == nil {
		err = yjsError(p)
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("ETag", `"`+p.ETag+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if p.Status == yroom.StatusUnchanged {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(p.Body)
	}
	return nil
}

func (s *server) mergeYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room string) error {
	if err := permitRoom(id, auth.YjsWrite, room); err != nil {
		return err
	}
	update, err := s.readBody(r, s.Yjs.UpdateBytes)
	if err != nil {
		return err
	}
	return s.changeYjs(w, r, id, room, yroom.Request{Op: yroom.OpMerge, Data: update})
}

// changeYjs asks a room for a change, and answers the ETag of what it made.
func (s *server) changeYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room string, q yroom.Request) error {
	p, err := s.callYjs(r.Context(), id, room, q)
	if err == nil {
		err = yjsError(p)
	}
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+p.ETag+`"`)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteYjs empties the room, which deletes its copy later if that fails here.
func (s *server) deleteYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room string) error {
	if err := permitRoom(id, auth.YjsWrite, room); err != nil {
		return err
	}
	p, err := s.callYjs(r.Context(), id, room, yroom.Request{Op: yroom.OpDelete})
	if err == nil {
		err = yjsError(p)
	}
	if err == nil {
		err = s.Yjs.Documents.Delete(r.Context(), room)
	}
	if err == nil {
		err = s.Yjs.Versions.DeleteVersions(r.Context(), room)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listYjs lists rooms, those that the token opens.
func (s *server) listYjs(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if r.Method != http.MethodGet {
		return wrongMethod("GET")
	}
	if err := permit(id, auth.YjsRead); err != nil {
		return err
	}
	query := r.URL.Query()
	limit := 100
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListed {
			return &trpc.Error{Code: trpc.BadRequest, Message: fmt.Sprintf("The parameter limit is a number from 1 to %d", maxListed)}
		}
		limit = n
	}
	rooms, err := s.allowedRooms(r.Context(), id.Rooms, query.Get("prefix"), query.Get("after"), limit)
	if err != nil {
		return err
	}
	b, comma := []byte(`{"rooms":[`), ""
	for _, room := range rooms {
		b = ijson.AppendString(append(append(b, comma...), `{"room":`...), room.Room)
		b = append(strconv.AppendInt(append(b, `,"updated_at":`...), room.UpdatedAt, 10), '}')
		comma = ","
	}
	b = append(b, ']')
	if len(rooms) == limit {
		b = ijson.AppendString(append(b, `,"next":`...), rooms[len(rooms)-1].Room)
	}
	write(w, http.StatusOK, append(b, '}'))
	return nil
}

// allowedRooms lists at most limit rooms after a name. Others are not even the
// end of a page, which the client is told.
func (s *server) allowedRooms(ctx context.Context, allowed auth.Rooms, prefix, after string, limit int) (listed []documents.Entry, err error) {
	page := limit
	if allowed.Limited {
		page = maxListed
		if all := allowed.Prefix(); strings.HasPrefix(all, prefix) {
			prefix = all
		}
	}
	for {
		rooms, err := s.Yjs.Documents.List(ctx, prefix, after, page)
		if err != nil {
			return nil, err
		}
		for _, room := range rooms {
			if after = room.Room; allowed.Allows(room.Room) {
				listed = append(listed, room)
			}
			if len(listed) == limit {
				return listed, nil
			}
		}
		if len(rooms) < page {
			return listed, nil
		}
	}
}
