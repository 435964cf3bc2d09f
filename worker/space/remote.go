package space

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/worker/api/door"
	"tidemark/worker/webhooks"
)

// callBatch is the first byte of a message to a space's object. A text follows, the room of
// a document, then the time of the message as 8 bytes, Unix milliseconds, little endian, and
// then abi.Statements.
const callBatch = 1

const timeBytes = 8

// The first byte of the reply to callBatch.
const (
	replyDone   = 0 // abi.Results follow
	replyFull   = 1 // likewise, and the space is full
	replyFailed = 2 // the text of an error follows
)

// Call answers a message of another object. A message for the subscribers' room is
// returned, for the host to deliver.
func (s *Space) Call(data []byte) (reply, forRoom []byte) {
	if forRoom, ok := door.CutToSubscribers(data); ok {
		return nil, forRoom
	}
	if webhooks.IsMessage(data) {
		return s.callOutbox(data), nil
	}
	results, err := s.batch(data)
	if err == nil {
		kind := byte(replyDone)
		if s.fill() >= s.Bytes {
			kind = replyFull
		}
		if reply, err = abi.AppendResults([]byte{kind}, results); err == nil {
			return reply, nil
		}
	}
	return append([]byte{replyFailed}, err.Error()...), nil
}

// callOutbox answers a message about the outbox, empty if there is none.
func (s *Space) callOutbox(data []byte) (reply []byte) {
	if s.outbox == nil {
		return nil
	}
	s.db.Within(func() {
		if err := s.open(context.Background()); err != nil {
			s.Log.Error("a space was not opened", "space", s.name, "error", err)
			return
		}
		reply = s.outbox.Call(data)
		s.object.Wake(s.alarm())
	})
	return reply
}

// batch runs the statements of a document's room, and notes where the room is.
func (s *Space) batch(data []byte) (results []abi.Result, err error) {
	if len(data) == 0 || data[0] != callBatch {
		return nil, errors.New("the message is malformed")
	}
	room, rest, err := abi.CutText(data[1:])
	if err != nil {
		return nil, err
	}
	if len(rest) < timeBytes {
		return nil, errors.New("the message is malformed")
	}
	sent := int64(binary.LittleEndian.Uint64(rest))
	statements, err := abi.DecodeStatements(rest[timeBytes:], nil)
	if err != nil {
		return nil, err
	}
	s.db.Within(func() {
		ctx := context.Background() // in an event nothing waits
		switch err = s.open(ctx); {
		case err != nil:
		case s.door.Closed != nil:
			err = s.door.Closed
		case sent < s.ends().deleted: // of a document that was deleted with the space
			err = errDeleting
		}
		if err == nil {
			results, err = s.db.BatchOf(ctx, string(room), statements)
		}
		if s.db.Fresh() {
			s.wake(s.Now())
		}
	})
	return results, err
}

// A Remote is the database of a space for the room of one of its documents, which is
// another object. It implements store.DB.
type Remote struct {
	Calls       door.Calls
	Space, Room string
	Now         func() time.Time

	full bool
}

// Batch runs statements as one transaction of the space.
func (r *Remote) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	message := abi.AppendText([]byte{callBatch}, r.Room)
	message = binary.LittleEndian.AppendUint64(message, uint64(r.Now().UnixMilli()))
	message, err := abi.AppendStatements(message, statements, nil)
	if err != nil {
		return nil, err
	}
	reply, err := r.Calls.Call(ctx, door.SpaceBinding, r.Space, message)
	if err != nil {
		return nil, fmt.Errorf("call the space: %w", err)
	}
	if len(reply) == 0 || reply[0] > replyFailed {
		return nil, errors.New("call the space: the reply is malformed")
	}
	if reply[0] == replyFailed {
		return nil, fmt.Errorf("call the space: %s", reply[1:])
	}
	r.full = reply[0] == replyFull
	return abi.DecodeResults(reply[1:])
}

// Full says whether the space was full after the last Batch. S12.
func (r *Remote) Full() bool { return r.full }
