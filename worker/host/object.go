//go:build js && wasm

package host

import (
	"bytes"
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"tidemark/shared/abi"
	"tidemark/shared/room"
)

// A Room is the program of a Durable Object; package room explains the terms. Its
// methods run during the object's events and never block. Only Alarm, and Serve of a
// Server, may wait, and the object may get other events meanwhile.
type Room interface {
	// Connect: conn was accepted, with the attachment of abi.Forward.
	Connect(conn int32, attachment []byte)
	// Message: conn sent data, abi.KindText or abi.KindBinary.
	Message(conn int32, kind int, data []byte)
	// Disconnect: conn is gone.
	Disconnect(conn int32, code int, reason string)
	// Call: the Worker sent data.
	Call(data []byte) (reply []byte)
	// Timer: the time set by Object.SetTimer has passed. Another Room may have set
	// it: the timer outlives an instance.
	Timer()
	// Alarm: the time set by Object.SetAlarm has passed. After an error the host
	// calls Alarm again later. It acts on the object inside Object.Enter only.
	Alarm(ctx context.Context) error
}

// A Gatherer is a Room whose timers may hold messages: see Object.SetTimer.
type Gatherer interface {
	// Messages: conns sent these messages, in this order.
	Messages(messages []abi.Message)
}

// A Class makes the Room of an object that is new to this instance, from the
// object's storage.
type Class func(o *Object) Room

// An Object is a live Durable Object. Its methods act while its event runs.
type Object struct {
	// ID is new at each construction of the object by the host.
	ID int32
	// Class and Name identify the object for ever.
	Class, Name string

	room   Room
	calls  int  // requests and alarms under way
	erased bool // by Erase
}

// roomsKept bounds how many objects without a request or alarm an instance keeps. The
// instance makes a dropped object again from its storage.
const roomsKept = 4096

var objects = struct {
	byID  map[int32]*list.Element // of *Object
	used  *list.List              // most recently used first
	newer map[objectKey]*Object   // the last one that the host has constructed
}{map[int32]*list.Element{}, list.New(), map[objectKey]*Object{}}

// An objectKey identifies an object for ever.
type objectKey struct{ class, name string }

// A Leaver is a Room that gives back what it holds outside of itself when its object is dropped.
type Leaver interface{ Leave() }

// drop forgets an object.
func drop(e *list.Element) {
	o := objects.used.Remove(e).(*Object)
	delete(objects.byID, o.ID)
	if key := (objectKey{o.Class, o.Name}); objects.newer[key] == o {
		delete(objects.newer, key)
	}
	if l, ok := o.room.(Leaver); ok {
		l.Leave()
	}
}

// dropEarlier forgets what the instance has of the object before the host constructed it anew, as
// no event can reach that. A request or alarm that is still under way there ends first.
func (o *Object) dropEarlier() {
	key := objectKey{o.Class, o.Name}
	if earlier := objects.newer[key]; earlier != nil && earlier.calls == 0 {
		drop(objects.byID[earlier.ID])
	}
	objects.newer[key] = o
}

// left is called when a request or alarm of the object has ended.
func (o *Object) left() {
	o.calls--
	if o.calls == 0 && o.isPresent(o.ID) && objects.newer[objectKey{o.Class, o.Name}] != o {
		drop(objects.byID[o.ID])
	}
}

// objectFor returns the object whose event is running.
func objectFor(id int32) (*Object, error) {
	if e := objects.byID[id]; e != nil {
		objects.used.MoveToFront(e)
		return e.Value.(*Object), nil
	}
	name, err := takeResult(hostObjectName())
	if err != nil {
		return nil, err
	}
	class, rest, _ := strings.Cut(string(name), "\x00")
	o := &Object{ID: id, Class: class, Name: rest}
	newRoom := config.Classes[class]
	if newRoom == nil {
		return nil, fmt.Errorf("host: no class %q", class)
	}
	o.room = newRoom(o)
	dropOld()
	o.dropEarlier()
	objects.byID[id] = objects.used.PushFront(o)
	return o, nil
}

// dropOld makes place for one more object. It spares those with a request or alarm under
// way: a second Room must not act on the same object.
func dropOld() {
	for e := objects.used.Back(); e != nil && objects.used.Len() >= roomsKept; {
		oldest := e
		e = e.Prev()
		if oldest.Value.(*Object).calls == 0 {
			drop(oldest)
		}
	}
}

// isPresent reports whether o is what the instance has of the object with that number.
func (o *Object) isPresent(id int32) bool {
	e := objects.byID[id]
	return e != nil && e.Value.(*Object) == o
}

