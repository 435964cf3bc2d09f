//go:build !js

package edge_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

var laneNames = []string{"a", "bb", "ccc"}

// A throng is a client that opens, uses and leaves documents on sockets of several, at random.
type throng struct {
	testing.TB
	*rand.Rand
	url  string
	ws   *websocket.Conn
	sent int
	read chan struct{} // closed when the socket has ended
}

func (c *throng) connect() {
	ws, _, err := websocket.Dial(context.Background(), c.url, nil)
	if err != nil {
		c.Errorf("connect: %v", err)
		return
	}
	c.ws, c.read = ws, make(chan struct{})
	go func() {
		defer close(c.read)
		last := map[string]string{}
		for {
			_, frame, err := ws.Read(context.Background())
			if err != nil {
				return
			}
			document := string(frame[1 : 1+frame[0]])
			echo := slices.Clone(frame[1+len(document):])
			slices.Reverse(echo) // a Probe sends what it gets, reversed
			if number := string(echo); number <= last[document] {
				c.Errorf("%s: %q comes after %q", document, number, last[document])
			} else {
				last[document] = number
			}
		}
	}()
}

func (c *throng) send(message string) {
	document := laneNames[c.IntN(len(laneNames))]
	frame := string(rune(len(document))) + document + message
	c.ws.Write(context.Background(), websocket.MessageBinary, []byte(frame)) // a socket that has ended fails
}

func (c *throng) step() {
	switch n := c.IntN(40); {
	case c.ws == nil:
		c.connect()
	case n < 10:
		c.send("\x02\x00\x00") // a token
	case n < 35:
		c.sent++
		c.send(fmt.Sprintf("m%06d", c.sent))
	case n < 39:
		c.send("\x07") // leaves
	default:
		c.end(c.IntN(2) == 0)
	}
}

func (c *throng) end(broken bool) {
	if c.ws == nil {
		return
	}
	if broken {
		c.ws.CloseNow()
	} else {
		c.ws.Close(websocket.StatusNormalClosure, "")
	}
	<-c.read
	c.ws = nil
}

// Clients open documents on their sockets, write to them and leave, while others do, in any order. Each
// document gets its messages in their order, and in the end nothing is left of any.
func TestDocumentsOfOneSocketComeAndGo(t *testing.T) {
	const places = 30
	s := start(t, wasmtest.Options{Instances: 2, Env: map[string]string{"LIMIT_SOCKETS": fmt.Sprint(places)}})
	url := strings.Replace(s.URL, "http", "ws", 1) + "/several"
	var all sync.WaitGroup
	for seed := range uint64(5) {
		c := &throng{TB: t, Rand: rand.New(rand.NewPCG(seed, 1)), url: url}
		all.Go(func() {
			for range 300 {
				c.step()
			}
			c.end(seed%2 == 0)
		})
	}
	all.Wait()
	for _, document := range laneNames {
		wasmtest.Until(t, "the sockets of "+document+" to end", func() bool {
			_, conns := do(t, s, "POST", "/room/"+document+"/call", "conns")
			return conns == "[]"
		})
	}
	// All places are free again.
	for i := range places {
		wasmtest.Until(t, "a place", func() bool {
			_, err := enter(t, s, fmt.Sprint("place", i), "")
			return err == nil
		})
	}
}

// A frame that comes after the server has closed the socket opens nothing.
func TestAClosedSocketOpensNoDocument(t *testing.T) {
	s := start(t, wasmtest.Options{})
	ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/several", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	for _, frame := range []string{"\x01", "\x01a\x02\x00\x00", "\x01amessage"} { // the first is malformed
		if err := ws.Write(context.Background(), websocket.MessageBinary, []byte(frame)); err != nil {
			break
		}
	}
	for err == nil {
		var frame []byte
		if _, frame, err = ws.Read(context.Background()); err == nil {
			t.Errorf("got %q", frame)
		}
	}
	if code := websocket.CloseStatus(err); code != 4400 {
		t.Errorf("closed with %v, want 4400", err)
	}
	if _, conns := do(t, s, "POST", "/room/a/call", "count"); conns != "1" {
		t.Errorf("the document's room has seen %s events, and not only this", conns)
	}
}
