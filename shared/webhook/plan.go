package webhook

import "time"

// A Row is the first change that waits.
type Row struct {
	N    int64
	Type Type
}

// A State is what an outbox knows of its receiver.
type State struct {
	// Event is what is being sent; nil: nothing.
	Event    *Event `json:"-"`
	Failures int    `json:"failures,omitempty"` // of that event
	First    int64  `json:"first,omitempty"`    // its first failure; Unix milliseconds, as all times
	Next     int64  `json:"next,omitempty"`     // the next attempt, after a failure
	Told     int64  `json:"told,omitempty"`     // when the last event of a type that has a gap was composed

	Success int64  `json:"success,omitempty"` // the last one; 0: none
	Error   string `json:"error,omitempty"`
	ErrorAt int64  `json:"error_at,omitempty"`
	// Listed is what the list of all outboxes says of this one.
	Listed Listed `json:"listed,omitempty"`
}

// Listed is what the list of all outboxes says of one.
type Listed int

// The words of Listed.
const (
	Unlisted Listed = iota
	Healthy
	Failing
)

// gap is the least time between two events of a type, of one object. W4.
func gap(t Type) int64 {
	switch t {
	case RecordsChanged:
		return 1_000
	case DocumentChanged:
		return 10_000
	}
	return 0
}

// A Step is what an outbox does next. The zero Step: nothing waits.
type Step struct {
	Send    bool // Event
	Compose *Row // an event of this row, and if it is of RecordsChanged of all rows of that type
	Wait    int64
}

// longest is the greatest time between two attempts.
const longest = time.Hour

// Step returns the next step, if head is the first row, or nil if there is none. A time that is
// further away than it can be comes from a clock that was ahead, and does not count.
func (s *State) Step(head *Row, now int64) Step {
	switch {
	case s.Event != nil && s.Next > now && s.Next <= now+longest.Milliseconds():
		return Step{Wait: s.Next}
	case s.Event != nil:
		return Step{Send: true}
	case head == nil:
		return Step{}
	}
	if g := gap(head.Type); s.Told <= now && s.Told+g > now {
		return Step{Wait: s.Told + g}
	}
	return Step{Compose: head}
}

// waits are the times from a failure to the next attempt. After them it is longest. W3.
var waits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// patienceOfAll is how long an event is sent again.
const patienceOfAll = 3 * 24 * time.Hour

// Composed notes the event that is sent next.
func (s *State) Composed(e *Event) {
	s.Event, s.Failures, s.First, s.Next = e, 0, 0, 0
	s.Resumed()
}

// Resumed notes when the event was composed, if there is one.
func (s *State) Resumed() {
	if s.Event != nil && gap(s.Event.Type) > 0 {
		s.Told = s.Event.Composed
	}
}

// Received notes that the receiver has the event.
func (s *State) Received(now int64) {
	s.Drop()
	s.Success = now
}

// Drop notes that the event is not sent again.
func (s *State) Drop() { s.Event, s.Failures, s.First, s.Next = nil, 0, 0, 0 }

// Failed notes that the receiver did not take the event. It returns true if that was the last
// attempt: the event is given up.
func (s *State) Failed(now int64, reason string) (givenUp bool) {
	if s.Failures == 0 || s.First > now {
		s.First = now
	}
	s.Failures++
	s.Error, s.ErrorAt = reason, now
	if now-s.First >= patienceOfAll.Milliseconds() {
		s.Drop()
		return true
	}
	wait := longest
	if s.Failures <= len(waits) {
		wait = waits[s.Failures-1]
	}
	s.Next = now + wait.Milliseconds()
	return false
}

// A Verdict is what the receiver's status means.
type Verdict int

// The verdicts.
const (
	Refused Verdict = iota // send the event again later
	Taken
	Gone // send nothing more
)

// Judge returns the verdict of a status. W3.
func Judge(status int) Verdict {
	switch {
	case 200 <= status && status < 300:
		return Taken
	case status == 410:
		return Gone
	}
	return Refused
}

// MaxWaiting is how many rows an outbox has at most. W4.
const MaxWaiting = 10_000

const (
	// mergeFrom leaves space for what several instances add before the next of them counts.
	mergeFrom = MaxWaiting - 1_000
	// CountEvery is how many rows an instance adds before it counts.
	CountEvery = 128
)

// A Count is how many rows of a type wait, but those with the key Any.
type Count struct {
	Type Type
	Rows int
}

// Merge returns of which type the oldest rows become one with the key Any, and how many rows; 0:
// there is space.
func Merge(counts []Count) (t Type, rows int) {
	all, most := 0, 0
	for _, c := range counts {
		if all += c.Rows; c.Rows > most {
			t, most = c.Type, c.Rows
		}
	}
	if all < mergeFrom {
		return "", 0
	}
	return t, (most + 1) / 2
}
