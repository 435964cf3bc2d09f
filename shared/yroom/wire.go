package yroom

import (
	"errors"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// This file has what depends on the dialect of a socket.

// frameHead is about how many bytes a dialect puts before a payload.
const frameHead = 8

// send sends a message to conns; without any, to all. A message to several sockets is one that
// both dialects encode alike.
func (r *Room) send(m yproto.Message, conns ...Conn) {
	if len(r.sockets) == 0 {
		return
	}
	frame := m.Frame
	if frame == nil {
		dialect := yproto.YWebsocket
		if len(conns) == 1 {
			dialect = r.sockets[conns[0]].Dialect
		}
		frame = dialect.Append(make([]byte, 0, len(m.Payload)+frameHead), m)
	}
	r.out.Send = append(r.out.Send, room.Send{To: conns, Kind: abi.KindBinary, Data: frame})
}

// sayRights sends a socket of Hocuspocus that the room has let it in, and whether it may write.
func (r *Room) sayRights(conn Conn, s *socket) {
	if s.Dialect != yproto.Hocuspocus {
		return
	}
	scope := yproto.ReadOnly
	if s.Write {
		scope = yproto.ReadWrite
	}
	r.send(yproto.Message{Kind: yproto.Authenticated, Payload: scope}, conn)
}

// sayStatus sends a socket of Hocuspocus what became of its update. In the middle of a reply in pieces the
// status waits: a provider whose updates are all stored counts as synchronized.
func (r *Room) sayStatus(conn Conn, s *socket, status []byte) {
	switch {
	case s.Dialect != yproto.Hocuspocus:
	case s.lacks != nil:
		s.statuses = append(s.statuses, status...)
	default:
		r.send(yproto.Message{Kind: yproto.SyncStatus, Payload: status}, conn)
	}
}

// acknowledge sends the sender of an update without news the sign that it is stored: the status, and in
// y-websocket the update itself. Clients of y-websocket expect no such reply to a step 2.
func (r *Room) acknowledge(conn Conn, s *socket, m yproto.Message) {
	switch {
	case s.Dialect == yproto.Hocuspocus:
		r.sayStatus(conn, s, yproto.Applied)
	case m.Kind == yproto.Update:
		r.send(m, conn)
	}
}

// refuse tells the peer that the room rejected its write. The socket stays open.
func (r *Room) refuse(conn Conn, s *socket, reason string) {
	if s.Dialect == yproto.Hocuspocus { // its permission denied stands for the whole document
		r.sayStatus(conn, s, yproto.Refused)
		return
	}
	r.send(yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte(reason)}, conn)
}

// editOfReader rejects the update of a peer that may only read. In Hocuspocus a reader sends step 2, too:
// it counts as stored if the document holds it. An error is one of the storage.
func (r *Room) editOfReader(conn Conn, s *socket, update *yjs.Summary) (open bool, err error) {
	known := false
	if s.Dialect == yproto.Hocuspocus && r.meta.Seeded {
		d, err := r.read()
		if err == nil && (d.doc == nil || d.mayHold(update)) {
			known, err = r.holds(d, update)
		}
		if errors.Is(err, errBusy) {
			r.close(conn, room.CloseLater, errBusy.Error())
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if known {
		r.sayStatus(conn, s, yproto.Applied)
	} else {
		r.refuse(conn, s, "this connection may only read")
	}
	return true, nil
}

// relay sends a stateless message to all sockets of Hocuspocus. The room does not keep it. The message of a
// peer that may only read goes to nobody. relay reports whether the socket stays open.
func (r *Room) relay(conn Conn, s *socket, m yproto.Message) (open bool) {
	if len(m.Payload) > maxStateless {
		r.close(conn, room.CloseTooLarge, tooLongStateless)
		return false
	}
	if !s.Write {
		return true
	}
	var to []Conn
	for _, other := range r.conns() {
		if r.sockets[other].Dialect == yproto.Hocuspocus {
			to = append(to, other)
		}
	}
	if len(to) > 0 { // none would be all
		r.send(m, to...)
	}
	return true
}

// maxStateless is the greatest size of a stateless message: each goes to all.
const (
	maxStateless     = 64 << 10
	tooLongStateless = "a stateless message may have 64 KiB"
)
