package syncroom

import (
	"bytes"
	"encoding/binary"

	"tidemark/shared/room"
	"tidemark/shared/session"
)

// The rooms of projects: what their names begin with, and what S is called in
// them.
const (
	ProjectPrefix = "project/"
	ProjectKey    = "timestamp"
)

// RemovedReason is the reason for room.CloseRemoved.
const RemovedReason = "membership revoked"

// removal begins a call that is no list of changes: no position is so great.
var removal = bytes.Repeat([]byte{0xff}, 8)

// Removal is the call that says that a subject may not subscribe any more since that position.
// The room closes the subject's conns, and those that connect later with an attachment that
// the Worker made before.
func Removal(at Position, subject string) []byte {
	b := binary.LittleEndian.AppendUint64(bytes.Clone(removal), uint64(at))
	return append(b, subject...)
}

func cutRemoval(data []byte) (subject string, at Position, ok bool) {
	if len(data) < 16 || !bytes.HasPrefix(data, removal) {
		return "", 0, false
	}
	return string(data[16:]), Position(binary.LittleEndian.Uint64(data[8:])), true
}

// deletion begins a call that is no list of changes, as removal does.
var deletion = append(bytes.Repeat([]byte{0xff}, 7), 0xfd)

// Deletion is the call that says that what the room tells of was deleted. The room closes all
// conns with room.CloseDeleted.
func Deletion(reason string) []byte { return append(bytes.Clone(deletion), reason...) }

// pause begins a call that is no list of changes, as removal does.
var pause = append(bytes.Repeat([]byte{0xff}, 7), 0xfc)

// Pause is the call that closes all conns with room.CloseLater: their clients may connect again.
func Pause(reason string) []byte { return append(bytes.Clone(pause), reason...) }

// maxRemoved bounds how many removals a room remembers. It needs one for as long
// as an upgrade takes from the Worker to the room.
const maxRemoved = 256

func (r *Room) remove(subject session.Mark, at Position) (e room.Effects) {
	if subject == 0 {
		return e
	}
	if len(r.removed) >= maxRemoved {
		clear(r.removed)
	}
	r.removed[subject] = max(r.removed[subject], at)
	r.closeIf(&e, room.CloseRemoved, RemovedReason, func(a Admission) bool { return a.Session.Subject == subject })
	return e
}