// forget drops the room of an object whose event failed, so that the next event starts from
// the object's storage.
func forget(id int32) {
	if e := objects.byID[id]; e != nil {
		drop(e)
	}
}

//go:wasmexport event
func event(object int32, kind abi.Event, conn, handle, n int32) int32 {
	happen(object, kind, conn, take(handle, n))
	return ready()
}

func happen(object int32, kind abi.Event, conn int32, data []byte) {
	defer report(0, &counting)
	var held []abi.Message
	end := func(reason string) {
		closeConn(conn, 1011, reason)
		for _, m := range held {
			closeConn(m.Conn, 1011, reason)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			logf("object %d: event %d panicked: %v\n%s", object, kind, p, debug.Stack())
			forget(object)
			end("internal error")
		}
	}()
	if kind == abi.EventMessages {
		var err error
		if held, err = abi.DecodeMessages(data); err != nil {
			panic(err)
		}
	}
	if kind == abi.EventEnter {
		enter := state.enter[conn]
		delete(state.enter, conn)
		if enter != nil {
			enter(object)
		}
		return
	}
	o, err := objectFor(object)
	if err != nil {
		logf("object %d: %v", object, err)
		end("no such room")
		return
	}
	switch kind {
	case abi.EventOpen:
		o.room.Connect(conn, data)
	case abi.EventText:
		o.room.Message(conn, abi.KindText, data)
	case abi.EventBinary:
		o.room.Message(conn, abi.KindBinary, data)
	case abi.EventMessages:
		o.room.(Gatherer).Messages(held)
	case abi.EventClose:
		if len(data) < 2 {
			data = []byte{0xee, 0x03} // 1006, abnormal
		}
		o.room.Disconnect(conn, int(binary.LittleEndian.Uint16(data)), string(data[2:]))
	case abi.EventTimer:
		o.room.Timer()
	case abi.EventCall:
		reply := o.room.Call(data)
		hostObjectReply(pointer(reply), int32(len(reply)))
	}
}

//go:wasmexport alarm
func alarm(id, object int32) int32 {
	c := startCall(id)
	o, err := c.begins(object)
	c.begin(func() { c.runAlarm(o, err) })
	return ready()
}

func (c *call) runAlarm(o *Object, err error) {
	w := &responseWriter{}
	defer c.end()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if errors.Is(err, errReset) && o.erased {
			err = nil // nothing is left to do
		}
		if err != nil {
			logf("an alarm failed and will be tried again: %v", err)
			w.status = 500
		}
		c.respond(w)
	}()
	if err == nil {
		err = errors.New("it ended its goroutine") // stays so unless Alarm returns
		err = o.room.Alarm(c)
	}
}

// errReset is the failure of a call whose Room is no longer that of the object: the object
// was erased, or an event of it panicked. The same request succeeds in the next Room.
const errReset = abi.OpError("the object was erased or failed meanwhile, and was reset")

var errPanicked = errors.New("host: the event panicked")

// Enter runs f in an event of the object; ctx is that of Alarm or of a request that Serve
// got. It returns an error, and does not run f, if the object has got another Room since
// the call began. It also returns an error if f panics. It waits only if the host has to make
// the event: see object_acts in package abi.
func (o *Object) Enter(ctx context.Context, f func()) error {
	c, err := callOf(ctx)
	if err != nil {
		return err
	}
	if c.object == o && !o.erased && o.isPresent(o.ID) && c.Err() == nil && hostObjectActs(c.id) != 0 {
		return o.enterNow(c, f)
	}
	var outcome error
	err = c.await(abi.OpEnter, nil, func(id int32) {
		if !o.isPresent(id) {
			outcome = errReset
			return
		}
		outcome = errPanicked // stays so unless f returns
		f()
		outcome = nil
	}).err
	if err != nil {
		return err
	}
	return outcome
}

// enterNow runs f in the export of c that is running.
func (o *Object) enterNow(c *call, f func()) (err error) {
	defer report(c.id, &counting)
	defer func() {
		if p := recover(); p != nil {
			logf("object %d: a request or alarm panicked: %v\n%s", o.ID, p, debug.Stack())
			forget(o.ID)
			err = errPanicked
		}
	}()
	f()
	return nil
}

// Exec runs statements as one transaction on the object's SQLite.
func (o *Object) Exec(statements ...abi.Statement) ([]abi.Result, error) {
	return run(hostObjectExec, statements)
}

// Try is Exec, and then undoes all that the statements wrote.
func (o *Object) Try(statements ...abi.Statement) ([]abi.Result, error) {
	return run(hostObjectTry, statements)
}

