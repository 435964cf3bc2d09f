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
	builtIn := prepare(door.BuiltIn) // in the snapshot
	host.Boot()
	settings, invalid := door.ReadSettings(host.Getenv)
	missing := root.Check()
	invalid = cmp.Or(invalid, missing)
	if invalid != nil {
		settings.Webhooks = webhook.Config{} // nothing is served, and nothing sent
	}
	telling := newTelling(settings.Webhooks, root)
	db := telling.db()
	schema := settings.Tables
	settings.Auth.Kept = schema.Claims()
	prepared := builtIn.adapt(&settings)
	rows := &dialect.Watermelon{Records: records.New(db, prepared.records), Schema: schema, Limits: settings.Sync}
	ticketStore, projectStore := tickets.New(db), projects.New(db, prepared.projects)
	directory, copies := spaces.NewDirectory(db), documents.NewCopies(db)
	telling.announce(prepared.records, prepared.projects, directory)
	memory := door.NewMemory(settings.MemoryBytes)
	rooms := &host.YjsRooms{
		Config: settings.Documents, CacheBytes: settings.CacheBytes, Free: memory.Free,
		EventBytes: settings.Documents.IntegrateBytes, Database: func(o *host.Object) (host.YjsDatabase, string) { return database(o, copies) },
		Storage: telling.log, Outbox: telling.ofDocuments(), IsOutboxCall: webhooks.IsMessage,
	}
	memory.Granted(func(bytes int) {
		rooms.GiveWay()
		host.Collect(bytes)
	})
	memory.FullIf(host.Full, func(ctx context.Context) { host.Again(ctx) })
	handler := api.New(api.Config{
		Door: door.Config{
			Rooms: host.Rooms{}, Web: host.Web{},
			Sessions: &door.Sessions{Store: tickets.NewSessions(db), Calls: host.Rooms{}},
			Memory:   memory, Sleep: host.Sleep,
			Now: time.Now, Settings: settings, Invalid: invalid, Log: host.Log,
		},
		Root: api.Stores{
			Tickets:   ticketStore,
			Records:   rowsapi.Config{Store: rows, Restorers: []rowsapi.Restorer{ticketStore, projectStore}},
			Projects:  projectStore,
			Documents: &docsapi.Config{Calls: host.Rooms{}, Copies: copies, Versions: copies},
			Transfer:  transfer.New(db, prepared.transfer),
		},
		Spaces:    directory,
		Webhooks:  telling.desk(),
		Databases: []api.Database{{Name: "DB", Missing: missing, Write: func(ctx context.Context) error { return store.Write(ctx, db) }}},
	})
	config := &space.Config{
		Serve: handler.ServeSpace, Records: prepared.records, Projects: prepared.projects, Transfer: prepared.transfer, Schema: schema, Tables: prepared.tables, Limits: settings.Sync,
		Bytes: settings.SpaceBytes, Directory: directory, Calls: host.Rooms{}, Now: time.Now, Log: host.Log, Outbox: telling.ofSpaces(),
	}
	var recent room.Recent[space.Ends]
	host.Serve(host.Config{
		Handler: handler, Counts: counts(schema),
		Classes: map[string]host.Class{
			"SyncRoom": telling.syncRoom(), "YjsRoom": rooms.Class, spaceYjsRoom: rooms.Class,
			"Space": host.NewSpace(func(o *host.SpaceObject) host.Program { return space.New(config, o.Name, o, &recent) }),
		},
	})
}

// spaceYjsRoom is the class of the rooms of spaces' documents.
const spaceYjsRoom = "SpaceYjsRoom"

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
	name, room, _ := strings.Cut(o.Name, "/")
	remote := &space.Remote{Calls: host.Rooms{}, Space: name, Room: room, Now: time.Now}
	return struct {
		*documents.Copies
		*space.Remote
	}{documents.NewCopies(remote), remote}, room
}
