package yjs

import "tidemark/shared/lib0"

// ID names one unit of content: the client that wrote it, up to 2^53-1, and the
// number of units that client had written before, up to 2^31-1.
type ID struct {
	Client, Clock uint64
}

// client is the document's record of one writer: a column of the struct store.
type client struct {
	id     uint64
	leaves [][]entry // its structs by clock, see struct_store.go
	state  int32     // the next clock
	// before is the state before the transaction touched.
	before  int32
	touched uint32
	// awaited is the lowest clock that a pending struct was missing here, or
	// noClock: pending structs are tried again when the state is above it.
	awaited int32
	finger  int32 // the leaf of the last find
	block   int32 // its block of the update in progress, none if there is none
	wire    [8]byte
	wireLen uint8
}

const noClock = int32(maxClock)

// intern returns the client of that id, a new one if it is unknown.
func (d *Doc) intern(id uint64) int32 {
	if id == d.lastID && d.last != none {
		return d.last
	}
	c, ok := d.clientOf[id]
	if !ok {
		c = int32(len(d.clients))
		d.clientOf[id] = c
		d.clients = append(d.clients, client{id: id, awaited: noClock, block: none})
		added := &d.clients[c]
		added.wireLen = uint8(len(lib0.AppendUint(added.wire[:0], id)))
	}
	d.lastID, d.last = id, c
	return c
}

// decodeClient reads a client id. Most often it is the same as the last one.
func (d *Doc) decodeClient(r *lib0.Reader) (int32, error) {
	if c := d.last; c != none && r.Skip(d.clients[c].wire[:d.clients[c].wireLen]) {
		return c, nil
	}
	id, err := r.Uint()
	if err != nil {
		return none, err
	}
	return d.intern(id), nil
}

// forgetClients removes all clients from n on.
func (d *Doc) forgetClients(n int) {
	for _, c := range d.clients[n:] {
		delete(d.clientOf, c.id)
	}
	clear(d.clients[n:])
	d.clients = d.clients[:n]
	d.last = none
}

// appendID appends the client and the clock.
func (d *Doc) appendID(dst []byte, c, clock int32) []byte {
	cl := &d.clients[c]
	dst = append(dst, cl.wire[:cl.wireLen]...)
	return lib0.AppendUint(dst, uint64(clock))
}
