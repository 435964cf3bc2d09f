//go:build js && wasm

package host

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yroom"
)

// An Exec runs statements as one transaction.
type Exec = func(...abi.Statement) ([]abi.Result, error)

// YjsStorage is the storage of one room in its object; documents.Log is one.
type YjsStorage interface {
	yroom.Storage
	Open() (yroom.Stored, error)
	Write(yroom.Write) error
	Part(gen int64, n int) ([]byte, error)
	// Announces says whether Write adds to the outbox.
	Announces(*yroom.Write) bool
}

// YjsDatabase holds the copies of documents; *documents.Copies is one. Version rises
// with each copy. The parts from 1 on come first; Commit writes part 0, the last.
type YjsDatabase interface {
	Load(ctx context.Context, room string) (state []byte, version int64, err error)
	PutPart(ctx context.Context, room string, version int64, part int, state []byte) error
	Commit(ctx context.Context, room string, version int64, first []byte) error
	Delete(ctx context.Context, room string) error
}

// ofSpace is a YjsDatabase in a space. Full says whether the space takes no more.
type ofSpace interface {
	YjsDatabase
	Full() bool
}

// YjsRooms makes the rooms of YjsRoom. Their documents and presence in memory share
// one budget.
type YjsRooms struct {
	Config  yroom.Config
	Storage func(Exec) YjsStorage
	// Database returns where the copies of the object's document are, and its name there.
	Database func(*Object) (d YjsDatabase, document string)
	// CacheBytes is how much memory the documents and the presence of all rooms may
	// hold together. Beyond it, YjsRooms drops those of the least recently used rooms
	// and reads them again when needed.
	CacheBytes int
	// Free, if not nil, returns how much memory requests leave to the documents.
	// EventBytes is how much more an event may use.
	Free       func() int
	EventBytes int
	// Outbox, if not nil, returns the outbox in the storage of an object. IsOutboxCall knows the
	// messages for it.
	Outbox       func(*Object, Batcher) Outbox
	IsOutboxCall func(message []byte) bool

	loaded   list.List // of *yjsRoom, most recently used first
	bytes    int
	running  *yjsRoom // the room of the running event; nil: none
	reserved int      // by that event
	usual    int      // the garbage percentage before that event; 0: it is unchanged

	shut    room.Recent[*shutRoom] // by yjsRoom.key
	revoked session.Recent         // by requests to rooms that store nothing
	full    room.Seldom
}

// A shutRoom is what YjsRooms remembers of a room that was shut.
type shutRoom struct {
	yroom.Shut
	closed map[int32]bool // the sockets that the host has closed, and not the room
}

// A yjsRoom performs the effects of a yroom.Room in an object.
type yjsRoom struct {
	rooms   *YjsRooms
	o       *Object
	storage YjsStorage
	room    *yroom.Room // nil: to be made from storage
	erased  int         // how often it was erased
	behind  time.Time   // when the copy of the document fell behind; zero: it did not
	copied  int64       // the last row that the copy contained then
	failed  int         // how often in a row the copy was not written, as was counted last

	database YjsDatabase
	document string

	outbox *yjsOutbox // nil: there is none

	at   *list.Element // in rooms.loaded
	size int
}

// Class is the Class of YjsRoom.
func (y *YjsRooms) Class(o *Object) Room {
	o.Autoreply("ping", "pong")
	r := &yjsRoom{rooms: y, o: o, storage: y.Storage(o.Exec)}
	r.database, r.document = y.Database(o)
	r.outbox = y.newYjsOutbox(o)
	return r
}

func (y *yjsRoom) Connect(conn int32, attachment []byte) {
	a, now := yroom.DecodeAdmission(attachment), time.Now()
	s := y.shut()
	delete(s.closed, conn) // a host may use the number of a socket again
	if s.Ends(a) {
		y.close(s, conn)
		return
	}
	y.event([]int32{conn}, func(r *yroom.Room) (yroom.Effects, error) { return r.Connect(conn, a, now), nil })
}

func (y *yjsRoom) Message(conn int32, kind int, data []byte) {
	y.Messages([]abi.Message{{Conn: conn, Kind: kind, Data: data}})
}

// Messages is that of a Gatherer.
func (y *yjsRoom) Messages(messages []abi.Message) {
	bytes := 0
	var conns []int32
	for _, m := range messages {
		bytes += len(m.Data)
		conns = append(conns, m.Conn)
	}
	y.o.Count(metric.YjsBytes, float64(bytes), metric.In)
	closed := y.shut().closed
	messages = slices.DeleteFunc(messages, func(m abi.Message) bool { return closed[m.Conn] })
	if len(messages) == 0 {
		return
	}
	y.event(conns, func(r *yroom.Room) (yroom.Effects, error) {
		return r.Messages(messages, time.Now())
	})
}

