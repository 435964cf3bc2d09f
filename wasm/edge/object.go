//go:build !js

package edge

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
// storage, its alarm. commit puts the effects of an event into force after the
// event: first it commits the writes, then it sends the messages. If the instance
// ended in the event, rollBack drops all effects. The isolate's lock guards an
// object.
type object struct {
	s   *isolate
	key objectKey

	i      *instance // has constructed this object, under id
	id     int32
	alarms int // that run in i

	conns    map[int32]*conn
	lastConn int32

	autoreply atomic.Pointer[autoreply]
	store     *sqliteConn // nil: not open
	warmAt    *list.Element
	alarm     alarm
	timer     timer

	// Effects of the event that is running.
	writing  bool // a transaction is open
	broken   bool // SQLite has rolled it back
	sends    []outgoing
	newAlarm *float64
	newTimer *time.Duration
	forgiven bool
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

const (
	warmObjects      = 128 // objects with open storage, per isolate
	objectStatements = 24  // prepared statements, per open storage
)

// object returns the object of a key.
func (s *isolate) object(key objectKey) *object {
	o := s.objects[key]
	if o == nil {
		o = &object{s: s, key: key, conns: map[int32]*conn{}}
		s.objects[key] = o
	}
	return o
}

// touch moves the object to the front of the warm objects. If there are too many,
// it closes the storage of the least recently used one.
func (o *object) touch() {
	if o.warmAt != nil {
		o.s.warm.MoveToFront(o.warmAt)
		return
	}
	o.warmAt = o.s.warm.PushFront(o)
	for o.s.warm.Len() > warmObjects {
		o.s.warm.Back().Value.(*object).cool()
	}
}

// cool closes the object's storage. It deletes an object that has no socket, alarm
// or timer.
func (o *object) cool() {
	o.s.warm.Remove(o.warmAt)
	o.warmAt = nil
	o.closeStore()
	if len(o.conns) == 0 && o.alarms == 0 && !o.alarm.set() && !o.timer.set() {
		delete(o.s.objects, o.key)
	}
}

func (o *object) closeStore() {
	if o.store == nil {
		return
	}
	if err := o.store.close(); err != nil {
		o.s.w.log.Error("the storage of an object did not close", "object", o.key.String(), "err", err)
	}
	o.store = nil
}

// bind chooses the instance for the next event. While an alarm runs in an
// instance, the object stays there: two instances must never act on one object.
func (o *object) bind() (*instance, error) {
	if o.i != nil && (o.i.dead || (o.alarms == 0 && o.i != o.s.current)) {
		o.i = nil
	}
	if o.i == nil {
		i, err := o.s.running()
		if err != nil {
			return nil, err
		}
		if o.s.lastID++; o.s.lastID < 0 {
			o.s.lastID = 1
		}
		o.i, o.id = i, o.s.lastID
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
	if err := o.enter(i, nil, i.event, o.id, kind, conn, i.keep(data), int32(len(data))); err != nil {
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

// commit puts the effects of the event into force, in this order: a new alarm into
// the index, the writes, the removal of an alarm, the messages. So after a crash
// in between, an alarm may run once too often, or late, but none is lost.
func (o *object) commit() error {
	newAlarm := o.newAlarm
	o.newAlarm = nil
	if o.newTimer != nil {
		o.startTimer(*o.newTimer)
		o.newTimer = nil
	}
	if newAlarm != nil && *newAlarm > 0 {
		if err := o.s.w.alarms.put(o.key, *newAlarm, 0); err != nil {
			return o.reset(err)
		}
	}
	if o.broken {
		return o.reset(fmt.Errorf("a write failed"))
	}
	if o.writing {
		o.writing = false
		if err := o.store.exec(o.store.commit); err != nil {
			return o.reset(err)
		}
	}
	if o.forgiven {
		o.forgive()
	}
	if newAlarm != nil {
		o.replaceAlarm(*newAlarm)
	}
	sends := o.sends
	o.sends = nil
	for _, m := range sends {
		m.conn.enqueue(m)
	}
	return nil
}

func (o *object) rollBack() {
	if o.writing && o.store != nil {
		o.store.undo()
	}
	for _, m := range o.sends {
		if m.kind == 0 {
			m.conn.closing = false
		}
	}
	o.writing, o.broken, o.sends, o.newAlarm, o.newTimer, o.forgiven = false, false, nil, nil, nil, false
}

// reset makes the guest construct the object anew after its storage failed. The
// old one may hold state in memory that was not written.
func (o *object) reset(err error) error {
	o.rollBack()
	o.i = nil
	o.s.w.log.Error("an object was reset", "object", o.key.String(), "err", err)
	for id := range o.conns {
		o.shut(id)
	}
	return fmt.Errorf("the object was reset: %w", err)
}

// exec runs a frame of Statements in the event's transaction. After an error,
// none of them has an effect.
func (o *object) exec(frame []byte, near func(address, n uint32) []byte) ([]byte, error) {
	statements, err := abi.DecodeStatements(frame, near)
	if err != nil {
		return nil, err
	}
	if err := o.openStore(); err != nil {
		return nil, err
	}
	db := o.store
	if !o.writing {
		if err := db.exec(db.beginRead); err != nil {
			return nil, err
		}
		o.writing = true
	}
	results, err := db.nested(statements)
	if err != nil {
		o.broken = o.broken || !db.inTransaction()
		return nil, err
	}
	return abi.AppendResults(nil, results)
}

func (o *object) openStore() error {
	if o.store != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(o.key.name))
	dir := filepath.Join(o.s.w.data, "do", o.key.class)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// A commit survives the end of the process. A power failure may lose the last
	// commits: D1 waits for the disk, but here that would block the isolate.
	db, err := openSQLite(filepath.Join(dir, hex.EncodeToString(sum[:])+".sqlite"), false, objectStatements,
		"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
		"PRAGMA cache_size = -512")
	if err != nil {
		return err
	}
	o.store = db
	return nil
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
