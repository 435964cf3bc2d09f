//go:build js && wasm

package host

import (
	"context"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/syncroom"
)

// A syncRoom does in an object what a syncroom.Room decides.
type syncRoom struct {
	o    *Object
	room *syncroom.Room
}

// NewSyncRoom is the Class of SyncRoom.
func NewSyncRoom(o *Object) Room {
	o.Autoreply(syncroom.Ping, syncroom.Pong)
	s := &syncRoom{o: o}
	s.room = syncroom.New(s.conns)
	if strings.HasPrefix(o.Name, syncroom.ProjectPrefix) {
		s.room.Key = syncroom.ProjectKey
	}
	return s
}

func (s *syncRoom) conns() []abi.Conn {
	conns, err := s.o.Conns()
	if err != nil {
		logf("room %s: %v", s.o.Name, err)
	}
	return conns
}

func (s *syncRoom) Open(conn int32, attachment []byte) {
	s.do(s.room.Open(conn, attachment, time.Now()))
}

func (s *syncRoom) Message(conn int32, kind int, data []byte) {
	s.do(s.room.Message(conn, kind, data))
}

func (s *syncRoom) Close(conn int32, _ int, _ string) { s.do(s.room.Closed(conn)) }

func (s *syncRoom) Call(data []byte) []byte {
	effects, err := s.room.Publish(data, time.Now())
	if err != nil {
		logf("room %s: publish: %v", s.o.Name, err)
	}
	s.do(effects)
	return nil
}

func (s *syncRoom) Timer() { s.do(s.room.Timer()) }

func (s *syncRoom) Alarm(ctx context.Context) error {
	return s.o.Enter(ctx, func() { s.do(s.room.Wake(time.Now())) })
}

// do follows the order that syncroom.Effects gives.
func (s *syncRoom) do(e syncroom.Effects) {
	lost := e.Timer > 0 && s.o.SetTimer(e.Timer)
	if e.Attach != nil {
		s.o.Attach(e.Attach.Conn, e.Attach.Data)
	}
	if e.Alarm != nil {
		s.o.SetAlarm(*e.Alarm)
	}
	for _, send := range e.Send {
		if send.Conn == 0 {
			s.room.Subscribers = s.o.Send(abi.KindText, send.Text)
		} else {
			s.o.Send(abi.KindText, send.Text, send.Conn)
		}
	}
	for _, c := range e.Close {
		s.o.Close(c.Conn, c.Code, c.Reason)
	}
	if lost {
		s.do(s.room.Lost())
	}
}
