//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// heavy is an update of one item of size bytes.
func heavy(client uint64, size int) []byte {
	b := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, client), 0)
	b = append(b, 0x28, 1, 1, 'm') // a value of the map m
	b = lib0.AppendString(b, fmt.Sprint("key ", client))
	b = append(b, 1, 119)
	return append(lib0.AppendString(b, strings.Repeat("v", size)), 0)
}

// A document at its limit can be read, by several clients at once, in an instance
// of the default memory. docs/protocol.md, Y9.
func TestADocumentAtItsLimitEndsNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("it holds a document of the greatest size")
	}
	log := &journal{}
	s, clock := startLogged(t, log)
	c := watched{caller{t, s, bearer(t)}, log}
	limit := yroom.DefaultConfig.DocumentBytes
	const piece = 4 << 20
	rooms := []string{"large", "other"}
	for _, room := range rooms {
		for n := uint64(1); n <= uint64(limit/piece); n++ {
			c.wants("POST", "/yjs/"+room, heavy(n, piece-100), http.StatusNoContent)
		}
	}
	neighbour := func() {
		t.Helper()
		c.wants("POST", "/yjs/small", typed(uint64(clock.Now().UnixNano()%1e6+1), "x"), http.StatusNoContent)
	}
	joinAll := func() {
		var wg sync.WaitGroup
		for range 3 {
			for _, room := range rooms {
				c := join(t, s, room)
				wg.Go(func() {
					if got := len(c.state()); got < limit-piece {
						t.Errorf("a joiner got %d bytes", got)
					}
					c.ws.CloseNow()
				})
			}
		}
		ticking(clock, wg.Wait)
		neighbour()
		c.lives("six joins")
	}
	joinAll()
	for _, room := range rooms {
		c.wants("GET", "/yjs/"+room, nil, http.StatusOK)
		c.wants("GET", "/yjs/"+room+"?sv=AQEB", nil, http.StatusOK)
	}
	clock.Advance(2 * time.Hour)
	wasmtest.Until(t, "both documents are copied", func() bool {
		c.lives("copy")
		return query(t, s, "SELECT count(*) FROM YjsRooms WHERE RoomId IN ('large', 'other')").Rows[0][0] == 2.0
	})
	neighbour()
	version := struct{ ID string }{}
	if err := json.Unmarshal(c.wants("POST", "/yjs/large/versions", []byte("full"), http.StatusCreated), &version); err != nil {
		t.Fatal(err)
	}
	c.wants("GET", "/yjs/large/versions/"+version.ID, nil, http.StatusOK)
	c.wants("POST", "/yjs/large/versions/"+version.ID+"/restore", nil, http.StatusNoContent) // nothing differs
	neighbour()
	s.Restart()
	joinAll()
	c.wants("DELETE", "/yjs/large", nil, http.StatusNoContent)
	c.wants("DELETE", "/yjs/other", nil, http.StatusNoContent)
	neighbour()
}
