package yproto

import (
	"bytes"

	"tidemark/shared/lib0"
)

// MaxAddressBytes is how long an address may be: a room's name, a zero byte and a session.
const MaxAddressBytes = 1024

// CutAddress splits a message of @hocuspocus/provider into its address, with the length before it, and the
// message in the dialect Hocuspocus. name is the document in the address: from version 4 on, a zero
// byte and the provider's session may follow it. An address has one form only: its length takes no more bytes
// than it needs. Nothing is copied. The error is a *lib0.Error.
func CutAddress(frame []byte) (address, name, message []byte, err error) {
	r := lib0.NewReader(frame)
	text, err := r.String()
	if err == nil && len(text) > MaxAddressBytes {
		err = r.Fail("an address of more than 1,024 bytes")
	}
	if err != nil {
		return nil, nil, nil, err
	}
	message = r.Rest()
	address = frame[:len(frame)-len(message)]
	if length := address[:len(address)-len(text)]; len(length) > 1 && length[len(length)-1] == 0 {
		return nil, nil, nil, r.Fail("the length of an address has a byte too many")
	}
	name, _, _ = bytes.Cut(text, []byte{0})
	return address, name, message, nil
}

// Messages that are the host's own, which has the sockets of @hocuspocus/provider.
const (
	typeClose = 7
	typePing  = 9
	typePong  = 10

	hocuspocusToken = 0
)

// CutToken returns the token of a message of Hocuspocus, nil if it is malformed, and false if the message brings
// none. closes says whether the provider knows the message of AppendClose: from version 4 on its own version follows the token,
// and version 2 would throw.
func CutToken(message []byte) (token []byte, closes, ok bool) {
	r := lib0.NewReader(message)
	if !r.Skip([]byte{typeAuth, hocuspocusToken}) {
		return nil, false, false
	}
	token, err := r.String()
	return token, err == nil && r.Len() > 0, true
}

// IsClose says whether a message of Hocuspocus takes its sender from the document.
func IsClose(message []byte) bool { return len(message) > 0 && message[0] == typeClose }

// AppendClose appends the message of Hocuspocus that the server has closed a document for its receiver.
func AppendClose(dst []byte, reason string) []byte {
	return lib0.AppendString(append(dst, typeClose), reason)
}

// IsAuthenticated knows the message with which a room of Hocuspocus lets a socket in.
func IsAuthenticated(message []byte) bool {
	return bytes.HasPrefix(message, []byte{typeAuth, hocuspocusAuthenticated})
}

// IsPing knows the message that asks whether the server is there. It has no address. Pong is the reply.
func IsPing(frame []byte) bool { return len(frame) == 1 && frame[0] == typePing }

// Pong is the reply to a ping.
var Pong = []byte{typePong}
