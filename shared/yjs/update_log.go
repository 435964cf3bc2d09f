package yjs

import "fmt"

// A Log holds a document as updates, merged but not integrated. It needs no load, and
// its diffs have the same content as those of a [Doc] that applied the updates. It is
// larger: it keeps deleted content, and one struct for every keystroke, which are four
// to eleven times the bytes of a document's state. A log suits a document that is often
// written and seldom read. The zero value is empty.
type Log struct {
	merged []byte
	tail   [][]byte // newer than merged
	size   int      // bytes of tail
}

// logSlack is how many bytes of updates a log may hold beside a small merged one.
const logSlack = 64 << 10

// Append adds an update of format V1 that [Validate] accepts, or whose parts it has
// accepted. The log keeps update, which must not change any more. Updates may come in any
// order, and repeatedly.
func (l *Log) Append(update []byte) error {
	s, err := Validate(update, Limits{Stored: true})
	if err != nil {
		return fmt.Errorf("append to log: %w", err)
	}
	if s.Empty() {
		return nil
	}
	l.tail = append(l.tail, update)
	l.size += len(update)
	if l.merges() {
		// Twice the size each time: every byte is merged a few times at most.
		_, err = l.State()
	}
	return err
}

// merges reports whether the new updates are long enough for Append to merge them.
func (l *Log) merges() bool { return l.size > len(l.merged)+logSlack }

// AppendTakes returns how many bytes Append of an update of size bytes allocates.
func (l *Log) AppendTakes(size int) int {
	after := Log{merged: l.merged, size: l.size + size}
	if !after.merges() {
		return 0
	}
	return after.Len()
}

// StateTakes returns how many bytes State allocates.
func (l *Log) StateTakes() int {
	if len(l.tail) == 0 {
		return 0
	}
	return l.Len()
}

// NewLog returns the log of an update that [MergeUpdates] returned, which it keeps
// and does not read.
func NewLog(merged []byte) Log { return Log{merged: merged} }

// State returns the whole log as one update. It merges the new updates; the time is
// linear in the log.
func (l *Log) State() ([]byte, error) {
	if len(l.tail) > 0 {
		updates := l.tail
		if l.merged != nil {
			updates = append([][]byte{l.merged}, l.tail...)
		}
		merged, err := MergeUpdates(updates...)
		if err != nil {
			return nil, err
		}
		l.merged, l.tail, l.size = merged, nil, 0
	}
	if l.merged == nil {
		return MergeUpdates()
	}
	return l.merged, nil
}

// StateVector returns the encoded state vector of the structs from clock 0 on without a
// gap.
func (l *Log) StateVector() ([]byte, error) {
	state, err := l.State()
	if err != nil {
		return nil, err
	}
	return StateVectorFromUpdate(state)
}

// Diff returns the update that a peer with that encoded state vector lacks.
func (l *Log) Diff(stateVector []byte) ([]byte, error) {
	state, err := l.State()
	if err != nil {
		return nil, err
	}
	return DiffUpdate(state, stateVector)
}

// Len returns the number of bytes held.
func (l *Log) Len() int { return len(l.merged) + l.size }
