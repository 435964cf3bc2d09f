//go:build js && wasm

package host

import (
	"context"
	"strings"

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
	room := syncroom.New()
	if strings.HasPrefix(o.Name, syncroom.ProjectPrefix) {
		room.Key = syncroom.ProjectKey
	}
	return &syncRoom{o, room}
}

func (s *syncRoom) Open(conn int32, attachment []byte) {
	if syncroom.Subject(attachment) != "" {
		s.o.Attach(conn, attachment)
	}
	s.do(s.room.Open(conn, attachment))
}

func (s *syncRoom) Message(conn int32, kind int, data []byte) {
	s.do(s.room.Message(conn, kind, data))
}

func (s *syncRoom) Close(int32, int, string) {}

func (s *syncRoom) Call(data []byte) []byte {
	effects, err := s.room.Publish(data)
	if err != nil {
		logf("room %s: publish: %v", s.o.Name, err)
	}
	s.do(effects)
	return nil
}

func (s *syncRoom) Timer() { s.do(s.room.Timer()) }

// Alarm is never asked for.
func (s *syncRoom) Alarm(context.Context) error { return nil }

// do follows the order that syncroom.Effects gives.
func (s *syncRoom) do(e syncroom.Effects) {
	lost := e.Timer > 0 && s.o.SetTimer(e.Timer)
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
	if e.Leave != "" {
		s.close(syncroom.CloseRemoved, syncroom.RemovedReason, func(c abi.Conn) bool { return syncroom.Subject(c.Attachment) == e.Leave })
	}
	if lost {
		e = s.room.Lost()
	}
	if e.Move {
		s.close(syncroom.CloseMoved, syncroom.MovedReason, func(abi.Conn) bool { return true })
	}
}

// close closes those conns.
func (s *syncRoom) close(code int, reason string, which func(abi.Conn) bool) {
	conns, err := s.o.Conns()
	if err != nil {
		logf("room %s: %v", s.o.Name, err)
	}
	for _, c := range conns {
		if which(c) {
			s.o.Close(c.ID, code, reason)
		}
	}
}
