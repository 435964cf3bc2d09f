package webhooks

import (
	"context"
	"fmt"

	"tidemark/shared/jsonvalue"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

// A Desk answers the operator's questions about all outboxes. W5.
type Desk struct {
	Courier *Courier
	DB      store.DB // of the root
	Calls   Calls
	Binding string // of the root's object
	// Place is where the object of an entry is.
	Place func(e outbox.Entry) (binding, object string)
}

// On says whether there is a receiver.
func (d *Desk) On() bool { return d != nil && d.Courier.Config.On() }

// A Position is a place in the list: first come the outboxes that fail.
type Position struct {
	Healthy bool
	outbox.Entry
}

// A Page is a part of the list. Next is nil if it is the last one.
type Page struct {
	Objects []jsonvalue.RawMessage // of Status or Unreached
	Next    *Position
}

// List returns outboxes after a position, at most limit. It asks each object. If after is nil, the
// list begins with the outbox of the root.
func (d *Desk) List(ctx context.Context, after *Position, limit int) (p Page, err error) {
	if after == nil {
		after = &Position{}
		s, err := d.root().Status(ctx)
		if err != nil {
			return p, err
		}
		text, err := jsonvalue.Marshal(s)
		if err != nil {
			return p, err
		}
		p.Objects = append(p.Objects, text)
	}
	if err := d.ask(ctx, *after, limit, &p, messageStatus); err != nil || p.Next != nil || after.Healthy {
		return p, err
	}
	rest := limit - len(p.Objects)
	return p, d.ask(ctx, Position{Healthy: true}, max(rest, 1), &p, messageStatus)
}

// Retry has the outboxes that fail send now what waits, also to a receiver that was gone, at most
// limit after a position, and, if that is nil, that of the root.
func (d *Desk) Retry(ctx context.Context, after *Position, limit int) (p Page, err error) {
	if err := d.Courier.List.PutGone(ctx, ""); err != nil {
		return Page{}, err
	}
	if after == nil {
		after = &Position{}
		if err := d.root().Retry(ctx); err != nil {
			return p, err
		}
		if _, err := d.Calls.Call(ctx, d.Binding, Object, []byte{prefix, messageResume}); err != nil {
			return p, fmt.Errorf("wake the outbox of the root: %w", err)
		}
	}
	return p, d.ask(ctx, *after, limit, &p, messageRetry)
}

// Summary returns how many events wait in the root, and how many outboxes fail.
func (d *Desk) Summary(ctx context.Context) (waiting, failing int, err error) {
	s, err := d.root().Status(ctx)
	if err != nil {
		return 0, 0, err
	}
	if failing, err = d.Courier.List.Failing(ctx); err != nil {
		return 0, 0, err
	}
	if s.Fails() {
		failing++
	}
	return s.Waiting, failing, nil
}

func (d *Desk) root() *Outbox { return d.Courier.NewRoot(d.DB) }

// ask sends a message to the outboxes after a position, and adds their replies to the page.
func (d *Desk) ask(ctx context.Context, after Position, limit int, p *Page, message byte) error {
	entries, err := d.Courier.List.Page(ctx, !after.Healthy, after.Entry, limit)
	if err != nil {
		return err
	}
	for _, e := range entries {
		binding, object := d.Place(e)
		reply, err := d.Calls.Call(ctx, binding, object, []byte{prefix, message})
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			d.Courier.Log.Error("an outbox was not asked", "space", e.Space, "room", e.Room, "error", err)
			reply = unreached(e)
		}
		if len(reply) > 0 { // otherwise the object has nothing
			p.Objects = append(p.Objects, reply)
		}
	}
	if len(entries) == limit {
		p.Next = &Position{after.Healthy, entries[limit-1]}
	}
	return nil
}
