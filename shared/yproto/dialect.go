package yproto

import "tidemark/shared/lib0"

// A Dialect is how messages stand in WebSocket messages. Both dialects have the same bytes for
// the messages of the document and of presence, so a room encodes a broadcast once.
type Dialect uint8

const (
	// YWebsocket is the dialect of y-websocket.
	YWebsocket Dialect = iota
	// Hocuspocus is the dialect of @hocuspocus/provider, without the address that begins each
	// of its messages: the host takes the address off and puts it on. Beside the messages of YWebsocket,
	// but for permission denied, it has
	//
	//	varUint 2  auth         varUint 1, string reason   permission denied
	//	                        varUint 2, string scope    authenticated: "readonly" or "read-write"
	//	varUint 4  sync reply   as sync
	//	varUint 5  stateless    string text
	//	varUint 8  sync status  varUint 1 or 0             stored, or not
	//
	// docs/protocol.md, H2.
	Hocuspocus
)

// The numbers of Hocuspocus on the wire.
const (
	typeSyncReply  = 4
	typeStateless  = 5
	typeSyncStatus = 8

	hocuspocusDenied        = 1
	hocuspocusAuthenticated = 2
)

// Payloads of Authenticated and of SyncStatus.
var (
	ReadOnly  = []byte("readonly")
	ReadWrite = []byte("read-write")
	Applied   = []byte{1}
	Refused   = []byte{0}
)

// Append appends a message of that Kind and Payload.
func (d Dialect) Append(dst []byte, m Message) []byte {
	switch m.Kind {
	case SyncStep1:
		return AppendSyncStep1(dst, m.Payload)
	case SyncStep2:
		return AppendSyncStep2(dst, m.Payload)
	case Update:
		return AppendUpdate(dst, m.Payload)
	case Awareness:
		return AppendAwareness(dst, m.Payload)
	case QueryAwareness:
		return AppendQueryAwareness(dst)
	case PermissionDenied:
		if d == Hocuspocus {
			return lib0.AppendBytes(append(dst, typeAuth, hocuspocusDenied), m.Payload)
		}
		return AppendPermissionDenied(dst, string(m.Payload))
	case Stateless:
		return lib0.AppendBytes(append(dst, typeStateless), m.Payload)
	case Authenticated:
		return lib0.AppendBytes(append(dst, typeAuth, hocuspocusAuthenticated), m.Payload)
	case SyncStatus:
		return append(append(dst, typeSyncStatus), m.Payload...)
	}
	return dst
}
