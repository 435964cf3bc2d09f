//go:build js && wasm

// Command worker is the guest: it wires the decisions of shared to the host
// that runs it, workerd or wazero.
package main

import (
	"context"
	"time"

	"tidemark/shared/record"
	"tidemark/worker/api"
	"tidemark/worker/host"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/tickets"
)

func main() {
	settings := api.ReadSettings(host.Getenv)
	db := host.D1("DB")
	rows, ticketStore, projectStore := records.New(db, record.Default(), settings.Sync), tickets.New(db), projects.New(db)
	yjs, copies := api.ReadYjsSettings(host.Getenv), documents.NewCopies(db)
	if settings.Problem == "" {
		settings.Problem = yjs.Problem
	}
	memory := api.NewMemory(settings.MemoryBytes)
	rooms := &host.YjsRooms{
		Config: yjs.Config, CacheBytes: yjs.CacheBytes, Free: memory.Free, EventBytes: yjs.Config.IntegrateBytes, Database: copies,
		Storage: func(exec host.Exec) host.YjsStorage { return documents.Log{Exec: exec} },
	}
	memory.Granted(func(bytes int) {
		rooms.GiveWay()
		host.Collect(bytes)
	})
	memory.FullIf(host.Full, func(ctx context.Context) { host.Again(ctx) })
	host.Serve(host.Config{
		Handler: api.New(api.Config{
			Sync: rows, Tickets: ticketStore, Projects: projectStore,
			Restorers: []api.Restorer{ticketStore, projectStore}, Rooms: host.Rooms{},
			Web:      host.Web{},
			Sessions: &api.Sessions{Store: tickets.NewSessions(db), Calls: host.Rooms{}},
			Yjs: &api.Yjs{
				Calls: host.Rooms{}, Documents: copies, Versions: copies,
				UpdateBytes: int64(yjs.Config.DocumentBytes),
			},
			Memory: memory, Sleep: host.Sleep,
			Now: time.Now, Settings: settings, Log: host.Log,
		}),
		Classes: map[string]host.Class{"SyncRoom": host.NewSyncRoom, "YjsRoom": rooms.Class},
	})
}
