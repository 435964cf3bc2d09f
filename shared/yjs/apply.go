package yjs

import "fmt"

// Apply integrates an update (V1) and returns the update event that yjs would
// emit: the changes of the document. They differ from the input if structs were
// known, must wait, or caused deletions. The event is nil if nothing changed, and
// valid until the next call of a method that changes d. A rejected update changes
// nothing: the error wraps a *lib0.Error if the bytes are invalid, ErrPending,
// ErrSteps or ErrNesting.
func (d *Doc) Apply(update []byte) (event []byte, err error) {
	return d.apply(update, true, false)
}

// ApplyV2 is Apply for an update in format V2. The event is V1.
func (d *Doc) ApplyV2(update []byte) (event []byte, err error) {
	v1, err := ConvertV2ToV1(update)
	if err != nil {
		return nil, err
	}
	return d.Apply(v1)
}

// Load is Apply for an update from storage, which was accepted before. It
// returns no event, and pending structs have no limit. All updates that a document
// loads share one budget of steps, Options.StepBudget. After ErrSteps the document
// cannot be used any more: a [Log] can still merge its updates.
func (d *Doc) Load(update []byte) error {
	_, err := d.apply(update, false, false)
	return err
}

// LoadKept is [Doc.Load] of an update that the document keeps, and may change. It does
// not copy the contents of a long update, so a large document takes half the memory.
func (d *Doc) LoadKept(update []byte) error {
	_, err := d.apply(update, false, len(update) >= leastKept)
	return err
}

// Steps returns how many steps the last Apply took, or all Loads before it: work
// that grows faster than the bytes of an update. See Options.StepBudget.
func (d *Doc) Steps() int { return d.steps }

// Compact integrates a snapshot and the updates after it, all of which were
// accepted before, into an equal state without deleted content. It keeps
// pending structs and deletions.
func Compact(updates ...[]byte) (state []byte, err error) {
	d := New(Options{})
	for n, update := range updates {
		if err := d.Load(update); err != nil {
			return nil, fmt.Errorf("compact: update %d: %w", n, err)
		}
	}
	return d.AppendState(nil, nil)
}

func (d *Doc) apply(update []byte, fresh, keep bool) ([]byte, error) {
	d.bounded = fresh
	if err := d.decode(update); err != nil {
		return nil, err
	}
	if keep {
		if from, ok := d.keep(update); ok {
			d.in.kept = from
			d.waste += len(update)
		}
	}
	d.begin()
	if d.steps = 0; !fresh {
		d.steps = d.loaded
	}
	err := d.integrateBlocks()
	if err == nil {
		err = d.finish()
	}
	if !fresh {
		if err == nil {
			err = d.checkSteps() // the pending structs may have taken more
		}
		d.loaded = d.steps
	}
	if err != nil {
		d.freeRest()
		d.rollback()
		return nil, fmt.Errorf("yjs: apply update: %w", err)
	}
	event := d.commit(fresh)
	d.trim()
	return event, nil
}

// finish applies the delete set, stores the structs that must wait, and tries the older
// pending structs again. It returns an error only while everything can be undone.
func (d *Doc) finish() error {
	if len(d.in.missing) == 0 && !d.HasPending() {
		// The usual case: no structs wait, perhaps deletions.
		deletes := d.applyDeletes(d.in.deletes, nil)
		if d.bounded && len(deletes)*rangeSize > d.options.PendingBudget {
			return ErrPending
		}
		if err := d.checkSteps(); err != nil {
			return err
		}
		if len(deletes) > 0 {
			d.pending.deletes = sortDeleteSet(deletes)
		}
		d.endBlocks()
		return nil
	}
	if err := d.addPending(); err != nil {
		return err
	}
	d.freeRest()
	retry := d.unlocked()
	d.await()
	if retry {
		d.retry()
	}
	return nil
}

// trim drops the buffers of a large update.
func (d *Doc) trim() {
	const most = 8 << 10
	if cap(d.in.order) > most/4 {
		d.in.order = nil
	}
	if cap(d.in.deletes) > most/rangeSize {
		d.in.deletes, d.tx.ranges = nil, nil
	}
	if cap(d.in.blocks) > most/blockSize {
		d.in.blocks = nil
	}
	if cap(d.tx.deleted) > most/16 {
		d.tx.deleted, d.tx.splits, d.tx.candidates, d.tx.work = nil, nil, nil, nil
	}
	if cap(d.tx.event) > most {
		d.tx.event = nil
	}
	d.in.update = nil
}
