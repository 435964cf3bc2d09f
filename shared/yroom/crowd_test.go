package yroom

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/awareness"
	"tidemark/shared/yproto"
)

// crowd is a room of n sockets, each with a client of that number, and a last one
// without.
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
	out, err := r.Receive(conn, yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, entries...)), scriptStart)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// told are the entries that out sends; each message is one that clients may send.
func told(t *testing.T, out Effects) (entries []awareness.Entry) {
	t.Helper()
	for _, s := range out.Send {
		m, rest, err := yproto.Decode(s.Frame)
		if err != nil || m.Kind != yproto.Awareness || len(rest) > 0 {
			t.Fatalf("%x: %v", s.Frame, err)
		}
		some, err := awareness.Decode(m.Payload, awareness.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, some...)
	}
	return entries
}

// y-websocket sends back all that it hears, and another tab's answer about
// everybody in one message.
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
		there := told(t, r.Connect(last, Admission{Write: true}, scriptStart))
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
		if got := told(t, say(t, r, last, append(there, own)...)); len(got) != 1 || got[0].Client != own.Client {
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

func TestTooMuchNewPresenceClosesItsSocket(t *testing.T) {
	many := make([]awareness.Entry, 101)
	for i := range many {
		many[i] = awareness.Entry{Client: uint64(i + 1), Clock: 1, State: []byte(`{}`)}
	}
	long := awareness.Entry{Client: 1, Clock: 1, State: []byte(`"` + strings.Repeat("x", 16<<10) + `"`)}
	for name, entries := range map[string][]awareness.Entry{"101 states": many, "a state of 16 KB and 2": {long}} {
		r, last := crowd(t, 0, "")
		r.Connect(last, Admission{Write: true}, scriptStart)
		out := say(t, r, last, entries...)
		if len(out.Close) != 1 || out.Close[0].Code != CloseMalformed || len(out.Send)+len(out.Store) > 0 {
			t.Errorf("%s: %+v", name, out)
		}
		if again := told(t, r.Connect(last+1, Admission{Write: true}, scriptStart)); len(again) > 0 {
			t.Errorf("%s: the next is told %v", name, again)
		}
	}
}

// Otherwise one socket could fill the room's table of clients.
func TestThatUnknownClientsAreGoneIsNotRemembered(t *testing.T) {
	r, last := crowd(t, 1, `{}`)
	r.Connect(last, Admission{Write: true}, scriptStart)
	gone := make([]awareness.Entry, awarenessLimits.Clients)
	for i := range gone {
		gone[i] = awareness.Entry{Client: uint64(i + 100), Clock: 1}
	}
	say(t, r, last, gone...)
	if got := told(t, say(t, r, last, awareness.Entry{Client: 5, Clock: 1, State: []byte(`{}`)})); len(got) != 1 {
		t.Errorf("a client that is there: %v", got)
	}
}

func TestAQueryIsAnsweredWhereNobodyIs(t *testing.T) {
	r, last := crowd(t, 0, "")
	r.Connect(last, Admission{Write: true}, scriptStart)
	out, err := r.Receive(last, yproto.AppendQueryAwareness(nil), scriptStart)
	if err != nil || len(out.Send) != 1 || len(told(t, out)) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}
