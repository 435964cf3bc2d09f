package door

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/session"
	"tidemark/shared/web"
)

// Rooms reaches the Durable Objects by the binding of their class and their name.
type Rooms interface {
	// Publish sends a message to a room. It does not wait for the room and
	// cannot fail the request.
	Publish(ctx context.Context, binding, room string, message []byte)
	// Forward hands an upgrade to a room, which completes it, or a request to an object,
	// which serves it.
	Forward(w web.ResponseWriter, r *web.Request, f abi.Forward) error
}

// Calls reaches the rooms too, and waits for their reply; host.Rooms does.
type Calls interface {
	// Call sends a message, which may be in pieces, and waits for the reply.
	Call(ctx context.Context, binding, room string, data ...[]byte) (reply []byte, err error)
}

// Join hands the WebSocket to a room, with an attachment that the room decodes.
// The caller has called Enter before.
func (c *Call) Join(p Place, attachment []byte) error {
	return c.Rooms.Forward(c.W, c.R, abi.Forward{
		Binding: p.Binding, Name: p.Room, Protocol: protocol(c.R), Owner: owner(c.ID), Attachment: attachment,
	})
}

// Session is what a room knows of the caller that opens a socket.
func (c *Call) Session() session.Session { return sessionOf(c.ID) }

func sessionOf(id auth.Identity) session.Session {
	return session.Session{
		Subject: session.MarkOf(id.Subject), Token: session.MarkOf(id.ID), Issued: id.Issued, Expires: id.Expires,
	}
}

// owner is the name by which the host counts sockets together: the subject's or,
// of a token without a subject, the token ID's.
func owner(id auth.Identity) string {
	s := sessionOf(id)
	switch {
	case s.Subject != 0:
		return strconv.FormatUint(uint64(s.Subject), 36)
	case s.Token != 0:
		return "jti " + strconv.FormatUint(uint64(s.Token), 36)
	}
	return ""
}

// NotUpgrade is the failure of a request for a WebSocket's path that is no opening
// handshake.
func NotUpgrade() error {
	return Fail(UpgradeRequired, "This is a WebSocket").With("Upgrade", "websocket")
}

// IsUpgrade knows a WebSocket's opening handshake. RFC 6455, 4.2.1.
func IsUpgrade(r *web.Request) bool {
	return r.Method == web.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Several has the host complete the upgrade to a socket of several documents, which are below
// path.
func (c *Call) Several(path string) error {
	return c.Rooms.Forward(c.W, c.R, abi.Forward{Several: true, Name: path, Protocol: protocol(c.R)})
}

// HocuspocusProtocol is the WebSocket subprotocol of the socket of one document that speaks the
// dialect of Hocuspocus.
const HocuspocusProtocol = "hocuspocus"

// IsHocuspocus says whether a socket offers HocuspocusProtocol.
func IsHocuspocus(r *web.Request) bool { return slices.Contains(protocols(r), HocuspocusProtocol) }

func protocols(r *web.Request) []string {
	offered := strings.Split(strings.Join(r.Header.Values("Sec-Websocket-Protocol"), ","), ",")
	for i := range offered {
		offered[i] = strings.TrimSpace(offered[i])
	}
	return offered
}

// protocol is the subprotocol that the server selects, "" for none.
func protocol(r *web.Request) string {
	offered := protocols(r)
	for _, known := range []string{Protocol, HocuspocusProtocol} {
		if slices.Contains(offered, known) {
			return known
		}
	}
	return ""
}

// RefuseSocket accepts an upgrade and closes it with a code, as a browser hides
// the status of a rejected upgrade. The code is 4000 + the status if trying again
// cannot help, and 4500 or above if it may. farewell, if it is not nil, returns a
// message to send before. y-websocket 3.1, defaultShouldReconnect.
func (c *Call) RefuseSocket(status int, reason string, farewell func(reason string) []byte) error {
	refusal := abi.Refusal{Code: 4000 + status, Reason: reason, Protocol: protocol(c.R)}
	if status == web.StatusTooManyRequests || status == web.StatusRequestTimeout {
		refusal.Code += 100
	}
	if farewell != nil {
		refusal.Message = farewell(reason)
	}
	return c.Rooms.Forward(c.W, c.R, refusal.Forward())
}
