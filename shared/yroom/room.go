// Package yroom is a room of live collaboration on one Yjs document, as a state
// machine: an event and the time go in, Effects come out. Package room explains the terms.
//
// # Rules
//
// An update is in storage before another client gets it: the order of Effects ensures
// that. To append and to forward an update, the room only checks its bytes. It reads
// the document when a peer asks for it (sync step 1, HTTP) and when the log is due for
// compaction. The host can forget a room after any event and make it again by New: no
// data that is only in memory must survive.
//
// The room knows messages (yproto.Message), and wire.go encodes and decodes them. Each socket has
// its dialect, and those of one room may differ.
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
)

// A Conn is a socket of the room.
type Conn = room.Conn

// Config are the limits of a room; see DefaultConfig.
type Config struct {
	DocumentBytes  int                  // of the snapshot, and of the log; beyond, the room rejects writes
	MessageBytes   int                  // of one message; beyond, the room closes its socket
	ChunkBytes     int                  // of a Row and a Part; a multiple of 3, so that the Base64 of parts joins to that of the whole
	TailBytes      int                  // the last row of the log takes more updates up to this length
	IntegrateBytes int                  // a document that takes more memory is merged, not integrated; see cost
	PieceBytes     int                  // the room sends a longer reply to step 1 in pieces of about that many
	StepBudget     int                  // of integrating a document, and of an update; 0: yjs.DefaultStepBudget
	Messages       float64              // per second and socket, over a burst of 10 seconds
	BytesPerSecond float64              // per socket, after a burst of a whole document and a message
	CopyDelay      time.Duration        // from the first edit to maintenance, for a small document
	CopiesFirst    bool                 // the first copy of a document does not wait for CopyDelay: it makes the space
	Reserve        func(bytes int) bool // if not nil, the room calls it before an event takes about so much more memory; it returns false if there is none; a negative number gives memory back; it may call Unload
	WindowSockets  int                  // a room of fewer sends every edit at once
	Revoked        session.Recent       // that the host has heard for rooms which store nothing: see RevokedBy
	Grace          time.Duration        // how long presence outlives a connection that broke
	// PresenceStateBytes limits one client's state, PresenceBytes all states of a
	// socket. The room ignores a state beyond them. Its own limit is that of
	// presenceSockets sockets.
	PresenceStateBytes, PresenceBytes int
	Silence                           time.Duration // after it, the room sends a message to all; 0: never. See silence.go
}

