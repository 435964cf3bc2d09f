package yroom

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// TestScripts plays the stories of testdata. The commands:
//
//	room [database=TEXT] [document=N] [message=N] [burst=N] [piece=N] [silence=SECONDS] [merged]  a new room; the database has TEXT;
//	                             merged: its document is too large to be integrated; without silence
//	                             it sends no messages to break the silence, and sets no alarm for that
//	connect CONN [read] [as=SUBJECT] [named=SUBJECT] [token=ID] [issued=SECONDS] [until=SECONDS]   and the room's effects; times are
//	                             since the start; named: the room also knows the subject's text
//	connect-before-sessions CONN [read]   by a room of the version before
//	revoke [SUBJECT] [token=ID]  the tokens of SUBJECT, or that one
//	close                        all sockets, whose clients may connect again
//	step1 CONN [known=N]         N is what the client knows of author 1
//	step2, update CONN TEXT      author CONN types; LONG is 70,000 units; with gap=N, N units are left out before
//	delete CONN AUTHOR FROM TO
//	aware CONN CLIENT CLOCK [STATE]   without STATE: null
//	query CONN
//	answer CONN                  a step 2 that repeats the whole document
//	bytes CONN HEX...            as they are
//	text CONN BYTES
//	disconnect CONN [broken]
//	timer [late=MILLIS]          the window ends or goes on, or the next piece is due
//	hold, bring                  the host holds the messages in between, and brings them together
//	alarm                        after the clock was set to its time
//	pass SECONDS
//	seeded [fail], copied [fail] the outcome of the task
//	merge TEXT, merge-again (the last one), delete-room, get, seed, json, tree, show ROOT, restore client=N (the last reply of get), people [limit=N]   by the Worker
//	hibernate, unload
//	memory BYTES                 that an event may reserve from now on
//	end-instance                 the room is forgotten, and its timer is not
//	crash-after N                the next event's effects stop after N of them; sockets die
//	disk                         what is stored
//
// They print the effects in the order in which they are performed.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{t: t}
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			for _, line := range strings.Split(d.Input, "\n") {
				if f := strings.Fields(line); len(f) > 0 {
					s.run(f[0], f[1:])
				}
			}
			return s.out.String()
		})
	})
}

var scriptStart = time.Unix(1_700_000_000, 0).UTC()

type script struct {
	t        *testing.T
	out      strings.Builder
	config   Config
	now      time.Time
	disk     *fake
	room     *Room
	open     map[Conn][]byte // attachments
	authors  map[uint64]*author
	alarm    time.Time
	timer    bool
	task     Task
	database []byte
	fuel     int // effects until the crash; -1: none planned
	memory   int // that an event may reserve
	etag     string
	kept     []byte // the last reply of get
	merged   []byte // the last update of merge
	holds    bool   // the host holds messages
	held     []abi.Message
}

func (s *script) printf(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) author(id uint64) *author {
	if s.authors[id] == nil {
		s.authors[id] = &author{id: id}
	}
	return s.authors[id]
}

func (s *script) awake() *Room {
	if s.room == nil {
		var open []abi.Conn
		for conn, attachment := range s.open {
			open = append(open, abi.Conn{ID: conn, Attachment: attachment})
		}
		stored := s.disk.stored()
		stored.TimerSet = s.timer
		s.room = New(s.config, s.disk, stored, open, s.now)
	}
	return s.room
}

