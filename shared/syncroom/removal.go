package syncroom

import (
	"bytes"
	"encoding/binary"

	"tidemark/shared/record"
	"tidemark/shared/session"
)

// The rooms of projects: what their names begin with, and what S is called in
// them.
const (
	ProjectPrefix = "project/"
	ProjectKey    = "timestamp"
)

// CloseRemoved is the close code for a subscriber who may not subscribe any
// more. RFC 6455, 7.4.2: ours to choose.
const (
	CloseRemoved  = 4403
	RemovedReason = "membership revoked"
)

// removal begins a message to the room that is no list of changes: no stamp is
// so great.
var removal = bytes.Repeat([]byte{0xff}, 8)

// Removal is the message that a subject may not subscribe any more since that
// stamp: his conns are closed, and so are those that open later with an
// attachment that the Worker made before.
func Removal(stamp record.Stamp, subject string) []byte {
	b := binary.LittleEndian.AppendUint64(bytes.Clone(removal), uint64(stamp))
	return append(b, subject...)
}

func cutRemoval(data []byte) (subject string, stamp record.Stamp, ok bool) {
	if len(data) < 16 || !bytes.HasPrefix(data, removal) {
		return "", 0, false
	}
	return string(data[16:]), record.Stamp(binary.LittleEndian.Uint64(data[8:])), true
}

// maxRemoved bounds the removals that a room remembers: it needs one as long
// as an upgrade takes from the Worker to the room.
const maxRemoved = 256

func (r *Room) remove(subject session.Mark, stamp record.Stamp) Effects {
	if subject == 0 {
		return Effects{}
	}
	if len(r.removed) >= maxRemoved {
		clear(r.removed)
	}
	r.removed[subject] = max(r.removed[subject], stamp)
	return r.closing(CloseRemoved, RemovedReason, func(a Admission) bool { return a.Session.Subject == subject })
}
