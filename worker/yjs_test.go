//go:build !js

package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

const secret = "the secret of these tests, which is long enough"

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func startGuest(t *testing.T, env ...string) (*wasmtest.Server, *wasmtest.Clock) {
	t.Helper()
	return startInstances(t, 1, nil, env...)
}

// startLogged is startGuest with the log of host and guest in log, the test's if nil.
func startLogged(t *testing.T, log io.Writer, env ...string) (*wasmtest.Server, *wasmtest.Clock) {
	t.Helper()
	return startInstances(t, 1, log, env...)
}

// configured is the project's configuration.
func configured(t testing.TB) *edge.Config {
	t.Helper()
	root, err := wasmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	config, err := edge.LoadConfig(filepath.Join(root, "wrangler.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func startInstances(t *testing.T, instances int, log io.Writer, env ...string) (*wasmtest.Server, *wasmtest.Clock) {
	t.Helper()
	// The tests' clock runs much faster than calls do, which would be given up.
	variables := map[string]string{"AUTH_SECRET": secret, "LIMIT_CALL_MS": "1000000000"}
	for i := 0; i < len(env); i += 2 {
		variables[env[i]] = env[i+1]
	}
	clock := wasmtest.NewClock(start)
	return wasmtest.Start(t, wasmtest.Options{Guest: "./worker", Config: configured(t), Clock: clock, Env: variables, Log: log, Instances: instances, Ready: "/readyz"}), clock
}

func bearer(t *testing.T) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "test"}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A client is a socket of a Yjs room, without a document.
type client struct {
	*testing.T
	ws *websocket.Conn
}

func join(t *testing.T, s *wasmtest.Server, room string) client {
	t.Helper()
	ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/yjs/"+room+"?token="+bearer(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(64 << 20)
	t.Cleanup(func() { ws.CloseNow() })
	return client{t, ws}
}

func (c client) send(frame []byte) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageBinary, frame); err != nil {
		c.Fatal(err)
	}
}

// next returns the payload of the next message of a kind.
func (c client) next(kind yproto.Kind) []byte {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	for {
		_, frame, err := c.ws.Read(ctx)
		if err != nil {
			c.Fatalf("waiting for a message of kind %d: %v", kind, err)
		}
		m, _, err := yproto.Decode(frame)
		if err != nil {
			c.Fatal(err)
		}
		if m.Kind == kind {
			return m.Payload
		}
	}
}

// state asks for the whole document. A long answer arrives in pieces: updates, and step
// 2 last (docs/protocol.md, Y5).
func (c client) state() []byte {
	c.Helper()
	c.send(yproto.AppendSyncStep1(nil, yjs.StateVector{}.AppendTo(nil)))
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	var pieces [][]byte
	for {
		_, frame, err := c.ws.Read(ctx)
		if err != nil {
			c.Fatalf("waiting for the document, after %d pieces: %v", len(pieces), err)
		}
		m, _, err := yproto.Decode(frame)
		if err != nil {
			c.Fatal(err)
		}
		if m.Kind.Writes() {
			pieces = append(pieces, m.Payload)
		}
		if m.Kind != yproto.SyncStep2 {
			continue
		}
		state, err := yjs.MergeUpdates(pieces...)
		if err != nil {
			c.Fatal(err)
		}
		return state
	}
}

// ticking lets time pass until f is done: the room sends one piece of a long answer
// each time that its timer fires.
func ticking(clock *wasmtest.Clock, f func()) { passing(clock, time.Millisecond, f) }

// passing lets time pass until f is done, that much each millisecond.
func passing(clock *wasmtest.Clock, tick time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
			clock.Advance(tick)
		}
	}
}

// longState is state, while time passes.
func (c client) longState(clock *wasmtest.Clock) (state []byte) {
	c.Helper()
	ticking(clock, func() { state = c.state() })
	return state
}

// compacted returns the state of a document that applied the merged pieces.
func compacted(t *testing.T, state []byte) []byte {
	t.Helper()
	compacted, err := yjs.Compact(state)
	if err != nil {
		t.Fatal(err)
	}
	return compacted
}

func (c client) aware(id, clock uint64, state string) {
	c.Helper()
	c.send(yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, awareness.Entry{Client: id, Clock: clock, State: []byte(state)})))
}