func (y *yjsRoom) Disconnect(conn int32, code int, _ string) {
	if s := y.shut(); s.closed[conn] {
		delete(s.closed, conn)
		return
	}
	y.event(nil, func(r *yroom.Room) (yroom.Effects, error) {
		return r.Disconnect(conn, code == abnormal || code == abi.CloseBroke, time.Now()), nil
	})
}

// abnormal is the close code of a connection that broke. RFC 6455, 7.1.5.
const abnormal = 1006

// Timer does nothing in a room that is not made and has no sockets: the timer is that of a room
// which was erased meanwhile, and whose storage must not be made again.
func (y *yjsRoom) Timer() {
	if y.room == nil {
		if conns, err := y.conns(); err == nil && len(conns) == 0 {
			return
		}
	}
	y.event(nil, func(r *yroom.Room) (yroom.Effects, error) { return r.Timer(time.Now()), nil })
}

// emptyBytes is at most the size of an object that has stored nothing: on workerd it has a page.
const emptyBytes = 4 << 10

// isEmpty says whether the room stores nothing. Some messages do not make such a room.
func (y *yjsRoom) isEmpty() bool { return y.room == nil && y.o.Size() <= emptyBytes }

// Call returns nil if the storage failed, and otherwise than for want of space.
func (y *yjsRoom) Call(data []byte) (reply []byte) {
	now := time.Now()
	if reply, ok := y.shut().Reply(data); ok {
		return reply
	}
	if reply, ok := y.callOutbox(data); ok {
		return reply
	}
	if shut, ok := yroom.ShutBy(data); ok {
		s := &shutRoom{shut, y.shut().closed}
		if s.closed == nil {
			s.closed = map[int32]bool{}
		}
		y.rooms.shut.Put(y.key(), s, now)
		if shut.Erases {
			y.erase(s)
			return yroom.Erased()
		}
	}
	if reply, asks := yroom.Nobody(data); asks && y.isEmpty() {
		return reply
	}
	if v, ok := yroom.RevokedBy(data); ok && y.isEmpty() {
		y.rooms.revoked.Add(v, now)
		return yroom.Erased()
	}
	err := y.event(nil, func(r *yroom.Room) (out yroom.Effects, err error) {
		reply, out, err = r.Call(data, now)
		return out, err
	})
	switch {
	case abi.Full(err):
		return yroom.Unstored()
	case err != nil:
		return nil
	}
	if yroom.Forgets(data, reply) {
		y.forget()
	}
	return reply
}

// erase closes the sockets and deletes what the object has stored. A task that is under way
// ends.
func (y *yjsRoom) erase(s *shutRoom) {
	conns, err := y.o.Conns()
	if err != nil {
		Log.Error("the sockets of a Yjs room were not closed", "room", y.o.Name, "error", err)
	}
	for _, c := range conns {
		y.close(s, c.ID)
	}
	y.forget()
	y.countBehind()
}

// forget deletes what the object has stored.
func (y *yjsRoom) forget() {
	y.o.Erase()
	y.outbox.forget()
	y.room = nil
	y.erased++
	y.account()
}

// Leave gives back the memory of the document.
func (y *yjsRoom) Leave() {
	y.room = nil
	y.account()
}

// key names the object among all: a document of the root may have the name of one in a space.
func (y *yjsRoom) key() string { return y.o.Class + "/" + y.o.Name }

// open is the room of which nothing is remembered.
var open = &shutRoom{}

// shut returns what is remembered of the room.
func (y *yjsRoom) shut() *shutRoom {
	if s := y.rooms.shut.Get(y.key(), time.Now()); s != nil {
		return s
	}
	return open
}

// close closes a socket without the room. The room does not hear of the socket's end, either:
// when it wakes up, it stores something.
func (y *yjsRoom) close(s *shutRoom, conn int32) {
	s.closed[conn] = true
	y.o.Close(conn, s.Code(), s.Reason)
}

// conns returns the sockets of the room: not those that the host has closed, as the room does not
// hear of their end.
func (y *yjsRoom) conns() ([]abi.Conn, error) {
	conns, err := y.o.Conns()
	closed := y.shut().closed
	return slices.DeleteFunc(conns, func(c abi.Conn) bool { return closed[c.ID] }), err
}

