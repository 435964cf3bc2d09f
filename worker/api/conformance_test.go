//go:build !js

package api_test

import (
	"net/http/httptest"
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/shared/record"
	"tidemark/worker/store/transfer"
)

const noHost = "net/http alone drops at most 256 KB of a body before it closes the connection; Yjs is not served here"

// TestConformance runs the suite on the root, and then in a space of the same server. S2: the rules of a space are those of the root.
func TestConformance(t *testing.T) {
	db := openD1(t)
	c := configure(t, nil)
	c.Root.Records.Store, c.Root.Tickets = storeIn(db)
	c.Root.Transfer = transfer.New(db, transfer.NewStatements(record.Default()))
	c.Door.Rooms = newRooms(t)
	handler, _ := openSpaces(t, &c, db)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	root := doorOf(server)
	root.Elsewhere = map[string]string{
		"body/no token, and a client that reads after it has sent everything": noHost,
		"body/a scope that does not allow it":                                 noHost,
		"body/a body over its route's limit, which the response names":        noHost,
	}
	bothDoors(t, root, conformance.Run)
}

// bothDoors runs a suite on the root and in a space.
func bothDoors(t *testing.T, root conformance.Door, run func(*testing.T, conformance.Door)) {
	t.Run("root", func(t *testing.T) { run(t, root) })
	t.Run("space", func(t *testing.T) { run(t, root.In("acme")) })
}
