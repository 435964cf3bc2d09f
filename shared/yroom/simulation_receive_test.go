package yroom

import (
	"bytes"

	"tidemark/shared/abi"
)

// toRoom brings the room the next message of p, several of them in one frame, or, as a host that
// holds messages does, together with those of others.
func (w *world) toRoom(p *peer) {
	if p.conn == 0 || len(p.up) == 0 {
		return
	}
	n := 1
	if w.IntN(4) == 0 {
		n = len(p.up)
	}
	frame := bytes.Join(p.up[:n], nil)
	p.up = p.up[n:]
	held := []abi.Message{{Conn: p.conn, Kind: abi.KindBinary, Data: frame}}
	for w.IntN(3) == 0 {
		if q := w.peers[w.IntN(len(w.peers))]; q.conn != 0 && len(q.up) > 0 {
			held = append(held, abi.Message{Conn: q.conn, Kind: abi.KindBinary, Data: q.up[0]})
			q.up = q.up[1:]
		}
	}
	if len(held) > 1 {
		w.taken[broughtTogether]++
		w.together = true
		w.do(w.awake().Messages(held, w.now))
		w.together = false
		return
	}
	out, err := w.awake().Message(p.conn, abi.KindBinary, frame, w.now)
	if n == 1 {
		w.followMessage(frame, out)
	}
	w.do(out, err)
}
