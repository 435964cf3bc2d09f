//go:build !js

package api_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/store"
	"tidemark/worker/store/records"
	"tidemark/worker/store/tickets"
)

const secret = "the secret of these tests, which is long enough"

// openStore returns rows and tickets on SQLite in memory.
func openStore(t testing.TB) (*records.Store, *tickets.Store) {
	t.Helper()
	db := wasmtest.OpenD1(t, store.Migrations())
	return records.New(db, record.Default(), watermelon.DefaultLimits()), tickets.New(db)
}

const noHost = "net/http alone drops at most 256 KB of a body before it closes the connection; Yjs is not served here"

func TestConformance(t *testing.T) {
	rows, tickets := openStore(t)
	server := httptest.NewServer(api.New(api.Config{
		Sync: rows, Tickets: tickets, Rooms: newRooms(t), Now: time.Now,
		Settings: api.ReadSettings(func(name string) string { return map[string]string{"AUTH_SECRET": secret}[name] }),
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
	}))
	t.Cleanup(server.Close)
	conformance.Run(t, conformance.Door{
		BaseURL: server.URL,
		Token:   conformance.Signer([]byte(secret)),
		Secret:  []byte(secret),
		Known: map[string]string{
			"body/no token, and a client that reads after it has sent everything": noHost,
			"body/a scope that does not allow it":                                 noHost,
			"body/a body over its route's limit, which the response names":        noHost,
		},
	})
}
