package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// pending holds structs and deletions that wait for missing updates.
type pending struct {
	structs [][]byte      // updates of the structs, merged when they are read
	size    int           // bytes of them
	deletes []deleteRange // sorted and joined
	waiting []int32       // clients with an awaited clock
	ready   bool          // an awaited clock arrived while its struct was stored
}

// HasPending reports whether structs or deletions wait for missing updates.
func (d *Doc) HasPending() bool {
	return len(d.pending.structs) > 0 || len(d.pending.deletes) > 0
}

// partCost is the cost of an update of pending structs in addition to its bytes.
const partCost = 48

// addPending applies the delete set of the update and the pending one, and stores
// the rest as pending. After an error d.pending is as before.
func (d *Doc) addPending() error {
	deletes := d.applyDeletes(d.in.deletes, nil)
	if err := d.checkSteps(); err != nil {
		return err
	}
	added := len(deletes) > 0
	if d.deletesUnlocked() {
		deletes = d.applyDeletes(d.pending.deletes, deletes)
		if err := d.checkSteps(); err != nil {
			return err
		}
		deletes = sortDeleteSet(deletes)
	} else if added {
		d.steps += len(d.pending.deletes)
		deletes = sortDeleteSet(append(deletes, d.pending.deletes...))
	} else {
		deletes = d.pending.deletes
	}
	parts, size := d.pending.structs, d.pending.size
	rest := d.restUpdate()
	if rest != nil {
		parts, size = append(parts, rest), size+len(rest)+partCost
	}
	most := d.options.PendingBudget - len(deletes)*rangeSize
	if d.bounded && size > most && (added || rest != nil) {
		// Merged, they may take less: peers repeat the structs that wait.
		d.steps += size / bytesAStep
		merged, err := mergeParts(parts)
		if err != nil {
			return err
		}
		if parts, size = merged, sizeOfParts(merged); size > most {
			return ErrPending
		}
	}
	d.pending.structs, d.pending.size = parts, size
	d.pending.deletes = deletes
	return nil
}

// mergeParts merges updates of pending structs into one, if there are any.
func mergeParts(parts [][]byte) ([][]byte, error) {
	if len(parts) < 2 {
		return parts, nil
	}
	merged, err := MergeUpdates(parts...)
	return [][]byte{merged}, err
}

func sizeOfParts(parts [][]byte) (size int) {
	for _, part := range parts {
		size += len(part) + partCost
	}
	return size
}

// pendingStructs returns the pending structs as one update, or nil.
func (d *Doc) pendingStructs() ([]byte, error) {
	p := &d.pending
	merged, err := mergeParts(p.structs)
	if err != nil || len(merged) == 0 {
		return nil, err
	}
	p.structs, p.size = merged, sizeOfParts(merged)
	return merged[0], nil
}

// restUpdate returns the structs of the update that could not be integrated, as
// an update without deletions, or nil.
func (d *Doc) restUpdate() []byte {
	in := &d.in
	blocks, size := 0, 0
	for _, b := range in.blocks {
		if b.rest != none {
			blocks++
			size += int(b.end) + 24
		}
	}
	if blocks == 0 {
		return nil
	}
	rest := lib0.AppendUint(make([]byte, 0, min(size, len(in.update)+24*blocks)), uint64(blocks))
	for _, b := range in.blocks {
		if b.rest == none {
			continue
		}
		first := &d.items[in.order[b.rest]]
		rest = lib0.AppendUint(rest, uint64(b.structs-first.right))
		rest = d.appendID(rest, b.client, first.clock)
		rest = append(rest, in.update[first.left:b.end]...)
	}
	return append(rest, 0)
}

// freeRest frees the decoded items that were not integrated.
func (d *Doc) freeRest() {
	for _, i := range d.in.order {
		if d.items[i].flags&onWire != 0 {
			d.freeItem(i)
		}
	}
	d.endBlocks()
}

// unlocked reports whether a clock has arrived that a pending struct was missing.
func (d *Doc) unlocked() bool {
	if d.pending.ready {
		return true
	}
	for _, c := range d.tx.touched {
		if cl := &d.clients[c]; cl.awaited < cl.state {
			return true
		}
	}
	return false
}

// deletesUnlocked reports whether a clock has arrived that a pending deletion covers.
func (d *Doc) deletesUnlocked() bool {
	if len(d.pending.deletes) == 0 {
		return false
	}
	for _, c := range d.tx.touched {
		cl := &d.clients[c]
		n, ok := slices.BinarySearchFunc(d.pending.deletes, cl.id, func(r deleteRange, id uint64) int { return cmp.Compare(id, r.client) })
		if ok && d.pending.deletes[n].clock < cl.state {
			return true
		}
	}
	return false
}

// await records the missing dependencies of the rest of the update.
func (d *Doc) await() {
	for _, m := range d.in.missing {
		c := &d.clients[m.client]
		if c.awaited == noClock {
			d.pending.waiting = append(d.pending.waiting, m.client)
		}
		c.awaited = min(c.awaited, m.clock)
		d.pending.ready = d.pending.ready || c.awaited < c.state
	}
}

// The numbers of bytes that are read, or copied, in about the time of a step.
const (
	bytesAStep  = 8
	copiedAStep = 64
)

// retry integrates the pending structs again: once for each update, as yjs does, so
// that the state is the same at any time. It ends at the errors for which Apply rejects
// an update: the rest stays pending.
func (d *Doc) retry() {
	structs, err := d.pendingStructs()
	if err != nil {
		return // impossible: it was decoded before
	}
	d.steps += len(structs) / bytesAStep
	if d.decode(structs) != nil {
		return // it takes too much memory
	}
	for _, c := range d.pending.waiting {
		d.clients[c].awaited = noClock
	}
	d.pending.waiting, d.pending.ready = d.pending.waiting[:0], false
	if d.integrateBlocks() != nil {
		d.abandon()
	}
	d.pending.structs, d.pending.size = nil, 0
	if rest := d.restUpdate(); rest != nil {
		d.pending.structs = [][]byte{rest}
		d.pending.size = sizeOfParts(d.pending.structs)
	}
	d.freeRest()
	d.await()
	if d.deletesUnlocked() {
		d.pending.deletes = sortDeleteSet(d.applyDeletes(d.pending.deletes, nil))
	}
}

// abandon moves all items that are not integrated to the rest of their blocks.
func (d *Doc) abandon() {
	in := &d.in
	for _, i := range in.order {
		if it := &d.items[i]; it.flags&onWire != 0 {
			b := &in.blocks[d.clients[it.client].block]
			if b.rest == none {
				b.rest = int32(it.seen)
			}
		}
	}
}

// mergePending adds the pending structs and deletions to an encoded state. Like yjs, it
// merges updates, with Skips where clocks are missing.
func (d *Doc) mergePending(state []byte, sv StateVector) ([]byte, error) {
	updates := [][]byte{state}
	if len(d.pending.deletes) > 0 {
		updates = append(updates, appendDeleteSet([]byte{0}, d.pending.deletes))
	}
	structs, err := d.pendingStructs()
	if err != nil {
		return nil, err
	}
	if structs != nil {
		diff, err := DiffUpdate(structs, sv.AppendTo(nil))
		if err != nil {
			return nil, err
		}
		updates = append(updates, diff)
	}
	return MergeUpdates(updates...)
}