// wantAware fails unless these entries arrive next. A message without entries, which breaks the
// silence, may arrive before them.
func (c client) wantAware(want ...awareness.Entry) {
	c.Helper()
	got := c.next(yproto.Awareness)
	for len(want) > 0 && bytes.Equal(got, awareness.AppendUpdate(nil)) {
		got = c.next(yproto.Awareness)
	}
	if !bytes.Equal(got, awareness.AppendUpdate(nil, want...)) {
		c.Errorf("awareness: got %.100q, want %.100q", got, awareness.AppendUpdate(nil, want...))
	}
}

// hears waits for an awareness message with that entry, perhaps among others. No message may
// have another state of its client at a higher clock.
func (c client) hears(want awareness.Entry) {
	c.Helper()
	for {
		entries, err := awareness.Decode(c.next(yproto.Awareness), awareness.DefaultLimits)
		if err != nil {
			c.Fatal(err)
		}
		for _, e := range entries {
			switch {
			case e.Client != want.Client:
			case e.Clock > want.Clock:
				c.Fatalf("awareness: got %d@%d %s, want clock %d", e.Client, e.Clock, e.State, want.Clock)
			case e.Clock == want.Clock && e.Offline() == want.Offline():
				return
			}
		}
	}
}

// typed is an update: client writes text at the start of its own root.
func typed(client uint64, text string) []byte {
	b := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, client), 0)
	b = lib0.AppendString(append(b, 4, 1), fmt.Sprint("root ", client))
	return append(lib0.AppendString(b, text), 0)
}

func query(t *testing.T, s *wasmtest.Server, sql string, args ...any) abi.Result {
	t.Helper()
	results, err := s.Worker().D1("DB").Batch(context.Background(), []abi.Statement{{SQL: sql, Args: args}})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return results[0]
}

func count(t *testing.T, s *wasmtest.Server, sql string) int {
	t.Helper()
	return int(query(t, s, sql).Rows[0][0].(float64))
}

// docs/protocol.md, Y13 and Y14.
func TestPresenceSurvivesHibernation(t *testing.T) {
	s, clock := startGuest(t)
	hibernate := func() {
		t.Helper()
		wasmtest.Until(t, "hibernate", func() bool { return s.Worker().ForTests().Hibernate("YJS_ROOM", "r") })
	}
	long := `"` + strings.Repeat("x", 3000) + `"`
	a, b := join(t, s, "r"), join(t, s, "r")
	a.aware(1, 1, `{"n":1}`)
	a.wantAware(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"n":1}`)})
	b.wantAware(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"n":1}`)})
	b.aware(2, 1, long)
	b.wantAware(awareness.Entry{Client: 2, Clock: 1, State: []byte(long)})
	hibernate()
	c := join(t, s, "r")
	c.wantAware(awareness.Entry{Client: 1, Clock: 1, State: []byte(`{"n":1}`)}, awareness.Entry{Client: 2, Clock: 1, State: []byte(long)})

	// A clean close takes away at once what that socket brought, and only that.
	hibernate()
	b.ws.Close(websocket.StatusNormalClosure, "")
	c.wantAware(awareness.Entry{Client: 2, Clock: 1})
	// A broken connection has a moment to come back.
	hibernate()
	a.ws.CloseNow()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.wantAware(awareness.Entry{Client: 1, Clock: 1})
	}()
	wasmtest.Until(t, "the departure after a broken connection", func() bool {
		clock.Advance(time.Second)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

func TestTheDatabaseHasACopyThatAnEmptyRoomStartsFrom(t *testing.T) {
	s, clock := startGuest(t)
	a := join(t, s, "big")
	a.state()
	text := strings.Repeat("0123456789", 400_000)
	a.send(yproto.AppendUpdate(nil, typed(1, text)))
	a.next(yproto.Update)
	wasmtest.Until(t, "the copy", func() bool {
		clock.Advance(2 * time.Second)
		return count(t, s, "SELECT count(*) FROM YjsRooms WHERE RoomId = 'big'") == 1
	})
	var encoded []byte
	for _, table := range []string{"YjsRooms", "YjsRoomParts"} {
		for _, row := range query(t, s, "SELECT YjsState FROM "+table+" WHERE RoomId = 'big'").Rows {
			if len(row[0].(abi.Text)) > 1_500_000 {
				t.Errorf("a value of %d bytes in %s", len(row[0].(abi.Text)), table)
			}
			encoded = append(encoded, row[0].(abi.Text)...)
		}
	}
	state, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || !bytes.Equal(state, typed(1, text)) {
		t.Fatalf("the copy has %d bytes, want %d, %v", len(state), len(typed(1, text)), err)
	}

	// Another server, whose rooms are empty and whose database holds the copy, as
	// of a room that another backend wrote, in either format.
	other, otherClock := startGuest(t)
	for _, table := range []string{"YjsRooms (RoomId, YjsState, updated_at)", "YjsRoomParts (RoomId, version, part, YjsState)"} {
		columns := table[strings.Index(table, "(")+1 : len(table)-1]
		for _, row := range query(t, s, "SELECT "+columns+" FROM "+strings.Fields(table)[0]).Rows {
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(row)), ", ")
			query(t, other, "INSERT INTO "+table+" VALUES ("+marks+")", row...)
		}
	}
	v2, err := yjs.ConvertV1ToV2(typed(5, "of another backend"))
	if err != nil {
		t.Fatal(err)
	}
	query(t, other, "INSERT INTO YjsRooms VALUES ('v2', ?1, 7)", base64.StdEncoding.EncodeToString(v2))
	for room, want := range map[string][]byte{"big": typed(1, text), "v2": typed(5, "of another backend")} {
		if got := join(t, other, room).longState(otherClock); !bytes.Equal(compacted(t, got), want) {
			t.Errorf("%s: a socket got %d bytes, want %d", room, len(got), len(want))
		}
	}
	query(t, other, "INSERT INTO YjsRooms VALUES ('http', ?1, 7)", base64.StdEncoding.EncodeToString(typed(5, "text")))
	req, _ := http.NewRequest("GET", other.URL+"/yjs/http?format=text&name=root+5", nil)
	req.Header.Set("Authorization", "Bearer "+bearer(t))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "text" || res.StatusCode != 200 {
		t.Errorf("over HTTP: %d %s", res.StatusCode, body)
	}
}

