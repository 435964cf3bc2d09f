// Package yroom is a room of live collaboration on one Yjs document, as a state
// machine: an event and the time go in, Effects come out. Package room has the words.
//
// # Rules
//
// An update is in storage before anyone else sees it: Effects say so by their
// order. Appending and forwarding one needs only its bytes to be valid; the
// document is read when a peer asks for it (sync step 1, HTTP) and when the log
// is due for compaction. A room can be forgotten after any event and made again
// by New; whatever is only in memory may be lost without harm.
//
// The room knows messages (yproto.Message), and wire.go encodes and decodes them.
//
// The log and the snapshot in the object's storage are the document. A database
// holds a copy of the compacted state, written by maintenance, which runs in the
// alarm: see Task. A room whose storage is empty starts from that copy.
package yroom

import (
	"maps"
	"slices"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// A Conn is a socket of the room.
type Conn = room.Conn

// Config are the limits of a room; see DefaultConfig.
type Config struct {
	Dialect        yproto.Dialect       // of all sockets
	DocumentBytes  int                  // of the snapshot, and of the log; beyond, writes are refused
	MessageBytes   int                  // of one message; beyond, its socket is closed
	ChunkBytes     int                  // of a Row and a Part; a multiple of 3, so that the Base64 of parts joins to that of the whole
	TailBytes      int                  // up to which the last row of the log takes more updates
	IntegrateBytes int                  // a document that takes more memory is merged, not integrated; see cost
	PieceBytes     int                  // a longer answer to step 1 goes out in pieces of about that many
	StepBudget     int                  // of integrating a document, and of an update; 0: yjs.DefaultStepBudget
	Messages       float64              // per second and socket, over a burst of 10 seconds
	BytesPerSecond float64              // per socket, after a burst of a whole document and a message
	CopyDelay      time.Duration        // from the first edit to maintenance, for a small document
	Reserve        func(bytes int) bool // if not nil, is called before an event takes about so much more memory; false refuses that; less than 0 is given back; may call Unload
	WindowSockets  int                  // a room of fewer sends every edit at once
	Grace          time.Duration        // how long presence outlives a connection that broke
	// PresenceStateBytes and PresenceBytes are of one client's state and of all
	// states of a socket; beyond, a state is ignored. A room holds as much as
	// presenceSockets sockets may.
	PresenceStateBytes, PresenceBytes int
	Silence                           time.Duration // after which everybody hears something; 0: never. See silence.go
}

// DefaultConfig is for an isolate of 128 MB.
var DefaultConfig = Config{
	Dialect:        yproto.YWebsocket,
	DocumentBytes:  16 << 20,
	MessageBytes:   16 << 20,
	ChunkBytes:     1_098_000,
	TailBytes:      3_900, // with its row's head it fits into a page of SQLite
	IntegrateBytes: 32 << 20,
	PieceBytes:     1 << 20,
	Messages:       500,
	BytesPerSecond: 4 << 20,
	CopyDelay:      30 * time.Second,
	WindowSockets:  20,
	Grace:          3 * time.Second,

	PresenceStateBytes: 256 << 10,
	PresenceBytes:      1 << 20,
	Silence:            25 * time.Second,
}

// Storage reads what earlier Writes stored. Its errors end the event: Event
// methods then return them, and the room must be made again.
type Storage interface {
	// Snapshot returns the parts of the snapshot gen, joined. size is their length in
	// bytes. The caller owns what Snapshot and Log return.
	Snapshot(gen int64, size int) ([]byte, error)
	// Log returns the rows above after, ascending.
	Log(after int64) ([]Row, error)
	// Gone returns Gone.Clients as stored.
	Gone() ([]byte, error)
}

// Stored is what New needs to know of the storage.
type Stored struct {
	Meta       Meta  // the zero Meta if there is none
	Last       int64 // the number of the last update of the log; 0: it is empty
	LogUpdates int   // each piece counts
	LogBytes   int
	Tail       Tail
	Due        int64 // of the last row
	Presence   []Presence
	Gone       int64 // Gone.Until
	// Ended: an instance ended in an event or alarm of the room. Its document is
	// then only merged for an hour; from the second time on, until it is deleted.
	Ended bool
	// TimerSet: the object's timer is set, by a room that is forgotten.
	TimerSet bool
}

// A Room is one room. It is not safe for concurrent use.
type Room struct {
	config  Config
	storage Storage

	meta     Meta
	metaSet  bool  // meta changed in this event, not only in Due
	dueSet   bool  // Due did
	sweepSet bool  // and what meta makes obsolete is to be deleted
	goneSet  *Gone // to be stored with meta
	last     int64 // number of the last update, ever
	log      log

	sockets  map[Conn]*socket
	present  presence
	doc      *document // nil unless read
	merging  bool      // the document is merged, not integrated
	ended    bool      // an instance ended in the room: Stored.Ended
	gone     gone
	steps    int // of integration, in this event
	timer    room.Timer
	lost     bool                // in this event the room found the timer of a forgotten one: see closeAll
	window   room.Window[[]byte] // gathers updates, which are stored already
	bytes    int                 // of those updates
	attached []Conn              // in this event
	lacking  []Conn              // sockets that get an answer in pieces; see socket.lacks

	ends      time.Time // no socket's token ends before; zero: none ends
	lastToAll time.Time // when a message was sent to all, or earlier; zero: unknown
	renewer   Conn      // a socket that renewed in time when it was looked for
	revoked   session.Recent

	alarm time.Time // as set; unknown at first
	set   bool      // alarm is known
	out   Effects
}

// A socket is what the room knows of a connection. Only what attachment writes
// survives a hibernation.
type socket struct {
	Admission
	vector  []byte // of a step 1 that waits for the state from the database
	waiting bool
	lacks   *yjs.StateVector // beyond which it gets pieces; nil: none
	closed  bool             // by the room; the close event is on its way
	clients []uint64         // whose presence came by this socket
	spoke   bool             // an awareness message came by it, since the room was made
	heard   time.Time        // when it said something new of them; zero: never
	regular bool             // it did so within renewal before that
	budget  budget
}

// New makes the room of what is stored, with the sockets that are open.
func New(config Config, storage Storage, stored Stored, open []abi.Conn, now time.Time) *Room {
	r := &Room{
		config: config, storage: storage,
		meta: stored.Meta, last: max(stored.Last, stored.Meta.Compacted),
		log:     log{updates: stored.LogUpdates, bytes: stored.LogBytes, tail: stored.Tail},
		sockets: make(map[Conn]*socket, len(open)),
		ended:   stored.Ended, gone: gone{until: stored.Gone},
		timer: room.InheritTimer(stored.TimerSet), window: room.Window[[]byte]{Least: minWindow, PerSocket: perSocket},
	}
	if stored.Last > stored.Meta.Last {
		r.meta.Due = stored.Due
	}
	r.merging = r.meta.MergeUntil > now.UnixMilli()
	switch {
	case stored.Ended && r.meta.MergeUntil != 0: // not for the first time
		r.mergeOnly(mergeForEver)
	case stored.Ended:
		r.mergeOnly(now.Add(mergeAWhile).UnixMilli())
	}
	for _, o := range open {
		r.sockets[o.ID] = &socket{}
	}
	r.present.room, r.present.config = r, &r.config
	r.present.restore(stored.Presence, open, now)
	for _, s := range r.sockets {
		r.ends = session.Sooner(r.ends, s.Session.Expires)
		if s.heard.After(r.lastToAll) {
			r.lastToAll = s.heard // or later
		}
	}
	// Whoever stored Due, or let in the socket that ends first, set the alarm for it, or
	// there is one that comes before. One whose time has passed may have been given up.
	if r.alarm = session.Sooner(r.due(), r.ends); r.alarm.After(now) {
		r.set = true
	}
	if r.last > r.meta.CopiedLast && r.meta.Due == 0 {
		r.edited(now) // the event that would have planned it was cut short
	}
	return r
}

// Size is how many bytes the document, if it is read, and presence hold in memory.
func (r *Room) Size() int {
	size := r.present.states.Size()
	if r.doc != nil {
		size += r.doc.size()
	}
	return size
}

// Unload forgets the document, which is read again when it is needed.
func (r *Room) Unload() {
	r.doc = nil
	r.gone.read, r.gone.clients = false, nil
}

// Gathers tells that the room has something to send when its timer rings. The host should
// not forget such a room.
func (r *Room) Gathers() bool { return r.timer.IsSet() }

// Connect lets in a socket, unless its token has ended on the way.
func (r *Room) Connect(conn Conn, a Admission, now time.Time) Effects {
	s := &socket{Admission: a}
	r.sockets[conn] = s
	if len(r.sockets) == 1 {
		r.lastToAll = now // nobody has waited for anything yet
	}
	r.attach(conn)
	if r.revoked.End(a.Session) {
		r.end(conn, s, session.RevokedReason, now)
		return r.done(now)
	}
	r.ends = session.Sooner(r.ends, a.Session.Expires)
	r.present.expire(now)
	r.present.tell(r.present.states.Present(), conn)
	return r.done(now)
}

// Disconnect says that a socket is gone. broken: it ended without a closing
// handshake, and its client may be back in a moment.
func (r *Room) Disconnect(conn Conn, broken bool, now time.Time) Effects {
	s := r.sockets[conn]
	if s == nil {
		return Effects{}
	}
	delete(r.sockets, conn)
	if len(r.sockets) == 0 {
		r.ends = time.Time{}
	}
	r.present.leave(conn, s, broken, now)
	return r.done(now)
}

// attach has what must survive a hibernation remembered with the socket, at the end
// of the event.
func (r *Room) attach(conn Conn) {
	if i := slices.Index(r.attached, conn); i >= 0 {
		r.attached = slices.Delete(r.attached, i, i+1)
	}
	r.attached = append(r.attached, conn)
}

func (r *Room) close(conn Conn, code int, reason string) {
	if s := r.sockets[conn]; s != nil {
		s.closed = true
	}
	r.out.Close = append(r.out.Close, room.Close{Conn: conn, Code: code, Reason: reason})
}

// done ends an event: it stores what changed, sets the alarm and hands over the
// effects.
func (r *Room) done(now time.Time) Effects {
	if r.lost {
		r.closeAll()
	}
	r.endSessions(now, 0)
	r.breakSilence(now)
	for _, conn := range r.attached {
		if s := r.sockets[conn]; s != nil {
			r.out.Attach = append(r.out.Attach, room.Attach{Conn: conn, Data: r.present.attachment(s, now)})
		}
	}
	r.attached = r.attached[:0]
	if stored := r.log.close(r.meta.Due); r.metaSet || r.dueSet && !stored {
		r.meta.Last = r.last
		meta := r.meta
		r.write(Write{Meta: &meta, Sweep: r.sweepSet, Gone: r.goneSet})
	}
	r.schedule(now)
	out := r.out
	r.out = Effects{}
	r.metaSet, r.dueSet, r.sweepSet, r.goneSet = false, false, false, nil
	r.steps, r.lost = 0, false
	return out
}

func (r *Room) write(w Write) { r.out.Store = append(r.out.Store, w) }

// updateLimits are those of one update besides its length.
var updateLimits = yjs.Limits{Clients: maxClients, Structs: maxStructs, Deletes: maxRanges}

// storedLimits are those of what the room or the database holds.
var storedLimits = yjs.Limits{Stored: true}

func (r *Room) socket(conn Conn) *socket { return r.sockets[conn] }

// conns lists the sockets, ascending.
func (r *Room) conns() []Conn { return slices.Sorted(maps.Keys(r.sockets)) }
