//go:build !js

package api_test

import (
	"net/http/httptest"
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/worker/api"
)

const noHost = "net/http alone drops at most 256 KB of a body before it closes the connection; Yjs is not served here"

func TestConformance(t *testing.T) {
	c := configure(t, nil)
	c.Root.Records.Store, c.Root.Tickets = openStore(t)
	c.Door.Rooms = newRooms(t)
	server := httptest.NewServer(api.New(c))
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
