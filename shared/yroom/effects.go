package yroom

import (
	"time"

	"tidemark/shared/room"
	"tidemark/shared/session"
)

// Effects are what an event asks for. The host performs them in the order of the fields: what
// is stored as due has its alarm, and what is sent is stored. If one of Store fails, the host
// performs nothing further, forgets the room and makes it again from what is stored; the sender
// should try again later. A crash at any point loses nothing that anybody saw.
type Effects struct {
	Sooner *time.Time // replaces the alarm by an earlier one, or sets the first; room.Effects.Alarm then only sets later ones
	Store  []Write
	room.Effects
	Task Task // what the host does next after Alarm; zero outside of Alarm and Seeded
}

// A Write is one transaction on the object's storage.
type Write struct {
	Row  *Row
	Part *Part
	// Meta replaces the former. Sweep then deletes the rows that the stored Meta
	// has compacted, and the parts of generations other than its own.
	Meta  *Meta
	Sweep bool

	Keep   *Presence
	Forget []uint64 // clients

	Gone *Gone // replaces the former
}

// A Row of the log holds updates, each behind its length, or one long update by
// itself, or one of Pieces consecutive rows, from First on, that make one. If some
// are missing, it was never acknowledged.
type Row struct {
	N, First int64 // N is the number of its first update; each piece has a number
	Pieces   int
	Updates  int   // 0: one update or piece, without its length
	Due      int64 // Meta.Due as of this row
	// Extends: Bytes and Updates are added to those of the last row of the log, N, and
	// Due replaces its own. First is the number of the first update added.
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
	Seeded     bool  // whether the database was asked for a state
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
	// MergeUntil is until when the document is merged, not integrated, Unix
	// milliseconds; 0: it was never too much.
	MergeUntil int64
}

// A Presence is what is kept in storage of a client whose state is too long for
// an attachment, or whose connection broke.
type Presence struct {
	Client, Clock uint64
	State         []byte
	Subject       session.Mark // of the socket that announced it; 0: none
	Write         bool         // that socket could write
	Leaves        int64        // when the client counts as gone, Unix milliseconds; 0: it has a socket
}
