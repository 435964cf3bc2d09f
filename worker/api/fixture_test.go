//go:build !js

package api_test

import (
	"maps"
	"testing"
	"time"

	"tidemark/shared/logline"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/api/dialect"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/records"
	"tidemark/worker/store/tickets"
)

const secret = "the secret of these tests, which is long enough"

// configure returns the configuration of a server with these variables and, unless
// they say otherwise, the secret. It has no database and no rooms yet.
func configure(t testing.TB, variables map[string]string) api.Config {
	t.Helper()
	all := map[string]string{"AUTH_SECRET": secret}
	maps.Copy(all, variables)
	c := door.Config{Now: time.Now, Log: logline.New(func(line []byte) { t.Output().Write(line) }, time.Now)}
	c.Settings, c.Invalid = door.ReadSettings(func(name string) string { return all[name] })
	return api.Config{Door: c}
}

// openStore returns rows and tickets on SQLite in memory.
func openStore(t testing.TB) (*dialect.Watermelon, *tickets.Store) {
	t.Helper()
	return storeIn(wasmtest.OpenD1(t, store.Migrations()), record.Default())
}

func storeIn(db store.DB, schema record.Schema) (*dialect.Watermelon, *tickets.Store) {
	limits := watermelon.DefaultLimits()
	rows := records.New(db, records.NewStatements(schema, limits.PullBytes))
	return &dialect.Watermelon{Records: rows, Schema: schema, Limits: limits}, tickets.New(db)
}
