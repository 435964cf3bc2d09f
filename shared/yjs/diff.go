package yjs

import "fmt"

// DiffUpdate returns the part of update that a peer with the state vector lacks: the
// structs from its clocks on, the first of a client cut if need be, and the whole delete set.
// yjs 13, diffUpdate.
func DiffUpdate(update, stateVector []byte) ([]byte, error) {
	return diffUpdate(update, stateVector, 1)
}

// DiffUpdateV2 is [DiffUpdate] for an update in format V2. State vectors have
// one format.
func DiffUpdateV2(update, stateVector []byte) ([]byte, error) {
	return diffUpdate(update, stateVector, 2)
}

func diffUpdate(update, stateVector []byte, format int) ([]byte, error) {
	known, err := DecodeStateVector(stateVector)
	if err != nil {
		return nil, fmt.Errorf("diff: state vector: %w", err)
	}
	u, err := newUpdateReader(update, format)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	var client, from uint64 // the client of the struct before, and its known clock
	var begun, writing bool // writing: a struct of client was kept, the rest follows unchanged
	out, err := copyUpdate(&u, newUpdateWriter(format, len(update), u.blocksAtMost()), func(s *wireStruct) bool {
		if !begun || s.client != client {
			begun, writing = true, false
			client, from = s.client, known.Clock(s.client)
		}
		if !writing {
			if s.end() <= from || s.ref() == refSkip {
				return false
			}
			writing = true
			if from > s.clock {
				s.cut(from - s.clock)
			}
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	return out, nil
}

// copyUpdate copies the delete set, and the structs for which keep returns true. keep
// may change them.
func copyUpdate(u *updateReader, w *updateWriter, keep func(*wireStruct) bool) ([]byte, error) {
	var s wireStruct
	for {
		ok, err := u.next(&s)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if keep(&s) {
			w.write(&s)
		}
	}
	deletes, err := u.readDeletes(nil)
	if err != nil {
		return nil, err
	}
	return w.finish(deletes), nil
}
