package yroom

import (
	"time"

	"tidemark/shared/room"
	"tidemark/shared/session"
)

// Effects are the results of an event. The host performs them in the order of the fields: the
// alarm is set before storage has the maintenance as due, and an update is stored before it is
// sent. If a Write of Store fails, the host stops, forgets the room and makes it again from
// storage; the sender should try again later. A crash at any point loses no edit that a client
// has seen.
type Effects struct {
	Sooner *time.Time // replaces the alarm by an earlier one, or sets the first; room.Effects.Alarm then only sets later ones
	Store  []Write
	room.Effects
	// Compaction is the result of compacting the log in Alarm, as package metric has it; "": the
	// room did not try.
	Compaction string
	Task       Task // what the host does next after Alarm; zero outside of Alarm and Seeded
}

// Updates is how many updates Store adds to the log.
func (e *Effects) Updates() (n int) {
	for _, w := range e.Store {
		if row := w.Row; row != nil && (row.Pieces <= 1 || row.N == row.First) {
			n += max(row.Updates, 1)
		}
	}
	return n
}

// A Write is one transaction on the object's storage.
type Write struct {
	Row  *Row
	Part *Part
	// Meta replaces the former one. Sweep then deletes the rows that the stored Meta has
	// compacted, and the parts of generations other than its own.
	Meta  *Meta
	Sweep bool

	Keep   *Presence
	Forget []uint64 // clients

	Gone *Gone // replaces the former one

	Deleted bool // the document was deleted, which had a content
}

// A Row of the log holds updates, each behind its length, or one long update, or one piece of
// a longer one. Such an update has Pieces consecutive rows, from First on. If some are missing,
// the room never acknowledged the update.
type Row struct {
	N, First int64 // N is the number of its first update; each piece has a number
	Pieces   int
	Updates  int   // 0: one update or piece, without its length
	Due      int64 // Meta.Due as of this row
	// Extends: the storage adds Bytes and Updates to those of the last row of the log, N,
	// and replaces its Due. First is the number of the first added update.
	Extends bool
	Bytes   []byte
}

// A Part is a piece of the snapshot, numbered from 0.
type Part struct {
	Gen   int64
	N     int
	Bytes []byte
}

// Meta is the one row about the room.
type Meta struct {
	Seeded     bool  // the room has asked the database for a state
	Gen        int64 // of the snapshot; 0 is none
	Size       int   // of the snapshot, bytes
	Compacted  int64 // the last row that the snapshot contains
	CopiedLast int64 // the last row that the database's copy contains
	Version    int64 // of that copy: its updated_at, Unix milliseconds
	Failures   int   // of maintenance, in a row
	Due        int64 // when maintenance runs, Unix milliseconds; 0: there is nothing to do. See Row.Due
	Last       int64 // the number of the last update when this was written
	Sum        Sum   // of the snapshot
	CopiedGen  int64 // the generation that the database's copy was made of
	// MergeUntil is the time until which the room merges the document and does not
	// integrate it, Unix milliseconds; 0: there was never a reason.
	MergeUntil int64
}

// A Presence is the stored presence of a client whose state is too long for an attachment, or
// whose connection broke.
type Presence struct {
	Client, Clock uint64
	State         []byte
	Subject       session.Mark // of the socket that announced it; 0: none
	Write         bool         // that socket could write
	Leaves        int64        // when the client counts as gone, Unix milliseconds; 0: it has a socket
}
