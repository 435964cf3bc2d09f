package yroom

import (
	"slices"
	"time"

	"tidemark/shared/yjs"
)

// A deleted is the simulation's record of the deleted documents.
type deleted struct {
	asked   bool     // the room has the request to delete, and has not stored the deletion
	ever    bool     // a document was deleted
	clients []uint64 // of the documents deleted within ten minutes before the last
	until   time.Time
	held    []uint64 // of the document, at the time of the request
}

// delete deletes the document. Half of the clients begin a new one. The others come back
// with their whole document, as y-websocket 2 does.
func (w *world) delete() {
	if !w.disk.meta.Seeded {
		return
	}
	w.logf("delete the document")
	state, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	w.deleted.asked, w.deleted.held = true, clientsOf(w, state)
	q := Request{Op: OpDelete}
	for _, ok := w.ask(q); !ok && w.deleted.asked; _, ok = w.ask(q) { // the machine failed
	}
	w.deleted.asked = false
}

// written records that the deletion is stored: from now on the clients receive nothing of
// the document, also if frames are on their way to them.
func (d *deleted) written(w *world, write Write) {
	if !d.asked || write.Meta == nil || write.Meta.Size > 0 {
		return
	}
	d.asked, d.ever = false, true
	if !w.now.Before(d.until) {
		d.clients = nil
	}
	d.clients = append(d.clients, d.held...)
	d.until = w.now.Add(10 * time.Minute)
	w.seen, w.seenDeletes, w.version = yjs.New(yjs.Options{}), nil, nil
	for _, p := range w.peers {
		p.late = len(p.down)
	}
}

// begin gives a peer a new document, as an app does when its socket is closed for the deletion.
func (w *world) begin(p *peer) {
	p.author = author{id: p.id + 26} // writes to the same names as the former
	p.doc, p.full = yjs.New(yjs.Options{}), false
}

func clientsOf(w *world, state []byte) (clients []uint64) {
	s, err := yjs.Validate(state, yjs.Limits{Stored: true})
	if err != nil {
		w.Errorf("stored state: %v", err)
	}
	for _, of := range s.Structs {
		clients = append(clients, of.Client)
	}
	return clients
}

// follow checks the outcome of an edit: the room rejects an edit of a deleted document for
// ten minutes, and no other.
func (d *deleted) follow(w *world, update []byte, taken, refused bool) {
	belongs, err := yjs.Mentions(update, func(client uint64) bool { return slices.Contains(d.clients, client) })
	if err != nil {
		w.Errorf("read what a peer sent: %v", err)
	}
	switch {
	case refused && !belongs:
		w.Errorf("refused as of a deleted document: %x", update)
	case refused:
		w.taken[deletedRefused]++
	case taken && belongs:
		w.taken[deletedTaken]++
	}
}

// check looks for a deleted document that is back too early.
func (d *deleted) check(w *world, state []byte) {
	if !w.now.Before(d.until) {
		return
	}
	for _, client := range clientsOf(w, state) {
		if slices.Contains(d.clients, client) {
			w.Errorf("client %d of a deleted document is back", client)
		}
	}
}
