package yroom

import (
	"errors"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// Message handles a message of a socket. A binary message, abi.KindBinary, holds one message of
// the protocol, or several, as from y-websocket 4. The protocol has no text messages: the room
// counts and ignores them. The room keeps data.
func (r *Room) Message(conn Conn, kind int, data []byte, now time.Time) (Effects, error) {
	return r.Messages([]abi.Message{{Conn: conn, Kind: kind, Data: data}}, now)
}

// Messages handles messages that the host held, in their order, and stores their updates
// together. An error is one of the storage: then no message has an effect.
func (r *Room) Messages(messages []abi.Message, now time.Time) (Effects, error) {
	heard := false
	for _, m := range messages {
		s := r.sockets[m.Conn]
		if s == nil || s.closed {
			continue
		}
		heard = true
		if s.Session.EndedBy(now) {
			continue // the effects close the socket
		}
		if m.Kind != abi.KindBinary {
			r.spend(m.Conn, s, 1, len(m.Data), now)
		} else if err := r.receive(m.Conn, s, m.Data, now); err != nil {
			return Effects{}, err
		}
	}
	if !heard {
		return Effects{}, nil
	}
	return r.done(now), nil
}

// receive handles a binary message. An error is one of the storage.
func (r *Room) receive(conn Conn, s *socket, frame []byte, now time.Time) error {
	if len(frame) > r.config.MessageBytes {
		if m, rest, err := s.Dialect.Decode(frame); err == nil && m.Kind == yproto.Awareness && len(rest) == 0 {
			r.spend(conn, s, 1, len(frame), now) // ignores a state beyond all limits
			return nil
		}
		r.close(conn, room.CloseTooLarge, fmt.Sprintf("a message of %d bytes; at most %d are taken", len(frame), r.config.MessageBytes))
		return nil
	}
	for rest := frame; ; {
		m, after, err := s.Dialect.Decode(rest)
		var unknown *yproto.UnknownError
		switch {
		case errors.As(err, &unknown):
			r.spend(conn, s, 1, len(rest), now)
			return nil
		case err != nil:
			if cause := errors.Unwrap(err); cause != nil {
				err = cause
			}
			r.close(conn, room.CloseMalformed, "malformed message: "+err.Error())
			return nil
		}
		size := len(rest) - len(after)
		rest = after
		open, err := r.handle(conn, s, m, size, now)
		if err != nil {
			return err
		}
		if !open || len(rest) == 0 {
			return nil
		}
	}
}

// spend counts a message, and closes the socket if the message is over the rates.
func (r *Room) spend(conn Conn, s *socket, cost float64, bytes int, now time.Time) bool {
	if s.budget.spend(&r.config, cost, bytes, now) {
		return true
	}
	r.close(conn, room.CloseTooMany, "too many messages; try again in a while")
	return false
}

// handle handles one message of size bytes. It reports whether the socket stays open. An error is
// one of the storage.
func (r *Room) handle(conn Conn, s *socket, m yproto.Message, size int, now time.Time) (open bool, err error) {
	if m.Kind == yproto.Awareness {
		return r.aware(conn, s, m.Payload, now), nil
	}
	if !r.spend(conn, s, 1, size, now) {
		return false, nil
	}
	defer func() {
		if r.steps >= stepsAMessage && open && err == nil {
			open = r.spend(conn, s, float64(r.steps/stepsAMessage), 0, now)
		}
		r.steps = 0
	}()
	switch {
	case m.Kind == yproto.SyncStep1:
		return r.step1(conn, s, m.Payload, now)
	case m.Kind == yproto.QueryAwareness:
		r.steps += r.present.states.Size() / bytesAStep
		r.present.answer(conn)
	case m.Kind == yproto.Stateless:
		return r.relay(conn, s, m), nil
	case m.Kind.Writes():
		return r.edit(conn, s, m, now)
	}
	return true, nil
}

// aware handles an awareness message. It reports whether the socket stays open.
func (r *Room) aware(conn Conn, s *socket, update []byte, now time.Time) (open bool) {
	change, err := r.present.apply(conn, s, update, now)
	if err != nil {
		r.close(conn, room.CloseMalformed, "malformed awareness message: "+err.Error())
		return false
	}
	cost := 1.0
	if change.Empty() {
		cost = echoCost
	}
	if !r.spend(conn, s, cost, len(update), now) {
		return false
	}
	r.present.announce(conn, s, change, now)
	return true
}

// step1 sends the updates that the peer lacks, or waits for the database's state.
func (r *Room) step1(conn Conn, s *socket, vector []byte, now time.Time) (open bool, err error) {
	if n, err := yjs.CountStateVector(vector); err == nil && n > maxClients {
		r.close(conn, room.CloseTooLarge, fmt.Sprintf("a state vector of %d clients; at most %d are taken", n, maxClients))
		return false, nil
	}
	if _, err := yjs.DecodeStateVector(vector); err != nil {
		r.close(conn, room.CloseMalformed, "malformed state vector: "+err.Error())
		return false, nil
	}
	if !r.meta.Seeded {
		s.vector = vector
		if !s.waiting {
			s.waiting = true
			r.attach(conn)
		}
		if r.meta.Failures == 0 {
			r.plan(now)
		}
		return true, nil
	}
	if err := r.answer(conn, s, vector); err != nil {
		return false, r.failStep1(conn, err)
	}
	return true, nil
}

// failStep1 closes a socket after a failed step 1. It returns err if the storage failed.
func (r *Room) failStep1(conn Conn, err error) error {
	switch {
	case errors.Is(err, errCostly):
		r.close(conn, room.CloseTooLarge, errCostly.Error())
	case errors.Is(err, errBusy):
		r.close(conn, room.CloseLater, errBusy.Error())
	case errors.Is(err, errRepeats):
		r.close(conn, room.CloseTooMany, errRepeats.Error())
	default:
		return err
	}
	return nil
}

// answer sends step 2. To a peer that may write it sends step 1 first: over a slow line the
// peer then sends its offline edits while a large step 2 is still on its way. It sends no step 1
// to a reader of y-websocket, whose edits the room rejects. One of Hocuspocus waits for the status
// of its step 2.
func (r *Room) answer(conn Conn, s *socket, vector []byte) error {
	d, err := r.read()
	if err != nil {
		return err
	}
	if err := r.reserveDiff(d, vector, 1); err != nil {
		return err
	}
	if s.Write || s.Dialect == yproto.Hocuspocus {
		if err := r.sendStep1(conn, d); err != nil {
			return err
		}
	}
	r.steps += d.size() / bytesAStep
	if d.long(r.config.PieceBytes) {
		return r.begin(conn, s, vector)
	}
	update, err := d.diff(vector)
	if err != nil {
		return fmt.Errorf("answer step 1: %w", err)
	}
	r.finish(conn, s, update)
	return nil
}

// sendStep1 sends step 1.
func (r *Room) sendStep1(conn Conn, d *document) error {
	vector, err := d.vector()
	if err != nil {
		return fmt.Errorf("send step 1: %w", err)
	}
	r.send(yproto.Message{Kind: yproto.SyncStep1, Payload: vector}, conn)
	return nil
}

// edit stores an update and then sends it to all sockets. The sender gets it too, as the sign
// that the edit is saved.
func (r *Room) edit(conn Conn, s *socket, m yproto.Message, now time.Time) (open bool, err error) {
	summary, err := yjs.Validate(m.Payload, updateLimits)
	if errors.Is(err, yjs.ErrCostly) {
		r.close(conn, room.CloseTooLarge, err.Error())
		return false, nil
	}
	if err != nil {
		r.close(conn, room.CloseMalformed, "malformed update: "+err.Error())
		return false, nil
	}
	if summary.Empty() {
		r.acknowledge(conn, s, m)
		return true, nil
	}
	if !s.Write {
		return r.editOfReader(conn, s, &summary)
	}
	if gone, err := r.ofGone(m.Payload, now); err != nil {
		return false, err
	} else if gone {
		r.close(conn, room.CloseDeleted, "the document of this edit was deleted")
		return false, nil
	}
	if m.Kind == yproto.SyncStep2 && r.doc != nil && r.doc.doc == nil {
		// In most cases it only repeats all deletions of a large document.
		known, err := r.doc.covers(&summary)
		if err != nil {
			return true, err
		}
		if known {
			r.acknowledge(conn, s, m)
			return true, nil
		}
	}
	news, err := r.take(m.Payload, &summary, now)
	switch {
	case errors.Is(err, errFull):
		r.refuse(conn, s, err.Error())
	case errors.Is(err, yjs.ErrPending): // the peer sends its updates again, in order
		return true, r.sendStep1(conn, r.doc)
	case err != nil:
		r.close(conn, room.CloseMalformed, "invalid update: "+err.Error())
		return false, nil
	case news && m.Kind == yproto.Update:
		r.broadcast(m, now)
		r.sayStatus(conn, s, yproto.Applied)
	case news:
		r.broadcast(editOf(m.Payload), now)
		r.sayStatus(conn, s, yproto.Applied)
	default:
		r.acknowledge(conn, s, m)
	}
	return true, nil
}

// errFull: the document has no space for an update. Other errors wrap it.
var errFull = errors.New("the document is full")

// take adds a valid update to the log, unless the document is in memory and holds it already.
// It reports whether the update has news for the other sockets. It adds an update that only
// deletes to a full document, too, because the document does not grow. An error is errFull or
// one of yjs.Doc.Apply; the update has no effect then.
func (r *Room) take(update []byte, s *yjs.Summary, now time.Time) (news bool, err error) {
	if full := r.fits(len(update), len(s.Structs) > 0); full != nil {
		return false, full
	}
	if r.doc != nil && r.doc.doc != nil {
		var added cost
		if added.add(update, s); r.doc.size()+added.memory() > r.config.IntegrateBytes {
			r.doc = nil // the next read merges it
		} else if r.reserve(added.memory()) != nil {
			r.doc = nil
		}
	} else if r.doc != nil && r.reserve(r.doc.log.AppendTakes(len(update))) != nil {
		r.doc = nil
	}
	if r.doc != nil {
		news, err := r.doc.apply(update)
		if r.doc.doc != nil {
			r.steps += r.doc.doc.Steps()
		}
		switch {
		case errors.Is(err, yjs.ErrSteps) || errors.Is(err, yjs.ErrMemory):
			r.doc = nil
			r.mergeOnly(mergeForEver)
		case err != nil || !news:
			return false, err
		}
	}
	r.append(update, now)
	return true, nil
}

// fits returns errFull if the document has no space for an update of size bytes. Updates in the
// log count with their full length, as they take that much memory. An update that does not grow
// the document may go into a short log beyond the limit.
func (r *Room) fits(size int, grows bool) error {
	limit := r.config.DocumentBytes
	switch {
	case r.log.updates >= maxLogUpdates:
		return fmt.Errorf("%w: it has %d updates that are not compacted yet", errFull, r.log.updates)
	case r.meta.Size+r.log.bytes+size <= limit || !grows && r.log.bytes+size <= limit/8:
		return nil
	}
	return fmt.Errorf("%w: it may have %d bytes", errFull, limit)
}

// maxLogUpdates bounds the log: each update takes memory and time in addition to its bytes.
// Maintenance compacts such a log within about a second.
const maxLogUpdates = 50_000
