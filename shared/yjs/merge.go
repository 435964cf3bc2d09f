package yjs

import (
	"errors"
	"fmt"
)

// MergeUpdates returns one update with the structs and deletions of all updates. A gap
// between the clocks of a client becomes a Skip. It does not integrate, so it can merge
// updates before the updates on which they depend have arrived. It returns a single
// update unread. Without updates the result is the empty update. The time is linear in
// the structs, times the logarithm of the number of updates.
//
// The result equals that of mergeUpdates in yjs 13, with two exceptions.
// Updates whose clients do not descend lose nothing here, and blocks of one client
// that overlap in an update are an error. If more than two updates hold GCs
// and items that start at the same clock, the choice of yjs depends on how
// its engine sorts.
func MergeUpdates(updates ...[]byte) ([]byte, error) { return mergeUpdates(updates, 1) }

// MergeUpdatesV2 is [MergeUpdates] for updates in format V2.
func MergeUpdatesV2(updates ...[]byte) ([]byte, error) { return mergeUpdates(updates, 2) }

func mergeUpdates(updates [][]byte, format int) ([]byte, error) {
	if len(updates) == 1 {
		return updates[0], nil
	}
	var m merger
	merged, err := m.merge(updates, format)
	if errors.Is(err, errUnordered) { // the error remains if blocks of a client overlap
		if updates, err = order(updates, format, m.w); err != nil {
			return nil, err
		}
		merged, err = m.merge(updates, format)
	}
	return merged, err
}

// errUnordered: the structs of an update are not in the order of a merge, clients
// descending and clocks ascending.
var errUnordered = errors.New("structs out of order")

// merge merges updates in order. It takes the update whose next struct comes first, again
// and again.
func (m *merger) merge(updates [][]byte, format int) ([]byte, error) {
	size, blocks, most := 0, 0, 0 // most: blocks of one update
	streams := make([]mergeStream, len(updates))
	*m = merger{queue: make([]*mergeStream, 0, len(updates)), w: m.w}
	for i, update := range updates {
		s := &streams[i]
		s.index, s.turn = i, i
		u, err := newUpdateReader(update, format)
		if err == nil {
			s.reader = u
			blocks += u.blocksAtMost()
			most = max(most, u.blocksAtMost())
			err = m.advance(s)
		}
		if err != nil {
			return nil, s.wrap(err)
		}
		size += len(update)
		m.queue = append(m.queue, s)
	}
	if m.w == nil {
		m.w = newUpdateWriter(format, size+countRoom*(blocks-most), most)
	} else {
		m.w.reset()
	}
	if s, err := m.run(); err != nil {
		return nil, s.wrap(err)
	}
	return m.w.finish(m.deletes), nil
}

// A mergeStream is one of the updates to merge.
type mergeStream struct {
	reader updateReader
	head   wireStruct // the next struct to merge
	done   bool       // there is none
	begun  bool       // head was read at least once
	index  int        // of the update
	turn   int        // orders streams whose heads start at the same clock
}

func (s *mergeStream) wrap(err error) error {
	return fmt.Errorf("merge update %d: %w", s.index, err)
}

// before reports whether a comes first in a merge.
func (a *mergeStream) before(b *mergeStream) bool {
	switch x, y := &a.head, &b.head; {
	case x.client != y.client:
		return x.client > y.client
	case x.clock != y.clock:
		return x.clock < y.clock
	case (x.ref() == refGC) != (y.ref() == refGC):
		return a.turn > b.turn // yjs swaps two of them, whichever is the GC
	}
	return a.turn < b.turn
}

// A merger writes structs in the order of a merge.
type merger struct {
	queue   []*mergeStream // a heap
	w       *updateWriter
	deletes []deleteRange
	turn    int

	// The struct before: its client and end, and if it is a GC it is not yet
	// written, because one from another update may extend it.
	any    bool
	client uint64
	end    uint64
	gc     uint64 // length of that GC, or 0
}

// run empties the queue. After an error it returns the stream of the error.
func (m *merger) run() (*mergeStream, error) {
	for i := len(m.queue)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	for len(m.queue) > 0 {
		s := m.queue[0]
		if !s.done {
			if err := m.take(s); err != nil {
				return s, err
			}
			// yjs sorts a list of streams, stably, and the one just read stands first.
			m.turn--
			s.turn = m.turn
		}
		if s.done {
			last := len(m.queue) - 1
			m.queue[0] = m.queue[last]
			m.queue = m.queue[:last]
		}
		m.down(0)
	}
	m.flush()
	return nil, nil
}

