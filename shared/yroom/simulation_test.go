package yroom

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

var seed = flag.Uint64("seed", 0, "simulate this seed alone, and print its story")

// TestNoSeenEditIsLost runs SIMULATE_SEEDS seeds (500; 50 with -short). Each plays
// 3 to 6 clients, a network and a machine that fails at any point. Each edit that a
// client has received, or that the room has acknowledged, stays in storage until the
// document is deleted. In the end all clients and the database agree. Together the
// seeds take every path: see pathNames.
func TestNoSeenEditIsLost(t *testing.T) {
	if *seed != 0 {
		simulate(t, *seed, true)
		return
	}
	n := 200
	if testing.Short() {
		n = 50
	}
	if all := os.Getenv("SIMULATE_SEEDS"); all != "" {
		var err error
		if n, err = strconv.Atoi(all); err != nil {
			t.Fatal(err)
		}
	}
	var taken taken
	for s := range uint64(n) {
		taken.add(simulate(t, s+1, false))
		if t.Failed() {
			t.Fatalf("seed %d failed: run again with -seed=%d", s+1, s+1)
		}
	}
	taken.check(t)
}

// A peer is a client of y-websocket or Hocuspocus, with the Go core as its document.
type peer struct {
	author
	ofHocuspocus
	client uint64 // whose presence it announces
	doc    *yjs.Doc
	states awareness.States
	beat   uint64 // clock of its own presence
	writes bool

	conn  Conn // 0: offline
	up    [][]byte
	down  [][]byte
	late  int       // how many of down a document sent that is deleted
	full  bool      // the room has rejected an edit of it
	done  bool      // step 2 has arrived
	known []byte    // attachment
	until time.Time // of its token; zero: never
}

type world struct {
	*testing.T
	*rand.Rand
	story    bool
	taken    taken
	before   moment // the room before this event
	together bool   // several messages came in it: edits may follow the step 2 that it sends
	now      time.Time
	config   Config
	scarce   bool // now and then there is no memory for an event
	fills    bool // the document may become full

	disk     fake
	room     *Room
	peers    []*peer
	lastConn Conn
	alarm    time.Time
	ringing  time.Time // the alarm that goes off
	timer    bool
	task     Task

	copied        []byte // the database's
	copiedVersion int64
	version       []byte   // of the document
	seen          *yjs.Doc // all updates that a peer got from the room
	seenDeletes   []yjs.ClockRange
	synced        map[*byte]yjs.StateVector // the room's state when it sent that step 2
	deleted       deleted
}

