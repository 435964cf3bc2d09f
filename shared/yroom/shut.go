package yroom

import "tidemark/shared/room"

// A Shut is what the room of a space's document hears when the space is paused or deleted. It
// ends the sockets and requests that the space had let in before and that are still on their way
// to the room. The host remembers it in a room.Recent: the room of a deleted space stores nothing.
// docs/protocol.md, S8 and S13.
type Shut struct {
	Erases bool // the request is OpErase; otherwise OpClose
	Reason string

	at int64 // the time by the clock of the space, Unix milliseconds
}

// ShutBy returns the Shut of a request, and false if the request is neither OpErase nor OpClose.
func ShutBy(request []byte) (Shut, bool) {
	q, err := decodeRequest(request)
	if err != nil || q.Op != OpErase && q.Op != OpClose {
		return Shut{}, false
	}
	return Shut{Erases: q.Op == OpErase, Reason: string(q.Data), at: q.At}, true
}

// Erased is the reply to OpErase, and to OpRevoke.
func Erased() []byte { return appendReply(nil, Reply{Status: StatusOK}) }

// Unstored is the reply to a request whose effects there was no space to store.
func Unstored() []byte { return appendReply(nil, Reply{Status: StatusUnstored}) }

// Code is the code with which the sockets are closed.
func (s *Shut) Code() int {
	if s.Erases {
		return room.CloseDeleted
	}
	return room.CloseLater
}

// Ends says whether the Shut ends a socket with that admission.
func (s *Shut) Ends(a Admission) bool { return s.ends(a.At) }

// Reply returns the reply to a request that the Shut ends, and false if it does not end it. A
// pause waits for the requests that began before, and ends none. A space that has moved does not
// know its last Shut, and its clock may be behind: no Shut ends another one.
func (s *Shut) Reply(request []byte) ([]byte, bool) {
	q, err := decodeRequest(request)
	if err != nil || !s.Erases || q.Op == OpErase || q.Op == OpClose || !s.ends(q.At) {
		return nil, false
	}
	return appendReply(nil, Reply{Status: StatusGone}), true
}

// ends says whether the Shut ends what the space let in at that time; 0: no space did.
func (s *Shut) ends(at int64) bool { return 0 < at && at <= s.at }
