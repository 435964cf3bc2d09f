package yroom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
)

// An Op is the kind of a Request.
type Op byte

const (
	// OpState: the update that a peer with state vector Data lacks.
	OpState Op = iota + 1
	// OpJSON and OpText: the document as JSON, or the text of its root Data.
	OpJSON
	OpText
	// OpMerge: take the update Data.
	OpMerge
	// OpDelete: forget everything and close the sockets.
	OpDelete
	// OpRestore: restore the content of the state Data, as a new edit. Version is a
	// client id that no other request has. The room does a repeated request once.
	OpRestore
	// OpSeed: Data is the database's state, as Seeded takes it, and Version its
	// updated_at. The Worker sends it after a Reply of StatusUnseeded: its request needs the
	// document at once, and does not wait for the alarm's TaskSeed.
	OpSeed
	// OpRevoke: close the sockets to which the session.Revocation Data applies.
	OpRevoke
	// OpTree: the document as JSON, its texts and XML types as trees.
	OpTree
	// OpErase: close the sockets, and be as if nothing had ever been stored. Data is the reason.
	// The host does this without the room: see Shut.
	OpErase
	// OpClose: close the sockets, whose clients may connect again, and copy the document to the
	// database now. Data is the reason. The room replies StatusBusy until the copy is made.
	OpClose
	// OpForget: be as if nothing had ever been stored. If there is a socket or a document, the
	// room forgets nothing, and replies StatusBusy. The host forgets: see Forgets.
	OpForget
	// OpPeople: who has a socket, as JSON. The room needs no document for it. See people.go.
	OpPeople
)

// A Request comes from the Worker, which has authorized the client. On the wire it is
//
//	byte op, string etag, varUint version, varUint at if the op has the bit timed, the data
//
// Requests of the root have no At, so rooms and Workers of version 0.1.0 read them.
type Request struct {
	Op      Op
	ETag    string // of the client's copy, as in If-None-Match, or ""
	Version uint64 // of a request that shows the document: its greatest length, as stored and as shown; 0: no limit
	At      int64  // when the space let the request in, or closed: see Shut
	Data    []byte
}

// timed is set in the byte of the op if At follows.
const timed = 0x80

// A Status is the outcome of a Request.
type Status byte

const (
	StatusOK        Status = iota + 1
	StatusUnchanged        // the client has the document of this ETag
	StatusUnseeded         // the room does not know the database's state yet: see OpSeed
	StatusAbsent           // the room has never had a document, or was deleted; with a body: there is no such root
	StatusMalformed        // Data is invalid; the body is the reason
	StatusFull             // the document has no space; the body is the reason
	StatusTooLarge         // the document is too large to be shown in this form; the body, if any, is another reason
	StatusLonger           // the document is longer than Request.Version; the body is the limit to try next
	StatusGone             // Data belongs to a document that was deleted lately
	StatusBusy             // there is no memory for the document at the moment; the request had no effect
	StatusUnstored         // the disk is full; the request had no effect. The host says it: see Unstored
)

// A Reply is the reply to a Request. On the wire it is
//
//	byte status, string etag, varUint cost, the body
type Reply struct {
	Status Status
	ETag   string
	Cost   int // the time of the request, in messages of a socket's budget; usually 0
	Body   []byte

	whole []byte // replyHead bytes, and then Body; nil: Body is short
}

// Holds says of the reply to an edit whether the document has ever had a content.
func (p *Reply) Holds() bool { return p.ETag != untouched }

// replyHead is the greatest length of a Reply without its body. The room writes a
// document behind so many bytes, and so need not copy it into the reply.
const replyHead = 1 + 1 + 13 + 8

// AppendRequest appends q to dst.
func AppendRequest(dst []byte, q Request) []byte {
	op := byte(q.Op)
	if q.At > 0 {
		op |= timed
	}
	dst = lib0.AppendUint(lib0.AppendString(append(dst, op), q.ETag), q.Version)
	if q.At > 0 {
		dst = lib0.AppendUint(dst, uint64(q.At))
	}
	return append(dst, q.Data...)
}

