package space

import (
	"context"
	"errors"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/worker/api/door"
)

// callBatch is the first byte of a message to a space's object. A text follows, the room of
// a document, and then abi.Statements.
const callBatch = 1

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
	results, err := s.batch(data)
	if err == nil {
		kind := byte(replyDone)
		if s.object.Size() >= s.Bytes {
			kind = replyFull
		}
		if reply, err = abi.AppendResults([]byte{kind}, results); err == nil {
			return reply, nil
		}
	}
	return append([]byte{replyFailed}, err.Error()...), nil
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
	statements, err := abi.DecodeStatements(rest, nil)
	if err != nil {
		return nil, err
	}
	s.db.Within(func() {
		ctx := context.Background() // in an event nothing waits
		if err = s.open(ctx); err == nil && s.door.Closed != nil {
			err = s.door.Closed
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

	full bool
}

// Batch runs statements as one transaction of the space.
func (r *Remote) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	message, err := abi.AppendStatements(abi.AppendText([]byte{callBatch}, r.Room), statements, nil)
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