func (s *script) run(command string, args []string) {
	if s.now.IsZero() && command != "room" {
		s.t.Fatal("a script begins with room")
	}
	options := map[string]string{}
	var words []string
	for _, a := range args {
		if key, value, ok := strings.Cut(a, "="); ok {
			options[key] = value
		} else {
			words = append(words, a)
		}
	}
	word := func(n int) string {
		if n < len(words) {
			return words[n]
		}
		return ""
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(text)
		return n
	}
	conn := Conn(number(word(0)))
	message := func(kind int, data []byte) {
		if s.holds {
			s.held = append(s.held, abi.Message{Conn: conn, Kind: kind, Data: data})
			return
		}
		s.do(s.awake().Message(conn, kind, data, s.now))
	}
	receive := func(frame []byte) { message(abi.KindBinary, frame) }
	switch command {
	case "room":
		*s = script{t: s.t, config: DefaultConfig, now: scriptStart, disk: &fake{}, open: map[Conn][]byte{}, authors: map[uint64]*author{}, fuel: -1, memory: math.MaxInt}
		s.config.Reserve = func(bytes int) bool { return bytes <= s.memory }
		if n := number(options["document"]); n > 0 {
			s.config.DocumentBytes = n
		}
		s.config.Silence = time.Duration(number(options["silence"])) * time.Second
		if n := number(options["burst"]); n > 0 {
			s.config.WindowSockets = n
		}
		if n := number(options["piece"]); n > 0 {
			s.config.PieceBytes = n
		}
		if word(0) == "merged" {
			s.config.IntegrateBytes = 0
		}
		if n := number(options["message"]); n > 0 {
			s.config.MessageBytes = n
		}
		if text := options["database"]; text != "" {
			s.database = (&author{id: 9}).typing(text)
			if text == "broken" {
				s.database = []byte{1, 2, 3}
			}
		}
	case "connect":
		s.open[conn] = nil
		a := Admission{Write: word(1) != "read", Session: session.Session{Subject: session.MarkOf(options["as"]), Token: session.MarkOf(options["token"])}}
		if name := options["named"]; name != "" {
			a.Subject, a.Session.Subject = name, session.MarkOf(name)
		}
		if options["dialect"] == "hocuspocus" {
			a.Dialect = yproto.Hocuspocus
		}
		if options["issued"] != "" {
			a.Session.Issued = scriptStart.Add(time.Duration(number(options["issued"])) * time.Second)
		}
		if options["until"] != "" {
			a.Session.Expires = scriptStart.Add(time.Duration(number(options["until"])) * time.Second)
		}
		s.do(s.awake().Connect(conn, DecodeAdmission(a.Append(nil)), s.now), nil)
	case "connect-before-sessions":
		s.open[conn] = []byte{1, 1, 0}
		if word(1) == "read" {
			s.open[conn][1] = 0
		}
		s.room = nil
	case "revoke":
		v := session.Revocation{Subject: session.MarkOf(word(0)), Token: session.MarkOf(options["token"]), At: s.now}
		_, out, err := s.awake().Call(AppendRequest(nil, Request{Op: OpRevoke, Data: v.Append(nil)}), s.now)
		s.do(out, err)
	case "close":
		reply, out, err := s.awake().Call(AppendRequest(nil, Request{Op: OpClose, Data: []byte("the space is paused")}), s.now)
		s.do(out, err)
		if p, err := DecodeReply(reply); err == nil {
			s.printf("status %d", p.Status)
		}
	case "disconnect":
		room := s.awake()
		delete(s.open, conn)
		s.do(room.Disconnect(conn, word(1) == "broken", s.now), nil)
	case "step1":
		var vector yjs.StateVector
		if n := number(options["known"]); n > 0 {
			vector = yjs.StateVector{{Client: 1, Clock: uint64(n)}}
		}
		receive(yproto.AppendSyncStep1(nil, vector.AppendTo(nil)))
	case "step2":
		receive(yproto.AppendSyncStep2(nil, s.author(uint64(conn)).typing(word(1))))
	case "update":
		a := s.author(uint64(conn))
		if n := number(options["gap"]); n > 0 {
			a.typing(strings.Repeat("?", n))
		}
		receive(yproto.AppendUpdate(nil, a.typing(strings.ReplaceAll(word(1), "LONG", strings.Repeat("x", 70_000)))))
	case "delete":
		r := yjs.ClockRange{Client: uint64(number(word(1))), From: uint64(number(word(2))), To: uint64(number(word(3)))}
		receive(yproto.AppendUpdate(nil, s.author(uint64(conn)).deleting(r)))
	case "aware":
		e := awareness.Entry{Client: uint64(number(word(1))), Clock: uint64(number(word(2))), State: []byte("null")}
		if state := word(3); state == "LONG" {
			e.State = []byte(`"` + strings.Repeat("x", 2500) + `"`)
		} else if state != "" {
			e.State = []byte(state)
		}
		receive(yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, e)))
	case "stateless":
		text := strings.ReplaceAll(word(1), "LONG", strings.Repeat("x", maxStateless+1))
		receive(yproto.Hocuspocus.Append(nil, yproto.Message{Kind: yproto.Stateless, Payload: []byte(text)}))
	case "query":
		receive(yproto.AppendQueryAwareness(nil))
	case "bytes":
		var frame []byte
		for _, h := range words[1:] {
			n, _ := strconv.ParseUint(h, 16, 8)
			frame = append(frame, byte(n))
		}
		receive(frame)
	case "frames": // an update, then step 1, in one frame
		frame := yproto.AppendUpdate(nil, s.author(uint64(conn)).typing(word(1)))
		receive(yproto.AppendSyncStep1(frame, yjs.StateVector{}.AppendTo(nil)))
	case "answer": // step 2 with all that the room holds, and so nothing new
		d, err := s.awake().read()
		if err != nil {
			s.t.Fatal(err)
		}
		state, err := d.diff(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		receive(yproto.AppendSyncStep2(nil, state))
	case "text":
		message(abi.KindText, make([]byte, number(word(1))))
	case "alarm":
		if s.alarm.IsZero() {
			s.t.Fatal("no alarm is set")
		}
		s.now, s.alarm = slices.MaxFunc([]time.Time{s.now, s.alarm}, time.Time.Compare), time.Time{}
		s.printf("at %s", s.now.Sub(scriptStart))
		s.do(s.awake().Alarm(s.now))
	case "pass":
		s.now = s.now.Add(time.Duration(number(word(0))) * time.Second)
	case "seeded":
		var err error
		if word(0) == "fail" {
			err = errors.New("no database")
		}
		s.do(s.awake().Seeded(s.database, 5, err, s.now))
	case "copied":
		var err error
		if word(0) == "fail" {
			err = errors.New("no database")
		}
		s.do(s.awake().Copied(s.task.Copy, err, s.now), nil)
	case "merge", "merge-again", "get", "delete-room", "seed", "json", "tree", "show", "restore", "people":
		q := Request{Op: map[string]Op{"merge": OpMerge, "merge-again": OpMerge, "get": OpState, "delete-room": OpDelete, "seed": OpSeed, "json": OpJSON, "tree": OpTree, "show": OpText, "restore": OpRestore, "people": OpPeople}[command]}
		switch command {
		case "merge":
			s.merged = s.author(7).typing(word(0))
			q.Data = s.merged
		case "merge-again":
			q.Data = s.merged
		case "show":
			q.Data = []byte(strings.Join(words, " "))
		case "people":
			q.Version = uint64(number(options["limit"]))
		case "get":
			q.ETag = strings.ReplaceAll(options["etag"], "LAST", s.etag)
		case "restore":
			q.Data, q.Version = s.kept, uint64(number(options["client"]))
		case "seed":
			q.Data, q.Version = s.database, 5
		}
		reply, out, err := s.awake().Call(AppendRequest(nil, q), s.now)
		s.do(out, err)
		if p, err := DecodeReply(reply); err == nil {
			s.etag = p.ETag
			body := string(p.Body)
			if command == "get" && p.Status == StatusOK {
				s.kept = p.Body
				body = describe(p.Body)
			}
			s.printf("reply %d etag=%q %s", p.Status, p.ETag, body)
		}
	case "hibernate":
		if s.timer {
			s.t.Fatal("no object hibernates before its timer")
		}
		s.room = nil
	case "end-instance":
		s.room = nil
	case "timer":
		if !s.timer {
			s.t.Fatal("no timer is set")
		}
		s.now = s.now.Add(time.Duration(number(options["late"])) * time.Millisecond)
		room := s.awake()
		s.timer = false
		s.do(room.Timer(s.now), nil)
	case "hold":
		s.holds = true
	case "bring":
		held := s.held
		s.holds, s.held = false, nil
		s.do(s.awake().Messages(held, s.now))
	case "memory":
		s.memory = number(word(0))
	case "unload":
		s.awake().Unload()
	case "crash-after":
		s.fuel = number(word(0))
	case "disk":
		s.printDisk()
	default:
		s.t.Fatalf("no command %q", command)
	}
}