func decodeRequest(b []byte) (q Request, err error) {
	r := lib0.NewReader(b)
	op, err := r.Byte()
	if err != nil {
		return q, err
	}
	etag, err := r.String()
	if err != nil {
		return q, err
	}
	version, err := r.Uint()
	if err != nil {
		return q, err
	}
	at := uint64(0)
	if op&timed != 0 {
		at, err = r.Uint()
	}
	return Request{Op: Op(op &^ timed), ETag: string(etag), Version: version, At: int64(at), Data: r.Rest()}, err
}

func appendReply(dst []byte, p Reply) []byte {
	dst = lib0.AppendString(append(dst, byte(p.Status)), p.ETag)
	return append(lib0.AppendUint(dst, uint64(p.Cost)), p.Body...)
}

// encode returns p on the wire.
func (p *Reply) encode() []byte {
	if p.whole == nil {
		return appendReply(make([]byte, 0, len(p.Body)+replyHead), *p)
	}
	head := appendReply(nil, Reply{Status: p.Status, ETag: p.ETag, Cost: p.Cost})
	from := replyHead - len(head)
	copy(p.whole[from:], head)
	return p.whole[from:]
}

// shown returns a Reply whose body stands behind replyHead bytes of whole.
func (r *Room) shown(whole []byte) Reply {
	return Reply{Status: StatusOK, ETag: r.etag(), Body: whole[replyHead:], whole: whole}
}

// DecodeReply reads a Reply; its body is a view.
func DecodeReply(b []byte) (Reply, error) {
	r := lib0.NewReader(b)
	status, err := r.Byte()
	if err != nil {
		return Reply{}, fmt.Errorf("decode reply: %w", err)
	}
	etag, err := r.String()
	if err != nil {
		return Reply{}, fmt.Errorf("decode reply: %w", err)
	}
	cost, err := r.Uint()
	if err != nil {
		return Reply{}, fmt.Errorf("decode reply: %w", err)
	}
	return Reply{Status: Status(status), ETag: string(etag), Cost: int(cost), Body: r.Rest()}, nil
}

// Call returns an encoded Reply to an encoded Request. The host sends it after it has
// performed the Effects. The error is one of the storage.
func (r *Room) Call(request []byte, now time.Time) (reply []byte, out Effects, err error) {
	q, err := decodeRequest(request)
	if err != nil {
		return nil, Effects{}, fmt.Errorf("call: %w", err)
	}
	if q.Op == OpSeed {
		out, err := r.Seeded(q.Data, int64(q.Version), nil, now)
		p := Reply{Status: StatusOK}
		if !r.meta.Seeded {
			p = Reply{Status: StatusMalformed, Body: []byte("the stored document cannot be read")}
		}
		return appendReply(nil, p), out, err
	}
	if q.Op == OpRevoke {
		revocation, ok := session.DecodeRevocation(q.Data)
		if !ok {
			return appendReply(nil, Reply{Status: StatusMalformed}), r.done(now), nil
		}
		r.revoke(revocation, now)
		return appendReply(nil, Reply{Status: StatusOK}), r.done(now), nil
	}
	if q.Op == OpClose {
		return appendReply(nil, Reply{Status: r.retire(q, now)}), r.done(now), nil
	}
	if q.Op == OpForget {
		p := Reply{Status: StatusOK}
		if len(r.sockets) > 0 || r.meta.Size > 0 || r.log.updates > 0 {
			p.Status = StatusBusy
		}
		return appendReply(nil, p), r.done(now), nil
	}
	if q.Op == OpPeople {
		p := r.showPeople(q, now)
		return p.encode(), r.done(now), nil
	}
	p := Reply{Status: StatusUnseeded}
	if r.meta.Seeded {
		p, err = r.call(q, now)
		if errors.Is(err, errBusy) {
			p, err = Reply{Status: StatusBusy}, nil
		}
		if err != nil {
			return nil, Effects{}, err
		}
		p.Cost = r.steps / stepsAMessage
	}
	return p.encode(), r.done(now), nil
}

// RevokedBy returns the revocation of a request, and false if the request is not OpRevoke. A room
// that stores nothing need not be made for it: the host remembers it for sockets on their way.
func RevokedBy(request []byte) (session.Revocation, bool) {
	q, err := decodeRequest(request)
	if err != nil || q.Op != OpRevoke {
		return session.Revocation{}, false
	}
	return session.DecodeRevocation(q.Data)
}

