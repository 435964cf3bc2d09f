//go:build js && wasm

// Command worker is the guest: it wires the decisions of shared to the host
// that runs it, workerd or wazero.
package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"tidemark/shared/metric"
	"tidemark/shared/record"
	"tidemark/shared/room"
	"tidemark/shared/webhook"
	"tidemark/worker/api"
	"tidemark/worker/api/dialect"
	docsapi "tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/overview"
	rowsapi "tidemark/worker/api/records"
	"tidemark/worker/host"
	"tidemark/worker/space"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/spaces"
	"tidemark/worker/store/tickets"
	"tidemark/worker/store/transfer"
	"tidemark/worker/webhooks"
)

// root is the database of the root.
const root = host.D1("DB")

func main() {
	builtIn := newServer(door.BuiltIn) // in the snapshot
	host.Serve(func() host.Config {
		settings, invalid := door.ReadSettings(host.Getenv)
		if settings.Declared {
			return newServer(settings.Tables).open(settings, invalid)
		}
		return builtIn.open(settings, invalid)
	})
}

// A server is the guest's program. What it has before open follows from the tables alone, so that a snapshot may hold it.
type server struct {
	prepared
	schema    record.Schema
	claims    []string // of the schema
	telling   *telling
	rows      *dialect.Watermelon
	directory *spaces.Directory
	memory    *door.Memory
	rooms     *host.YjsRooms
	databases []api.Database
	handler   *api.Handler
	space     *space.Config
	host      host.Config
}

func newServer(schema record.Schema) *server {
	s := &server{prepared: prepare(schema), schema: schema, claims: schema.Claims(), telling: newTelling(root), memory: door.NewMemory(0)}
	s.rows = &dialect.Watermelon{Records: records.New(s.telling, s.records), Schema: schema}
	s.directory = spaces.NewDirectory(s.telling)
	copies := documents.NewCopies(s.telling)
	s.rooms = &host.YjsRooms{
		Free: s.memory.Free, Database: func(o *host.Object) (host.YjsDatabase, string) { return database(o, copies) },
		Storage: s.telling.log, IsOutboxCall: webhooks.IsMessage,
	}
	s.memory.Granted(func(bytes int) {
		s.rooms.GiveWay()
		host.Collect(bytes)
	})
	s.memory.FullIf(host.Full, func(ctx context.Context) { host.Again(ctx) })
	s.databases = []api.Database{{Name: "DB", Write: func(ctx context.Context) error { return store.Write(ctx, s.telling) }}}
	s.handler = s.newHandler(copies)
	s.space = &space.Config{
		Serve: s.handler.ServeSpace, Records: s.records, Projects: s.projects, Transfer: s.transfer, Schema: schema, Tables: s.tables,
		Directory: s.directory, Calls: host.Rooms{}, Now: time.Now, Log: host.Log,
	}
	var recent room.Recent[space.Ends]
	s.host = host.Config{
		Handler: s.handler, Counts: counts(schema),
		Classes: map[string]host.Class{
			"SyncRoom": s.telling.syncRoom(), "YjsRoom": s.rooms.Class, spaceYjsRoom: s.rooms.Class,
			"Space": host.NewSpace(func(o *host.SpaceObject) host.Program { return space.New(s.space, o.Name, o, &recent) }),
		},
	}
	return s
}

func (s *server) newHandler(copies *documents.Copies) *api.Handler {
	ticketStore, projectStore := tickets.New(s.telling), projects.New(s.telling, s.projects)
	desk := s.telling.desk()
	return api.Prepare(api.Config{
		Door: door.Config{
			Rooms: host.Rooms{}, Web: host.Web{},
			Sessions: &door.Sessions{Store: tickets.NewSessions(s.telling), Calls: host.Rooms{}},
			Memory:   s.memory, Sleep: host.Sleep,
			Now: time.Now, Log: host.Log,
		},
		Root: api.Stores{
			Tickets:   ticketStore,
			Records:   rowsapi.Config{Store: s.rows, Restorers: []rowsapi.Restorer{ticketStore, projectStore}},
			Projects:  projectStore,
			Documents: &docsapi.Config{Calls: host.Rooms{}, Copies: copies, Versions: copies},
			Transfer:  transfer.New(s.telling, s.transfer),
		},
		Spaces:   s.directory,
		Webhooks: desk,
		Overview: &overview.Config{
			Host: host.Overview, Directory: s.directory, Webhooks: desk, Place: placeOf,
			Storage: store.StorageNumber, TablesVersion: int(s.schema.Version),
		},
		Databases: s.databases,
	})
}

// open gives the server its settings. It serves nothing before.
func (s *server) open(settings door.Settings, invalid error) host.Config {
	missing := root.Check()
	s.databases[0].Missing = missing
	invalid = cmp.Or(invalid, missing)
	if invalid != nil {
		settings.Webhooks = webhook.Config{} // nothing is served, and nothing sent
	}
	settings.Auth.Kept = s.claims
	s.telling.open(settings.Webhooks)
	s.telling.announce(s.records, s.projects, s.directory)
	s.records.Bound(settings.Sync.PullBytes)
	s.rows.Limits, s.space.Limits = settings.Sync, settings.Sync
	s.memory.Divide(settings.MemoryBytes)
	s.rooms.Config, s.rooms.CacheBytes, s.rooms.EventBytes = settings.Documents, settings.CacheBytes, settings.Documents.IntegrateBytes
	s.rooms.Outbox, s.space.Outbox = s.telling.ofDocuments(), s.telling.ofSpaces()
	s.space.Bytes = settings.SpaceBytes
	s.handler.Open(settings, invalid)
	return s.host
}

// spaceYjsRoom is the class of the rooms of spaces' documents.
const spaceYjsRoom = "SpaceYjsRoom"

// placeOf returns the space and the room of a document's object.
func placeOf(class, name string) (space, room string) {
	if class == spaceYjsRoom {
		space, room, _ = strings.Cut(name, "/")
		return space, room
	}
	return "", name
}

// counts returns the counters of the tables, which are 0 from the start.
func counts(schema record.Schema) (c metric.Counts) {
	for i := range schema.Tables {
		name := schema.Tables[i].Name
		c.Start(metric.PullRows, name)
		for _, outcome := range []string{metric.Created, metric.Updated, metric.Deleted, metric.Superseded, metric.Rejected} {
			c.Start(metric.PushRows, name, outcome)
		}
	}
	return c
}

// database returns where the copies of an object's document are: in D1, or in the object of
// its space.
func database(o *host.Object, ofRoot *documents.Copies) (host.YjsDatabase, string) {
	if o.Class != spaceYjsRoom {
		return ofRoot, o.Name
	}
	name, room := placeOf(o.Class, o.Name)
	remote := &space.Remote{Calls: host.Rooms{}, Space: name, Room: room, Now: time.Now}
	return struct {
		*documents.Copies
		*space.Remote
	}{documents.NewCopies(remote), remote}, room
}
