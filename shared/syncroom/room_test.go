package syncroom

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/record"
)

// TestScripts plays a room's story. Each command prints its effects in the order
// in which they are to be done.
//
//	open conn=C stamp=S [as=SUBJECT]
//	publish             lines: table stamp
//	timer
//	lost                the host finds a timer that the room did not ask for
//	subscribers n=N     to how many the host sent
//	say conn=C [binary] lines: the message
//	remove stamp=S      lines: the subject
//	name key=K          what messages call a stamp
//	forget              the room is made again
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		room := New()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var e Effects
			var err error
			var conn, stamp int64
			d.MaybeScanArgs(t, "conn", &conn)
			d.MaybeScanArgs(t, "stamp", &stamp)
			switch d.Cmd {
			case "open":
				subject := ""
				d.MaybeScanArgs(t, "as", &subject)
				e = room.Open(int32(conn), AttachmentOf(record.Stamp(stamp), subject))
			case "publish":
				var changes []Change
				for line := range strings.Lines(d.Input) {
					var c Change
					if _, err := fmt.Sscan(line, &c.Table, &c.Stamp); err != nil {
						d.Fatalf(t, "%v", err)
					}
					changes = append(changes, c)
				}
				if e, err = room.Publish(AppendChanges(nil, changes)); err != nil {
					return "error: " + err.Error()
				}
			case "timer":
				e = room.Timer()
			case "lost":
				e = room.Lost()
			case "subscribers":
				d.ScanArgs(t, "n", &room.Subscribers)
				return "ok"
			case "say":
				kind := abi.KindText
				if d.HasArg("binary") {
					kind = abi.KindBinary
				}
				e = room.Message(int32(conn), kind, []byte(d.Input))
			case "remove":
				if e, err = room.Publish(Removal(record.Stamp(stamp), d.Input)); err != nil {
					return "error: " + err.Error()
				}
			case "name":
				d.ScanArgs(t, "key", &room.Key)
				return "ok"
			case "forget":
				room = New()
				return "ok"
			default:
				d.Fatalf(t, "no command %q", d.Cmd)
			}
			return describe(e)
		})
	})
}

func describe(e Effects) string {
	var b strings.Builder
	if e.Timer != 0 {
		fmt.Fprintf(&b, "timer in %v\n", e.Timer)
	}
	for _, s := range e.Send {
		to := "all"
		if s.Conn != 0 {
			to = fmt.Sprint("conn ", s.Conn)
		}
		fmt.Fprintf(&b, "send %s %s\n", to, s.Text)
	}
	for _, c := range e.Close {
		fmt.Fprintf(&b, "close conn %d %d %s\n", c.Conn, c.Code, c.Reason)
	}
	if e.Leave != "" {
		fmt.Fprintf(&b, "close conns of %s\n", e.Leave)
	}
	if e.Move {
		b.WriteString("close all conns\n")
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
		room := New()
		timer := false
		published, told := map[string]record.Stamp{}, map[string]record.Stamp{}
		messages := 0
		var apply func(e Effects)
		apply = func(e Effects) {
			lost := e.Timer > 0 && timer
			timer = timer || e.Timer > 0
			for _, s := range e.Send {
				messages++
				var table string
				var n record.Stamp
				text := strings.NewReplacer(`"`, " ", ",", " ", ":", " ", "{", " ", "}", " ").Replace(string(s.Text))
				if _, err := fmt.Sscanf(text, "  type   change   table   %s   stamp  %d", &table, &n); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				for p := range published {
					if table == p || table == AnyTable {
						told[p] = max(told[p], min(n, published[p]))
					}
				}
			}
			if lost {
				apply(room.Lost())
			}
			if e.Move { // all connect again, and pull
				maps.Copy(told, published)
			}
		}
		ring := func() {
			if timer {
				timer = false
				apply(room.Timer())
			}
		}
		stamp := record.Stamp(1)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0: // the instance ended, and the sockets and the timer live on
				room = New()
			case 1:
				ring()
			default:
				stamp++
				table := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "table")
				first := room.told == nil
				published[table] = stamp
				e, err := room.Publish(AppendChanges(nil, []Change{{table, stamp}}))
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
			if n > 2 {
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
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := New().Publish(b)
		if size := len(describe(e)); err != nil && size > len("nothing") || size > 300+20*len(b) {
			t.Errorf("%d bytes of effects, %v", size, err)
		}
	})
}
