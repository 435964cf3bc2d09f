//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yproto"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// endedIn returns a line that says that an instance ended, or "".
func endedIn(log *journal) string {
	for line := range strings.SplitSeq(log.take(), "\n") {
		if strings.Contains(line, "the instance ended") || strings.Contains(line, "did not return") {
			return line
		}
	}
	return ""
}

// heavy is an update of one item of size bytes.
func heavy(client uint64, size int) []byte {
	b := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, client), 0)
	b = append(b, 0x28, 1, 1, 'm') // a value of the map m
	b = lib0.AppendString(b, fmt.Sprint("key ", client))
	b = append(b, 1, 119)
	return append(lib0.AppendString(b, strings.Repeat("v", size)), 0)
}

// A document that may be written can be read, by several at once, in an instance
// of the default memory. yjs contract, 18.1.
func TestADocumentAtItsLimitEndsNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("it holds a document of the greatest size")
	}
	log := &journal{}
	s, clock := startLogged(t, log)
	ask := func(method, path string, body []byte, want int) []byte {
		t.Helper()
		req, _ := http.NewRequest(method, s.URL+path, bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+bearer(t))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got bytes.Buffer
		got.ReadFrom(res.Body)
		if res.StatusCode != want {
			t.Errorf("%s %s: %d %.200s, want %d", method, path, res.StatusCode, got.Bytes(), want)
		}
		if line := endedIn(log); line != "" {
			t.Fatalf("%s %s: %s", method, path, line)
		}
		return got.Bytes()
	}
	limit := yroom.DefaultConfig.DocumentBytes
	const piece = 4 << 20
	rooms := []string{"large", "other"}
	for _, room := range rooms {
		for n := uint64(1); n <= uint64(limit/piece); n++ {
			ask("POST", "/yjs/"+room, heavy(n, piece-100), http.StatusNoContent)
		}
	}
	neighbour := func() {
		t.Helper()
		ask("POST", "/yjs/small", typed(uint64(clock.Now().UnixNano()%1e6+1), "x"), http.StatusNoContent)
	}
	joinAll := func() {
		var wg sync.WaitGroup
		for range 3 {
			for _, room := range rooms {
				c := join(t, s, room)
				wg.Go(func() {
					c.send(yproto.AppendSyncStep1(nil, []byte{0}))
					if got := len(c.next(yproto.SyncStep2)); got < limit-piece {
						t.Errorf("a joiner got %d bytes", got)
					}
					c.ws.CloseNow()
				})
			}
		}
		wg.Wait()
		neighbour()
		if line := endedIn(log); line != "" {
			t.Fatalf("six joins: %s", line)
		}
	}
	joinAll()
	for _, room := range rooms {
		ask("GET", "/yjs/"+room, nil, http.StatusOK)
		ask("GET", "/yjs/"+room+"?sv=AQEB", nil, http.StatusOK)
	}
	clock.Advance(2 * time.Hour)
	wasmtest.Until(t, "both documents are copied", func() bool {
		if line := endedIn(log); line != "" {
			t.Fatalf("copy: %s", line)
		}
		return query(t, s, "SELECT count(*) FROM YjsRooms WHERE RoomId IN ('large', 'other')").Rows[0][0] == 2.0
	})
	neighbour()
	version := struct{ ID string }{}
	if err := json.Unmarshal(ask("POST", "/yjs/large/versions", []byte("full"), http.StatusCreated), &version); err != nil {
		t.Fatal(err)
	}
	ask("GET", "/yjs/large/versions/"+version.ID, nil, http.StatusOK)
	ask("POST", "/yjs/large/versions/"+version.ID+"/restore", nil, http.StatusRequestEntityTooLarge) // a second copy does not fit
	neighbour()
	s.Restart()
	joinAll()
	ask("DELETE", "/yjs/large", nil, http.StatusNoContent)
	ask("DELETE", "/yjs/other", nil, http.StatusNoContent)
	neighbour()
}
