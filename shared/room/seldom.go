package room

import "time"

// A Seldom keeps a line that many events want to log to one in a minute. The zero value is
// ready.
type Seldom struct{ last time.Time }

// seldomPause is the least time between two lines.
const seldomPause = time.Minute

// Due reports whether the line is to be logged now.
func (s *Seldom) Due(now time.Time) bool {
	if !s.last.IsZero() && now.Sub(s.last) < seldomPause && !now.Before(s.last) {
		return false
	}
	s.last = now
	return true
}
