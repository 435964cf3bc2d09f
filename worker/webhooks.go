//go:build js && wasm

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/webhook"
	"tidemark/worker/api/door"
	"tidemark/worker/host"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/outbox"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/spaces"
	"tidemark/worker/webhooks"
)

// telling is what the guest needs to tell a receiver of changes. If there is none, it does nothing,
// and nothing is stored. It is the root's database, whose outbox is sent.
type telling struct {
	*webhook.Config
	courier *webhooks.Courier
	d1      store.DB
	armed   webhooks.Armed
}

func newTelling(d1 store.DB) *telling {
	courier := &webhooks.Courier{Web: host.Web{}, List: outbox.NewList(d1), Now: time.Now, Log: host.Log}
	return &telling{&courier.Config, courier, d1, webhooks.Armed{DB: d1, Calls: host.Rooms{}, Binding: door.SyncBinding, Now: time.Now}}
}

// open says who the receiver is.
func (t *telling) open(config webhook.Config) {
	*t.Config = config
	if t.On() {
		t.courier.Start = cmp.Or(host.Getenv(abi.StartVariable), rand.Text())
	}
}

func (t *telling) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if t.On() {
		return t.armed.Batch(ctx, statements)
	}
	return t.d1.Batch(ctx, statements)
}

// announce makes the stores note what they change.
func (t *telling) announce(r *records.Statements, p *projects.Statements, d *spaces.Directory) {
	if t.Wants(webhook.RecordsChanged) {
		r.Announce()
	}
	if t.Wants(webhook.ProjectChanged) {
		p.Announce()
	}
	d.Announce(t.Wants(webhook.SpaceCreated), t.Wants(webhook.SpaceDeleted))
}

// log returns the storage of a document's room.
func (t *telling) log(exec host.Exec) host.YjsStorage {
	return documents.Log{Exec: exec, Changed: t.Wants(webhook.DocumentChanged), Deleted: t.Wants(webhook.DocumentDeleted)}
}

// ofDocuments returns the outboxes of documents' rooms.
func (t *telling) ofDocuments() func(*host.Object, host.Batcher) host.Outbox {
	if !t.On() {
		return nil
	}
	return func(o *host.Object, db host.Batcher) host.Outbox {
		var e outbox.Entry
		e.Space, e.Room = placeOf(o.Class, o.Name)
		return t.courier.New(db, outbox.OfDocument, e)
	}
}

// ofSpaces returns the outboxes of spaces.
func (t *telling) ofSpaces() func(store.DB, string) *webhooks.Outbox {
	if !t.On() {
		return nil
	}
	return func(db store.DB, space string) *webhooks.Outbox {
		return t.courier.New(db, outbox.OfRows, outbox.Entry{Space: space})
	}
}

// syncRoom is the class SyncRoom, of which one object sends the events of the root.
func (t *telling) syncRoom() host.Class {
	courier := host.NewCourier(func() host.Outbox { return t.courier.NewRoot(t.d1) })
	return func(o *host.Object) host.Room {
		if o.Name == webhooks.Object && t.On() {
			return courier(o)
		}
		return host.NewSyncRoom(o)
	}
}

// desk answers the operator's questions.
func (t *telling) desk() *webhooks.Desk {
	return &webhooks.Desk{
		Courier: t.courier, DB: t.d1, Calls: host.Rooms{}, Binding: door.SyncBinding,
		Place: func(e outbox.Entry) (binding, object string) {
			s := door.Space{Name: e.Space}
			place := s.RecordsRoom()
			if e.Room != "" {
				place = s.Document(e.Room)
			}
			return place.Binding, place.Room
		},
	}
}
