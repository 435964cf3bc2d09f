package yroom

import (
	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/yproto"
)

// This file calls the room's dialect. The other files know yproto.Message only.

// decode reads the first message in a frame of a socket.
func (r *Room) decode(frame []byte) (m yproto.Message, rest []byte, err error) {
	return r.config.Dialect.Decode(frame)
}

// frameHead is about how many bytes a dialect puts before a payload.
const frameHead = 8

// send sends a message to conns; without any, to all.
func (r *Room) send(m yproto.Message, conns ...Conn) {
	if len(r.sockets) == 0 {
		return
	}
	frame := m.Frame
	if frame == nil {
		frame = r.config.Dialect.Append(make([]byte, 0, len(m.Payload)+frameHead), m)
	}
	r.out.Send = append(r.out.Send, room.Send{To: conns, Kind: abi.KindBinary, Data: frame})
}