// event runs an event of the room and performs its effects. If the storage fails, event
// closes conns, the senders, so that the clients connect again later, and drops the room.
func (y *yjsRoom) event(conns []int32, happen func(*yroom.Room) (yroom.Effects, error)) error {
	y.rooms.running = y
	defer y.rooms.end()
	err := y.awake()
	if err == nil {
		var out yroom.Effects
		if out, err = happen(y.room); err == nil {
			err = y.do(out)
		}
	}
	if err != nil {
		reason := "the room failed; try again later"
		if !abi.Full(err) {
			Log.Error("a Yjs room failed", "room", y.o.Name, "error", err)
		} else if reason = "the server's disk is full; try again later"; y.rooms.full.Due(time.Now()) {
			Log.Error("the disk is full: edits of Yjs rooms fail", "room", y.o.Name, "error", err)
		}
		y.room = nil
		for _, conn := range conns {
			y.o.Close(conn, room.CloseLater, reason)
		}
	}
	y.countBehind()
	y.account()
	return err
}

// end ends the event that runs.
func (y *YjsRooms) end() {
	if y.usual != 0 {
		debug.SetGCPercent(y.usual)
	}
	y.running, y.reserved, y.usual = nil, 0, 0
}

func (y *yjsRoom) awake() error {
	if y.room != nil {
		return nil
	}
	stored, err := y.storage.Open()
	if err != nil {
		return err
	}
	conns, err := y.conns()
	if err != nil {
		return err
	}
	if y.o.Ends() > 0 { // the room stores it for as long as necessary
		stored.Ended = true
		y.o.Forgive()
	}
	stored.TimerSet = y.o.TimerSet()
	if err := y.outbox.open(); err != nil {
		return err
	}
	config := y.rooms.Config
	_, config.CopiesFirst = y.database.(ofSpace)
	config.Reserve, config.Revoked = y.rooms.reserve, y.rooms.revoked.Clone()
	y.room = yroom.New(config, y.storage, stored, conns, time.Now())
	return nil
}

// do performs effects in the order that yroom.Effects gives.
func (y *yjsRoom) do(out yroom.Effects) error {
	y.outbox.plan(y, &out)
	if out.Sooner != nil {
		y.o.SetAlarm(*out.Sooner)
	}
	for _, w := range out.Store {
		if err := y.storage.Write(w); err != nil {
			return err
		}
	}
	y.o.Count(metric.YjsUpdates, float64(out.Updates()))
	sent := y.o.perform(out.Effects)
	y.o.Count(metric.YjsBytes, float64(sent.bytes), metric.Out)
	return nil
}

// countBehind counts since when the copy of the document is behind, when it is to be written, and how
// often that failed, if this changed. While clients go on editing, each copy is behind anew.
func (y *yjsRoom) countBehind() {
	failed, copied, behind := 0, int64(0), false
	if y.room != nil {
		failed, copied, behind = y.room.CopyFailures(), y.room.CopiedLast(), y.room.Behind()
	}
	if failed != y.failed {
		y.failed = failed
		y.o.Count(metric.CopyFailures, float64(failed))
	}
	switch {
	case behind && (y.behind.IsZero() || copied != y.copied):
		y.behind, y.copied = time.Now(), copied
		y.o.Count(metric.CopiesBehind, float64(y.behind.Unix()))
		y.o.Count(metric.CopiesLate, float64(y.room.CopyDue().Unix()))
	case !behind && !y.behind.IsZero():
		y.behind = time.Time{}
		y.o.Count(metric.CopiesBehind, 0)
		y.o.Count(metric.CopiesLate, 0)
	}
}

// limit returns how much memory the documents may hold together now.
func (y *YjsRooms) limit() int {
	if y.Free == nil {
		return y.CacheBytes
	}
	return min(y.CacheBytes, y.Free())
}

// GiveWay drops the least recently used documents until the requests' memory fits
// beside the rest.
func (y *YjsRooms) GiveWay() { y.makeRoom(0) }

// account keeps the documents of all rooms within their budget.
func (y *yjsRoom) account() {
	all := y.rooms
	size := 0
	if y.room != nil {
		size = y.room.Size()
	}
	all.bytes += size - y.size
	y.size = size
	switch {
	case size == 0 && y.at != nil:
		all.loaded.Remove(y.at)
		y.at = nil
	case size > 0 && y.at == nil:
		y.at = all.loaded.PushFront(y)
	case size > 0:
		all.loaded.MoveToFront(y.at)
	}
	all.makeRoom(0)
}

// heavyPresence is the size of presence from which makeRoom drops a whole room. It
// drops only the document of other rooms: to make a room again costs more than to
// read its document again.
const heavyPresence = 64 << 10

// muchPercent is how much garbage the collector lets the heap gather in an event of much
// memory, in percent of what is in use. Otherwise GOGC and GOMEMLIMIT of the hosts say it. But
// the runtime exceeds GOMEMLIMIT where collections would take more than half of the time.
const muchPercent = 50

