package yroom

import (
	"bytes"

	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// An ofHocuspocus is what a peer that speaks Hocuspocus' dialect counts, as its provider does: the step 2 of
// a handshake, and each update, until the room sends that it is stored.
type ofHocuspocus struct {
	is      bool
	unsaved int
	again   bool // a handshake has begun anew, so that the count may be too low
	waits   bool // a reader sent structs that wait for others: the room cannot say that it has them
}

func (h *ofHocuspocus) dialect() yproto.Dialect {
	if h.is {
		return yproto.Hocuspocus
	}
	return yproto.YWebsocket
}

// synchronizes begins a handshake. again: it is not the first of its socket.
func (h *ofHocuspocus) synchronizes(again bool) {
	h.unsaved, h.again, h.waits = 1, again, false
}

// hearsHocuspocus delivers the messages that only Hocuspocus' clients get. It returns false for others.
func (w *world) hearsHocuspocus(p *peer, frame []byte) bool {
	status := bytes.Equal(frame, []byte{8, 1}) || bytes.Equal(frame, []byte{8, 0})
	rights := bytes.HasPrefix(frame, []byte{2, 2})
	switch {
	case !status && !rights:
		return false
	case !p.is:
		w.Errorf("peer %d of y-websocket got %x", p.id, frame)
	case rights:
		if want := map[bool]string{true: "read-write", false: "readonly"}[p.writes]; string(frame[3:]) != want {
			w.Errorf("peer %d may do %q, want %q", p.id, frame[3:], want)
		}
	case frame[1] == 0:
		if p.full = p.full || p.writes; p.writes && !w.fills {
			w.Errorf("an edit of peer %d was refused", p.id)
		}
		p.waits = !p.writes && p.doc.HasPending()
		w.taken[statusRefused]++
	default:
		p.unsaved = max(0, p.unsaved-1)
		w.checkStored(p)
	}
	return true
}

// checkStored: if a peer counts nothing that is unsaved, storage has all its edits.
func (w *world) checkStored(p *peer) {
	if p.unsaved > 0 || p.again || w.deleted.ever {
		return
	}
	stored, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	encoded, err := yjs.StateVectorFromUpdate(stored)
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	has, err := yjs.DecodeStateVector(encoded)
	if own := p.doc.StateVector().Clock(p.author.id); err != nil || has.Clock(p.author.id) < own {
		w.Errorf("peer %d counts nothing unsaved, and has %d where storage has %d: %v", p.id, own, has.Clock(p.author.id), err)
	}
	w.taken[allSaved]++
}

// checkSaved: in the end no peer counts anything that is unsaved.
func (w *world) checkSaved() {
	for _, p := range w.peers {
		if p.is && p.unsaved > 0 && !p.waits {
			w.Errorf("peer %d ends with %d unsaved", p.id, p.unsaved)
		}
	}
}
