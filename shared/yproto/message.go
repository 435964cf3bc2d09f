// Package yproto reads and writes the messages of y-protocols. A Message is the same in every
// dialect; a Dialect frames it. YWebsocket is y-websocket's framing, in which one binary WebSocket message is
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
	// Update, the awareness update, or the reason of PermissionDenied (UTF-8).
	// It aliases the frame. Its content is not checked.
	Payload []byte
	// Frame is what Decode read the message from; nil for a message that nobody sent.
	// It may be forwarded to peers of the same dialect as it is.
	Frame []byte
}

// A Dialect is how messages stand in WebSocket messages.
type Dialect interface {
	// Decode reads the first message of a frame, as the function Decode does.
	Decode(frame []byte) (m Message, rest []byte, err error)
	// Append appends a message of that Kind and Payload.
	Append(dst []byte, m Message) []byte
}

// YWebsocket is the dialect of y-websocket, which this package's functions read and write.
var YWebsocket Dialect = yWebsocket{}

type yWebsocket struct{}

func (yWebsocket) Decode(frame []byte) (m Message, rest []byte, err error) { return Decode(frame) }

func (yWebsocket) Append(dst []byte, m Message) []byte {
	switch m.Kind {
	case SyncStep1:
		return AppendSyncStep1(dst, m.Payload)
	case SyncStep2:
		return AppendSyncStep2(dst, m.Payload)
	case Update:
		return AppendUpdate(dst, m.Payload)
	case Awareness:
		return AppendAwareness(dst, m.Payload)
	case PermissionDenied:
		return AppendPermissionDenied(dst, string(m.Payload))
	case QueryAwareness:
		return AppendQueryAwareness(dst)
	}
	return dst
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

// Decode reads the first message of a frame. rest is what follows it: empty for
// clients up to y-websocket 3, more messages from y-websocket 4 on. The error is
// an *UnknownError or wraps a *lib0.Error. Nothing is copied.
func Decode(frame []byte) (m Message, rest []byte, err error) {
	r := lib0.NewReader(frame)
	m, err = decode(&r)
	if err != nil {
		return Message{}, nil, fmt.Errorf("decode message: %w", err)
	}
	rest = r.Rest()
	m.Frame = frame[:len(frame)-len(rest)]
	return m, rest, nil
}

func decode(r *lib0.Reader) (m Message, err error) {
	typ, err := r.Uint()
	if err != nil {
		return m, err
	}
	var sub uint64
	switch typ {
	case typeSync, typeAuth:
		if sub, err = r.Uint(); err != nil {
			return m, err
		}
	}
	switch {
	case typ == typeSync && sub == syncStep1:
		m.Kind = SyncStep1
	case typ == typeSync && sub == syncStep2:
		m.Kind = SyncStep2
	case typ == typeSync && sub == syncUpdate:
		m.Kind = Update
	case typ == typeAwareness:
		m.Kind = Awareness
	case typ == typeAuth && sub == authPermissionDenied:
		m.Kind = PermissionDenied
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