// Forgets says whether a request was OpForget, and the room agreed.
func Forgets(request, reply []byte) bool {
	return len(request) > 0 && Op(request[0]) == OpForget && len(reply) > 0 && Status(reply[0]) == StatusOK
}

// retire is OpClose.
func (r *Room) retire(q Request, now time.Time) Status {
	for _, conn := range r.conns() {
		r.close(conn, room.CloseLater, string(q.Data))
	}
	if r.meta.Due == 0 {
		return StatusOK
	}
	if r.meta.Failures == 0 && !r.tasked {
		r.plan(now)
	}
	return StatusBusy
}

func (r *Room) call(q Request, now time.Time) (Reply, error) {
	switch q.Op {
	case OpMerge:
		p, err := r.merge(q.Data, now)
		if errors.Is(err, errCostly) {
			return Reply{Status: StatusFull, Body: []byte(errCostly.Error())}, nil
		}
		return p, err
	case OpRestore:
		p, err := r.restore(q.Data, q.Version, now)
		if errors.Is(err, errCostly) {
			return Reply{Status: StatusTooLarge}, nil
		}
		return p, err
	case OpDelete:
		r.delete(now)
		return Reply{Status: StatusOK}, nil
	}
	if r.meta.Size == 0 && r.log.updates == 0 {
		return Reply{Status: StatusAbsent}, nil
	}
	if r.matches(q.ETag) {
		return Reply{Status: StatusUnchanged, ETag: r.etag()}, nil
	}
	if length := uint64(r.meta.Size + r.log.bytes); q.Version > 0 && length > q.Version {
		return Reply{Status: StatusLonger, Body: strconv.AppendUint(nil, length, 10)}, nil
	}
	p, err := r.show(q)
	if errors.Is(err, errCostly) {
		return Reply{Status: StatusTooLarge}, nil
	}
	return p, err
}

// maxShown bounds a document as JSON if the request names no limit. JSON repeats formats, so it
// may be much longer than the document.
const maxShown = 8 << 20

// longer returns the limit to try next for JSON that was longer than limit. The room
// learns the length of JSON only when it writes the JSON.
func longer(limit int) int { return limit + max(limit/4, min(limit, 4<<20)) }

// untouched is the ETag of a document without any update.
const untouched = "0"

// etag returns the document's ETag, which changes with every update.
func (r *Room) etag() string { return ETag(r.last) }

// ETag returns the ETag of a document by the number of its last update.
func ETag(last int64) string { return strconv.FormatInt(last, 36) }

// matches reports whether the document's tag is among tags. RFC 9110, 13.1.2.
func (r *Room) matches(tags string) bool {
	for tag := range strings.SplitSeq(tags, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.Trim(strings.TrimPrefix(tag, "W/"), `"`) == r.etag() {
			return true
		}
	}
	return false
}

// show returns the document in the form of q.Op.
func (r *Room) show(q Request) (Reply, error) {
	d, err := r.read()
	if err != nil {
		return Reply{}, err
	}
	whole := make([]byte, replyHead)
	switch {
	case q.Op == OpState:
		if n, err := yjs.CountStateVector(q.Data); err == nil && n > maxClients {
			return Reply{Status: StatusMalformed, Body: fmt.Appendf(nil, "a state vector of %d clients; at most %d are taken", n, maxClients)}, nil
		}
		if _, err := yjs.DecodeStateVector(q.Data); len(q.Data) > 0 && err != nil {
			return Reply{Status: StatusMalformed, Body: []byte("malformed state vector: " + err.Error())}, nil
		}
		if err := r.reserveDiff(d, q.Data, 0); err != nil {
			return Reply{}, err
		}
		whole, err = d.appendDiff(whole, q.Data)
	case d.doc == nil:
		return r.onlyMerged(), nil
	case q.Op == OpJSON || q.Op == OpTree:
		return r.showJSON(q, d.doc)
	case q.Op == OpText && !d.doc.HasRoot(string(q.Data)):
		return Reply{Status: StatusAbsent, Body: fmt.Appendf(nil, "The document has no root %q", q.Data)}, nil
	case q.Op == OpText:
		whole = d.doc.AppendText(whole, string(q.Data))
	default:
		return Reply{}, fmt.Errorf("call: no op %d", q.Op)
	}
	if err != nil {
		return Reply{}, err
	}
	return r.shown(whole), nil
}

