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
		c.send("\x02\x00\x01t") // a token
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

// severalOn opens a socket of several documents.
func severalOn(t *testing.T, s *wasmtest.Server) *client {
	t.Helper()
	ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/several", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return &client{t, ws}
}

// write sends frames, as far as the socket takes them.
func (c *client) write(frames ...string) {
	for _, frame := range frames {
		if c.ws.Write(context.Background(), websocket.MessageBinary, []byte(frame)) != nil {
			return
		}
	}
}

// ended returns what the client gets until the server closes the socket, and the code.
func (c *client) ended() (got []string, code websocket.StatusCode) {
	c.t.Helper()
	ctx, cancel := timeout()
	defer cancel()
	for {
		_, frame, err := c.ws.Read(ctx)
		if err != nil {
			return got, websocket.CloseStatus(err)
		}
		got = append(got, string(frame))
	}
}

// Sockets that no room has let in yet take at most half of the places.
func TestStrangersTakeHalfOfThePlaces(t *testing.T) {
	s := start(t, wasmtest.Options{Env: map[string]string{"LIMIT_SOCKETS": "4"}})
	first, second := severalOn(t, s), severalOn(t, s)
	refused := func() {
		t.Helper()
		if _, code := severalOn(t, s).ended(); code != 4503 {
			t.Errorf("one more is closed with %d, want 4503", code)
		}
	}
	refused()
	first.write("\x01a\x02\x00\x01t", "\x01a\x00\x02\x02") // the room answers with the reverse: authenticated
	ctx, cancel := timeout()
	defer cancel()
	if _, frame, err := first.ws.Read(ctx); string(frame) != "\x01a\x02\x02\x00" {
		t.Fatalf("got %q, %v", frame, err)
	}
	third := severalOn(t, s) // takes the last place
	refused()
	for _, c := range []*client{second, third} {
		c.write("\x01") // is malformed: the socket was open
		if _, code := c.ended(); code != 4400 {
			t.Errorf("closed with %d, want 4400", code)
		}
	}
	wasmtest.Until(t, "a place", func() bool {
		c := severalOn(t, s)
		c.write("\x01")
		_, code := c.ended()
		return code == 4400
	})
}

// A client may send a token, a message and "close" at once.
func TestALeftDocumentGetsWhatCameBefore(t *testing.T) {
	s := start(t, wasmtest.Options{})
	s.Gate.Hold("socket")
	c := severalOn(t, s)
	c.write("\x01a\x02\x00\x01t", "\x01aone", "\x01atwo", "\x01a\x07", "\x01b\x02\x00\x01t", "\x01bthree")
	s.Gate.Wait(t, 2)
	c.ws.CloseNow()
	s.Gate.Open()
	for document, want := range map[string]string{"a": "5", "b": "4"} { // an open, the messages, a close and this
		calls := 0
		wasmtest.Until(t, "the room to hear all", func() bool {
			_, conns := do(t, s, "POST", "/room/"+document+"/call", "conns")
			calls++
			_, count := do(t, s, "POST", "/room/"+document+"/call", "count")
			calls++
			heard := 0
			fmt.Sscan(count, &heard)
			return conns == "[]" && fmt.Sprint(heard-calls+1) == want
		})
	}
}

// A server that stops closes a socket whose document is about to open, too.
func TestAServerThatStopsClosesADocumentThatOpens(t *testing.T) {
	s := start(t, wasmtest.Options{Instances: 1})
	other := dial(t, s, "r", "a")
	s.Gate.Hold("socket")
	c := severalOn(t, s)
	c.write("\x01a\x02\x00\x01t")
	s.Gate.Wait(t, 1)
	stopped := make(chan error)
	go func() { stopped <- s.Worker().Close(context.Background()) }()
	other.wantClosed(websocket.StatusGoingAway, "going away")
	s.Gate.Open()
	if got, code := c.ended(); len(got) > 0 || code != 4205 {
		t.Errorf("got %q and the close code %d, want 4205", got, code)
	}
	c.ws.CloseNow()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A frame that comes after the server has closed the socket opens nothing.
func TestAClosedSocketOpensNoDocument(t *testing.T) {
	s := start(t, wasmtest.Options{})
	c := severalOn(t, s)
	c.write("\x01", "\x01a\x02\x00\x01t", "\x01amessage") // the first is malformed
	if got, code := c.ended(); len(got) > 0 || code != 4400 {
		t.Errorf("got %q and the close code %d, want 4400", got, code)
	}
	if _, conns := do(t, s, "POST", "/room/a/call", "count"); conns != "1" {
		t.Errorf("the document's room has seen %s events, and not only this", conns)
	}
}
