package yroom

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/yjs"
)

// restore restores the content of state. It writes the difference as an edit of client. If one
// of the two documents is only merged, the room cannot compute the difference. Then it deletes
// everything and adds a copy, by clients with ids above all others.
//
// No other request has the same client. If the document knows the client, an instance has done
// this request before, and ended before it replied.
func (r *Room) restore(state []byte, client uint64, now time.Time) (Reply, error) {
	_, c, err := counted([][]byte{state})
	switch {
	case errors.Is(err, errCostly):
		return Reply{}, err
	case err != nil:
		return Reply{Status: StatusMalformed, Body: []byte(err.Error())}, nil
	}
	d, err := r.read()
	if err != nil {
		return Reply{}, err
	}
	if d.doc == nil || c.memory() > r.config.IntegrateBytes {
		return r.copyVersion(d, state, client, now)
	}
	if d.doc.StateVector().Clock(client) > 0 {
		return r.unchanged(), nil
	}
	if err := r.reserve(c.memory()); err != nil {
		return Reply{}, err
	}
	version, err := r.integrated([][]byte{state}) // this may write U+FFFD into state, for halves of characters
	if err != nil {                               // it is too costly, or a part of a document
		return r.copyVersion(d, state, client, now)
	}
	update := d.doc.Restore(version, client)
	if err := r.reserve(len(update)); err != nil {
		return Reply{}, err
	}
	r.steps += (len(state) + d.size()) / bytesAStep
	switch {
	case update == nil:
		return r.unchanged(), nil
	case r.fits(len(update), true) != nil:
		return r.restoreAtOnce(d, update, now)
	}
	return r.merge(update, now)
}

// unchanged returns the reply if there is no difference.
func (r *Room) unchanged() Reply { return Reply{Status: StatusOK, ETag: r.etag()} }

// restoreAtOnce makes the restored document the snapshot. The log has no space for update beside
// what it deletes, but the restored document may fit.
func (r *Room) restoreAtOnce(d *document, update []byte, now time.Time) (Reply, error) {
	r.doc = nil // d is the restored document, and may not fit
	full := Reply{Status: StatusFull, Body: fmt.Appendf(nil, "%v: it may have %d bytes, which the version does not fit in", errFull, r.config.DocumentBytes)}
	_, err := d.doc.Apply(update)
	r.steps += d.doc.Steps()
	if errors.Is(err, yjs.ErrSteps) || errors.Is(err, yjs.ErrMemory) {
		return full, nil
	}
	if err != nil {
		return Reply{}, fmt.Errorf("restore: %w", err)
	}
	state, err := d.diff(nil)
	if err != nil {
		return Reply{}, fmt.Errorf("restore: %w", err)
	}
	if len(state) > r.config.DocumentBytes {
		return full, nil
	}
	r.doc = d
	r.last++
	r.replace(state, r.last)
	r.log = log{}
	r.edited(now)
	r.broadcast(editOf(update), now)
	return Reply{Status: StatusOK, ETag: r.etag()}, nil
}

// copyVersion deletes everything and adds a copy of state. Yjs shows the value of the highest
// client for a key, so the clients of the copy are above all others.
func (r *Room) copyVersion(d *document, state []byte, client uint64, now time.Time) (Reply, error) {
	takes := d.log.StateTakes()
	if d.doc != nil {
		takes = r.meta.Size + r.log.bytes
	}
	if err := r.reserve(takes); err != nil {
		return Reply{}, err
	}
	held, err := d.diff(nil)
	if err != nil {
		return Reply{}, err
	}
	summary, err := yjs.Validate(held, storedLimits)
	if err != nil {
		return Reply{}, err
	}
	first, done := client, bytes.Equal(held, state)
	for _, of := range summary.Structs {
		first = max(first, of.Client+1)
		done = done || of.Client == client
	}
	if done {
		return r.unchanged(), nil
	}
	if err := r.fits(len(state), true); err != nil { // before any copy is made
		return Reply{Status: StatusFull, Body: []byte(err.Error())}, nil
	}
	if err := r.reserve(3 * len(state)); err != nil { // state, the copy, and the copy with the deletions
		return Reply{}, err
	}
	copied, err := yjs.Reauthor(state, first)
	if errors.Is(err, yjs.ErrNoClients) {
		return Reply{Status: StatusFull, Body: []byte("the document can only be merged, and no client ids are left above those that it has")}, nil
	}
	if err != nil {
		return Reply{Status: StatusMalformed, Body: []byte(err.Error())}, nil
	}
	parts := [][]byte{copied, yjs.DeleteUpdate(summary.Structs)}
	if first > client { // the client marks this request as done
		parts = append(parts, yjs.CollectedUpdate(client))
	}
	update, err := yjs.MergeUpdates(parts...)
	if err != nil {
		return Reply{}, err
	}
	return r.merge(update, now)
}
