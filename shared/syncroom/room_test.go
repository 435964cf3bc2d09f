package syncroom

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/session"
)

// TestScripts plays a room's story. Each command prints its effects in the order
// in which they are to be done.
//
//	open conn=C stamp=S [as=SUBJECT] [token=ID] [until=SECONDS]
//	open-before-sessions conn=C [as=SUBJECT]   by a room of the version before
//	alarm               after the clock was set to its time
//	pass seconds=N
//	close conn=C        by its client
//	revoke [as=SUBJECT] [token=ID]
//	publish             lines: table stamp
//	timer
//	subscribers n=N     to how many the host sent
//	say conn=C [binary] lines: the message
//	remove stamp=S      lines: the subject
//	delete              lines: the reason
//	ends                when the token of a conn expires first
//	name key=K          what messages call a stamp
//	forget              the room is made again
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		now := scriptStart
		var alarm time.Time
		var conns []abi.Conn
		list := func() []abi.Conn { return conns }
		timer := false
		r := New(list, false)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var e room.Effects
			var err error
			var conn, stamp, seconds int64
			var as, token string
			d.MaybeScanArgs(t, "conn", &conn)
			d.MaybeScanArgs(t, "stamp", &stamp)
			d.MaybeScanArgs(t, "as", &as)
			d.MaybeScanArgs(t, "token", &token)
			switch d.Cmd {
			case "open":
				a := Admission{Position(stamp), session.Session{Subject: session.MarkOf(as), Token: session.MarkOf(token)}}
				if d.MaybeScanArgs(t, "until", &seconds) {
					a.Session.Expires = scriptStart.Add(time.Duration(seconds) * time.Second)
				}
				conns = append(conns, abi.Conn{ID: int32(conn)})
				e = r.Connect(int32(conn), a.Append(nil), now)
			case "open-before-sessions":
				attachment := append([]byte{5, 0, 0, 0, 0, 0, 0, 0}, as...)
				if as == "" {
					attachment = nil
				}
				conns = append(conns, abi.Conn{ID: int32(conn), Attachment: attachment})
				return "ok"
			case "alarm":
				now = alarm
				e = r.Alarm(now)
			case "close":
				e = r.Disconnect(int32(conn))
				conns = slices.DeleteFunc(conns, func(o abi.Conn) bool { return o.ID == int32(conn) })
			case "pass":
				d.ScanArgs(t, "seconds", &seconds)
				now = now.Add(time.Duration(seconds) * time.Second)
				return "ok"
			case "revoke":
				v := session.Revocation{Subject: session.MarkOf(as), Token: session.MarkOf(token), At: now}
				if e, err = r.Call(Revocation(v), now); err != nil {
					return "error: " + err.Error()
				}
			case "publish":
				var changes []Change
				for line := range strings.Lines(d.Input) {
					var c Change
					if _, err := fmt.Sscan(line, &c.Table, &c.At); err != nil {
						d.Fatalf(t, "%v", err)
					}
					changes = append(changes, c)
				}
				if e, err = r.Call(AppendChanges(nil, changes), now); err != nil {
					return "error: " + err.Error()
				}
			case "timer":
				var late int
				if d.MaybeScanArgs(t, "late", &late) {
					now = now.Add(time.Duration(late) * time.Millisecond)
				}
				timer = false
				e = r.Timer(now)
			case "subscribers":
				d.ScanArgs(t, "n", &r.Subscribers)
				return "ok"
			case "say":
				kind := abi.KindText
				if d.HasArg("binary") {
					kind = abi.KindBinary
				}
				e = r.Message(int32(conn), kind, []byte(d.Input))
			case "remove":
				if e, err = r.Call(Removal(Position(stamp), d.Input), now); err != nil {
					return "error: " + err.Error()
				}
			case "delete":
				if e, err = r.Call(Deletion(d.Input), now); err != nil {
					return "error: " + err.Error()
				}
			case "pause":
				if e, err = r.Call(Pause(d.Input), now); err != nil {
					return "error: " + err.Error()
				}
			case "ends":
				return fmt.Sprint(r.Ends().Sub(scriptStart))
			case "name":
				d.ScanArgs(t, "key", &r.Key)
				return "ok"
			case "forget":
				r = New(list, timer)
				return "ok"
			default:
				d.Fatalf(t, "no command %q", d.Cmd)
			}
			for _, c := range e.Close {
				if after := r.Disconnect(c.Conn); after.Alarm != nil {
					e.Alarm = after.Alarm
				}
				conns = slices.DeleteFunc(conns, func(o abi.Conn) bool { return o.ID == c.Conn })
			}
			for _, a := range e.Attach {
				for i := range conns {
					if conns[i].ID == a.Conn {
						conns[i].Attachment = a.Data
					}
				}
			}
			timer = timer || e.Timer > 0
			if e.Alarm != nil {
				alarm = *e.Alarm
			}
			return describe(e)
		})
	})
}

