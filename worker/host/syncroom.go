//go:build js && wasm

package host

import (
	"context"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
	"tidemark/shared/room"
	"tidemark/shared/syncroom"
)

// A syncRoom performs the effects of a syncroom.Room in an object.
type syncRoom struct {
	o    *Object
	room *syncroom.Room
	// plan, if not nil, returns when the object's alarm comes, from when the room wants one.
	plan func(time.Time) time.Time
}

// NewSyncRoom is the Class of SyncRoom.
func NewSyncRoom(o *Object) Room {
	s := newSyncRoom(o)
	if strings.Contains(o.Name, syncroom.ProjectPrefix) {
		s.room.Key = syncroom.ProjectKey
	}
	return s
}

func newSyncRoom(o *Object) *syncRoom {
	o.Autoreply(syncroom.Ping, syncroom.Pong)
	s := &syncRoom{o: o}
	s.room = syncroom.New(s.conns, o.TimerSet())
	return s
}

func (s *syncRoom) conns() []abi.Conn {
	conns, err := s.o.Conns()
	if err != nil {
		logf("room %s: %v", s.o.Name, err)
	}
	return conns
}

func (s *syncRoom) Connect(conn int32, attachment []byte) {
	s.do(s.room.Connect(conn, attachment, time.Now()))
}

func (s *syncRoom) Message(conn int32, kind int, data []byte) {
	s.do(s.room.Message(conn, kind, data))
}

func (s *syncRoom) Disconnect(conn int32, _ int, _ string) { s.do(s.room.Disconnect(conn)) }

func (s *syncRoom) Call(data []byte) []byte {
	effects, err := s.room.Call(data, time.Now())
	if err != nil {
		logf("room %s: call: %v", s.o.Name, err)
	}
	s.do(effects)
	return nil
}

func (s *syncRoom) Timer() { s.do(s.room.Timer(time.Now())) }

func (s *syncRoom) Alarm(ctx context.Context) error {
	return s.o.Enter(ctx, func() { s.do(s.room.Alarm(time.Now())) })
}

func (s *syncRoom) do(e room.Effects) {
	if e.Alarm != nil && s.plan != nil {
		at := s.plan(*e.Alarm)
		e.Alarm = &at
	}
	out := s.o.perform(e)
	if out.reached >= 0 {
		s.room.Subscribers = out.reached
	}
	s.o.Count(metric.Notifications, float64(out.told))
}
