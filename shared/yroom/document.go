package yroom

import (
	"errors"
	"fmt"
	"slices"

	"tidemark/shared/yjs"
)

// A document is the room's document in memory: integrated, or merged if it is too large for
// that, or if a part of it cannot be integrated. Merging never rejects and never loses an update
// that was accepted.
type document struct {
	doc *yjs.Doc
	log yjs.Log // if doc is nil
	// known is the document's coverage, and states the state vector of log; nil until
	// first used.
	known  *coverage
	states []byte
}

// read brings the document into memory.
func (r *Room) read() (*document, error) {
	if r.doc != nil {
		return r.doc, nil
	}
	bytes := r.meta.Size + r.log.bytes
	if err := r.reserve(bytes); err != nil {
		return nil, err
	}
	updates, c, err := r.counted()
	if err != nil {
		return nil, err
	}
	most := max(bytes, min(c.memory(), r.config.IntegrateBytes))
	if err := r.reserve(most - bytes); err != nil {
		return nil, err
	}
	r.steps += c.steps()
	d := &document{}
	if r.integrates(&c) {
		if d.doc, err = r.integrated(updates); err != nil {
			r.mergeOnly(mergeForEver)
			if updates, _, err = r.counted(); err != nil { // the document has kept the others
				return nil, err
			}
		}
	}
	if d.doc == nil {
		state, err := merged(updates)
		if err != nil {
			return nil, fmt.Errorf("read the document: %w", err)
		}
		d.log = yjs.NewLog(state)
	}
	r.doc = d
	r.release(most - d.size())
	return d, nil
}

// errBusy: other documents and requests hold the memory that the document needs.
var errBusy = errors.New("the server has no memory to spare at the moment; try again later")

// reserve reserves memory for bytes more in this event. It returns errBusy if there is none.
func (r *Room) reserve(bytes int) error {
	if r.config.Reserve != nil && !r.config.Reserve(bytes) {
		return errBusy
	}
	return nil
}

// release gives back reserved bytes that the event does not hold any more.
func (r *Room) release(bytes int) {
	if r.config.Reserve != nil && bytes > 0 {
		r.config.Reserve(-bytes)
	}
}

// counted reads the stored updates, and counts their contents.
func (r *Room) counted() (updates [][]byte, c cost, err error) {
	if updates, err = r.stored(); err != nil {
		return nil, c, err
	}
	if updates, c, err = counted(updates); err != nil {
		return nil, c, fmt.Errorf("read the document: %w", err)
	}
	return updates, c, nil
}

// integrated integrates updates, and keeps them. It returns an error and no document if they
// take too many steps or too much memory, or cannot be integrated at all.
func (r *Room) integrated(updates [][]byte) (*yjs.Doc, error) {
	doc := yjs.New(yjs.Options{StepBudget: r.config.StepBudget, MemoryBudget: max(1, r.config.IntegrateBytes)})
	defer func() { r.steps += doc.Steps() }()
	for i, u := range updates {
		if err := doc.LoadKept(u); err != nil {
			return nil, err
		}
		updates[i] = nil // frees a short one
	}
	return doc, nil
}

// reserveDiff reserves the memory of diff for a document that is only merged, and of copies
// of its result.
func (r *Room) reserveDiff(d *document, vector []byte, copies int) error {
	if d.doc != nil {
		return nil
	}
	if len(vector) > 1 { // otherwise the result is not a copy
		copies++
	}
	return r.reserve(copies*d.log.Len() + d.log.StateTakes())
}

