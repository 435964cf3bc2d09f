//go:build !js

package api_test

import (
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/edge"
	"tidemark/worker/api"
	"tidemark/worker/store"
)

const secret = "the secret of these tests, which is long enough"

// openStore is a store on SQLite in memory.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	dir, err := fs.Sub(store.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(dir); err != nil {
		t.Fatal(err)
	}
	return store.New(db, record.Default(), watermelon.DefaultLimits())
}

const noHost = "net/http alone drops at most 256 KB of a body before it closes the connection; Yjs is not served here"

func TestConformance(t *testing.T) {
	st := openStore(t)
	server := httptest.NewServer(api.New(api.Config{
		Sync: st, Tickets: st, Rooms: newRooms(t), Now: time.Now,
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