// down restores the heap below i.
func (m *merger) down(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.queue); child++ {
			if m.queue[child].comes(m.queue[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		m.queue[i], m.queue[first] = m.queue[first], m.queue[i]
		i = first
	}
}

// comes is before, with empty streams first, so that run drops them.
func (a *mergeStream) comes(b *mergeStream) bool {
	if a.done || b.done {
		return a.done && !b.done
	}
	return a.before(b)
}

// take writes the first new struct of s, and the structs of s that follow it without a
// gap.
func (m *merger) take(s *mergeStream) error {
	client := s.head.client
	known := false
	for m.any && !s.done && s.head.client == m.client && s.head.end() <= m.end {
		known = true
		if err := m.advance(s); err != nil {
			return err
		}
	}
	if s.done || s.head.client != client || known && s.head.clock > m.end {
		return nil // another stream may come first now
	}
	switch head := &s.head; {
	case !m.any || client != m.client:
		if err := m.put(s); err != nil {
			return err
		}
	case head.clock > m.end:
		gap := wireStruct{client: client, clock: m.end, length: head.clock - m.end, info: refSkip}
		m.flush()
		m.w.write(&gap)
		m.end = head.clock
	default:
		if known := m.end - head.clock; known > 0 {
			head.cut(known)
		}
		if head.ref() == refGC && m.gc > 0 {
			m.gc += head.length
			m.end = head.end()
		} else if err := m.put(s); err != nil {
			return err
		}
	}
	for !s.done && s.head.client == client && s.head.clock == m.end {
		if err := m.put(s); err != nil {
			return err
		}
	}
	return nil
}

// put writes the head of s and advances s.
func (m *merger) put(s *mergeStream) error {
	m.flush()
	m.any, m.client, m.end = true, s.head.client, s.head.end()
	if s.head.ref() == refGC {
		m.gc = s.head.length
	} else {
		m.w.write(&s.head)
	}
	return m.advance(s)
}

// flush writes the GC that put has held back.
func (m *merger) flush() {
	if m.gc > 0 {
		m.w.write(&wireStruct{client: m.client, clock: m.end - m.gc, length: m.gc, info: refGC})
		m.gc = 0
	}
}

// advance reads the next struct of s that is not a Skip, or its delete set.
func (m *merger) advance(s *mergeStream) error {
	client, end := s.head.client, s.head.end()
	for {
		ok, err := s.reader.next(&s.head)
		if err != nil {
			return err
		}
		if !ok {
			s.done = true
			m.deletes, err = s.reader.readDeletes(m.deletes)
			return err
		}
		if s.begun && (s.head.client > client || s.head.client == client && s.head.clock < end) {
			return errUnordered
		}
		if s.head.ref() != refSkip {
			s.begun = true
			return nil
		}
	}
}

// order returns updates with their blocks in order, and otherwise unchanged. It uses the
// memory of w, a writer of the format: it is as large as all updates, and nobody needs it yet.
func order(updates [][]byte, format int, w *updateWriter) ([][]byte, error) {
	if format == 2 {
		w = nil
	}
	ordered := make([][]byte, len(updates))
	for i, update := range updates {
		var err error
		if format == 2 {
			update, err = ConvertV2ToV1(update)
		}
		if err == nil {
			update, err = orderBlocks(update, w)
		}
		if err == nil && format == 2 {
			update, err = ConvertV1ToV2(update)
		}
		if err != nil {
			return nil, fmt.Errorf("merge update %d: %w", i, err)
		}
		ordered[i] = update
	}
	return ordered, nil
}

// orderBlocks returns an update of format V1 with its blocks in order. It uses the memory of
// w, unless w is nil.
func orderBlocks(update []byte, w *updateWriter) ([]byte, error) {
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return nil, err
	}
	if w == nil {
		w = newUpdateWriter(1, len(update), u.blocksAtMost())
	}
	w.reset()
	w.ordered = true
	return copyUpdate(&u, w, func(*wireStruct) bool { return true })
}