// do prints the effects and performs them, or a part of them before a crash.
func (s *script) do(out Effects, err error) {
	if err != nil {
		s.printf("failed: %v", err)
		s.room = nil
		return
	}
	reads := s.disk.reads
	s.disk.reads = 0
	if reads > 0 {
		s.printf("read the document (%d reads)", reads)
	}
	step := func() bool {
		if s.fuel == 0 {
			s.printf("CRASH")
			s.room, s.open, s.fuel, s.task, s.timer = nil, map[Conn][]byte{}, -1, Task{}, false
			return false
		}
		if s.fuel > 0 {
			s.fuel--
		}
		return true
	}
	alarm := func(at *time.Time) bool {
		if at == nil {
			return true
		}
		if !step() {
			return false
		}
		s.alarm = *at
		if s.alarm.IsZero() {
			s.printf("no alarm")
		} else {
			s.printf("alarm at %s", s.alarm.Sub(scriptStart))
		}
		return true
	}
	if !alarm(out.Sooner) {
		return
	}
	for _, w := range out.Store {
		if !step() {
			return
		}
		s.disk.write(w)
		s.printf("store %s", describeWrite(w))
	}
	for _, a := range out.Attach {
		if !step() {
			return
		}
		s.open[a.Conn] = a.Data
		s.printf("attach to %d: %d bytes", a.Conn, len(a.Data))
	}
	if !alarm(out.Alarm) {
		return
	}
	if out.Timer > 0 {
		s.printf("timer in %s, holds %t", out.Timer, out.Holds)
		if s.timer {
			s.t.Error("a timer is set already")
		}
		s.timer = true
	}
	for _, m := range out.Send {
		if !step() {
			return
		}
		to := "all"
		if len(m.To) > 0 {
			to = fmt.Sprint(m.To)
		}
		s.printf("send to %s: %s", to, describeFrame(m.Data))
	}
	for _, c := range out.Close {
		if !step() {
			return
		}
		s.printf("close %d: %d %s", c.Conn, c.Code, c.Reason)
	}
	if out.Task.Kind != 0 {
		s.task = out.Task
		s.printf("task %s", map[TaskKind]string{TaskSeed: "seed", TaskCopy: fmt.Sprintf("copy %+v", out.Task.Copy)}[out.Task.Kind])
	}
}

