//go:build !js

package main_test

import (
	"encoding/base64"
	"net/http"
	"sync"
	"testing"
	"time"

	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

// costly returns documents that cost far more than their bytes: two that bring the guest's
// memory to 84 MB of its 112 MB, and the others if thorough.
func costly(thorough bool) map[string][][]byte {
	documents := map[string][][]byte{
		"full of deletions": {yjstest.Deletes(0, 500_000), yjstest.Deletes(1_000_000, 499_000)},
		"full of clients":   {yjstest.Ascending(10, 50_000, 150), yjstest.Ascending(200_000, 50_000, 150)},
	}
	if !thorough {
		return documents
	}
	documents["split by deletions"] = [][]byte{yjstest.SplitByRanges(450_000)}
	documents["keys"] = [][]byte{yjstest.Keys(220_000)}
	documents["a million items"] = [][]byte{yjstest.Unmerged(7, 1_000_000)}
	documents["scans"] = [][]byte{yjstest.Scanning(0, 500_000, 50_000)}
	documents["a third"] = [][]byte{yjstest.Scanning(0, 160_000, 16_000)}
	documents["empty blocks"] = [][]byte{yjstest.EmptyBlocks(200_000)}
	documents["split by origins"] = [][]byte{yjstest.SplitByOrigins(190_000)}
	documents["foreign clients"] = [][]byte{yjstest.Foreign(230_000)}
	for i := range 60 {
		documents["spread scans"] = append(documents["spread scans"], yjstest.Scanning(i*2_500, 2_500, 50_000))
	}
	return documents
}

// A document that was taken can be read, copied, versioned and deleted in an
// instance of the default memory, whatever its updates cost. One client joins each
// document. With COSTLY_PEERS of 2 or more, that many join it at once, there are more
// documents, and the test reads more of each. docs/protocol.md, Y10 and Y11.
func TestCostlyDocumentsEndNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads documents of millions of structs many times")
	}
	log := &journal{}
	s, clock := startLogged(t, log)
	c := watched{caller{t, s, bearer(t)}, log}
	vector := base64.RawURLEncoding.EncodeToString(yjstest.Vector(1000))
	peers := number("COSTLY_PEERS", 1)
	thorough := peers > 1
	for name, updates := range costly(thorough) {
		t.Run(name, func(t *testing.T) {
			for _, room := range []string{"a", "b"} {
				for _, update := range updates {
					c.wants("POST", "/yjs/"+room, update, http.StatusNoContent)
				}
			}
			joinAll := func(peers uint64) {
				t.Helper()
				var wg sync.WaitGroup
				for range peers {
					for _, room := range []string{"a", "b"} {
						peer := join(t, s, room)
						wg.Go(func() {
							peer.send(yproto.AppendSyncStep2(nil, peer.state())) // it has it all
							peer.ws.CloseNow()
						})
					}
				}
				ticking(clock, wg.Wait)
				c.lives("joins")
			}
			joinAll(peers)
			if thorough {
				c.wants("GET", "/yjs/a", nil, http.StatusOK)
			}
			c.wants("GET", "/yjs/b?sv="+vector, nil, http.StatusOK)
			c.wants("GET", "/yjs/b?format=json", nil, http.StatusOK, http.StatusRequestEntityTooLarge)
			clock.Advance(2 * time.Hour)
			wasmtest.Until(t, "both documents are copied", func() bool {
				clock.Advance(time.Second)
				return count(t, s, "SELECT count(*) FROM YjsRooms WHERE RoomId IN ('a', 'b')") == 2
			})
			c.wants("POST", "/yjs/a/versions", []byte("kept"), http.StatusCreated)
			s.Restart()
			if thorough {
				joinAll(1)
			}
			c.wants("GET", "/yjs/a?format=text&name=t", nil, http.StatusOK, http.StatusNotFound, http.StatusRequestEntityTooLarge)
			c.wants("POST", "/yjs/small", typed(uint64(clock.Now().UnixNano()/1e6%1e9), "x"), http.StatusNoContent)
			for _, room := range []string{"a", "b"} {
				c.wants("DELETE", "/yjs/"+room, nil, http.StatusNoContent)
				clock.Advance(10 * time.Minute) // until then it takes nothing of the same clients
				c.wants("POST", "/yjs/"+room, yjstest.Typed(0), http.StatusNoContent)
				c.wants("GET", "/yjs/"+room+"?format=text&name=t", nil, http.StatusOK)
				c.wants("DELETE", "/yjs/"+room, nil, http.StatusNoContent)
				clock.Advance(10 * time.Minute)
			}
		})
	}
}