func simulate(t *testing.T, seed uint64, story bool) taken {
	rnd := rand.New(rand.NewPCG(seed, 5))
	w := &world{T: t, Rand: rnd, story: story, now: time.Unix(1_700_000_000, 0), config: DefaultConfig, seen: yjs.New(yjs.Options{}), synced: map[*byte]yjs.StateVector{}}
	w.config.ChunkBytes = []int{3, 60, 1_098_000}[rnd.IntN(3)]
	w.config.TailBytes = []int{0, 60, 200, 3_900}[rnd.IntN(4)]
	if w.fills = rnd.IntN(3) > 0; w.fills {
		w.config.DocumentBytes = []int{600, 1_200}[rnd.IntN(2)]
	}
	w.config.IntegrateBytes = []int{0, 4_000, 8_000, 4 << 20}[rnd.IntN(4)] // merged only, both, or integrated only
	w.config.PieceBytes = []int{10, 100, 1 << 20}[rnd.IntN(3)]
	w.scarce = rnd.IntN(4) == 0
	w.config.Reserve = func(int) bool { return !w.scarce || rnd.IntN(8) > 0 }
	w.config.WindowSockets = []int{1, 3, 20}[rnd.IntN(3)]
	w.config.Silence = []time.Duration{0, 25 * time.Second}[rnd.IntN(2)]
	if rnd.IntN(4) == 0 { // the room was written to by an earlier version
		old := (&author{id: 98}).typing("old")
		w.disk.write(Write{Row: &Row{N: 1, First: 1, Pieces: 2, Bytes: old[:5]}})
		w.disk.write(Write{Row: &Row{N: 2, First: 1, Pieces: 2, Bytes: old[5:]}})
		w.disk.write(Write{Row: &Row{N: 3, First: 3, Pieces: 1, Bytes: (&author{id: 97}).typing("old")}})
		w.disk.write(Write{Meta: &Meta{Last: 3, Due: w.now.UnixMilli()}})
		w.alarm = w.now
		w.see(old)
	}
	if rnd.IntN(2) == 0 { // the room was written by another backend
		a := author{id: 99}
		w.copied = a.typing("before")
		w.copiedVersion = 7
		w.seen.Apply(w.copied)
	}
	for i := range 3 + rnd.IntN(4) {
		w.peers = append(w.peers, &peer{author: author{id: uint64(i + 1)}, client: uint64(i + 1), doc: yjs.New(yjs.Options{}), writes: i == 0 || rnd.IntN(5) > 0, ofHocuspocus: ofHocuspocus{is: i%2 == 1}})
	}
	for range 300 + rnd.IntN(400) {
		if w.step(); t.Failed() {
			return w.taken
		}
	}
	w.settle()
	return w.taken
}

func (w *world) logf(format string, args ...any) {
	if w.story {
		fmt.Printf(format+"\n", args...)
	}
}

func (w *world) step() {
	p := w.peers[w.IntN(len(w.peers))]
	switch n := w.IntN(100); {
	case n < 20:
		w.edit(p)
	case n < 50:
		w.toRoom(p)
	case n < 70:
		w.toPeer(p)
	case n < 76:
		w.connect(p)
	case n < 80:
		w.drop(p, w.IntN(2) == 0)
	case n < 82:
		w.beat(p)
	case n < 83:
		if p.conn != 0 { // as with resyncInterval
			p.up = append(p.up, yproto.AppendSyncStep1(nil, p.doc.EncodeStateVector()))
			p.synchronizes(true)
		}
	case n < 85:
		if w.timer && w.IntN(4) > 0 { // before, no object hibernates
			w.ring()
		}
		w.logf("hibernate, or the instance ends: timer %v", w.timer)
		w.forget()
		w.checkAlarm()
	case n < 87:
		if w.room != nil {
			w.room.Unload()
		}
	case n < 88:
		w.crash()
	case n < 90:
		w.ring()
	case n < 91:
		w.restore()
	case n < 92:
		switch w.IntN(8) {
		case 0:
			w.delete()
		case 1, 2:
			w.rewrite(p)
		default:
			w.tidy(p)
		}
	case n < 94:
		d := time.Duration(w.IntN(20_000)) * time.Millisecond
		if w.IntN(8) == 0 {
			d = goneFor
		}
		w.pass(d)
	default:
		w.work(w.IntN(3) == 0)
	}
}

// awake returns the room, made from storage if it was forgotten.
func (w *world) awake() *Room {
	if w.room == nil {
		var open []abi.Conn
		for _, p := range w.peers {
			if p.conn != 0 {
				open = append(open, abi.Conn{ID: p.conn, Attachment: p.known})
			}
		}
		stored := w.disk.stored()
		stored.TimerSet = w.timer
		w.room = New(w.config, &w.disk, stored, open, w.now)
	}
	w.before = momentOf(w.room)
	return w.room
}

// forget drops the room, as the loss of memory does.
func (w *world) forget() {
	if w.room != nil && len(w.room.lacking) > 0 {
		w.taken[forgottenBetweenPieces]++
	}
	w.room = nil
}