// shed drops deleted contents from a merged document, and integrates the document if the rest
// is within the limits. If a document took too many steps or too much memory, shed tries again
// when its cost has halved.
func (r *Room) shed(d *document) error {
	if err := r.reserve(d.log.StateTakes()); err != nil {
		return err
	}
	state, err := d.log.State()
	if err != nil {
		return err
	}
	updates, before, err := counted([][]byte{state})
	if err != nil {
		return err
	}
	r.steps += before.steps()
	after := before
	if before.ranges > 0 {
		if err := r.reserve(len(state)); err != nil {
			return err
		}
		if state, err = yjs.DropDeleted(state); err != nil {
			return err
		}
		d.log, d.known, d.states = yjs.NewLog(state), nil, nil
		if updates, after, err = counted([][]byte{state}); err != nil {
			return err
		}
		r.steps += before.steps() + after.steps()
	}
	if r.meta.MergeUntil == mergeForEver && 2*after.memory() < before.memory() {
		r.meta.MergeUntil, r.metaSet, r.merging = 0, true, false
	}
	if !r.integrates(&after) {
		return nil
	}
	d.log = yjs.Log{}
	if d.doc, err = r.integrated(updates); err == nil {
		return nil
	}
	r.mergeOnly(mergeForEver)
	if updates, _, err = r.counted(); err != nil { // the document has kept the others
		return err
	}
	if state, err = merged(updates); err != nil {
		return err
	}
	if state, err = yjs.DropDeleted(state); err != nil {
		return err
	}
	d.log = yjs.NewLog(state)
	return nil
}

// stored returns the snapshot and the updates of the log, with the changes of this event. The
// caller owns them.
func (r *Room) stored() ([][]byte, error) {
	var updates [][]byte
	if r.meta.Size > 0 {
		snapshot := r.unwrittenSnapshot()
		if snapshot == nil {
			var err error
			if snapshot, err = r.storage.Snapshot(r.meta.Gen, r.meta.Size); err != nil {
				return nil, fmt.Errorf("read the snapshot: %w", err)
			}
		}
		updates = append(updates, snapshot)
	}
	if r.log.updates == 0 {
		return updates, nil
	}
	rows, err := r.storage.Log(r.meta.Compacted)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	for _, w := range r.out.Store {
		if w.Row != nil {
			row := *w.Row
			row.Bytes = slices.Clone(row.Bytes) // the event still has to store it
			rows = append(rows, row)
		}
	}
	logged, err := updatesIn(rows)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return append(updates, logged...), nil
}

// unwrittenSnapshot returns the snapshot that this event made, or nil.
func (r *Room) unwrittenSnapshot() (snapshot []byte) {
	for _, w := range r.out.Store {
		if w.Part != nil && w.Part.Gen == r.meta.Gen {
			snapshot = append(snapshot, w.Part.Bytes...)
		}
	}
	return snapshot
}

// apply applies an update and reports whether it has news. A rejected update changes nothing.
// The document keeps update.
func (d *document) apply(update []byte) (news bool, err error) {
	d.known, d.states = nil, nil
	if d.doc == nil {
		return true, d.log.Append(update)
	}
	event, err := d.doc.Apply(update)
	return event != nil || d.doc.HasPending(), err
}

// diff returns an update with everything that a peer with that state vector lacks. A nil
// vector is empty.
func (d *document) diff(vector []byte) ([]byte, error) {
	switch {
	case d.doc != nil:
		return d.doc.EncodeStateAsUpdate(vector)
	case len(vector) == 0 || string(vector) == "\x00": // without a copy: it is large
		return d.log.State()
	}
	return d.log.Diff(vector)
}

// appendDiff appends the result of diff to dst.
func (d *document) appendDiff(dst, vector []byte) ([]byte, error) {
	if d.doc == nil {
		state, err := d.diff(vector)
		return append(dst, state...), err
	}
	var known yjs.StateVector
	if len(vector) > 0 {
		var err error
		if known, err = yjs.DecodeStateVector(vector); err != nil {
			return nil, err
		}
	}
	return d.doc.AppendState(dst, known)
}

func (d *document) vector() ([]byte, error) {
	if d.doc != nil {
		return d.doc.EncodeStateVector(), nil
	}
	if d.states == nil {
		var err error
		if d.states, err = d.log.StateVector(); err != nil {
			return nil, err
		}
	}
	return d.states, nil
}

func (d *document) size() int {
	n := d.log.Len() + len(d.states)
	if d.doc != nil {
		n += d.doc.Size()
	}
	if d.known != nil {
		n += d.known.size()
	}
	return n
}
