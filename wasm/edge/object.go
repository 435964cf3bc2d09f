//go:build !js

package edge

import (
	"container/list"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/coder/websocket"
	"github.com/tetratelabs/wazero/api"

	"tidemark/shared/abi"
)

// objectKey identifies a Durable Object for ever.
type objectKey struct{ class, name string }

func (k objectKey) String() string { return k.class + "/" + k.name }

// An object is the host's part of a Durable Object: its sockets, its open
// storage, its calls and its alarm. commit puts the effects of an event into force
// after the event: first it commits the writes, then it sends answers and messages. If
// the instance ended in the event, rollBack drops all effects. The isolate's lock guards
// an object.
type object struct {
	s   *isolate
	key objectKey

	i     *instance // has constructed this object, under id
	id    int32
	calls []*call // under way in i: requests of the object, and its alarm
	queue []*call // wait until i, which is full, has no such call

	conns    map[int32]*conn
	lastConn int32

	autoreply atomic.Pointer[autoreply]
	path      string // of its file
	warmAt    *list.Element
	alarm     alarm
	timer     timer

	// Effects of the event that is running.
	store    *sqliteConn // nil: the event has not used the storage
	file     *objectFile // of store
	writing  bool        // a transaction is open
	broken   error       // why it must not be committed
	erasing  bool
	sends    []outgoing
	answers  []heldAnswer
	newAlarm *float64
	newTimer *time.Duration
	forgiven bool
}

// A heldAnswer is the answer of a call, which the guest gave during an event. The
// client gets it when the event's writes are committed.
type heldAnswer struct {
	call   *call
	answer answer
}

// autoreply is a text to which the host replies without waking the object.
type autoreply struct {
	ping string
	pong []byte
}

// outgoing is a message, or the close, of a socket.
type outgoing struct {
	conn   *conn
	kind   int32 // 0: close
	data   []byte
	code   int
	reason string
}

// size is about the memory of a message in the queue.
func (m *outgoing) size() int { return len(m.data) + int(unsafe.Sizeof(*m)) }

// object returns the object of a key.
func (s *isolate) object(key objectKey) *object {
	o := s.objects[key]
	if o == nil {
		o = &object{s: s, key: key, conns: map[int32]*conn{}, path: s.w.pathOf(key)}
		s.objects[key] = o
	}
	return o
}

// nextID returns a number that no object of the isolate has.
func (s *isolate) nextID() int32 {
	if s.lastID++; s.lastID < 0 {
		s.lastID = 1
	}
	return s.lastID
}

// touch moves the object to the front of the warm objects. An isolate keeps as many of
// them as files may be open: so the pool, and not the isolate, closes the files. If there
// are too many, touch forgets the least recently used one.
func (o *object) touch() {
	if o.warmAt != nil {
		o.s.warm.MoveToFront(o.warmAt)
		return
	}
	o.warmAt = o.s.warm.PushFront(o)
	for o.s.warm.Len() > o.s.w.files.limit {
		o.s.warm.Back().Value.(*object).cool()
	}
}

// cool closes the object's file. It deletes an object that has no socket, call, alarm
// or timer.
func (o *object) cool() {
	o.s.warm.Remove(o.warmAt)
	o.warmAt = nil
	o.s.w.files.shut(o.path, (*sqliteConn).leave)
	if len(o.conns) == 0 && len(o.calls) == 0 && len(o.queue) == 0 && !o.alarm.set() && !o.timer.set() {
		delete(o.s.objects, o.key)
	}
}

// bind chooses the instance for the next event. While a request or an alarm of the
// object is under way in an instance, the object stays there: two instances must never
// act on one object.
func (o *object) bind() (*instance, error) {
	if o.i != nil && (o.i.dead || (len(o.calls) == 0 && o.i != o.s.current)) {
		o.i = nil
	}
	if o.i == nil {
		i, err := o.s.running()
		if err != nil {
			o.touch() // so that the isolate forgets it in time
			return nil, err
		}
		o.i, o.id = i, o.s.nextID()
	}
	return o.i, nil
}

// event delivers an event and returns the guest's reply.
func (o *object) event(kind abi.Event, conn int32, data []byte) ([]byte, error) {
	i, err := o.bind()
	if err != nil {
		o.shut(conn)
		return nil, err
	}
	if err := o.enter(i, nil, i.exports.event, o.id, kind, conn, i.keep(data), int32(len(data))); err != nil {
		o.shut(conn)
		return nil, err
	}
	return i.reply, nil
}

// shut closes a socket after its event failed.
func (o *object) shut(conn int32) {
	if c := o.conns[conn]; c != nil {
		c.shut(int(websocket.StatusInternalError), "internal error")
	}
}

