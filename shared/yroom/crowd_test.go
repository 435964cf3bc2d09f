package yroom

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/yproto"
)

// crowd returns a room of n sockets, each with a client of the socket's number, and one
// socket without a client.
func crowd(t *testing.T, n int, state string) (r *Room, last Conn) {
	r = New(DefaultConfig, &fake{}, Stored{}, nil, scriptStart)
	for conn := Conn(1); int(conn) <= n; conn++ {
		r.Connect(conn, Admission{Write: true}, scriptStart)
		if out := say(t, r, conn, awareness.Entry{Client: uint64(conn), Clock: 1, State: []byte(state)}); len(out.Close) > 0 {
			t.Fatalf("client %d: %+v", conn, out.Close)
		}
	}
	return r, Conn(n + 1)
}

func say(t *testing.T, r *Room, conn Conn, entries ...awareness.Entry) Effects {
	t.Helper()
	out, err := r.Message(conn, abi.KindBinary, yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, entries...)), scriptStart)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sentEntries returns the entries that out sends. It checks that clients may send each message.
func sentEntries(t *testing.T, out Effects) (entries []awareness.Entry) {
	t.Helper()
	for _, s := range out.Send {
		m, rest, err := yproto.Decode(s.Data)
		if err != nil || m.Kind != yproto.Awareness || len(rest) > 0 {
			t.Fatalf("%x: %v", s.Data, err)
		}
		some, err := awareness.Decode(m.Payload, awareness.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, some...)
	}
	return entries
}

// y-websocket sends back every message that it receives, and another tab's reply with all
// clients in one message.
func TestWhoIsTheHundredAndFirstMayRepeatThemAll(t *testing.T) {
	for _, c := range []struct {
		n     int
		state string
	}{
		{101, `{"user":1}`},
		{250, `{"user":1}`},
		{20, `{"user":"` + strings.Repeat("x", 10_000) + `"}`},
		{9, `[` + strings.Repeat("1e20,", 3000) + `0]`},
	} {
		name := fmt.Sprintf("%d of %d bytes", c.n, len(c.state))
		r, last := crowd(t, c.n, c.state)
		there := sentEntries(t, r.Connect(last, Admission{Write: true}, scriptStart))
		if len(there) != c.n {
			t.Errorf("%s: the newcomer is told of %d", name, len(there))
		}
		for i := range there { // as JavaScript writes it
			there[i].State = []byte(strings.ReplaceAll(string(there[i].State), "1e20", "100000000000000000000"))
		}
		if out := say(t, r, last, there...); len(out.Close)+len(out.Send) > 0 {
			t.Errorf("%s: repeated: closed %+v, %d messages", name, out.Close, len(out.Send))
		}
		own := awareness.Entry{Client: 1 << 40, Clock: 1, State: []byte(`{}`)}
		if got := sentEntries(t, say(t, r, last, append(there, own)...)); len(got) != 1 || got[0].Client != own.Client {
			t.Errorf("%s: the newcomer's own: %v", name, got)
		}
		for i := range there {
			there[i].State = nil
		}
		if out := say(t, r, last, there...); len(out.Close)+len(out.Send) > 0 {
			t.Errorf("%s: found silent: closed %+v, %d messages", name, out.Close, len(out.Send))
		}
	}
}

// state returns JSON of that many bytes.
func state(bytes int) []byte { return []byte(`"` + strings.Repeat("x", bytes-2) + `"`) }

// docs/protocol.md, Y12: presence never costs a document.
func TestPresenceBeyondALimitIsIgnored(t *testing.T) {
	const most, all = 256 << 10, 1 << 20
	many := make([]awareness.Entry, 101)
	for i := range many {
		many[i] = awareness.Entry{Client: uint64(i + 1), Clock: 1, State: []byte(`{}`)}
	}
	large := func(client uint64, bytes int) awareness.Entry {
		return awareness.Entry{Client: client, Clock: 1, State: state(bytes)}
	}
	for _, c := range []struct {
		name    string
		entries []awareness.Entry
		want    []uint64
	}{
		{"a state at the limit", []awareness.Entry{large(1, most)}, []uint64{1}},
		{"a state above it, and one that is not", []awareness.Entry{large(1, most+1), large(2, 10)}, []uint64{2}},
		{"as much as a socket may have", []awareness.Entry{large(1, most), large(2, most), large(3, most), large(4, all-3*most)}, []uint64{1, 2, 3, 4}},
		{"more", []awareness.Entry{large(1, most), large(2, most), large(3, most), large(4, most-9), large(5, 10), large(6, 9)}, []uint64{1, 2, 3, 4, 6}},
		{"101 clients", many, []uint64{1, 2, 3, 4, 5, 6, 7, 8}},
		{"a message that is too long to be read", []awareness.Entry{large(1, 5<<20)}, nil},
		{"one that is longer than messages may be", []awareness.Entry{large(1, 17<<20)}, nil},
	} {
		r, last := crowd(t, 0, "")
		r.Connect(last, Admission{Write: true}, scriptStart)
		if out := say(t, r, last, c.entries...); len(out.Close) > 0 {
			t.Errorf("%s: closed with %+v", c.name, out.Close)
		}
		var got []uint64
		for _, e := range sentEntries(t, r.Connect(last+1, Admission{Write: true}, scriptStart)) {
			got = append(got, e.Client)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the next is told of %v, want %v", c.name, got, c.want)
		}
	}
}

