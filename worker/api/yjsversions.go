package api

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
)

// The routes of versions. A slash of the room's name is written %2F.
//
//	POST /yjs/ROOM/versions              the body, if any, is its name; 201 {"id":"…","name":"…","subject":"…","created_at":…,"bytes":…}
//	GET  /yjs/ROOM/versions?before=      {"versions":[…]}, the newest first, 100 at a time
//	GET  /yjs/ROOM/versions/ID           its state as an update
//	POST /yjs/ROOM/versions/ID/restore   makes the document what it was, as a new edit
//
// YjsVersions keeps them; *documents.Copies does.
type YjsVersions interface {
	PutVersion(ctx context.Context, room string, v documents.Version, state []byte) error
	Version(ctx context.Context, room, id string, b store.Budget) ([]byte, error)
	Versions(ctx context.Context, room, before string, limit int) ([]documents.Version, error)
	DeleteVersions(ctx context.Context, room string) error
}

const (
	maxVersionName = 200 // bytes
	versionsListed = 100
)

// cutVersions takes the part about versions from the escaped path of a room.
func cutVersions(path string) (room string, rest []string) {
	parts := strings.Split(path, "/")
	for n := 2; n <= 4 && n <= len(parts); n++ {
		tail := parts[len(parts)-n+1:]
		if tail[0] == "versions" && (n < 4 || tail[2] == "restore") {
			return strings.Join(parts[:len(parts)-n+1], "/"), tail
		}
	}
	return path, nil
}

func (s *server) yjsVersions(w http.ResponseWriter, r *http.Request, id auth.Identity, room string, path []string) error {
	switch {
	case len(path) == 3 && r.Method == http.MethodPost:
		return s.restoreYjs(w, r, id, room, path[1])
	case len(path) == 3:
		return wrongMethod("POST")
	case len(path) == 1 && r.Method == http.MethodPost:
		return s.keepYjs(w, r, id, room)
	case r.Method != http.MethodGet:
		return wrongMethod("GET, POST")
	}
	if err := permitRoom(id, auth.YjsRead, room); err != nil {
		return err
	}
	if len(path) == 1 {
		return s.listVersions(w, r, room)
	}
	state, err := s.yjsVersion(r.Context(), room, path[1])
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(state)
	return nil
}

func (s *server) yjsVersion(ctx context.Context, room, id string) ([]byte, error) {
	state, err := s.Yjs.Versions.Version(ctx, room, id, memoryBudget)
	if err == nil && state == nil {
		err = &trpc.Error{Code: trpc.NotFound, Message: "There is no such version"}
	}
	return state, err
}

func (s *server) listVersions(w http.ResponseWriter, r *http.Request, room string) error {
	versions, err := s.Yjs.Versions.Versions(r.Context(), room, r.URL.Query().Get("before"), versionsListed)
	if err != nil {
		return err
	}
	b := []byte(`{"versions":[`)
	for i, v := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendVersion(b, v)
	}
	write(w, http.StatusOK, append(b, ']', '}'))
	return nil
}

func appendVersion(b []byte, v documents.Version) []byte {
	b = ijson.AppendString(append(b, `{"id":`...), v.ID)
	b = ijson.AppendString(append(b, `,"name":`...), v.Name)
	b = ijson.AppendString(append(b, `,"subject":`...), v.Subject)
	b = strconv.AppendInt(append(b, `,"created_at":`...), v.CreatedAt, 10)
	return append(strconv.AppendInt(append(b, `,"bytes":`...), int64(v.Bytes), 10), '}')
}

// keepYjs keeps the document as it is under a name.
func (s *server) keepYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room string) error {
	if err := permitRoom(id, auth.YjsWrite, room); err != nil {
		return err
	}
	name, err := s.readBody(r, maxVersionName)
	if err != nil {
		return err
	}
	p, err := s.seeYjs(r.Context(), id, room, yroom.Request{Op: yroom.OpState})
	if err == nil {
		err = yjsError(p)
	}
	if err != nil {
		return err
	}
	now := s.Now().UnixMilli()
	v := documents.Version{
		ID:   fmt.Sprintf("%011x%s", now, rand.Text()[:8]), // the time, which orders them
		Name: strings.ToValidUTF8(string(name), "\uFFFD"), Subject: id.Subject, CreatedAt: now, Bytes: len(p.Body),
	}
	if err := s.Yjs.Versions.PutVersion(r.Context(), room, v, p.Body); err != nil {
		return err
	}
	write(w, http.StatusCreated, appendVersion(nil, v))
	return nil
}

// restoreYjs makes the document show a version, as the work of a client that does not
// exist yet. A host may make the call twice: by the client's id the room knows that it
// was done.
func (s *server) restoreYjs(w http.ResponseWriter, r *http.Request, id auth.Identity, room, version string) error {
	if err := permitRoom(id, auth.YjsWrite, room); err != nil {
		return err
	}
	state, err := s.yjsVersion(r.Context(), room, version)
	if err != nil {
		return err
	}
	var dice [8]byte
	rand.Read(dice[:])
	client := 1<<40 + binary.LittleEndian.Uint64(dice[:])%(1<<40) // above the ids of yjs 13
	return s.changeYjs(w, r, id, room, yroom.Request{Op: yroom.OpRestore, Version: client, Data: state})
}