func describeWrite(w Write) string {
	var parts []string
	due := func(millis int64) string {
		if millis == 0 {
			return "never"
		}
		return time.UnixMilli(millis).Sub(scriptStart).String()
	}
	if row := w.Row; row != nil {
		text := fmt.Sprintf("row %d", row.N)
		if row.Extends {
			text = "more in " + text
		}
		if row.Updates > 1 {
			text += fmt.Sprintf(" (%d updates)", row.Updates)
		}
		parts = append(parts, fmt.Sprintf("%s due=%s", text, due(row.Due)))
	}
	if w.Part != nil {
		parts = append(parts, fmt.Sprintf("part %d of snapshot %d", w.Part.N, w.Part.Gen))
	}
	if m := w.Meta; m != nil {
		parts = append(parts, fmt.Sprintf("meta seeded=%v snapshot=%d compacted=%d copied=%d failures=%d due=%s", m.Seeded, m.Gen, m.Compacted, m.CopiedLast, m.Failures, due(m.Due)))
	}
	if w.Sweep {
		parts = append(parts, "sweep")
	}
	if w.Keep != nil {
		parts = append(parts, fmt.Sprintf("presence of %d", w.Keep.Client))
	}
	if w.Gone != nil && w.Gone.Until == 0 {
		parts = append(parts, "no clients are gone")
	} else if w.Gone != nil {
		parts = append(parts, fmt.Sprintf("%d bytes of gone clients until %s", len(w.Gone.Clients), time.UnixMilli(w.Gone.Until).Sub(scriptStart)))
	}
	if len(w.Forget) > 0 {
		parts = append(parts, fmt.Sprintf("no presence of %v", w.Forget))
	}
	return strings.Join(parts, ", ")
}

func describeFrame(frame []byte) string {
	switch {
	case bytes.HasPrefix(frame, []byte{8}): // from server to client only
		return fmt.Sprintf("sync status %d", frame[1:])
	case bytes.HasPrefix(frame, []byte{2, 2}):
		return fmt.Sprintf("authenticated %q", frame[3:])
	}
	m, _, err := yproto.Hocuspocus.Decode(frame)
	if errors.As(err, new(*yproto.UnknownError)) {
		m, _, err = yproto.Decode(frame)
	}
	if err != nil {
		return err.Error()
	}
	switch m.Kind {
	case yproto.SyncStep1:
		sv, _ := yjs.DecodeStateVector(m.Payload)
		return fmt.Sprintf("step 1 %v", sv)
	case yproto.SyncStep2:
		return "step 2 " + describe(m.Payload)
	case yproto.Update:
		return "update " + describe(m.Payload)
	case yproto.PermissionDenied:
		return "denied: " + string(m.Payload)
	case yproto.Stateless:
		return "stateless " + string(m.Payload)
	}
	entries, _ := awareness.Decode(m.Payload, awareness.DefaultLimits)
	var parts []string
	for _, e := range entries {
		state := string(e.State)
		if len(state) > 100 {
			state = fmt.Sprintf("(%d bytes)", len(state))
		}
		parts = append(parts, fmt.Sprintf("%d@%d %s", e.Client, e.Clock, state))
	}
	return "awareness " + strings.Join(parts, ", ")
}

// describe lists the clocks of an update.
func describe(update []byte) string {
	summary, err := yjs.Validate(update, yjs.Limits{})
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, r := range summary.Structs {
		parts = append(parts, fmt.Sprintf("%d:[%d,%d)", r.Client, r.From, r.To))
	}
	for r := range summary.DeleteRanges() {
		parts = append(parts, fmt.Sprintf("-%d:[%d,%d)", r.Client, r.From, r.To))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " ")
}

func (s *script) printDisk() {
	state, err := s.disk.state()
	s.disk.reads = 0
	if err != nil {
		s.printf("disk: %v", err)
		return
	}
	kept := make([]uint64, 0, len(s.disk.presence))
	for client := range s.disk.presence {
		kept = append(kept, client)
	}
	slices.Sort(kept)
	s.printf("disk: %s; %d rows, %d generations, presence %v", describe(state), len(s.disk.rows), len(s.disk.parts), kept)
}