// DefaultConfig is for an isolate of 128 MB.
var DefaultConfig = Config{
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

// Stored is the part of the storage that New needs.
type Stored struct {
	Meta       Meta  // the zero Meta if there is none
	Last       int64 // the number of the last update of the log; 0: it is empty
	LogUpdates int   // each piece counts
	LogBytes   int
	Tail       Tail
	Due        int64 // of the last row
	Presence   []Presence
	Gone       int64 // Gone.Until
	// Ended: an instance ended in an event or alarm of the room. The room then only merges
	// its document for an hour; from the second time on, until the document is deleted.
	Ended bool
	// TimerSet: a forgotten room has set the object's timer.
	TimerSet bool
}

// A Room is one room. It is not safe for concurrent use.
type Room struct {
	config  Config
	storage Storage

	meta       Meta
	metaSet    bool  // meta changed in this event, not only in Due
	dueSet     bool  // Due changed in this event
	sweepSet   bool  // this event deletes the rows and parts that meta makes obsolete
	goneSet    *Gone // to be stored with meta
	deletedSet bool  // this event deletes a document that had a content
	last       int64 // number of the last update, ever
	log        log

	sockets  map[Conn]*socket
	present  presence
	doc      *document // nil unless read
	tasked   bool      // the host does a Task
	merging  bool      // the document is merged, not integrated
	ended    bool      // an instance ended in the room: Stored.Ended
	gone     gone
	steps    int // of integration, in this event
	timer    room.Timer
	lost     bool                // in this event the room found the timer of a forgotten one: see closeAll
	window   room.Window[[]byte] // gathers updates, which are stored already
	bytes    int                 // of those updates
	attached []Conn              // sockets whose attachment changed in this event
	lacking  []Conn              // sockets that get a reply in pieces; see socket.lacks

	ends      time.Time // no socket's token ends before; zero: none ends
	lastToAll time.Time // the time of the last message to all, or earlier; zero: unknown
	renewer   Conn      // the socket that renewed found last
	revoked   session.Recent

	alarm time.Time // as set; unknown at first
	set   bool      // alarm is known
	out   Effects
}

// A socket is the room's state of a connection. Only the attachment survives a hibernation.
type socket struct {
	Admission
	vector   []byte // of a step 1 that waits for the state from the database
	waiting  bool
	lacks    *yjs.StateVector // it gets the rest in pieces; nil: it lacks nothing
	statuses []byte           // payloads of statuses that wait until it lacks nothing
	closed   bool             // by the room; the close event is on its way
	clients  []uint64         // the clients that this socket owns
	spoke    bool             // it has sent an awareness message since New
	heard    time.Time        // the time of its last news of them; zero: never
	regular  bool             // it had sent other news within renewal before that
	budget   budget
}

// New makes the room from storage and the open sockets.
func New(config Config, storage Storage, stored Stored, open []abi.Conn, now time.Time) *Room {
	r := &Room{
		config: config, storage: storage,
		meta: stored.Meta, last: max(stored.Last, stored.Meta.Compacted),
		log:     log{updates: stored.LogUpdates, bytes: stored.LogBytes, tail: stored.Tail},
		sockets: make(map[Conn]*socket, len(open)),
		ended:   stored.Ended, gone: gone{until: stored.Gone}, revoked: config.Revoked,
		timer: room.InheritTimer(stored.TimerSet), window: room.Window[[]byte]{Least: minWindow, PerSocket: perSocket},
	}
	if stored.Last > stored.Meta.Last {
		r.meta.Due = stored.Due
	}
	r.merging = r.meta.MergeUntil > now.UnixMilli()
	switch {
	case stored.Ended && r.meta.MergeUntil > now.Add(mergeAWhile-endsAgain).UnixMilli():
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
	// The event that stored Due, or that admitted the socket that expires first, has set
	// the alarm, or an earlier one is set. If its time has passed, the host may have given
	// it up.
	if r.alarm = session.Sooner(r.due(), r.ends); r.alarm.After(now) {
		r.set = true
	}
	if r.last > r.meta.CopiedLast && r.meta.Due == 0 {
		r.edited(now) // a crash cut short the event that plans maintenance
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

// Unload drops the document from memory. The room reads it again when needed.
func (r *Room) Unload() {
	r.doc = nil
	r.gone.read, r.gone.clients = false, nil
}

// Planned returns the time of the alarm that the room wants; zero: none.
func (r *Room) Planned() time.Time { return r.alarm }

// Gathers reports whether the room has a message to send when its timer rings. The host should
// not forget such a room.
func (r *Room) Gathers() bool { return r.timer.IsSet() }

// Connect admits a socket, unless its token has ended meanwhile.
func (r *Room) Connect(conn Conn, a Admission, now time.Time) Effects {
	s := &socket{Admission: a}
	r.sockets[conn] = s
	if len(r.sockets) == 1 {
		r.lastToAll = now // no socket has waited yet
	}
	r.attach(conn)
	if r.revoked.End(a.Session) {
		r.end(conn, s, session.RevokedReason, now)
		return r.done(now)
	}
	r.ends = session.Sooner(r.ends, a.Session.Expires)
	r.sayRights(conn, s)
	r.present.expire(now)
	r.present.tell(r.present.states.Present(), conn)
	return r.done(now)
}

// Disconnect removes a socket. broken: it ended without a closing handshake, and its
// client may return in a moment.
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

// attach makes done write the socket's attachment.
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

// done ends an event: it stores the changes, sets the alarm and returns the effects.
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
		r.write(Write{Meta: &meta, Sweep: r.sweepSet, Gone: r.goneSet, Deleted: r.deletedSet})
	}
	r.schedule(now)
	out := r.out
	r.out = Effects{}
	r.metaSet, r.dueSet, r.sweepSet, r.goneSet, r.deletedSet = false, false, false, nil, false
	r.steps, r.lost = 0, false
	return out
}

func (r *Room) write(w Write) { r.out.Store = append(r.out.Store, w) }

// updateLimits are the limits of one update, in addition to its length.
var updateLimits = yjs.Limits{Clients: maxClients, Structs: maxStructs, Deletes: maxRanges}

// storedLimits are the limits of updates from the room's storage or the database.
var storedLimits = yjs.Limits{Stored: true}

func (r *Room) socket(conn Conn) *socket { return r.sockets[conn] }

// conns returns the sockets, ascending.
func (r *Room) conns() []Conn { return slices.Sorted(maps.Keys(r.sockets)) }
