//go:build js && wasm

// Command worker is the guest: it wires the decisions of shared to the host
// that runs it, workerd or wazero.
package main

import (
	"context"
	"time"

	"tidemark/shared/record"
	"tidemark/worker/api"
	"tidemark/worker/api/dialect"
	docsapi "tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	rowsapi "tidemark/worker/api/records"
	"tidemark/worker/host"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/tickets"
)

func main() {
	settings, invalid := door.ReadSettings(host.Getenv)
	db := host.D1("DB")
	schema := record.Default()
	rows := &dialect.Watermelon{
		Records: records.New(db, records.NewStatements(schema, settings.Sync.PullBytes)), Schema: schema, Limits: settings.Sync,
	}
	ticketStore, projectStore := tickets.New(db), projects.New(db, projects.NewStatements())
	copies := documents.NewCopies(db)
	memory := door.NewMemory(settings.MemoryBytes)
	rooms := &host.YjsRooms{
		Config: settings.Documents, CacheBytes: settings.CacheBytes, Free: memory.Free,
		EventBytes: settings.Documents.IntegrateBytes, Database: copies,
		Storage: func(exec host.Exec) host.YjsStorage { return documents.Log{Exec: exec} },
	}
	memory.Granted(func(bytes int) {
		rooms.GiveWay()
		host.Collect(bytes)
	})
	memory.FullIf(host.Full, func(ctx context.Context) { host.Again(ctx) })
	host.Serve(host.Config{
		Handler: api.New(api.Config{
			Door: door.Config{
				Rooms: host.Rooms{}, Web: host.Web{}, Tickets: ticketStore,
				Sessions: &door.Sessions{Store: tickets.NewSessions(db), Calls: host.Rooms{}},
				Memory:   memory, Sleep: host.Sleep,
				Now: time.Now, Settings: settings, Invalid: invalid, Log: host.Log,
			},
			Records:   rowsapi.Config{Store: rows, Restorers: []rowsapi.Restorer{ticketStore, projectStore}},
			Projects:  projectStore,
			Documents: &docsapi.Config{Calls: host.Rooms{}, Copies: copies, Versions: copies},
		}),
		Classes: map[string]host.Class{"SyncRoom": host.NewSyncRoom, "YjsRoom": rooms.Class},
	})
}
