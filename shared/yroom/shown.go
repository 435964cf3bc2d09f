package yroom

import (
	"errors"
	"time"
)

// A Shown shows a state that is no room's document, such as a version, in the forms of a document.
type Shown struct {
	room *Room
	now  time.Time
}

// NewShown returns a Shown of a state, which it owns. config has the limits, and Reserve.
func NewShown(config Config, state []byte, now time.Time) *Shown {
	stored := Stored{Meta: Meta{Seeded: true, Size: len(state)}}
	return &Shown{New(config, alone(state), stored, nil, now), now}
}

// Call returns the reply to a request that shows a document.
func (s *Shown) Call(q Request) (Reply, error) {
	p, err := s.room.call(q, s.now)
	if errors.Is(err, errBusy) {
		p, err = Reply{Status: StatusBusy}, nil
	}
	p.Cost = s.room.steps / stepsAMessage
	return p, err
}

// alone is the storage of a room that has a snapshot and nothing else.
type alone []byte

func (a alone) Snapshot(int64, int) ([]byte, error) { return a, nil }
func (a alone) Log(int64) ([]Row, error)            { return nil, nil }
func (a alone) Gone() ([]byte, error)               { return nil, nil }
