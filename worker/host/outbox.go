//go:build js && wasm

package host

import (
	"context"
	"time"

	"tidemark/shared/abi"
)

// An Outbox sends what changed in an object to the receiver of webhooks; *webhooks.Outbox does.
// All methods but Deliver run in events of the object.
type Outbox interface {
	// Open learns, once, from the object's storage when Deliver is due.
	Open(ctx context.Context) error
	// Due returns when the next Deliver is due; the zero time: not at all.
	Due() time.Time
	// Noted says that the event has added rows to the outbox.
	Noted(rows int)
	// Call answers a message about the outbox.
	Call(message []byte) (reply []byte)
	// Deliver sends what is due. It waits.
	Deliver(ctx context.Context)
	// Forget is called after the storage was erased.
	Forget()
}

// A courierRoom is the room of the object whose alarm sends the events of the root.
type courierRoom struct {
	o      *Object
	outbox Outbox
	alarm  time.Time // as set by this instance
}

// NewCourier returns the Class of the object whose alarm sends what an outbox has.
func NewCourier(outbox func() Outbox) Class {
	return func(o *Object) Room { return &courierRoom{o: o, outbox: outbox()} }
}

// Connect closes the socket: the object has no subscribers.
func (r *courierRoom) Connect(conn int32, _ []byte) { r.o.Close(conn, 1008, "no such room") }

func (r *courierRoom) Message(int32, int, []byte) {}

func (r *courierRoom) Disconnect(int32, int, string) {}

func (r *courierRoom) Timer() {}

func (r *courierRoom) Call(data []byte) []byte {
	reply := r.outbox.Call(data)
	r.schedule()
	return reply
}

func (r *courierRoom) Alarm(ctx context.Context) error {
	r.outbox.Deliver(ctx)
	return r.o.Enter(ctx, func() {
		r.o.forgiveAlarm()
		r.alarm = time.Time{} // it has gone off
		r.schedule()
	})
}

// schedule sets the alarm unless it is set to that time: it costs a row.
func (r *courierRoom) schedule() {
	if due := r.outbox.Due(); !due.Equal(r.alarm) {
		r.alarm = due
		r.o.SetAlarm(due)
	}
}

// An eventDB is the storage of an object as a store.DB. It enters an event unless one is running.
type eventDB struct {
	o       *Object
	running bool
}

func (d *eventDB) Batch(ctx context.Context, statements []abi.Statement) (results []abi.Result, err error) {
	if d.running {
		return d.o.Exec(statements...)
	}
	if entered := d.o.Enter(ctx, func() { results, err = d.o.Exec(statements...) }); entered != nil {
		return nil, entered
	}
	return results, err
}

// within runs f, in an event that is running.
func (d *eventDB) within(f func()) {
	before := d.running
	d.running = true
	defer func() { d.running = before }()
	f()
}

// A Batcher runs statements as one transaction.
type Batcher interface {
	Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error)
}
