package webhooks

import (
	"context"
	"time"

	"tidemark/shared/abi"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

// Object is the name of the object of class SyncRoom whose alarm sends the events of the root.
const Object = "webhooks"

const (
	// armedFor is the time between the alarms of the root's object while the root is written.
	armedFor = 10 * time.Second
	// believed is how long an instance knows that the alarm is set. writing is how long after it
	// has looked it may write, at most.
	believed = 5 * time.Second
	writing  = 75 * time.Second
)

// Calls reaches objects; host.Rooms does.
type Calls interface {
	Call(ctx context.Context, binding, room string, data ...[]byte) ([]byte, error)
	Publish(ctx context.Context, binding, room string, data []byte)
}

// An Armed is the root's database. Before statements that add to the outbox, an alarm is set: so
// the event is sent even if the instance ends directly after their commit. W3.
type Armed struct {
	store.DB
	Calls   Calls
	Binding string
	Now     func() time.Time

	until time.Time // the alarm is known to be set
	woken bool      // by this instance
}

// Batch runs statements as one transaction. The first one of an instance also wakes the object: its
// alarm is lost if the server ran without a receiver, or if the database was restored.
func (a *Armed) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if !a.woken {
		a.woken = true
		defer a.Calls.Publish(ctx, a.Binding, Object, []byte{prefix, messageNoted})
	}
	if !store.Announces(statements) {
		return a.DB.Batch(ctx, statements)
	}
	if now := a.Now(); now.After(a.until) || a.until.After(now.Add(believed)) {
		if _, err := a.Calls.Call(ctx, a.Binding, Object, []byte{prefix, messageArm}); err != nil {
			return nil, err
		}
		a.until = now.Add(believed)
	}
	results, err := a.DB.Batch(ctx, statements)
	if err != nil || store.Announced(statements, results) > 0 {
		a.Calls.Publish(ctx, a.Binding, Object, []byte{prefix, messageNoted}) // after an error they may have been added
	}
	return results, err
}

// arm keeps the alarm while the root is written.
func (o *Outbox) arm() {
	now := o.Now()
	o.until = now.Add(believed + writing)
	if o.due.IsZero() || o.due.After(now.Add(armedFor)) {
		o.due = now.Add(armedFor)
	}
}

// NewRoot returns the outbox of the root, for its object.
func (c *Courier) NewRoot(db store.DB) *Outbox {
	o := c.New(db, outbox.OfRows, outbox.Entry{})
	o.ofRoot = true
	return o
}
