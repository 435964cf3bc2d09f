package yroom

import (
	"slices"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// After a deletion the room rejects, for a while, edits that belong to the deleted document.
// y-websocket 2 reconnects after every close code and sends all that it has: the deleted document
// would come back. Clients that the document did not have begin a new one at once.
// docs/protocol.md, Y16.

const (
	goneFor = 10 * time.Minute
	maxGone = 100_000 // clients remembered, which take up to 800 KB
)

// Gone holds the clients of deleted documents.
type Gone struct {
	Until   int64  // Unix milliseconds; 0: there are none
	Clients []byte // ascending, each as a varUint of its distance to the one before
}

// A gone holds those clients in memory.
type gone struct {
	until   int64
	read    bool
	clients []uint64
}

// forget returns the clients of the document, which this event deletes, and of documents
// deleted before; nil if there are none. It reads the document as far as possible: a deletion
// never fails. If an instance ended in the room, this function may have been the reason.
func (r *Room) forget(now time.Time) *Gone {
	var clients []uint64
	if r.gone.until > now.UnixMilli() && r.readGone() == nil {
		clients = r.gone.clients
	}
	if !r.ended {
		clients = slices.Concat(clients, r.clients())
	}
	slices.Sort(clients)
	clients = slices.Compact(clients)
	clients = clients[:min(len(clients), maxGone)]
	if len(clients) == 0 {
		return nil
	}
	r.gone = gone{until: now.Add(goneFor).UnixMilli(), read: true, clients: clients}
	g := &Gone{Until: r.gone.until}
	last := uint64(0)
	for _, c := range clients {
		g.Clients = lib0.AppendUint(g.Clients, c-last)
		last = c
	}
	return g
}

// clients returns the clients of the document, also those of pending structs. It drops the
// document from memory.
func (r *Room) clients() (ids []uint64) {
	if r.doc != nil && r.doc.doc != nil && !r.doc.doc.HasPending() {
		for _, last := range r.doc.doc.StateVector() {
			ids = append(ids, last.Client)
		}
		return ids
	}
	r.doc = nil                          // frees its memory before the next reads
	r.reserve(r.meta.Size + r.log.bytes) // ignores the result: a deletion frees memory
	updates, err := r.stored()
	if err != nil {
		return nil
	}
	var s yjs.Summary
	for _, update := range updates {
		if err := s.Read(update, storedLimits); err != nil {
			return ids
		}
		for _, of := range s.Structs {
			ids = append(ids, of.Client)
		}
		if len(ids) > 2*maxGone {
			slices.Sort(ids)
			ids = slices.Compact(ids)
		}
	}
	return ids
}

// readGone reads the clients of deleted documents from storage.
func (r *Room) readGone() error {
	if r.gone.read {
		return nil
	}
	encoded, err := r.storage.Gone()
	if err != nil {
		return err
	}
	d := lib0.NewReader(encoded)
	r.gone.clients = nil
	for last := uint64(0); d.Pos() < len(encoded); {
		n, err := d.Uint()
		if err != nil {
			return err
		}
		last += n
		r.gone.clients = append(r.gone.clients, last)
	}
	r.gone.read = true
	return nil
}

// ofGone reports whether an update belongs to a recently deleted document: it holds structs of
// that document's clients, or refers to them.
func (r *Room) ofGone(update []byte, now time.Time) (bool, error) {
	if r.gone.until == 0 {
		return false, nil
	}
	if r.gone.until <= now.UnixMilli() {
		r.gone = gone{}
		r.write(Write{Gone: &Gone{}})
		return false, nil
	}
	if err := r.readGone(); err != nil {
		return false, err
	}
	return yjs.Mentions(update, func(client uint64) bool {
		_, found := slices.BinarySearch(r.gone.clients, client)
		return found
	})
}
