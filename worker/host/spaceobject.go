//go:build js && wasm

package host

import (
	"context"
	"time"

	"tidemark/shared/session"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
)

// A Program is what an object of class Space runs; *space.Space is one.
type Program interface {
	Serve(w web.ResponseWriter, r *web.Request, attachment []byte)
	// Call answers a message of another object. It returns a message for the room of the
	// subscribers as forRoom.
	Call(data []byte) (reply, forRoom []byte)
	Alarm(ctx context.Context) error
	// Due returns when the program wants its next Alarm; the zero time: it wants none.
	Due() time.Time
}

// A SpaceObject is an object with a Program and with a syncroom.Room for its subscribers.
type SpaceObject struct {
	*Object
	program Program
	room    *syncRoom
	// again is when the object's alarm comes again although the program's failed or was cut
	// off; zero: it was neither.
	again time.Time
}

// alarmPatience is how long after an alarm that failed the next one comes.
const alarmPatience = 2 * time.Minute

// NewSpace returns the Class of objects with a program.
func NewSpace(program func(*SpaceObject) Program) Class {
	return func(o *Object) Room {
		s := &SpaceObject{Object: o, room: newSyncRoom(o)}
		s.program = program(s)
		s.room.plan = s.plan
		return &spaceRoom{s.room, s}
	}
}

// plan returns the time of the object's one alarm, from that of its room.
func (s *SpaceObject) plan(ofRoom time.Time) time.Time {
	due := s.program.Due()
	if due.Before(s.again) {
		due = s.again
	}
	return session.Sooner(ofRoom, due)
}

// Wake has the host call the program's Alarm at that time; the zero time: not at all.
func (s *SpaceObject) Wake(at time.Time) { s.SetAlarm(session.Sooner(at, s.room.room.Ends())) }

// Publish tells the subscribers what changed.
func (s *SpaceObject) Publish(changes []syncroom.Change) {
	s.room.Call(syncroom.AppendChanges(nil, changes))
}

// CloseAll closes the sockets of all subscribers.
func (s *SpaceObject) CloseAll(code int, reason string) {
	for _, c := range s.room.conns() {
		s.Close(c.ID, code, reason)
	}
}

// Subscribers is how many sockets the object has.
func (s *SpaceObject) Subscribers() int { return len(s.room.conns()) }

// A spaceRoom is the Room, and the Server, of a SpaceObject.
type spaceRoom struct {
	*syncRoom
	space *SpaceObject
}

// Serve serves a request that the Worker forwarded.
func (r *spaceRoom) Serve(w web.ResponseWriter, q *web.Request, attachment []byte) {
	r.space.program.Serve(w, q, attachment)
}

func (r *spaceRoom) Call(data []byte) []byte {
	reply, forRoom := r.space.program.Call(data)
	if forRoom != nil {
		return r.syncRoom.Call(forRoom)
	}
	return reply
}

// Alarm is the alarm of both, of the subscribers' room and then of the program. The event of
// the room also sets the next alarm, which comes if the program's Alarm fails or is cut off:
// a host gives up an alarm that fails too often.
func (r *spaceRoom) Alarm(ctx context.Context) error {
	s := r.space
	err := s.Enter(ctx, func() {
		now := time.Now()
		s.again = now.Add(alarmPatience)
		e := r.room.Alarm(now)
		if e.Alarm == nil {
			e.Alarm = &time.Time{}
		}
		r.do(e)
	})
	if err != nil {
		return err
	}
	if err := s.program.Alarm(ctx); err != nil {
		Log.Warn("the alarm of a space failed; it comes again in 2 minutes", "space", s.Name, "error", err)
		return nil
	}
	return s.Enter(ctx, func() {
		s.forgiveAlarm()
		s.again = time.Time{}
		s.SetAlarm(s.plan(r.room.Ends()))
	})
}
