package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tidemark/shared/yproto"
)

// ticket asks for a ticket.
func (c *client) ticket(t *testing.T) string {
	t.Helper()
	a := c.do(t, "POST", "/auth/ticket", "")
	if a.status != 200 {
		t.Fatal(a)
	}
	v := parse(t, a.body)
	if n := number(t, at(v, "expires_in")); n < 1 || n > 30 {
		t.Errorf("expires_in is %d", n)
	}
	ticket, _ := at(v, "ticket").(string)
	if len(ticket) < 16 {
		t.Fatalf("ticket %q", ticket)
	}
	return ticket
}

// A socket is the connection of a subscriber.
type socket struct {
	*websocket.Conn
}

func (c *client) dial(path string, header http.Header, protocols ...string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return websocket.Dial(ctx, c.URL(path), &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
}

// subscribe opens a socket and reads its hello.
func (c *client) subscribe(t *testing.T) (socket, int64) {
	t.Helper()
	conn, _, err := c.dial("/sync/subscribe", http.Header{"Authorization": {"Bearer " + c.bearer()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	s := socket{conn}
	return s, s.hello(t)
}

func (s socket) hello(t *testing.T) int64 {
	t.Helper()
	v := parse(t, s.read(t))
	if at(v, "type") != "hello" || at(v, "table") != "*" {
		t.Fatalf("not a hello: %v", v)
	}
	return number(t, at(v, "stamp"))
}

func (s socket) read(t *testing.T) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, b, err := s.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if kind != websocket.MessageText {
		t.Fatalf("a message of kind %v: %q", kind, b)
	}
	return b
}

func (s socket) write(t *testing.T, kind websocket.MessageType, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Write(ctx, kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// change reads until the first change of the table with at least that stamp. It returns
// the stamps of the table's changes before it. Others may push at the same time.
func (s socket) change(t *testing.T, table string, stamp int64) (before []int64) {
	t.Helper()
	for {
		v := parse(t, s.read(t))
		if at(v, "type") != "change" {
			t.Fatalf("not a change: %v", v)
		}
		if got := number(t, at(v, "stamp")); at(v, "table") == table {
			if got >= stamp {
				return before
			}
			before = append(before, got)
		}
	}
}

// wantRefused checks that the server closes a socket with the code 4000 + status.
func (c *client) wantRefused(t *testing.T, status int, path string, header http.Header, protocols ...string) {
	t.Helper()
	conn, _, err := c.dial(path, header, protocols...)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if strings.HasPrefix(path, "/yjs/") {
		_, b, err := conn.Read(ctx)
		if m, _, bad := yproto.Decode(b); err != nil || bad != nil || m.Kind != yproto.PermissionDenied {
			t.Errorf("%s: got %x, %v, want a permission denied", path, b, err)
		}
	}
	_, b, err := conn.Read(ctx)
	if got := websocket.CloseStatus(err); int(got) != 4000+status {
		t.Errorf("%s: got %x, %v, want the close code %d", path, b, err, 4000+status)
	}
}

var roomCases = []testCase{
	{"a subscriber first gets a hello with the stamp", func(t *testing.T, c *client) {
		p := c.push(t, c.stamp(t), changes{created: []row{newCustomer("before", millis())}})
		_, stamp := c.subscribe(t)
		if stamp < p.timestamp {
			t.Errorf("hello says %d after a push that was given %d", stamp, p.timestamp)
		}
	}},
	{"U9 a subscriber gets a change after the commit", func(t *testing.T, c *client) {
		s, since := c.subscribe(t)
		r := newCustomer("told", millis())
		p := c.push(t, since, changes{created: []row{r}})
		s.change(t, "customers", p.timestamp)
		c.pull(t, since).wantRow(t, r.id(), r)
	}},
	{"a push to two tables sends a change for each", func(t *testing.T, c *client) {
		s, since := c.subscribe(t)
		product := row{"id": newID("p"), "title": "t", "description": nil, "price": 1.5, "discounts": 0, "image": nil, "created_at": 1, "updated_at": millis()}
		input := encode(t, map[string]any{"lastPulledAt": since, "changes": map[string]any{
			"customers": changes{created: []row{newCustomer("both", millis())}}.object(),
			"products":  changes{created: []row{product}}.object(),
		}})
		p := readPushed(t, c.mutate(t, "sync.push", input))
		told := map[string]bool{}
		for len(told) < 2 {
			v := parse(t, s.read(t))
			if number(t, at(v, "stamp")) >= p.timestamp {
				told[at(v, "table").(string)] = true
			}
		}
		if !told["customers"] || !told["products"] {
			t.Errorf("told of %v", told)
		}
	}},
	{"U6 a push that changes nothing sends nothing", func(t *testing.T, c *client) {
		r := newCustomer("once", millis())
		first := c.push(t, c.stamp(t), changes{created: []row{r}})
		s, since := c.subscribe(t) // the server may still send earlier changes
		c.push(t, first.timestamp, changes{created: []row{r}})
		c.push(t, first.timestamp, changes{})
		ahead := c.stamp(t)
		real := c.push(t, first.timestamp, changes{updated: []row{r.with("notes", "new", "updated_at", millis()+1)}})
		for _, stamp := range s.change(t, "customers", real.timestamp) {
			if stamp > since && stamp <= ahead {
				t.Errorf("told of stamp %d, which is no change of mine", stamp)
			}
		}
	}},
	{"a burst of pushes loses no change", func(t *testing.T, c *client) {
		s, since := c.subscribe(t)
		var rows []row
		var last int64
		for i := range 12 {
			r := newCustomer(fmt.Sprint("burst ", i), millis())
			rows = append(rows, r)
			last = c.push(t, since, changes{created: []row{r}}).timestamp
		}
		before := slices.DeleteFunc(s.change(t, "customers", last), func(stamp int64) bool {
			return stamp <= since // the server may still send earlier changes
		})
		if len(before) > 11 {
			t.Errorf("%d messages for 12 pushes", len(before)+1)
		}
		p := c.pull(t, since)
		for _, r := range rows {
			p.wantRow(t, r.id(), r)
		}
	}},
	{"every subscriber gets a change", func(t *testing.T, c *client) {
		var sockets []socket
		var since int64
		for range 10 {
			s, stamp := c.subscribe(t)
			sockets, since = append(sockets, s), stamp
		}
		p := c.push(t, since, changes{created: []row{newCustomer("to all", millis())}})
		for _, s := range sockets {
			s.change(t, "customers", p.timestamp)
		}
	}},
	{"a ping gets a pong", func(t *testing.T, c *client) {
		s, _ := c.subscribe(t)
		for range 3 {
			s.write(t, websocket.MessageText, "ping")
			for {
				b := s.read(t)
				if string(b) == "pong" {
					break
				}
				if at(parse(t, b), "type") != "change" { // of somebody else
					t.Fatalf("got %q", b)
				}
			}
		}
	}},
	{"unknown texts are ignored", func(t *testing.T, c *client) {
		s, since := c.subscribe(t)
		for _, text := range []string{"", "{", `{"type":"publish","table":"customers"}`, "PING"} {
			s.write(t, websocket.MessageText, text)
		}
		p := c.push(t, since, changes{created: []row{newCustomer("still there", millis())}})
		s.change(t, "customers", p.timestamp)
	}},
	{"binary messages close with 1003", func(t *testing.T, c *client) {
		s, _ := c.subscribe(t)
		s.write(t, websocket.MessageBinary, "\x00\x01")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for {
			_, _, err := s.Read(ctx)
			if err == nil {
				continue // a change of somebody else
			}
			var closed websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != websocket.StatusUnsupportedData {
				t.Errorf("got %v", err)
			}
			return
		}
	}},
	{"publishing is out of reach", func(t *testing.T, c *client) {
		for _, path := range []string{"/sync/subscribe", "/sync/publish", "/sync/room", "/publish"} {
			if a := c.do(t, "POST", path, "{}"); a.status != 404 && a.status != 405 {
				t.Errorf("%s: %v", path, a)
			}
		}
	}},
	{"a subscription that is no WebSocket gets 426", func(t *testing.T, c *client) {
		a := c.do(t, "GET", "/sync/subscribe", "")
		a.wantPlain(t, "UPGRADE_REQUIRED", 426)
	}},
	{"sockets with no or bad credentials are closed with 4401, 4403 or 4404", func(t *testing.T, c *client) {
		for _, path := range []string{"/sync/subscribe", "/yjs/room"} {
			c.wantRefused(t, 401, path, nil)
			c.wantRefused(t, 401, path+"?token=nonsense", nil)
			c.wantRefused(t, 401, path+"?ticket=nonsense", nil)
			c.wantRefused(t, 401, path, nil, "tidemark", "nonsense")
			c.wantRefused(t, 401, path, nil, "tidemark")
			c.wantRefused(t, 401, path, http.Header{"Authorization": {"Bearer nonsense"}})
		}
		c.wantRefused(t, 403, "/sync/subscribe?token="+c.as("sync:write").bearer(), nil)
		c.wantRefused(t, 404, "/nowhere?token="+c.bearer(), nil)
	}},
	{"the token may come as ?token=", func(t *testing.T, c *client) {
		conn, _, err := c.dial("/sync/subscribe?token="+c.as("sync:read").bearer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		socket{conn}.hello(t)
	}},
	{"the token may come as a subprotocol", func(t *testing.T, c *client) {
		conn, _, err := c.dial("/sync/subscribe", nil, "tidemark", c.bearer())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		if got := conn.Subprotocol(); got != "tidemark" {
			t.Errorf("subprotocol %q", got)
		}
		socket{conn}.hello(t)
	}},
	{"a ticket works once", func(t *testing.T, c *client) {
		path := "/sync/subscribe?ticket=" + c.ticket(t)
		conn, _, err := c.dial(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		socket{conn}.hello(t)
		c.wantRefused(t, 401, path, nil)
	}},
	{"a ticket allows no more than its token", func(t *testing.T, c *client) {
		c.wantRefused(t, 403, "/sync/subscribe?ticket="+c.as("sync:write").ticket(t), nil)
		c.do(t, "GET", "/sync/checksum", "", "authorization: Bearer "+c.ticket(t)).wantPlain(t, "UNAUTHORIZED", 401)
	}},
}