func run(exec func(unsafe.Pointer, int32) int32, statements []abi.Statement) ([]abi.Result, error) {
	frame, err := abi.AppendStatements(nil, statements, address)
	if err != nil {
		return nil, err
	}
	handle := exec(pointer(frame), int32(len(frame)))
	runtime.KeepAlive(statements) // the frame has addresses of their arguments
	if handle < 0 {
		_, err := takeResult(handle)
		return nil, err
	}
	return result{handle: handle, size: hostSize(handle)}.results()
}

// Erase deletes all that the object has stored, and its alarm, when the event has ended.
// The event must not use Exec or SetAlarm afterwards.
func (o *Object) Erase() {
	o.erased = true
	hostObjectErase()
}

// Size returns how much the object has stored, in bytes. The host rounds it up to 1,024 bytes.
func (o *Object) Size() int64 { return int64(hostObjectSize()) << 10 }

// Conns returns the open sockets and their attachments.
func (o *Object) Conns() ([]abi.Conn, error) {
	b, err := takeResult(hostObjectConns())
	if err != nil {
		return nil, err
	}
	return abi.DecodeConns(b)
}

// sent is what perform sent: reached is to how many sockets the last message to all, -1 if there
// was none; told is how many messages to all, counted for each socket; bytes is of all messages,
// likewise.
type sent struct{ reached, told, bytes int }

// perform performs effects in the order of their fields.
func (o *Object) perform(e room.Effects) (out sent) {
	for _, a := range e.Attach {
		o.Attach(a.Conn, a.Data)
	}
	if e.Alarm != nil {
		o.SetAlarm(*e.Alarm)
	}
	if e.Timer > 0 {
		o.SetTimer(e.Timer, e.Holds)
	}
	out.reached = -1
	for _, s := range e.Send {
		n := o.Send(s.Kind, s.Data, s.To...)
		out.bytes += n * len(s.Data)
		if s.ToAll() {
			out.reached = n
			out.told += n
		}
	}
	for _, c := range e.Close {
		o.Close(c.Conn, c.Code, c.Reason)
	}
	return out
}

// Send sends data to conns; without any, to all. It returns the number of recipients.
func (o *Object) Send(kind int, data []byte, conns ...int32) int {
	frame := make([]byte, 0, 4*len(conns))
	for _, c := range conns {
		frame = binary.LittleEndian.AppendUint32(frame, uint32(c))
	}
	return int(hostObjectSend(pointer(frame), int32(len(conns)), int32(kind), pointer(data), int32(len(data))))
}

// Close closes a socket. It cuts the reason to the 123 bytes that a close frame holds.
func (o *Object) Close(conn int32, code int, reason string) { closeConn(conn, code, reason) }

func closeConn(conn int32, code int, reason string) {
	if conn == 0 {
		return
	}
	b := []byte(reason)
	if len(b) > 123 {
		b = bytes.ToValidUTF8(b[:123], nil)
	}
	hostObjectClose(conn, int32(code), pointer(b), int32(len(b)))
}

// Attach stores data for conn, which survives a hibernation: at most
// abi.MaxAttachment bytes.
func (o *Object) Attach(conn int32, data []byte) {
	hostObjectAttach(conn, pointer(data), int32(len(data)))
}

// SetAlarm replaces the alarm; the zero time removes it.
func (o *Object) SetAlarm(t time.Time) {
	if t.IsZero() {
		hostObjectAlarm(0)
		return
	}
	hostObjectAlarm(float64(t.UnixMilli()))
}

// SetTimer makes the host call Timer once, after d, unless a timer is set. The object
// does not hibernate before. With holds the host may bring the messages of the object's sockets
// together, before its next other event.
func (o *Object) SetTimer(d time.Duration, holds bool) {
	flag := int32(0)
	if holds {
		flag = 1
	}
	hostObjectTimer(float64(d.Microseconds())/1e3, flag)
}

// TimerSet reports whether a timer is set, by this Room or an earlier one.
func (o *Object) TimerSet() bool { return hostObjectTimerSet() != 0 }

// Autoreply makes the host reply pong to the text ping, without waking the object.
func (o *Object) Autoreply(ping, pong string) {
	p, q := []byte(ping), []byte(pong)
	hostObjectAutoreply(pointer(p), int32(len(p)), pointer(q), int32(len(q)))
}

// Ends returns how often an instance has ended in an event or alarm of this object
// since Forgive. The object's data may be the cause.
func (o *Object) Ends() int { return int(hostObjectEnds()) }

// Forgive sets the count of Ends to 0.
func (o *Object) Forgive() { hostObjectForgive() }

// forgiveAlarm is Forgive after an alarm that succeeded: a host puts off the alarms of an object in
// which instances have ended.
func (o *Object) forgiveAlarm() {
	if o.Ends() > 0 {
		o.Forgive()
	}
}
