package yjs

import "fmt"

// StateVectorFromUpdate returns the state vector of the structs of update from clock 0
// on without a gap. It leaves out clients whose structs do not begin at 0.
// yjs 13, encodeStateVectorFromUpdate.
func StateVectorFromUpdate(update []byte) ([]byte, error) { return stateVectorFrom(update, 1) }

// StateVectorFromUpdateV2 is [StateVectorFromUpdate] for an update in format V2.
func StateVectorFromUpdateV2(update []byte) ([]byte, error) { return stateVectorFrom(update, 2) }

func stateVectorFrom(update []byte, format int) ([]byte, error) {
	u, err := newUpdateReader(update, format)
	if err != nil {
		return nil, fmt.Errorf("state vector of update: %w", err)
	}
	var states StateVector
	var s wireStruct
	whole := false // the client's structs so far are all from 0 on
	for {
		ok, err := u.next(&s)
		if err != nil {
			return nil, fmt.Errorf("state vector of update: %w", err)
		}
		if !ok {
			break
		}
		if u.fresh {
			whole = s.clock == 0
		}
		whole = whole && s.ref() != refSkip
		if !whole {
			continue
		}
		if u.fresh {
			states = append(states, ID{Client: s.client})
		}
		states[len(states)-1].Clock = s.end()
	}
	return states.AppendTo(nil), nil
}