// docs/protocol.md, Y3: the room's own storage holds the document.
func TestAFailingDatabaseLosesNothing(t *testing.T) {
	s, clock := startGuest(t)
	a := join(t, s, "r")
	a.state()
	query(t, s, "ALTER TABLE YjsRooms RENAME TO Gone")
	a.send(yproto.AppendUpdate(nil, typed(1, "kept")))
	a.next(yproto.Update)
	s.Gate.Hold("d1")
	for range 3 {
		wasmtest.Until(t, "another try", func() bool {
			clock.Advance(10 * time.Second)
			return s.Gate.Held() > 0
		})
		s.Gate.Release()
	}
	s.Gate.Open()
	if got := join(t, s, "r").state(); !bytes.Equal(got, typed(1, "kept")) {
		t.Errorf("while the database fails: %q", got)
	}
	s.Crash()
	query(t, s, "ALTER TABLE Gone RENAME TO YjsRooms")
	wasmtest.Until(t, "the copy", func() bool {
		clock.Advance(time.Minute)
		return count(t, s, "SELECT count(*) FROM YjsRooms") == 1
	})
}

// A document of 15 MB is joined, edited, compacted and copied in the memory of one instance.
// An instance beyond its budget would end, and close the sockets. docs/protocol.md, Y9.
func TestADocumentOf15MBFitsIntoOneInstance(t *testing.T) {
	s, clock := startGuest(t, "LIMIT_YJS_BYTES_PER_SECOND", "1000000000")
	a := join(t, s, "large")
	a.state()
	for id := range uint64(15) {
		a.send(yproto.AppendUpdate(nil, typed(id+1, strings.Repeat("x", 1_000_000))))
		a.next(yproto.Update)
	}
	for range 3 {
		b := join(t, s, "large")
		if got := b.longState(clock); len(got) < 15_000_000 {
			t.Fatalf("a newcomer got %d bytes", len(got))
		}
		b.ws.CloseNow()
	}
	wasmtest.Until(t, "the copy", func() bool {
		clock.Advance(2 * time.Second)
		return count(t, s, "SELECT count(*) FROM YjsRooms") == 1
	})
	if n := count(t, s, "SELECT sum(length(YjsState)) FROM YjsRoomParts"); n < 18_000_000 {
		t.Errorf("%d bytes in parts", n)
	}
	b := join(t, s, "large") // the clock ran on while a heard no ping
	b.send(yproto.AppendUpdate(nil, typed(50, "after")))
	b.next(yproto.Update)
	if got := join(t, s, "large").longState(clock); len(got) < 15_000_000 {
		t.Errorf("a newcomer got %d bytes", len(got))
	}
}