// do performs effects in their order, or a part of them before the machine fails.
func (w *world) do(out Effects, err error) {
	if err != nil {
		w.Errorf("event failed: %v", err)
		return
	}
	w.follow(out)
	total := len(out.Store) + len(out.Attach) + len(out.Send) + len(out.Close) + 2
	fuel := total
	if w.IntN(30) == 0 {
		fuel = w.IntN(total)
	}
	spend := func() bool { fuel--; return fuel >= 0 }
	if !spend() {
		w.crash()
		return
	}
	if out.Sooner != nil {
		w.alarm = *out.Sooner
	}
	for i, s := range out.Store {
		if !spend() {
			if i > 0 {
				w.taken[crashBetweenWrites]++
			}
			w.crash()
			return
		}
		w.disk.write(s)
		w.deleted.written(w, s)
	}
	for _, a := range out.Attach {
		if !spend() {
			w.crash()
			return
		}
		if p := w.peer(a.Conn); p != nil {
			p.known = a.Data
		}
		if len(a.Data) > 2000 {
			w.Errorf("attachment of %d bytes", len(a.Data))
		}
	}
	if !spend() {
		w.crash()
		return
	}
	if out.Alarm != nil {
		w.alarm = *out.Alarm
	}
	if out.Timer > 0 {
		if w.timer {
			w.Error("the room sets a timer that is set")
		}
		w.timer = true
	}
	for _, s := range out.Send {
		if !spend() {
			w.crash()
			return
		}
		if m, _, err := yproto.Decode(s.Data); err == nil && m.Kind == yproto.SyncStep2 && !w.together && w.room.doc != nil && w.room.doc.doc != nil {
			w.synced[&s.Data[0]] = w.room.doc.doc.StateVector()
		}
		for _, p := range w.peers {
			if p.conn != 0 && (len(s.To) == 0 || slices.Contains(s.To, p.conn)) {
				p.down = append(p.down, s.Data)
			}
		}
	}
	for _, c := range out.Close {
		w.logf("close %d: %d %s", c.Conn, c.Code, c.Reason)
		p := w.peer(c.Conn)
		if p == nil {
			continue // a crash took it while another socket was closed
		}
		ended := !p.until.IsZero() && !p.until.After(w.now.Add(early))
		if c.Code < 4500 && !(c.Code == room.CloseEnded && ended) && !(c.Code == room.CloseDeleted && w.now.Before(w.deleted.until)) {
			w.Errorf("the room closed %d with %d %s", c.Conn, c.Code, c.Reason)
		}
		w.drop(p, false)
		if c.Code == room.CloseDeleted && w.IntN(2) == 0 {
			w.begin(p)
		}
	}
	if out.Task.Kind != 0 {
		w.task = out.Task
	}
}

func (w *world) peer(conn Conn) *peer {
	for _, p := range w.peers {
		if p.conn == conn {
			return p
		}
	}
	return nil
}

// crash ends the machine: memory and sockets are gone, some frames are on their way.
func (w *world) crash() {
	w.logf("crash")
	w.now = w.now.Add(time.Millisecond) // the next machine begins later
	w.forget()
	w.task, w.timer = Task{}, false
	if w.alarm.IsZero() { // the host rings again
		w.alarm = w.ringing
	}
	w.checkAlarm()
	for _, p := range w.peers {
		if p.conn != 0 {
			p.down = p.down[:w.IntN(len(p.down)+1)]
			for len(p.down) > 0 {
				w.toPeer(p)
			}
			p.conn, p.up, p.known, p.late = 0, nil, nil, 0
		}
	}
	w.lastConn = 0 // numbers are used again
	w.checkSeen()
}

