package room

import "tidemark/shared/abi"

// The close codes of the rooms and their hosts. A code says what the client must do, and the
// reason says why. After a code from 4400 to 4499 the same client must not try again unchanged;
// y-websocket 3.1 does not (defaultShouldReconnect). After codes from 4500 on it may try again.
const (
	CloseUnsupported = 1003               // the room takes no messages of this kind. RFC 6455, 7.4.1
	CloseMalformed   = 4400               // a message is malformed
	CloseEnded       = 4401               // the token has expired or was revoked: the client signs in again
	CloseRemoved     = 4403               // the subject may not subscribe any more
	CloseDeleted     = 4404               // the document was deleted
	CloseTooLarge    = 4413               // a message, or the document, is too large
	CloseLater       = 4500               // the room cannot go on: connect again
	CloseFull        = abi.CloseFull      // the host has no place for one more socket
	CloseTooMany     = abi.CloseOwnerFull // this client sends too many messages, or its subject has too many sockets
)
