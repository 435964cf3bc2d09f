package syncroom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/record"
)

// TestScripts plays a room's story. Times are milliseconds. Each command
// prints its effects in the order in which they are to be done.
//
//	open conn=C stamp=S [as=SUBJECT]
//	publish at=T        lines: table stamp
//	alarm at=T
//	say conn=C [binary] lines: the message
//	remove stamp=S      lines: the subject
//	name key=K          what messages call a stamp
//	wake                the room is made again from what it saved
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		room, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		var saved []byte
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var e Effects
			var conn, stamp, at int64
			d.MaybeScanArgs(t, "conn", &conn)
			d.MaybeScanArgs(t, "stamp", &stamp)
			d.MaybeScanArgs(t, "at", &at)
			now := time.UnixMilli(at)
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
				if e, err = room.Publish(AppendChanges(nil, changes), now); err != nil {
					return "error: " + err.Error()
				}
			case "alarm":
				e = room.Alarm(now)
			case "say":
				kind := abi.KindText
				if d.HasArg("binary") {
					kind = abi.KindBinary
				}
				e = room.Message(int32(conn), kind, []byte(d.Input))
			case "remove":
				if e, err = room.Publish(Removal(record.Stamp(stamp), d.Input), now); err != nil {
					return "error: " + err.Error()
				}
			case "name":
				d.ScanArgs(t, "key", &room.Key)
				return "ok"
			case "wake":
				if room, err = New(saved); err != nil {
					return "error: " + err.Error()
				}
				return "ok"
			default:
				d.Fatalf(t, "no command %q", d.Cmd)
			}
			if e.Save != nil {
				saved = e.Save
			}
			return describe(e)
		})
	})
}

func describe(e Effects) string {
	var b strings.Builder
	if e.Save != nil {
		r, err := New(e.Save)
		if err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, "save stamp %d, pending %v\n", r.stamp, r.pending)
	}
	if !e.Alarm.IsZero() {
		fmt.Fprintf(&b, "alarm at %d\n", e.Alarm.UnixMilli())
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
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}

// TestNoChangeIsLost drives a room by dice, through wake-ups and alarms that
// come when they were asked for or late, and holds every subscriber against
// what was published.
func TestNoChangeIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room, _ := New(nil)
		var saved []byte
		var alarm time.Time
		now := time.UnixMilli(1_000_000)
		published, told := map[string]record.Stamp{}, map[string]record.Stamp{}
		since := map[string]time.Time{} // when the oldest untold change came
		stamp := record.Stamp(1)
		apply := func(e Effects) {
			if e.Save != nil {
				saved = e.Save
			}
			if !e.Alarm.IsZero() {
				alarm = e.Alarm
			}
			for _, s := range e.Send {
				var table string
				var n record.Stamp
				text := strings.NewReplacer(`"`, " ", ",", " ", ":", " ", "{", " ", "}", " ").Replace(string(s.Text))
				if _, err := fmt.Sscanf(text, "  type   change   table   %s   stamp  %d", &table, &n); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				told[table] = max(told[table], n)
				delete(since, table)
			}
		}
		ring := func() {
			if !alarm.IsZero() && !now.Before(alarm) {
				alarm = time.Time{}
				apply(room.Alarm(now))
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				room, _ = New(saved)
			case 1:
				next := now.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "ms")) * time.Millisecond)
				for !alarm.IsZero() && !next.Before(alarm) {
					now = alarm
					ring()
				}
				now = next
			default:
				stamp++
				table := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "table")
				published[table] = stamp
				if _, ok := since[table]; !ok {
					since[table] = now
				}
				e, err := room.Publish(AppendChanges(nil, []Change{{table, stamp}}), now)
				if err != nil {
					t.Fatal(err)
				}
				apply(e)
			}
			for table, from := range since {
				if now.Sub(from) > Window {
					t.Fatalf("table %s waits for %v", table, now.Sub(from))
				}
			}
		}
		now = now.Add(time.Hour)
		for !alarm.IsZero() {
			ring()
		}
		if d := cmp.Diff(published, told); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzSaved(f *testing.F) {
	f.Add(AppendChanges(Attachment(7), []Change{{"customers", 7}, {"", -1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := New(b)
		if err != nil {
			return
		}
		if len(b) > 0 && string(r.save()) != string(b) {
			t.Errorf("%x was saved as %x", b, r.save())
		}
	})
}
