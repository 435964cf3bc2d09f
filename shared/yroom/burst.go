package yroom

import (
	"time"

	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// In a room of many sockets the first edit is sent at once. Those that follow
// within a window are sent as one, when it ends: each message to each socket
// costs more than the merging. A window is perSocket long for each socket, which
// is about what a message to one costs.
const (
	perSocket  = 25 * time.Microsecond
	minWindow  = 2 * time.Millisecond
	burstBytes = 64 << 10 // more is sent at once
)

// A gathering is what an open window gathers. It is stored already.
type gathering struct {
	open    bool
	updates [][]byte
	bytes   int
}

// broadcast sends a stored update to everybody, now or when the window ends.
// frame is the update's message, or nil.
func (r *Room) broadcast(update, frame []byte) {
	if r.gathered.open {
		r.gathered.updates = append(r.gathered.updates, update)
		r.gathered.bytes += len(update)
		if r.gathered.bytes > burstBytes {
			r.sendBurst()
		}
		return
	}
	r.sendUpdate(update, frame)
	if len(r.sockets) >= r.config.BurstSockets {
		r.openWindow()
	}
}

func (r *Room) openWindow() {
	r.gathered.open = true
	r.arm(max(minWindow, time.Duration(len(r.sockets))*perSocket))
}

func (r *Room) sendUpdate(update, frame []byte) {
	if frame == nil {
		frame = yproto.AppendUpdate(make([]byte, 0, len(update)+8), update)
	}
	r.send(frame)
}

// sendBurst sends what was gathered.
func (r *Room) sendBurst() {
	updates := r.gathered.updates
	r.gathered.updates, r.gathered.bytes = nil, 0
	if merged, err := yjs.MergeUpdates(updates...); err == nil {
		r.sendUpdate(merged, nil)
		return
	}
	for _, update := range updates {
		r.sendUpdate(update, nil)
	}
}

// Timer ends the window, and sends a piece of what a socket lacks. A room that asked
// for neither follows one that is forgotten: see Lost.
func (r *Room) Timer(now time.Time) Effects {
	if !r.armed {
		return r.Lost(now)
	}
	r.armed = false
	switch {
	case !r.gathered.open:
	case len(r.gathered.updates) == 0:
		r.gathered.open = false
	default:
		r.sendBurst()
		r.openWindow()
	}
	if r.sendNext() != nil { // the storage failed
		return r.Lost(now)
	}
	return r.done(now)
}

// Lost: the host has a timer set that this room did not ask for. The room before
// it is forgotten, and nobody knows what it had yet to send: all sockets have to
// synchronize again.
func (r *Room) Lost(now time.Time) Effects {
	for _, conn := range r.conns() {
		r.close(conn, CloseLater, "the room was moved; connect again")
	}
	return r.done(now)
}