// reserve drops documents until the running event can have bytes more. It returns false
// if that is not possible: documents cannot have the memory that requests hold. A
// negative number gives bytes back.
func (y *YjsRooms) reserve(bytes int) bool {
	y.reserved += bytes
	if y.reserved >= muchBytes && y.usual == 0 {
		y.usual = debug.SetGCPercent(muchPercent)
	}
	y.makeRoom(y.reserved)
	return y.Free == nil || y.bytes+y.reserved <= y.Free()+y.EventBytes
}

// makeRoom drops the least recently used documents until bytes more fit beside the
// others. It drops a room with much presence as a whole.
func (y *YjsRooms) makeRoom(bytes int) {
	for y.bytes+bytes > y.limit() && y.loaded.Len() > 0 {
		oldest := y.loaded.Remove(y.loaded.Back()).(*yjsRoom)
		if oldest == y.running { // its event may still use the document
			y.reserved += oldest.size
		}
		oldest.room.Unload()
		if oldest.room.Size() > heavyPresence && oldest != y.running && !oldest.room.Gathers() {
			oldest.room = nil
		}
		y.bytes -= oldest.size
		oldest.at, oldest.size = nil, 0
	}
	Collect(bytes)
}

// Alarm is the alarm of both, of the room and then of its outbox.
func (y *yjsRoom) Alarm(ctx context.Context) error {
	if err := y.maintain(ctx); err != nil || y.outbox == nil {
		return err
	}
	return y.outbox.deliver(ctx, y)
}

// maintain calls the room's Alarm and then performs its task. The outcome of the task is
// another event of the room.
func (y *yjsRoom) maintain(ctx context.Context) error {
	var task yroom.Task
	err := y.enter(ctx, func(r *yroom.Room) (yroom.Effects, error) {
		out, err := r.Alarm(time.Now())
		task = out.Task
		if out.Compaction != "" {
			y.o.Count(metric.YjsCompactions, 1, out.Compaction)
		}
		return out, err
	})
	if err != nil {
		return err
	}
	switch task.Kind {
	case yroom.TaskSeed:
		erased := y.erased
		state, version, loadErr := y.database.Load(ctx, y.document)
		if loadErr != nil {
			Log.Warn("a Yjs room's document could not be read; it is tried again", "room", y.o.Name, "error", loadErr)
		}
		if y.erased > erased { // the state is of the document that was erased
			return nil
		}
		return y.enter(ctx, func(r *yroom.Room) (yroom.Effects, error) {
			return r.Seeded(state, version, loadErr, time.Now())
		})
	case yroom.TaskCopy:
		copyErr := y.copy(ctx, task.Copy)
		if copyErr != nil {
			Log.Warn("a Yjs room's document could not be copied; it is tried again", "room", y.o.Name, "error", copyErr)
		}
		if errors.Is(copyErr, errErased) {
			return nil
		}
		return y.enter(ctx, func(r *yroom.Room) (yroom.Effects, error) {
			y.closeIfFull()
			return r.Copied(task.Copy, copyErr, time.Now()), nil
		})
	}
	return nil
}

// closeIfFull closes the sockets if the space of the document is full. Those that come
// afterwards may only read.
func (y *yjsRoom) closeIfFull() {
	d, ok := y.database.(ofSpace)
	if !ok || !d.Full() {
		return
	}
	conns, err := y.o.Conns()
	if err != nil {
		Log.Error("the sockets of a full space were not closed", "room", y.o.Name, "error", err)
	}
	for _, c := range conns {
		y.o.Close(c.ID, room.CloseTooLarge, "the space holds LIMIT_SPACE_BYTES: connect again to read")
	}
}

// enter runs event inside Object.Enter, for the alarm.
func (y *yjsRoom) enter(ctx context.Context, happen func(*yroom.Room) (yroom.Effects, error)) (err error) {
	entered := y.o.Enter(ctx, func() { err = y.event(nil, happen) })
	if entered != nil {
		return entered
	}
	return err
}

var errErased = errors.New("the room was erased meanwhile")

// copy writes a snapshot to the database, part by part, so that a large snapshot is
// never in memory as a whole.
func (y *yjsRoom) copy(ctx context.Context, c yroom.Copy) error {
	erased := y.erased
	if c.Parts == 0 {
		return y.database.Delete(ctx, y.document)
	}
	for n := c.Parts - 1; n >= 0; n-- {
		var part []byte
		var readErr error
		if err := y.o.Enter(ctx, func() { part, readErr = y.storage.Part(c.Gen, n) }); err != nil {
			return err
		}
		if readErr != nil {
			return fmt.Errorf("read the snapshot: %w", readErr)
		}
		if y.erased > erased {
			return errErased
		}
		var err error
		if n > 0 {
			err = y.database.PutPart(ctx, y.document, c.Version, n, part)
		} else {
			err = y.database.Commit(ctx, y.document, c.Version, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
