package yroom

import (
	"slices"
	"testing"

	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// The paths that the rooms of a run must take at least once, however few seeds it has.
const (
	rowExtended = iota
	rowGathered
	rowOfPieces
	crashBetweenWrites
	broughtTogether
	windowExtended
	answerInPieces
	editBetweenPieces
	leaveBetweenPieces
	forgottenBetweenPieces
	mergedForItsSize
	shedAndIntegrated
	readRefused
	writeRefused
	statusRefused
	allSaved
	deletionThoughFull
	restoredByDifference
	restoredAtOnce
	versionCopied
	restoreRefused
	deletedRefused
	deletedTaken
	pathCount
)

var pathNames = [pathCount]string{
	rowExtended:            "a row of the log takes more updates",
	rowGathered:            "a row has several updates of one event",
	rowOfPieces:            "a row is a piece of an update",
	crashBetweenWrites:     "a crash comes between the writes of one event",
	broughtTogether:        "the host brings several messages together",
	windowExtended:         "a window goes on when its timer rings late",
	answerInPieces:         "step 1 is answered in pieces",
	editBetweenPieces:      "an edit comes between two pieces",
	leaveBetweenPieces:     "a socket leaves between two of its pieces",
	forgottenBetweenPieces: "the room is forgotten between two pieces",
	mergedForItsSize:       "a document is merged because it does not fit",
	shedAndIntegrated:      "a merged document sheds what is deleted, and is integrated",
	readRefused:            "a document is not read, as others hold the memory",
	writeRefused:           "a full document refuses a write",
	statusRefused:          "Hocuspocus hears that an edit is not stored",
	allSaved:               "Hocuspocus hears that all is stored",
	deletionThoughFull:     "a full document takes a deletion",
	restoredByDifference:   "a restore writes what differs",
	restoredAtOnce:         "a restore at the limit replaces the snapshot",
	versionCopied:          "a restore copies the version",
	restoreRefused:         "a full document refuses a restore",
	deletedRefused:         "what belongs to a deleted document is refused",
	deletedTaken:           "ten minutes later it is taken",
}

// taken counts paths.
type taken [pathCount]int

func (n *taken) add(m taken) {
	for path := range n {
		n[path] += m[path]
	}
}

func (n *taken) check(t *testing.T) {
	for path, times := range n {
		if times == 0 {
			t.Errorf("never in all seeds: %s", pathNames[path])
		}
		t.Logf("%7d times: %s", times, pathNames[path])
	}
}

// A moment is the state of a room before an event.
type moment struct {
	lacking bool // a socket gets a reply in pieces
	bytes   int  // stored
	large   bool // they do not fit when they are integrated; for an alarm only
}

func momentOf(r *Room) moment {
	return moment{lacking: len(r.lacking) > 0, bytes: r.meta.Size + r.log.bytes}
}

// outgrown reports whether a document is merged only because it does not fit.
func outgrown(r *Room) bool {
	_, c, err := r.counted()
	return err == nil && !r.merging && c.memory() > r.config.IntegrateBytes
}

// follow counts the paths that an event has taken.
func (w *world) follow(out Effects) {
	before, r := w.before, w.room
	lacking := len(r.lacking) > 0
	if lacking {
		w.taken[answerInPieces]++
	}
	if r.doc != nil && r.doc.doc == nil && !r.merging && w.config.IntegrateBytes > 0 {
		w.taken[mergedForItsSize]++
	}
	if before.large && r.doc != nil && r.doc.doc != nil {
		w.taken[shedAndIntegrated]++
	}
	for _, c := range out.Close {
		if c.Reason == errBusy.Error() {
			w.taken[readRefused]++
		}
	}
	for _, write := range out.Store {
		row := write.Row
		if row == nil {
			continue
		}
		switch {
		case row.Extends:
			w.taken[rowExtended]++
		case row.Updates > 1:
			w.taken[rowGathered]++
		case row.Pieces > 1:
			w.taken[rowOfPieces]++
		}
		if before.lacking && lacking {
			w.taken[editBetweenPieces]++
		}
	}
}

// followRestore counts the kind of a restore.
func (w *world) followRestore(out Effects) {
	replaced := slices.ContainsFunc(out.Store, func(write Write) bool { return write.Part != nil })
	edited := slices.ContainsFunc(out.Store, func(write Write) bool { return write.Row != nil })
	switch d := w.room.doc; {
	case d == nil:
	case replaced:
		w.taken[restoredAtOnce]++
	case edited && d.doc != nil:
		w.taken[restoredByDifference]++
	case edited:
		w.taken[versionCopied]++
	}
}

// followMessage checks and counts the outcome of a message that comes alone.
func (w *world) followMessage(message []byte, out Effects) {
	m, _, err := yproto.Decode(message)
	if err != nil || !m.Kind.Writes() {
		return
	}
	taken := slices.ContainsFunc(out.Store, func(write Write) bool { return write.Row != nil })
	refused := slices.ContainsFunc(out.Close, func(c room.Close) bool { return c.Code == room.CloseDeleted })
	w.deleted.follow(w, m.Payload, taken, refused)
	if !taken || w.before.bytes+len(m.Payload) <= w.config.DocumentBytes {
		return
	}
	w.taken[deletionThoughFull]++
	if s, err := yjs.Validate(m.Payload, yjs.Limits{}); err != nil || len(s.Structs) > 0 {
		w.Errorf("a full document of %d bytes takes %x, %v", w.before.bytes, m.Payload, err)
	}
}