// onlyMerged is the reply to a request that needs an integrated document.
func (r *Room) onlyMerged() Reply {
	p := Reply{Status: StatusTooLarge}
	if r.merging && r.meta.MergeUntil < mergeForEver {
		p.Body = []byte("The server ended while it worked on this document. For an hour it returns the document without ?format only")
	}
	return p
}

// showJSON returns the document as JSON, or as a tree for OpTree. If the JSON has more
// bytes than the request allows, it returns StatusLonger with the limit to try next.
func (r *Room) showJSON(q Request, doc *yjs.Doc) (Reply, error) {
	limit := maxShown
	if q.Version > 0 {
		limit = int(q.Version)
	}
	write := doc.AppendJSON
	if q.Op == OpTree {
		write = doc.AppendTree
	}
	whole, err := write(make([]byte, replyHead), nil, limit)
	r.steps += len(whole) / bytesAStep
	switch {
	case errors.Is(err, yjs.ErrTooLong) && q.Version > 0:
		r.steps += limit / bytesAStep
		return Reply{Status: StatusLonger, Body: strconv.AppendInt(nil, int64(longer(limit)), 10)}, nil
	case errors.Is(err, yjs.ErrTooLong):
		return Reply{Status: StatusTooLarge}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	return r.shown(whole), nil
}

// merge adds an update from the Worker. It reads the document to find out whether the
// update has news: a repeated update changes no ETag, and no socket receives it.
func (r *Room) merge(update []byte, now time.Time) (Reply, error) {
	summary, err := yjs.Validate(update, updateLimits)
	if errors.Is(err, yjs.ErrCostly) {
		return Reply{Status: StatusFull, Body: []byte(err.Error())}, nil
	}
	if err != nil {
		return Reply{Status: StatusMalformed, Body: []byte("malformed update: " + err.Error())}, nil
	}
	if gone, err := r.ofGone(update, now); gone || err != nil {
		return Reply{Status: StatusGone}, err
	}
	known := summary.Empty()
	slept := r.doc == nil
	if !known && (r.meta.Size > 0 || r.log.updates > 0) {
		d, err := r.read()
		if err != nil {
			return Reply{}, err
		}
		full := r.fits(len(update), len(summary.Structs) > 0) != nil // a known update needs no space
		if d.unsure() || full && d.mayHold(&summary) {
			if known, err = r.holds(d, &summary); err != nil {
				return Reply{}, err
			}
		}
	}
	if known {
		return Reply{Status: StatusOK, ETag: r.etag()}, nil
	}
	news, err := r.take(update, &summary, now)
	if slept && (errors.Is(err, yjs.ErrPending) || errors.Is(err, yjs.ErrNesting)) {
		r.doc = nil // without a document in memory, take appends the update
		news, err = r.take(update, &summary, now)
	}
	switch {
	case errors.Is(err, errFull):
		return Reply{Status: StatusFull, Body: []byte(err.Error())}, nil
	case err != nil:
		return Reply{Status: StatusMalformed, Body: []byte("invalid update: " + err.Error())}, nil
	case news:
		r.broadcast(editOf(update), now)
	}
	return Reply{Status: StatusOK, ETag: r.etag()}, nil
}

// delete empties the room, and plans the deletion of its copy.
func (r *Room) delete(now time.Time) {
	r.goneSet = r.forget(now)
	r.deletedSet = r.meta.Size > 0 || r.log.updates > 0
	r.doc = nil
	r.last++
	r.write(Write{Sweep: true}) // deletes the parts of an interrupted replacement, which has the next Gen
	r.meta.Gen++
	r.meta.Size, r.meta.Sum, r.meta.Compacted = 0, Sum{}, r.last
	r.log = log{}
	r.meta.MergeUntil, r.merging = 0, false
	r.plan(now)
	r.sweep()
	r.window.Take()
	r.bytes = 0
	for _, conn := range r.conns() {
		r.close(conn, room.CloseDeleted, "the document was deleted")
	}
}