func (w *world) connect(p *peer) {
	if p.conn != 0 {
		return
	}
	w.lastConn++
	p.conn, p.up, p.down, p.known, p.late, p.done = w.lastConn, nil, nil, nil, 0, false
	w.logf("peer %d connects as %d", p.id, p.conn)
	a := Admission{Write: p.writes, Dialect: p.dialect()}
	p.synchronizes(false)
	if p.client%2 == 0 {
		a.Session.Subject = session.MarkOf(fmt.Sprint(p.client))
	}
	if p.until = (time.Time{}); w.IntN(3) == 0 {
		p.until = w.now.Add(time.Duration(1+w.IntN(60)) * time.Second)
		a.Session.Expires = p.until
	}
	w.do(w.awake().Connect(p.conn, a, w.now), nil)
	if p.conn == 0 {
		return
	}
	p.up = append(p.up, yproto.AppendSyncStep1(nil, p.doc.EncodeStateVector()))
	if e, known := p.states.Get(p.client); known && e.State != nil {
		p.up = append(p.up, yproto.AppendAwareness(nil, p.states.AppendUpdate(nil, p.client)))
	} else {
		w.beat(p)
	}
}

func (w *world) drop(p *peer, broken bool) {
	if p.conn == 0 {
		return
	}
	w.logf("peer %d leaves, broken %v", p.id, broken)
	conn := p.conn
	room := w.awake() // made while the socket is still known
	if slices.Contains(room.lacking, conn) {
		w.taken[leaveBetweenPieces]++
	}
	p.conn, p.up, p.down, p.late = 0, nil, nil, 0
	w.do(room.Disconnect(conn, broken, w.now), nil)
	for _, other := range p.states.Present() {
		if other != p.client {
			p.states.Remove(w.now, other)
		}
	}
}

func (w *world) beat(p *peer) {
	p.beat++
	state := fmt.Sprintf(`{"n":%d}`, p.beat)
	if w.IntN(4) == 0 {
		state = fmt.Sprintf(`{"long":"%s"}`, bytes.Repeat([]byte("x"), 1900+w.IntN(100)))
	}
	p.states.Apply(awareness.AppendUpdate(nil, awareness.Entry{Client: p.client, Clock: p.beat, State: []byte(state)}), w.now)
	if p.conn != 0 {
		p.up = append(p.up, yproto.AppendAwareness(nil, p.states.AppendUpdate(nil, p.client)))
	}
}

func (w *world) edit(p *peer) {
	if !p.writes {
		return
	}
	w.reload(p)
	var u []byte
	switch w.IntN(4) {
	case 0:
		u = p.setting(w.Uint64N(100))
	case 1:
		victims := p.doc.StateVector()
		if len(victims) == 0 {
			return
		}
		v := victims[w.IntN(len(victims))]
		from := w.Uint64N(v.Clock)
		u = p.deleting(yjs.ClockRange{Client: v.Client, From: from, To: from + 1 + w.Uint64N(v.Clock-from)})
	default:
		text := "abcdefgh"[:1+w.IntN(8)]
		switch {
		case w.fills:
			text = strings.Repeat(text, 16)
		case w.IntN(3) == 0:
			text = strings.Repeat(text, 200)
		}
		u = p.typing(text)
	}
	w.edited(p, u)
}

func (w *world) edited(p *peer, u []byte) {
	if _, err := p.doc.Apply(u); err != nil {
		w.Fatalf("own edit %x: %v", u, err)
	}
	if p.conn != 0 {
		p.up = append(p.up, yproto.AppendUpdate(nil, u))
		p.unsaved++
	}
}