func TestARoomHoldsPresenceOfEightFullSockets(t *testing.T) {
	r, _ := crowd(t, 0, "")
	for conn := Conn(1); conn <= 10; conn++ {
		r.Connect(conn, Admission{Write: true}, scriptStart)
		for i := range 4 {
			say(t, r, conn, awareness.Entry{Client: uint64(conn)*10 + uint64(i), Clock: 1, State: state(256 << 10)})
		}
	}
	if got := r.Size(); got != 8<<20 {
		t.Errorf("%d bytes of presence, want 8 MiB", got)
	}
	r.Disconnect(1, false, scriptStart)
	if out := say(t, r, 10, awareness.Entry{Client: 100, Clock: 1, State: state(100)}); len(out.Send) != 1 {
		t.Errorf("after one has left: %d messages", len(out.Send))
	}
}

// Each state that is stored is a row.
func TestALongStateIsStoredOnceIn15Seconds(t *testing.T) {
	disk := &fake{}
	r := New(DefaultConfig, disk, disk.stored(), nil, scriptStart)
	now := scriptStart
	clock, rows := uint64(0), 0
	var attached []byte
	aware := func(bytes int) {
		clock++
		frame := yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, awareness.Entry{Client: 1, Clock: clock, State: state(bytes)}))
		out, err := r.Message(1, abi.KindBinary, frame, now)
		if err != nil || len(out.Send) != 1 {
			t.Fatalf("clock %d: %d messages, %v", clock, len(out.Send), err)
		}
		for _, w := range out.Store {
			disk.write(w)
			rows++
		}
		for _, a := range out.Attach {
			attached = a.Data
		}
	}
	r.Connect(1, Admission{Write: true}, now)
	for range 300 { // as it moves its cursor for 30 seconds
		aware(5_000 + int(clock))
		now = now.Add(100 * time.Millisecond)
	}
	if rows != 2 {
		t.Errorf("%d rows for 300 states, want 2", rows)
	}
	for range 10 { // renewals, between which the room sleeps
		aware(5_300)
		now = now.Add(15 * time.Second)
		r = New(DefaultConfig, disk, disk.stored(), []abi.Conn{{ID: 1, Attachment: attached}}, now)
	}
	if rows != 3 {
		t.Errorf("%d rows after ten renewals, want one more", rows)
	}
	r.Connect(2, Admission{}, now)
	if e, _ := r.present.states.Get(1); len(e.State) != 5_300 || e.Clock != clock {
		t.Errorf("after a hibernation: %d bytes at clock %d, want 5300 at %d", len(e.State), e.Clock, clock)
	}
}

// Otherwise one socket could fill the room's table of clients.
func TestThatUnknownClientsAreGoneIsNotRemembered(t *testing.T) {
	r, last := crowd(t, 1, `{}`)
	r.Connect(last, Admission{Write: true}, scriptStart)
	gone := make([]awareness.Entry, awareness.DefaultLimits.Clients)
	for i := range gone {
		gone[i] = awareness.Entry{Client: uint64(i + 100), Clock: 1}
	}
	say(t, r, last, gone...)
	if got := sentEntries(t, say(t, r, last, awareness.Entry{Client: 5, Clock: 1, State: []byte(`{}`)})); len(got) != 1 {
		t.Errorf("a client that is there: %v", got)
	}
}

func TestAQueryIsAnsweredWhereNobodyIs(t *testing.T) {
	r, last := crowd(t, 0, "")
	r.Connect(last, Admission{Write: true}, scriptStart)
	out, err := r.Message(last, abi.KindBinary, yproto.AppendQueryAwareness(nil), scriptStart)
	if err != nil || len(out.Send) != 1 || len(sentEntries(t, out)) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}
