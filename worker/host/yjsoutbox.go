//go:build js && wasm

package host

import (
	"context"
	"time"

	"tidemark/shared/session"
	"tidemark/shared/yroom"
)

// A yjsOutbox is the outbox of a document, in the storage of its room. A nil one does nothing.
type yjsOutbox struct {
	Outbox
	db *eventDB

	alarm time.Time // of the object, as set
	set   bool      // alarm is known
}

// newYjsOutbox returns nil if the receiver wants to hear of no documents.
func (y *YjsRooms) newYjsOutbox(o *Object) *yjsOutbox {
	if y.Outbox == nil {
		return nil
	}
	db := &eventDB{o: o}
	return &yjsOutbox{Outbox: y.Outbox(o, db), db: db}
}

// open is called when the room was made from its storage.
func (b *yjsOutbox) open() (err error) {
	if b != nil {
		b.db.within(func() { err = b.Open(context.Background()) })
	}
	return err
}

func (b *yjsOutbox) forget() {
	if b != nil {
		b.Forget()
		b.set = false
	}
}

// plan puts the alarm of the object in the place of that of its room, before an event's effects
// are performed: it comes for the first of both.
func (b *yjsOutbox) plan(y *yjsRoom, out *yroom.Effects) {
	if b == nil {
		return
	}
	for i := range out.Store {
		if y.storage.Announces(&out.Store[i]) {
			b.Noted(1)
		}
	}
	at := session.Sooner(y.room.Planned(), b.Due())
	if out.Sooner = nil; !b.set || !at.Equal(b.alarm) {
		out.Sooner = &at
	}
	out.Alarm = nil
	b.alarm, b.set = at, true
}

// deliver sends what is due, and sets the next alarm.
func (b *yjsOutbox) deliver(ctx context.Context, y *yjsRoom) error {
	b.Deliver(ctx)
	return y.enter(ctx, func(*yroom.Room) (yroom.Effects, error) {
		b.set = false // the alarm has gone off
		return yroom.Effects{}, nil
	})
}

// callOutbox answers a message about the outbox; false: it is none.
func (y *yjsRoom) callOutbox(data []byte) (reply []byte, ok bool) {
	switch {
	case y.rooms.IsOutboxCall == nil || !y.rooms.IsOutboxCall(data):
		return nil, false
	case y.outbox == nil, y.room == nil && y.o.Size() <= emptyBytes: // nothing is stored
		return nil, true
	}
	y.event(nil, func(*yroom.Room) (yroom.Effects, error) {
		y.outbox.db.within(func() { reply = y.outbox.Call(data) })
		return yroom.Effects{}, nil
	})
	return reply, true
}
