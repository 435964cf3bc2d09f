package yroom

import (
	"errors"
	"fmt"
	"time"

	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// The room sends a long reply to step 1 in pieces: updates, and step 2 last, so that a client
// counts as synchronized when it has everything. Whenever the timer rings, the room makes one
// piece for the socket that has waited longest. So it needs the memory of one piece, and other
// events come in between. The room keeps only the socket's state vector, and makes the next
// piece from that. An edit in between goes to all sockets, and is in the pieces that follow. If
// the host forgets the room meanwhile, its timer stays, and the sockets synchronize again: see
// closeAll.

// pieceDelay is the time for other events between two pieces.
const pieceDelay = time.Millisecond

// long reports whether a reply may be longer than a piece.
func (d *document) long(pieceBytes int) bool {
	return d.doc != nil && d.doc.Size() > pieceBytes
}

// maxStatuses is how many statuses may wait when a peer repeats step 1 and so begins its reply again.
const maxStatuses = 10_000

// errRepeats: a peer begins its reply again and again, and its statuses wait.
var errRepeats = errors.New("too many edits wait for the end of a reply that begins again")

// begin sends the first piece of a reply, and plans the others.
func (r *Room) begin(conn Conn, s *socket, vector []byte) error {
	var lacks yjs.StateVector
	if len(vector) > 0 { // the room may have lost the client's state in a hibernation
		var err error
		if lacks, err = yjs.DecodeStateVector(vector); err != nil {
			return fmt.Errorf("answer step 1: %w", err)
		}
	}
	again := s.lacks != nil // the socket is in the queue already
	if again && len(s.statuses) > maxStatuses {
		return errRepeats
	}
	s.lacks = &lacks
	if err := r.sendPiece(conn, s); err != nil {
		return err
	}
	if s.lacks != nil && !again {
		r.lacking = append(r.lacking, conn)
		r.arm(pieceDelay)
	}
	return nil
}

// sendPiece sends the next piece to a socket.
func (r *Room) sendPiece(conn Conn, s *socket) error {
	d, err := r.read()
	if err != nil {
		return err
	}
	if d.doc == nil { // the document has grown
		lacks := s.lacks.AppendTo(nil)
		if err := r.reserveDiff(d, lacks, 1); err != nil {
			return err
		}
		update, err := d.diff(lacks)
		if err != nil {
			return fmt.Errorf("answer step 1: %w", err)
		}
		r.finish(conn, s, update)
		return nil
	}
	piece, next, err := d.doc.Piece(*s.lacks, r.config.PieceBytes)
	if err != nil {
		return fmt.Errorf("answer step 1: %w", err)
	}
	if next == nil {
		r.finish(conn, s, piece)
		return nil
	}
	s.lacks = &next
	r.send(editOf(piece), conn)
	return nil
}

// finish sends step 2, and then the statuses that waited for it.
func (r *Room) finish(conn Conn, s *socket, update []byte) {
	s.lacks = nil
	r.send(yproto.Message{Kind: yproto.SyncStep2, Payload: update}, conn)
	for i := range s.statuses {
		r.sayStatus(conn, s, s.statuses[i:i+1])
	}
	s.statuses = nil
}

// piecesAwake is how many pieces the room sends when the document was not in memory: reading it
// takes longer than sending a piece.
const piecesAwake = 8

// sendNext sends a piece to the socket that has waited longest.
func (r *Room) sendNext() error {
	left := 1
	if r.doc == nil {
		left = piecesAwake
	}
	for left > 0 && len(r.lacking) > 0 {
		conn := r.lacking[0]
		r.lacking = r.lacking[1:]
		s := r.sockets[conn]
		if s == nil || s.closed || s.lacks == nil {
			continue
		}
		if err := r.sendPiece(conn, s); err != nil {
			if err := r.failStep1(conn, err); err != nil {
				return err
			}
			continue
		}
		if s.lacks != nil {
			r.lacking = append(r.lacking, conn)
		}
		left--
	}
	if len(r.lacking) > 0 {
		r.arm(pieceDelay)
	}
	return nil
}

// arm makes the host call Timer after d, or sooner if the timer is set.
func (r *Room) arm(d time.Duration) {
	if r.timer.Set(&r.out.Effects, d) {
		r.lost = true
	}
}
