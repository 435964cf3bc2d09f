//go:build !js

package main_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/awareness"
	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

// stored returns the files of all objects of a server.
func stored(t *testing.T, s *wasmtest.Server) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Data(), "do", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWhoAsksForPresenceMakesNothing(t *testing.T) {
	s, _ := startGuest(t)
	c := caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}
	before := stored(t, s)
	for _, path := range []string{"/yjs/absent/presence", "/s/acme/yjs/absent/presence"} {
		for range 2 {
			if status, answer := c.ask("GET", path, nil); status != http.StatusOK || string(answer) != `{"sockets":0,"people":[]}` {
				t.Errorf("%s: %d %s", path, status, answer)
			}
		}
	}
	if after := stored(t, s); !slices.Equal(before, after) {
		t.Errorf("stored %q, and before %q", after, before)
	}
}

// A room that hibernates knows its people, and a room whose sockets have left has none.
func TestPresenceSurvivesAHibernation(t *testing.T) {
	for path, object := range map[string][2]string{"/yjs/r": {"YJS_ROOM", "r"}, "/s/acme/yjs/r": {"SPACE_YJS_ROOM", "acme/r"}} {
		t.Run(path, func(t *testing.T) {
			s, clock := startGuest(t)
			reader := caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "yjs:read"})}
			ann := open(t, s, path, jwt.MapClaims{"sub": "ann", "scope": "yjs:read yjs:write"})
			bob := open(t, s, path, jwt.MapClaims{"sub": "bob", "scope": "yjs:read"})
			bob.alive()
			ann.send(yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"n":1}`)})))
			bob.next(yproto.Awareness)
			const both = `{"sockets":2,"people":[{"subject":"ann","sockets":1,"writes":true,"states":[{"n":1}]},{"subject":"bob","sockets":1,"writes":false,"states":[]}]}`
			shows := func(want string) {
				t.Helper()
				wasmtest.Until(t, "the presence is "+want, func() bool {
					status, answer := reader.ask("GET", path+"/presence", nil)
					return status == http.StatusOK && string(answer) == want
				})
			}
			shows(both)
			hibernate(t, s, clock, object[0], object[1])
			shows(both)
			ann.ws.Close(1000, "")
			shows(`{"sockets":1,"people":[{"subject":"bob","sockets":1,"writes":false,"states":[]}]}`)
			bob.ws.Close(1000, "")
			shows(`{"sockets":0,"people":[]}`)
		})
	}
}