// toRoom delivers one frame, or several as one, as y-websocket 4 does.
func (w *world) toPeer(p *peer) {
	if len(p.down) == 0 {
		return
	}
	frame := p.down[0]
	p.down = p.down[1:]
	late := p.late > 0
	if late {
		p.late--
	}
	if w.hearsHocuspocus(p, frame) {
		return
	}
	m, rest, err := yproto.Decode(frame)
	if err != nil || len(rest) > 0 {
		w.Errorf("a peer got %x: %v", frame, err)
		return
	}
	switch m.Kind {
	case yproto.SyncStep1:
		diff, err := p.doc.EncodeStateAsUpdate(m.Payload)
		if err != nil {
			w.Errorf("step 1: %v", err)
		}
		if p.conn != 0 {
			p.up = append(p.up, yproto.AppendSyncStep2(nil, diff))
		}
	case yproto.SyncStep2, yproto.Update:
		if !late {
			w.see(m.Payload)
		}
		p.done = p.done || m.Kind == yproto.SyncStep2
		if _, err := p.doc.Apply(m.Payload); err != nil {
			w.Errorf("peer %d cannot apply %x: %v", p.id, m.Payload, err)
		}
		vector := p.doc.StateVector()
		for _, last := range w.synced[&frame[0]] {
			if vector.Clock(last.Client) < last.Clock {
				w.Errorf("peer %d was told that it is synchronized, and has client %d up to %d of %d", p.id, last.Client, vector.Clock(last.Client), last.Clock)
			}
		}
	case yproto.Awareness:
		change, err := p.states.Apply(m.Payload, w.now)
		if err != nil {
			w.Errorf("awareness: %v", err)
		}
		if slices.Contains(change.Removed, p.client) {
			w.beat(p) // y-protocols: a client says that it is still here
		}
		if !change.Empty() && p.conn != 0 {
			p.up = append(p.up, yproto.AppendAwareness(nil, p.states.AppendUpdate(nil, change.Clients()...)))
		}
	case yproto.PermissionDenied:
		if w.fills && strings.Contains(string(m.Payload), errFull.Error()) {
			w.taken[writeRefused]++
			p.full = true
		} else if p.writes {
			w.Errorf("peer %d was refused: %s", p.id, m.Payload)
		}
	}
}

// ring fires the timer.
func (w *world) ring() {
	if w.timer {
		w.timer = false
		w.logf("timer")
		if w.IntN(4) == 0 { // it rings late
			w.now = w.now.Add(20 * time.Millisecond)
		}
		out := w.awake().Timer(w.now)
		if len(w.room.window.Gathered) > 0 {
			w.taken[windowExtended]++
		}
		w.do(out, nil)
	}
}

// pass lets time go by and fires the timer, and the alarm if it is due.
func (w *world) pass(d time.Duration) {
	w.ring()
	w.now = w.now.Add(d)
	if !w.alarm.IsZero() && !w.alarm.After(w.now) {
		w.ringing, w.alarm = w.alarm, time.Time{}
		w.logf("alarm")
		room := w.awake()
		w.before.large = outgrown(room)
		w.do(room.Alarm(w.now))
		w.ringing = time.Time{}
	}
	for _, p := range w.peers {
		if p.conn != 0 && !p.until.IsZero() && !p.until.After(w.now) {
			w.Errorf("the socket of peer %d outlives its token", p.id)
		}
	}
}

var errDatabase = errors.New("the database failed")

// work performs the alarm's task, a moment later.
func (w *world) work(fail bool) {
	task := w.task
	w.task = Task{}
	var err error
	if fail {
		err = errDatabase
	}
	w.logf("task %d, %v", task.Kind, err)
	switch task.Kind {
	case TaskSeed:
		w.do(w.awake().Seeded(w.copied, w.copiedVersion, err, w.now))
	case TaskCopy:
		c := task.Copy
		if err == nil && w.disk.meta.Gen == c.Gen {
			if c.Version <= w.copiedVersion {
				w.Errorf("copy %d follows %d", c.Version, w.copiedVersion)
			}
			w.copied, w.copiedVersion = bytes.Join(w.disk.parts[c.Gen], nil), c.Version
			if c.Parts == 0 {
				w.copied = nil
			}
			if len(w.disk.parts[c.Gen]) != c.Parts {
				w.Errorf("%d parts, told %d", len(w.disk.parts[c.Gen]), c.Parts)
			}
		}
		w.do(w.awake().Copied(c, err, w.now), nil)
	}
}
