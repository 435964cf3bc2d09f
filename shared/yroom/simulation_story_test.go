package yroom

import (
	"strings"
	"time"
)

// Stories of several steps, which chance alone produces too seldom.

// tidy makes a peer fill the document and then delete everything, between two
// compactions.
func (w *world) tidy(p *peer) {
	if !p.writes {
		return
	}
	w.reload(p)
	w.fill(p, 1)
	w.pass(time.Minute)
	w.visit(p)
	w.logf("peer %d deletes everything", p.id)
	w.send(p, deletes(everything(p.doc.StateVector())))
	w.pass(time.Minute)
}

// rewrite makes a peer begin a document, replace its text by a longer one, and then
// restore the version before.
func (w *world) rewrite(p *peer) {
	if !p.writes {
		return
	}
	w.delete()
	w.drop(p, false)
	w.begin(p)
	w.fill(p, 2)
	w.keepVersion()
	w.tidy(p)
	w.fill(p, 1)
	w.restoreVersion()
}

// reload makes half of the peers with a rejected edit begin without it.
func (w *world) reload(p *peer) {
	if p.full && w.IntN(2) == 0 {
		w.logf("peer %d reloads", p.id)
		w.drop(p, false)
		w.begin(p)
		w.visit(p)
	}
}

// fill makes a peer type until a small document has only a part of its space left.
func (w *world) fill(p *peer, part int) {
	room := w.awake()
	const besides = 25 // bytes that typing takes
	space := (w.config.DocumentBytes-room.meta.Size-room.log.bytes)/part - besides
	if w.fills && space > 0 {
		w.logf("peer %d types %d units", p.id, space)
		w.send(p, p.typing(strings.Repeat("z", space)))
	}
}

// send makes a peer edit. The edit and all later frames arrive, if nothing fails
// meanwhile.
func (w *world) send(p *peer, update []byte) {
	w.edited(p, update)
	w.visit(p)
}

// visit connects a peer. The frames in both directions arrive.
func (w *world) visit(p *peer) {
	w.connect(p)
	for p.conn != 0 && (w.timer || len(p.up)+len(p.down) > 0) && !w.Failed() {
		w.toRoom(p)
		w.toPeer(p)
		w.ring()
	}
}
