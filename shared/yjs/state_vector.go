package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// A StateVector holds, for each client that its owner knows, the next clock. It is in
// descending order of clients, each at most once.
type StateVector []ID

// DecodeStateVector reads a state vector. Clients may come in any order; of one
// that comes twice the last entry counts. It returns a *lib0.Error.
func DecodeStateVector(b []byte) (StateVector, error) {
	return appendStateVector(nil, b)
}

// CountStateVector returns the announced number of entries of a state vector. An entry
// takes 16 bytes in memory, and 2 on the wire.
func CountStateVector(b []byte) (int, error) {
	r := lib0.NewReader(b)
	n, err := r.Count(2)
	return int(n), err
}

func appendStateVector(sv StateVector, b []byte) (StateVector, error) {
	r := lib0.NewReader(b)
	n, err := r.Count(2)
	if err != nil {
		return nil, err
	}
	ordered := true
	sv = slices.Grow(sv, int(n))
	for range n {
		var id ID
		if id.Client, err = r.Uint(); err != nil {
			return nil, err
		}
		if id.Clock, err = r.Uint(); err != nil {
			return nil, err
		}
		ordered = ordered && (len(sv) == 0 || sv[len(sv)-1].Client > id.Client)
		sv = append(sv, id)
	}
	if r.Len() > 0 {
		return nil, r.Fail("bytes after the state vector")
	}
	if ordered {
		return sv, nil
	}
	slices.SortStableFunc(sv, func(a, b ID) int { return cmp.Compare(b.Client, a.Client) })
	slices.Reverse(sv) // of equal clients, keep the last
	sv = slices.CompactFunc(sv, func(a, b ID) bool { return a.Client == b.Client })
	slices.Reverse(sv)
	return sv, nil
}

// AppendTo appends the encoded state vector.
func (sv StateVector) AppendTo(dst []byte) []byte {
	dst = lib0.AppendUint(dst, uint64(len(sv)))
	for _, id := range sv {
		dst = lib0.AppendUint(dst, id.Client)
		dst = lib0.AppendUint(dst, id.Clock)
	}
	return dst
}

// Clock returns the next clock of a client, 0 if it is unknown.
func (sv StateVector) Clock(client uint64) uint64 {
	n, ok := slices.BinarySearchFunc(sv, client, func(id ID, client uint64) int { return cmp.Compare(client, id.Client) })
	if !ok {
		return 0
	}
	return sv[n].Clock
}

// StateVector returns the state of the document. Pending updates are not in it.
func (d *Doc) StateVector() StateVector {
	clients := d.clientsByID()
	sv := make(StateVector, len(clients))
	for n, c := range clients {
		sv[n] = ID{d.clients[c].id, uint64(d.clients[c].state)}
	}
	return sv
}

// AppendStateVector appends the encoded state vector of the document.
func (d *Doc) AppendStateVector(dst []byte) []byte {
	clients := d.clientsByID()
	dst = lib0.AppendUint(dst, uint64(len(clients)))
	for _, c := range clients {
		dst = d.appendID(dst, c, d.clients[c].state)
	}
	return dst
}

// EncodeStateVector returns the encoded state vector of the document, the content of a
// sync step 1.
func (d *Doc) EncodeStateVector() []byte { return d.AppendStateVector(nil) }

// clientsByID returns the clients that have structs, in descending order.
func (d *Doc) clientsByID() []int32 {
	if d.sorted == len(d.byID) {
		return d.byID
	}
	// Few are new, as a rule: sort them, and merge from the end.
	compare := func(a, b int32) int { return cmp.Compare(d.clients[b].id, d.clients[a].id) }
	added := slices.Clone(d.byID[d.sorted:])
	slices.SortFunc(added, compare)
	for to, old := len(d.byID)-1, d.sorted-1; len(added) > 0; to-- {
		last := added[len(added)-1]
		if old >= 0 && compare(d.byID[old], last) > 0 {
			d.byID[to] = d.byID[old]
			old--
			continue
		}
		d.byID[to] = last
		added = added[:len(added)-1]
	}
	d.sorted = len(d.byID)
	return d.byID
}
