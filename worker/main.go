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
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
)

func main() {
	settings := api.ReadSettings(host.Getenv)
	database := store.New(host.D1("DB"), record.Default(), settings.Sync)
	yjs, copies := api.ReadYjsSettings(host.Getenv), documents.NewCopies(host.D1("DB"))
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
			Sync: database, Tickets: database, Projects: store.NewProjects(host.D1("DB")), Rooms: host.Rooms{},
			Web:      host.Web{},
			Sessions: &api.Sessions{Store: store.NewSessions(host.D1("DB")), Calls: host.Rooms{}},
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