// enter runs an export as an event of the object.
func (o *object) enter(i *instance, c *call, f api.Function, args ...int32) error {
	o.touch()
	i.enter(c, o, f, args...)
	if i.dead {
		o.rollBack()
		if errors.Is(i.err, errTooLong) {
			return errTooLong
		}
		return errEnded
	}
	return o.commit()
}

// commit puts the effects of the event into force: it persists them, and then it sends
// the answers of calls and the messages.
func (o *object) commit() error {
	if o.newTimer != nil {
		o.startTimer(*o.newTimer)
		o.newTimer = nil
	}
	if err := o.persist(); err != nil {
		return o.reset(err)
	}
	o.closeEvent()
	sends, answers := o.sends, o.answers
	o.sends, o.answers = nil, nil
	for _, m := range sends {
		m.conn.enqueue(m)
	}
	for _, a := range answers {
		a.call.respond(a.answer)
		a.call.endIfDone()
	}
	return nil
}

// persist stores what the event did, in this order: a new alarm into the index, the
// writes, the removal of an alarm. So after a crash in between, an alarm may run once
// too often, or late, but none is lost.
func (o *object) persist() error {
	if o.erasing {
		return o.erase()
	}
	newAlarm := o.newAlarm
	o.newAlarm = nil
	if newAlarm != nil && *newAlarm > 0 {
		if err := o.s.w.alarms.put(o.key, *newAlarm, 0); err != nil {
			return err
		}
	}
	if o.broken != nil {
		return o.broken
	}
	if o.writing {
		o.writing = false
		start := time.Now()
		if err := o.store.exec(o.store.commit); err != nil {
			return err
		}
		o.s.w.metrics.took(o.key.class, start)
	}
	if o.forgiven {
		o.forgive()
	}
	if newAlarm != nil {
		o.replaceAlarm(*newAlarm)
	}
	return nil
}

func (o *object) rollBack() {
	if o.store != nil {
		o.store.undo()
	}
	o.closeEvent()
	for _, m := range o.sends {
		if m.kind == 0 {
			m.conn.closing = false
		}
	}
	o.writing, o.broken, o.erasing, o.forgiven = false, nil, false, false
	o.sends, o.answers, o.newAlarm, o.newTimer = nil, nil, nil, nil
}

const wasReset = "the object was reset"

// reset makes the guest construct the object anew after its storage failed. The
// old one may hold state in memory that was not written. The object's calls end, and so
// do those that responded in the event.
func (o *object) reset(err error) error {
	answers := o.answers
	o.rollBack()
	o.i = nil
	lost := answer{lost: wasReset}
	code, reason := websocket.StatusInternalError, "internal error"
	if o.s.w.isFull(o.key.String(), err) {
		lost = answer{lost: diskFull, status: http.StatusInsufficientStorage}
		code, reason = websocket.StatusTryAgainLater, diskFull
	} else {
		o.s.w.log.Error("an object was reset", "object", o.key.String(), "err", err)
	}
	for _, a := range answers {
		a.call.respond(lost)
		a.call.endIfDone()
	}
	for _, c := range o.calls {
		o.s.todo = append(o.s.todo, func() {
			c.respond(lost) // before the guest says that it took too long
			c.giveUp(lost)
		})
	}
	for _, c := range o.conns {
		c.shut(int(code), reason)
	}
	return fmt.Errorf("%s: %w", wasReset, err)
}

// listConns returns the open sockets, oldest first.
func (o *object) listConns() []abi.Conn {
	conns := make([]abi.Conn, 0, len(o.conns))
	for id, c := range o.conns {
		conns = append(conns, abi.Conn{ID: id, Attachment: c.attachment})
	}
	slices.SortFunc(conns, func(a, b abi.Conn) int { return int(a.ID) - int(b.ID) })
	return conns
}

// send queues a message to the listed conns, or to all if there is no list. It
// returns the number of recipients.
func (o *object) send(to []int32, kind int32, data []byte) (sent int32) {
	if len(to) == 0 {
		for _, c := range o.conns {
			sent += o.sendTo(c, kind, data)
		}
		return sent
	}
	for _, id := range to {
		sent += o.sendTo(o.conns[id], kind, data)
	}
	return sent
}

func (o *object) sendTo(c *conn, kind int32, data []byte) int32 {
	if c == nil || c.closing || (kind != abi.KindText && kind != abi.KindBinary) {
		return 0
	}
	o.sends = append(o.sends, outgoing{conn: c, kind: kind, data: data})
	return 1
}

func (o *object) close(id int32, code int, reason string) {
	if c := o.conns[id]; c != nil && !c.closing {
		o.sends = append(o.sends, outgoing{conn: c, code: code, reason: reason})
		c.closing = true
	}
}

// setAlarm stores the event's new alarm in Unix milliseconds; 0 removes the alarm.
func (o *object) setAlarm(millis float64) { o.newAlarm = &millis }
