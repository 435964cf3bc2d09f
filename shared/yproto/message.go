// Package yproto reads and writes the messages of y-protocols. A Message is the same in every
// Dialect, which frames it. In YWebsocket one binary WebSocket message is
//
//	varUint 0  sync             varUint 0, varBytes state vector   step 1
//	                            varUint 1, varBytes update         step 2
//	                            varUint 2, varBytes update         update
//	varUint 1  awareness        varBytes awareness update
//	varUint 2  auth             varUint 0, string reason           permission denied
//	varUint 3  query awareness  nothing
//
// y-websocket 3 reads one message of a frame and ignores what follows it; never
// put two into one frame for its clients.
package yproto

import (
	"fmt"

	"tidemark/shared/lib0"
)

// Kind tells what a message is.
type Kind uint8

const (
	SyncStep1        Kind = iota + 1 // asks for what a state vector lacks
	SyncStep2                        // answers SyncStep1
	Update                           // is one edit
	Awareness                        // is an awareness update
	PermissionDenied                 // goes from server to client only
	QueryAwareness                   // asks for all awareness states

	// Hocuspocus alone has these.
	Stateless     // is a text for all of the room, which nobody stores
	Authenticated // goes from server to client only: it says what the client may do
	SyncStatus    // goes from server to client only: it says what became of a SyncStep2 or Update
)

// The numbers on the wire.
const (
	typeSync           = 0
	typeAwareness      = 1
	typeAuth           = 2
	typeQueryAwareness = 3

	syncStep1  = 0
	syncStep2  = 1
	syncUpdate = 2

	authPermissionDenied = 0
)

// Writes tells that a message of this kind changes the document. A peer that
// may only read has these dropped.
func (k Kind) Writes() bool { return k == SyncStep2 || k == Update }

// A Message is one message, in no dialect.
type Message struct {
	Kind Kind
	// Payload is the state vector of SyncStep1, the update of SyncStep2 and
	// Update, the awareness update, the reason of PermissionDenied (UTF-8), the text of
	// Stateless (UTF-8), ReadOnly or ReadWrite of Authenticated, or Applied or Refused of
	// SyncStatus. It aliases the frame. Its content is not checked.
	Payload []byte
	// Frame is the message's own bytes in the frame that Decode read it from. It may be
	// forwarded as it is to peers of both dialects, or of Hocuspocus if it is Stateless. It is nil
	// for a message that nobody sent, or that has another form.
	Frame []byte
}

// UnknownError reports a message of a type that y-protocols 1 does not have.
// Sub is the second number for sync and auth messages. Clients log and ignore
// such messages; their length cannot be known.
type UnknownError struct {
	Type, Sub uint64
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("unknown message type %d, %d", e.Type, e.Sub)
}

// Decode reads the first message of a frame of YWebsocket. rest is what follows it: empty for
// clients up to y-websocket 3, more messages from y-websocket 4 on. The error is
// an *UnknownError or wraps a *lib0.Error. Nothing is copied.
func Decode(frame []byte) (m Message, rest []byte, err error) { return YWebsocket.Decode(frame) }

// Decode reads the first message of a frame, as the function Decode does.
func (d Dialect) Decode(frame []byte) (m Message, rest []byte, err error) {
	r := lib0.NewReader(frame)
	typ, err := r.Uint()
	if err == nil {
		m, err = d.decode(typ, &r)
	}
	if err != nil {
		return Message{}, nil, fmt.Errorf("decode message: %w", err)
	}
	rest = r.Rest()
	if typ != typeSyncReply {
		m.Frame = frame[:len(frame)-len(rest)]
	}
	return m, rest, nil
}

// decode reads what follows the type of a message.
func (d Dialect) decode(typ uint64, r *lib0.Reader) (m Message, err error) {
	isSync := typ == typeSync || typ == typeSyncReply && d == Hocuspocus
	isAuth := typ == typeAuth && d == YWebsocket
	var sub uint64
	if isSync || isAuth {
		if sub, err = r.Uint(); err != nil {
			return m, err
		}
	}
	switch {
	case isSync && sub == syncStep1:
		m.Kind = SyncStep1
	case isSync && sub == syncStep2:
		m.Kind = SyncStep2
	case isSync && sub == syncUpdate:
		m.Kind = Update
	case typ == typeAwareness:
		m.Kind = Awareness
	case isAuth && sub == authPermissionDenied:
		m.Kind = PermissionDenied
		m.Payload, err = r.String()
		return m, err
	case typ == typeStateless && d == Hocuspocus:
		m.Kind = Stateless
		m.Payload, err = r.String()
		return m, err
	case typ == typeQueryAwareness:
		m.Kind = QueryAwareness
		return m, nil
	default:
		return m, &UnknownError{Type: typ, Sub: sub}
	}
	m.Payload, err = r.Bytes()
	return m, err
}

// AppendSyncStep1 appends the message that asks for what stateVector lacks.
func AppendSyncStep1(dst, stateVector []byte) []byte {
	return lib0.AppendBytes(append(dst, typeSync, syncStep1), stateVector)
}

// AppendSyncStep2 appends the answer to a step 1. A client counts as synced from
// its first one, so an empty update is sent too.
func AppendSyncStep2(dst, update []byte) []byte {
	return lib0.AppendBytes(append(dst, typeSync, syncStep2), update)
}

// AppendUpdate appends an edit.
func AppendUpdate(dst, update []byte) []byte {
	return lib0.AppendBytes(append(dst, typeSync, syncUpdate), update)
}

// AppendAwareness appends an awareness update.
func AppendAwareness(dst, update []byte) []byte {
	return lib0.AppendBytes(append(dst, typeAwareness), update)
}

// AppendPermissionDenied appends the refusal that clients older than
// y-websocket 3.1 understand; newer ones look at the close code.
func AppendPermissionDenied(dst []byte, reason string) []byte {
	return lib0.AppendString(append(dst, typeAuth, authPermissionDenied), reason)
}

// AppendQueryAwareness appends the question for all awareness states.
func AppendQueryAwareness(dst []byte) []byte {
	return append(dst, typeQueryAwareness)
}