var scriptStart = time.Unix(1_700_000_000, 0).UTC()

func describe(e room.Effects) string {
	var b strings.Builder
	if e.Timer != 0 {
		fmt.Fprintf(&b, "timer in %v\n", e.Timer)
	}
	for _, a := range e.Attach {
		fmt.Fprintf(&b, "attach to conn %d: %d bytes\n", a.Conn, len(a.Data))
	}
	switch {
	case e.Alarm == nil:
	case e.Alarm.IsZero():
		b.WriteString("no alarm\n")
	default:
		fmt.Fprintf(&b, "alarm at %v\n", e.Alarm.Sub(scriptStart))
	}
	for _, s := range e.Send {
		to := "all"
		if !s.ToAll() {
			to = fmt.Sprint("conn ", s.To[0])
		}
		fmt.Fprintf(&b, "send %s %s\n", to, s.Data)
	}
	for _, c := range e.Close {
		fmt.Fprintf(&b, "close conn %d %d %s\n", c.Conn, c.Code, c.Reason)
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}

// TestNoChangeIsLost drives a room by dice, through losses of its memory, as the
// hosts do it, and holds what subscribers were told against what was published.
func TestNoChangeIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := func() []abi.Conn { return []abi.Conn{{ID: 1}} }
		timer := false
		r := New(all, timer)
		published, told := map[string]Position{}, map[string]Position{}
		messages, now := 0, scriptStart
		apply := func(e room.Effects) {
			if timer && e.Timer > 0 {
				t.Fatal("the room sets a timer that is set")
			}
			timer = timer || e.Timer > 0
			for _, s := range e.Send {
				messages++
				var table string
				var n Position
				text := strings.NewReplacer(`"`, " ", ",", " ", ":", " ", "{", " ", "}", " ").Replace(string(s.Data))
				if _, err := fmt.Sscanf(text, "  type   change   table   %s   stamp  %d", &table, &n); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				for p := range published {
					if table == p || table == AnyTable {
						told[p] = max(told[p], min(n, published[p]))
					}
				}
			}
			if len(e.Close) > 0 { // all connect again, and pull
				maps.Copy(told, published)
			}
		}
		ring := func() {
			if timer {
				timer = false
				now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "millis")) * time.Millisecond)
				apply(r.Timer(now))
			}
		}
		stamp := Position(1)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0: // the instance ended, and the sockets and the timer live on
				r = New(all, timer)
			case 1:
				ring()
			default:
				stamp++
				table := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "table")
				first := !r.window.IsOpen()
				published[table] = stamp
				e, err := r.Call(AppendChanges(nil, []Change{{table, stamp}}), now)
				if err != nil {
					t.Fatal(err)
				}
				apply(e)
				if first && told[table] != stamp {
					t.Fatalf("table %s waits, and no window was open", table)
				}
			}
			if d := cmp.Diff(published, told); d != "" && !timer {
				t.Fatalf("no timer is set, and untold is %s", d)
			}
		}
		for n := 0; timer; n++ {
			ring()
			if n > 3 {
				t.Fatal("an idle room goes on setting timers")
			}
		}
		if d := cmp.Diff(published, told); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzPublish(f *testing.F) {
	f.Add(AppendChanges(nil, []Change{{"customers", 7}, {"", -1}}))
	f.Add(Removal(7, "ann"))
	f.Add(Deletion("the space was deleted"))
	f.Add(Revocation(session.Revocation{Subject: 1, At: scriptStart}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := New(func() []abi.Conn { return nil }, false).Call(b, scriptStart)
		if size := len(describe(e)); err != nil && size > len("nothing") || size > 300+20*len(b) {
			t.Errorf("%d bytes of effects, %v", size, err)
		}
	})
}

func TestAnAdmissionSurvivesItsFrame(t *testing.T) {
	s := session.Session{Subject: session.MarkOf("ann"), Token: session.MarkOf("t"), Issued: scriptStart, Expires: scriptStart.Add(time.Hour)}
	for _, a := range []Admission{
		{At: 7}, {At: 1<<53 - 1, Session: s}, {Session: session.Session{Subject: session.MarkOf("x")}},
	} {
		got := DecodeAdmission(a.Append(nil))
		if got.At != a.At || string(got.Session.Append(nil)) != string(a.Session.Append(nil)) {
			t.Errorf("%+v became %+v", a, got)
		}
	}
	for n := range 8 {
		if got := DecodeAdmission(make([]byte, n)); got != (Admission{}) {
			t.Errorf("%d bytes became %+v", n, got)
		}
	}
}
