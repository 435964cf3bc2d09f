package yroom

import (
	"time"

	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// In a room of many sockets, the room sends the first edit at once. It merges the edits that
// follow within the window, and sends them when the window ends: each message to each socket
// costs more than the merge. perSocket is about the time of a message to one socket.
const (
	perSocket   = 25 * time.Microsecond
	minWindow   = 2 * time.Millisecond
	windowBytes = 64 << 10 // the room sends more than that before the window ends
)

// broadcast sends a stored update to all sockets, now or when the window ends.
func (r *Room) broadcast(m yproto.Message, now time.Time) {
	if !r.window.IsOpen() {
		r.send(m)
		if len(r.sockets) >= r.config.WindowSockets {
			r.openWindow(now)
		}
		return
	}
	r.window.Gathered = append(r.window.Gathered, m.Payload)
	if r.bytes += len(m.Payload); r.bytes > windowBytes {
		r.bytes = 0
		r.sendUpdates(r.window.Take())
	}
}

// editOf returns the message with an update.
func editOf(update []byte) yproto.Message {
	return yproto.Message{Kind: yproto.Update, Payload: update}
}

// openWindow opens the window. The host may hold the messages meanwhile: the room then stores and
// sends those of all sockets together.
func (r *Room) openWindow(now time.Time) {
	if r.window.Open(&r.timer, &r.out.Effects, len(r.sockets), now) {
		r.lost = true
	}
	r.out.Holds = r.out.Timer > 0
}

// sendUpdates sends updates to all sockets: as one, if they can be merged.
func (r *Room) sendUpdates(updates [][]byte) {
	if merged, err := yjs.MergeUpdates(updates...); err == nil {
		r.send(editOf(merged))
		return
	}
	for _, update := range updates {
		r.send(editOf(update))
	}
}

// Timer ends the window, and sends a socket the next piece. If a forgotten room set the timer,
// this room does not know the messages that were to be sent: see closeAll.
func (r *Room) Timer(now time.Time) Effects {
	if r.timer.Ring() {
		r.lost = true
		return r.done(now)
	}
	if len(r.lacking) == 0 && r.window.Extend(&r.timer, &r.out.Effects, now) {
		r.out.Holds = true
		return r.done(now)
	}
	r.bytes = 0
	if updates := r.window.End(); len(updates) > 0 {
		r.sendUpdates(updates)
		r.openWindow(now)
	}
	if r.sendNext() != nil { // the storage failed
		r.lost = true
	}
	return r.done(now)
}

// closeAll closes all sockets, so that they connect again and synchronize.
func (r *Room) closeAll() {
	for _, conn := range r.conns() {
		r.close(conn, room.CloseLater, "the room was moved; connect again")
	}
}
